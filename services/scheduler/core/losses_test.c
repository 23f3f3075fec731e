/* Lost hosts by the controller's public functions: what proves a loss, what is replaced, who
 * survives. */
#include "controller_bench.h"

#define SILENT SOT_PROBE_ANSWER_SILENT
#define ANSWERED SOT_PROBE_ANSWER_ANSWERED
#define UNKNOWN SOT_PROBE_ANSWER_UNKNOWN

typedef struct cloud {
	bench *b;
	sot_uuid first, others[6];
	size_t count;
} cloud;

/* The app runs on the first host; `others` more hosts are there, and this leader is not new. */
static cloud cloud_of(bench *b, size_t others, sot_recovery recovery, sot_on_return on_return)
{
	static const char *const names[] = {"h2", "h3", "h4", "h5", "h6", "h7"};
	cloud w = {.b = b, .first = b->host_id, .count = others};

	bench_bring_up(b);
	ASK(b, app_set_recovery, .name = SOT_STR("shop"), .recovery = recovery, .on_return = on_return);
	for (size_t k = 0; k < others; k++)
		w.others[k] = bench_add_host(b, names[k], names[k]);
	for (int64_t ms = 0; ms < 65000; ms += 5000) {
		bench_beat(b, w.first);
		for (size_t k = 0; k < others; k++)
			bench_beat(b, w.others[k]);
		bench_pass(b, 5000);
	}
	return w;
}

/* The first `silent` of the others say nothing for so long, as the first host does; the rest say
 * what they find. */
static void fall_silent(
    cloud *w, size_t silent, int64_t ms, sot_probe_answer host, sot_probe_answer targets)
{
	for (int64_t passed = 0; passed < ms; passed += 1000) {
		for (size_t k = silent; k < w->count; k++)
			bench_beat(w->b, w->others[k]);
		bench_pass(w->b, 1000);
		bench_witness(w->b, host, targets);
	}
}

static void hello_from(cloud *w, sot_uuid host, const char *boot_id)
{
	bench *b = w->b;

	b->host_id = host;
	TELL(b, hello, .protocol_version = 1, .boot_id = sot_str_c(boot_id), .agent_start_id = 9,
	    .docker_version = SOT_STR("20"), .cpu_milli = 4000, .memory_bytes = 1ull << 30,
	    .disk_bytes = 1ull << 40);
}

static void says(
    cloud *w, sot_uuid host, uint64_t seq, uint64_t generation, sot_observed_state observed)
{
	w->b->host_id = host;
	bench_status(w->b, seq, generation, observed,
	    observed == SOT_OBSERVED_STATE_RUNNING ? SOT_HEALTH_HEALTHY : SOT_HEALTH_UNKNOWN);
}

/* ---- proof ---- */

static void a_host_that_all_find_silent_is_lost_and_its_instance_runs_elsewhere_with_its_address(
    void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	fall_silent(&w, 0, 33000, SILENT, SILENT);
	assert_string_equal(bench_host_state(b, w.first), "suspect");
	assert_true(sot_uuid_eq(b->instance.host_id, w.first));
	fall_silent(&w, 0, 4000, SILENT, SILENT);
	assert_string_equal(bench_host_state(b, w.first), "host_lost");
	assert_false(sot_uuid_eq(b->instance.host_id, w.first));
	assert_true(sot_uuid_eq(b->assigned_host, b->instance.host_id));
	assert_int_equal(sot_ip_v4(b->spec.address), 0x0a420002u);
	assert_int_equal(b->departure_count, 1);
	assert_int_equal(b->departures[0].desired, SOT_DESIRED_STATE_STOPPED);
	assert_true(sot_uuid_eq(b->departures[0].host_id, w.first));
	says(&w, b->instance.host_id, 1, b->instance.generation, SOT_OBSERVED_STATE_RUNNING);
	assert_int_equal(b->operation.kind, OPERATION_HOST_REPLACE);
	assert_int_equal(b->operation.state, OPERATION_DONE);
}

/* Others are placed in the same batch: the database must know what the rules allowed of each. */
static void what_is_made_anew_elsewhere_is_told_to_the_databases_guard(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	ASK(b, app_update, .name = SOT_STR("shop"),
	    .placement = {.max_unavailable = 1, .spread_host = {.max_skew = 2}});
	size_t before = b->guarded;
	fall_silent(&w, 0, 37000, SILENT, SILENT);
	assert_false(sot_uuid_eq(b->instance.host_id, w.first));
	assert_int_equal(b->guarded, before + 1);
}

/* Decided when it was booked there, under what counted then: not again when its host is lost. */
static void who_was_on_its_way_already_is_not_told_to_it_twice(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	ASK(b, app_update, .name = SOT_STR("shop"),
	    .placement = {.max_unavailable = 1, .spread_host = {.max_skew = 2}});
	ASK(b, instance_move, .instance = SOT_STR("shop-default-01"), .host = SOT_STR("h2"));
	assert_true(sot_uuid_eq(b->instance.moving_to, w.others[0]));
	size_t before = b->guarded;
	fall_silent(&w, 0, 37000, SILENT, SILENT);
	assert_true(sot_uuid_eq(b->instance.host_id, w.others[0]));
	assert_int_equal(b->guarded, before);
}

