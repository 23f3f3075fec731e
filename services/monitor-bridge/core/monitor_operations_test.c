/* Operations as trees: steps, linked calls, what is left out, deploys. */
#include "../testing/monitor_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sot_uuid operation_made_at(int64_t unix_ms)
{
	const uint8_t entropy[16] = {1, 2, 3};
	return sot_uuid_v7((sot_wall){unix_ms}, entropy);
}

static monitor_event operation_end(world *w, sot_uuid op, const char *fields, int64_t at_unix_ms)
{
	return (monitor_event){.at_unix_ms = at_unix_ms,
	    .kind = SOT_STR("operation.state"),
	    .subject = SOT_STR("shop"),
	    .app = SOT_STR("shop"),
	    .operation_id = op,
	    .fields = fields_of(w, fields)};
}

static void add_step(world *w, monitor_event *event, const char *name, const char *host,
    const char *state, int64_t from_unix_ms, int64_t until_unix_ms)
{
	size_t n = event->steps.n;
	if (n > 0)
		w->steps[n++] = MONITOR_ROW_END;
	n += (size_t)snprintf(w->steps + n, sizeof(w->steps) - n,
	    "%s\x1fshop-default-01\x1f%s\x1f%s\x1f%lld\x1f%lld\x1f", name, host, state,
	    (long long)from_unix_ms, (long long)until_unix_ms);
	event->steps = (sot_str){w->steps, n};
}

/* A new world with node-1, where a scale has run from `begin` for 2.5 s. */
static monitor_event scaled(world **ret, int64_t begin)
{
	world *w = *ret = world_new(&default_options);
	sot_uuid op = operation_made_at(begin);
	alone(w, at(1, 2));
	monitor_learn_host(w->m, "node-1", 0x0a010203, at(0, 0));
	return operation_end(w, op, "kind=scale;old.state=running;new.state=done", begin + 2500);
}

static void a_finished_operation_is_one_tree_with_its_real_duration_and_steps(void **state)
{
	(void)state;
	world *w;
	int64_t begin = HOUR_START + 60000;
	monitor_event event = scaled(&w, begin);
	add_step(w, &event, "place", "", "done", begin + 100, begin + 300);
	add_step(w, &event, "start", "node-1", "done", begin + 300, begin + 2300);
	monitor_take_event(w->m, &event, at(1, 3));
	assert_int_equal(w->count, 2);
	const cat_read_tree *tree = &w->sent[0].tree;
	assert_int_equal(tree->count, 7);
	assert_true(sot_str_eq_c(tree->header[0], "sotalia-controller"));
	assert_true(sot_str_eq_c(tree->messages[0].type, "Sotalia.Op"));
	assert_true(sot_str_eq_c(tree->messages[0].name, "scale"));
	assert_true(sot_str_eq_c(tree->messages[0].status, "0"));
	assert_true(tree->messages[0].at_unix_ms == begin);
	assert_true(tree->messages[0].duration_us == 2500000);
	assert_true(sot_str_eq_c(tree->messages[1].name, "place"));
	assert_true(sot_str_eq_c(tree->messages[2].name, "start"));
	assert_true(tree->messages[2].duration_us == 2000000);
	assert_true(w->sent[0].expires_unix_ms == HOUR_START + CAT_HOUR_MS + CAT_PERIOD_EXTRA_MS);
	world_free(w);
}

static void a_step_of_an_agent_is_a_linked_call(void **state)
{
	(void)state;
	world *w;
	int64_t begin = HOUR_START + 60000;
	monitor_event event = scaled(&w, begin);
	add_step(w, &event, "start", "node-1", "done", begin + 300, begin + 2300);
	monitor_take_event(w->m, &event, at(1, 3));
	assert_int_equal(w->count, 2);
	const cat_read_tree *caller = &w->sent[0].tree, *callee = &w->sent[1].tree;
	const cat_read_message *link = find(w, "sotalia-controller", "10.0.0.1", "RemoteCall", "");
	assert_non_null(link);
	assert_non_null(find(w, "sotalia-controller", "10.0.0.1", "Call", "start"));
	assert_non_null(find(w, "sotalia-controller", "10.0.0.1", "Call.server", "10.1.2.3"));
	assert_non_null(find(w, "sotalia-controller", "10.0.0.1", "Call.app", "sotalia-agent"));
	assert_true(sot_str_eq_c(callee->header[0], "sotalia-agent"));
	assert_true(sot_str_eq_c(callee->header[2], "10.1.2.3"));
	assert_true(sot_str_eq(callee->header[6], link->data));
	assert_true(sot_str_starts(link->data, "sotalia-agent-0a000001-")); /* the caller's address */
	assert_true(sot_str_eq(callee->header[7], caller->header[6]));
	assert_true(sot_str_eq(callee->header[8], caller->header[6]));
	assert_non_null(find(w, "sotalia-agent", "10.1.2.3", "Service", "start"));
	assert_non_null(find(w, "sotalia-agent", "10.1.2.3", "Service.client", "10.0.0.1"));
	assert_true(find(w, "sotalia-agent", "10.1.2.3", "Service", "start")->duration_us == 2000000);
	world_free(w);
}

