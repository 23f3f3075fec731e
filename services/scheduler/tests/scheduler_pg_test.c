/* scheduler_pg_test - the real sotalia-scheduler on a real PostgreSQL over CURVE sockets, between a
 * gateway, an ipam and two agents of this test: an app's life, repeated keys, and a crash at every
 * failpoint of the process. Argument: the binary.
 */
#include "fixture.h"

#include <signal.h>
#include <string.h>

/* ---- the story ---- */

static const sot_health_spec no_check = {.kind = SOT_HEALTH_CHECK_NONE,
    .interval_ms = 1000,
    .timeout_ms = 500,
    .healthy_after = 1,
    .unhealthy_after = 3};

static void an_app_lives_on_two_hosts(void **state)
{
	world *w = *state;
	sot_env_var env[] = {{SOT_STR("GREETING"), SOT_STR("it's \"{quoted}\", \\ and ü")}};
	ASK(w, image_register, .name = SOT_STR("tomcat"),
	    .reference = SOT_STR("localhost:5000/tomcat:1"));
	wait_done(w);
	for (int k = 0; k < AGENTS; k++) {
		char name[] = "host-a", az[] = "az-a";
		name[5] = az[3] = (char)('a' + k);
		ASK(w, host_register, .name = sot_str_c(name), .az = sot_str_c(az), .rack = SOT_STR("r1"),
		    .public_key = sot_str_c(w->agents[k].public_key));
		wait_done(w);
	}
	wait_for(w, "SELECT (count(*) = 2)::int FROM scheduler.host WHERE state = 'online'");
	ASK(w, app_create, .name = SOT_STR("shop"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("default"), .health = no_check, .env = env, .env_count = 1, .count = 2);
	wait_done(w);
	expect_invariants(w, 2);
	assert_int_equal(control(w, "SELECT count(DISTINCT host_id) FROM scheduler.instance"), 2);
	assert_int_equal(control(w, "SELECT count(*) FROM scheduler.operation_step"), 8);
}

static void a_repeated_key_gives_the_same_operation(void **state)
{
	world *w = *state;
	scale(w, 3);
	sot_uuid first = w->accepted.operation_id;
	assert_false(w->accepted.replayed);
	w->next_key--;
	ASK(w, app_scale, .name = SOT_STR("shop"), .count = 3);
	expect_accepted(w);
	assert_true(w->accepted.replayed);
	assert_true(sot_uuid_eq(first, w->accepted.operation_id));
	end_server(w, SIGTERM);
	start_server(w, "");
	w->next_key--;
	ASK(w, app_scale, .name = SOT_STR("shop"), .count = 3);
	expect_accepted(w);
	assert_true(w->accepted.replayed && sot_uuid_eq(first, w->accepted.operation_id));
}

static void a_version_rolls_out_and_an_instance_stops_and_starts(void **state)
{
	world *w = *state;
	static const char digest[32] = "another digest of thirty-two by";
	ASK(w, package_register, .app = SOT_STR("shop"), .version = SOT_STR("1.0"),
	    .sha256 = {digest, 32}, .size_bytes = 5, .file_name = SOT_STR("shop.war"));
	wait_done(w);
	ASK(w, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("1.0"));
	wait_done(w);
	assert_int_equal(
	    control(w, "SELECT count(*) FROM scheduler.instance WHERE observed_version = '1.0'"), 3);
	ASK(w, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_STOP);
	wait_done(w);
	assert_int_equal(
	    control(w, "SELECT count(*) FROM scheduler.instance WHERE state = 'stopped'"), 1);
	ASK(w, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_START);
	wait_done(w);
	ASK(w, instance_act, .instance = SOT_STR("shop-default-02"),
	    .action = SOT_INSTANCE_ACTION_RESTART);
	wait_done(w);
	expect_invariants(w, 3);
}

static void a_crash_at_every_failpoint_loses_nothing(void **state)
{
	static const char *const points[] = {"scheduler.request.received", "scheduler.agent.received",
	    "scheduler.batch.before_commit", "scheduler.batch.sent", "scheduler.batch.after_commit",
	    "scheduler.batch.effects_done", "scheduler.effects.begin", "scheduler.effects.before_reply",
	    "scheduler.effects.before_ipam", "scheduler.effects.before_assign",
	    "scheduler.effects.after_assign", "scheduler.effects.end", "scheduler.ipam.answered",
	    "scheduler.leadership.before_renew", "scheduler.leadership.won",
	    "scheduler.take_over.before_load", "scheduler.take_over.loaded",
	    "scheduler.take_over.leading"};
	world *w = *state;
	char armed[100];
	for (size_t k = 0; k < sizeof(points) / sizeof(points[0]); k++) {
		for (int hit = 1; hit <= 4; hit += 3) {
			end_server(w, SIGKILL);
			(void)snprintf(armed, sizeof(armed), "%s=crash:%d", points[k], hit);
			start_server(w, armed);
			unsigned before = w->revived;
			scale(w, 6);
			scale(w, 1);
			if (hit == 1 && w->revived == before)
				fail_msg("%s was never reached", points[k]);
			expect_invariants(w, 1);
		}
	}
}

static void a_fault_in_the_database_costs_an_epoch_and_no_data(void **state)
{
	world *w = *state;
	end_server(w, SIGTERM);
	start_server(w, "scheduler.batch.before_commit=error:3");
	scale(w, 4);
	expect_invariants(w, 4);
}

static void an_app_is_deleted_with_all_it_had(void **state)
{
	world *w = *state;
	ASK(w, app_delete, .name = SOT_STR("shop"));
	wait_done(w);
	expect_zero(w, "instances of a deleted app", "SELECT count(*) FROM scheduler.instance");
	expect_zero(w, "a deleted app", "SELECT count(*) FROM scheduler.app");
	expect_invariants(w, 0);
	ASK(w, app_scale, .name = SOT_STR("shop"), .count = 1);
	assert_int_equal(w->message, SOT_MSG_REFUSED);
	assert_int_equal(w->code, SOT_REFUSAL_NOT_FOUND);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_app_lives_on_two_hosts),
	    cmocka_unit_test(a_repeated_key_gives_the_same_operation),
	    cmocka_unit_test(a_version_rolls_out_and_an_instance_stops_and_starts),
	    cmocka_unit_test(a_crash_at_every_failpoint_loses_nothing),
	    cmocka_unit_test(a_fault_in_the_database_costs_an_epoch_and_no_data),
	    cmocka_unit_test(an_app_is_deleted_with_all_it_had),
	};

	if (argc > 1)
		binary = argv[1];
	return cmocka_run_group_tests(tests, setup, teardown);
}
