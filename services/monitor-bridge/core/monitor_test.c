/* The core as a whole: what leaves it for given reports and events, minute by minute. */
#include "monitor.h"

#include "../testing/cat_decoder.h"
#include "cat_period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_START (472222 * CAT_HOUR_MS)
#define SENT_MAX 400

typedef struct sent_frame {
	decoded_tree tree;
	int64_t expires_unix_ms;
} sent_frame;

typedef struct world {
	monitor *m;
	sot_arena *memory;
	sent_frame *sent;
	size_t count;
	int64_t reserved_hour, minute;
	uint32_t reserved_bound;
	unsigned reserve_calls;
} world;

static void on_frame(void *self, sot_str frame, int64_t expires_unix_ms)
{
	world *w = self;
	assert_true(w->count < SENT_MAX);
	sent_frame *s = &w->sent[w->count++];
	sot_str copy = sot_arena_dup(w->memory, frame);
	assert_true(decode_frame(copy, w->memory, &s->tree));
	s->expires_unix_ms = expires_unix_ms;
}

static void on_reserve(void *self, int64_t hour, uint32_t bound)
{
	world *w = self;
	w->reserved_hour = hour;
	w->reserved_bound = bound;
	w->reserve_calls++;
}

static void on_minute(void *self, int64_t minute)
{
	((world *)self)->minute = minute;
}

static const monitor_options default_options = {.domain_prefix = "sotalia",
    .host_name = "control-1",
    .address = 0x0a000001,
    .machines_max = 100,
    .codec = CAT_NT1};

static world *world_new(const monitor_options *options)
{
	world *w = sot_alloc(sizeof(*w));
	monitor_hooks hooks = {w, on_frame, on_reserve, on_minute};
	w->memory = sot_arena_new(64 << 20);
	w->sent = sot_alloc_array(SENT_MAX, sizeof(*w->sent));
	w->m = monitor_new(options, &hooks);
	return w;
}

static void world_free(world *w)
{
	monitor_free(w->m);
	sot_arena_free(w->memory);
	free(w->sent);
	free(w);
}

static sot_wall at(int64_t minute, int64_t second)
{
	return (sot_wall){HOUR_START + minute * 60000 + second * 1000};
}

static host_figures a_host(void)
{
	host_figures f = {
	    .name = "node-1", .address = 0x0a010203, .interval_ms = 10000, .cpu_cores = 4};
	f.cpu_user_permille = 125;
	f.cpu_system_permille = 30;
	f.load1_milli = 1500;
	f.memory_total_bytes = UINT64_C(8) << 30;
	f.memory_available_bytes = UINT64_C(2) << 30;
	f.disk_total_bytes = 1000;
	f.disk_free_bytes = 250;
	f.rx_bytes_per_s = 125000;
	f.net_drops = 2;
	f.docker_ok = true;
	f.containers_running = 3;
	return f;
}

static instance_figures an_instance(const char *name)
{
	instance_figures f = {.app = "shop", .address = 0x0a42000b, .running = true};
	(void)snprintf(f.name, sizeof(f.name), "%s", name);
	f.cpu_used_milli = 250;
	f.cpu_limit_milli = 500;
	f.memory_rss_bytes = 64 << 20;
	f.memory_limit_bytes = 128 << 20;
	f.uptime_s = 125;
	f.pids = 9;
	f.checks_ok = 2;
	f.checks_failed = 1;
	f.check_ms_sum = 30;
	return f;
}

static void tick_minute(world *w, int64_t minute)
{
	const bridge_figures usage = {.produced = 5};
	for (int second = 0; second < 60; second++)
		monitor_tick(w->m, &usage, at(minute, second));
}

/* The n-th message with that letter, type and machine; NULL when there is none. */
static const decoded_message *find(
    const world *w, const char *domain, const char *machine, const char *type, const char *name)
{
	for (size_t i = 0; i < w->count; i++) {
		const decoded_tree *tree = &w->sent[i].tree;
		if (!sot_str_eq_c(tree->header[0], domain) || !sot_str_eq_c(tree->header[2], machine))
			continue;
		for (size_t k = 0; k < tree->count; k++) {
			const decoded_message *m = &tree->messages[k];
			if (sot_str_eq_c(m->type, type) && (!name || sot_str_eq_c(m->name, name)))
				return m;
		}
	}
	return NULL;
}

static size_t count_of(const world *w, const char *machine, const char *type)
{
	size_t n = 0;
	for (size_t i = 0; i < w->count; i++) {
		const decoded_tree *tree = &w->sent[i].tree;
		for (size_t k = 0; k < tree->count; k++)
			n += sot_str_eq_c(tree->header[2], machine) &&
			     sot_str_eq_c(tree->messages[k].type, type);
	}
	return n;
}

