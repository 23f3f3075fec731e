#include "placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sot_rand.h"

#define MIB (1ull << 20)

static placement_host host(const char *az, const char *rack, uint64_t memory_mib)
{
	return (placement_host){
	    .az = az, .rack = rack, .capacity = {4000, memory_mib * MIB, 100000 * MIB}};
}

static const placement_need need = {100, 128 * MIB, 1024 * MIB};

static void instances_spread_over_zones_then_racks_then_hosts(void **state)
{
	placement_host hosts[] = {
	    host("a", "1", 4096), host("a", "1", 4096), host("a", "2", 4096), host("b", "1", 4096)};
	size_t chosen[4];
	placement_refusal why;

	(void)state;
	assert_int_equal(placement_place(hosts, 4, &need, 4, chosen, &why), 4);
	assert_string_not_equal(hosts[chosen[0]].az, hosts[chosen[1]].az);
	/* Two in zone a: on different racks. */
	assert_int_equal(hosts[0].app_instances + hosts[1].app_instances, 1);
	assert_int_equal(hosts[2].app_instances, 1);
	assert_int_equal(hosts[3].app_instances, 2);
}

static void with_equal_spread_the_fuller_host_wins(void **state)
{
	placement_host hosts[] = {host("a", "1", 4096), host("a", "1", 4096)};
	size_t chosen[1];
	placement_refusal why;

	(void)state;
	hosts[1].booked = (placement_need){2000, 2048 * MIB, 0};
	assert_int_equal(placement_place(hosts, 2, &need, 1, chosen, &why), 1);
	assert_int_equal(chosen[0], 1);
}

static void a_refusal_counts_every_host_once_and_names_the_best(void **state)
{
	placement_host hosts[] = {host("a", "1", 100), host("a", "1", 120), host("a", "1", 4096)};
	placement_need big = {100, 512 * MIB, 0};
	size_t chosen[1];
	placement_refusal why;
	sot_buf text;

	(void)state;
	hosts[2].bar = PLACEMENT_CORDONED;
	assert_int_equal(placement_place(hosts, 3, &big, 1, chosen, &why), 0);
	sot_buf_init(&text, 1000);
	placement_refusal_text(&why, &text);
	assert_string_equal(
	    text.p, "0 of 3 hosts fit: 2 memory (best has 120 MiB of 512 MiB), 1 cordoned");
	sot_buf_clear(&text);
}

static void without_hosts_the_refusal_says_so(void **state)
{
	size_t chosen[1];
	placement_refusal why;
	sot_buf text;

	(void)state;
	assert_int_equal(placement_place(NULL, 0, &need, 1, chosen, &why), 0);
	sot_buf_init(&text, 1000);
	placement_refusal_text(&why, &text);
	assert_string_equal(text.p, "no host is registered");
	sot_buf_clear(&text);
}

static void the_newest_on_the_fullest_domain_leaves_and_the_unplaced_before_it(void **state)
{
	placement_host hosts[] = {host("a", "1", 4096), host("b", "1", 4096)};
	size_t host_of[] = {0, 1, 0, 1, 0};
	size_t with_unplaced[] = {0, PLACEMENT_NONE, 1};

	(void)state;
	hosts[0].app_instances = 3;
	hosts[1].app_instances = 2;
	assert_int_equal(placement_leaver(hosts, 2, host_of, 5), 4);
	hosts[0].app_instances = 1;
	hosts[1].app_instances = 2;
	assert_int_equal(placement_leaver(hosts, 2, host_of, 4), 3);
	assert_int_equal(placement_leaver(hosts, 2, with_unplaced, 3), 1);
}

static void fill_random(sot_rand *r, placement_host *hosts, size_t n)
{
	static const char *const names[] = {"a", "b", "c"};

	for (size_t k = 0; k < n; k++) {
		hosts[k] = host(names[sot_rand_below(r, 3)], names[sot_rand_below(r, 3)],
		    128 * (1 + sot_rand_below(r, 20)));
		hosts[k].bar = (placement_bar)(sot_rand_below(r, 8) == 0 ? sot_rand_below(r, 4) : 0);
	}
}

/* For any table: nothing over capacity, nothing on a closed host, reasons sum to the hosts. */
static void no_random_table_is_overbooked_and_reasons_always_sum_up(void **state)
{
	enum { MAX = 20, WANTED = 60 };
	placement_host hosts[MAX];
	size_t chosen[WANTED];

	(void)state;
	for (uint64_t seed = 1; seed <= 500; seed++) {
		sot_rand r;
		placement_refusal why = {0};
		size_t sum = 0;
		sot_rand_seed(&r, seed);
		size_t n = 1 + sot_rand_below(&r, MAX);
		fill_random(&r, hosts, n);
		size_t placed = placement_place(hosts, n, &need, WANTED, chosen, &why);
		for (size_t k = 0; k < n; k++) {
			assert_true(hosts[k].booked.memory_bytes <= hosts[k].capacity.memory_bytes);
			assert_true(hosts[k].booked.cpu_milli <= hosts[k].capacity.cpu_milli * 4);
			assert_true(hosts[k].bar == PLACEMENT_OPEN || hosts[k].app_instances == 0);
			sum += hosts[k].app_instances;
		}
		assert_int_equal(sum, placed);
		sum = 0;
		for (int k = 0; k < PLACEMENT_REASONS; k++)
			sum += why.count[k];
		assert_int_equal(sum, placed < WANTED ? n : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(instances_spread_over_zones_then_racks_then_hosts),
	    cmocka_unit_test(with_equal_spread_the_fuller_host_wins),
	    cmocka_unit_test(a_refusal_counts_every_host_once_and_names_the_best),
	    cmocka_unit_test(without_hosts_the_refusal_says_so),
	    cmocka_unit_test(the_newest_on_the_fullest_domain_leaves_and_the_unplaced_before_it),
	    cmocka_unit_test(no_random_table_is_overbooked_and_reasons_always_sum_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
