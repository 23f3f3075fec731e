/* An address is asked for before it is bound, on a VLAN that is there. */
#include "reconcile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
	reconcile *r;
	desired *d;
	vlans *vlans;
	probes *probes;
	uint64_t generation;
	sot_mono now;
	container_facts container;
	bool has_container;
	char *record, *used;
} world;

static const sot_mac stranger = {{2, 0, 0, 0, 0, 9}};
static const plan_wire wire = {"br100", 1500};

static sot_instance_spec spec_of(void)
{
	return (sot_instance_spec){.instance_id = {{1}},
	    .generation = 1,
	    .name = SOT_STR("web-default-01"),
	    .app = SOT_STR("web"),
	    .image = SOT_STR("img:1"),
	    .cpu_milli = 500,
	    .memory_bytes = 64 << 20,
	    .vlan_id = 100,
	    .address = sot_ip_from_v4(0x0a64000b),
	    .address_generation = 1,
	    .prefix = 24,
	    .mac = {{2, 0x0a, 0x0a, 0x64, 0, 0x0b}},
	    .health = {
	        .interval_ms = 1000, .timeout_ms = 500, .healthy_after = 1, .unhealthy_after = 1}};
}

static const instance *the_instance(const world *w)
{
	return reconcile_find(w->r, (sot_uuid){{1}});
}

static void observe(world *w)
{
	file_facts files = {.record = w->record, .used_record = w->used, .resolv = PLAN_RESOLV_NONE};
	reconcile_observe(
	    w->r, (sot_uuid){{1}}, w->has_container ? &w->container : NULL, &files, w->now);
}

static void assign(world *w, const sot_instance_spec *spec)
{
	bool complete = false;
	sot_assign m = {.epoch = 1,
	    .generation = ++w->generation,
	    .parts = 1,
	    .instances = (sot_instance_spec *)(uintptr_t)spec,
	    .instances_count = 1};
	assert_int_equal(desired_offer(w->d, &m, &complete, NULL), SOT_OK);
	desired_take_staged(w->d);
	(void)vlans_need(w->vlans, w->d);
	reconcile_set_desired(w->r, w->d, w->now);
	reconcile_vlans_changed(w->r);
	observe(w);
}

static void free_text(char **text)
{
	free(*text);
	*text = NULL;
}

/* One step, carried out on the model. */
static action_kind step(world *w)
{
	SOT_AUTO_BUF record;
	sot_buf_init(&record, PLAN_RECORD_MAX);
	action a = reconcile_next(w->r, w->now);
	if (a.kind == ACTION_NONE)
		return a.kind;
	const sot_instance_spec *spec = &a.want->spec;
	if (a.kind == ACTION_CREATE) {
		w->has_container = true;
		w->container = (container_facts){.id = "c", .memory_bytes = 64 << 20, .cpu_milli = 500};
		plan_fingerprint(spec, w->container.fingerprint);
	} else if (a.kind == ACTION_RECORD) {
		plan_record(spec, "/s", &vlans_get(w->vlans, spec->vlan_id)->wire, &record);
		free_text(&w->record);
		w->record = sot_strdup(record.p);
	} else if (a.kind == ACTION_START || a.kind == ACTION_RESTART) {
		free_text(&w->used);
		w->used = sot_strdup(w->record);
		w->container.running = w->container.ever_started = true;
		w->container.started_unix_ms = ++w->now.ms;
	}
	observe(w);
	reconcile_finished(w->r, (sot_uuid){{1}}, SOT_OK, NULL, true, w->now);
	return a.kind;
}

/* All steps that are possible now; the last of them. */
static action_kind settle(world *w)
{
	action_kind last = ACTION_NONE;
	reconcile_claim(w->r, w->probes, w->now);
	for (action_kind kind; (kind = step(w)) != ACTION_NONE;)
		last = kind;
	return last;
}

static unsigned ask_due(world *w)
{
	unsigned n = 0;
	while (probes_next_due(w->probes, w->now))
		n++;
	return n;
}

static void be_silent(world *w)
{
	for (unsigned i = 0; i < PROBE_COUNT; i++) {
		(void)ask_due(w);
		w->now.ms += PROBE_INTERVAL_MS;
	}
	assert_true(probes_advance(w->probes, w->now));
}

