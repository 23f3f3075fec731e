/* The Engine's documents as it writes them, and health and status over them. */
#include "docker_json.h"

#include "status_feed.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char inspected[] =
    "{\"Id\":\"0f3c\",\"RestartCount\":2,\"State\":{\"Running\":true,\"Restarting\":false,\"Pid\":"
    "77,"
    "\"ExitCode\":0,\"Error\":\"\",\"StartedAt\":\"2026-11-22T08:49:33.120999Z\"},\"HostConfig\":{"
    "\"Memory\":67108864,\"NanoCpus\":500000000,\"PidsLimit\":300,\"BlkioWeight\":0,"
    "\"CpusetCpus\":\"0,3\"},\"Config\":{\"Labels\":{\"sot.instance\":"
    "\"01920000-0000-7000-8000-000000000001\",\"sot.spec_sha256\":\"ab\"}}}";

static void an_inspected_container_is_read(void **state)
{
	(void)state;
	sot_err err = {0};
	sot_uuid id;
	container_facts f;
	assert_int_equal(docker_json_inspect(sot_str_c(inspected), &id, &f, &err), SOT_OK);
	assert_true(f.running && f.ever_started && !f.engine_restarts_it);
	assert_int_equal(f.pid, 77);
	assert_true(f.memory_bytes == 67108864 && f.cpu_milli == 500 && f.engine_restarts == 2);
	assert_true(f.pids_max == 300 && f.io_weight == 0);
	assert_true(cpus_count(&f.processors) == 2 && cpus_has(&f.processors, 3));
	assert_true(f.started_unix_ms == 1795337373120);
	assert_int_equal(id.b[15], 1);
}

static void a_container_without_our_label_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = {"", "{", "[]", "{\"Config\":{\"Labels\":{}}}",
	    "{\"Config\":{\"Labels\":{\"sot.instance\":\"x\"}}}"};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sot_err err = {0};
		sot_uuid id;
		container_facts f;
		assert_int_equal(docker_json_inspect(sot_str_c(cases[i]), &id, &f, &err), SOT_INVALID);
	}
}

static void the_create_body_is_closed_in(void **state)
{
	(void)state;
	sot_err err = {0};
	SOT_AUTO_BUF out;
	sot_env_var env = {SOT_STR("A"), SOT_STR("b=c")};
	sot_instance_spec s = {.name = SOT_STR("n"),
	    .app = SOT_STR("a"),
	    .image = SOT_STR("i"),
	    .command = SOT_STR("run"),
	    .env = &env,
	    .env_count = 1,
	    .cpu_milli = 250,
	    .memory_bytes = 1 << 26};
	sot_buf_init(&out, 65536);
	docker_json_setup setup = {.state_dir = "/s", .epoch = 9};
	cpus_add(&setup.processors, 0);
	cpus_add(&setup.processors, 3);
	s.pids_max = 300;
	s.io_weight = 250;
	assert_int_equal(docker_json_create(&s, &setup, &out, &err), SOT_OK);
	json_t *o = json_loadb(out.p, out.n, 0, NULL);
	const json_t *h = json_object_get(o, "HostConfig");
	assert_string_equal(json_string_value(json_object_get(h, "NetworkMode")), "none");
	assert_string_equal(json_string_value(json_object_get(h, "Runtime")), "sotalia");
	assert_int_equal(json_integer_value(json_object_get(h, "Memory")),
	    json_integer_value(json_object_get(h, "MemorySwap")));
	assert_int_equal(json_integer_value(json_object_get(h, "NanoCpus")), 250000000);
	assert_int_equal(json_integer_value(json_object_get(h, "PidsLimit")), 300);
	assert_int_equal(json_integer_value(json_object_get(h, "BlkioWeight")), 250);
	assert_string_equal(json_string_value(json_object_get(h, "CpusetCpus")), "0,3");
	assert_int_equal(json_array_size(json_object_get(h, "Binds")), 3);
	assert_false(json_is_true(json_object_get(h, "Privileged")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(h, "CapDrop"), 0)), "ALL");
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "Env"), 0)), "A=b=c");
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(o, "Env"), 1)), "SOTALIA_COMMAND=run");
	json_decref(o);
}

