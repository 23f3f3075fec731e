#include "cleanup.h"

#include <fnmatch.h>
#include <string.h>

#include "sot_mem.h"
#include "sot_parse.h"

#define DAYS(n) ((int64_t)(n)*86400)

const cleanup_policy cleanup_policies[] = {
    {"rotated_logs", CLEANUP_APPLOGS, "*.log.* *.log-* *.out.* *.gz *.[0-9] *.[0-9][0-9]", DAYS(7),
        1000, false},
    {"rotated_logs_pressed", CLEANUP_APPLOGS, "*.log.* *.log-* *.out.* *.gz *.[0-9]", DAYS(1), 100,
        false},
    {"dumps", CLEANUP_APPLOGS, "core core.[0-9]* *.hprof hs_err_pid* heapdump*", DAYS(3), 1000,
        false},
    {"dumps", CLEANUP_APPDATAS, "core core.[0-9]* *.hprof hs_err_pid*", DAYS(3), 1000, false},
    {"temp_files", CLEANUP_TEMP, "*", DAYS(10), 1000, false},
    {"temp_files_pressed", CLEANUP_TEMP, "*", DAYS(1), 100, false},
    {"retired_data", CLEANUP_RETIRED, "*", DAYS(7), 1000, true},
    {"package_versions", CLEANUP_PACKAGES, "[0-9a-f]*", DAYS(3), 1000, true},
    {"download_leftovers", CLEANUP_LEFTOVERS, "*", DAYS(1), 1000, true},
    {"unused_images", CLEANUP_IMAGES, "*", DAYS(7), 1000, false},
    {"unused_images_pressed", CLEANUP_IMAGES, "*", DAYS(1), 100, false},
    {"dead_containers", CLEANUP_CONTAINERS, "dead created", DAYS(3), 1000, false},
};
const size_t cleanup_policy_count = sizeof(cleanup_policies) / sizeof(cleanup_policies[0]);

_Static_assert(sizeof(cleanup_policies) / sizeof(cleanup_policies[0]) <= CLEANUP_POLICIES_MAX,
    "totals by policy have room for all");

enum { PATTERN_MAX = 128, AGE_MAX = 315360000 };

/* Whether one of the patterns, with `between` in between, fits. */
static bool fits(const char *patterns, char between, const char *name)
{
	char pattern[PATTERN_MAX];
	sot_str rest = sot_str_c(patterns);
	while (rest.n > 0) {
		sot_str one = sot_str_cut(rest, between, &rest);
		while (one.n > 0 && one.p[0] == ' ') {
			one.p++;
			one.n--;
		}
		if (one.n > 0 && sot_str_copy(one, pattern, sizeof(pattern), NULL) == SOT_OK &&
		    fnmatch(pattern, name, FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}

static bool is_policy(sot_str name)
{
	for (size_t i = 0; i < cleanup_policy_count; i++)
		if (sot_str_eq_c(name, cleanup_policies[i].name))
			return true;
	return false;
}

sot_code cleanup_check_ages(const char *ages, sot_err *err)
{
	sot_str rest = sot_str_c(ages), seconds;
	sot_buf names;
	while (rest.n > 0) {
		uint64_t age_s = 0;
		sot_str one = sot_str_cut(rest, ',', &rest);
		sot_str name = sot_str_cut(one, '=', &seconds);
		if (is_policy(name) && sot_parse_u64(seconds, 1, AGE_MAX, &age_s, NULL) == SOT_OK)
			continue;
		sot_buf_init(&names, 1024);
		for (size_t i = 0; i < cleanup_policy_count; i++)
			if (i == 0 || strcmp(cleanup_policies[i].name, cleanup_policies[i - 1].name) != 0)
				sot_buf_printf(&names, " %s", cleanup_policies[i].name);
		sot_fail(err, SOT_INVALID, "cleanup_ages: '%.*s' is not POLICY=SECONDS; policies:%.*s",
		    (int)(one.n < 40 ? one.n : 40), one.p, SOT_ARG(sot_buf_str(&names)));
		sot_buf_clear(&names);
		return SOT_INVALID;
	}
	return SOT_OK;
}

int64_t cleanup_age(const cleanup_policy *p, const cleanup_settings *settings)
{
	sot_str rest = sot_str_c(settings->ages), seconds;
	while (rest.n > 0) {
		uint64_t age_s = 0;
		sot_str one = sot_str_cut(rest, ',', &rest);
		if (sot_str_eq_c(sot_str_cut(one, '=', &seconds), p->name) &&
		    sot_parse_u64(seconds, 1, AGE_MAX, &age_s, NULL) == SOT_OK)
			return (int64_t)age_s;
	}
	return p->age_s;
}

bool cleanup_takes(const cleanup_policy *p, const char *name, bool is_file, int64_t age_s,
    unsigned free_permille, const cleanup_settings *settings)
{
	bool is_kind = is_file || p->whole;
	return is_kind && age_s >= cleanup_age(p, settings) &&
	       free_permille < p->free_permille + (p->free_permille >= 1000) &&
	       !fits(settings->excluded, ',', name) && fits(p->patterns, ' ', name);
}
