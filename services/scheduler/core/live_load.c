/* The live load of hosts, from the reports of their agents: smoothed, with the trend, and with what
 * was placed since and is in no report yet.
 *
 * A host whose last report is older than three periods has no known load: it is placed on by what
 * is booked, and is never taken for idle. Pure: fed by controller_host_report and the tick.
 */
#include "parts.h"

#include <math.h>
#include <string.h>

#define LEVEL_TAU_S 30.0 /* a step of the load is in the level to two thirds after this */
#define TREND_TAU_S 60.0
#define AHEAD_S 30.0 /* how far a rising trend is followed */
#define STALE_PERIODS 3
#define STEP_PERMILLE 10 /* smaller changes are not told to the placer */
#define FRESH_MS 120000  /* a host that came (back) is filled at a quarter of its rate */

enum { LOAD_CPU, LOAD_MEMORY, LOAD_IO };
_Static_assert((int)LOAD_IO + 1 == (int)PLACER_LOADS, "the loads of the placer");

static double capped(double permille)
{
	return permille < 0 ? 0 : permille > 1000 ? 1000 : permille;
}

/* What a report says, in thousandths. I/O: how much of one processor's time waited for disks. */
static void sample_of(const sot_host_report *m, double ret[PLACER_LOADS])
{
	ret[LOAD_CPU] =
	    capped((double)m->cpu_user_permille + m->cpu_system_permille + m->cpu_steal_permille);
	ret[LOAD_MEMORY] = m->memory_total_bytes == 0
	                       ? 0
	                       : capped(1000.0 - 1000.0 * (double)m->memory_available_bytes /
	                                             (double)m->memory_total_bytes);
	ret[LOAD_IO] = capped((double)m->cpu_iowait_permille * m->cpu_cores);
}

/* Holt's two-parameter smoothing over unequal steps. */
static void smooth(double *level, double *trend, double sample, double dt_s)
{
	double a = 1 - exp(-dt_s / LEVEL_TAU_S), b = 1 - exp(-dt_s / TREND_TAU_S), before = *level;

	*level = a * sample + (1 - a) * (before + *trend * dt_s);
	*trend = b * (*level - before) / dt_s + (1 - b) * *trend;
}

/* What ran during the report is in the level to the share that the level took of it. */
static void age_placements(const controller *c, host *h, double share)
{
	for (sot_link *l = h->instances.next; l != &h->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_host);
		if (!i->errand || instance_is_starting(i))
			continue;
		i->errand->unsampled *= 1 - share;
		errand_end(c, i);
	}
}

static bool is_over_limit(const controller *c, const host *h)
{
	uint16_t limit = c->config.load_limit_permille, now[PLACER_LOADS];
	bool over = false;

	load_predict(h, now);
	for (int k = 0; k < PLACER_LOADS; k++)
		over |= now[k] != PLACER_LOAD_UNKNOWN && now[k] >= limit;
	return over;
}

/* The placer hears of it, and so does who waits for less load. */
static void load_changed(controller *c, host *h, bool was_over)
{
	fleet_mark_host(c, h);
	if (was_over && !is_over_limit(c, h))
		c->freed |= 1u << PLACER_REASON_LOAD;
}

static void take_report(controller *c, host *h, const sot_host_report *m)
{
	bool was_over = is_over_limit(c, h);
	double sample[PLACER_LOADS];
	double dt_s = m->interval_ms < 1000 ? 1 : m->interval_ms > 600000 ? 600 : m->interval_ms / 1e3;

	sample_of(m, sample);
	for (int k = 0; k < PLACER_LOADS; k++) {
		if (h->load.known) {
			smooth(&h->load.level[k], &h->load.trend[k], sample[k], dt_s);
		} else {
			h->load.level[k] = sample[k];
			h->load.trend[k] = 0;
		}
	}
	age_placements(c, h, h->load.known ? 1 - exp(-dt_s / LEVEL_TAU_S) : 1);
	h->load.known = true;
	h->load.at = c->now.mono;
	h->load.period_ms = (int64_t)(dt_s * 1000);
	load_changed(c, h, was_over);
}

sot_code controller_host_report(
    controller *c, controller_now now, sot_uuid host_id, sot_str frame, sot_err *err)
{
	host *h = model_host(c, host_id);
	sot_host_report m = {0};

	c->now = now;
	if (!h || h->row.revoked || h->row.state == HOST_RETIRED)
		return sot_fail(err, SOT_NOT_FOUND, "no such host, or it was retired");
	sot_code code = sot_host_report_decode(frame, c->arena, &m, err);
	if (code == SOT_OK)
		take_report(c, h, &m);
	sot_arena_reset(c->arena);
	return code;
}

/* The use that an instance is expected to add: its share of what may be booked. */
static void add_expected(const host_row *r, const instance *i, double weight, double *permille)
{
	double cpu = (double)r->cpu_milli * r->cpu_overcommit_permille / 1000;
	double memory = (double)r->memory_bytes * r->memory_overcommit_permille / 1000;

	if (cpu > 0)
		permille[LOAD_CPU] += 1000 * weight * i->row.make->cpu_milli / cpu;
	if (memory > 0)
		permille[LOAD_MEMORY] += 1000 * weight * (double)i->row.make->memory_bytes / memory;
}

void load_predict(const host *h, uint16_t ret[PLACER_LOADS])
{
	double ahead[PLACER_LOADS];

	for (int k = 0; k < PLACER_LOADS; k++)
		ret[k] = PLACER_LOAD_UNKNOWN;
	if (!h->load.known)
		return;
	for (int k = 0; k < PLACER_LOADS; k++) {
		double rise = h->load.trend[k] > 0 ? h->load.trend[k] * AHEAD_S : 0;
		ahead[k] = h->load.level[k] + rise;
	}
	for (const sot_link *l = h->instances.next; l != &h->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_host);
		if (!errand_is_sampled(i))
			add_expected(&h->row, i, i->errand->unsampled, ahead);
	}
	for (const sot_link *l = h->arrivals.next; l != &h->arrivals; l = l->next)
		add_expected(&h->row, SOT_CONTAINER(l, errand, of_target)->of, 1, ahead);
	for (int k = 0; k < PLACER_LOADS; k++)
		ret[k] = (uint16_t)(floor(capped(ahead[k]) / STEP_PERMILLE) * STEP_PERMILLE);
}

bool load_is_fresh(const controller *c, const host *h)
{
	return h->load.is_back && sot_mono_diff_ms(c->now.mono, h->load.back_at) < FRESH_MS;
}

void load_host_is_back(controller *c, host *h)
{
	h->load.is_back = true;
	h->load.back_at = c->now.mono;
}

void load_tick(controller *c)
{
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (h->load.known &&
		    sot_mono_diff_ms(c->now.mono, h->load.at) > STALE_PERIODS * h->load.period_ms) {
			bool was_over = is_over_limit(c, h);
			h->load.known = false;
			load_changed(c, h, was_over);
		}
		if (h->load.is_back && !load_is_fresh(c, h)) {
			h->load.is_back = false;
			c->capacity_changed = true;
			fleet_mark_host(c, h);
		}
	}
}