static int setup(void **state)
{
	static const reconcile_limits limits = {2, 2, 4, 8};
	world *w = sot_alloc(sizeof(*w));
	w->vlans = vlans_new();
	w->probes = probes_new();
	w->d = desired_new();
	w->now.ms = 1000;
	(void)vlans_ready(w->vlans, 100, wire.bridge, wire.mtu);
	w->r = reconcile_new("/s", w->vlans, limits, 7);
	reconcile_set_engine(w->r, true);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world *w = *state;
	free_text(&w->record);
	free_text(&w->used);
	w->r = reconcile_free(w->r);
	w->d = desired_free(w->d);
	w->vlans = vlans_free(w->vlans);
	w->probes = probes_free(w->probes);
	free(w);
	return 0;
}

static void it_is_asked_beside_the_preparation_and_bound_after_the_silence(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	assign(w, &s);
	assert_int_equal(settle(w), ACTION_CREATE); /* image, container: not the record */
	assert_int_equal(ask_due(w), 1);
	assert_int_equal(settle(w), ACTION_NONE);
	assert_int_equal(instance_status(the_instance(w)).observed, SOT_OBSERVED_STATE_STARTING);
	be_silent(w);
	assert_int_equal(settle(w), ACTION_START);
	assert_true(w->container.running);
}

static void an_address_in_use_is_told_and_the_next_one_is_bound(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	assign(w, &s);
	(void)settle(w);
	assert_true(probes_hear(w->probes, 100, s.address, stranger, w->now));
	assert_int_equal(settle(w), ACTION_NONE);
	sot_instance_status told = instance_status(the_instance(w));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_FAILED);
	assert_true(sot_ip_eq(told.conflict_address, s.address));
	assert_memory_equal(&told.conflict_mac, &stranger, sizeof(stranger));
	assert_true(sot_str_starts(told.error, "10.100.0.11 is used on VLAN 100 by 02:00:00:00:00:09"));
	/* It stays so while the address is the same holding, silent or not. */
	w->now.ms += 3600000;
	s.generation = 2;
	assign(w, &s);
	assert_int_equal(settle(w), ACTION_NONE);
	assert_int_equal(ask_due(w), 0);

	s.generation = 3;
	s.address = sot_ip_from_v4(0x0a64000c);
	assign(w, &s);
	(void)settle(w);
	assert_true(sot_ip_is_none(instance_status(the_instance(w)).conflict_address));
	be_silent(w);
	assert_int_equal(settle(w), ACTION_START);
	assert_int_equal(instance_status(the_instance(w)).observed, SOT_OBSERVED_STATE_RUNNING);
}

static void the_same_address_given_anew_is_asked_for_anew(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	assign(w, &s);
	(void)settle(w);
	assert_true(probes_hear(w->probes, 100, s.address, stranger, w->now));
	(void)settle(w);
	w->now.ms += PROBE_FRESH_MS;
	s.generation = 2;
	s.address_generation = 2;
	assign(w, &s);
	(void)settle(w);
	be_silent(w);
	assert_int_equal(settle(w), ACTION_START);
}

/* The agent begins anew, with the set that it had and the lines that it kept. */
static void begin_anew(world *w, const sot_instance_spec *spec, const char *lines)
{
	w->r = reconcile_free(w->r);
	w->probes = probes_free(w->probes);
	w->probes = probes_new();
	w->r = reconcile_new("/s", w->vlans, (reconcile_limits){2, 2, 4, 8}, 8);
	reconcile_set_engine(w->r, true);
	assign(w, spec);
	reconcile_recall_taken(w->r, sot_str_c(lines));
}

static void what_was_taken_stays_so_when_the_agent_begins_anew(void **state)
{
	world *w = *state;
	SOT_AUTO_BUF lines;
	sot_buf_init(&lines, 4096);
	sot_instance_spec s = spec_of();
	assign(w, &s);
	(void)settle(w);
	reconcile_taken(w->r, &lines);
	assert_int_equal(lines.n, 0);
	assert_true(probes_hear(w->probes, 100, s.address, stranger, w->now));
	(void)settle(w);
	reconcile_taken(w->r, &lines);
	assert_string_equal(
	    lines.p, "01000000-0000-0000-0000-000000000000 10.100.0.11 1 02:00:00:00:00:09\n");

	begin_anew(w, &s, lines.p);
	assert_int_equal(settle(w), ACTION_NONE);
	assert_int_equal(ask_due(w), 0); /* the stranger may be silent now: nobody is asked */
	sot_instance_status told = instance_status(the_instance(w));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_FAILED);
	assert_true(sot_ip_eq(told.conflict_address, s.address));
	assert_memory_equal(&told.conflict_mac, &stranger, sizeof(stranger));
	/* And it is kept on. */
	SOT_AUTO_BUF again;
	sot_buf_init(&again, 4096);
	reconcile_taken(w->r, &again);
	assert_string_equal(again.p, lines.p);

	/* Another holding of it was told, and the lines were not written after that. */
	s.generation = 2;
	s.address_generation = 2;
	begin_anew(w, &s, lines.p);
	(void)settle(w);
	be_silent(w);
	assert_int_equal(settle(w), ACTION_START);
}

