/* ipam_truth_pg_test - the real sotalia-ipam against what simulated hosts report: findings,
 * strangers, leaks, the brake, use over time. Argument: the binary.
 */
#include "ipam_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t findings(ipam_rig *rig, const char *kind)
{
	return ipam_sqlf(rig->w, "SELECT count(*) FROM ipam.finding WHERE kind = '%s'", kind);
}

static bool has_state(ipam_rig *rig, uint32_t n, const char *state)
{
	return ipam_sqlf(rig->w,
	           "SELECT count(*) FROM ipam.address WHERE address = '10.66.0.%u' AND state = '%s'", n,
	           state) == 1;
}

static int64_t history(ipam_rig *rig, const char *event, uint32_t n)
{
	return ipam_sqlf(rig->w,
	    "SELECT count(*) FROM ipam.address_event WHERE event = '%s' AND address = '10.66.0.%u'",
	    event, n);
}

static void what_rows_say_and_hosts_do_is_no_finding(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0];
	ipam_make_lab(rig->w, 200);
	for (uint32_t n = 11; n < 21; n++) {
		ipam_row(rig, n < 20 ? "bound" : "reserved", n, n < 20 ? h : NULL);
		ipam_instance(rig, n, h);
		ipam_uses(h, n);
	}
	ipam_rig_start(rig, NULL);
	const ipam_reply *r = ipam_report(h);
	assert_false(r->is_refused);
	assert_int_equal(r->next_report_ms, 60000);
	assert_int_equal(ipam_sql(rig->w, "SELECT count(*) FROM ipam.finding"), 0);
	assert_int_equal(ipam_sql(rig->w, "SELECT used FROM ipam.host_report"), 10);
	assert_int_equal(ipam_sql(rig->w, "SELECT count(*) FROM core.outbox"), 0);
}

static void foreign_missing_and_moved_are_each_told_once_and_go_when_they_go(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0], *other = &rig->hosts[1];
	ipam_make_lab(rig->w, 200);
	ipam_row(rig, "bound", 11, h);
	ipam_row(rig, "bound", 12, other);
	ipam_row(rig, "cooling", 14, NULL);
	for (uint32_t n = 11; n < 13; n++)
		ipam_instance(rig, n, n == 11 ? h : other);
	for (uint32_t n = 12; n < 15; n++)
		ipam_uses(h, n); /* not 11: missing; 12 is bound to the other; nobody gave 13 and 14 */
	ipam_rig_start(rig, NULL);
	for (int i = 0; i < 3; i++)
		assert_false(ipam_report(h)->is_refused);
	assert_int_equal(findings(rig, "missing"), 1);
	assert_int_equal(findings(rig, "moved"), 1);
	assert_int_equal(findings(rig, "foreign"), 2);
	assert_int_equal(ipam_told(rig, "address.missing", 11), 1);
	assert_int_equal(ipam_told(rig, "address.moved", 12), 1);
	assert_int_equal(ipam_told(rig, "address.foreign", 13), 1);
	assert_int_equal(ipam_told(rig, "address.foreign", 14), 1);
	assert_true(has_state(rig, 13, "suspect") && has_state(rig, 14, "suspect"));
	assert_int_equal(history(rig, "missing", 11) + history(rig, "moved", 12), 2);
	assert_int_equal(history(rig, "foreign", 13) + history(rig, "suspect", 13), 2);
	assert_true(has_state(rig, 11, "bound") && has_state(rig, 12, "bound"));
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'address.moved'"
	                     " AND data->'changed'->'host' = '[\"h2\", \"h1\"]'"),
	    1);
	h->used_count = 0;
	ipam_uses(h, 11);
	(void)ipam_report(h);
	assert_int_equal(ipam_sql(rig->w, "SELECT count(*) FROM ipam.finding"), 0);
	h->used_count = 0;
	(void)ipam_report(h);
	assert_int_equal(ipam_told(rig, "address.missing", 11), 2); /* again: another finding */
}

static void nothing_is_missing_before_the_host_has_the_desired_set(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0];
	ipam_make_lab(rig->w, 200);
	ipam_row(rig, "bound", 11, h);
	ipam_instance(rig, 11, h);
	(void)ipam_sql(rig->w, "UPDATE scheduler.host SET generation = 5");
	h->generation = 4;
	ipam_rig_start(rig, NULL);
	(void)ipam_report(h);
	assert_int_equal(findings(rig, "missing"), 0);
	h->generation = 5;
	(void)ipam_report(h);
	assert_int_equal(findings(rig, "missing"), 1);
	h->generation = 4; /* undecided: what stands, stands */
	(void)ipam_report(h);
	assert_int_equal(findings(rig, "missing"), 1);
}

