/* What is junk and what is not. */
#include "cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DAY = 86400 };

static const cleanup_settings plain = {"", ""};

static const cleanup_policy *policy(const char *name, cleanup_place place)
{
	for (size_t i = 0; i < cleanup_policy_count; i++)
		if (strcmp(cleanup_policies[i].name, name) == 0 && cleanup_policies[i].place == place)
			return &cleanup_policies[i];
	fail_msg("no policy %s", name);
	return NULL;
}

static void rotated_logs_go_after_a_week_and_what_is_written_stays(void **state)
{
	(void)state;
	const cleanup_policy *p = policy("rotated_logs", CLEANUP_APPLOGS);
	static const char *const junk[] = {
	    "app.log.1", "app.log.2026-11-01", "gc.out.3", "old.gz", "x.7"};
	static const char *const kept[] = {"app.log", "catalina.out", "audit.txt", "data.db"};
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		assert_true(cleanup_takes(p, junk[i], true, 8 * DAY, 500, &plain));
		assert_false(cleanup_takes(p, junk[i], true, 6 * DAY, 500, &plain));
		assert_false(cleanup_takes(p, junk[i], false, 8 * DAY, 500, &plain)); /* a folder */
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_false(cleanup_takes(p, kept[i], true, 800 * DAY, 0, &plain));
}

static void exclusions_win(void **state)
{
	(void)state;
	const cleanup_policy *p = policy("dumps", CLEANUP_APPLOGS);
	assert_true(
	    cleanup_takes(p, "java.hprof", true, 4 * DAY, 500, &(cleanup_settings){"keep-*", ""}));
	assert_false(cleanup_takes(
	    p, "java.hprof", true, 4 * DAY, 500, &(cleanup_settings){"keep-*, *.hprof", ""}));
}

static void a_policy_under_pressure_sleeps_while_there_is_room(void **state)
{
	(void)state;
	const cleanup_policy *p = policy("temp_files_pressed", CLEANUP_TEMP);
	assert_false(cleanup_takes(p, "a", true, 2 * DAY, 100, &plain));
	assert_true(cleanup_takes(p, "a", true, 2 * DAY, 99, &plain));
	assert_true(
	    cleanup_takes(policy("temp_files", CLEANUP_TEMP), "a", true, 10 * DAY, 1000, &plain));
}

/* What an app keeps is its own: only dumps of dead processes are ever taken from there. */
static void data_of_an_app_is_never_junk(void **state)
{
	(void)state;
	static const char *const names[] = {
	    "dump.rdb", "data.log.1", "backup.gz", "appendonly.aof", "core.txt", "corebook"};
	for (size_t i = 0; i < cleanup_policy_count; i++)
		for (size_t k = 0;
		     cleanup_policies[i].place == CLEANUP_APPDATAS && k < sizeof(names) / sizeof(names[0]);
		     k++)
			assert_false(
			    cleanup_takes(&cleanup_policies[i], names[k], true, 9000 * DAY, 0, &plain));
}

static void images_and_containers_of_nobody_go_late(void **state)
{
	(void)state;
	const cleanup_policy *images = policy("unused_images", CLEANUP_IMAGES);
	assert_false(cleanup_takes(images, "r:5000+sotalia+redis:1", true, 6 * DAY, 500, &plain));
	assert_true(cleanup_takes(images, "r:5000+sotalia+redis:1", true, 8 * DAY, 500, &plain));
	assert_false(cleanup_takes(
	    images, "r:5000+sotalia+redis:1", true, 8 * DAY, 500, &(cleanup_settings){"*redis*", ""}));
	const cleanup_policy *dead = policy("dead_containers", CLEANUP_CONTAINERS);
	assert_true(cleanup_takes(dead, "dead", true, 4 * DAY, 500, &plain));
	assert_true(cleanup_takes(dead, "created", true, 4 * DAY, 500, &plain));
	/* One that ran holds a root file system that somebody may want back. */
	static const char *const kept[] = {"exited", "running", "paused", "restarting", "removing", ""};
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_false(cleanup_takes(dead, kept[i], true, 900 * DAY, 0, &plain));
}

static void data_of_a_retired_instance_stays_a_week(void **state)
{
	(void)state;
	const cleanup_policy *p = policy("retired_data", CLEANUP_RETIRED);
	assert_false(cleanup_takes(p, "0192", false, 7 * DAY - 1, 0, &plain));
	assert_true(cleanup_takes(p, "0192", false, 7 * DAY, 1000, &plain));
}

static void an_operator_says_other_ages_by_name(void **state)
{
	const cleanup_settings other = {"", "dumps=3600,retired_data=86400"};
	const cleanup_policy *p = policy("retired_data", CLEANUP_RETIRED);
	sot_err err = {0};
	(void)state;
	assert_int_equal(cleanup_check_ages("", &err), SOT_OK);
	assert_int_equal(cleanup_check_ages(other.ages, &err), SOT_OK);
	assert_false(cleanup_takes(p, "0192", false, DAY - 1, 500, &other));
	assert_true(cleanup_takes(p, "0192", false, DAY, 500, &other));
	assert_true(cleanup_takes(policy("dumps", CLEANUP_APPDATAS), "core", true, 3600, 500, &other));
	assert_false(
	    cleanup_takes(policy("temp_files", CLEANUP_TEMP), "a", true, 10 * DAY - 1, 500, &other));
	static const char *const wrong[] = {
	    "retired=1", "dumps", "dumps=0", "dumps=-1", "dumps=1d", "dumps=1;x=2", "dumps=999999999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(cleanup_check_ages(wrong[i], &err), SOT_INVALID);
		assert_non_null(strstr(err.text, " dead_containers"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rotated_logs_go_after_a_week_and_what_is_written_stays),
	    cmocka_unit_test(exclusions_win),
	    cmocka_unit_test(a_policy_under_pressure_sleeps_while_there_is_room),
	    cmocka_unit_test(data_of_an_app_is_never_junk),
	    cmocka_unit_test(images_and_containers_of_nobody_go_late),
	    cmocka_unit_test(data_of_a_retired_instance_stays_a_week),
	    cmocka_unit_test(an_operator_says_other_ages_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
