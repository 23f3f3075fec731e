#include "report_calls.h"

enum { KINDS_MAX = 32 /* of the schema */ };

static uint32_t narrow(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* NULL past the arena's ceiling: then the list is left out. */
static void *list_of(sot_arena *arena, size_t count, size_t size)
{
	return sot_arena_alloc(arena, (count + 1) * size);
}

static size_t fill_durations(
    const sot_call_counts *counts, sot_arena *arena, sot_duration_count **ret)
{
	size_t n = 0, used = 0;
	for (unsigned class = 0; class < SOT_CALL_CLASSES; class ++)
		used += counts->classes[class] > 0;
	*ret = list_of(arena, used, sizeof(**ret));
	for (unsigned class = 0; *ret && class < SOT_CALL_CLASSES; class ++) {
		if (counts->classes[class] > 0)
			(*ret)[n++] =
			    (sot_duration_count){(uint32_t)sot_call_class_ms(class), counts->classes[class]};
	}
	return n;
}

static void fill_kinds(const sot_calls *calls, sot_arena *arena, sot_host_report *m)
{
	sot_map_iter it = {0};
	sot_str name;
	const sot_call_counts *counts;
	m->docker_calls = list_of(arena, KINDS_MAX, sizeof(*m->docker_calls));
	while (m->docker_calls && m->docker_calls_count < KINDS_MAX &&
	       (counts = sot_calls_next(calls, &it, &name)) != NULL) {
		sot_call_report *r = &m->docker_calls[m->docker_calls_count++];
		*r = (sot_call_report){
		    .name = name, .failed = narrow(counts->failed), .us_sum = counts->us_sum};
		r->durations_count = fill_durations(counts, arena, &r->durations);
	}
}

void report_docker_calls(const sot_calls *calls, sot_arena *arena, sot_host_report *m)
{
	size_t failed;
	const sot_call_failure *list = sot_calls_failures(calls, &failed);
	fill_kinds(calls, arena, m);
	m->docker_failures = list_of(arena, failed, sizeof(*m->docker_failures));
	for (size_t i = 0; m->docker_failures && i < failed; i++)
		m->docker_failures[m->docker_failures_count++] =
		    (sot_failed_call){.name = sot_str_c(list[i].name),
		        .status = sot_str_c(list[i].status),
		        .at_unix_ms = list[i].at_unix_ms,
		        .us = list[i].us};
}

void report_checks(const health *h, sot_str app, sot_arena *arena, sot_instance_report *m)
{
	m->check_durations_count = fill_durations(&h->checks, arena, &m->check_durations);
	m->check_failures = list_of(arena, h->failures_told_count, sizeof(*m->check_failures));
	for (size_t i = 0; m->check_failures && i < h->failures_told_count; i++)
		m->check_failures[m->check_failures_count++] = (sot_failed_call){.name = app,
		    .status = sot_arena_dup(arena, sot_str_c(h->failures_told[i].status)),
		    .at_unix_ms = h->failures_told[i].at_unix_ms,
		    .us = h->failures_told[i].us};
}