static void one_answer_of_anything_refutes_the_loss(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	fall_silent(
	    &w, 0, 600000, SILENT, ANSWERED); /* an instance serves: the network of the host is cut */
	assert_string_equal(bench_host_state(b, w.first), "agent_lost");
	fall_silent(&w, 0, 600000, ANSWERED, SILENT); /* the machine answers: only its agent is dead */
	assert_string_equal(bench_host_state(b, w.first), "agent_lost");
	assert_true(sot_uuid_eq(b->instance.host_id, w.first));
}

static void silence_that_nobody_else_confirms_proves_nothing(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	fall_silent(&w, 0, 600000, UNKNOWN, UNKNOWN);
	assert_string_equal(bench_host_state(b, w.first), "agent_lost");
	assert_int_equal(b->departure_count, 0);
	ASK(b, host_declare_lost, .name = SOT_STR("h2"), .reason = SOT_STR("burnt"));
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT); /* its agent speaks */
	ASK(b, host_declare_lost, .name = SOT_STR("h1"), .reason = SOT_STR("burnt"));
	assert_string_equal(bench_host_state(b, w.first), "host_lost");
	assert_int_equal(b->departure_count, 1);
}

static void a_new_leader_calls_nobody_lost_before_it_has_listened(void **state)
{
	bench *b = *state;
	cloud w = {.b = b, .first = b->host_id};

	bench_bring_up(b);
	w.others[w.count++] = bench_add_host(b, "h2", "r2");
	w.others[w.count++] = bench_add_host(b, "h3", "r3");
	fall_silent(&w, 0, 58000, SILENT, SILENT);
	assert_string_equal(bench_host_state(b, w.first), "agent_lost");
	fall_silent(&w, 0, 10000, SILENT, SILENT);
	assert_string_equal(bench_host_state(b, w.first), "host_lost");
}

/* ---- policy ---- */

static void a_pinned_instance_waits_for_its_host_unless_an_operator_wants_it_anew(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_PINNED, SOT_ON_RETURN_KEEP_ORIGINAL);

	ASK(b, host_evacuate, .name = SOT_STR("h1"), .include_pinned = true);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT); /* it is not lost */
	fall_silent(&w, 0, 60000, SILENT, SILENT);
	assert_string_equal(bench_host_state(b, w.first), "host_lost");
	assert_true(sot_uuid_eq(b->instance.host_id, w.first));
	assert_int_equal(b->departure_count, 0);
	ASK(b, host_evacuate, .name = SOT_STR("h1"), .include_pinned = true);
	assert_false(sot_uuid_eq(b->instance.host_id, w.first));
}

static void on_return_the_original_waits_until_the_replacement_has_left(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	fall_silent(&w, 0, 45000, SILENT, SILENT);
	sot_uuid replacement = b->instance.host_id;
	says(&w, replacement, 1, b->instance.generation, SOT_OBSERVED_STATE_RUNNING);
	hello_from(&w, w.first, "another");
	assert_true(sot_uuid_eq(b->instance.moving_to, w.first));
	assert_int_equal(b->instance.state, INSTANCE_MOVING);
	assert_false(b->departures[0].is_gone);
	uint64_t leaving = b->instance.generation;
	says(&w, w.first, 1, b->departures[0].generation, SOT_OBSERVED_STATE_STOPPED);
	assert_true(sot_uuid_eq(b->instance.host_id, replacement));
	says(&w, replacement, 2, leaving, SOT_OBSERVED_STATE_RETIRED);
	assert_true(sot_uuid_eq(b->instance.host_id, w.first));
	assert_true(b->departures[0].is_gone);
	assert_true(sot_uuid_eq(b->assigned_host, w.first));
	assert_int_equal(b->spec.desired, SOT_DESIRED_STATE_RUNNING);
	assert_true(b->spec.generation > b->departures[0].generation);
	says(&w, w.first, 2, b->instance.generation, SOT_OBSERVED_STATE_RUNNING);
	assert_int_equal(b->operation.kind, OPERATION_HOST_RETURN);
	assert_int_equal(b->operation.state, OPERATION_DONE);
}

static void on_return_what_is_being_retired_stays_where_it_leaves_from(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	fall_silent(&w, 0, 45000, SILENT, SILENT);
	sot_uuid replacement = b->instance.host_id;
	says(&w, replacement, 1, b->instance.generation, SOT_OBSERVED_STATE_RUNNING);
	bench_done(b, 1, 0); /* the bind */
	/* A second one that never gets healthy: the first must not be away as well. */
	ASK(b, app_scale, .name = SOT_STR("shop"), .count = 2);
	bench_grant(b);
	ASK(b, operation_cancel, .operation_id = b->accepted.operation_id);
	hello_from(&w, w.first, "another");
	assert_string_equal(b->operation.waits_for, "others to be healthy first");
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_RETIRE);
	bench_pass(b, 5000);
	assert_int_equal(b->instance.state, INSTANCE_RETIRING);
	assert_true(sot_uuid_eq(b->instance.host_id, replacement));
	assert_true(sot_uuid_is_zero(b->instance.moving_to));
	says(&w, replacement, 2, b->instance.generation, SOT_OBSERVED_STATE_RETIRED);
	bench_done(b, 1, 0);
	assert_int_equal(b->instance.state, INSTANCE_RETIRED);
	assert_int_equal(b->departures[0].desired, SOT_DESIRED_STATE_RETIRED);
}

