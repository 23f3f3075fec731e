/* Elastic scaling on a virtual clock: what loads, silence, people and other changes lead to. */
#include "elastic_bench.h"

static void the_reason_says_the_figures(void **state)
{
	stage *st = *state;

	const elastic_decision *d = run(st, 60, 83);
	assert_int_equal(d->outcome, ELASTIC_SCALE);
	assert_int_equal(d->to, 4);
	assert_string_equal(
	    d->reason, "cpu 83 % of plan over 2 instances for 60 s, target 50 %: 2 -> 4");
}

static void within_the_tolerance_nothing_changes(void **state)
{
	stage *st = *state;

	assert_int_equal(run(st, 60, 55)->outcome, ELASTIC_STEADY);
	assert_int_equal(run(st, 60, 45)->outcome, ELASTIC_STEADY);
	assert_int_equal(run(st, 60, 56)->outcome, ELASTIC_STEADY); /* the mean of 7 reports is 54.4 */
	assert_int_equal(run(st, 10, 56)->outcome, ELASTIC_SCALE);
}

static void never_past_the_bounds(void **state)
{
	stage *st = *state;

	assert_int_equal(run(st, 60, 400)->to, 6);
	assert_non_null(strstr(st->last.decision.reason, "(16, at most 6): 2 -> 6"));
	scale(st);
	assert_int_equal(run(st, 600, 0)->to, 2);
}

static void below_the_least_at_once(void **state)
{
	stage *st = *state;

	run(st, 60, 100);
	scale(st);
	have(st, 1); /* somebody takes three away: the cool-down begins, but there must be two */
	const elastic_decision *d = look(st);
	assert_int_equal(d->outcome, ELASTIC_SCALE);
	assert_int_equal(d->to, 2);
}

static void steps_are_limited(void **state)
{
	stage *st = *state;

	st->policy.up_step = 1;
	st->policy.down_step = 2;
	set_policy(st, (elastic_kept){.count = 2});
	assert_int_equal(run(st, 60, 300)->to, 3);
	scale(st);
	have(st, 6);
	look(st);
	assert_int_equal(run(st, 300, 0)->to, 4);
	scale(st);
	/* The rest follows after the cool-down, without another wait for calm. */
	assert_int_equal(run(st, 50, 0)->hold, ELASTIC_COOL_DOWN);
	assert_int_equal(run(st, 20, 0)->to, 2);
	assert_int_equal(st->last.decision.outcome, ELASTIC_SCALE);
}

static void a_cool_down_holds_growth(void **state)
{
	stage *st = *state;

	run(st, 60, 80);
	scale(st);
	const elastic_decision *d = run(st, 20, 90);
	assert_int_equal(d->hold, ELASTIC_COOL_DOWN);
	assert_non_null(strstr(d->reason, "4 -> 6; held: cool-down of 30 s, 10 s to go"));
	assert_int_equal(run(st, 10, 90)->outcome, ELASTIC_SCALE);
}

static void fewer_only_after_calm(void **state)
{
	stage *st = *state;

	have(st, 6);
	const elastic_decision *d = run(st, 20, 5);
	assert_int_equal(d->hold, ELASTIC_STABILISING);
	run(st, 60, 30); /* the most that was wanted meanwhile counts */
	d = run(st, 50, 5);
	assert_int_equal(d->outcome, ELASTIC_SCALE);
	assert_true(d->to > 2 && d->to < 6);
}

static void a_flapping_load_never_shrinks(void **state)
{
	stage *st = *state;

	have(st, 4);
	for (int k = 0; k < 100; k++) {
		const elastic_decision *d = run(st, 60, k % 2 ? 50 : 5);
		assert_int_not_equal(d->outcome, ELASTIC_SCALE);
	}
}

static void without_reports_nothing_is_known(void **state)
{
	stage *st = *state;

	have(st, 4);
	later(st, 600);
	const elastic_decision *d = look(st);
	assert_int_equal(d->outcome, ELASTIC_HELD);
	assert_int_equal(d->hold, ELASTIC_UNKNOWN);
	assert_string_equal(d->reason, "load is not known: no report came yet");
}

