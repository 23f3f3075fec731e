#include "health.h"

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
	h->round++;
	h->in_flight = false;
	h->successes = h->failures = 0;
	h->started_unix_ms = started;
	h->next_check = now;
	h->start_period_end = sot_mono_add_ms(now, spec->start_period_ms);
	if (!running)
		h->state = SOT_HEALTH_UNKNOWN;
	else
		h->state = has_check(spec) ? SOT_HEALTH_STARTING : SOT_HEALTH_HEALTHY;
}

bool health_take_due(health *h, const sot_health_spec *spec, sot_mono now)
{
	if (h->started_unix_ms == 0 || !has_check(spec) || h->in_flight)
		return false;
	if (!sot_mono_reached(now, h->next_check))
		return false;
	h->in_flight = true;
	h->next_check = sot_mono_add_ms(now, spec->interval_ms);
	return true;
}

void health_result(
    health *h, const sot_health_spec *spec, uint64_t round, bool ok, int64_t took_ms, sot_mono now)
{
	if (round != h->round || !h->in_flight)
		return;
	h->in_flight = false;
	h->check_ms_sum += (uint32_t)(took_ms > 0 ? took_ms : 0);
	if (ok) {
		h->checks_ok++;
		h->failures = 0;
		h->successes++;
		if (h->successes >= spec->healthy_after)
			h->state = SOT_HEALTH_HEALTHY;
		return;
	}
	h->checks_failed++;
	h->successes = 0;
	if (h->state == SOT_HEALTH_STARTING && !sot_mono_reached(now, h->start_period_end))
		return;
	h->failures++;
	if (h->failures >= spec->unhealthy_after)
		h->state = SOT_HEALTH_UNHEALTHY;
}
