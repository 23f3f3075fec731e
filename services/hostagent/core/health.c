#include "health.h"

#include <stdio.h>

enum {
	FIRST_START_WAIT_MS = 50,
	START_WAIT_GROWS_BY = 4, /* a quarter */
	GRID_MS = 500,           /* of intervals of at least ten times that; of shorter ones this: */
	FINE_GRID_MS = 200,
	DOUBLINGS_MAX = 6,
	LOOKS_MAX = 11
};

static bool has_check(const sot_health_spec *spec)
{
	return spec->kind != SOT_HEALTH_CHECK_NONE;
}

void health_observe(
    health *h, const sot_health_spec *spec, bool running, int64_t started_unix_ms, sot_mono now)
{
	int64_t started = running ? started_unix_ms : 0;
	if (running && started == h->started_unix_ms) {
		if (!has_check(spec))
			h->state = SOT_HEALTH_HEALTHY; /* running is all that was asked for */
		return;
	}
	if (!running && h->started_unix_ms == 0)
		return;
	h->restarts += health_asks_restart(h, spec);
	h->round++;
	h->in_flight = false;
	h->successes = h->failures = 0;
	h->started_unix_ms = started;
	h->next_check = now;
	h->start_wait_ms = FIRST_START_WAIT_MS;
	h->start_period_end = sot_mono_add_ms(now, spec->start_period_ms);
	if (!running)
		h->state = SOT_HEALTH_UNKNOWN;
	else
		h->state = has_check(spec) ? SOT_HEALTH_STARTING : SOT_HEALTH_HEALTHY;
}

static bool awaits_check(const health *h, const sot_health_spec *spec)
{
	return h->started_unix_ms != 0 && has_check(spec) && !h->in_flight;
}

/* Regular checks begin at common instants, so that a host with a hundred instances wakes up twice a
 * second for them, not a hundred times. */
static sot_mono after_interval(const sot_health_spec *spec, sot_mono now)
{
	sot_mono next = sot_mono_add_ms(now, spec->interval_ms);
	if (spec->interval_ms >= 10 * GRID_MS)
		next.ms -= next.ms % GRID_MS;
	else if (spec->interval_ms >= 10 * FINE_GRID_MS)
		next.ms -= next.ms % FINE_GRID_MS;
	return next;
}

static sot_mono take_next(health *h, const sot_health_spec *spec, sot_mono now)
{
	int64_t wait = h->start_wait_ms;
	bool is_starting =
	    h->state == SOT_HEALTH_STARTING && !sot_mono_reached(now, h->start_period_end);
	if (!is_starting || wait >= spec->interval_ms)
		return after_interval(spec, now);
	h->start_wait_ms += h->start_wait_ms / START_WAIT_GROWS_BY;
	return sot_mono_add_ms(now, wait);
}

bool health_take_due(health *h, const sot_health_spec *spec, sot_mono now)
{
	if (!awaits_check(h, spec) || !sot_mono_reached(now, h->next_check))
		return false;
	h->in_flight = true;
	h->next_check = take_next(h, spec, now);
	return true;
}

int64_t health_next_due_ms(const health *h, const sot_health_spec *spec, sot_mono now)
{
	if (!awaits_check(h, spec))
		return INT64_MAX;
	int64_t wait = sot_mono_diff_ms(h->next_check, now);
	return wait > 0 ? wait : 0;
}

/* A command is a process: one that goes on failing is run less often, at most 8 times as seldom. */
static void back_off(health *h, const sot_health_spec *spec)
{
	unsigned beyond = h->failures > spec->unhealthy_after ? h->failures - spec->unhealthy_after : 0;
	unsigned doublings = beyond < 3 ? beyond : 3;
	int64_t more_ms = (int64_t)spec->interval_ms * ((1 << doublings) - 1);
	if (spec->kind == SOT_HEALTH_CHECK_COMMAND && h->state == SOT_HEALTH_UNHEALTHY)
		h->next_check = sot_mono_add_ms(h->next_check, more_ms);
}

bool health_result(
    health *h, const sot_health_spec *spec, uint64_t round, bool ok, int64_t took_ms, sot_mono now)
{
	if (round != h->round || !h->in_flight)
		return false;
	h->in_flight = false;
	h->check_ms_sum += (uint32_t)(took_ms > 0 ? took_ms : 0);
	if (ok) {
		h->checks_ok++;
		h->failures = 0;
		h->successes++;
		if (h->successes >= spec->healthy_after) {
			h->state = SOT_HEALTH_HEALTHY;
			h->restarts = 0;
		}
		return true;
	}
	h->checks_failed++;
	h->successes = 0;
	if (h->state == SOT_HEALTH_STARTING && !sot_mono_reached(now, h->start_period_end))
		return true;
	h->failures++;
	if (h->failures >= spec->unhealthy_after)
		h->state = SOT_HEALTH_UNHEALTHY;
	back_off(h, spec);
	return true;
}

bool health_asks_restart(const health *h, const sot_health_spec *spec)
{
	unsigned doublings = h->restarts < DOUBLINGS_MAX ? h->restarts : DOUBLINGS_MAX;
	return has_check(spec) && spec->restart_after > 0 && h->state == SOT_HEALTH_UNHEALTHY &&
	       h->failures >= (unsigned)spec->restart_after << doublings;
}

bool health_look_will_do(health *h)
{
	bool ok = h->state == SOT_HEALTH_HEALTHY && h->failures == 0 && h->looks < LOOKS_MAX;
	h->looks = ok ? h->looks + 1 : 0;
	return ok;
}

void health_keep_answer(health *h, const char *status, int64_t took_ms, sot_wall at)
{
	uint64_t ms = took_ms > 0 ? (uint64_t)took_ms : 0;
	if (status && h->failures_told_count < HEALTH_FAILURES_MAX) {
		health_failure *f = &h->failures_told[h->failures_told_count++];
		(void)snprintf(f->status, sizeof(f->status), "%s", status);
		f->at_unix_ms = at.unix_ms;
		f->us = ms * 1000;
		return;
	}
	sot_call_counts_add(&h->checks, ms, 1);
	h->checks.us_sum += ms * 1000;
	h->checks.failed += status != NULL;
}

void health_reported(health *h)
{
	h->checks_ok = h->checks_failed = h->check_ms_sum = 0;
	h->checks = (sot_call_counts){0};
	h->failures_told_count = 0;
}
