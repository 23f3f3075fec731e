/* What the conversation with ipam is made of: the clock of the reports, the ordered probes, the
 * strangers. */
#include "probe_orders.h"
#include "report_clock.h"
#include "strangers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- the clock ---- */

static void reports_come_at_the_interval_that_ipam_names(void **state)
{
	report_clock c;
	sot_mono now = {5000};
	(void)state;
	report_clock_init(&c, now);
	assert_true(report_clock_begin(&c, now));
	assert_false(report_clock_begin(&c, now));
	assert_true(report_clock_wait_ms(&c, now) == INT64_MAX);
	report_clock_end(&c, true, 60000, now);
	assert_int_equal(report_clock_wait_ms(&c, now), 60000);
	now.ms += 59999;
	assert_false(report_clock_begin(&c, now));
	now.ms++;
	assert_true(report_clock_begin(&c, now));
}

static void changes_are_told_at_most_twice_a_second(void **state)
{
	report_clock c;
	unsigned reports = 0;
	(void)state;
	report_clock_init(&c, (sot_mono){0});
	for (sot_mono now = {0}; now.ms < 10000; now.ms++) {
		report_clock_touch(&c);
		if (!report_clock_begin(&c, now))
			continue;
		report_clock_end(&c, true, 60000, now);
		reports++;
	}
	assert_int_equal(reports, 20);
}

static void a_change_during_a_report_is_told_by_the_next(void **state)
{
	report_clock c;
	sot_mono now = {0};
	(void)state;
	report_clock_init(&c, now);
	assert_true(report_clock_begin(&c, now));
	report_clock_touch(&c);
	now.ms = 300;
	report_clock_end(&c, true, 60000, now);
	assert_int_equal(report_clock_wait_ms(&c, now), 200);
}

static void failures_are_repeated_with_growing_pauses_up_to_a_minute(void **state)
{
	report_clock c;
	sot_mono now = {0};
	int64_t last = 0;
	(void)state;
	report_clock_init(&c, now);
	for (unsigned i = 0; i < 10; i++) {
		assert_true(report_clock_begin(&c, now));
		report_clock_touch(&c); /* a change does not hurry it */
		report_clock_end(&c, false, 0, now);
		int64_t wait = report_clock_wait_ms(&c, now);
		assert_true(wait == (last == 0 ? 1000 : last * 2) || wait == 60000);
		last = wait;
		now.ms += wait;
	}
	assert_int_equal(last, 60000);
	assert_true(report_clock_begin(&c, now));
	report_clock_end(&c, true, 60000, now);
	report_clock_touch(&c);
	assert_int_equal(report_clock_wait_ms(&c, now), 500);
}

/* ---- the orders ---- */

static bool reaches_100(const void *self, uint16_t vlan_id)
{
	(void)self;
	return vlan_id == 100;
}

static void results_are_told_until_a_report_with_them_is_acknowledged(void **state)
{
	SOT_AUTO(probe_orders) o = probe_orders_new();
	SOT_AUTO(probes) p = probes_new();
	sot_mono now = {1000};
	sot_probe_result list[PROBE_ORDERS_MAX];
	sot_probe_order a = {.address = sot_ip_from_v4(1), .vlan_id = 100, .vrf = 3};
	sot_probe_order b = {.address = sot_ip_from_v4(2), .vlan_id = 300};
	(void)state;
	probe_orders_add(o, &a);
	probe_orders_add(o, &a);
	probe_orders_add(o, &b);
	assert_true(probe_orders_advance(o, p, reaches_100, NULL, now)); /* b is out of reach */
	assert_false(probe_orders_advance(o, p, reaches_100, NULL, now));
	assert_int_equal(probe_orders_results(o, 7, list), 1);
	assert_true(!list[0].done && list[0].vlan_id == 300);
	assert_true(probes_hear(p, 100, a.address, (sot_mac){{9}}, now));
	assert_true(probe_orders_advance(o, p, reaches_100, NULL, now));
	probe_orders_told(o, 7); /* a was not in it */
	assert_int_equal(probe_orders_results(o, 8, list), 1);
	assert_true(list[0].done && list[0].mac.b[0] == 9 && list[0].vrf == 3);
	probe_orders_told(o, 7);
	assert_int_equal(probe_orders_results(o, 9, list), 1);
	probe_orders_told(o, 9);
	assert_int_equal(probe_orders_results(o, 10, list), 0);
}

/* ---- the strangers ---- */