static void on_return_the_copy_is_removed_where_the_replacement_is_kept(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_REPLACEMENT);

	fall_silent(&w, 0, 45000, SILENT, SILENT);
	sot_uuid replacement = b->instance.host_id;
	hello_from(&w, w.first, "another");
	assert_int_equal(b->spec.desired, SOT_DESIRED_STATE_RETIRED);
	assert_true(sot_uuid_eq(b->assigned_host, w.first));
	says(&w, w.first, 1, b->departures[0].generation, SOT_OBSERVED_STATE_STOPPED);
	assert_false(b->departures[0].is_gone);
	says(&w, w.first, 2, b->departures[0].generation, SOT_OBSERVED_STATE_RETIRED);
	assert_true(b->departures[0].is_gone);
	assert_true(sot_uuid_eq(b->instance.host_id, replacement));
}

static void the_longest_running_is_the_original_unless_its_host_was_booted(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_LONGEST_RUNNING);

	fall_silent(&w, 0, 45000, SILENT, SILENT);
	says(&w, b->instance.host_id, 1, b->instance.generation, SOT_OBSERVED_STATE_RUNNING);
	hello_from(&w, w.first, "b"); /* as before */
	assert_true(sot_uuid_eq(b->instance.moving_to, w.first));
}

static void a_copy_that_answers_after_all_keeps_the_address(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 2, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);
	sot_instance_status one = {.observed = SOT_OBSERVED_STATE_PENDING};

	fall_silent(&w, 0, 45000, SILENT, SILENT);
	one.instance_id = b->instance.id;
	one.generation = b->instance.generation;
	one.elsewhere_address = b->instance.v4.address;
	b->host_id = b->instance.host_id;
	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = 1, .instances = &one,
	    .instances_count = 1);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_CONFLICT);
	assert_memory_equal(b->conflict.mac.b, b->instance.mac.b, 6);
}

/* ---- brake ---- */

static void many_hosts_silent_at_once_stop_all_replacing_until_it_is_released(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 5, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	fall_silent(&w, 2, 60000, SILENT, SILENT); /* 3 of 6 */
	assert_string_equal(bench_host_state(b, w.first), "host_lost");
	assert_true(b->brake.engaged);
	assert_true(sot_uuid_eq(b->instance.host_id, w.first));
	assert_int_equal(b->departure_count, 0);
	ASK(b, host_brake_release, .reason = SOT_STR("one rack"));
	assert_false(b->brake.engaged);
	fall_silent(&w, 2, 2000, SILENT, SILENT);
	assert_false(b->brake.engaged); /* those are excused */
	assert_false(sot_uuid_eq(b->instance.host_id, w.first));
}

static void the_brake_lets_go_by_itself_when_the_hosts_are_back(void **state)
{
	bench *b = *state;
	cloud w = cloud_of(b, 5, SOT_RECOVERY_REPLACEABLE, SOT_ON_RETURN_KEEP_ORIGINAL);

	fall_silent(&w, 2, 60000, SILENT, SILENT);
	assert_true(b->brake.engaged);
	hello_from(&w, w.others[0], "b");
	hello_from(&w, w.others[1], "b");
	bench_pass(b, 1000);
	assert_false(b->brake.engaged);
	ASK(b, host_brake_release, .reason = SOT_STR("one rack"));
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_host_that_all_find_silent_is_lost_and_its_instance_runs_elsewhere_with_its_address),
	    TEST(what_is_made_anew_elsewhere_is_told_to_the_databases_guard),
	    TEST(who_was_on_its_way_already_is_not_told_to_it_twice),
	    TEST(one_answer_of_anything_refutes_the_loss),
	    TEST(silence_that_nobody_else_confirms_proves_nothing),
	    TEST(a_new_leader_calls_nobody_lost_before_it_has_listened),
	    TEST(a_pinned_instance_waits_for_its_host_unless_an_operator_wants_it_anew),
	    TEST(on_return_the_original_waits_until_the_replacement_has_left),
	    TEST(on_return_what_is_being_retired_stays_where_it_leaves_from),
	    TEST(on_return_the_copy_is_removed_where_the_replacement_is_kept),
	    TEST(the_longest_running_is_the_original_unless_its_host_was_booted),
	    TEST(a_copy_that_answers_after_all_keeps_the_address),
	    TEST(many_hosts_silent_at_once_stop_all_replacing_until_it_is_released),
	    TEST(the_brake_lets_go_by_itself_when_the_hosts_are_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
