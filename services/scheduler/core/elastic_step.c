/* Elastic scaling: from loads to a count. */
#include "elastic_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A gap in what is known that is no longer than this does not begin the wait for fewer anew. */
#define GAP_MS 60000

elastic *elastic_new(void)
{
	return sot_alloc(sizeof(elastic));
}

elastic *elastic_free(elastic *e)
{
	if (!e)
		return NULL;
	elastic_forget_measured(e);
	free(e->members);
	free(e);
	return NULL;
}

const elastic_policy *elastic_policy_of(const elastic *e)
{
	return &e->policy;
}

const elastic_kept *elastic_kept_of(const elastic *e)
{
	return &e->kept;
}

/* ---- in words ---- */

static void add(char text[static ELASTIC_TEXT_MAX], const char *fmt, ...) SOT_PRINTF(2, 3);
static void add(char text[static ELASTIC_TEXT_MAX], const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text + n, ELASTIC_TEXT_MAX - n, fmt, args);
	va_end(args);
}

/* 83, 4.2, 0.35 */
static const char *figure(uint64_t milli, char dst[static 32])
{
	if (milli >= 10000)
		(void)snprintf(dst, 32, "%" PRIu64, (milli + 500) / 1000);
	else if (milli % 1000 == 0)
		(void)snprintf(dst, 32, "%" PRIu64, milli / 1000);
	else
		(void)snprintf(dst, 32, "%.2f", (double)milli / 1000.0);
	return dst;
}

static void say_rule(char *text, const elastic_rule *rule, const vote *v)
{
	char load[32], target[32];
	bool is_custom = rule->metric == SOT_ELASTIC_METRIC_CUSTOM;
	bool is_sum = is_custom && rule->sum == SOT_ELASTIC_SUM_SUM;

	(void)figure(v->load_milli, load);
	(void)figure(rule->target_milli, target);
	if (rule->metric == SOT_ELASTIC_METRIC_SCHEDULE) {
		add(text, "schedule '%s' is on: at least %u", rule->name, rule->count);
	} else if (!is_custom) {
		add(text, "%s %s %% of plan over %zu instance%s for %u s, target %s %%",
		    sot_elastic_metric_name(rule->metric), load, v->heard, v->heard == 1 ? "" : "s",
		    rule->window_s, target);
	} else if (v->heard == 0) {
		add(text, "%s %s for %u s, target %s%s", rule->value, load, rule->window_s, target,
		    is_sum ? " an instance" : "");
	} else {
		add(text, "%s %s %s over %zu instance%s for %u s, target %s%s", rule->value, load,
		    is_sum ? "in all" : "each", v->heard, v->heard == 1 ? "" : "s", rule->window_s, target,
		    is_sum ? " an instance" : "");
	}
}

static void say_unknown(char *text, const elastic *e, const vote *votes)
{
	for (size_t r = 0; r < e->policy.rule_count; r++) {
		const elastic_rule *rule = &e->policy.rules[r];
		if (!votes[r].votes || votes[r].known)
			continue;
		if (votes[r].heard > 0)
			add(text, "%s is known of %zu instance%s only, which is not enough to have fewer",
			    rule->name, votes[r].heard, votes[r].heard == 1 ? "" : "s");
		else
			add(text, "%s is not known: %s", rule->name,
			    rule->metric == SOT_ELASTIC_METRIC_CUSTOM ? "no value came in its window"
			                                              : "no report came yet");
		return;
	}
}

/* ---- the decision ---- */