static sot_instance_spec spec_of(uint8_t n, sot_desired_state shall)
{
	return (sot_instance_spec){.instance_id = {{n}},
	    .generation = 1,
	    .desired = shall,
	    .name = SOT_STR("w"),
	    .app = SOT_STR("w"),
	    .image = SOT_STR("i"),
	    .cpu_milli = 10,
	    .memory_bytes = 4194304,
	    .vlan_id = 100,
	    .vrf = 5,
	    .address = sot_ip_from_v4(n),
	    .prefix = 24,
	    .mac = {{2, 0x0a, 0, 0, 0, n}},
	    .health = {
	        .interval_ms = 1000, .timeout_ms = 500, .healthy_after = 1, .unhealthy_after = 1}};
}

static void own(strangers *s, const sot_instance_spec *list, size_t count)
{
	SOT_AUTO(desired) d = desired_new();
	bool complete = false;
	sot_assign m = {.epoch = 1,
	    .generation = 1,
	    .parts = 1,
	    .instances = (sot_instance_spec *)(uintptr_t)list,
	    .instances_count = count};
	assert_int_equal(desired_offer(d, &m, &complete, NULL), SOT_OK);
	desired_take_staged(d);
	strangers_set_own(s, d);
}

static sot_stranger seen(uint32_t address, uint8_t who)
{
	return (sot_stranger){
	    .address = sot_ip_from_v4(address), .vlan_id = 100, .mac = {{4, 0, 0, 0, 0, who}}};
}

static void a_stranger_is_news_once_and_kept_for_ten_minutes(void **state)
{
	SOT_AUTO(strangers) s = strangers_new();
	sot_instance_spec list[2] = {
	    spec_of(1, SOT_DESIRED_STATE_RUNNING), spec_of(2, SOT_DESIRED_STATE_RETIRED)};
	sot_stranger x = seen(1, 1), out[4];
	sot_mono now = {1000};
	(void)state;
	own(s, list, 2);
	sot_stranger self = seen(1, 1);
	self.mac = list[0].mac;
	assert_false(strangers_hear(s, &self, now));
	assert_true(strangers_hear(s, &x, now));
	now.ms += 5000;
	x.seen_unix_ms = 77;
	assert_false(strangers_hear(s, &x, now));
	x = seen(2, 1); /* on an address of a retired instance */
	assert_false(strangers_hear(s, &x, now));
	x = seen(1, 1);
	x.vlan_id = 200;
	assert_false(strangers_hear(s, &x, now));
	assert_int_equal(strangers_list(s, out, 4), 1);
	assert_true(out[0].seen_unix_ms == 77 && out[0].vrf == 5);
	own(s, list + 1, 1); /* the instance has another address now: it is still to be told why */
	assert_int_equal(strangers_count(s), 1);
	now.ms += STRANGER_KEPT_MS;
	assert_int_equal(strangers_expire(s, now), 0);
	now.ms++;
	assert_int_equal(strangers_expire(s, now), 1);
	assert_int_equal(strangers_count(s), 0);
}

static void a_flood_fills_a_few_places_and_is_counted(void **state)
{
	SOT_AUTO(strangers) s = strangers_new();
	sot_instance_spec list[40];
	sot_mono now = {1000};
	unsigned news = 0;
	(void)state;
	for (uint8_t i = 0; i < 40; i++)
		list[i] = spec_of((uint8_t)(i + 1), SOT_DESIRED_STATE_RUNNING);
	own(s, list, 40);
	for (uint8_t who = 0; who < 100; who++) {
		sot_stranger x = seen(1, who);
		news += strangers_hear(s, &x, now);
	}
	assert_int_equal(news, STRANGERS_PER_ADDRESS);
	sot_stranger real = seen(2, 200);
	assert_true(strangers_hear(s, &real, now));
	for (uint8_t address = 3; address <= 40; address++)
		for (uint8_t who = 0; who < 20; who++) {
			sot_stranger x = seen(address, who);
			(void)strangers_hear(s, &x, now);
		}
	assert_int_equal(strangers_count(s), STRANGERS_MAX);
	assert_int_equal(strangers_dropped(s), 100 + 1 + 38 * 20 - STRANGERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reports_come_at_the_interval_that_ipam_names),
	    cmocka_unit_test(changes_are_told_at_most_twice_a_second),
	    cmocka_unit_test(a_change_during_a_report_is_told_by_the_next),
	    cmocka_unit_test(failures_are_repeated_with_growing_pauses_up_to_a_minute),
	    cmocka_unit_test(results_are_told_until_a_report_with_them_is_acknowledged),
	    cmocka_unit_test(a_stranger_is_news_once_and_kept_for_ten_minutes),
	    cmocka_unit_test(a_flood_fills_a_few_places_and_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
