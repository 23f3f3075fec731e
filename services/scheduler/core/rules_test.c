/* Placement rules as requests bring them: what is refused, what waits and why, what is said. */
#include "controller_bench.h"

#define HEALTH                                                                                     \
	{                                                                                              \
		.interval_ms = 1000, .timeout_ms = 500, .healthy_after = 1, .unhealthy_after = 1           \
	}

static void ask_app(bench *b, const char *name, uint32_t count, sot_placement placement)
{
	b->ipam_owners = 0;
	ASK(b, app_create, .name = sot_str_c(name), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"), .health = HEALTH, .count = count, .placement = placement);
	bench_pass(b, 1000);
}

static void expect_waits(bench *b, size_t placed, const char *why)
{
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_int_equal(b->ipam_owners, placed);
	if (!strstr(b->operation.waits_for, why))
		fail_msg("it waits for '%s', not for '%s'", b->operation.waits_for, why);
}

static void expect_refused(bench *b, sot_refusal code, const char *pointer, const char *text)
{
	assert_int_equal(b->reply, SOT_MSG_REFUSED);
	assert_int_equal(b->refusal, code);
	assert_string_equal(b->pointer, pointer);
	if (!strstr(b->text, text))
		fail_msg("refused with '%s', not '%s'", b->text, text);
}

static sot_host_set host_set_of(sot_str *tag, size_t tags, sot_str *repel, size_t repels)
{
	return (sot_host_set){.name = SOT_STR("h1"),
	    .class = SOT_STR("default"),
	    .tags = tag,
	    .tags_count = tags,
	    .repels = repel,
	    .repels_count = repels};
}

static void set_h1(bench *b, const char *tag, const char *repel)
{
	sot_str t = sot_str_c(tag), r = sot_str_c(repel);
	sot_host_set m = host_set_of(&t, t.n > 0, &r, r.n > 0);

	ASK(b, host_set, .name = m.name, .class = m.class, .tags = m.tags, .tags_count = m.tags_count,
	    .repels = m.repels, .repels_count = m.repels_count);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	bench_pass(b, 1000);
}

/* ---- spread ---- */

static void a_hard_count_on_a_host_is_kept_and_waited_for(void **state)
{
	bench *b = *state;
	sot_placement p = bench_placement();

	p.spread_host.max_count = 1;
	ask_app(b, "shop", 2, p);
	expect_waits(b, 1, "1 spread over hosts");
	b->ipam_owners = 0;
	(void)bench_add_host(b, "h2", "r");
	bench_grant(b); /* of the first; then the second is asked for */
	assert_int_equal(b->ipam_owners, 1);
	assert_string_equal(b->operation.waits_for, "an address of VLAN net");
}

static void a_hard_skew_over_racks_stops_the_fuller_rack(void **state)
{
	bench *b = *state;
	sot_placement p = bench_placement();

	(void)bench_add_host(b, "h2", "r2");
	p.spread_rack.max_skew = 1;
	ask_app(b, "shop", 5, p); /* two fit on each by memory; skew alone would allow 2 and 2 */
	expect_waits(b, 4, "memory");
	sot_placement q = bench_placement();
	q.spread_host.max_skew = 1;
	q.spread_host.max_count = 1;
	ask_app(b, "other", 1, q);
	assert_int_equal(b->ipam_owners, 0); /* nothing is left for it */
}

/* ---- tags, zones, what a host repels ---- */

static void a_required_tag_is_waited_for_until_a_host_has_it(void **state)
{
	bench *b = *state;
	sot_str ssd = SOT_STR("ssd");
	sot_placement p = bench_placement();

	p.required = &ssd;
	p.required_count = 1;
	ask_app(b, "shop", 1, p);
	expect_waits(b, 0, "1 lack a required tag");
	set_h1(b, "ssd", "");
	assert_int_equal(b->ipam_owners, 1);
}

static void a_forbidden_tag_and_a_repelling_host_keep_apps_out(void **state)
{
	bench *b = *state;
	sot_str old = SOT_STR("old"), gpu = SOT_STR("gpu");
	sot_placement forbids = bench_placement(), tolerates = bench_placement();

	set_h1(b, "old", "gpu");
	assert_string_equal(b->event, "host.updated");
	assert_string_equal(
	    b->data, "{\"changed\":{\"tags\":[[],[\"old\"]],\"repels\":[[],[\"gpu\"]]}}");
	ask_app(b, "plain", 1, bench_placement());
	expect_waits(b, 0, "1 kept for others");
	tolerates.tolerated = &gpu;
	tolerates.tolerated_count = 1;
	ask_app(b, "tolerant", 1, tolerates);
	assert_int_equal(b->ipam_owners, 1);
	forbids.tolerated = &gpu;
	forbids.tolerated_count = 1;
	forbids.forbidden = &old;
	forbids.forbidden_count = 1;
	ask_app(b, "forbids", 1, forbids);
	expect_waits(b, 0, "1 have a forbidden tag");
}

static void an_app_stays_in_its_zones_and_a_new_zone_is_none_of_them(void **state)
{
	bench *b = *state;
	sot_str a = SOT_STR("a"), nowhere = SOT_STR("nowhere");
	sot_placement p = bench_placement();
	char key[41];

	p.zones = &nowhere;
	p.zones_count = 1;
	ask_app(b, "lost", 1, p);
	expect_refused(
	    b, SOT_REFUSAL_NOT_FOUND, "/placement/zones/0", "no host stands in a zone 'nowhere'");
	p.zones = &a;
	ask_app(b, "shop", 3, p); /* two fit on h1 */
	expect_waits(b, 2, "memory");
	memset(key, 'z', 40);
	key[40] = '\0';
	b->ipam_owners = 0;
	ASK(b, host_register, .name = SOT_STR("hz"), .az = SOT_STR("z"), .rack = SOT_STR("r"),
	    .public_key = sot_str_c(key));
	b->host_id = b->accepted.resource_id;
	bench_hello(b);
	bench_pass(b, 11000);
	expect_waits(b, 0, "1 have a forbidden tag");
}

/* ---- company ---- */

static void an_exclusive_app_shares_its_host_with_nobody(void **state)
{
	bench *b = *state;
	sot_placement p = bench_placement();

	p.exclusive = SOT_EXCLUSIVE_APP;
	ask_app(b, "alone", 1, p);
	assert_int_equal(b->ipam_owners, 1);
	ask_app(b, "other", 1, bench_placement());
	expect_waits(b, 0, "1 exclusive");
	p.exclusive = SOT_EXCLUSIVE_TEAM;
	ask_app(b, "teamless", 1, p);
	expect_refused(b, SOT_REFUSAL_INVALID, "/placement/exclusive", "belongs to no team");
}

static void apps_are_kept_apart_and_brought_together(void **state)
{
	bench *b = *state;
	sot_relation r = {
	    .kind = SOT_RELATION_KIND_APART, .app = SOT_STR("db"), .level = SOT_SPREAD_LEVEL_HOST};
	sot_placement p = bench_placement();

	p.relations = &r;
	p.relations_count = 1;
	ask_app(b, "early", 1, p);
	expect_refused(b, SOT_REFUSAL_NOT_FOUND, "/placement/relations/0", "no app is called 'db'");
	ask_app(b, "db", 1, bench_placement());
	ask_app(b, "shop", 1, p);
	expect_waits(b, 0, "1 kept apart from an app there");
	r.kind = SOT_RELATION_KIND_TOGETHER;
	ask_app(b, "cache", 1, p);
	assert_int_equal(b->ipam_owners, 1);
	r.app = SOT_STR("solo");
	r.kind = SOT_RELATION_KIND_APART;
	ask_app(b, "solo", 1, p);
	expect_refused(b, SOT_REFUSAL_INVALID, "/placement/relations/0", "at most 0 of the app itself");
}

static void kinds_of_work_mix_only_as_far_as_allowed(void **state)
{
	bench *b = *state;
	sot_placement fast = bench_placement(), batch = bench_placement();

	fast.workload = SOT_WORKLOAD_LATENCY;
	batch.workload = SOT_WORKLOAD_BATCH;
	ASK(b, mixing_set, .workload = SOT_WORKLOAD_LATENCY, .beside = SOT_WORKLOAD_BATCH,
	    .limited = true, .at_most = 0);
	assert_string_equal(b->data, "{\"changed\":{\"atMost\":[null,0]}}");
	ask_app(b, "fast", 1, fast);
	assert_int_equal(b->ipam_owners, 1);
	ask_app(b, "batch", 1, batch);
	expect_waits(b, 0, "1 class of work may not mix");
	ASK(b, mixing_set, .workload = SOT_WORKLOAD_LATENCY, .beside = SOT_WORKLOAD_BATCH);
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_owners, 1);
}