static void assert_has(const decoded_message *m, const char *id, const char *value)
{
	char detail[128];
	int n =
	    snprintf(detail, sizeof(detail), "<extensionDetail id=\"%s\" value=\"%s\"/>", id, value);
	if (!memmem(m->data.p, m->data.n, detail, (size_t)n))
		fail_msg("no %s in %.*s", detail, SOT_ARG(m->data));
}

static void a_host_has_one_heartbeat_a_minute_with_its_figures(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	host_figures f = a_host();
	assert_true(monitor_host_report(w->m, &f, at(0, 50)));
	assert_false(monitor_host_report(w->m, &f, at(1, 0)));
	tick_minute(w, 1);
	assert_int_equal(count_of(w, "10.1.2.3", "Heartbeat"), 1);
	const decoded_message *h = find(w, "sotalia-agent", "10.1.2.3", "Heartbeat", "10.1.2.3");
	assert_non_null(h);
	assert_int_equal(h->letter, 'H');
	assert_true(sot_str_eq_c(h->status, "0"));
	int64_t second = h->at_unix_ms / 1000 % 60;
	assert_in_range(second, 5, 15);
	assert_has(h, "LoadAverage", "1.50");
	assert_has(h, "FreePhysicalMemory", "2147483648");
	assert_has(h, "/data Free", "250");
	assert_has(h, "host.cpu.used.pct", "15.50");
	assert_has(h, "host.mem.used.pct", "75.00");
	assert_has(h, "host.disk.data.used.pct", "75.00");
	assert_has(h, "host.net.uplink.rx.kbps", "1000.00");
	assert_has(h, "host.net.uplink.drops", "4");
	assert_has(h, "containers.running", "3");
	assert_int_equal(w->minute, (HOUR_START + 60000) / 60000);
	world_free(w);
}

static void an_instance_is_a_machine_of_its_own_with_health_in_one_aggregate(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	instance_figures f = an_instance("shop-default-01");
	monitor_instance_report(w->m, &f, at(0, 50));
	monitor_instance_report(w->m, &f, at(1, 0));
	tick_minute(w, 1);
	const decoded_message *h = find(w, "sotalia-instance", "shop-default-01", "Heartbeat", NULL);
	assert_non_null(h);
	assert_has(h, "c.cpu.used.pct", "50.00");
	assert_has(h, "c.mem.used.pct", "50.00");
	assert_has(h, "c.proc.total", "9");
	assert_has(h, "c.uptime.min", "2");
	const decoded_message *health =
	    find(w, "sotalia-instance", "shop-default-01", "Health", "shop");
	assert_non_null(health);
	assert_true(sot_str_eq_c(health->data, "@6;2;60;10,6"));
	/* The id carries the address, though the page's key is the name. */
	size_t at_frame = 0;
	while (!sot_str_eq_c(w->sent[at_frame].tree.header[2], "shop-default-01"))
		at_frame++;
	const sot_str id = w->sent[at_frame].tree.header[6];
	assert_true(sot_str_starts(id, "sotalia-instance-0a42000b-472222-"));
	world_free(w);
}

static void figures_that_are_old_or_of_a_stopped_instance_give_no_heartbeat(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	instance_figures f = an_instance("shop-default-02");
	host_figures host = a_host();
	f.running = false;
	monitor_host_report(w->m, &host, at(0, 2));
	monitor_instance_report(w->m, &f, at(2, 0));
	tick_minute(w, 2);
	assert_int_equal(count_of(w, "10.1.2.3", "Heartbeat"), 0);
	assert_int_equal(count_of(w, "shop-default-02", "Heartbeat"), 0);
	assert_int_equal(count_of(w, "10.0.0.1", "Heartbeat"), 1);
	world_free(w);
}

static void a_clock_that_jumps_gives_no_62nd_heartbeat_and_no_minute_two(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	host_figures f = a_host();
	for (int round = 0; round < 3; round++) {
		for (int minute = 0; minute < 60; minute++) {
			monitor_host_report(w->m, &f, at(minute, 4));
			tick_minute(w, minute);
		}
	}
	assert_int_equal(count_of(w, "10.1.2.3", "Heartbeat"), 60);
	world_free(w);
}

