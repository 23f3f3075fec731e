/* Decisions of reconcile over a model of a host: each step that is named is carried out on the
 * model at once, until nothing is left to do. */
#include "reconcile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MODEL_MAX = 8 };

typedef struct model {
	bool container, running, restarting, gone, blob, package, folder;
	uint32_t engine_restarts;
	uint64_t process_start;
	int64_t started;
	char fingerprint[PLAN_SHA256_TEXT];
	char *record, *used;
	uint64_t memory;
	uint32_t cpu;
} model;

typedef struct world {
	reconcile *r;
	desired *d;
	vlans *vlans;
	probes *probes;
	model models[MODEL_MAX];
	uint64_t generation;
	sot_mono now;
	char log[4096];
} world;

static const plan_wire wire = {"sotbr0", 1500};
static char package_bytes[33] = "0123456789abcdef0123456789abcdef";

static sot_uuid id_of(unsigned n)
{
	sot_uuid id = {{0}};
	id.b[15] = (uint8_t)n;
	return id;
}

static sot_instance_spec spec_of(unsigned n)
{
	return (sot_instance_spec){.instance_id = id_of(n),
	    .generation = 1,
	    .name = SOT_STR("web-default-01"),
	    .app = SOT_STR("web"),
	    .image = SOT_STR("img:1"),
	    .cpu_milli = 500,
	    .memory_bytes = 64 << 20,
	    .address = sot_ip_from_v4(0x0a420000 + n),
	    .prefix = 24,
	    .mac = {{2, 0, 0, 0, 0, (uint8_t)n}},
	    .health = {
	        .interval_ms = 1000, .timeout_ms = 500, .healthy_after = 1, .unhealthy_after = 1}};
}

static void observe(world *w, unsigned n)
{
	model *m = &w->models[n];
	container_facts c = {.running = m->running && !m->restarting,
	    .engine_restarts_it = m->restarting,
	    .engine_restarts = m->engine_restarts,
	    .process_gone = m->gone,
	    .process_start = m->process_start,
	    .ever_started = m->started > 0,
	    .pid = 1,
	    .started_unix_ms = m->started,
	    .memory_bytes = m->memory,
	    .cpu_milli = m->cpu};
	file_facts f = {.record = m->record,
	    .used_record = m->used,
	    .blob = m->blob,
	    .package = m->package,
	    .folder = m->folder};
	(void)snprintf(c.id, sizeof(c.id), "c%u", n);
	if (m->restarting)
		(void)snprintf(c.exit_text, sizeof(c.exit_text), "exited with status 1");
	memcpy(c.fingerprint, m->fingerprint, sizeof(c.fingerprint));
	reconcile_observe(w->r, id_of(n), m->container ? &c : NULL, &f, w->now);
}

static void assign(world *w, const sot_instance_spec *specs, size_t count)
{
	sot_err err = {0};
	bool complete = false;
	sot_assign m = {.epoch = 1,
	    .generation = ++w->generation,
	    .parts = 1,
	    .instances = (sot_instance_spec *)(uintptr_t)specs,
	    .instances_count = count};
	assert_int_equal(desired_offer(w->d, &m, &complete, &err), SOT_OK);
	assert_true(complete);
	desired_take_staged(w->d);
	(void)vlans_need(w->vlans, w->d);
	reconcile_set_desired(w->r, w->d, w->now);
	for (size_t i = 0; i < count; i++)
		observe(w, specs[i].instance_id.b[15]);
	reconcile_claim(w->r, w->probes, w->now);
}

/* Nobody answers any question. */
static void listen(world *w)
{
	reconcile_claim(w->r, w->probes, w->now);
	while (probes_next_due_ms(w->probes, w->now) != INT64_MAX) {
		while (probes_next_due(w->probes, w->now)) {
		}
		w->now.ms += PROBE_INTERVAL_MS;
		(void)probes_advance(w->probes, w->now);
	}
	reconcile_claim(w->r, w->probes, w->now);
}