/* ---- changes while it stands ---- */

static void an_update_says_what_stands_against_it_and_moves_nothing(void **state)
{
	bench *b = *state;
	sot_placement p = bench_placement();

	bench_create(b, 2); /* both on h1 */
	bench_grant(b);
	p.spread_host.max_count = 1;
	p.priority = 7;
	sot_uuid where = b->instance.host_id;
	ASK(b, app_update, .name = SOT_STR("shop"), .placement = p);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_string_equal(b->warning, "2 instances stand against the rules and stay there");
	assert_string_equal(b->event, "app.updated");
	assert_non_null(strstr(b->data, "{\"changed\":{\"placement\":[{"));
	assert_int_equal(b->operation.state, OPERATION_DONE);
	assert_true(sot_uuid_eq(b->instance.host_id, where));
	p.spread_host.max_count = 0;
	b->warning[0] = '\0';
	ASK(b, app_update, .name = SOT_STR("shop"), .placement = p);
	assert_string_equal(b->warning, "");
}

static void what_stands_keeps_company_under_new_rules_too(void **state)
{
	bench *b = *state;
	sot_placement p = bench_placement();

	bench_create(b, 1);
	p.exclusive = SOT_EXCLUSIVE_APP;
	p.workload = SOT_WORKLOAD_BATCH;
	ASK(b, app_update, .name = SOT_STR("shop"), .placement = p);
	ask_app(b, "other", 1, bench_placement());
	expect_waits(b, 0, "1 exclusive");
	ASK(b, app_update, .name = SOT_STR("shop"), .placement = bench_placement());
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_owners, 1);
}