static void silence_never_shrinks(void **state)
{
	stage *st = *state;

	have(st, 4);
	run(st, 110, 5);
	for (int k = 0; k < 100; k++) { /* one of four is silent: its last report ages */
		later(st, 10);
		for (size_t m = 0; m < 3; m++)
			sample(st, m, 5);
		if (k > 3)
			assert_int_equal(look(st)->hold, ELASTIC_UNKNOWN);
	}
	/* It is back; the calm is counted anew. */
	assert_int_equal(run(st, 100, 5)->hold, ELASTIC_STABILISING);
	assert_int_equal(run(st, 60, 5)->outcome, ELASTIC_SCALE);
}

static void who_is_silent_counts_as_idle_for_growth(void **state)
{
	stage *st = *state;

	have(st, 4);
	for (int k = 0; k < 12; k++) {
		later(st, 10);
		sample(st, 0, 90);
		sample(st, 1, 90);
		look(st);
	}
	/* 180 of 200: no growth, although the mean of the two is 90. */
	assert_int_equal(st->last.decision.hold, ELASTIC_UNKNOWN);
	for (int k = 0; k < 12; k++) {
		later(st, 10);
		sample(st, 0, 150);
		sample(st, 1, 150);
		look(st);
	}
	assert_int_equal(st->last.decision.to, 6);
}

static void a_new_leader_keeps_the_waits(void **state)
{
	stage *st = *state;

	run(st, 60, 80);
	scale(st);
	assert_true(st->last.keep);
	elastic_kept kept = *elastic_kept_of(st->e);
	set_policy(st, kept); /* all that was measured is gone */
	later(st, 10);
	assert_int_equal(look(st)->hold, ELASTIC_UNKNOWN);
	assert_int_equal(run(st, 10, 90)->hold, ELASTIC_COOL_DOWN);
	assert_int_equal(run(st, 10, 90)->outcome, ELASTIC_SCALE);
	/* The wait for fewer goes on where it was. */
	scale(st);
	run(st, 110, 5);
	kept = *elastic_kept_of(st->e);
	assert_true(kept.low_unix_ms > 0);
	set_policy(st, kept);
	later(st, 20);
	assert_int_equal(look(st)->hold, ELASTIC_UNKNOWN);
	assert_int_equal(run(st, 10, 5)->outcome, ELASTIC_SCALE);
}

static void a_change_of_the_app_is_waited_for(void **state)
{
	stage *st = *state;

	st->busy = "app.deploy runs";
	const elastic_decision *d = run(st, 60, 90);
	assert_int_equal(d->hold, ELASTIC_OPERATION);
	assert_non_null(strstr(d->reason, "2 -> 4; waits: app.deploy runs"));
	st->busy = NULL;
	/* What was measured while it ran says nothing about now. */
	later(st, 1);
	assert_int_equal(look(st)->hold, ELASTIC_UNKNOWN);
	assert_int_equal(run(st, 10, 90)->outcome, ELASTIC_SCALE);
}

static void a_change_by_hand_begins_the_waits(void **state)
{
	stage *st = *state;

	have(st, 4);
	run(st, 110, 10);
	have(st, 5);
	assert_int_equal(run(st, 110, 10)->hold, ELASTIC_STABILISING);
	assert_int_equal(run(st, 30, 10)->outcome, ELASTIC_SCALE);
}

static void an_app_without_instances_is_left_alone(void **state)
{
	stage *st = *state;

	have(st, 0);
	later(st, 10);
	assert_int_equal(look(st)->hold, ELASTIC_EMPTY);
}

static void a_dry_run_only_says_so(void **state)
{
	stage *st = *state;

	st->policy.dry_run = true;
	set_policy(st, (elastic_kept){.count = 2});
	const elastic_decision *d = run(st, 60, 90);
	assert_int_equal(d->hold, ELASTIC_DRY_RUN);
	assert_int_equal(d->to, 4);
	assert_non_null(strstr(d->reason, "2 -> 4; dry run"));
}

static void what_is_off_decides_nothing(void **state)
{
	stage *st = *state;

	st->policy.enabled = false;
	set_policy(st, (elastic_kept){.count = 2});
	assert_int_equal(run(st, 60, 90)->hold, ELASTIC_OFF);
}