static void lines_that_cannot_be_read_count_for_nothing(void **state)
{
	static const char *const lines[] = {"", "\n\n", "x", "01000000-0000-0000-0000-000000000000",
	    "01000000-0000-0000-0000-000000000000  0 02:00:00:00:00:09\n",
	    "01000000-0000-0000-0000-000000000000 10.100.0.11 1 02:00:00:00:00\n",
	    "01000000-0000-0000-0000-000000000000 10.100.0.12 1 02:00:00:00:00:09\n",
	    "01000000-0000-0000-0000-000000000000 10.100.0.11 one 02:00:00:00:00:09\n",
	    "02000000-0000-0000-0000-000000000000 10.100.0.11 1 02:00:00:00:00:09\n"};
	world *w = *state;
	sot_instance_spec s = spec_of();
	for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
		begin_anew(w, &s, lines[k]);
		assert_true(sot_ip_is_none(instance_status(the_instance(w)).conflict_address));
	}
	/* One that can be is taken from among them. */
	begin_anew(w, &s, "x\n\n01000000-0000-0000-0000-000000000000 10.100.0.11 1 02:00:00:00:00:09");
	assert_true(sot_ip_eq(instance_status(the_instance(w)).conflict_address, s.address));
}

static void both_families_have_to_be_silent(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	assert_int_equal(sot_ip_parse(SOT_STR("2001:db8::b"), &s.address_v6, NULL), SOT_OK);
	assign(w, &s);
	(void)settle(w);
	assert_int_equal(ask_due(w), 2);
	assert_true(probes_hear(w->probes, 100, s.address_v6, stranger, w->now));
	assert_int_equal(settle(w), ACTION_NONE);
	assert_true(sot_ip_eq(instance_status(the_instance(w)).conflict_address, s.address_v6));
}

static void an_instance_that_answers_itself_elsewhere_is_waited_for(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	assign(w, &s);
	(void)settle(w);
	assert_true(probes_hear(w->probes, 100, s.address, s.mac, w->now));
	assert_int_equal(settle(w), ACTION_NONE);
	sot_instance_status told = instance_status(the_instance(w));
	assert_true(sot_ip_is_none(told.conflict_address));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_FAILED);
	int64_t wait = reconcile_next_due_ms(w->r, w->now);
	assert_true(wait > 0 && wait <= PROBE_FRESH_MS);
	w->now.ms += wait;
	assert_int_equal(settle(w), ACTION_NONE);
	assert_int_equal(instance_status(the_instance(w)).observed, SOT_OBSERVED_STATE_FAILED);
	be_silent(w);
	assert_int_equal(settle(w), ACTION_START);
	assert_true(instance_status(the_instance(w)).error.n == 0);
}

static void what_is_held_here_already_is_not_asked_for(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	assign(w, &s);
	(void)settle(w);
	be_silent(w);
	(void)settle(w);
	w->container.running = false; /* it ended; the agent is another one since */
	w->now.ms += 400000;
	w->r = reconcile_free(w->r);
	w->r = reconcile_new("/s", w->vlans, (reconcile_limits){2, 2, 4, 8}, 8);
	reconcile_set_engine(w->r, true);
	assign(w, &s);
	assert_int_equal(settle(w), ACTION_START);
	assert_int_equal(ask_due(w), 0);
}

static void a_stranger_heard_before_the_binding_counts_afterwards_not(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	assign(w, &s);
	(void)settle(w);
	be_silent(w);
	reconcile_claim(w->r, w->probes, w->now);
	reconcile_stranger(w->r, 200, s.address, stranger); /* elsewhere */
	assert_true(sot_ip_is_none(instance_status(the_instance(w)).conflict_address));
	reconcile_stranger(w->r, 100, s.address, stranger);
	assert_int_equal(settle(w), ACTION_NONE);
	s.generation = 2;
	s.address_generation = 2;
	w->now.ms += PROBE_FRESH_MS;
	assign(w, &s);
	(void)settle(w);
	be_silent(w);
	assert_int_equal(settle(w), ACTION_START);
	reconcile_stranger(w->r, 100, s.address, stranger);
	assert_true(sot_ip_is_none(instance_status(the_instance(w)).conflict_address));
	assert_int_equal(instance_status(the_instance(w)).observed, SOT_OBSERVED_STATE_RUNNING);
}

