/* Elastic scaling of the controller: from reports of agents to operations. */
#include "cloud_bench.h"

static int setup(void **state)
{
	controller_config config = controller_config_default(3);

	/* Nobody sends heartbeats here. */
	config.suspect_after_ms = config.lost_after_ms = 86400000;
	*state = cloud_new(2, &config);
	return 0;
}

static int teardown(void **state)
{
	*state = cloud_free(*state);
	return 0;
}

static void shop(cloud *w)
{
	cloud_create(w, "shop", 2);
	cloud_package(w, "shop", "v1");
	cloud_package(w, "shop", "v2");
	cloud_rest(w);
	w->watch = "elastic.decision";
}

static void set_of(
    cloud *w, const char *group, sot_elastic_metric metric, bool dry_run, uint32_t max)
{
	sot_elastic_rule rules[] = {{.name = SOT_STR("load"),
	    .metric = metric,
	    .target_milli = 50000,
	    .window_s = 30,
	    .value = metric == SOT_ELASTIC_METRIC_CUSTOM ? SOT_STR("queue") : SOT_STR(""),
	    .sum = SOT_ELASTIC_SUM_SUM}};

	CLOUD_ASK(w, elastic_set, .app = SOT_STR("shop"), .group = sot_str_c(group), .enabled = true,
	    .dry_run = dry_run, .min = 2, .max = max, .up_cooldown_s = 10, .down_cooldown_s = 20,
	    .stable_s = 40, .tolerance_percent = 10, .rules = rules, .rules_count = 1);
}

static void set(cloud *w, sot_elastic_metric metric, bool dry_run, uint32_t max)
{
	set_of(w, "", metric, dry_run, max);
}

static bool is_wanted(const cloud_order *o, const char *prefix)
{
	return o->desired == SOT_DESIRED_STATE_RUNNING && strncmp(o->name, prefix, strlen(prefix)) == 0;
}

/* The agents report the same use of everything that runs and is called so. */
static void report_of(cloud *w, const char *prefix, uint32_t cpu_percent)
{
	sot_instance_report one;
	sot_buf out;
	sot_err err = {0};

	for (size_t k = 0; k < w->order_count; k++) {
		const cloud_order *o = &w->orders[k];
		if (!o->runs || !is_wanted(o, prefix))
			continue;
		one = (sot_instance_report){.instance_id = o->instance_id,
		    .name = sot_str_c(o->name),
		    .app = SOT_STR("shop"),
		    .running = true,
		    .cpu_limit_milli = 1000,
		    .cpu_used_milli = cpu_percent * 10};
		sot_instance_reports m = {.host_id = w->hosts[o->host],
		    .interval_ms = 10000,
		    .instances = &one,
		    .instances_count = 1};
		sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
		assert_int_equal(sot_instance_reports_encode(&m, &out, &err), SOT_OK);
		assert_int_equal(
		    controller_instance_reports(w->c, w->now, w->hosts[o->host], sot_buf_str(&out), &err),
		    SOT_OK);
		sot_buf_clear(&out);
	}
}

static void run(cloud *w, int seconds, uint32_t cpu_percent)
{
	for (; seconds > 0; seconds -= 10) {
		report_of(w, "shop-", cpu_percent);
		cloud_pass(w, 10000);
	}
}

static size_t wanted_of(const cloud *w, const char *prefix)
{
	size_t n = 0;

	for (size_t k = 0; k < w->order_count; k++)
		n += is_wanted(&w->orders[k], prefix);
	return n;
}

static size_t wanted(const cloud *w)
{
	return wanted_of(w, "shop-");
}

/* The newest operation that elastic scaling began; NULL: none. */
static const operation_row *newest(const cloud *w)
{
	sot_map_iter it = {0};
	const operation_row *found = NULL, *row;

	while ((row = sot_map_next(w->operations, &it, NULL)))
		if (strncmp(row->actor, "elastic:", 8) == 0 && (!found || row->position > found->position))
			found = row;
	return found;
}