static void an_address_in_use_is_never_given_out(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0];
	ipam_make_lab(rig->w, 2); /* 10.66.0.11 and .12 */
	ipam_uses_for(h, 11, 77);
	ipam_rig_start(rig, NULL);
	(void)ipam_report(h);
	ipam_call c = ipam_acquire(rig->w, 1, 1);
	assert_string_equal(c.text, "");
	assert_true(sot_ip_eq(c.grant.address, ipam_ip("10.66.0.12")));
	assert_int_equal(ipam_acquire(rig->w, 2, 1).refusal, SOT_REFUSAL_BLOCKED);
	/* The instance that uses it may have it. */
	ipam_call own = ipam_acquire(rig->w, 77, 1);
	assert_true(sot_ip_eq(own.grant.address, ipam_ip("10.66.0.11")));
}

static void a_stranger_is_told_before_the_report_is_whole(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0];
	ipam_make_lab(rig->w, 200);
	ipam_row(rig, "bound", 11, h);
	ipam_instance(rig, 11, h);
	ipam_uses(h, 11);
	h->strangers_count = 1;
	h->strangers[0] = (sot_stranger){.address = ipam_ip("10.66.0.11"),
	    .mac = {{2, 1, 2, 3, 4, 5}},
	    .sighting = SOT_STRANGER_SIGHTING_PASSIVE};
	ipam_rig_start(rig, NULL);
	ipam_send_part(h, 0, 2);
	TURN_UNTIL(rig->w->loop, ipam_told(rig, "address.conflict", 11) == 1);
	assert_int_equal(ipam_sql(rig->w, "SELECT count(*) FROM ipam.host_report"), 0);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE"
	                     " data->>'mac' = '02:01:02:03:04:05' AND data->>'vlan' = 'lab'"
	                     " AND data->>'sighting' = 'passive' AND host = 'h1'"),
	    1);
	(void)ipam_report(h);
	assert_int_equal(ipam_told(rig, "address.conflict", 11), 1);
	assert_int_equal(findings(rig, "conflict"), 1);
	h->strangers_count = 0;
	(void)ipam_report(h);
	assert_int_equal(findings(rig, "conflict"), 0);
}

static void a_report_in_parts_is_compared_as_a_whole(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0];
	ipam_make_lab(rig->w, 200);
	ipam_row(rig, "bound", 11, h);
	ipam_row(rig, "bound", 12, h);
	ipam_instance(rig, 11, h);
	ipam_instance(rig, 12, h);
	ipam_rig_start(rig, NULL);
	(void)ipam_report(h); /* connected */
	assert_int_equal(findings(rig, "missing"), 2);
	/* Both parts have one time: the second is sent in the same turn. */
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	int64_t taken = sot_wall_now().unix_ms;
	for (uint16_t part = 0; part < 2; part++) {
		h->used_count = 0;
		ipam_uses(h, 11u + part);
		sot_address_report m = {.request_id = bus_next_request_id(h->bus),
		    .boot_id = SOT_STR("boot"),
		    .report = 99,
		    .part = part,
		    .parts = 2,
		    .taken_unix_ms = taken,
		    .used = h->used,
		    .used_count = 1};
		sot_buf_reset(&frame);
		assert_int_equal(sot_address_report_encode(&m, &frame, NULL), SOT_OK);
		assert_int_equal(bus_client_send(h->client, sot_buf_str(&frame), NULL), SOT_OK);
	}
	TURN_UNTIL(rig->w->loop, findings(rig, "missing") == 0);
	assert_int_equal(ipam_sql(rig->w, "SELECT used FROM ipam.host_report"), 2);
}

/* Reports, and answers the probes: silence but for those of 10.66.0.`noisy`. */
static void live_on(ipam_host *h, uint32_t noisy)
{
	const ipam_reply *r = ipam_report(h);
	for (size_t i = 0; i < r->probes_count; i++) {
		sot_probe_result *p = &h->probes[h->probes_count++];
		*p = (sot_probe_result){.address = r->probes[i].address,
		    .vlan_id = r->probes[i].vlan_id,
		    .vrf = r->probes[i].vrf,
		    .done = true};
		if (sot_ip_eq(p->address, sot_ip_add(ipam_ip("10.66.0.0"), noisy)))
			p->mac = (sot_mac){{2, 9, 9, 9, 9, 9}};
	}
}

