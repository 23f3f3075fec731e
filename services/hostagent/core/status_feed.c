#include "status_feed.h"

#include <stdlib.h>

enum { MESSAGE_INSTANCES_MAX = 500, ENTRY_BYTES_MAX = 4096, UNKNOWN_BYTES_MAX = 65536 };

typedef struct entry {
	sot_buf frame; /* of a status message with this one instance: compared and decoded */
	uint64_t version, sent_version, acked_version;
} entry;

struct status_feed {
	sot_map *entries;
	uint64_t seq;
	uint32_t unknown, unknown_sent, unknown_acked; /* how many */
	entry containers;                              /* which; version 0 before the first listing */
	bool full, full_sent; /* all is to be told; the message in flight tells all */
};

static entry *entry_free(entry *e)
{
	if (e) {
		sot_buf_clear(&e->frame);
		free(e);
	}
	return NULL;
}

status_feed *status_feed_new(void)
{
	status_feed *f = sot_alloc(sizeof(*f));
	f->entries = sot_map_new();
	sot_buf_init(&f->containers.frame, UNKNOWN_BYTES_MAX);
	f->full = true;
	return f;
}

status_feed *status_feed_free(status_feed *f)
{
	sot_map_iter it = {0};
	if (!f)
		return NULL;
	for (entry *e; (e = sot_map_next(f->entries, &it, NULL)) != NULL;)
		entry_free(e);
	f->entries = sot_map_free(f->entries);
	sot_buf_clear(&f->containers.frame);
	free(f);
	return NULL;
}

static sot_code render(const sot_instance_status *status, sot_buf *out)
{
	sot_status one = {.boot_id = SOT_STR("-"),
	    .instances = (sot_instance_status *)(uintptr_t)status,
	    .instances_count = 1};
	return sot_status_encode(&one, out, NULL);
}

/* The frame is compared with what was told, so an entry takes it over only when it differs. */
static void put_frame(entry *e, const sot_buf *frame)
{
	if (e->version > 0 && sot_str_eq(sot_buf_str(&e->frame), sot_buf_str(frame)))
		return;
	sot_buf_reset(&e->frame);
	sot_buf_add_str(&e->frame, sot_buf_str(frame));
	e->version++;
}

void status_feed_put(status_feed *f, const sot_instance_status *status)
{
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, ENTRY_BYTES_MAX);
	if (render(status, &frame) != SOT_OK)
		return; /* a text that is no UTF-8: the last good status stands */
	entry *e = sot_map_get_uuid(f->entries, status->instance_id);
	if (!e) {
		e = sot_alloc(sizeof(*e));
		sot_buf_init(&e->frame, ENTRY_BYTES_MAX);
		(void)sot_map_set_uuid(f->entries, status->instance_id, e);
	}
	put_frame(e, &frame);
}

void status_feed_set_unknown(status_feed *f, unknowns *found)
{
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, UNKNOWN_BYTES_MAX);
	sot_status list = {.boot_id = SOT_STR("-"), .unknown_told = true};
	list.unknown = unknowns_list(found, &list.unknown_count);
	f->unknown = unknowns_count(found);
	if (sot_status_encode(&list, &frame, NULL) == SOT_OK)
		put_frame(&f->containers, &frame);
}

void status_feed_restart(status_feed *f)
{
	sot_map_iter it = {0};
	for (entry *e; (e = sot_map_next(f->entries, &it, NULL)) != NULL;)
		e->acked_version = 0;
	f->containers.acked_version = 0;
	f->full = true;
	f->full_sent = false;
}

bool status_feed_is_due(const status_feed *f)
{
	sot_map_iter it = {0};
	if (f->full || f->unknown != f->unknown_acked ||
	    f->containers.version != f->containers.acked_version)
		return true;
	for (const entry *e; (e = sot_map_next(f->entries, &it, NULL)) != NULL;)
		if (e->version != e->acked_version)
			return true;
	return false;
}

static sot_code add(
    entry *e, sot_arena *arena, sot_instance_status *list, size_t *count, sot_err *err)
{
	sot_status one = {0};
	sot_code code = sot_status_decode(sot_buf_str(&e->frame), arena, &one, err);
	if (code != SOT_OK)
		return code;
	list[(*count)++] = one.instances[0];
	e->sent_version = e->version;
	return SOT_OK;
}

static sot_code add_containers(entry *e, sot_arena *arena, sot_status *message, sot_err *err)
{
	sot_status one = {0};
	e->sent_version = 0;
	if (e->version == e->acked_version)
		return SOT_OK;
	sot_code code = sot_status_decode(sot_buf_str(&e->frame), arena, &one, err);
	if (code != SOT_OK)
		return code;
	message->unknown = one.unknown;
	message->unknown_count = one.unknown_count;
	message->unknown_told = true;
	e->sent_version = e->version;
	return SOT_OK;
}

sot_code status_feed_build(status_feed *f, sot_arena *arena, sot_status *ret_message, sot_err *err)
{
	sot_map_iter it = {0};
	size_t count = 0;
	sot_instance_status *list = sot_arena_alloc(arena, MESSAGE_INSTANCES_MAX * sizeof(*list));
	if (!list)
		return sot_fail(err, SOT_LIMIT, "no room for a status message");
	for (entry *e; (e = sot_map_next(f->entries, &it, NULL)) != NULL;) {
		e->sent_version = 0;
		if (e->version == e->acked_version || count == MESSAGE_INSTANCES_MAX)
			continue;
		sot_code code = add(e, arena, list, &count, err);
		if (code != SOT_OK)
			return code;
	}
	sot_code told = add_containers(&f->containers, arena, ret_message, err);
	if (told != SOT_OK)
		return told;
	f->full_sent = f->full && count == sot_map_count(f->entries);
	f->unknown_sent = f->unknown;
	ret_message->seq = ++f->seq;
	ret_message->full = f->full_sent;
	ret_message->unknown_containers = f->unknown;
	ret_message->instances = list;
	ret_message->instances_count = count;
	return SOT_OK;
}

void status_feed_ack(status_feed *f, uint64_t seq)
{
	sot_map_iter it = {0};
	bool all = true;
	if (seq != f->seq || seq == 0)
		return;
	for (entry *e; (e = sot_map_next(f->entries, &it, NULL)) != NULL;) {
		if (e->sent_version > 0)
			e->acked_version = e->sent_version;
		e->sent_version = 0;
		all = all && e->acked_version > 0;
	}
	f->unknown_acked = f->unknown_sent;
	if (f->containers.sent_version > 0)
		f->containers.acked_version = f->containers.sent_version;
	f->containers.sent_version = 0;
	/* More instances than fit one message: told in several, none of them `full`. */
	if (f->full_sent || all)
		f->full = false;
	f->full_sent = false;
}
