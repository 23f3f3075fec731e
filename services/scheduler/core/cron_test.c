/* Crontab lines, by the clocks of real time zones (tzdata). */
#include "cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static time_zone *load(const char *name)
{
	char path[128];
	static char bytes[65536];
	sot_err err = {0};

	(void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	time_zone *z = time_zone_parse((sot_str){bytes, n}, &err);
	if (!z)
		fail_msg("%s: %s", name, err.text);
	return z;
}

static cron line(const char *text)
{
	cron c;
	sot_err err = {0};

	if (cron_parse(sot_str_c(text), &c, &err) != SOT_OK)
		fail_msg("%s: %s", text, err.text);
	return c;
}

static int64_t minute_of(const char *utc)
{
	struct tm tm = {0};

	assert_non_null(strptime(utc, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm) / 60;
}

/* The instants in (from, to] at which it is due, in UTC. */
static const char *due(const char *text, const time_zone *z, const char *from, const char *to)
{
	static char out[4096];
	size_t n = 0;
	cron c = line(text);

	out[0] = '\0';
	for (int64_t m = minute_of(from) + 1; m <= minute_of(to); m++) {
		if (!cron_is_due(&c, z, m))
			continue;
		time_t at = m * 60;
		struct tm tm;
		gmtime_r(&at, &tm);
		n += strftime(out + n, sizeof(out) - n, n ? " %d.%H:%M" : "%d.%H:%M", &tm);
	}
	return out;
}

static void offsets_are_as_the_c_library_has_them(void **state)
{
	static const char *const names[] = {"UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York",
	    "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Casablanca",
	    "Antarctica/Troll", "Pacific/Auckland", "Europe/Dublin", "Asia/Tehran", "America/Nuuk"};

	(void)state;
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		SOT_AUTO(time_zone) z = load(names[k]);
		setenv("TZ", names[k], 1);
		tzset();
		/* 1950 to 2100, not always at full hours: beyond what the file lists, too. */
		for (int64_t t = -631152000; t < 4102444800; t += 40009) {
			time_t shown = t;
			struct tm tm;
			gmtime_r(&shown, &tm);
			tm.tm_isdst = -1;
			time_t at = mktime(&tm); /* an instant at which the clocks show about that */
			if (time_zone_offset_s(z, at) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, the library has %ld", names[k], (long long)at,
				    time_zone_offset_s(z, at), tm.tm_gmtoff);
		}
	}
	unsetenv("TZ");
}

static void wrong_lines_are_told(void **state)
{
	static const char *const wrong[] = {"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *",
	    "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "* * * * * *",
	    "1, * * * *", "1- * * * *", "* * * foo *"};
	cron c;
	sot_err err = {0};

	(void)state;
	for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++)
		assert_int_equal(cron_parse(sot_str_c(wrong[k]), &c, &err), SOT_INVALID);
}

static void fields_are_read(void **state)
{
	(void)state;
	assert_string_equal(due("*/20 8 * * *", NULL, "2026-03-02 00:00", "2026-03-03 00:00"),
	    "02.08:00 02.08:20 02.08:40");
	assert_string_equal(due("0 9-11/2,20 * * *", NULL, "2026-03-02 00:00", "2026-03-03 00:00"),
	    "02.09:00 02.11:00 02.20:00");
	/* 2026-03-02 is a Monday. Both days given: either is enough. */
	assert_string_equal(
	    due("0 0 * * Mon-Tue", NULL, "2026-03-01 00:00", "2026-03-08 00:00"), "02.00:00 03.00:00");
	assert_string_equal(
	    due("0 0 4 * 1", NULL, "2026-03-01 00:00", "2026-03-08 00:00"), "02.00:00 04.00:00");
	assert_string_equal(due("0 0 * * 7", NULL, "2026-03-01 00:00", "2026-03-08 00:00"), "08.00:00");
	assert_string_equal(
	    due("0 0 29 feb *", NULL, "2027-12-31 00:00", "2028-12-31 00:00"), "29.00:00");
}

static void a_zone_without_summer(void **state)
{
	SOT_AUTO(time_zone) z = load("Asia/Shanghai");

	(void)state;
	assert_string_equal(
	    due("30 8 * * *", z, "2026-11-28 12:00", "2026-11-30 12:00"), "29.00:30 30.00:30");
}

static void what_is_leapt_over_is_due_at_the_leap(void **state)
{
	SOT_AUTO(time_zone) z = load("Europe/Berlin");

	(void)state;
	/* 2027-03-28 02:00 becomes 03:00: 01:00 UTC. */
	assert_string_equal(
	    due("30 2 * * *", z, "2027-03-27 12:00", "2027-03-29 12:00"), "28.01:00 29.00:30");
	assert_string_equal(
	    due("30 3 * * *", z, "2027-03-27 12:00", "2027-03-29 12:00"), "28.01:30 29.01:30");
	/* Every hour goes by the time that passes. */
	assert_string_equal(
	    due("30 * * * *", z, "2027-03-27 23:59", "2027-03-28 03:00"), "28.00:30 28.01:30 28.02:30");
}

static void what_is_shown_twice_is_due_once(void **state)
{
	SOT_AUTO(time_zone) z = load("Europe/Berlin");

	(void)state;
	/* 2027-10-31 03:00 becomes 02:00: 01:00 UTC. */
	assert_string_equal(
	    due("30 2 * * *", z, "2027-10-30 12:00", "2027-11-01 12:00"), "31.00:30 01.01:30");
	assert_string_equal(
	    due("30 3 * * *", z, "2027-10-30 12:00", "2027-11-01 12:00"), "31.02:30 01.02:30");
	assert_string_equal(
	    due("30 * * * *", z, "2027-10-30 23:59", "2027-10-31 03:00"), "31.00:30 31.01:30 31.02:30");
}

static void half_an_hour_of_summer(void **state)
{
	SOT_AUTO(time_zone) z = load("Australia/Lord_Howe");

	(void)state;
	/* 2027-04-04 02:00 becomes 01:30: 15:00 UTC the day before. */
	assert_string_equal(
	    due("45 1 * * *", z, "2027-04-03 10:00", "2027-04-04 18:00"), "03.14:45 04.15:15");
}

static void bytes_that_are_no_zone_are_refused(void **state)
{
	static char bytes[65536];
	sot_err err = {0};

	(void)state;
	assert_null(time_zone_parse(SOT_STR("TZif"), &err));
	assert_null(time_zone_parse(SOT_STR(""), &err));
	FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
	assert_non_null(f);
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	for (size_t cut = 0; cut < n; cut++) {
		char *copy = malloc(cut + 1); /* so that a read past it is seen */
		memcpy(copy, bytes, cut);
		time_zone *z = time_zone_parse((sot_str){copy, cut}, &err);
		assert_null(z);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(offsets_are_as_the_c_library_has_them),
	    cmocka_unit_test(wrong_lines_are_told),
	    cmocka_unit_test(fields_are_read),
	    cmocka_unit_test(a_zone_without_summer),
	    cmocka_unit_test(what_is_leapt_over_is_due_at_the_leap),
	    cmocka_unit_test(what_is_shown_twice_is_due_once),
	    cmocka_unit_test(half_an_hour_of_summer),
	    cmocka_unit_test(bytes_that_are_no_zone_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
