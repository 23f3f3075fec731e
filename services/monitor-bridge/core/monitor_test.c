/* The core as a whole: what leaves it for given reports and events, minute by minute. */
#include "../testing/monitor_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_host_has_one_heartbeat_a_minute_with_its_figures(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	host_figures f = a_host();
	assert_true(monitor_host_report(w->m, &f, at(0, 50)));
	assert_false(monitor_host_report(w->m, &f, at(1, 0)));
	tick_minute(w, 1);
	assert_int_equal(count_of(w, "10.1.2.3", "Heartbeat"), 1);
	const cat_read_message *h = find(w, "sotalia-agent", "10.1.2.3", "Heartbeat", "10.1.2.3");
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
	SOT_AUTO(sot_calls) checks = sot_calls_new(4);
	for (int i = 0; i < 3; i++)
		sot_calls_note(checks, SOT_STR("shop"), i == 0 ? 7900 : 2100);
	sot_calls_note_failure(checks, SOT_STR("shop"), 5000000, "timeout", at(0, 58));
	monitor_instance_report(w->m, &f, at(0, 50));
	monitor_checks(w->m, f.name, f.address, checks);
	monitor_instance_report(w->m, &f, at(1, 0));
	monitor_checks(w->m, f.name, f.address, checks);
	tick_minute(w, 1);
	const cat_read_message *h = find(w, "sotalia-instance", "shop-default-01", "Heartbeat", NULL);
	assert_non_null(h);
	assert_has(h, "c.cpu.used.pct", "50.00");
	assert_has(h, "c.mem.used.pct", "50.00");
	assert_has(h, "c.proc.total", "9");
	assert_has(h, "c.uptime.min", "2");
	const cat_read_message *health =
	    find(w, "sotalia-instance", "shop-default-01", "Health", "shop");
	assert_non_null(health);
	assert_true(sot_str_eq_c(health->data, "@6;0;24;2,4|7,2"));
	/* Each failure is a transaction of its own, with its real begin, length and reason. */
	assert_int_equal(count_of(w, "shop-default-01", "Health"), 3);
	const cat_read_message *failure = find_status(w, "shop-default-01", "Health", "timeout");
	assert_non_null(failure);
	assert_int_equal(failure->at_unix_ms, at(0, 53).unix_ms);
	assert_int_equal(failure->duration_us, 5000000);
	/* The id carries the address, though the page's key is the name. */
	size_t at_frame = 0;
	while (!sot_str_eq_c(w->sent[at_frame].tree.header[2], "shop-default-01"))
		at_frame++;
	const sot_str id = w->sent[at_frame].tree.header[6];
	assert_true(sot_str_starts(id, "sotalia-instance-0a42000b-472222-"));
	world_free(w);
}

/* What agents ask of their Engines, and each interface of a host, are on the host's page. */
static void calls_to_the_engine_and_interfaces_are_the_hosts(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	host_figures f = a_host();
	interface_figures links[] = {{.name = "eth0", .rx_bytes_per_s = 125000, .drops = 2},
	    {.name = "br100", .tx_bytes_per_s = 250000, .errors = 1}};
	SOT_AUTO(sot_calls) calls = sot_calls_new(8);
	sot_calls_note(calls, SOT_STR("start"), 300000);
	sot_calls_note_failure(calls, SOT_STR("pull"), 1000, "http-500", at(0, 59));
	for (int second = 50; second < 70; second += 10) {
		monitor_host_report(w->m, &f, at(0, second));
		monitor_host_interfaces(w->m, f.address, links, 2);
		monitor_host_calls(w->m, f.address, calls);
	}
	tick_minute(w, 1);
	const cat_read_message *h = find(w, "sotalia-agent", "10.1.2.3", "Heartbeat", NULL);
	assert_has(h, "host.net.eth0.rx.kbps", "1000.00");
	assert_has(h, "host.net.eth0.drops", "4");
	assert_has(h, "host.net.br100.tx.kbps", "2000.00");
	assert_has(h, "host.net.br100.errs", "2");
	const cat_read_message *start = find(w, "sotalia-agent", "10.1.2.3", "Docker", "start");
	assert_non_null(start);
	assert_true(sot_str_eq_c(start->data, "@2;0;600;288,2"));
	assert_non_null(find_status(w, "10.1.2.3", "Docker", "http-500"));
	/* The next minute begins anew. */
	monitor_host_report(w->m, &f, at(2, 0));
	links[0].drops = 0;
	monitor_host_interfaces(w->m, f.address, links, 1);
	w->count = 0;
	tick_minute(w, 2);
	h = find(w, "sotalia-agent", "10.1.2.3", "Heartbeat", NULL);
	assert_has(h, "host.net.eth0.drops", "0");
	assert_int_equal(count_of(w, "10.1.2.3", "Docker"), 0);
	assert_null(memmem(h->data.p, h->data.n, "br100", 5));
	world_free(w);
}