static void a_leak_is_collected_on_evidence_and_suspected_against_it(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0];
	ipam_make_lab(rig->w, 200);
	for (uint32_t n = 11; n < 15; n++)
		ipam_row(rig, "bound", n, h);
	ipam_instance(rig, 14, h); /* alive: no leak */
	ipam_uses(h, 12);          /* gone, and still in use */
	ipam_uses(h, 14);
	ipam_rig_start(rig, "--leak_interval_s=1");
	do {
		live_on(h, 13); /* somebody answers for .13 */
		reactor_turn(rig->w->loop, 50);
	} while (!has_state(rig, 11, "cooling") || !has_state(rig, 12, "suspect") ||
	         !has_state(rig, 13, "suspect"));
	assert_true(has_state(rig, 14, "bound"));
	for (uint32_t n = 11; n < 14; n++)
		assert_int_equal(ipam_told(rig, "address.leak", n), 1);
	assert_int_equal(history(rig, "leaked", 11), 1);
	assert_int_equal(history(rig, "suspect", 12), 1);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.leak WHERE address = '10.66.0.11'"), 0);
	assert_int_equal(ipam_sql(rig->w, "SELECT count(*) FROM ipam.address WHERE state = 'cooling'"
	                                  " AND free_after > now() + interval '4 minutes'"),
	    1);
	/* Nobody answers for .13 any more; .12 is still used. */
	do {
		live_on(h, 0);
		reactor_turn(rig->w->loop, 50);
	} while (!has_state(rig, 13, "cooling"));
	assert_true(has_state(rig, 12, "suspect"));
	assert_int_equal(history(rig, "leaked", 13), 1);
	assert_int_equal(ipam_told(rig, "address.leak", 13), 2);
	h->used[0] = h->used[--h->used_count];
	do {
		live_on(h, 0);
		reactor_turn(rig->w->loop, 50);
	} while (!has_state(rig, 12, "cooling"));
	assert_true(has_state(rig, 14, "bound"));
}

static ipam_call release_brake(ipam_rig *rig, const char *key)
{
	sot_brake_release m = {
	    .context = ipam_context(key, "brake"), .reason = SOT_STR("they were scaled in by hand")};
	return ipam_ask(rig->w, &sot_brake_release_type, &m);
}

static void many_leaks_stop_the_collection_until_an_operator_lets_them_go(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0];
	ipam_make_lab(rig->w, 200); /* 1 %: two */
	for (uint32_t n = 11; n < 14; n++)
		ipam_row(rig, "bound", n, h);
	ipam_rig_start(rig, "--leak_interval_s=1");
	assert_int_equal(release_brake(rig, "k0").refusal, SOT_REFUSAL_CONFLICT);
	do {
		live_on(h, 0);
		reactor_turn(rig->w->loop, 50);
	} while (
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.guard WHERE brake_since IS NOT NULL") == 0);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.address WHERE state = 'bound'"), 3);
	assert_int_equal(ipam_sql(rig->w, "SELECT brake_candidates FROM ipam.guard"), 3);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'ipam.brake'"), 1);
	assert_int_equal(release_brake(rig, "k1").message, SOT_MSG_ACCEPTED);
	assert_true(release_brake(rig, "k1").replayed);
	do {
		live_on(h, 0);
		reactor_turn(rig->w->loop, 50);
	} while (ipam_sql(rig->w, "SELECT count(*) FROM ipam.address WHERE state = 'cooling'") < 3);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'ipam.brake'"), 2);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM gateway.audit WHERE action = 'ipam.brake_release'"),
	    1);
}

static void the_use_of_a_subnet_has_levels_that_are_told_and_samples(void **state)
{
	ipam_rig *rig = *state;
	ipam_make_lab(rig->w, 10);
	(void)ipam_sql(rig->w,
	    "INSERT INTO ipam.address_range (id, vrf, subnet, first, last, kind, created_by)"
	    " SELECT gen_random_uuid(), 0, id, '10.66.0.19', '10.66.0.30', 'excluded', 't'"
	    " FROM ipam.subnet");
	for (uint32_t n = 11; n < 16; n++)
		ipam_row(rig, "bound", n, &rig->hosts[0]); /* and two of ten are excluded: 70 % */
	ipam_rig_start(rig, "--usage_interval_s=1");
	TURN_UNTIL(rig->w->loop, ipam_sql(rig->w, "SELECT count(*) FROM ipam.usage_sample") == 1);
	assert_int_equal(ipam_sql(rig->w, "SELECT used * 100 + unusable FROM ipam.subnet_usage"), 502);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.subnet_usage WHERE level = 'notice'"
	                     " AND size = 10"),
	    1);
	assert_int_equal(ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind ="
	                                  " 'subnet.utilisation' AND data->>'level' = 'notice' AND"
	                                  " (data->>'usedPercent')::numeric = 70"),
	    1);
	for (uint32_t n = 16; n < 19; n++)
		ipam_row(rig, "bound", n, &rig->hosts[0]);
	TURN_UNTIL(rig->w->loop,
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.subnet_usage WHERE level = 'critical'") == 1);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'subnet.utilisation'"), 2);
}