static void without_its_vlan_an_instance_waits_and_says_why(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	s.vlan_id = 300;
	assign(w, &s);
	assert_int_equal(settle(w), ACTION_CREATE);
	assert_int_equal(ask_due(w), 0);
	assert_true(instance_status(the_instance(w)).error.n == 0); /* being made */
	(void)vlans_failed(w->vlans, 300, "VLAN 300: no link");
	sot_instance_status told = instance_status(the_instance(w));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_FAILED);
	assert_true(sot_str_eq_c(told.error, "VLAN 300: no link"));
	(void)vlans_ready(w->vlans, 300, "br300", 1500);
	reconcile_vlans_changed(w->r);
	(void)settle(w);
	be_silent(w);
	(void)settle(w);
	assert_true(w->container.running);
	/* One that runs is left alone when its VLAN cannot be looked at. */
	(void)vlans_failed(w->vlans, 300, "VLAN 300: no link");
	assert_int_equal(settle(w), ACTION_NONE);
	assert_int_equal(instance_status(the_instance(w)).observed, SOT_OBSERVED_STATE_RUNNING);
}

static void a_question_that_cannot_be_asked_is_told_and_asked_again(void **state)
{
	world *w = *state;
	sot_instance_spec s = spec_of();
	assign(w, &s);
	(void)settle(w);
	probes_failed(w->probes, 100, s.address, "bridge br100 is down", w->now);
	assert_int_equal(settle(w), ACTION_NONE);
	sot_instance_status told = instance_status(the_instance(w));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_FAILED);
	assert_true(sot_ip_is_none(told.conflict_address));
	assert_true(sot_str_eq_c(
	    told.error, "nobody could be asked whether 10.100.0.11 is in use: bridge br100 is down"));
	w->now.ms += reconcile_next_due_ms(w->r, w->now);
	(void)settle(w);
	be_silent(w);
	assert_int_equal(settle(w), ACTION_START);
}

static void what_is_bound_is_read_from_the_record_of_the_process(void **state)
{
	world *w = *state;
	binding b;
	sot_instance_spec s = spec_of();
	assign(w, &s);
	(void)settle(w);
	assert_false(instance_binding(the_instance(w), &b));
	be_silent(w);
	uint64_t before = reconcile_binding_changes(w->r);
	(void)settle(w);
	assert_true(reconcile_binding_changes(w->r) > before);
	assert_true(instance_binding(the_instance(w), &b));
	assert_true(b.is_running && b.vlan_id == 100 && b.address_generation == 1);
	assert_string_equal(b.bridge, "br100");
	assert_string_equal(b.host_link, "sot0a64000b");
	/* Another address is wanted: the process has its old one until it is started anew. */
	s.generation = 2;
	s.address_generation = 9;
	s.address = sot_ip_from_v4(0x0a64000c);
	assign(w, &s);
	assert_true(instance_binding(the_instance(w), &b));
	assert_true(sot_ip_eq(b.address, sot_ip_from_v4(0x0a64000b)));
	assert_true(b.address_generation == 0);
	before = reconcile_binding_changes(w->r);
	observe(w);
	assert_true(reconcile_binding_changes(w->r) == before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(it_is_asked_beside_the_preparation_and_bound_after_the_silence),
	    TEST(an_address_in_use_is_told_and_the_next_one_is_bound),
	    TEST(the_same_address_given_anew_is_asked_for_anew),
	    TEST(what_was_taken_stays_so_when_the_agent_begins_anew),
	    TEST(lines_that_cannot_be_read_count_for_nothing),
	    TEST(both_families_have_to_be_silent),
	    TEST(an_instance_that_answers_itself_elsewhere_is_waited_for),
	    TEST(what_is_held_here_already_is_not_asked_for),
	    TEST(a_stranger_heard_before_the_binding_counts_afterwards_not),
	    TEST(without_its_vlan_an_instance_waits_and_says_why),
	    TEST(a_question_that_cannot_be_asked_is_told_and_asked_again),
	    TEST(what_is_bound_is_read_from_the_record_of_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