static void load_adds_instances_and_calm_takes_them_away(void **state)
{
	cloud *w = *state;

	shop(w);
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	run(w, 20, 90);
	const operation_row *o = newest(w);
	assert_non_null(o);
	assert_string_equal(o->actor, "elastic:load");
	assert_string_equal(
	    o->reason, "cpu 90 % of plan over 2 instances for 30 s, target 50 %: 2 -> 4");
	assert_int_equal(o->kind, OPERATION_APP_SCALE);
	cloud_rest(w);
	assert_int_equal(wanted(w), 4);
	run(w, 40, 90);
	cloud_rest(w);
	assert_int_equal(wanted(w), 6);
	run(w, 120, 5);
	cloud_rest(w);
	assert_int_equal(wanted(w), 2);
	assert_int_equal(newest(w)->state, OPERATION_DONE);
}

static void a_rollout_is_waited_for(void **state)
{
	cloud *w = *state;

	shop(w);
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	CLOUD_ASK(
	    w, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("v1"), .strategy = {.batch = 1});
	run(w, 60, 90);
	assert_null(newest(w));
	assert_true(w->watched >= 1); /* and it is said */
	cloud_rest(w);
	run(w, 30, 90);
	assert_non_null(newest(w));
}

static void a_dry_run_begins_nothing(void **state)
{
	cloud *w = *state;

	shop(w);
	set(w, SOT_ELASTIC_METRIC_CPU, true, 6);
	run(w, 120, 90);
	assert_null(newest(w));
	assert_int_equal(w->watched, 1); /* said once, not at each look */
}

static void rules_that_are_gone_decide_nothing(void **state)
{
	cloud *w = *state;

	shop(w);
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	CLOUD_ASK(w, elastic_delete, .app = SOT_STR("shop"));
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	run(w, 120, 90);
	assert_null(newest(w));
	CLOUD_ASK(w, elastic_delete, .app = SOT_STR("shop"));
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
	/* With new rules it begins anew. */
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	run(w, 30, 90);
	assert_non_null(newest(w));
}

/* CLOUD_ASK fills in a context, which a value has not. */
static void send_value_of(
    cloud *w, const char *group, const char *name, const char *of, uint64_t value)
{
	sot_elastic_value m = {.request_id = ++w->requests,
	    .app = SOT_STR("shop"),
	    .group = sot_str_c(group),
	    .value = sot_str_c(name),
	    .instance = sot_str_c(of),
	    .value_milli = value * 1000};
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_elastic_value_encode(&m, &out, &err), SOT_OK);
	cloud_ask(w, &out);
}

static void send_value(cloud *w, const char *name, const char *of, uint64_t value)
{
	send_value_of(w, "", name, of, value);
}

static void values_of_the_app_count(void **state)
{
	cloud *w = *state;

	shop(w);
	send_value(w, "queue", "", 200);
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND); /* no rules yet */
	set(w, SOT_ELASTIC_METRIC_CUSTOM, false, 6);
	send_value(w, "queu", "", 200);
	assert_string_equal(w->text, "no rule of app 'shop' goes by the value 'queu'");
	send_value(w, "queue", "shop-default-99", 200);
	assert_string_equal(w->pointer, "/instance");
	send_value(w, "queue", "", 200);
	assert_int_equal(w->reply, SOT_MSG_ANSWER);
	assert_string_equal(w->answer, "{\"rules\":1}");
	cloud_pass(w, 1000);
	assert_string_equal(newest(w)->reason, "queue 200 for 30 s, target 50 an instance: 2 -> 4");
	cloud_rest(w);
	assert_int_equal(wanted(w), 4);
}

