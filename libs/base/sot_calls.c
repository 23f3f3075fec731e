#include "sot_calls.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 4 /* classes in an octave */ };

struct sot_calls {
	sot_map *kinds; /* owns: name to sot_call_counts */
	size_t kinds_max;
	sot_call_failure *failures; /* owned; room for the power of two above failure_count */
	size_t failure_count;
};

/* 0, 1, 2, 3, then four classes for each octave [4,8) [8,16) ... [32768,65536). */
unsigned sot_call_class(uint64_t ms)
{
	unsigned octave = 0;
	if (ms < STEPS)
		return (unsigned)ms;
	while (ms >> octave >= 2 * STEPS)
		octave++;
	unsigned class = STEPS * (octave + 1) + (unsigned)((ms >> octave) & (STEPS - 1));
	return class < SOT_CALL_CLASSES ? class : SOT_CALL_CLASSES - 1;
}

uint64_t sot_call_class_ms(unsigned class)
{
	if (class < STEPS)
		return class;
	unsigned octave = class / STEPS - 1;
	uint64_t width = UINT64_C(1) << octave;
	return (STEPS + class % STEPS) * width + width / 2;
}

void sot_call_counts_add(sot_call_counts *c, uint64_t ms, uint32_t times)
{
	c->count += times;
	c->classes[sot_call_class(ms)] += times;
}

void sot_call_counts_merge(sot_call_counts *into, const sot_call_counts *from)
{
	into->count += from->count;
	into->failed += from->failed;
	into->us_sum += from->us_sum;
	for (size_t i = 0; i < SOT_CALL_CLASSES; i++)
		into->classes[i] += from->classes[i];
}

sot_calls *sot_calls_new(size_t kinds_max)
{
	sot_calls *c = sot_alloc(sizeof(*c));
	c->kinds = sot_map_new();
	c->kinds_max = kinds_max;
	return c;
}

static void drop_kinds(sot_calls *c)
{
	sot_map_iter it = {0};
	sot_str name;
	for (void *counts; (counts = sot_map_next(c->kinds, &it, &name)) != NULL;) {
		(void)sot_map_remove(c->kinds, name.p, name.n);
		free(counts);
	}
}

sot_calls *sot_calls_free(sot_calls *c)
{
	if (!c)
		return NULL;
	drop_kinds(c);
	sot_map_free(c->kinds);
	free(c->failures);
	free(c);
	return NULL;
}

sot_call_counts *sot_calls_of(sot_calls *c, sot_str name)
{
	if (name.n > SOT_CALL_NAME_MAX)
		name.n = SOT_CALL_NAME_MAX;
	sot_call_counts *counts = sot_map_get(c->kinds, name.p, name.n);
	if (!counts && sot_map_count(c->kinds) >= c->kinds_max) {
		name = SOT_STR("OTHERS");
		counts = sot_map_get(c->kinds, name.p, name.n);
	}
	if (!counts) {
		counts = sot_alloc(sizeof(*counts));
		(void)sot_map_set(c->kinds, name.p, name.n, counts);
	}
	return counts;
}

static uint64_t not_negative(int64_t us)
{
	return us > 0 ? (uint64_t)us : 0;
}

void sot_calls_note(sot_calls *c, sot_str name, int64_t us)
{
	sot_call_counts *counts = sot_calls_of(c, name);
	sot_call_counts_add(counts, not_negative(us) / 1000, 1);
	counts->us_sum += not_negative(us);
}

static void add_failure(sot_calls *c, sot_str name, const sot_call_failure *f)
{
	if (c->failure_count < SOT_CALL_FAILURES_MAX) {
		if ((c->failure_count & (c->failure_count - 1)) == 0)
			c->failures = sot_grow_array(c->failures, c->failure_count,
			    c->failure_count > 0 ? 2 * c->failure_count : 1, sizeof(*c->failures));
		sot_call_failure *to = &c->failures[c->failure_count++];
		*to = *f;
		(void)snprintf(to->name, sizeof(to->name), "%.*s", SOT_ARG(name));
		return;
	}
	sot_call_counts *counts = sot_calls_of(c, name);
	sot_call_counts_add(counts, f->us / 1000, 1);
	counts->us_sum += f->us;
	counts->failed++;
}

void sot_calls_note_failure(sot_calls *c, sot_str name, int64_t us, const char *status, sot_wall at)
{
	sot_call_failure f = {.at_unix_ms = at.unix_ms, .us = not_negative(us)};
	(void)snprintf(f.status, sizeof(f.status), "%s", status);
	add_failure(c, name, &f);
}

void sot_calls_merge(sot_calls *into, const sot_calls *from)
{
	sot_map_iter it = {0};
	sot_str name;
	for (const sot_call_counts *counts; (counts = sot_calls_next(from, &it, &name)) != NULL;)
		sot_call_counts_merge(sot_calls_of(into, name), counts);
	for (size_t i = 0; i < from->failure_count; i++)
		add_failure(into, sot_str_c(from->failures[i].name), &from->failures[i]);
}

const sot_call_counts *sot_calls_next(const sot_calls *c, sot_map_iter *it, sot_str *ret_name)
{
	return sot_map_next(c->kinds, it, ret_name);
}

const sot_call_failure *sot_calls_failures(const sot_calls *c, size_t *ret_count)
{
	*ret_count = c->failure_count;
	return c->failures;
}

bool sot_calls_is_empty(const sot_calls *c)
{
	return sot_map_count(c->kinds) == 0 && c->failure_count == 0;
}

void sot_calls_clear(sot_calls *c)
{
	drop_kinds(c);
	free(c->failures);
	c->failures = NULL;
	c->failure_count = 0;
}
