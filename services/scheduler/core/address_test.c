/* Addresses as the controller sees them: which VLAN, how many are left, contested and lost ones. */
#include "controller_bench.h"

static void a_host_gets_the_vlan_of_the_group_that_reaches_it(void **state)
{
	bench *b = *state;
	sot_vlan_scope here = {SOT_SCOPE_KIND_RACK, SOT_STR("r")};
	sot_vlan_scope elsewhere = {SOT_SCOPE_KIND_AZ, SOT_STR("z9")};

	b->vlan_count = 2;
	b->vlans[0] = (sot_vlan_state){.name = SOT_STR("far"),
	    .group = SOT_STR("net"),
	    .free_v4 = 1000,
	    .scopes = &elsewhere,
	    .scopes_count = 1};
	b->vlans[1] = (sot_vlan_state){.name = SOT_STR("near"),
	    .group = SOT_STR("net"),
	    .free_v4 = 10,
	    .scopes = &here,
	    .scopes_count = 1};
	bench_pass(b, 1000);
	bench_create(b, 1);
	assert_string_equal(b->wanted_vlan, "near");
	assert_string_equal(b->instance.make->vlan, "near");
}

static void a_vlan_that_reaches_no_host_is_named_as_the_reason(void **state)
{
	bench *b = *state;
	sot_vlan_scope elsewhere = {SOT_SCOPE_KIND_HOST, SOT_STR("h2")};

	b->vlans[0].scopes = &elsewhere;
	b->vlans[0].scopes_count = 1;
	bench_pass(b, 1000);
	bench_create(b, 1);
	assert_string_equal(b->operation.waits_for,
	    "a host for 1 instance: 0 of 1 hosts fit: 1 not reached by the VLAN");
	b->vlans[0].scopes_count = 0;
	bench_pass(b, 1000); /* the answer wakes who waits */
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
}

static void nothing_is_placed_where_no_address_is_left(void **state)
{
	bench *b = *state;

	b->vlans[0].free_v4 = 2;
	bench_pass(b, 1000);
	bench_create(b, 3);
	assert_int_equal(b->ipam_owners, 2);
	assert_string_equal(b->operation.waits_for,
	    "a host for 1 instance: 0 of 1 hosts fit: 1 no address left in the VLAN");
}

static void a_count_that_is_not_told_again_is_what_it_was(void **state)
{
	bench *b = *state;

	b->vlans[0].free_v4 = 1;
	bench_pass(b, 1000);
	bench_create(b, 2);
	bench_grant(b);
	sot_uuid first = b->owners[0];
	b->vlans_are_as_told = true; /* one was given out, and one more came by a new subnet */
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
	assert_memory_not_equal(&b->owners[0], &first, sizeof(first));
}

static void what_uses_a_full_vlan_is_told_with_its_counts(void **state)
{
	bench *b = *state;

	b->vlans[0].free_v4 = 0;
	b->vlans[0].shortage = SOT_STR("10.66.0.0/29 (5 addresses: 0 free, 5 bound)");
	bench_pass(b, 1000);
	bench_create(b, 1);
	assert_string_equal(b->operation.waits_for,
	    "a host for 1 instance: 0 of 1 hosts fit: 1 no address left in the VLAN; VLAN net: "
	    "10.66.0.0/29 (5 addresses: 0 free, 5 bound)");
}

static void what_a_vlan_tells_its_interfaces_reaches_those_that_run(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	b->vlans[0].settings = 77;
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
	assert_int_equal(b->wanted_families, SOT_IP_FAMILIES_V4); /* an IPv6 subnet changes nothing */
	b->next_address = 2;                                      /* the same one */
	b->facts = (sot_subnet_facts){.mtu = 1400, .isolated = true, .settings = 77};
	bench_grant(b);
	assert_int_equal(b->spec.mtu, 1400);
	assert_true(b->spec.isolated);
	assert_int_equal(b->spec.generation, 2);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	b->ipam_message = 0;
	bench_pass(b, 5000);
	assert_int_equal(b->ipam_message, 0); /* once is enough */
}

static void what_blocks_ipam_blocks_placement_in_the_same_words(void **state)
{
	bench *b = *state;

	(void)snprintf(b->blocked, sizeof(b->blocked), "restored; waits for the report of h1");
	bench_pass(b, 1000);
	bench_create(b, 1);
	assert_string_equal(b->operation.waits_for, "ipam: restored; waits for the report of h1");
	assert_int_equal(b->ipam_message, 0);
	b->blocked[0] = '\0';
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
}

static void a_vlan_that_is_not_there_is_waited_for_by_name(void **state)
{
	bench *b = *state;

	b->vlan_count = 0;
	bench_pass(b, 1000);
	bench_create(b, 1);
	assert_string_equal(
	    b->operation.waits_for, "a VLAN or group of VLANs called net: there is none");
}