static void replace(char **text, char *with)
{
	free(*text);
	*text = with;
}

static void start(model *m, sot_mono now)
{
	m->running = true;
	m->restarting = m->gone = false;
	m->engine_restarts = 0;
	m->process_start++;
	m->started = now.ms + 1000000;
	replace(&m->used, m->record ? sot_strdup(m->record) : NULL);
}

static void carry_out(world *w, const action *a)
{
	const sot_instance_spec *spec = &a->want->spec;
	model *m = &w->models[spec->instance_id.b[15]];
	SOT_AUTO_BUF record;
	sot_buf_init(&record, PLAN_RECORD_MAX);
	w->now.ms++;
	if (a->kind == ACTION_FETCH) {
		m->blob = true;
	} else if (a->kind == ACTION_UNPACK) {
		m->blob = false;
		m->package = true;
	} else if (a->kind == ACTION_CREATE) {
		m->container = m->folder = true;
		m->memory = spec->memory_bytes;
		m->cpu = spec->cpu_milli;
		m->started = 0;
		plan_fingerprint(spec, m->fingerprint);
	} else if (a->kind == ACTION_RECORD) {
		plan_record(spec, "/s", &wire, &record);
		replace(&m->record, sot_strndup(sot_buf_str(&record)));
	} else if (a->kind == ACTION_START || a->kind == ACTION_RESTART) {
		start(m, w->now);
	} else if (a->kind == ACTION_STOP) {
		m->running = m->restarting = m->gone = false;
	} else if (a->kind == ACTION_UPDATE) {
		m->memory = spec->memory_bytes;
		m->cpu = spec->cpu_milli;
	} else if (a->kind == ACTION_REMOVE) {
		m->container = false;
		replace(&m->record, NULL);
		replace(&m->used, NULL);
	} else if (a->kind == ACTION_CLEAR) {
		m->folder = false;
	}
}

/* Runs until nothing is due; the names of the steps are in w->log. */
static const char *settle(world *w)
{
	w->log[0] = '\0';
	for (int i = 0; i < 200; i++) {
		listen(w);
		action a = reconcile_next(w->r, w->now);
		if (a.kind == ACTION_NONE)
			return w->log;
		size_t n = strlen(w->log);
		(void)snprintf(w->log + n, sizeof(w->log) - n, "%s%s", n ? " " : "", action_name(a.kind));
		sot_uuid id = a.want->spec.instance_id;
		carry_out(w, &a);
		observe(w, id.b[15]);
		reconcile_finished(w->r, id, SOT_OK, NULL, true, w->now);
	}
	fail_msg("does not come to rest: %s", w->log);
	return NULL;
}

static int setup(void **state)
{
	world *w = sot_alloc(sizeof(*w));
	w->vlans = vlans_new();
	w->probes = probes_new();
	(void)vlans_ready(w->vlans, 0, wire.bridge, wire.mtu);
	w->r = reconcile_new("/s", w->vlans, (reconcile_limits){2, 2, 4, 8}, 7);
	w->d = desired_new();
	w->now.ms = 1000;
	reconcile_set_engine(w->r, true);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world *w = *state;
	for (size_t i = 0; i < MODEL_MAX; i++) {
		free(w->models[i].record);
		free(w->models[i].used);
	}
	w->r = reconcile_free(w->r);
	w->d = desired_free(w->d);
	w->vlans = vlans_free(w->vlans);
	w->probes = probes_free(w->probes);
	free(w);
	return 0;
}

static void a_new_instance_is_made_in_order(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	s.package_sha256 = (sot_str){package_bytes, 32};
	assign(w, &s, 1);
	assert_string_equal(settle(w), "image fetch unpack create record start");
	assert_int_equal(
	    instance_status(reconcile_find(w->r, id_of(1))).observed, SOT_OBSERVED_STATE_RUNNING);
}

