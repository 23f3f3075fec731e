/* Maintenance windows, labels and opt-outs, and middleware that is rolled over many apps by them.
 */
#include "cloud_bench.h"
#include "maintenance.h"

#define MONDAY 1767571200000ll /* 2026-01-05 00:00 UTC */
#define MINUTE 60000ll
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static int setup(void **state)
{
	controller_config config = controller_config_default(3);

	*state = cloud_new(3, &config);
	return 0;
}

static int teardown(void **state)
{
	*state = cloud_free(*state);
	return 0;
}

static void windows_are_days_and_minutes(void **state)
{
	static const char *const right[] = {
	    "daily 00:00-24:00", "mon 02:00-04:30", "sat,sun 22:00-04:00"};
	static const char *const wrong[] = {"", "daily", "monday 02:00-03:00", "mon 2:00-3:00",
	    "mon 02:00-02:00", "mon 25:00-26:00", "mon 02:60-03:00", "mon 24:00-01:00",
	    "mon, 01:00-02:00", "mon 02:00-04:00 ", "mon 02:00", "mon  02:00-03:00"};
	const char *why;

	(void)state;
	for (size_t k = 0; k < sizeof(right) / sizeof(*right); k++)
		assert_true(maintenance_window_check(sot_str_c(right[k]), &why));
	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		assert_false(maintenance_window_check(sot_str_c(wrong[k]), &why));
		assert_non_null(why);
	}
}

static void a_window_is_open_from_its_beginning_until_its_end(void **state)
{
	(void)state;
	assert_true(maintenance_is_open(NULL, MONDAY));
	assert_true(maintenance_is_open("", MONDAY));
	assert_false(maintenance_is_open("mon 02:00-04:00", MONDAY + 2 * HOUR - 1));
	assert_true(maintenance_is_open("mon 02:00-04:00", MONDAY + 2 * HOUR));
	assert_true(maintenance_is_open("mon 02:00-04:00", MONDAY + 4 * HOUR - 1));
	assert_false(maintenance_is_open("mon 02:00-04:00", MONDAY + 4 * HOUR));
	assert_false(maintenance_is_open("mon 02:00-04:00", MONDAY + DAY + 2 * HOUR));
	assert_true(maintenance_is_open("mon 02:00-04:00", MONDAY + 7 * DAY + 2 * HOUR));
	assert_true(maintenance_is_open("tue 01:00-02:00;daily 23:00-24:00", MONDAY + 23 * HOUR));
	/* over midnight: the day is that on which it begins */
	assert_true(maintenance_is_open("sun 22:00-04:00", MONDAY + 3 * HOUR));
	assert_false(maintenance_is_open("sun 22:00-04:00", MONDAY + 23 * HOUR));
	assert_false(maintenance_is_open("mon 22:00-04:00", MONDAY + 3 * HOUR));
	assert_true(maintenance_is_open("mon 22:00-04:00", MONDAY + DAY + 3 * HOUR));
}

/* ---- over many apps ---- */