static void a_full_vlan_is_left_for_another_of_its_group(void **state)
{
	bench *b = *state;

	b->vlan_count = 2;
	b->vlans[0] = (sot_vlan_state){.name = SOT_STR("one"), .group = SOT_STR("net"), .free_v4 = 20};
	b->vlans[1] = (sot_vlan_state){.name = SOT_STR("two"), .group = SOT_STR("net"), .free_v4 = 10};
	bench_pass(b, 1000);
	bench_create(b, 1);
	assert_string_equal(b->wanted_vlan, "one");
	bench_refuse(b, SOT_REFUSAL_BLOCKED, "VLAN one is full");
	assert_string_equal(b->wanted_vlan, "two");
	bench_grant(b);
	assert_string_equal(b->instance.make->vlan, "two");
}

/* The agent reports that somebody else uses the address it was given. */
static void report_conflict(bench *b, uint64_t seq, sot_ip address)
{
	sot_instance_status one = {.instance_id = b->instance.id,
	    .generation = b->instance.generation,
	    .observed = SOT_OBSERVED_STATE_FAILED,
	    .error = SOT_STR("10.66.0.2 is in use"),
	    .conflict_address = address,
	    .conflict_mac = {{0x52, 0x54, 0, 1, 2, 3}}};

	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = seq, .instances = &one,
	    .instances_count = 1);
}

static void a_contested_address_is_reported_and_replaced(void **state)
{
	bench *b = *state;

	bench_create(b, 1);
	bench_grant(b);
	sot_ip first = b->instance.v4.address;
	report_conflict(b, 1, first);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_CONFLICT);
	assert_true(sot_ip_eq(b->conflict.address, first));
	assert_int_equal(b->conflict.mac.b[0], 0x52);
	bench_done(b, 1, 0);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
	/* The stranger has gone and the agent uses the address that was taken away: no use to anybody.
	 */
	bench_status(b, 2, 1, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_true(sot_ip_is_none(b->instance.v4.address));
	assert_int_not_equal(b->instance.state, INSTANCE_RUNNING);
	bench_grant(b);
	assert_false(sot_ip_eq(b->spec.address, first));
	assert_true(sot_ip_eq(b->spec.address, b->instance.v4.address));
	assert_int_equal(b->spec.generation, 2);
	bench_status(b, 3, 2, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.state, OPERATION_DONE);
}

static void a_late_report_about_another_address_changes_nothing(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	b->ipam_message = 0;
	report_conflict(b, 7, sot_ip_from_v4(0x0a420077));
	assert_int_equal(b->ipam_message, 0);
}

static void a_contested_instance_that_is_retired_leaves_nothing_behind(void **state)
{
	bench *b = *state;

	bench_create(b, 1);
	bench_grant(b);
	report_conflict(b, 1, b->instance.v4.address);
	bench_done(b, 1, 0); /* now it asks for another one */
	ASK(b, operation_cancel, .operation_id = b->operation.id);
	assert_int_equal(b->instance.desired, SOT_DESIRED_STATE_RETIRED);
	bench_grant(b); /* the answer to what it asked before */
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_RELEASE);
	bench_done(b, 1, 0);
	assert_int_equal(b->instance.state, INSTANCE_RETIRED);
}

static void a_binding_that_ipam_does_not_know_makes_it_ask_what_it_holds(void **state)
{
	bench *b = *state;

	bench_create(b, 1);
	bench_grant(b);
	bench_status(b, 1, 1, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_BIND);
	bench_done(b, 0, 1);
	bench_pass(b, 60000);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
	bench_grant(b); /* another one: the old one was given away */
	assert_int_equal(b->spec.generation, 2);
}

static void a_request_names_those_before_it_that_are_closed(void **state)
{
	bench *b = *state;

	bench_create(b, 1);
	uint64_t first = b->acquire_id;
	assert_int_equal(b->ipam_closed, first - 1); /* it is open itself */
	controller_ipam_reply(b->c, b->now, first, SOT_UNAVAILABLE, (sot_str){0}, "away");
	bench_pass(b, 20000);
	assert_true(b->acquire_id > first);
	assert_true(b->ipam_closed >= first);
	assert_int_equal(b->ipam_closed, b->acquire_id - 1);
}