static void an_error_inside_a_pull_that_says_200_is_found(void **state)
{
	(void)state;
	sot_err err = {0};
	assert_int_equal(
	    docker_json_pull(SOT_STR("{\"status\":\"x\"}\n{\"status\":\"y\"}\n"), &err), SOT_OK);
	assert_int_equal(
	    docker_json_pull(SOT_STR("{\"status\":\"x\"}\n{\"error\":\"no space\"}\n"), &err),
	    SOT_UNAVAILABLE);
	assert_non_null(strstr(err.text, "no space"));
}

static void log_frames_are_joined_and_cut_at_a_line(void **state)
{
	(void)state;
	static const char raw[] = "\1\0\0\0\0\0\0\4one\n\2\0\0\0\0\0\0\4two\n\1\0\0\0\0\0\0\5three";
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 100);
	const sot_str body = {raw, sizeof(raw) - 1};
	assert_false(docker_json_logs(body, 100, DOCKER_LOGS_NEWEST, &out));
	assert_string_equal(out.p, "one\ntwo\nthree");
	sot_buf_reset(&out);
	assert_true(docker_json_logs(body, 7, DOCKER_LOGS_NEWEST, &out));
	assert_string_equal(out.p, "three");
	sot_buf_reset(&out);
	assert_true(docker_json_logs(body, 7, DOCKER_LOGS_OLDEST, &out));
	assert_string_equal(out.p, "one\n");
	sot_buf_reset(&out);
	assert_true(docker_json_logs(body, 8, DOCKER_LOGS_OLDEST, &out));
	assert_string_equal(out.p, "one\ntwo\n");
	for (size_t lacks = 1; lacks < 13; lacks++) { /* a body that was cut off, in the last frame */
		sot_buf_reset(&out);
		assert_true(
		    docker_json_logs((sot_str){raw, body.n - lacks}, 100, DOCKER_LOGS_OLDEST, &out));
		assert_string_equal(out.p, "one\ntwo\n");
	}
}

static void health_follows_thresholds_and_the_start_period(void **state)
{
	(void)state;
	sot_health_spec spec = {.kind = SOT_HEALTH_CHECK_TCP,
	    .interval_ms = 1000,
	    .healthy_after = 2,
	    .unhealthy_after = 2,
	    .start_period_ms = 5000};
	health h = {0};
	sot_mono t = {100};
	health_observe(&h, &spec, true, 7, t);
	assert_int_equal(h.state, SOT_HEALTH_STARTING);
	for (int i = 0; i < 4; i++, t.ms += 1000) {
		assert_true(health_take_due(&h, &spec, t));
		assert_false(health_take_due(&h, &spec, t));
		health_result(&h, &spec, h.round, false, 1, t);
	}
	assert_int_equal(h.state, SOT_HEALTH_STARTING);
	for (int i = 0; i < 2; i++, t.ms += 1000) {
		assert_true(health_take_due(&h, &spec, t));
		health_result(&h, &spec, h.round, true, 1, t);
	}
	assert_int_equal(h.state, SOT_HEALTH_HEALTHY);
	uint64_t old_round = h.round;
	assert_true(health_take_due(&h, &spec, t));
	health_observe(&h, &spec, true, 8, t);
	health_result(&h, &spec, old_round, true, 1, t);
	assert_int_equal(h.state, SOT_HEALTH_STARTING);
	assert_int_equal(h.successes, 0);
	t.ms += 6000;
	for (int i = 0; i < 2; i++, t.ms += 1000) {
		assert_true(health_take_due(&h, &spec, t));
		health_result(&h, &spec, h.round, false, 1, t);
	}
	assert_int_equal(h.state, SOT_HEALTH_UNHEALTHY);
	health_observe(&h, &spec, false, 0, t);
	assert_int_equal(h.state, SOT_HEALTH_UNKNOWN);
}