/* shop with two instances in its first group and two in blue, each group with rules. */
static void shop_in_groups(cloud *w, sot_elastic_metric metric)
{
	shop(w);
	CLOUD_ASK(w, group_set, .app = SOT_STR("shop"), .group = SOT_STR("blue"));
	CLOUD_ASK(w, app_scale, .name = SOT_STR("shop"), .count = 2, .group = SOT_STR("blue"));
	cloud_rest(w);
	assert_int_equal(wanted_of(w, "shop-blue-"), 2);
	set_of(w, "blue", metric, false, 6);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	set_of(w, "default", metric, false, 6);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

static void each_group_follows_its_own_load(void **state)
{
	cloud *w = *state;

	shop_in_groups(w, SOT_ELASTIC_METRIC_CPU);
	for (int k = 0; k < 8; k++) {
		report_of(w, "shop-blue-", 90);
		report_of(w, "shop-default-", 48);
		cloud_pass(w, 10000);
		cloud_rest(w);
	}
	assert_int_equal(wanted_of(w, "shop-blue-"), 6);
	assert_int_equal(wanted_of(w, "shop-default-"), 2);
	assert_string_equal(newest(w)->group, "blue");
	for (int k = 0; k < 16; k++) {
		report_of(w, "shop-blue-", 5);
		report_of(w, "shop-default-", 90);
		cloud_pass(w, 10000);
		cloud_rest(w);
	}
	assert_int_equal(wanted_of(w, "shop-blue-"), 2);
	assert_int_equal(wanted_of(w, "shop-default-"), 6);
}

static void rules_of_the_whole_and_of_groups_exclude_each_other(void **state)
{
	cloud *w = *state;

	shop_in_groups(w, SOT_ELASTIC_METRIC_CPU);
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(w->pointer, "/group");
	assert_non_null(strstr(w->text, "the group 'blue' of 'shop' has rules of its own"));
	CLOUD_ASK(w, elastic_delete, .app = SOT_STR("shop"));
	assert_string_equal(w->text, "app 'shop' has no elastic scaling as a whole, groups of it have");
	CLOUD_ASK(w, elastic_delete, .app = SOT_STR("shop"), .group = SOT_STR("default"));
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	/* A group that goes takes its rules along. */
	CLOUD_ASK(w, app_scale, .name = SOT_STR("shop"), .count = 0, .group = SOT_STR("blue"));
	cloud_rest(w);
	CLOUD_ASK(w, group_delete, .app = SOT_STR("shop"), .group = SOT_STR("blue"));
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	set_of(w, "default", SOT_ELASTIC_METRIC_CPU, false, 6);
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(w->text, "'shop' has rules as a whole: delete those first");
}

static void a_value_is_of_a_group_or_of_all(void **state)
{
	cloud *w = *state;

	shop_in_groups(w, SOT_ELASTIC_METRIC_CUSTOM);
	send_value_of(w, "green", "queue", "", 200);
	assert_string_equal(w->text, "app 'shop' has no group 'green'");
	send_value_of(w, "blue", "queue", "", 200);
	assert_string_equal(w->answer, "{\"rules\":1}");
	cloud_pass(w, 1000);
	cloud_rest(w);
	assert_int_equal(wanted_of(w, "shop-blue-"), 4);
	assert_int_equal(wanted_of(w, "shop-default-"), 2);
	send_value(w, "queue", "", 300);
	assert_string_equal(w->answer, "{\"rules\":2}");
	send_value(w, "queue", "shop-blue-01", 300);
	assert_string_equal(w->answer, "{\"rules\":1}");
}

static void the_quota_leaves_room_for_the_least_of_other_groups(void **state)
{
	cloud *w = *state;

	shop_in_groups(w, SOT_ELASTIC_METRIC_CPU);
	CLOUD_ASK(w, team_set, .name = SOT_STR("front"), .instances = 7);
	CLOUD_ASK(w, app_update, .name = SOT_STR("shop"), .team = SOT_STR("front"));
	set_of(w, "blue", SOT_ELASTIC_METRIC_CPU, false, 6);
	assert_int_equal(w->refusal, SOT_REFUSAL_LIMIT);
	set_of(w, "blue", SOT_ELASTIC_METRIC_CPU, false, 5);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

static void more_than_the_quota_is_not_asked_for(void **state)
{
	cloud *w = *state;

	shop(w);
	CLOUD_ASK(w, team_set, .name = SOT_STR("front"), .instances = 3);
	CLOUD_ASK(w, app_update, .name = SOT_STR("shop"), .team = SOT_STR("front"));
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	assert_int_equal(w->refusal, SOT_REFUSAL_LIMIT);
	assert_string_equal(w->pointer, "/max");
	CLOUD_ASK(w, team_set, .name = SOT_STR("front"), .instances = 6);
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	CLOUD_ASK(w, team_set, .name = SOT_STR("front"), .instances = 3);
	run(w, 20, 90);
	assert_int_equal(newest(w)->count, 3);
	assert_non_null(strstr(newest(w)->reason, "2 -> 4; 3 only: "));
	cloud_rest(w);
	run(w, 60, 90);
	assert_int_equal(newest(w)->count, 3);
	assert_int_equal(wanted(w), 3);
}

static void refuse(cloud *w, const char *pointer, const char *text, sot_elastic_set m)
{
	CLOUD_ASK(w, elastic_set, .app = SOT_STR("shop"), .enabled = true, .min = m.min ? m.min : 2,
	    .max = m.max ? m.max : 6, .group = m.group, .rules = m.rules, .rules_count = m.rules_count);
	assert_int_equal(w->reply, SOT_MSG_REFUSED);
	assert_string_equal(w->pointer, pointer);
	if (!strstr(w->text, text))
		fail_msg("'%s' does not say '%s'", w->text, text);
}

static void wrong_rules_are_refused(void **state)
{
	cloud *w = *state;
	sot_elastic_rule cpu = {.name = SOT_STR("a"), .target_milli = 50000, .window_s = 30}, two[2];
	sot_elastic_rule night = {.name = SOT_STR("night"),
	    .metric = SOT_ELASTIC_METRIC_SCHEDULE,
	    .cron = SOT_STR("0 22 * * *"),
	    .zone = SOT_STR("UTC"),
	    .for_s = 3600,
	    .count = 3};
	sot_elastic_rule r;
#define ONE(rule) (sot_elastic_set){.rules = &(rule), .rules_count = 1}

	shop(w);
	refuse(w, "/rules", "there must be a rule", (sot_elastic_set){.rules_count = 0});
	refuse(w, "/min", "min <= max", (sot_elastic_set){.min = 7, .rules = &cpu, .rules_count = 1});
	refuse(w, "/group", "no group",
	    (sot_elastic_set){.group = SOT_STR("blue"), .rules = &cpu, .rules_count = 1});
	two[0] = two[1] = cpu;
	refuse(w, "/rules/1/name", "another rule", (sot_elastic_set){.rules = two, .rules_count = 2});
	r = cpu, r.name = SOT_STR("a b");
	refuse(w, "/rules/0/name", "a-z", ONE(r));
	r = cpu, r.target_milli = 0;
	refuse(w, "/rules/0/target", "1 or more", ONE(r));
	r = cpu, r.target_milli = 10001000;
	refuse(w, "/rules/0/target", "percent", ONE(r));
	r = cpu, r.metric = SOT_ELASTIC_METRIC_CUSTOM;
	refuse(w, "/rules/0/value", "name of its value", ONE(r));
	r = night, r.cron = SOT_STR("0 25 * * *");
	refuse(w, "/rules/0/cron", "'25' is no hour", ONE(r));
	r = night, r.zone = SOT_STR("Mars/Olympus");
	refuse(w, "/rules/0/zone", "no time zone is called 'Mars/Olympus'", ONE(r));
	r = night, r.for_s = 0;
	refuse(w, "/rules/0/forSeconds", "60 or more", ONE(r));
	r = night, r.count = 0;
	refuse(w, "/rules/0/count", "how many", ONE(r));
}

static void hosts_hear_before_what_new_instances_are_made_of(void **state)
{
	cloud *w = *state;

	shop(w);
	cloud_deploy(w, "shop", "v1");
	cloud_rest(w);
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	run(w, 10, 50);
	assert_int_equal(w->stocked, 2); /* each of the two hosts */
	assert_int_equal(w->stock_packages, 1);
	run(w, 60, 50);
	assert_int_equal(w->stocked, 2); /* once */
	run(w, 600, 50);
	assert_int_equal(w->stocked, 4); /* and again after 10 min */
}

static void an_app_that_goes_takes_its_rules_along(void **state)
{
	cloud *w = *state;

	shop(w);
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	run(w, 10, 20);
	CLOUD_ASK(w, app_delete, .name = SOT_STR("shop"));
	run(w, 60, 90);
	cloud_rest(w);
	cloud_pass(w, 1000);
	assert_null(newest(w));
	set(w, SOT_ELASTIC_METRIC_CPU, false, 6);
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(load_adds_instances_and_calm_takes_them_away),
	    TEST(a_rollout_is_waited_for),
	    TEST(a_dry_run_begins_nothing),
	    TEST(rules_that_are_gone_decide_nothing),
	    TEST(values_of_the_app_count),
	    TEST(each_group_follows_its_own_load),
	    TEST(rules_of_the_whole_and_of_groups_exclude_each_other),
	    TEST(a_value_is_of_a_group_or_of_all),
	    TEST(the_quota_leaves_room_for_the_least_of_other_groups),
	    TEST(more_than_the_quota_is_not_asked_for),
	    TEST(wrong_rules_are_refused),
	    TEST(hosts_hear_before_what_new_instances_are_made_of),
	    TEST(an_app_that_goes_takes_its_rules_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