static void a_restart_neither_doubles_the_minute_nor_reuses_an_id(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	host_figures f = a_host();
	monitor_host_report(w->m, &f, at(1, 4));
	tick_minute(w, 1);
	assert_int_equal(w->reserved_hour, 472222);
	world *second = world_new(&default_options);
	monitor_restore_ids(second->m, w->reserved_hour, w->reserved_bound);
	monitor_restore_minute(second->m, w->minute);
	monitor_host_report(second->m, &f, at(1, 5));
	tick_minute(second, 1);
	assert_int_equal(second->count, 0);
	monitor_host_report(second->m, &f, at(2, 4));
	tick_minute(second, 2);
	const sot_str id = second->sent[0].tree.header[6];
	char expected[16];
	int n = snprintf(expected, sizeof(expected), "-%u", w->reserved_bound);
	assert_memory_equal(id.p + id.n - (size_t)n, expected, (size_t)n);
	world_free(w);
	world_free(second);
}

static sot_uuid operation_made_at(int64_t unix_ms)
{
	const uint8_t entropy[16] = {1, 2, 3};
	return sot_uuid_v7((sot_wall){unix_ms}, entropy);
}

static monitor_event instance_change(
    sot_uuid op, const char *old_state, const char *new_state, int64_t at_unix_ms)
{
	return (monitor_event){.at_unix_ms = at_unix_ms,
	    .kind = SOT_STR("instance.state"),
	    .subject = SOT_STR("shop-default-01"),
	    .app = SOT_STR("shop"),
	    .operation_id = op,
	    .state_old = sot_str_c(old_state),
	    .state_new = sot_str_c(new_state)};
}

static monitor_event operation_end(sot_uuid op, const char *state, int64_t at_unix_ms)
{
	return (monitor_event){.at_unix_ms = at_unix_ms,
	    .kind = SOT_STR("operation.state"),
	    .subject = SOT_STR("shop"),
	    .app = SOT_STR("shop"),
	    .operation_id = op,
	    .operation_kind = SOT_STR("scale"),
	    .state_old = SOT_STR("running"),
	    .state_new = sot_str_c(state)};
}

static void a_finished_operation_is_one_tree_with_its_real_duration_and_steps(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	int64_t begin = HOUR_START + 60000;
	sot_uuid op = operation_made_at(begin);
	monitor_event events[] = {instance_change(op, "requested", "placed", begin + 100),
	    instance_change(op, "placed", "creating", begin + 300),
	    instance_change(op, "creating", "running", begin + 2300),
	    operation_end(op, "done", begin + 2500)};
	for (size_t i = 0; i < 4; i++)
		monitor_take_event(w->m, &events[i], at(1, 3));
	assert_int_equal(w->count, 1);
	const decoded_tree *tree = &w->sent[0].tree;
	assert_int_equal(tree->count, 4);
	assert_true(sot_str_eq_c(tree->header[0], "sotalia-controller"));
	assert_true(sot_str_eq_c(tree->messages[0].type, "Sotalia.Op"));
	assert_true(sot_str_eq_c(tree->messages[0].name, "scale"));
	assert_true(sot_str_eq_c(tree->messages[0].status, "0"));
	assert_true(tree->messages[0].at_unix_ms == begin);
	assert_true(tree->messages[0].duration_us == 2500000);
	assert_true(sot_str_eq_c(tree->messages[3].name, "creating"));
	assert_true(tree->messages[3].duration_us == 2000000);
	assert_true(w->sent[0].expires_unix_ms == HOUR_START + CAT_HOUR_MS + CAT_PERIOD_EXTRA_MS);
	world_free(w);
}