static void a_refusal_is_said(void **state)
{
	stage *st = *state;

	run(st, 60, 140);
	elastic_decision d = st->last.decision;
	elastic_refuse(&d, ELASTIC_QUOTA, 4, "team shop may have 4");
	assert_int_equal(d.outcome, ELASTIC_SCALE);
	assert_int_equal(d.to, 4);
	assert_non_null(strstr(d.reason, "2 -> 6; 4 only: team shop may have 4"));
	d = st->last.decision;
	elastic_refuse(&d, ELASTIC_QUOTA, 2, "team shop may have 2");
	assert_int_equal(d.outcome, ELASTIC_HELD);
	assert_int_equal(d.hold, ELASTIC_QUOTA);
	assert_int_equal(d.to, 2);
}

static void who_starts_is_not_known(void **state)
{
	stage *st = *state;

	run(st, 60, 80);
	scale(st);
	st->members[2].part = st->members[3].part = ELASTIC_STARTS;
	for (int k = 0; k < 12; k++) { /* the two old ones carry 80 each still: enough for 4 */
		later(st, 10);
		sample(st, 0, 80);
		sample(st, 1, 80);
		assert_int_equal(look(st)->hold, ELASTIC_UNKNOWN);
	}
}

static void who_is_stopped_is_counted_beside(void **state)
{
	stage *st = *state;

	have(st, 3);
	st->members[2].part = ELASTIC_STOPPED;
	for (int k = 0; k < 6; k++) {
		later(st, 10);
		sample(st, 0, 90);
		sample(st, 1, 90);
		look(st);
	}
	assert_int_equal(st->last.decision.to, 5); /* 180 / 50 = 4, and the one that is stopped */
}

/* ---- other rules ---- */

static void add_rule(stage *st, elastic_rule rule, const char *name)
{
	(void)snprintf(rule.name, sizeof(rule.name), "%s", name);
	st->policy.rules[st->policy.rule_count++] = rule;
	set_policy(st, (elastic_kept){.count = 2});
}

static void tell(stage *st, const char *value, sot_uuid id, uint64_t milli)
{
	step(st, &(elastic_event){.kind = ELASTIC_VALUE, .value = value, .id = id, .milli = milli});
}

static void of_several_rules_the_largest_counts(void **state)
{
	stage *st = *state;

	add_rule(st,
	    (elastic_rule){.metric = SOT_ELASTIC_METRIC_MEMORY, .target_milli = 10 * S, .window_s = 60},
	    "memory");
	assert_int_equal(run(st, 60, 50)->to, 6); /* memory 30 % of 10 % */
	assert_int_equal(st->last.decision.rule, 1);
	assert_non_null(strstr(st->last.decision.reason, "memory 30 % of plan over 2 instances"));
}

static void values_of_the_app(void **state)
{
	stage *st = *state;

	st->policy.rule_count = 0;
	add_rule(st,
	    (elastic_rule){.metric = SOT_ELASTIC_METRIC_CUSTOM,
	        .target_milli = 100 * S,
	        .window_s = 30,
	        .value = "queue",
	        .sum = SOT_ELASTIC_SUM_SUM},
	    "backlog");
	assert_int_equal(look(st)->hold, ELASTIC_UNKNOWN);
	tell(st, "queue", (sot_uuid){{0}}, 450 * S);
	assert_int_equal(look(st)->to, 5);
	assert_string_equal(
	    st->last.decision.reason, "queue 450 for 30 s, target 100 an instance: 2 -> 5");
	/* A change that ends after the value was told does not make it less true. */
	st->busy = "app.deploy runs";
	(void)look(st);
	st->busy = NULL;
	assert_int_equal(look(st)->to, 5);
	later(st, 31); /* and then nobody sends it any more */
	assert_int_equal(look(st)->hold, ELASTIC_UNKNOWN);
	/* Of each instance: their sum. */
	tell(st, "queue", st->members[0].id, 150 * S);
	assert_int_equal(look(st)->hold, ELASTIC_UNKNOWN);
	tell(st, "queue", st->members[1].id, 150 * S);
	tell(st, "other", st->members[1].id, 9999 * S);
	assert_int_equal(look(st)->to, 3);
	assert_string_equal(st->last.decision.reason,
	    "queue 300 in all over 2 instances for 30 s, target 100 an instance: 2 -> 3");
}

