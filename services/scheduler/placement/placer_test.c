#include "placer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Two zones: racks 0 and 1 in the first, rack 2 in the second. */
static placer *new_fleet(uint32_t slots)
{
	placer_config config = {.policy = placer_default_policy(), .slots = slots};
	placer *p = placer_new(&config);

	(void)placer_az_add(p);
	(void)placer_az_add(p);
	(void)placer_rack_add(p, 0);
	(void)placer_rack_add(p, 0);
	(void)placer_rack_add(p, 1);
	return p;
}

static uint32_t add_host(placer *p, uint32_t rack, int32_t memory_mib)
{
	placer_host_spec s = placer_host_blank(rack);

	s.capacity[PLACER_CPU] = 4000;
	s.capacity[PLACER_MEMORY] = memory_mib;
	s.capacity[PLACER_DISK] = 100000;
	return placer_host_add(p, &s);
}

static uint32_t add_shape(placer *p, int32_t memory_mib)
{
	placer_shape_spec s = {.need = {100, memory_mib, 1024}};
	return placer_shape_add(p, &s);
}

static placer_app_spec spread_app(uint32_t shape)
{
	placer_app_spec s = {.shape = shape, .network = PLACER_NONE, .team = PLACER_NONE};

	for (int level = 0; level < PLACER_LEVELS; level++)
		s.spread[level].prefer = true;
	return s;
}

static uint32_t add_app(placer *p, int32_t memory_mib)
{
	placer_app_spec s = spread_app(add_shape(p, memory_mib));
	return placer_app_add(p, &s);
}