/* The bridge that does not send a machine's minute keeps nothing of it for the next. */
static void what_another_bridge_sends_is_not_sent_again(void **state)
{
	(void)state;
	const unsigned both[] = {0, 1};
	size_t sent = 0;
	for (unsigned own = 0; own < 2; own++) {
		world *w = world_new(&default_options);
		const bridge_figures usage = {0};
		host_figures f = a_host();
		SOT_AUTO(sot_calls) calls = sot_calls_new(8);
		sot_calls_note(calls, SOT_STR("ping"), 1000);
		monitor_host_report(w->m, &f, at(1, 0));
		monitor_host_calls(w->m, f.address, calls);
		for (int second = 0; second < 60; second++) {
			share_with(w, own, both, 2, at(1, second));
			monitor_tick(w->m, &usage, at(1, second));
		}
		sent += count_of(w, "10.1.2.3", "Docker");
		monitor_host_report(w->m, &f, at(2, 0));
		tick_minute(w, 2); /* now alone */
		sent += count_of(w, "10.1.2.3", "Docker") > 1;
		world_free(w);
	}
	assert_int_equal(sent, 1);
}

static void with_a_domain_per_app_no_app_takes_a_domain_of_ours(void **state)
{
	(void)state;
	monitor_options options = default_options;
	options.domain_per_app = true;
	world *w = world_new(&options);
	static const char *const apps[][2] = {{"shop", "sotalia-shop"}, {"agent", "sotalia-agent.app"},
	    {"instance", "sotalia-instance.app"}, {"controller", "sotalia-controller.app"}};
	for (size_t i = 0; i < 4; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "%s-default-01", apps[i][0]);
		instance_figures f = an_instance(name);
		f.address += (uint32_t)i;
		(void)snprintf(f.app, sizeof(f.app), "%s", apps[i][0]);
		monitor_instance_report(w->m, &f, at(1, 0));
	}
	tick_minute(w, 1);
	for (size_t i = 0; i < 4; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "%s-default-01", apps[i][0]);
		assert_non_null(find(w, apps[i][1], name, "Heartbeat", name));
	}
	/* An event of an instance that never reported knows its app. */
	const monitor_event event = {.at_unix_ms = at(1, 20).unix_ms,
	    .kind = SOT_STR("instance.health"),
	    .subject = SOT_STR("late-default-01"),
	    .app = SOT_STR("late"),
	    .fields = fields_of(w, "new.health=unhealthy")};
	monitor_take_event(w->m, &event, at(1, 20));
	assert_non_null(find(w, "sotalia-late", "late-default-01", "Health", "down"));
	world_free(w);
}

/* Calls of services are on the page of the machine that each runs on; what cannot be read is
 * counted, what is of a kind to come is skipped. */