/* ---- amounts ---- */

static void a_class_says_what_may_be_booked(void **state)
{
	bench *b = *state;

	bench_create(b, 3); /* 400 MiB each on 1 GiB */
	bench_pass(b, 1000);
	expect_waits(b, 2, "1 memory");
	b->ipam_owners = 0;
	ASK(b, host_class_set, .name = SOT_STR("default"), .cpu_overcommit_permille = 4000,
	    .memory_overcommit_permille = 2000, .disk_overcommit_permille = 1000);
	bench_grant(b);
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_owners, 1);
	ASK(b, catalogue_delete, .kind = SOT_CATALOGUE_HOST_CLASS, .name = SOT_STR("default"));
	expect_refused(b, SOT_REFUSAL_CONFLICT, "/name", "in use by h1");
}

static void a_reserve_is_not_given_out_and_instances_are_counted(void **state)
{
	bench *b = *state;

	ASK(b, host_class_set, .name = SOT_STR("default"), .cpu_overcommit_permille = 4000,
	    .memory_overcommit_permille = 1000, .disk_overcommit_permille = 1000,
	    .reserve_memory_bytes = 300ull << 20);
	bench_create(b, 2);
	bench_pass(b, 1000);
	expect_waits(b, 1, "best has 324 MiB of 400 MiB");
	ASK(b, host_class_set, .name = SOT_STR("default"), .cpu_overcommit_permille = 4000,
	    .memory_overcommit_permille = 4000, .disk_overcommit_permille = 1000, .max_instances = 1);
	bench_pass(b, 1000);
	expect_waits(b, 1, "1 number of instances");
}