static void nothing_is_done_when_all_is_as_it_shall_be(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	assign(w, &s, 1);
	assert_string_equal(settle(w), "");
}

static void a_new_version_is_fetched_before_the_restart(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	s.generation = 2;
	s.version = SOT_STR("2.0");
	s.package_sha256 = (sot_str){package_bytes, 32};
	assign(w, &s, 1);
	w->now.ms += 400000;
	assert_true(instance_status(reconcile_find(w->r, id_of(1))).generation == 1);
	assert_string_equal(settle(w), "fetch unpack record restart");
	sot_instance_status told = instance_status(reconcile_find(w->r, id_of(1)));
	assert_true(told.generation == 2);
	assert_true(sot_str_eq_c(told.version, "2.0"));
}

static void a_change_of_limits_does_not_restart(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	s.generation = 2;
	s.memory_bytes = 128 << 20;
	assign(w, &s, 1);
	assert_string_equal(settle(w), "update");
}

static void another_image_replaces_the_container(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	s.generation = 2;
	s.image = SOT_STR("img:2");
	assign(w, &s, 1);
	assert_string_equal(settle(w), "image stop remove create record start");
}

static void only_retired_clears_and_a_missing_instance_is_left_alone(void **state)
{
	world *w = *state;
	sot_instance_spec s[2] = {spec_of(1), spec_of(2)};
	assign(w, s, 2);
	(void)settle(w);
	assign(w, s, 1);
	w->now.ms += 400000;
	assert_string_equal(settle(w), "");
	assert_true(w->models[2].running);
	s[0].generation = 2;
	s[0].desired = SOT_DESIRED_STATE_RETIRED;
	assign(w, s, 1);
	assert_string_equal(settle(w), "stop remove clear");
	assert_int_equal(
	    instance_status(reconcile_find(w->r, id_of(1))).observed, SOT_OBSERVED_STATE_RETIRED);
}

static void a_failure_delays_its_own_instance_only_and_longer_each_time(void **state)
{
	world *w = *state;
	sot_err why = {0};
	int64_t last = 0;
	sot_instance_spec s[2] = {spec_of(1), spec_of(2)};
	assign(w, s, 1);
	sot_fail(&why, SOT_UNAVAILABLE, "no registry");
	for (int i = 0; i < 12; i++) {
		action a = reconcile_next(w->r, w->now);
		assert_int_equal(a.kind, ACTION_IMAGE);
		reconcile_finished(w->r, id_of(1), SOT_UNAVAILABLE, &why, true, w->now);
		int64_t wait = reconcile_next_due_ms(w->r, w->now);
		assert_true(wait >= 750 && wait <= 375000);
		if (i > 0 && i < 8)
			assert_true(wait > last);
		last = wait;
		assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_NONE);
		w->now.ms += wait;
	}
	assert_true(last >= 225000);
	assert_int_equal(
	    instance_status(reconcile_find(w->r, id_of(1))).observed, SOT_OBSERVED_STATE_FAILED);
	action blocked = reconcile_next(w->r, w->now);
	assert_int_equal(blocked.kind, ACTION_IMAGE);
	reconcile_finished(w->r, id_of(1), SOT_UNAVAILABLE, &why, true, w->now);
	assign(w, s, 2);
	assert_string_equal(settle(w), "image create record start");
	assert_true(w->models[2].running);
	assert_false(w->models[1].container);
}