static void an_operation_over_the_hour_is_kept_and_one_from_long_ago_is_counted(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	sot_uuid op = operation_made_at(HOUR_START - 20 * 60000);
	monitor_event event = operation_end(op, "failed", HOUR_START + 10 * 60000);
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

static void a_lost_agent_is_an_error_on_the_lost_hosts_page(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	monitor_learn_host(w->m, "node-1", 0x0a010203, at(0, 0));
	monitor_event event = {.at_unix_ms = at(5, 0).unix_ms,
	    .kind = SOT_STR("host.state"),
	    .subject = SOT_STR("node-1"),
	    .host = SOT_STR("node-1"),
	    .state_old = SOT_STR("suspect"),
	    .state_new = SOT_STR("agent_lost"),
	    .reason = SOT_STR("no report for 30 s")};
	monitor_take_event(w->m, &event, at(5, 1));
	const decoded_message *lost = find(w, "sotalia-agent", "10.1.2.3", "Error", "AgentLost");
	assert_non_null(lost);
	assert_true(sot_str_eq_c(lost->status, "1"));
	event.state_old = SOT_STR("agent_lost");
	event.state_new = SOT_STR("online");
	monitor_take_event(w->m, &event, at(5, 30));
	assert_non_null(find(w, "sotalia-agent", "10.1.2.3", "Agent", "back"));
	event.subject = event.host = SOT_STR("node-9");
	event.state_new = SOT_STR("agent_lost");
	monitor_take_event(w->m, &event, at(5, 31));
	assert_non_null(find(w, "sotalia-agent", "node-9", "Error", "AgentLost"));
	world_free(w);
}

static void bad_health_is_an_error_on_the_instances_page_under_either_key(void **state)
{
	(void)state;
	monitor_options by_address = default_options;
	by_address.instances_by_address = true;
	monitor_event event = {.at_unix_ms = at(5, 0).unix_ms,
	    .kind = SOT_STR("instance.health"),
	    .subject = SOT_STR("shop-default-01"),
	    .app = SOT_STR("shop"),
	    .health_new = SOT_STR("unhealthy")};
	for (int round = 0; round < 2; round++) {
		world *w = world_new(round ? &by_address : &default_options);
		const char *key = round ? "10.66.0.11" : "shop-default-01";
		instance_figures f = an_instance("shop-default-01");
		monitor_instance_report(w->m, &f, at(5, 0));
		monitor_take_event(w->m, &event, at(5, 1));
		assert_non_null(find(w, "sotalia-instance", key, "Health", "down"));
		assert_non_null(find(w, "sotalia-instance", key, "Error", "HealthCheckFail.shop"));
		world_free(w);
	}
}

/* Instances of which no report has come yet have no address; an address may pass to another. */
static void machines_with_the_same_address_never_share_an_id(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	char name[16];
	for (int i = 0; i < 6; i++) {
		(void)snprintf(name, sizeof(name), "shop-%d", i);
		instance_figures f = an_instance(name);
		monitor_event event = {.at_unix_ms = at(5, i).unix_ms,
		    .kind = SOT_STR("instance.health"),
		    .subject = sot_str_c(name),
		    .health_new = SOT_STR("healthy")};
		if (i >= 3)
			monitor_instance_report(w->m, &f, at(5, i));
		monitor_take_event(w->m, &event, at(5, i));
	}
	assert_int_equal(w->count, 6);
	for (size_t i = 0; i < w->count; i++) {
		for (size_t k = i + 1; k < w->count; k++)
			assert_false(sot_str_eq(w->sent[i].tree.header[6], w->sent[k].tree.header[6]));
	}
	world_free(w);
}

static void machines_past_the_bound_are_refused_and_silent_ones_forgotten(void **state)
{
	(void)state;
	monitor_options small = default_options;
	small.machines_max = 3;
	world *w = world_new(&small);
	char name[16];
	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "shop-%d", i);
		instance_figures f = an_instance(name);
		monitor_instance_report(w->m, &f, at(0, 1));
	}
	assert_int_equal(monitor_machine_count(w->m), 4); /* and the bridge's own */
	assert_int_equal(monitor_get_counters(w->m)->machines_refused, 2);
	const bridge_figures usage = {0};
	monitor_tick(w->m, &usage, at(180, 0));
	assert_int_equal(monitor_machine_count(w->m), 1);
	world_free(w);
}

static void a_prefix_whose_domains_the_server_throws_away_is_refused(void **state)
{
	(void)state;
	sot_err err;
	assert_int_equal(monitor_prefix_check("sotalia", &err), SOT_OK);
	assert_int_equal(monitor_prefix_check("cat", &err), SOT_INVALID);
	assert_int_equal(monitor_prefix_check("", &err), SOT_INVALID);
	assert_int_equal(monitor_prefix_check("a b", &err), SOT_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_host_has_one_heartbeat_a_minute_with_its_figures),
	    cmocka_unit_test(an_instance_is_a_machine_of_its_own_with_health_in_one_aggregate),
	    cmocka_unit_test(figures_that_are_old_or_of_a_stopped_instance_give_no_heartbeat),
	    cmocka_unit_test(a_clock_that_jumps_gives_no_62nd_heartbeat_and_no_minute_two),
	    cmocka_unit_test(a_restart_neither_doubles_the_minute_nor_reuses_an_id),
	    cmocka_unit_test(a_finished_operation_is_one_tree_with_its_real_duration_and_steps),
	    cmocka_unit_test(an_operation_over_the_hour_is_kept_and_one_from_long_ago_is_counted),
	    cmocka_unit_test(a_lost_agent_is_an_error_on_the_lost_hosts_page),
	    cmocka_unit_test(bad_health_is_an_error_on_the_instances_page_under_either_key),
	    cmocka_unit_test(machines_with_the_same_address_never_share_an_id),
	    cmocka_unit_test(machines_past_the_bound_are_refused_and_silent_ones_forgotten),
	    cmocka_unit_test(a_prefix_whose_domains_the_server_throws_away_is_refused),
	};
	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