static void who_starts_is_asked_soon_and_then_less_and_less_often(void **state)
{
	(void)state;
	static const int64_t waits[] = {50, 62, 77, 96, 100, 100};
	sot_health_spec spec = {.kind = SOT_HEALTH_CHECK_TCP,
	    .interval_ms = 100,
	    .healthy_after = 1,
	    .unhealthy_after = 3,
	    .start_period_ms = 60000};
	health h = {0};
	sot_mono t = {1};
	assert_true(health_next_due_ms(&h, &spec, t) == INT64_MAX);
	health_observe(&h, &spec, true, 7, t);
	assert_int_equal(health_next_due_ms(&h, &spec, t), 0);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_true(health_take_due(&h, &spec, t));
		assert_true(health_next_due_ms(&h, &spec, t) == INT64_MAX); /* one at a time */
		health_result(&h, &spec, h.round, false, 1, t);
		assert_int_equal(health_next_due_ms(&h, &spec, t), waits[i]);
		t = sot_mono_add_ms(t, waits[i]);
	}
	assert_true(health_take_due(&h, &spec, t));
	health_result(&h, &spec, h.round, true, 1, t);
	assert_int_equal(h.state, SOT_HEALTH_HEALTHY);
	health_observe(&h, &spec, true, 8, t); /* a new start is waited for anew */
	assert_true(health_take_due(&h, &spec, t));
	health_result(&h, &spec, h.round, false, 1, t);
	assert_int_equal(health_next_due_ms(&h, &spec, t), 50);
}

static void a_status_is_told_until_its_ack_and_a_change_meanwhile_again(void **state)
{
	(void)state;
	sot_err err = {0};
	sot_status m = {0};
	SOT_AUTO(status_feed) f = status_feed_new();
	SOT_AUTO(sot_arena) arena = sot_arena_new(1 << 22);
	sot_instance_status s = {.instance_id = {{1}}, .observed = SOT_OBSERVED_STATE_STARTING};
	status_feed_put(f, &s);
	assert_int_equal(status_feed_build(f, arena, &m, &err), SOT_OK);
	assert_true(m.full && m.instances_count == 1);
	uint64_t first = m.seq;
	s.observed = SOT_OBSERVED_STATE_RUNNING;
	status_feed_put(f, &s);
	status_feed_ack(f, first);
	assert_true(status_feed_is_due(f));
	assert_int_equal(status_feed_build(f, arena, &m, &err), SOT_OK);
	assert_true(!m.full && m.instances_count == 1 && m.seq > first);
	assert_int_equal(m.instances[0].observed, SOT_OBSERVED_STATE_RUNNING);
	status_feed_ack(f, first); /* an old ack says nothing about the new message */
	assert_true(status_feed_is_due(f));
	status_feed_ack(f, m.seq);
	status_feed_put(f, &s);
	assert_false(status_feed_is_due(f));
}

typedef struct listed {
	unknowns *all;
	unsigned ours, foreign;
} listed;

static void on_listed(void *self, const docker_json_item *item)
{
	listed *l = self;
	l->ours += item->is_ours;
	l->foreign += !item->is_ours;
	unknowns_add(l->all, &(sot_unknown_container){.container_id = sot_str_c(item->container_id),
	                         .name = sot_str_c(item->name),
	                         .image = sot_str_c(item->image),
	                         .state = sot_str_c(item->state),
	                         .instance_id = item->instance,
	                         .instance_name = sot_str_c(item->instance_name),
	                         .app = sot_str_c(item->app),
	                         .generation = item->generation});
}