static void no_more_than_four_starts_are_in_flight(void **state)
{
	world *w = *state;
	sot_instance_spec s[7];
	for (unsigned i = 0; i < 7; i++) {
		s[i] = spec_of(i + 1);
		w->models[i + 1] =
		    (model){.container = true, .folder = true, .memory = 64 << 20, .cpu = 500};
		SOT_AUTO_BUF record;
		sot_buf_init(&record, PLAN_RECORD_MAX);
		plan_record(&s[i], "/s", &wire, &record);
		w->models[i + 1].record = sot_strndup(sot_buf_str(&record));
		plan_fingerprint(&s[i], w->models[i + 1].fingerprint);
	}
	assign(w, s, 7);
	for (int i = 0; i < 4; i++)
		assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_START);
	assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_NONE);
	reconcile_finished(w->r, id_of(1), SOT_OK, NULL, false, w->now);
	reconcile_finished(w->r, id_of(2), SOT_OK, NULL, false, w->now);
	reconcile_finished(w->r, id_of(3), SOT_OK, NULL, false, w->now);
	reconcile_finished(w->r, id_of(4), SOT_OK, NULL, false, w->now);
	for (int i = 0; i < 3; i++)
		assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_START);
	/* The four that ended were not observed again: nothing is decided about them. */
	assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_NONE);
}

static void nothing_begins_while_the_engine_is_away(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	reconcile_set_engine(w->r, false);
	assign(w, &s, 1);
	assert_string_equal(settle(w), "");
	reconcile_set_engine(w->r, true);
	assert_string_equal(settle(w), "image create record start");
}

static void a_running_process_without_a_note_is_not_restarted(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	replace(&w->models[1].used, NULL);
	replace(&w->models[1].record, NULL);
	observe(w, 1);
	w->now.ms += 400000;
	assert_string_equal(settle(w), "record");
}

/* PID 1 ends and waits for the Engine's next try. */
static void crash(world *w, unsigned n)
{
	w->models[n].restarting = true;
	w->models[n].engine_restarts++;
	observe(w, n);
}

static void engine_tries_again(world *w, unsigned n)
{
	w->now.ms += 100;
	w->models[n].restarting = false;
	w->models[n].started++;
	observe(w, n);
}

static void three_ends_within_a_minute_are_told_as_failed_even_while_it_runs(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	s.health.kind = SOT_HEALTH_CHECK_TCP;
	s.health.start_period_ms = 600000;
	assign(w, &s, 1);
	(void)settle(w);
	const instance *i = reconcile_find(w->r, id_of(1));
	for (int n = 0; n < 3; n++) {
		assert_int_not_equal(instance_status(i).observed, SOT_OBSERVED_STATE_FAILED);
		crash(w, 1);
		engine_tries_again(w, 1);
	}
	sot_instance_status told = instance_status(i);
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_FAILED);
	assert_int_equal(told.health, SOT_HEALTH_UNHEALTHY);
	assert_int_equal(told.restarts, 3);
	assert_true(sot_str_eq_c(told.error, "exited with status 1, 3 restarts"));
	assert_true(told.generation == s.generation);
	assert_string_equal(settle(w), ""); /* the Engine's own policy is at work */

	w->now.ms += 30000;
	observe(w, 1);
	told = instance_status(i);
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_RUNNING);
	assert_int_equal(told.health, SOT_HEALTH_STARTING);
	assert_int_equal(told.restarts, 3);
}

static void a_new_spec_does_not_wait_for_the_engines_next_try_of_the_old_one(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	for (int n = 0; n < 3; n++)
		crash(w, 1);
	s.generation = 2;
	s.version = SOT_STR("2.0");
	assign(w, &s, 1);
	w->now.ms += 5000;
	assert_string_equal(settle(w), "record restart");
	sot_instance_status told = instance_status(reconcile_find(w->r, id_of(1)));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_RUNNING);
	assert_int_equal(told.health, SOT_HEALTH_HEALTHY);
	assert_true(told.error.n == 0);
}

static void a_process_that_is_gone_unnoticed_is_restarted_at_the_second_look(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	w->now.ms += 400000;
	w->models[1].gone = true;
	observe(w, 1);
	assert_string_equal(settle(w), "");
	sot_instance_status told = instance_status(reconcile_find(w->r, id_of(1)));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_EXITED);
	assert_true(told.error.n > 0);
	w->now.ms += 3000;
	observe(w, 1);
	assert_string_equal(settle(w), "restart");
	assert_int_equal(
	    instance_status(reconcile_find(w->r, id_of(1))).observed, SOT_OBSERVED_STATE_RUNNING);
}

