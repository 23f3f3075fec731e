#include "leak.h"

#include "sot_map.h"

#include <stdio.h>
#include <stdlib.h>

static leak_verdict decide(leak_case *c, leak_verdict verdict, const char *why)
{
	c->verdict = verdict;
	c->why = why;
	return verdict;
}

/* What the row's host says: LEAK_FREE when it does not use the address. */
static leak_verdict ask_host(leak_case *c, const leak_rules *rules)
{
	if (sot_uuid_is_zero(c->host))
		return decide(c, LEAK_FREE, "it was never bound");
	if (!c->host_exists)
		return decide(c, LEAK_SUSPECT, "its host is retired: nobody can tell");
	if (c->report_taken_unix_ms == 0)
		return decide(c, LEAK_SUSPECT, "its host has never reported: nobody can tell");
	if (c->report_taken_unix_ms <= c->row_updated_unix_ms + rules->margin_ms ||
	    c->report_received_unix_ms < c->first_unix_ms + LEAK_SETTLE_MS)
		return decide(c, LEAK_WAIT, "its host has not reported since");
	return decide(c, LEAK_FREE, "its host does not use it");
}

/* Of a suspect row nothing is worse than what it is; what speaks against it is waited out. */
static void judge_suspect(leak_case *c)
{
	if (c->verdict != LEAK_SUSPECT)
		return;
	c->verdict = LEAK_WAIT;
	if (c->seen_unix_ms > 0)
		c->observe = c->begins_anew = true;
}

static void judge(leak_case *c, const leak_rules *rules, int64_t now)
{
	unsigned observations = c->observations;
	c->begins_anew = false;
	c->observe = observations == 0 || now - c->last_unix_ms >= rules->interval_ms;
	observations += c->observe;
	bool is_silent = c->silent_unix_ms > c->first_unix_ms && c->observations > 0 &&
	                 now - c->silent_unix_ms <= 2 * rules->interval_ms;
	c->wants_probe = c->seen_unix_ms == 0 && !is_silent;
	if (observations < 2) {
		(void)decide(c, LEAK_WAIT, "its owner is gone; observed once");
	} else if (c->seen_unix_ms > 0) {
		(void)decide(c, LEAK_SUSPECT, "its owner is gone, and somebody uses it");
	} else if (ask_host(c, rules) == LEAK_FREE) {
		if (is_silent)
			c->why = "its owner is gone, its host does not use it, a probe was silent";
		else
			(void)decide(c, LEAK_WAIT, "no host has probed it yet");
	}
	if (c->verdict == LEAK_SUSPECT)
		c->wants_probe = false;
	if (c->is_suspect)
		judge_suspect(c);
}

/* ---- the brake ---- */

typedef struct subnet_count {
	uint64_t size;
	size_t free;
} subnet_count;

static uint64_t allowed_of(uint64_t size)
{
	uint64_t allowed = size / 100 * LEAK_SUBNET_PERCENT;
	return allowed > 0 ? allowed : 1;
}

static void count_subnets(sot_map *subnets, const leak_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (cases[i].verdict != LEAK_FREE || cases[i].is_released)
			continue;
		subnet_count *s = sot_map_get_uuid(subnets, cases[i].subnet);
		if (!s) {
			s = sot_alloc(sizeof(*s));
			s->size = cases[i].subnet_size;
			sot_map_set_uuid(subnets, cases[i].subnet, s);
		}
		s->free++;
	}
}

/* Whether what would go is too much, with the reason. Frees the counts. */
static bool is_too_much(sot_map *subnets, char *reason, size_t reason_size)
{
	size_t total = 0;
	bool too_much = false;
	sot_map_iter it = {0};
	for (subnet_count *s = sot_map_next(subnets, &it, NULL); s;
	     s = sot_map_next(subnets, &it, NULL)) {
		total += s->free;
		if (s->free > allowed_of(s->size)) {
			too_much = true;
			(void)snprintf(reason, reason_size,
			    "%zu addresses of a subnet of %llu would be freed at once; %llu may be", s->free,
			    (unsigned long long)s->size, (unsigned long long)allowed_of(s->size));
		}
		free(s);
	}
	if (total > LEAK_RUN_MAX) {
		too_much = true;
		(void)snprintf(reason, reason_size, "%zu addresses would be freed at once; %d may be",
		    total, LEAK_RUN_MAX);
	}
	return too_much;
}

static void hold_all(leak_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (cases[i].verdict == LEAK_FREE && !cases[i].is_released)
			cases[i].verdict = LEAK_HELD;
	}
}

void leak_plan(
    leak_case *cases, size_t count, const leak_rules *rules, int64_t now_unix_ms, leak_totals *ret)
{
	*ret = (leak_totals){.free = 0};
	for (size_t i = 0; i < count; i++)
		judge(&cases[i], rules, now_unix_ms);
	SOT_AUTO(sot_map) subnets = sot_map_new();
	count_subnets(subnets, cases, count);
	bool too_much = is_too_much(subnets, ret->reason, sizeof(ret->reason));
	ret->brakes = too_much && !rules->is_braked;
	if (too_much || rules->is_braked)
		hold_all(cases, count);
	for (size_t i = 0; i < count; i++) {
		ret->free += cases[i].verdict == LEAK_FREE;
		ret->held += cases[i].verdict == LEAK_HELD;
		ret->suspect += cases[i].verdict == LEAK_SUSPECT;
		ret->waiting += cases[i].verdict == LEAK_WAIT;
	}
}