static void a_mean_of_values(void **state)
{
	stage *st = *state;

	st->policy.rule_count = 0;
	add_rule(st,
	    (elastic_rule){.metric = SOT_ELASTIC_METRIC_CUSTOM,
	        .target_milli = 200,
	        .window_s = 30,
	        .value = "latency"},
	    "slow");
	tell(st, "latency", (sot_uuid){{0}}, 350);
	assert_int_equal(look(st)->to, 4); /* 2 x 0.35 / 0.2 */
	assert_string_equal(st->last.decision.reason, "latency 0.35 for 30 s, target 0.20: 2 -> 4");
}

static void a_schedule(void **state)
{
	stage *st = *state;
	sot_err err = {0};

	st->policy.rule_count = 0;
	st->now.unix_ms = 1795939200000; /* 2026-11-29 08:00 UTC, a Sunday */
	elastic_rule rule = {.metric = SOT_ELASTIC_METRIC_SCHEDULE, .for_s = 3600, .count = 5};
	assert_int_equal(cron_parse(SOT_STR("30 8 * * sun"), &rule.cron, &err), SOT_OK);
	add_rule(st, rule, "fair");
	assert_int_equal(look(st)->outcome, ELASTIC_STEADY);
	later(st, 29 * 60);
	assert_int_equal(look(st)->outcome, ELASTIC_STEADY);
	later(st, 60);
	assert_int_equal(look(st)->to, 5);
	assert_string_equal(st->last.decision.reason, "schedule 'fair' is on: at least 5: 2 -> 5");
	scale(st);
	/* A new leader finds it on. */
	later(st, 1800);
	set_policy(st, *elastic_kept_of(st->e));
	assert_int_equal(look(st)->outcome, ELASTIC_STEADY);
	later(st, 1799);
	assert_int_equal(look(st)->outcome, ELASTIC_STEADY);
	later(st, 1);
	assert_int_equal(look(st)->hold, ELASTIC_STABILISING);
	later(st, 120);
	assert_int_equal(look(st)->to, 2);
	assert_int_equal(st->last.decision.outcome, ELASTIC_SCALE);
}

static void a_steady_load_is_found(void **state)
{
	stage *st = *state;

	/* A load of 210 % in all, whatever the count: 5 instances carry it at 42 %, 4 at 52.5 %. */
	st->policy.max = 20;
	set_policy(st, (elastic_kept){.count = 2});
	for (int k = 0; k < 200; k++) {
		later(st, 10);
		load(st, (uint32_t)(210 / st->count));
		look(st);
		if (st->last.decision.outcome == ELASTIC_SCALE)
			scale(st);
	}
	assert_in_range(st->count, 4, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_reason_says_the_figures),
	    TEST(within_the_tolerance_nothing_changes),
	    TEST(never_past_the_bounds),
	    TEST(below_the_least_at_once),
	    TEST(steps_are_limited),
	    TEST(a_cool_down_holds_growth),
	    TEST(fewer_only_after_calm),
	    TEST(a_flapping_load_never_shrinks),
	    TEST(without_reports_nothing_is_known),
	    TEST(silence_never_shrinks),
	    TEST(who_is_silent_counts_as_idle_for_growth),
	    TEST(a_new_leader_keeps_the_waits),
	    TEST(a_change_of_the_app_is_waited_for),
	    TEST(a_change_by_hand_begins_the_waits),
	    TEST(an_app_without_instances_is_left_alone),
	    TEST(a_dry_run_only_says_so),
	    TEST(what_is_off_decides_nothing),
	    TEST(a_refusal_is_said),
	    TEST(who_starts_is_not_known),
	    TEST(who_is_stopped_is_counted_beside),
	    TEST(of_several_rules_the_largest_counts),
	    TEST(values_of_the_app),
	    TEST(a_mean_of_values),
	    TEST(a_schedule),
	    TEST(a_steady_load_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