static void an_operation_of_very_many_steps_is_cut_and_not_lost(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	int64_t begin = HOUR_START + 60000;
	static char steps[400000];
	size_t n = 0;
	for (int i = 0; i < 150; i++)
		n += (size_t)snprintf(steps + n, sizeof(steps) - n,
		    "place\x1fi\x1f\x1f"
		    "done\x1f%lld\x1f%lld\x1f%0*d\x1e",
		    (long long)begin, (long long)begin + 5, 700, 7);
	alone(w, at(1, 2));
	monitor_event event =
	    operation_end(w, operation_made_at(begin), "kind=scale;new.state=done", begin + 2500);
	event.steps = (sot_str){steps, n - 1};
	monitor_take_event(w->m, &event, at(1, 3));
	assert_int_equal(w->count, 1);
	assert_int_equal(w->sent[0].tree.count, 51);
	assert_int_equal(monitor_get_counters(w->m)->steps_left_out, 100);
	assert_int_equal(monitor_get_counters(w->m)->dropped_too_large, 0);
	world_free(w);
}

static void a_deploy_is_counted_timed_and_told(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	int64_t begin = HOUR_START + 60000;
	alone(w, at(1, 2));
	monitor_event event = operation_end(
	    w, operation_made_at(begin), "kind=app.deploy;version=1.2;new.state=done", begin + 2500);
	monitor_take_event(w->m, &event, at(1, 3));
	const cat_read_message *ok = find(w, "sotalia-controller", "10.0.0.1", "", "deploy.ok");
	const cat_read_message *seconds =
	    find(w, "sotalia-controller", "10.0.0.1", "", "deploy.seconds");
	assert_non_null(ok);
	assert_non_null(seconds);
	assert_true(sot_str_eq_c(ok->status, "C") && sot_str_eq_c(ok->data, "1"));
	assert_true(sot_str_eq_c(seconds->status, "T") && sot_str_eq_c(seconds->data, "2.50"));
	assert_string_equal(w->deploys, "shop 1.2 done");
	world_free(w);
}

static void a_router_that_asks_for_less_gets_operations_without_steps_and_failures_whole(
    void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	int64_t begin = HOUR_START + 60000;
	monitor_set_sample(w->m, 0);
	alone(w, at(1, 2));
	for (int round = 0; round < 2; round++) {
		monitor_event event = operation_end(w, operation_made_at(begin),
		    round ? "kind=scale;new.state=failed" : "kind=scale;new.state=done", begin + 2500);
		add_step(w, &event, "place", "", "done", begin, begin + 9);
		monitor_take_event(w->m, &event, at(1, 3));
	}
	assert_int_equal(w->count, 2);
	assert_int_equal(w->sent[0].tree.count, 1);
	assert_int_equal(w->sent[1].tree.count, 2);
	assert_int_equal(monitor_get_counters(w->m)->sampled_out, 1);
	world_free(w);
}

static void an_operation_over_the_hour_is_kept_and_one_from_long_ago_is_counted(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	sot_uuid op = operation_made_at(HOUR_START - 20 * 60000);
	alone(w, at(9, 6));
	monitor_event event =
	    operation_end(w, op, "kind=scale;new.state=failed", HOUR_START + 10 * 60000);
	monitor_take_event(w->m, &event, at(10, 1));
	assert_int_equal(w->count, 1);
	assert_true(w->sent[0].tree.messages[0].at_unix_ms == HOUR_START + 10 * 60000);
	assert_true(w->sent[0].tree.messages[0].duration_us == UINT64_C(30) * 60 * 1000000);
	assert_true(sot_str_eq_c(w->sent[0].tree.messages[0].status, "failed"));
	event.at_unix_ms = HOUR_START - 3 * CAT_HOUR_MS;
	monitor_take_event(w->m, &event, at(10, 2));
	assert_int_equal(w->count, 1);
	assert_int_equal(monitor_get_counters(w->m)->dropped_closed_hour, 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_finished_operation_is_one_tree_with_its_real_duration_and_steps),
	    cmocka_unit_test(a_step_of_an_agent_is_a_linked_call),
	    cmocka_unit_test(an_operation_of_very_many_steps_is_cut_and_not_lost),
	    cmocka_unit_test(a_deploy_is_counted_timed_and_told),
	    cmocka_unit_test(
	        a_router_that_asks_for_less_gets_operations_without_steps_and_failures_whole),
	    cmocka_unit_test(an_operation_over_the_hour_is_kept_and_one_from_long_ago_is_counted),
	};
	return cmocka_run_group_tests_name("monitor_operations", tests, NULL, NULL);
}