static void hold(elastic_decision *d, elastic_hold why, const char *fmt, ...) SOT_PRINTF(3, 4);
static void hold(elastic_decision *d, elastic_hold why, const char *fmt, ...)
{
	char text[ELASTIC_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->outcome = ELASTIC_HELD;
	d->hold = why;
	add(d->reason, "%s%s", d->reason[0] ? "; " : "", text);
}

void elastic_refuse(elastic_decision *d, elastic_hold why, uint32_t to, const char *text)
{
	if (to > d->count) {
		d->to = to;
		add(d->reason, "; %u only: %s", to, text);
		return;
	}
	d->to = d->count;
	hold(d, why, "held: %s", text);
}

static void set_low(elastic *e, int64_t since_unix_ms, uint32_t most, elastic_effects *ret)
{
	ret->keep |= e->kept.low_unix_ms != since_unix_ms || e->kept.low_most != most;
	e->kept.low_unix_ms = since_unix_ms;
	e->kept.low_most = most;
}

static void note_change(elastic *e, elastic_now now, uint32_t count, elastic_effects *ret)
{
	e->kept.count = count;
	e->kept.changed_unix_ms = now.unix_ms;
	e->since_mono_ms = now.mono_ms;
	ret->keep = true;
}

/* Who is there now; a count that somebody else changed begins the cool-downs. */
static void note_members(
    elastic *e, elastic_now now, const elastic_event *event, elastic_effects *ret)
{
	uint32_t count = (uint32_t)event->member_count;
	size_t kept = 0;

	for (size_t k = 0; k < e->count; k++)
		e->members[k].present = false;
	for (size_t k = 0; k < event->member_count; k++) {
		seen *m = elastic_seen(e, event->members[k].id);
		m->present = true;
		m->part = event->members[k].part;
	}
	for (size_t k = 0; k < e->count; k++) {
		if (e->members[k].present)
			e->members[kept++] = e->members[k];
		else
			for (size_t r = 0; r < ELASTIC_RULES_MAX; r++)
				free(e->members[k].of_rule[r]);
	}
	e->count = kept;
	if (e->kept.count == 0) {
		e->kept.count = count;
		ret->keep = true;
	} else if (e->kept.count != count) {
		note_change(e, now, count, ret);
		set_low(e, 0, 0, ret);
	}
	/* New instances carry their share when the change is over, not while it runs. */
	if (e->was_busy && !event->busy)
		e->since_mono_ms = now.mono_ms;
	e->was_busy = event->busy != NULL;
}

/* The largest of what the rules want; the rule that wants it in d. */
static void choose(elastic *e, elastic_now now, vote *votes, elastic_decision *d, bool *ret_unknown)
{
	*ret_unknown = false;
	d->rule = -1;
	for (size_t r = 0; r < e->policy.rule_count; r++) {
		votes[r] = elastic_vote(e, now, r);
		*ret_unknown |= votes[r].votes && !votes[r].known;
		if (votes[r].votes && (d->rule < 0 || votes[r].wanted > d->wanted ||
		                          (votes[r].wanted == d->wanted && !votes[d->rule].known))) {
			d->rule = (int)r;
			d->wanted = votes[r].wanted;
		}
	}
	if (d->rule < 0)
		return;
	const vote *v = &votes[d->rule];
	d->known = e->policy.rules[d->rule].metric != SOT_ELASTIC_METRIC_SCHEDULE &&
	           (v->known || v->heard > 0);
	d->load_milli = d->known ? v->load_milli : 0;
	d->target_milli = e->policy.rules[d->rule].target_milli;
}

static void bound(const elastic_policy *p, elastic_decision *d)
{
	uint32_t wanted = d->wanted;

	if (wanted < p->min || d->rule < 0)
		d->wanted = p->min;
	if (wanted > p->max)
		d->wanted = p->max;
	if (d->rule >= 0 && d->wanted != wanted)
		add(d->reason, " (%u, %s %u)", wanted, wanted < p->min ? "at least" : "at most", d->wanted);
}

/* In a cool-down until then. */
static bool cools(const elastic *e, elastic_now now, uint32_t cooldown_s, elastic_decision *d)
{
	int64_t rest_ms = e->kept.changed_unix_ms + cooldown_s * 1000ll - now.unix_ms;

	if (e->kept.changed_unix_ms == 0 || rest_ms <= 0)
		return false;
	hold(d, ELASTIC_COOL_DOWN, "held: cool-down of %u s, %" PRId64 " s to go", cooldown_s,
	    (rest_ms + 999) / 1000);
	return true;
}

/* The last gates, the same for more and for fewer. */
static void let_through(const elastic *e, const elastic_event *event, elastic_decision *d)
{
	if (event->busy)
		hold(d, ELASTIC_OPERATION, "waits: %s", event->busy);
	else if (e->policy.dry_run)
		hold(d, ELASTIC_DRY_RUN, "dry run: nothing is changed");
	else
		d->outcome = ELASTIC_SCALE;
}

static void more(elastic *e, elastic_now now, const elastic_event *event, elastic_decision *d)
{
	const elastic_policy *p = &e->policy;

	d->to = d->wanted;
	if (p->up_step > 0 && d->to - d->count > p->up_step) {
		d->to = d->count + p->up_step;
		add(d->reason, " (in steps of %u)", p->up_step);
	}
	add(d->reason, ": %u -> %u", d->count, d->to);
	/* Fewer than there must be is no matter of load. */
	if (d->count < p->min || !cools(e, now, p->up_cooldown_s, d))
		let_through(e, event, d);
}

static void fewer(elastic *e, elastic_now now, const elastic_event *event, elastic_decision *d,
    elastic_effects *ret)
{
	const elastic_policy *p = &e->policy;

	if (e->kept.low_unix_ms == 0)
		set_low(e, now.unix_ms, d->wanted, ret);
	else if (d->wanted > e->kept.low_most)
		set_low(e, e->kept.low_unix_ms, d->wanted, ret);
	d->to = e->kept.low_most;
	if (p->down_step > 0 && d->count - d->to > p->down_step) {
		d->to = d->count - p->down_step;
		add(d->reason, " (in steps of %u)", p->down_step);
	}
	add(d->reason, ": %u -> %u", d->count, d->to);
	int64_t rest_ms = e->kept.low_unix_ms + p->stable_s * 1000ll - now.unix_ms;
	if (rest_ms > 0)
		hold(d, ELASTIC_STABILISING, "held: fewer are wanted for %u s first, %" PRId64 " s to go",
		    p->stable_s, (rest_ms + 999) / 1000);
	else if (!cools(e, now, p->down_cooldown_s, d))
		let_through(e, event, d);
}

static void decide(elastic *e, elastic_now now, const elastic_event *event, elastic_effects *ret)
{
	elastic_decision *d = &ret->decision;
	vote votes[ELASTIC_RULES_MAX];
	bool unknown;

	choose(e, now, votes, d, &unknown);
	if (d->rule >= 0 && (d->known || votes[d->rule].known))
		say_rule(d->reason, &e->policy.rules[d->rule], &votes[d->rule]);
	else if (d->rule < 0)
		add(d->reason, "no schedule is on: at least %u", e->policy.min);
	bound(&e->policy, d);
	d->to = d->count;
	if (unknown && e->unknown_mono_ms == 0)
		e->unknown_mono_ms = now.mono_ms;
	if (!unknown)
		e->unknown_mono_ms = 0;
	if (d->wanted > d->count) {
		set_low(e, 0, 0, ret);
		more(e, now, event, d);
	} else if (unknown) {
		/* Never fewer on what is not known; a gap that lasts begins the wait anew. */
		if (now.mono_ms - e->unknown_mono_ms >= GAP_MS)
			set_low(e, 0, 0, ret);
		d->wanted = d->count;
		d->reason[0] = '\0';
		d->outcome = ELASTIC_HELD;
		d->hold = ELASTIC_UNKNOWN;
		say_unknown(d->reason, e, votes);
	} else if (d->wanted < d->count) {
		fewer(e, now, event, d, ret);
	} else {
		set_low(e, 0, 0, ret);
	}
}

static void look(elastic *e, elastic_now now, const elastic_event *event, elastic_effects *ret)
{
	elastic_decision *d = &ret->decision;

	ret->decided = true;
	*d = (elastic_decision){.rule = -1, .count = (uint32_t)event->member_count};
	note_members(e, now, event, ret);
	d->wanted = d->to = d->count;
	if (!e->policy.enabled) {
		set_low(e, 0, 0, ret);
		hold(d, ELASTIC_OFF, "elastic scaling is not enabled");
	} else if (d->count == 0) {
		set_low(e, 0, 0, ret);
		hold(d, ELASTIC_EMPTY,
		    "there are no instances: somebody took the last; it goes on when there are some");
	} else {
		d->wanted = 0;
		decide(e, now, event, ret);
	}
}

void elastic_step(elastic *e, elastic_now now, const elastic_event *event, elastic_effects *ret)
{
	*ret = (elastic_effects){.decided = false};
	switch (event->kind) {
	case ELASTIC_POLICY:
		elastic_forget_measured(e);
		e->policy = *event->policy;
		e->kept = event->kept;
		e->unknown_mono_ms = 0;
		e->since_mono_ms = 0;
		ret->keep = true;
		return;
	case ELASTIC_SAMPLE:
		elastic_take_sample(e, now, event);
		return;
	case ELASTIC_VALUE:
		elastic_take_value(e, now, event);
		return;
	case ELASTIC_LOOK:
		look(e, now, event, ret);
		return;
	case ELASTIC_SCALED:
		/* Limited by the step: the rest follows after the cool-down, without another wait. */
		if (event->count <= e->kept.low_most)
			set_low(e, 0, 0, ret);
		note_change(e, now, event->count, ret);
		return;
	}
}

const char *elastic_outcome_name(elastic_outcome outcome)
{
	static const char *const names[] = {"steady", "held", "scaled"};

	return names[outcome];
}

const char *elastic_hold_name(elastic_hold why)
{
	static const char *const names[] = {"", "unknown", "empty", "stabilising", "cool_down",
	    "operation", "dry_run", "quota", "capacity", "off"};

	return names[why];
}