static void starts_in_flight_are_limited_per_host(void **state)
{
	bench *b = *state;

	ASK(b, host_class_set, .name = SOT_STR("default"), .cpu_overcommit_permille = 4000,
	    .memory_overcommit_permille = 1000, .disk_overcommit_permille = 1000, .max_starts = 1);
	bench_create(b, 2);
	bench_pass(b, 1000);
	expect_waits(b, 1, "1 starts in flight");
	bench_grant(b);
	b->ipam_owners = 0;
	sot_instance_status one = {.instance_id = b->spec.instance_id,
	    .generation = 1,
	    .observed = SOT_OBSERVED_STATE_RUNNING,
	    .health = SOT_HEALTH_HEALTHY};
	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = 1, .instances = &one,
	    .instances_count = 1);
	assert_int_equal(controller_get_stats(b->c).placements, 2);
}

static void a_quota_refuses_what_can_never_fit_and_lets_the_rest_wait(void **state)
{
	bench *b = *state;

	ASK(b, team_set, .name = SOT_STR("pay"), .memory_bytes = 800ull << 20);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	ASK(b, app_create, .name = SOT_STR("big"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"), .health = HEALTH, .count = 3, .team = SOT_STR("pay"),
	    .placement = bench_placement());
	expect_refused(b, SOT_REFUSAL_LIMIT, "/count", "pass the quota of team pay for memory");
	(void)bench_add_host(b, "h2", "r");
	for (uint32_t k = 0; k < 2; k++) {
		char name[] = "app-a";
		name[4] = (char)('a' + k);
		b->ipam_owners = 0;
		ASK(b, app_create, .name = sot_str_c(name), .image = SOT_STR("tomcat"),
		    .plan = SOT_STR("tiny"), .vlan = SOT_STR("net"), .health = HEALTH, .count = 2 - k,
		    .team = SOT_STR("pay"), .placement = bench_placement());
		bench_pass(b, 1000);
	}
	expect_waits(b, 0, "2 quota of the team");
	ASK(b, team_set, .name = SOT_STR("pay"), .memory_bytes = 1200ull << 20);
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_owners, 1);
	ASK(b, catalogue_delete, .kind = SOT_CATALOGUE_TEAM, .name = SOT_STR("pay"));
	expect_refused(b, SOT_REFUSAL_CONFLICT, "/name", "in use by app-a");
}

static void a_plan_is_made_used_changed_and_only_then_forgotten(void **state)
{
	bench *b = *state;

	ASK(b, plan_set, .name = SOT_STR("wide"), .cpu_milli = 2000, .memory_bytes = 64ull << 20,
	    .pids_max = 100, .io_weight = 500);
	assert_string_equal(b->event, "plan.updated");
	ASK(b, app_create, .name = SOT_STR("shop"), .image = SOT_STR("tomcat"), .plan = SOT_STR("wide"),
	    .vlan = SOT_STR("net"), .health = HEALTH, .count = 1, .placement = bench_placement());
	bench_grant(b);
	assert_int_equal(b->spec.pids_max, 100);
	ASK(b, plan_set, .name = SOT_STR("wide"), .cpu_milli = 4000, .memory_bytes = 64ull << 20,
	    .pids_max = 200, .io_weight = 500);
	assert_string_equal(b->data, "{\"changed\":{\"cpuMilli\":[2000,4000],\"pidsMax\":[100,200]}}");
	assert_int_equal(b->spec.pids_max, 200); /* at once */
	assert_int_equal(b->spec.cpu_milli, 2000);
	ASK(b, catalogue_delete, .kind = SOT_CATALOGUE_PLAN, .name = SOT_STR("wide"));
	expect_refused(b, SOT_REFUSAL_CONFLICT, "/name", "in use by shop");
	ASK(b, plan_set, .name = SOT_STR("none"), .cpu_milli = 2000, .memory_bytes = 64ull << 20,
	    .pids_max = 100, .io_weight = 500);
	ASK(b, catalogue_delete, .kind = SOT_CATALOGUE_PLAN, .name = SOT_STR("none"));
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_string_equal(b->data, "{\"changed\":{\"name\":[\"none\",null]}}");
	ASK(b, catalogue_delete, .kind = SOT_CATALOGUE_PLAN, .name = SOT_STR("none"));
	expect_refused(b, SOT_REFUSAL_NOT_FOUND, "/name", "no plan is called 'none'");
}