static void a_pid_that_was_given_to_another_process_is_no_sign_of_life(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	w->now.ms += 400000;
	w->models[1].process_start += 1000;
	observe(w, 1);
	w->now.ms += 3000;
	observe(w, 1);
	assert_string_equal(settle(w), "restart");
	w->now.ms += 400000;
	observe(w, 1);
	assert_string_equal(settle(w), "");
}

static void a_ghost_that_shall_go_is_stopped_first(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	(void)settle(w);
	w->models[1].gone = true;
	s.generation = 2;
	s.desired = SOT_DESIRED_STATE_RETIRED;
	assign(w, &s, 1);
	assert_string_equal(settle(w), "stop remove clear");
}

static void an_old_epoch_and_a_delta_that_does_not_fit_are_refused(void **state)
{
	world *w = *state;
	sot_err err = {0};
	bool complete = false;
	sot_instance_spec s = spec_of(1);
	assign(w, &s, 1);
	sot_assign old = {.epoch = 0, .generation = 9, .parts = 1};
	assert_int_equal(desired_offer(w->d, &old, &complete, &err), SOT_DENIED);
	sot_assign delta = {.epoch = 1, .from_generation = 7, .generation = 8, .parts = 1};
	assert_int_equal(desired_offer(w->d, &delta, &complete, &err), SOT_CONFLICT);
	sot_assign second = {.epoch = 1, .generation = 9, .part = 1, .parts = 2};
	assert_int_equal(desired_offer(w->d, &second, &complete, &err), SOT_CONFLICT);
	assert_int_equal(desired_count(w->d), 1);
}

static void the_assignment_file_is_read_back_and_damage_is_refused(void **state)
{
	world *w = *state;
	sot_err err = {0};
	bool complete = false;
	sot_instance_spec s[2] = {spec_of(1), spec_of(2)};
	sot_assign m = {.epoch = 3, .generation = 5, .parts = 1, .instances = s, .instances_count = 2};
	SOT_AUTO_BUF bytes;
	sot_buf_init(&bytes, 1 << 20);
	assert_int_equal(desired_offer(w->d, &m, &complete, &err), SOT_OK);
	assert_int_equal(desired_render_staged(w->d, &bytes, &err), SOT_OK);
	SOT_AUTO(desired) again = desired_new();
	assert_int_equal(desired_restore(again, sot_buf_str(&bytes), &err), SOT_OK);
	assert_true(desired_generation(again) == 5 && desired_epoch(again) == 3);
	assert_int_equal(desired_count(again), 2);
	assert_true(sot_str_eq_c(desired_get(again, id_of(2))->spec.image, "img:1"));
	for (size_t n = 0; n < bytes.n; n++) {
		SOT_AUTO(desired) cut = desired_new();
		if (desired_restore(cut, (sot_str){bytes.p, n}, &err) == SOT_OK)
			assert_true(desired_count(cut) < 2); /* cut between two frames */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_new_instance_is_made_in_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        nothing_is_done_when_all_is_as_it_shall_be, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_new_version_is_fetched_before_the_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_change_of_limits_does_not_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(another_image_replaces_the_container, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        only_retired_clears_and_a_missing_instance_is_left_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_failure_delays_its_own_instance_only_and_longer_each_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_more_than_four_starts_are_in_flight, setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_begins_while_the_engine_is_away, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_running_process_without_a_note_is_not_restarted, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        three_ends_within_a_minute_are_told_as_failed_even_while_it_runs, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_new_spec_does_not_wait_for_the_engines_next_try_of_the_old_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_process_that_is_gone_unnoticed_is_restarted_at_the_second_look, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_pid_that_was_given_to_another_process_is_no_sign_of_life, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_ghost_that_shall_go_is_stopped_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        an_old_epoch_and_a_delta_that_does_not_fit_are_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        the_assignment_file_is_read_back_and_damage_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
