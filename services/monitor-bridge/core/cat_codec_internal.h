/* What cat_codec.c shares with the two body writers. */
#ifndef MONITOR_CAT_CODEC_INTERNAL_H
#define MONITOR_CAT_CODEC_INTERNAL_H

#include "cat_message.h"
#include "cat_text.h"
#include "cat_writer.h"

void cat_nt1_body(
    cat_writer *w, const cat_header *header, const cat_message *root, cat_repairs *repairs);
void cat_pt1_body(
    cat_writer *w, const cat_header *header, const cat_message *root, cat_repairs *repairs);

/* The header's ten texts in wire order. */
#define CAT_HEADER_FIELDS 10
static inline void cat_header_fields(const cat_header *h, sot_str ret[static CAT_HEADER_FIELDS])
{
	const sot_str fields[CAT_HEADER_FIELDS] = {h->domain, h->host_name, h->address, h->thread_group,
	    h->thread_id, h->thread_name, h->message_id, h->parent_id, h->root_id, h->session};
	memcpy(ret, fields, sizeof(fields));
}

static inline sot_str cat_cut_status(sot_str status, cat_repairs *repairs)
{
	if (status.n <= CAT_STATUS_MAX)
		return status;
	repairs->statuses_cut++;
	return (sot_str){status.p, CAT_STATUS_MAX};
}

/* A leading '@' means "aggregate" to the server: plain data gets a blank before it. */
static inline sot_str cat_data_guard(const cat_message *m, cat_repairs *repairs)
{
	if (m->data_is_aggregate || m->data.n == 0 || m->data.p[0] != '@')
		return (sot_str){NULL, 0};
	repairs->data_guarded++;
	return SOT_STR(" ");
}

#endif
