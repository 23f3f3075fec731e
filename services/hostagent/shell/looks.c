#include "looks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sot_map.h"

/* Of a link on the host: what its counters were, as a number that differs when one of them does. */
typedef struct row {
	uint64_t mark;
	uint64_t seen; /* by which report */
} row;

typedef struct entry {
	look look; /* first: what the caller has */
	sot_uuid id;
	int64_t started_unix_ms;
	sot_buf groups;     /* the cgroups of that start, which do not change */
	uint64_t link_mark; /* when everything was read; 0: the link was not known */
	sot_mono whole_at;
	uint64_t seen;
} entry;

struct looks {
	const figures_roots *roots;
	sot_map *entries; /* instance id -> entry */
	sot_map *rows;    /* name of a link -> row */
	uint64_t reports;
	int64_t ms;
	sot_mono now;
	sot_wall wall;
};

static void take_row(looks *l, sot_str name, sot_str counters)
{
	row *r = sot_map_get(l->rows, name.p, name.n);
	if (!r) {
		r = sot_alloc(sizeof(*r));
		(void)sot_map_set(l->rows, name.p, name.n, r);
	}
	*r = (row){sot_str_mark(counters), l->reports};
}

void looks_begin(looks *l, sot_str net_dev, int64_t ms, sot_mono now, sot_wall wall)
{
	l->reports++;
	l->ms = ms;
	l->now = now;
	l->wall = wall;
	while (net_dev.n > 0) {
		sot_str line = sot_str_cut(net_dev, '\n', &net_dev), counters;
		sot_str name = sot_str_cut(line, ':', &counters);
		while (name.n > 0 && *name.p == ' ')
			name = (sot_str){name.p + 1, name.n - 1};
		if (counters.n > 0 && figures_is_link_of_instance(name))
			take_row(l, name, counters);
	}
}

static uint64_t mark_now(const looks *l, const char *link)
{
	const row *r = sot_map_get_c(l->rows, link);
	return r && r->seen == l->reports ? r->mark : 0;
}

static entry *entry_of(looks *l, const looks_subject *s)
{
	entry *e = sot_map_get_uuid(l->entries, s->id);
	if (!e) {
		e = sot_alloc(sizeof(*e));
		e->id = s->id;
		(void)sot_map_set_uuid(l->entries, s->id, e);
	}
	if (e->started_unix_ms != s->started_unix_ms) {
		sot_buf_clear(&e->groups);
		*e = (entry){.id = s->id, .started_unix_ms = s->started_unix_ms};
	}
	return e;
}

/* The counter is asked last: it costs a file. */
static bool is_at_rest(const looks *l, const entry *e, uint64_t link_mark)
{
	return link_mark != 0 && link_mark == e->link_mark &&
	       sot_mono_diff_ms(l->now, e->whole_at) < LOOKS_WHOLE_EVERY_MS &&
	       !figures_moved(l->roots, sot_buf_str(&e->groups), &e->look.now);
}

static void average(look *k, int64_t ms)
{
	double kept = exp(-(double)ms / 60000);
	k->load =
	    k->load * kept + (double)(k->now.threads_running + k->now.threads_waiting) * (1 - kept);
}

const look *looks_take(looks *l, const looks_subject *s)
{
	entry *e = entry_of(l, s);
	look *k = &e->look;
	uint64_t link_mark = mark_now(l, s->host_link);
	bool is_first = e->seen == 0;
	e->seen = l->reports;
	k->was = k->now;
	k->is_at_rest = !is_first && is_at_rest(l, e, link_mark);
	if (!k->is_at_rest) {
		if (e->groups.n == 0)
			figures_read_groups(l->roots, s->pid, &e->groups);
		figures_read_instance(l->roots, s->pid, sot_buf_str(&e->groups), &k->now);
		e->link_mark = link_mark;
		e->whole_at = l->now;
	}
	if (is_first && s->started_unix_ms < l->wall.unix_ms - l->ms)
		k->was = k->now;
	average(k, l->ms);
	return k;
}

static void entry_free(entry *e)
{
	sot_buf_clear(&e->groups);
	free(e);
}

void looks_end(looks *l)
{
	sot_map_iter it = {0}, at = {0};
	sot_str name;
	for (entry *e; (e = sot_map_next(l->entries, &it, NULL)) != NULL;)
		if (e->seen != l->reports)
			entry_free(sot_map_remove_uuid(l->entries, e->id));
	for (row *r; (r = sot_map_next(l->rows, &at, &name)) != NULL;)
		if (r->seen != l->reports)
			free(sot_map_remove(l->rows, name.p, name.n));
}

looks *looks_new(const figures_roots *roots)
{
	looks *l = sot_alloc(sizeof(*l));
	l->roots = roots;
	l->entries = sot_map_new();
	l->rows = sot_map_new();
	return l;
}

looks *looks_free(looks *l)
{
	if (!l)
		return NULL;
	l->reports++; /* nothing was asked for since: all of it goes */
	looks_end(l);
	l->entries = sot_map_free(l->entries);
	l->rows = sot_map_free(l->rows);
	free(l);
	return NULL;
}