static void all_containers_are_listed_and_ours_say_who_they_are(void **state)
{
	static const char body[] =
	    "[{\"Id\":\"bb\",\"Names\":[\"/"
	    "sot-01920000-0000-7000-8000-000000000001\"],\"State\":\"running\","
	    "\"Image\":\"base:1\",\"Created\":17,\"Labels\":{\"sot.name\":\"shop-default-01\",\"sot."
	    "app\":"
	    "\"shop\",\"sot.generation\":\"7\"}},"
	    "{\"Id\":\"aa\",\"Names\":[\"/"
	    "ci-runner\"],\"State\":\"exited\",\"Image\":\"a\\u0001b\",\"Labels\":"
	    "null},{\"Id\":7}]";
	(void)state;
	SOT_AUTO(unknowns) all = unknowns_new();
	listed l = {.all = all};
	sot_err err = {0};
	size_t n;
	assert_int_equal(docker_json_list(sot_str_c(body), on_listed, &l, &err), SOT_OK);
	assert_true(l.ours == 1 && l.foreign == 2);
	const sot_unknown_container *list = unknowns_list(all, &n);
	assert_true(n == 3 && list[0].container_id.n == 0);
	assert_true(
	    sot_str_eq_c(list[1].container_id, "aa") && sot_str_eq_c(list[1].name, "ci-runner"));
	assert_int_equal(list[1].image.n, 0); /* no text */
	assert_true(sot_uuid_is_zero(list[1].instance_id));
	assert_true(sot_str_eq_c(list[2].instance_name, "shop-default-01") && list[2].generation == 7);
	assert_true(sot_str_eq_c(list[2].app, "shop") && list[2].instance_id.b[15] == 1);
}

static void unknown_containers_are_told_until_their_ack_and_when_they_change(void **state)
{
	(void)state;
	sot_err err = {0};
	sot_status m = {0};
	SOT_AUTO(status_feed) f = status_feed_new();
	SOT_AUTO(sot_arena) arena = sot_arena_new(1 << 22);
	SOT_AUTO(unknowns) none = unknowns_new();
	SOT_AUTO(unknowns) one = unknowns_new();
	SOT_AUTO(unknowns) many = unknowns_new();
	char id[8];
	assert_int_equal(status_feed_build(f, arena, &m, &err), SOT_OK);
	assert_false(m.unknown_told); /* nobody has looked */
	status_feed_ack(f, m.seq);
	assert_false(status_feed_is_due(f));
	status_feed_set_unknown(f, none);
	assert_int_equal(status_feed_build(f, arena, &m, &err), SOT_OK);
	assert_true(m.unknown_told && m.unknown_count == 0);
	status_feed_ack(f, m.seq);
	unknowns_add(one, &(sot_unknown_container){.container_id = SOT_STR("x")});
	status_feed_set_unknown(f, one);
	assert_true(status_feed_is_due(f));
	for (int again = 0; again < 2; again++) {
		m = (sot_status){0};
		assert_int_equal(status_feed_build(f, arena, &m, &err), SOT_OK);
		assert_true(m.unknown_told && m.unknown_count == 1 && m.unknown_containers == 1);
	}
	status_feed_ack(f, m.seq);
	status_feed_set_unknown(f, one);
	assert_false(status_feed_is_due(f));
	for (int k = 0; k < 100; k++) {
		(void)snprintf(id, sizeof(id), "%03d", 99 - k);
		unknowns_add(many, &(sot_unknown_container){.container_id = sot_str_c(id)});
	}
	status_feed_set_unknown(f, many);
	m = (sot_status){0};
	assert_int_equal(status_feed_build(f, arena, &m, &err), SOT_OK);
	assert_true(m.unknown_count == UNKNOWNS_TOLD && m.unknown_containers == 100);
	assert_true(sot_str_eq_c(m.unknown[0].container_id, "000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_inspected_container_is_read),
	    cmocka_unit_test(a_container_without_our_label_is_refused),
	    cmocka_unit_test(the_create_body_is_closed_in),
	    cmocka_unit_test(an_error_inside_a_pull_that_says_200_is_found),
	    cmocka_unit_test(log_frames_are_joined_and_cut_at_a_line),
	    cmocka_unit_test(health_follows_thresholds_and_the_start_period),
	    cmocka_unit_test(who_starts_is_asked_soon_and_then_less_and_less_often),
	    cmocka_unit_test(a_status_is_told_until_its_ack_and_a_change_meanwhile_again),
	    cmocka_unit_test(all_containers_are_listed_and_ours_say_who_they_are),
	    cmocka_unit_test(unknown_containers_are_told_until_their_ack_and_when_they_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