/* The agent carries out what it was told: all of what shall be so. */
static void carry_out(bench *b, sot_desired_state desired)
{
	static uint64_t seq;
	bool runs = desired == SOT_DESIRED_STATE_RUNNING;

	for (size_t k = 0; k < b->told_count; k++) {
		sot_instance_status one = {.instance_id = b->told[k].id,
		    .generation = b->told[k].generation,
		    .observed = runs ? SOT_OBSERVED_STATE_RUNNING : SOT_OBSERVED_STATE_RETIRED,
		    .health = runs ? SOT_HEALTH_HEALTHY : SOT_HEALTH_UNKNOWN};
		if (b->told[k].is_gone || b->told[k].desired != desired)
			continue;
		b->told[k].is_gone = !runs;
		TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = ++seq,
		    .instances = &one, .instances_count = 1);
	}
}

static size_t count_retiring_on(const bench *b, sot_uuid host)
{
	size_t n = 0;

	for (size_t k = 0; k < b->told_count; k++)
		n += !b->told[k].is_gone && b->told[k].desired == SOT_DESIRED_STATE_RETIRED &&
		     sot_uuid_eq(b->told[k].host_id, host);
	return n;
}

static size_t count_retiring(const bench *b)
{
	size_t n = 0;

	for (size_t k = 0; k < b->told_count; k++)
		n += !b->told[k].is_gone && b->told[k].desired == SOT_DESIRED_STATE_RETIRED;
	return n;
}

/* Grants what was asked for last, although other requests came after it. */
static void answer_acquire(bench *b)
{
	b->ipam_id = b->acquire_id;
	b->ipam_owners = 1;
	bench_grant(b);
}

/* Long enough for another look at what waits; the agent goes on beating. */
static void pass_alive(bench *b)
{
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .generation = b->wanted_generation,
	    .docker_ok = true);
	bench_pass(b, 11000);
}

static void a_smaller_app_leaves_the_fullest_domains_and_keeps_its_skew(void **state)
{
	bench *b = *state;
	sot_placement p = bench_placement();
	sot_uuid h1 = b->host_id, h2 = bench_add_host(b, "h2", "r2"),
	         h3 = bench_add_host(b, "h3", "r3");

	p.spread_rack.max_skew = 1;
	ask_app(b, "shop", 5, p);
	bench_grant(b);
	for (int k = 0; k < 3; k++) { /* each agent reports its own */
		b->host_id = k == 0 ? h1 : k == 1 ? h2 : h3;
		carry_out(b, SOT_DESIRED_STATE_RUNNING);
	}
	ASK(b, app_scale, .name = SOT_STR("shop"), .count = 3);
	size_t left[3] = {count_retiring_on(b, h1), count_retiring_on(b, h2), count_retiring_on(b, h3)};
	assert_int_equal(left[0] + left[1] + left[2], 2);
	assert_true(
	    left[0] <= 1 && left[1] <= 1 && left[2] <= 1); /* of 2, 2 and 1: one stays on each */
	ASK(b, app_update, .name = SOT_STR("shop"), .placement = p);
	assert_string_equal(b->warning, "");
}