static void the_use_of_a_named_pool_has_a_level_of_its_own(void **state)
{
	ipam_rig *rig = *state;
	ipam_make_lab(rig->w, 100);
	/* Ten of a hundred, one of them set aside. */
	(void)ipam_sql(rig->w,
	    "INSERT INTO ipam.address_range (id, vrf, subnet, first, last, kind, pool, created_by)"
	    " SELECT gen_random_uuid(), 0, id, f::inet, l::inet, k, p, 't' FROM ipam.subnet,"
	    " (VALUES ('10.66.0.31', '10.66.0.40', 'pool', 'edge'),"
	    " ('10.66.0.40', '10.66.0.41', 'reserved', '')) AS g(f, l, k, p)");
	for (uint32_t n = 31; n < 37; n++)
		ipam_row(rig, "bound", n, &rig->hosts[0]);
	ipam_rig_start(rig, "--usage_interval_s=1");
	TURN_UNTIL(rig->w->loop,
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.pool_usage WHERE pool = 'edge' AND family = 4"
	                     " AND size = 10 AND used = 6 AND unusable = 1 AND level = 'notice'") == 1);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.subnet_usage WHERE level = 'ok'"), 1);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'pool.utilisation' AND"
	                     " subject = 'lab/edge' AND data->>'level' = 'notice' AND"
	                     " (data->>'usedPercent')::numeric = 70 AND (data->>'free')::int = 3"),
	    1);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.pool_v WHERE level = 'notice'"), 1);
	for (uint32_t n = 37; n < 40; n++)
		ipam_row(rig, "bound", n, &rig->hosts[0]);
	TURN_UNTIL(rig->w->loop,
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'pool.utilisation'"
	                     " AND data->>'level' = 'critical'") == 1);
	(void)ipam_sql(rig->w, "DELETE FROM ipam.address_range WHERE pool = 'edge'");
	TURN_UNTIL(rig->w->loop, ipam_sql(rig->w, "SELECT count(*) FROM ipam.pool_usage") == 0);
}

static void growth_is_carried_on_to_the_day_on_which_it_is_full(void **state)
{
	ipam_rig *rig = *state;
	ipam_make_lab(rig->w, 200);
	(void)ipam_sql(rig->w,
	    "INSERT INTO ipam.usage_sample (subnet, at, used, size) SELECT id, now() - i * interval"
	    " '1 hour', 1000 - i, 200 FROM ipam.subnet, generate_series(1, 300) i");
	ipam_rig_start(rig, "--usage_interval_s=1");
	/* 24 a day; 200 are free. */
	TURN_UNTIL(rig->w->loop, ipam_sql(rig->w, "SELECT count(*) FROM ipam.subnet_usage WHERE"
	                                          " days_left BETWEEN 8 AND 9") == 1);
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, ipam_rig_setup, ipam_rig_teardown)

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    RIG_TEST(what_rows_say_and_hosts_do_is_no_finding),
	    RIG_TEST(foreign_missing_and_moved_are_each_told_once_and_go_when_they_go),
	    RIG_TEST(nothing_is_missing_before_the_host_has_the_desired_set),
	    RIG_TEST(an_address_in_use_is_never_given_out),
	    RIG_TEST(a_stranger_is_told_before_the_report_is_whole),
	    RIG_TEST(a_report_in_parts_is_compared_as_a_whole),
	    RIG_TEST(a_leak_is_collected_on_evidence_and_suspected_against_it),
	    RIG_TEST(many_leaks_stop_the_collection_until_an_operator_lets_them_go),
	    RIG_TEST(the_use_of_a_subnet_has_levels_that_are_told_and_samples),
	    RIG_TEST(the_use_of_a_named_pool_has_a_level_of_its_own),
	    RIG_TEST(growth_is_carried_on_to_the_day_on_which_it_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
