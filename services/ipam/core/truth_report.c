#include "truth_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What names a report: an agent that starts again begins to count anew, at another time. */
typedef struct report_name {
	char boot_id[TRUTH_BOOT_ID_MAX];
	uint64_t number;
	int64_t taken_unix_ms;
} report_name;

typedef struct host_state {
	sot_uuid host;
	truth_report *making; /* NULL: none */
	bool has_part[TRUTH_PARTS_MAX];
	uint16_t parts, parts_seen;
	report_name last; /* the last complete one */
} host_state;

struct truth_book {
	sot_map *hosts; /* owns: uuid to host_state */
	size_t addresses_max, pending;
};

truth_report *truth_report_free(truth_report *r)
{
	if (!r)
		return NULL;
	free(r->used);
	free(r->strangers);
	free(r);
	return NULL;
}

truth_book *truth_book_new(size_t addresses_max)
{
	truth_book *b = sot_alloc(sizeof(*b));
	b->hosts = sot_map_new();
	b->addresses_max = addresses_max;
	return b;
}

truth_book *truth_book_free(truth_book *b)
{
	if (!b)
		return NULL;
	sot_map_iter it = {0};
	for (host_state *h = sot_map_next(b->hosts, &it, NULL); h;
	     h = sot_map_next(b->hosts, &it, NULL)) {
		truth_report_free(h->making);
		free(h);
	}
	sot_map_free(b->hosts);
	free(b);
	return NULL;
}

static host_state *state_of(truth_book *b, sot_uuid host)
{
	host_state *h = sot_map_get_uuid(b->hosts, host);
	if (!h) {
		h = sot_alloc(sizeof(*h));
		h->host = host;
		sot_map_set_uuid(b->hosts, host, h);
	}
	return h;
}

static report_name name_of(const sot_address_report *m)
{
	report_name name = {.number = m->report, .taken_unix_ms = m->taken_unix_ms};
	(void)snprintf(name.boot_id, sizeof(name.boot_id), "%.*s", SOT_ARG(m->boot_id));
	return name;
}

static bool names_equal(const report_name *a, const report_name *b)
{
	return a->number == b->number && a->taken_unix_ms == b->taken_unix_ms &&
	       strcmp(a->boot_id, b->boot_id) == 0;
}

static bool is_of(const truth_report *r, const report_name *name)
{
	report_name own = {.number = r->number, .taken_unix_ms = r->taken_unix_ms};
	memcpy(own.boot_id, r->boot_id, sizeof(own.boot_id));
	return names_equal(&own, name);
}

static void drop(truth_book *b, host_state *h)
{
	if (!h->making)
		return;
	b->pending -= h->making->used_count;
	h->making = truth_report_free(h->making);
	h->parts_seen = 0;
	memset(h->has_part, 0, sizeof(h->has_part));
}

static void begin(host_state *h, const sot_address_report *m, const report_name *name, sot_mono now)
{
	truth_report *r = sot_alloc(sizeof(*r));
	r->host = h->host;
	memcpy(r->boot_id, name->boot_id, sizeof(r->boot_id));
	r->number = name->number;
	r->taken_unix_ms = name->taken_unix_ms;
	r->began = now;
	r->assignment_generation = m->assignment_generation;
	r->epoch = m->epoch;
	h->making = r;
	h->parts = m->parts;
}

static void append(truth_report *r, const sot_address_report *m)
{
	size_t used = r->used_count + m->used_count;
	if (m->used_count > 0) {
		r->used = sot_grow_array(r->used, r->used_count, used, sizeof(*r->used));
		memcpy(&r->used[r->used_count], m->used, m->used_count * sizeof(*r->used));
		r->used_count = used;
	}
	size_t strangers = r->strangers_count + m->strangers_count;
	if (m->strangers_count > 0) {
		r->strangers =
		    sot_grow_array(r->strangers, r->strangers_count, strangers, sizeof(*r->strangers));
		memcpy(&r->strangers[r->strangers_count], m->strangers,
		    m->strangers_count * sizeof(*r->strangers));
		r->strangers_count = strangers;
	}
}

static sot_code check(const truth_book *b, const host_state *h, const sot_address_report *m,
    const report_name *name, sot_err *err)
{
	if (m->part >= m->parts)
		return sot_fail(err, SOT_INVALID, "part %u of a report of %u parts (parts count from 0)",
		    m->part, m->parts);
	bool goes_on = h->making && is_of(h->making, name);
	if (goes_on && m->parts != h->parts)
		return sot_fail(err, SOT_INVALID, "report %llu has %u parts here and %u before",
		    (unsigned long long)m->report, m->parts, h->parts);
	if (goes_on && (m->assignment_generation != h->making->assignment_generation ||
	                   m->epoch != h->making->epoch))
		return sot_fail(err, SOT_INVALID,
		    "report %llu changed its generation or epoch between two parts",
		    (unsigned long long)m->report);
	if (b->pending + m->used_count > b->addresses_max)
		return sot_fail(err, SOT_LIMIT,
		    "%zu addresses of unfinished reports wait for their other parts; report again later",
		    b->pending);
	return SOT_OK;
}

sot_code truth_book_add(truth_book *b, sot_uuid host, const sot_address_report *m, sot_mono now,
    truth_part *ret, truth_report **ret_report, sot_err *err)
{
	host_state *h = state_of(b, host);
	report_name name = name_of(m);
	if (names_equal(&name, &h->last)) {
		*ret = TRUTH_PART_REPEATED;
		return SOT_OK;
	}
	if (h->making && !is_of(h->making, &name)) {
		if (name.taken_unix_ms < h->making->taken_unix_ms) {
			*ret = TRUTH_PART_STALE;
			return SOT_OK;
		}
		drop(b, h);
	}
	sot_code code = check(b, h, m, &name, err);
	if (code != SOT_OK)
		return code;
	if (!h->making)
		begin(h, m, &name, now);
	if (!h->has_part[m->part]) {
		h->has_part[m->part] = true;
		h->parts_seen++;
		append(h->making, m);
		b->pending += m->used_count;
	}
	*ret = TRUTH_PART_TAKEN;
	if (h->parts_seen == h->parts) {
		truth_report *whole = SOT_TAKE(h->making);
		b->pending -= whole->used_count;
		h->parts_seen = 0;
		memset(h->has_part, 0, sizeof(h->has_part));
		h->last = name;
		*ret = TRUTH_PART_COMPLETE;
		*ret_report = whole;
	}
	return SOT_OK;
}

void truth_book_lost(truth_book *b, sot_uuid host)
{
	host_state *h = sot_map_get_uuid(b->hosts, host);
	if (h)
		h->last = (report_name){.number = 0};
}

size_t truth_book_expire(truth_book *b, sot_mono now)
{
	size_t dropped = 0;
	sot_map_iter it = {0};
	for (host_state *h = sot_map_next(b->hosts, &it, NULL); h;
	     h = sot_map_next(b->hosts, &it, NULL)) {
		if (!h->making ||
		    !sot_mono_reached(now, sot_mono_add_ms(h->making->began, TRUTH_ASSEMBLY_MS)))
			continue;
		drop(b, h);
		dropped++;
	}
	return dropped;
}

size_t truth_book_pending(const truth_book *b)
{
	return b->pending;
}