static void the_less_important_gives_way_within_its_budget_and_is_asked_for_again(void **state)
{
	bench *b = *state;
	sot_placement low = bench_placement(), high = bench_placement();

	low.preemptable = true;
	ask_app(b, "low", 2, low); /* h1 is full */
	bench_grant(b);
	carry_out(b, SOT_DESIRED_STATE_RUNNING);
	high.priority = 5;
	b->watch = "instance.preempted";
	ask_app(b, "high", 2, high);
	assert_non_null(strstr(b->watched, "\"for\":\"high\",\"priorities\":[0,5]"));
	assert_int_equal(controller_get_stats(b->c).operations_open, 2); /* high's, and low's again */
	pass_alive(b);
	pass_alive(b);
	assert_int_equal(count_retiring(b), 1); /* the budget; and nobody else is asked meanwhile */
	carry_out(b, SOT_DESIRED_STATE_RETIRED);
	assert_int_equal(controller_get_stats(b->c).placements, 3);
	answer_acquire(b);
	assert_string_equal(b->told[b->told_count - 1].name, "high-default-01"); /* not low again */
	pass_alive(b);
	assert_int_equal(count_retiring(b), 1); /* the second one, for high's second */
}

static void who_is_not_preemptable_or_as_important_stays(void **state)
{
	bench *b = *state;
	sot_placement low = bench_placement(), high = bench_placement();

	ask_app(b, "low", 2, low);
	bench_grant(b);
	carry_out(b, SOT_DESIRED_STATE_RUNNING);
	high.priority = 5;
	ask_app(b, "high", 1, high);
	expect_waits(b, 0, "1 memory");
	low.preemptable = true;
	low.priority = 5;
	ASK(b, app_update, .name = SOT_STR("low"), .placement = low);
	pass_alive(b);
	assert_int_equal(count_retiring(b), 0);
	low.priority = 4;
	low.max_unavailable = 0;
	ASK(b, app_update, .name = SOT_STR("low"), .placement = low);
	pass_alive(b);
	assert_int_equal(count_retiring(b), 0);
	low.max_unavailable = 1;
	ASK(b, app_update, .name = SOT_STR("low"), .placement = low);
	pass_alive(b);
	assert_int_equal(count_retiring(b), 1);
}

static void rules_name_at_most_128_words(void **state)
{
	bench *b = *state;
	char names[16][8];
	sot_str tags[16];
	sot_placement p = bench_placement();

	p.preferred = tags;
	p.preferred_count = 16;
	for (int app = 0; app < 9; app++) {
		char name[] = "app-a";
		name[4] = (char)('a' + app);
		for (int k = 0; k < 16; k++) {
			(void)snprintf(names[k], sizeof(names[k]), "t%d", app * 16 + k);
			tags[k] = sot_str_c(names[k]);
		}
		ask_app(b, name, 1, p);
		if (app < 8)
			assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	}
	expect_refused(b, SOT_REFUSAL_LIMIT, "/placement/tags", "at most 128 different tags");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_hard_count_on_a_host_is_kept_and_waited_for),
	    TEST(a_hard_skew_over_racks_stops_the_fuller_rack),
	    TEST(a_required_tag_is_waited_for_until_a_host_has_it),
	    TEST(a_forbidden_tag_and_a_repelling_host_keep_apps_out),
	    TEST(an_app_stays_in_its_zones_and_a_new_zone_is_none_of_them),
	    TEST(an_exclusive_app_shares_its_host_with_nobody),
	    TEST(apps_are_kept_apart_and_brought_together),
	    TEST(kinds_of_work_mix_only_as_far_as_allowed),
	    TEST(an_update_says_what_stands_against_it_and_moves_nothing),
	    TEST(what_stands_keeps_company_under_new_rules_too),
	    TEST(a_class_says_what_may_be_booked),
	    TEST(a_reserve_is_not_given_out_and_instances_are_counted),
	    TEST(starts_in_flight_are_limited_per_host),
	    TEST(a_quota_refuses_what_can_never_fit_and_lets_the_rest_wait),
	    TEST(a_plan_is_made_used_changed_and_only_then_forgotten),
	    TEST(a_smaller_app_leaves_the_fullest_domains_and_keeps_its_skew),
	    TEST(the_less_important_gives_way_within_its_budget_and_is_asked_for_again),
	    TEST(who_is_not_preemptable_or_as_important_stays),
	    TEST(rules_name_at_most_128_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