static void calls_of_services_are_the_controllers(void **state)
{
	(void)state;
	world *w = world_new(&default_options);
	char text[2000];
	sot_str rows;
	(void)snprintf(text, sizeof(text),
	    "c=SQL=ipam.acquire=0=2500=2:1;c=URL=GET /v1/hosts=1=9000=2:1,5:2;"
	    "f=URL=GET /v1/hosts=http-503=%lld=7000;c=SQL=ipam.bind=0=10=0:4;"
	    "c=SQL=wrong=0=x=1:1;c=SQL=none=0=0=;c=SQL=more=2=0=1:1;c=SQL=huge=0=0=1:99999999999;"
	    "f=SQL=bad=;z=SQL=later=1;c=;=;",
	    (long long)at(1, 10).unix_ms);
	rows = fields_of(w, text);
	alone(w, at(1, 4));
	monitor_service_calls(w->m, rows, 0, at(1, 20));
	const cat_read_message *m = find(w, "sotalia-controller", "10.0.0.1", "SQL", "ipam.acquire");
	assert_non_null(m);
	assert_true(sot_str_eq_c(m->data, "@1;0;2;2,1"));
	assert_true(sot_str_eq_c(
	    find(w, "sotalia-controller", "10.0.0.1", "URL", "GET /v1/hosts")->data, "@3;1;9;2,1|5,2"));
	assert_int_equal(find_status(w, "10.0.0.1", "URL", "http-503")->duration_us, 7000);
	assert_int_equal(count_of(w, "10.0.0.1", "SQL"), 2);
	assert_int_equal(monitor_get_counters(w->m)->calls_unread, 5);
	monitor_service_calls(w->m, rows, 0x0a000002, at(1, 20));
	assert_non_null(find(w, "sotalia-controller", "10.0.0.2", "SQL", "ipam.bind"));
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

/* A bridge that was held up at the seconds for heartbeats sends them late, once; past second 50
 * they are lost, and counted, also when it slept through minutes. */
static void a_bridge_that_was_held_up_sends_late_and_counts_what_it_lost(void **state)
{
	(void)state;
	const bridge_figures usage = {.produced = 5};
	world *w = world_new(&default_options);
	const monitor_counters *counters = monitor_get_counters(w->m);
	host_figures f = a_host();
	monitor_host_report(w->m, &f, at(0, 50));
	tick_minute(w, 1);
	assert_int_equal(count_of(w, "10.1.2.3", "Heartbeat"), 1);
	assert_int_equal(counters->heartbeats_late, 0);
	monitor_host_report(w->m, &f, at(2, 0));
	alone(w, at(2, 33)); /* the database was late, too */
	monitor_tick(w->m, &usage, at(2, 33));
	monitor_tick(w->m, &usage, at(2, 34));
	assert_int_equal(count_of(w, "10.1.2.3", "Heartbeat"), 2);
	assert_int_equal(counters->heartbeats_late, 2); /* its own page's, too */
	assert_int_equal(counters->dropped_late + counters->dropped_undecided, 0);
	/* It knows that the minute is its own, and does not get to it. */
	monitor_host_report(w->m, &f, at(3, 0));
	alone(w, at(3, 6));
	uint64_t before = counters->heartbeats;
	monitor_tick(w->m, &usage, at(3, 5));
	monitor_tick(w->m, &usage, at(3, 51));
	monitor_tick(w->m, &usage, at(3, 52));
	assert_true(counters->dropped_late > 0);
	assert_int_equal(counters->heartbeats - before + counters->dropped_late, 2);
	assert_int_equal(counters->dropped_undecided, 0);
	/* Two minutes asleep, with one host. */
	monitor_host_report(w->m, &f, at(6, 0));
	alone(w, at(6, 6));
	monitor_tick(w->m, &usage, at(6, 6));
	assert_int_equal(counters->dropped_undecided, 2);
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

/* "name=value;name=value" as the database gives it. */
/* The caller's tree names the id of the callee's, which names the caller's as parent and root. */
/* Steps past what a frame holds are left out and counted; the operation itself always arrives. */
static void gauges_are_sent_once_a_minute_by_the_bridge_that_leads(void **state)
{
	(void)state;
	const platform_figures platform = {
	    .agents_alive = 3, .cpu_booked_milli = 500, .cpu_bookable_milli = 2000};
	const pool_figures pools[] = {{"prod", 254, 100, 4, 50}};
	const unsigned both[] = {0, 1};
	size_t sent[2] = {0, 0};
	for (unsigned own = 0; own < 2; own++) {
		world *w = world_new(&default_options);
		const bridge_figures usage = {0};
		monitor_take_platform(w->m, &platform, pools, 1, at(1, 0));
		for (int second = 0; second < 60; second++) {
			share_with(w, own, both, 2, at(1, second));
			monitor_tick(w->m, &usage, at(1, second));
		}
		for (size_t i = 0; i < w->count; i++)
			sent[own] += w->sent[i].tree.messages[0].letter == 'M';
		if (sent[own] > 0) {
			assert_true(sot_str_eq_c(
			    find(w, "sotalia-controller", "10.0.0.1", "", "agents.alive")->data, "3.00"));
			assert_true(sot_str_eq_c(
			    find(w, "sotalia-controller", "10.0.0.1", "", "cpu.alloc.pct")->data, "25.00"));
			assert_true(sot_str_eq_c(
			    find(w, "sotalia-controller", "10.0.0.1", "", "ipam.prod.free")->data, "100.00"));
		}
		world_free(w);
	}
	assert_int_equal(sent[0] + sent[1], 10);
	assert_true(sent[0] == 0 || sent[1] == 0);
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
	    .fields = fields_of(w, "old.state=suspect;new.state=agent_lost;reason=no report for 30 s")};
	alone(w, at(4, 6));
	monitor_take_event(w->m, &event, at(5, 1));
	const cat_read_message *lost = find(w, "sotalia-agent", "10.1.2.3", "Error", "AgentLost");
	assert_non_null(lost);
	assert_true(sot_str_eq_c(lost->status, "1"));
	assert_true(
	    sot_str_eq_c(find(w, "sotalia-controller", "10.0.0.1", "", "agent.lost")->data, "1"));
	event.fields = fields_of(w, "old.state=agent_lost;new.state=online");
	monitor_take_event(w->m, &event, at(5, 30));
	assert_non_null(find(w, "sotalia-agent", "10.1.2.3", "Agent", "back"));
	event.subject = event.host = SOT_STR("node-9");
	event.fields = fields_of(w, "old.state=suspect;new.state=agent_lost");
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
	    .app = SOT_STR("shop")};
	for (int round = 0; round < 2; round++) {
		world *w = world_new(round ? &by_address : &default_options);
		const char *key = round ? "10.66.0.11" : "shop-default-01";
		instance_figures f = an_instance("shop-default-01");
		event.fields = fields_of(w, "new.health=unhealthy");
		alone(w, at(4, 6));
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
	alone(w, at(4, 6));
	for (int i = 0; i < 6; i++) {
		(void)snprintf(name, sizeof(name), "shop-%d", i);
		instance_figures f = an_instance(name);
		monitor_event event = {.at_unix_ms = at(5, i).unix_ms,
		    .kind = SOT_STR("instance.health"),
		    .subject = sot_str_c(name),
		    .fields = fields_of(w, "new.health=healthy")};
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
	    cmocka_unit_test(calls_to_the_engine_and_interfaces_are_the_hosts),
	    cmocka_unit_test(what_another_bridge_sends_is_not_sent_again),
	    cmocka_unit_test(with_a_domain_per_app_no_app_takes_a_domain_of_ours),
	    cmocka_unit_test(calls_of_services_are_the_controllers),
	    cmocka_unit_test(figures_that_are_old_or_of_a_stopped_instance_give_no_heartbeat),
	    cmocka_unit_test(a_bridge_that_was_held_up_sends_late_and_counts_what_it_lost),
	    cmocka_unit_test(a_clock_that_jumps_gives_no_62nd_heartbeat_and_no_minute_two),
	    cmocka_unit_test(a_restart_neither_doubles_the_minute_nor_reuses_an_id),
	    cmocka_unit_test(gauges_are_sent_once_a_minute_by_the_bridge_that_leads),
	    cmocka_unit_test(a_lost_agent_is_an_error_on_the_lost_hosts_page),
	    cmocka_unit_test(bad_health_is_an_error_on_the_instances_page_under_either_key),
	    cmocka_unit_test(machines_with_the_same_address_never_share_an_id),
	    cmocka_unit_test(machines_past_the_bound_are_refused_and_silent_ones_forgotten),
	    cmocka_unit_test(a_prefix_whose_domains_the_server_throws_away_is_refused),
	};
	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
