/* What the rules of elastic scaling say, by what was measured. */
#include "elastic_internal.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS 60000

void elastic_forget_measured(elastic *e)
{
	for (size_t k = 0; k < e->count; k++)
		for (size_t r = 0; r < ELASTIC_RULES_MAX; r++)
			free(e->members[k].of_rule[r]);
	for (size_t r = 0; r < ELASTIC_RULES_MAX; r++)
		free(e->rules[r].of_app);
	memset(e->rules, 0, sizeof(e->rules));
	e->count = 0;
}

/* ---- what is measured ---- */

static seen *find(elastic *e, sot_uuid id)
{
	for (size_t k = 0; k < e->count; k++)
		if (sot_uuid_eq(e->members[k].id, id))
			return &e->members[k];
	return NULL;
}

seen *elastic_seen(elastic *e, sot_uuid id)
{
	seen *m = find(e, id);

	if (m)
		return m;
	if (e->count == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 8;
		e->members = sot_grow_array(e->members, e->cap, cap, sizeof(*e->members));
		e->cap = cap;
	}
	m = &e->members[e->count++];
	*m = (seen){.id = id};
	return m;
}

void elastic_take_sample(elastic *e, elastic_now now, const elastic_event *event)
{
	seen *m = elastic_seen(e, event->id);

	for (size_t r = 0; r < e->policy.rule_count; r++) {
		enum sot_elastic_metric metric = e->policy.rules[r].metric;
		if (metric == SOT_ELASTIC_METRIC_CPU || metric == SOT_ELASTIC_METRIC_MEMORY)
			series_add(&m->of_rule[r], now.mono_ms, event->period_ms,
			    metric == SOT_ELASTIC_METRIC_CPU ? event->cpu_milli : event->memory_milli);
	}
}

void elastic_take_value(elastic *e, elastic_now now, const elastic_event *event)
{
	for (size_t r = 0; r < e->policy.rule_count; r++) {
		const elastic_rule *rule = &e->policy.rules[r];
		if (rule->metric != SOT_ELASTIC_METRIC_CUSTOM || strcmp(rule->value, event->value) != 0)
			continue;
		series **to = sot_uuid_is_zero(event->id) ? &e->rules[r].of_app
		                                          : &elastic_seen(e, event->id)->of_rule[r];
		/* A value holds as long as the rule's window: who sends how often is not known. */
		series_add(to, now.mono_ms, 0, event->milli);
	}
}

/* ---- what the rules say ---- */

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

static uint32_t capped(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

typedef struct crew {
	size_t all, stopped, heard; /* heard: of those that work */
	uint64_t sum;
} crew;

static crew crew_of(const elastic *e, elastic_now now, size_t r)
{
	const elastic_rule *rule = &e->policy.rules[r];
	crew c = {.all = 0};
	uint64_t mean;

	for (size_t k = 0; k < e->count; k++) {
		const seen *m = &e->members[k];
		if (!m->present)
			continue;
		c.all++;
		if (m->part == ELASTIC_STOPPED) {
			c.stopped++;
		} else if (m->part == ELASTIC_WORKS &&
		           series_mean(m->of_rule[r], now.mono_ms, rule->window_s * 1000ll,
		               e->since_mono_ms, &mean)) {
			c.heard++;
			c.sum += mean;
		}
	}
	return c;
}

/* +1: above the target by more than the tolerance, -1: below. 128 bits: a sum of 10,000 values of
 * 10^15 times a hundred. */
static int side_of(const elastic_policy *p, uint64_t load, uint64_t target)
{
	unsigned __int128 a = (unsigned __int128)load * 100, t = target;

	if (a > t * (100u + p->tolerance_percent))
		return 1;
	return a < t * (100u - p->tolerance_percent) ? -1 : 0;
}

/* The wanted count for a load of `sum` in all, of which each instance shall have `target`. */
static uint32_t count_for(const elastic_policy *p, uint64_t sum, uint64_t target, size_t works)
{
	return side_of(p, sum, target * works) == 0 ? (uint32_t)works : capped(ceil_div(sum, target));
}

/* Loads of the instances. Who is not heard of is taken to carry nothing: right when more are
 * wanted; fewer never follow from a vote that is not known. */
static vote vote_of_crew(const elastic *e, elastic_now now, size_t r)
{
	const elastic_rule *rule = &e->policy.rules[r];
	crew c = crew_of(e, now, r);
	size_t works = c.all - c.stopped;
	vote v = {.votes = true, .heard = c.heard, .wanted = (uint32_t)c.all};
	bool is_sum = rule->metric == SOT_ELASTIC_METRIC_CUSTOM && rule->sum == SOT_ELASTIC_SUM_SUM;

	if (c.heard == 0)
		return v;
	v.load_milli = is_sum ? c.sum : c.sum / c.heard;
	v.wanted = (uint32_t)c.stopped + count_for(&e->policy, c.sum, rule->target_milli, works);
	v.known = c.heard == works;
	return v;
}

static vote vote_of_value(const elastic *e, elastic_now now, size_t r)
{
	const elastic_rule *rule = &e->policy.rules[r];
	crew c = crew_of(e, now, r);
	size_t works = c.all - c.stopped;
	vote v = {.votes = true, .wanted = (uint32_t)c.all};

	bool is_sum = rule->sum == SOT_ELASTIC_SUM_SUM;
	/* What is told of the whole app is as true after a change of the count as before it. */
	int64_t since_ms = is_sum ? INT64_MIN : e->since_mono_ms;
	if (!series_mean(
	        e->rules[r].of_app, now.mono_ms, rule->window_s * 1000ll, since_ms, &v.load_milli))
		return vote_of_crew(e, now, r);
	uint64_t sum = is_sum ? v.load_milli : v.load_milli * works;
	v.known = true;
	v.wanted = (uint32_t)c.stopped + count_for(&e->policy, sum, rule->target_milli, works);
	return v;
}

/* Looks at every minute since the last look, or since the schedule could last still. */
static bool schedule_is_on(elastic *e, elastic_now now, size_t r)
{
	const elastic_rule *rule = &e->policy.rules[r];
	int64_t minute = now.unix_ms / MINUTE_MS, lasts = rule->for_s / 60;

	int64_t from = e->rules[r].checked_minute + 1;
	if (from < minute - lasts + 1)
		from = minute - lasts + 1;
	for (int64_t m = from; m <= minute; m++)
		if (cron_is_due(&rule->cron, rule->zone, m))
			e->rules[r].begun_minute = m;
	e->rules[r].checked_minute = minute;
	return e->rules[r].begun_minute > 0 && minute < e->rules[r].begun_minute + lasts;
}

vote elastic_vote(elastic *e, elastic_now now, size_t r)
{
	const elastic_rule *rule = &e->policy.rules[r];

	if (rule->metric == SOT_ELASTIC_METRIC_SCHEDULE) {
		bool on = schedule_is_on(e, now, r);
		return (vote){.votes = on, .known = true, .wanted = on ? rule->count : 0};
	}
	return rule->metric == SOT_ELASTIC_METRIC_CUSTOM ? vote_of_value(e, now, r)
	                                                 : vote_of_crew(e, now, r);
}
