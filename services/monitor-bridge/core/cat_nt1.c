/* NT1: LEB128 varints and length-prefixed texts.
 *   frame := "NT1" 10 x string  message
 *   t ts type name, children, T status data duration_us      a transaction
 *   E|M|H|L ts type name status data                         everything else
 */
#include "cat_codec_internal.h"

static void put_varint(cat_writer *w, uint64_t v)
{
	char bytes[10];
	size_t n = 0;
	while (v >= 0x80) {
		bytes[n++] = (char)((v & 0x7f) | 0x80);
		v >>= 7;
	}
	bytes[n++] = (char)v;
	cat_put(w, bytes, n);
}

static void put_text(cat_writer *w, sot_str s)
{
	put_varint(w, s.n);
	cat_put_str(w, s);
}

static void put_name(cat_writer *w, sot_str s, cat_repairs *repairs)
{
	char scratch[CAT_NAME_MAX];
	put_text(w, cat_clean_name(s, scratch, &repairs->names_cleaned));
}

static void put_status_and_data(cat_writer *w, const cat_message *m, cat_repairs *repairs)
{
	put_text(w, cat_cut_status(m->status, repairs));
	sot_str guard = cat_data_guard(m, repairs);
	put_varint(w, guard.n + m->data.n);
	cat_put_str(w, guard);
	cat_put_str(w, m->data);
}

static void put_message(cat_writer *w, const cat_message *m, cat_repairs *repairs)
{
	static const char letters[] = {[CAT_TRANSACTION] = 't',
	    [CAT_EVENT] = 'E',
	    [CAT_HEARTBEAT] = 'H',
	    [CAT_METRIC] = 'M',
	    [CAT_TRACE] = 'L'};
	cat_put_char(w, letters[m->kind]);
	put_varint(w, (uint64_t)m->at_unix_ms);
	put_name(w, m->type, repairs);
	put_name(w, m->name, repairs);
	if (m->kind != CAT_TRANSACTION) {
		put_status_and_data(w, m, repairs);
		return;
	}
	for (size_t i = 0; i < m->child_count; i++)
		put_message(w, &m->children[i], repairs);
	cat_put_char(w, 'T');
	put_status_and_data(w, m, repairs);
	put_varint(w, m->duration_us);
}

void cat_nt1_body(
    cat_writer *w, const cat_header *header, const cat_message *root, cat_repairs *repairs)
{
	cat_put_c(w, "NT1");
	sot_str fields[CAT_HEADER_FIELDS];
	cat_header_fields(header, fields);
	for (size_t i = 0; i < CAT_HEADER_FIELDS; i++)
		put_name(w, fields[i], repairs);
	put_message(w, root, repairs);
}