static void instances_spread_over_zones_then_racks_then_hosts(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t racks[] = {0, 0, 1, 2}, made[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		(void)add_host(p, racks[i], 4096);
	assert_int_equal(placer_place(p, add_app(p, 128), 4, made, NULL), 4);
	assert_int_equal(placer_host_instances(p, 0) + placer_host_instances(p, 1), 1);
	assert_int_equal(placer_host_instances(p, 2), 1);
	assert_int_equal(placer_host_instances(p, 3), 2);
}

/* A rack of more hosts than lie together in the index is one rack all the same. */
static void a_large_rack_that_has_the_app_comes_after_one_that_has_not(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t app = add_app(p, 128), shape = placer_app_spec_of(p, app)->shape;
	enum { LARGE = 100 };

	(void)state;
	for (int i = 0; i < LARGE; i++)
		(void)add_host(p, 0, 4096);
	uint32_t other = add_host(p, 1, 4096);
	uint32_t made = placer_put(p, app, shape, LARGE / 2);
	assert_int_equal(placer_choose(p, app), other);
	placer_leave(p, made); /* who leaves does not count: of equal hosts the first */
	assert_int_equal(placer_choose(p, app), 0);
}

static void with_equal_spread_the_fuller_host_wins(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	placer_shape_spec half = {.need = {2000, 2048}};
	placer_app_spec s = spread_app(placer_shape_add(p, &half));
	uint32_t made, other = placer_app_add(p, &s), app = add_app(p, 128);

	(void)state;
	(void)add_host(p, 0, 4096);
	uint32_t fuller = add_host(p, 0, 4096);
	(void)placer_put(p, other, s.shape, fuller);
	assert_int_equal(placer_place(p, app, 1, &made, NULL), 1);
	assert_int_equal(placer_instance_host(p, made), fuller);
}

static void a_refusal_counts_every_host_once_and_names_the_best(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t made, app = add_app(p, 512);
	placer_refusal why;
	sot_buf text;

	(void)state;
	(void)add_host(p, 0, 100);
	(void)add_host(p, 0, 120);
	placer_host_set_state(p, add_host(p, 0, 4096), PLACER_CORDONED);
	assert_int_equal(placer_place(p, app, 1, &made, &why), 0);
	sot_buf_init(&text, 1000);
	placer_refusal_text(&why, &text);
	assert_string_equal(
	    text.p, "0 of 3 hosts fit: 2 memory (best has 120 MiB of 512 MiB), 1 cordoned");
	sot_buf_clear(&text);
	/* One obstacle is the fewest, and to open a host lacks nothing. */
	assert_int_equal(why.nearest, 2);
	assert_int_equal(why.nearest_obstacles, 1u << PLACER_REASON_CORDONED);
}

static void without_hosts_the_refusal_says_so(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t made;
	placer_refusal why;
	sot_buf text;

	(void)state;
	assert_int_equal(placer_place(p, add_app(p, 128), 1, &made, &why), 0);
	sot_buf_init(&text, 1000);
	placer_refusal_text(&why, &text);
	assert_string_equal(text.p, "no host is registered");
	sot_buf_clear(&text);
}

static void who_leaves_does_not_count_for_spread(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t app = add_app(p, 128), made;

	(void)state;
	uint32_t first = add_host(p, 0, 4096);
	uint32_t second = add_host(p, 2, 4096);
	(void)placer_put(p, add_app(p, 1024), 1, second);
	uint32_t old = placer_put(p, app, 0, first);
	placer_leave(p, old);
	/* Both zones are empty of what stays of the app, and the first has more left. */
	assert_int_equal(placer_place(p, app, 1, &made, NULL), 1);
	assert_int_equal(placer_instance_host(p, made), first);
	assert_int_equal(placer_worst_loss(p, app, PLACER_HOST), 1);
}

static void a_hard_skew_refuses_what_soft_spread_would_take(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t shape = add_shape(p, 1024), made[4];
	placer_app_spec s = spread_app(shape);
	placer_refusal why;

	(void)state;
	(void)add_host(p, 0, 8192);
	(void)add_host(p, 2, 1024);
	uint32_t soft = placer_app_add(p, &s);
	s.spread[PLACER_AZ].max_skew = 1;
	uint32_t hard = placer_app_add(p, &s);
	placer_mark mark = placer_begin(p);
	assert_int_equal(placer_place(p, hard, 4, made, &why), 3);
	assert_int_equal(why.count[PLACER_REASON_SPREAD + PLACER_AZ], 1);
	assert_int_equal(why.count[PLACER_REASON_DIM + PLACER_MEMORY], 1);
	placer_rollback(p, mark);
	assert_int_equal(placer_place(p, soft, 4, made, &why), 4);
}

static void peaks_at_different_hours_share_a_host(void **state)
{
	SOT_AUTO(placer) p = new_fleet(2);
	int32_t by_day[] = {3000, 500, 100, 100}, by_night[] = {500, 3000, 100, 100};
	placer_shape_spec day = {.profile = by_day}, night = {.profile = by_night};
	placer_app_spec s = {.network = PLACER_NONE, .team = PLACER_NONE};
	uint32_t made[2];

	(void)state;
	(void)add_host(p, 0, 4096);
	s.shape = placer_shape_add(p, &day);
	uint32_t day_app = placer_app_add(p, &s);
	s.shape = placer_shape_add(p, &night);
	uint32_t night_app = placer_app_add(p, &s);
	assert_int_equal(placer_place(p, day_app, 1, made, NULL), 1);
	assert_int_equal(placer_place(p, night_app, 1, made, NULL), 1);
	assert_int_equal(placer_choose(p, day_app), PLACER_NONE);
}

static void a_fresh_host_takes_only_as_many_starts_as_it_may(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t host = add_host(p, 0, 8192), app = add_app(p, 128), made[4];
	placer_host_spec s = *placer_host_spec_of(p, host);
	placer_refusal why;

	(void)state;
	s.capacity[PLACER_STARTS] = 2;
	placer_host_set(p, host, &s);
	assert_int_equal(placer_place(p, app, 4, made, &why), 2);
	assert_int_equal(why.sole[PLACER_REASON_DIM + PLACER_STARTS], 1);
	placer_started(p, made[0]);
	assert_int_equal(placer_choose(p, app), host);
}

static void a_host_under_load_gets_nothing_and_an_unknown_load_is_not_idle_but_by_request(
    void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t app = add_app(p, 128);
	const uint16_t busy[PLACER_LOADS] = {950, PLACER_LOAD_UNKNOWN, PLACER_LOAD_UNKNOWN};
	const uint16_t warm[PLACER_LOADS] = {100, 800, PLACER_LOAD_UNKNOWN};

	(void)state;
	uint32_t first = add_host(p, 0, 4096), second = add_host(p, 0, 4096);
	placer_host_set_load(p, first, busy);
	assert_int_equal(placer_choose(p, app), second);
	placer_host_set_load(p, second, busy);
	assert_int_equal(placer_choose(p, app), PLACER_NONE);
	placer_host_set_load(p, second, warm);
	uint32_t third = add_host(p, 0, 4096);
	assert_int_equal(placer_choose(p, app), third);
}

static void a_plan_is_refused_when_a_host_changed_since(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t app = add_app(p, 128), made[3];
	placer_plan plan;
	sot_err err = {0};

	(void)state;
	uint32_t from = add_host(p, 0, 4096);
	assert_int_equal(placer_place(p, app, 3, made, NULL), 3);
	uint32_t to = add_host(p, 0, 4096);
	placer_plan_evacuate(p, &from, 1, &plan);
	assert_int_equal(plan.move_count, 3);
	assert_int_equal(placer_host_instances(p, from), 3); /* a plan does nothing */
	uint32_t stranger = placer_put(p, add_app(p, 64), 0, to);
	assert_int_equal(placer_plan_apply(p, &plan, &err), SOT_CONFLICT);
	placer_take(p, stranger);
	placer_plan_clear(&plan);
	placer_plan_evacuate(p, &from, 1, &plan);
	assert_int_equal(placer_plan_apply(p, &plan, &err), SOT_OK);
	assert_int_equal(placer_host_instances(p, to), 3);
	placer_plan_clear(&plan);
}

static void a_move_keeps_its_address_where_the_network_reaches(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	uint32_t network = placer_network_add(p), pool = placer_pool_add(p, network, 1), made, holds;
	placer_app_spec s = spread_app(add_shape(p, 128));

	(void)state;
	s.network = network;
	uint32_t app = placer_app_add(p, &s);
	placer_pool_reach(p, pool, add_host(p, 0, 4096), true);
	placer_pool_reach(p, pool, add_host(p, 0, 4096), true);
	assert_int_equal(placer_place(p, app, 1, &made, NULL), 1);
	assert_int_equal(placer_choose(p, app), PLACER_NONE); /* the one address is held */
	placer_addressed(p, made);
	placer_pool_set_free(p, pool, 0); /* ipam's count without it */
	placer_host_set_state(p, placer_instance_host(p, made), PLACER_CORDONED);
	assert_int_not_equal(placer_move_instance(p, made), PLACER_NONE);
	assert_false(placer_instance_holds(p, made, &holds));
	assert_int_equal(holds, pool);
}

static void rebalancing_mends_a_spread_that_was_broken_and_then_stands_still(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	placer_app_spec s = spread_app(add_shape(p, 128));
	placer_rebalance options = {.max_moves = 10, .min_gain = 0.001};
	placer_plan plan;
	sot_err err = {0};

	(void)state;
	s.spread[PLACER_AZ].max_skew = 1;
	uint32_t app = placer_app_add(p, &s), crowding[PLACER_LEVELS];
	uint32_t host = add_host(p, 0, 4096);
	for (int i = 0; i < 4; i++)
		(void)placer_put(p, app, s.shape, host);
	uint32_t returned = add_host(p, 2, 4096);
	placer_plan_rebalance(p, &options, &plan);
	assert_int_equal(plan.move_count, 2);
	assert_int_equal(placer_plan_apply(p, &plan, &err), SOT_OK);
	placer_plan_clear(&plan);
	placer_crowding(p, app, returned, crowding);
	assert_int_equal(crowding[PLACER_AZ], 2);
	placer_plan_rebalance(p, &options, &plan);
	assert_int_equal(plan.move_count, 0);
	placer_plan_clear(&plan);
}

static void preemption_takes_the_least_important_and_no_more_than_is_needed(void **state)
{
	SOT_AUTO(placer) p = new_fleet(0);
	placer_app_spec s = {.network = PLACER_NONE, .team = PLACER_NONE, .preemptable = true};
	uint32_t host, victims[8], on;

	(void)state;
	host = add_host(p, 0, 1000);
	s.shape = add_shape(p, 300);
	s.budget = 1;
	uint32_t low = placer_app_add(p, &s);
	s.priority = 1;
	uint32_t middle = placer_app_add(p, &s);
	s.priority = 5;
	s.shape = add_shape(p, 350);
	uint32_t high = placer_app_add(p, &s);
	(void)placer_put(p, middle, 0, host);
	uint32_t first = placer_put(p, low, 0, host);
	(void)placer_put(p, low, 0, host);
	assert_int_equal(placer_choose(p, high), PLACER_NONE);
	assert_int_equal(placer_preempt(p, high, &on, victims, 8), 1);
	assert_int_equal(placer_instance_app(p, victims[0]), low);
	assert_int_equal(on, host);
	placer_leave(p, first); /* the budget of the low app is used up now */
	assert_int_equal(placer_preempt(p, high, &on, victims, 8), 1);
	assert_int_equal(placer_instance_app(p, victims[0]), middle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(instances_spread_over_zones_then_racks_then_hosts),
	    cmocka_unit_test(a_large_rack_that_has_the_app_comes_after_one_that_has_not),
	    cmocka_unit_test(with_equal_spread_the_fuller_host_wins),
	    cmocka_unit_test(a_refusal_counts_every_host_once_and_names_the_best),
	    cmocka_unit_test(without_hosts_the_refusal_says_so),
	    cmocka_unit_test(who_leaves_does_not_count_for_spread),
	    cmocka_unit_test(a_hard_skew_refuses_what_soft_spread_would_take),
	    cmocka_unit_test(peaks_at_different_hours_share_a_host),
	    cmocka_unit_test(a_fresh_host_takes_only_as_many_starts_as_it_may),
	    cmocka_unit_test(
	        a_host_under_load_gets_nothing_and_an_unknown_load_is_not_idle_but_by_request),
	    cmocka_unit_test(a_plan_is_refused_when_a_host_changed_since),
	    cmocka_unit_test(a_move_keeps_its_address_where_the_network_reaches),
	    cmocka_unit_test(rebalancing_mends_a_spread_that_was_broken_and_then_stands_still),
	    cmocka_unit_test(preemption_takes_the_least_important_and_no_more_than_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
