/* The rules on facts that were captured on machines. */
#include "preflight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sot_mem.h"

/* Debian 12, Docker 20.10.24, cgroup v1, LXCFS 5.0.3. */
static const char good[] =
    "kernel.release=6.1.0-18-amd64\ncgroup.controllers=cpu,cpuacct,cpuset,memory,devices,freezer,"
    "blkio,pids\n"
    "bridge_nf.iptables=0\nclock.synchronised=yes\ndisk.free_permille=600\ninode.free_permille="
    "900\n"
    "lxcfs.answers=yes\nmodule.overlay=yes\nmemory.swap_accounting=yes\ndocker.answers=yes\n"
    "docker.version=20.10.24+dfsg1\ndocker.driver=overlay2\ndocker.d_type=true\ndocker.loop_file="
    "no\n"
    "docker.live_restore=true\ndocker.runtime_sotalia=yes\ndocker.log_driver=json-file\n"
    "kernel.version=6.1.76\ndocker.backing=extfs\ndocker.native_diff=true\n"
    "docker.cgroup_manager=cgroupfs beside systemd\ndocker.cgroup_version=1\n";

/* A CentOS 7 of the old days: devicemapper on loop files. */
static const char old[] =
    "kernel.release=3.10.0-327.el7.x86_64\ncgroup.controllers=cpu,cpuacct,cpuset,memory,devices,"
    "freezer,blkio\n"
    "bridge_nf.iptables=1\nclock.synchronised=no\ndisk.free_permille=20\ninode.free_permille=90\n"
    "lxcfs.answers=no\nmodule.overlay=no\nmemory.swap_accounting=no\ndocker.answers=yes\n"
    "docker.version=1.9.1\ndocker.driver=devicemapper\ndocker.loop_file=yes\ndocker.live_restore="
    "false\n"
    "docker.runtime_sotalia=no\ndocker.log_driver=journald\n";

static void list(void *self, const preflight_rule *rule, sot_str seen)
{
	char *text = self;
	size_t n = strlen(text);
	(void)seen;
	(void)snprintf(text + n, 1024 - n, "%s ", rule->id);
}

static void nothing_is_found_on_a_good_machine(void **state)
{
	(void)state;
	char found[1024] = "";
	assert_int_equal(preflight_judge(sot_str_c(good), list, found), -1);
	assert_string_equal(found, "");
}

static void all_that_is_wrong_is_found_worst_first(void **state)
{
	(void)state;
	char found[1024] = "";
	assert_int_equal(preflight_judge(sot_str_c(old), list, found), PREFLIGHT_ERROR);
	assert_string_equal(found,
	    "docker.old docker.clone3 docker.live_restore docker.runtime storage.devicemapper_loop "
	    "kernel.old "
	    "cgroup.pids "
	    "disk.full module.overlay docker.logs storage.devicemapper storage.driver cgroup.swap "
	    "network.bridge_nf clock.unsynchronised disk.low inodes.low lxcfs.away ");
}

static void what_is_not_known_finds_nothing(void **state)
{
	(void)state;
	char found[1024] = "";
	assert_int_equal(
	    preflight_judge(sot_str_c("docker.answers=no\n"), list, found), PREFLIGHT_ERROR);
	assert_string_equal(found, "docker.away ");
}

static void versions_are_compared_as_versions(void **state)
{
	(void)state;
	static const struct {
		const char *release;
		bool is_old;
	} cases[] = {{"5.9.0", true}, {"5.12", false}, {"5.12.0-rc1", false}, {"6.18.44", false},
	    {"4.19", true}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char found[1024] = "", facts[64];
		(void)snprintf(facts, sizeof(facts), "kernel.release=%s\n", cases[i].release);
		assert_int_equal(preflight_judge(sot_str_c(facts), list, found) >= 0, cases[i].is_old);
	}
}

static void what_is_bad_together_is_found_together_only(void **state)
{
	(void)state;
	static const struct {
		const char *facts, *found;
	} cases[] = {
	    {"kernel.version=6.1.64\ndocker.backing=extfs\n", "kernel.ext4_corrupts "},
	    {"kernel.version=6.1.64\ndocker.backing=xfs\n", ""},
	    {"kernel.version=6.1.66\ndocker.backing=extfs\n", ""},
	    {"kernel.version=6.3.4\ndocker.backing=xfs\n", "kernel.xfs_corrupts "},
	    {"kernel.version=6.1.64\n", ""},
	    {"docker.driver=overlay2\ndocker.backing=nfs\n", "storage.backing "},
	    {"docker.driver=overlay2\ndocker.backing=xfs\n", ""},
	    {"docker.driver=overlay2\ndocker.native_diff=false\n", "storage.native_diff "},
	    {"docker.cgroup_manager=cgroupfs beside systemd\ndocker.cgroup_version=2\n",
	        "cgroup.managers "},
	    {"docker.cgroup_manager=cgroupfs\ndocker.cgroup_version=2\n", ""},
	    {"docker.cgroup_manager=systemd beside systemd\ndocker.cgroup_version=2\n", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char found[1024] = "";
		(void)preflight_judge(sot_str_c(cases[i].facts), list, found);
		assert_string_equal(found, cases[i].found);
	}
}

static void findings_are_written_as_json_with_the_way_to_mend(void **state)
{
	(void)state;
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 65536);
	preflight_render_json(sot_str_c("lxcfs.answers=no\n"), &out);
	assert_non_null(strstr(out.p, "[{\"id\":\"lxcfs.away\",\"severity\":\"warning\""));
	assert_non_null(strstr(out.p, "\"mend\":\"apt-get install lxcfs"));
	assert_non_null(strstr(out.p, "\"seen\":\"no\"}]"));
}

/* Each rule says what, why and how, and has an id of its own. */
static void rules_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < preflight_rule_count; i++) {
		const preflight_rule *r = &preflight_rules[i];
		assert_true(r->what[0] && r->why[0] && r->mend[0] && r->fact[0] && r->value[0]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(r->id, preflight_rules[k].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_found_on_a_good_machine),
	    cmocka_unit_test(all_that_is_wrong_is_found_worst_first),
	    cmocka_unit_test(what_is_not_known_finds_nothing),
	    cmocka_unit_test(versions_are_compared_as_versions),
	    cmocka_unit_test(what_is_bad_together_is_found_together_only),
	    cmocka_unit_test(findings_are_written_as_json_with_the_way_to_mend),
	    cmocka_unit_test(rules_are_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