/* Refused together they would be taken for holding nothing, and one may hold an address. */
static void what_a_retired_instance_holds_is_asked_of_it_alone(void **state)
{
	bench *b = *state;

	bench_create(b, 2);
	assert_int_equal(b->ipam_owners, 2);
	ASK(b, operation_cancel, .operation_id = b->operation.id);
	controller_ipam_reply(b->c, b->now, b->acquire_id, SOT_UNAVAILABLE, (sot_str){0}, "away");
	b->ipam_owners = 0;
	bench_pass(b, 20000);
	assert_int_equal(b->ipam_owners, 1);
	bench_refuse(b, SOT_REFUSAL_BLOCKED, "VLAN net is full");
	assert_int_equal(b->instance.state, INSTANCE_RETIRED);
}

static void ask_for_app(bench *b, const char *name, uint32_t count)
{
	const sot_health_spec health = {
	    .interval_ms = 1000, .timeout_ms = 500, .healthy_after = 1, .unhealthy_after = 1};

	ASK_ALONG(b, app_create, .name = sot_str_c(name), .image = SOT_STR("tomcat"),
	    .plan = SOT_STR("tiny"), .vlan = SOT_STR("net"), .health = health, .count = count,
	    .placement = bench_placement());
}

/* Two requests of one wave: ipam is told that another one comes, so that it commits once. */
static void asks_of_one_wave_say_how_many_follow(void **state)
{
	bench *b = *state;

	ask_for_app(b, "one", 1);
	ask_for_app(b, "two", 1);
	SOT_AUTO(controller_batch) asks = controller_ask_early(b->c, b->now);
	assert_non_null(asks);
	assert_int_equal(asks->effect_count, 2);
	for (size_t k = 0; k < 2; k++) {
		sot_addresses_acquire m = {0};
		sot_err err;
		assert_int_equal(
		    sot_addresses_acquire_decode(sot_buf_str(&asks->effects[k].frame), b->arena, &m, &err),
		    SOT_OK);
		assert_int_equal(m.wants_count, 1);
		assert_int_equal(m.request_id, asks->effects[k].request_id);
		assert_int_equal(m.following, 1 - k);
	}
	assert_null(controller_ask_early(b->c, b->now));
}

static size_t addresses_asked(bench *b, const controller_batch *asks)
{
	size_t sum = 0;

	for (size_t k = 0; k < asks->effect_count; k++) {
		sot_addresses_acquire m = {0};
		sot_err err;
		assert_int_equal(
		    sot_addresses_acquire_decode(sot_buf_str(&asks->effects[k].frame), b->arena, &m, &err),
		    SOT_OK);
		assert_int_equal(m.following, asks->effect_count - k - 1);
		sum += m.wants_count;
	}
	return sum;
}

/* Many instances: ipam has work before the last of them is placed, and every one is asked for once.
 */
static void a_large_wave_asks_in_parts(void **state)
{
	bench *b = *state;
	char name[16];
	size_t parts = 0, sum = 0;
	controller_batch *asks;

	for (int k = 0; k < 8; k++) {
		(void)snprintf(name, sizeof(name), "h%d", k + 2);
		bench_add_sized_host(b, name, "a", "r", 1ULL << 40);
	}
	b->vlans[0].free_v4 = 5000;
	bench_pass(b, 1000);
	for (uint32_t k = 0; k < 12; k++) {
		(void)snprintf(name, sizeof(name), "app%u", k);
		ask_for_app(b, name, 100);
	}
	while ((asks = controller_ask_early(b->c, b->now)) != NULL) {
		sum += addresses_asked(b, asks);
		parts++;
		controller_batch_free(asks);
	}
	assert_int_equal(sum, 1200);
	assert_int_equal(parts, 2); /* of 600: the app that passes 512 is the last of its part */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_host_gets_the_vlan_of_the_group_that_reaches_it),
	    TEST(a_vlan_that_reaches_no_host_is_named_as_the_reason),
	    TEST(nothing_is_placed_where_no_address_is_left),
	    TEST(a_count_that_is_not_told_again_is_what_it_was),
	    TEST(what_uses_a_full_vlan_is_told_with_its_counts),
	    TEST(what_a_vlan_tells_its_interfaces_reaches_those_that_run),
	    TEST(what_blocks_ipam_blocks_placement_in_the_same_words),
	    TEST(a_vlan_that_is_not_there_is_waited_for_by_name),
	    TEST(a_full_vlan_is_left_for_another_of_its_group),
	    TEST(a_contested_address_is_reported_and_replaced),
	    TEST(a_late_report_about_another_address_changes_nothing),
	    TEST(a_contested_instance_that_is_retired_leaves_nothing_behind),
	    TEST(a_binding_that_ipam_does_not_know_makes_it_ask_what_it_holds),
	    TEST(a_request_names_those_before_it_that_are_closed),
	    TEST(what_a_retired_instance_holds_is_asked_of_it_alone),
	    TEST(asks_of_one_wave_say_how_many_follow),
	    TEST(a_large_wave_asks_in_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