static void add(cloud *w, const char *version, char first)
{
	char digest[33] = "0123456789abcdef0123456789abcdef";

	digest[0] = first;
	CLOUD_ASK(w, package_register, .app = SOT_STR("tomcat"), .version = sot_str_c(version),
	    .sha256 = {digest, 32}, .size_bytes = 9, .file_name = SOT_STR("a.tar.gz"),
	    .middleware_kind = SOT_STR("tomcat"));
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

static void give(cloud *w, const char *app, const char *version)
{
	CLOUD_ASK(w, app_middleware, .name = sot_str_c(app), .middleware = SOT_STR("tomcat"),
	    .version = sot_str_c(version), .strategy = {.batch = 9});
	cloud_rest(w);
}

static void label(cloud *w, const char *app, const char *one)
{
	sot_str labels[] = {sot_str_c(one)};

	CLOUD_ASK(w, app_set, .name = sot_str_c(app), .setting = SOT_APP_SETTING_LABELS,
	    .labels = labels, .labels_count = 1);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

static void maintain(cloud *w, const char *app, const char *window, const char *opt_out)
{
	sot_str windows[] = {sot_str_c(window)}, opt_outs[] = {sot_str_c(opt_out)};

	CLOUD_ASK(w, app_set, .name = sot_str_c(app), .setting = SOT_APP_SETTING_MAINTENANCE,
	    .windows = windows, .windows_count = window[0] != '\0', .opt_outs = opt_outs,
	    .opt_outs_count = opt_out[0] != '\0');
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

/* Three apps that have tomcat 1, of a tier. */
static void three_apps(cloud *w)
{
	static const char *const names[] = {"shop", "cart", "mail"};

	add(w, "1", 'a');
	add(w, "2", 'b');
	for (int k = 0; k < 3; k++) {
		cloud_create(w, names[k], 2);
		cloud_rest(w);
		give(w, names[k], "1");
		label(w, names[k], k < 2 ? "tier=web" : "tier=back");
	}
}

static void roll(cloud *w, const char *one, const char *version, bool dry_run)
{
	sot_str labels[] = {sot_str_c(one)};

	CLOUD_ASK(w, operation_bulk, .action = SOT_BULK_ACTION_MIDDLEWARE,
	    .middleware = SOT_STR("tomcat"), .version = sot_str_c(version), .back = version[0] == '\0',
	    .labels = labels, .labels_count = 1, .dry_run = dry_run, .strategy = {.batch = 9});
}

static size_t having(const cloud *w, const char *app, const char *set)
{
	size_t n = 0;

	for (size_t k = 0; k < w->order_count; k++)
		n += strncmp(w->orders[k].name, app, strlen(app)) == 0 &&
		     strcmp(w->orders[k].middleware, set) == 0 &&
		     w->orders[k].desired == SOT_DESIRED_STATE_RUNNING;
	return n;
}

static void labels_select_and_back_goes_to_what_each_had(void **state)
{
	cloud *w = *state;

	three_apps(w);
	roll(w, "tier=web", "2", true);
	assert_int_equal(w->reply, SOT_MSG_BULK_MATCHED);
	assert_int_equal(w->matched.count, 2);
	roll(w, "tier=web", "2", false);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(having(w, "shop", "tomcat=2"), 2);
	assert_int_equal(having(w, "cart", "tomcat=2"), 2);
	assert_int_equal(having(w, "mail", "tomcat=1"), 2);
	roll(w, "tier=web", "2", false); /* all have it */
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
	roll(w, "tier=back", "", false); /* it had no other */
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
	roll(w, "tier=web", "", false);
	cloud_rest(w);
	assert_int_equal(having(w, "shop", "tomcat=1"), 2);
	assert_int_equal(having(w, "cart", "tomcat=1"), 2);
	CLOUD_ASK(w, app_middleware, .name = SOT_STR("shop"), .middleware = SOT_STR("tomcat"),
	    .back = true, .strategy = {.batch = 9});
	cloud_rest(w);
	assert_int_equal(having(w, "shop", "tomcat=2"), 2);
}

static void who_opted_out_is_left_alone_and_says_so(void **state)
{
	cloud *w = *state;

	three_apps(w);
	maintain(w, "cart", "", "tomcat");
	roll(w, "tier=web", "2", true);
	assert_int_equal(w->matched.count, 1);
	assert_int_equal(w->matched.skipped_count, 1);
	assert_true(sot_str_eq_c(w->matched.skipped[0], "cart: its people opted out"));
	roll(w, "tier=web", "2", false);
	cloud_rest(w);
	assert_int_equal(having(w, "shop", "tomcat=2"), 2);
	assert_int_equal(having(w, "cart", "tomcat=1"), 2);
	give(w, "cart", "2"); /* its own people may */
	assert_int_equal(having(w, "cart", "tomcat=2"), 2);
}

static void a_closed_window_holds_the_app_and_nobody_behind_it(void **state)
{
	cloud *w = *state;

	three_apps(w);
	w->now.wall.unix_ms = MONDAY;
	maintain(w, "shop", "mon 02:00-04:00", "");
	roll(w, "tier=web", "2", false);
	sot_uuid wave = w->last;
	cloud_rest(w);
	assert_int_equal(having(w, "shop", "tomcat=1"), 2);
	assert_int_equal(having(w, "cart", "tomcat=2"), 2); /* one at a time, and the next may */
	assert_int_equal(cloud_operation(w, wave)->state, OPERATION_RUNNING);
	cloud_scale(w, "shop", 3); /* the app's own queue goes on */
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	w->now.wall.unix_ms = MONDAY + 2 * HOUR;
	cloud_pass(w, 3000);
	cloud_rest(w);
	assert_int_equal(having(w, "shop", "tomcat=2"), 3);
	assert_int_equal(cloud_operation(w, wave)->state, OPERATION_DONE);
}

/* ---- retention ---- */

static void keep(cloud *w, uint32_t versions, uint32_t days)
{
	CLOUD_ASK(w, app_set, .name = SOT_STR("shop"), .setting = SOT_APP_SETTING_RETENTION,
	    .keep_versions = versions, .keep_days = days);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

/* Whether it can be deployed, asked without doing it. */
static bool is_there(cloud *w, const char *version)
{
	CLOUD_ASK(
	    w, app_deploy, .name = SOT_STR("shop"), .version = sot_str_c(version), .dry_run = true);
	return w->reply == SOT_MSG_ANSWER;
}

static void old_versions_go_but_never_what_runs_or_ran_before(void **state)
{
	static const char *const names[] = {"1", "2", "3", "4", "5", "6"};
	cloud *w = *state;

	cloud_create(w, "shop", 2);
	cloud_rest(w);
	for (int k = 0; k < 6; k++)
		cloud_package(w, "shop", names[k]);
	cloud_deploy(w, "shop", "1");
	cloud_rest(w);
	cloud_deploy(w, "shop", "2");
	cloud_rest(w);
	w->watch = "package.removed";
	keep(w, 1, 3);
	assert_int_equal(w->watched, 0); /* they are young */
	cloud_pass(w, 4 * DAY);
	assert_int_equal(w->watched, 3);
	assert_true(is_there(w, "1")); /* what a way back leads to */
	assert_true(is_there(w, "2")); /* what runs */
	assert_false(is_there(w, "3"));
	assert_false(is_there(w, "5"));
	assert_true(is_there(w, "6")); /* the newest */
	cloud_deploy(w, "shop", "6");
	cloud_rest(w);
	cloud_pass(w, HOUR);
	assert_false(is_there(w, "1"));
	assert_true(is_there(w, "2"));
	cloud_package(w, "shop", "3"); /* the same bytes again */
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	assert_true(is_there(w, "3"));
}

static void a_removed_name_never_means_other_content(void **state)
{
	cloud *w = *state;
	static const char other[] = "other other other other other oth";

	cloud_create(w, "shop", 1);
	cloud_rest(w);
	cloud_package(w, "shop", "1");
	cloud_package(w, "shop", "2");
	keep(w, 1, 0);
	cloud_pass(w, 2 * DAY);
	assert_false(is_there(w, "1"));
	CLOUD_ASK(w, package_register, .app = SOT_STR("shop"), .version = SOT_STR("1"),
	    .sha256 = {other, 32}, .size_bytes = 9, .file_name = SOT_STR("a.tar.gz"));
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
}

static void keep_middleware(cloud *w, uint32_t versions, uint32_t days)
{
	CLOUD_ASK(w, middleware_retention, .name = SOT_STR("tomcat"), .keep_versions = versions,
	    .keep_days = days);
}

static bool is_offered(cloud *w, const char *version)
{
	CLOUD_ASK(w, app_middleware, .name = SOT_STR("shop"), .middleware = SOT_STR("tomcat"),
	    .version = sot_str_c(version), .dry_run = true);
	return w->reply == SOT_MSG_ANSWER;
}

static void upload_tomcat(cloud *w, const char *version)
{
	static const char digest[] = "0123456789abcdef0123456789abcdef";

	CLOUD_ASK(w, package_register, .app = SOT_STR("tomcat"), .version = sot_str_c(version),
	    .sha256 = {digest, 32}, .size_bytes = 9, .file_name = SOT_STR("a.tar.gz"),
	    .middleware_kind = SOT_STR("tomcat"));
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

static void versions_of_middleware_go_but_never_what_somebody_has_or_had(void **state)
{
	static const char *const names[] = {"1", "2", "3", "4", "5"};
	cloud *w = *state;

	cloud_create(w, "shop", 2);
	cloud_rest(w);
	keep_middleware(w, 1, 0);
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
	for (int k = 0; k < 5; k++)
		upload_tomcat(w, names[k]);
	for (int k = 0; k < 2; k++) {
		CLOUD_ASK(w, app_middleware, .name = SOT_STR("shop"), .middleware = SOT_STR("tomcat"),
		    .version = sot_str_c(names[k]));
		cloud_rest(w);
	}
	w->watch = "middleware.removed";
	keep_middleware(w, 1, 3);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	assert_int_equal(w->watched, 0); /* they are young */
	cloud_pass(w, 4 * DAY);
	assert_int_equal(w->watched, 2);
	assert_true(is_offered(w, "1")); /* what a way back leads to */
	assert_true(is_offered(w, "2")); /* what the app has */
	assert_false(is_offered(w, "3"));
	assert_false(is_offered(w, "4"));
	assert_true(is_offered(w, "5")); /* the newest */
	CLOUD_ASK(w, package_register, .app = SOT_STR("tomcat"), .version = SOT_STR("3"),
	    .sha256 = {"another digest of another packag", 32}, .size_bytes = 9,
	    .file_name = SOT_STR("a.tar.gz"), .middleware_kind = SOT_STR("tomcat"));
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	upload_tomcat(w, "3"); /* the same bytes again */
	assert_true(is_offered(w, "3"));
}

static void what_cannot_be_set_is_refused_with_its_place(void **state)
{
	cloud *w = *state;
	sot_str labels[] = {SOT_STR("tier=web"), SOT_STR("tier=back")}, bad[] = {SOT_STR("Tier=web")},
	        windows[] = {SOT_STR("mon 02:00-02:00")}, all[] = {SOT_STR("*")};

	cloud_create(w, "shop", 1);
	cloud_rest(w);
	CLOUD_ASK(w, app_set, .name = SOT_STR("shop"), .labels = labels, .labels_count = 2);
	assert_string_equal(w->pointer, "/labels/1");
	CLOUD_ASK(w, app_set, .name = SOT_STR("shop"), .labels = bad, .labels_count = 1);
	assert_string_equal(w->pointer, "/labels/0");
	CLOUD_ASK(w, app_set, .name = SOT_STR("shop"), .setting = SOT_APP_SETTING_MAINTENANCE,
	    .windows = windows, .windows_count = 1);
	assert_string_equal(w->pointer, "/windows/0");
	CLOUD_ASK(w, app_set, .name = SOT_STR("shop"), .setting = SOT_APP_SETTING_MAINTENANCE,
	    .opt_outs = all, .opt_outs_count = 1);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(windows_are_days_and_minutes),
	    cmocka_unit_test(a_window_is_open_from_its_beginning_until_its_end),
	    cmocka_unit_test_setup_teardown(
	        labels_select_and_back_goes_to_what_each_had, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_opted_out_is_left_alone_and_says_so, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_closed_window_holds_the_app_and_nobody_behind_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        old_versions_go_but_never_what_runs_or_ran_before, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_removed_name_never_means_other_content, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        versions_of_middleware_go_but_never_what_somebody_has_or_had, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        what_cannot_be_set_is_refused_with_its_place, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
