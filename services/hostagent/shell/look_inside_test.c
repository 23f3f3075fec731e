/* A look inside, from files as the kernel writes them below a folder of our own, and at ourselves.
 */
#include "look_inside.h"

#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "test_folder.h"

typedef struct tree {
	char folder[64], proc[80], cgroup[80];
	figures_roots roots;
} tree;

static void put(const tree *t, const char *name, const char *text)
{
	assert_int_equal(test_folder_put(t->folder, name, text, strlen(text)), 0);
}

/* With the NULs in it. */
#define PUT_WORDS(t, name, words)                                                                  \
	assert_int_equal(test_folder_put((t)->folder, name, words, sizeof(words) - 1), 0)

static int setup(void **state)
{
	tree *t = calloc(1, sizeof(*t));
	assert_non_null(t);
	(void)snprintf(t->folder, sizeof(t->folder), "/tmp/look-inside-test.XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	(void)snprintf(t->proc, sizeof(t->proc), "%s/proc", t->folder);
	(void)snprintf(t->cgroup, sizeof(t->cgroup), "%s/cgroup", t->folder);
	t->roots = (figures_roots){t->proc, t->cgroup};
	put(t, "proc/uptime", "1000.25 4000.00\n");
	put(t, "proc/4242/cgroup", "0::/docker/abc\n");
	put(t, "cgroup/docker/abc/cgroup.procs", "4242\n4250\n4251\n9999\n");
	put(t, "proc/4242/status",
	    "Name:\tsotalia-init\nState:\tS (sleeping)\nPPid:\t77\nUid:\t0\t0\t0\t0\nNSpid:\t4242\t1\n"
	    "VmRSS:\t     812 kB\nThreads:\t1\n");
	put(t, "proc/77/status", "Name:\tcontainerd-shim\nNSpid:\t77\n");
	PUT_WORDS(t, "proc/4242/cmdline", "/sbin/sotalia-init\0");
	put(t, "proc/4242/stat",
	    "4242 (sotalia-init) S 77 4242 4242 0 -1 4194560 5 0 0 0 30 20 0 0 20 0 1 0 90000 1 2 3\n");
	put(t, "proc/4250/status",
	    "Name:\tja) va\nState:\tR (running)\nPPid:\t4242\nUid:\t1000\t1000\t1000\t1000\n"
	    "NSpid:\t4250\t12\nVmRSS:\t  204800 kB\nThreads:\t41\n");
	PUT_WORDS(t, "proc/4250/cmdline", "java\0-jar\0sh\xffop \"x\".jar\0");
	put(t, "proc/4250/stat",
	    "4250 (ja) va) R 4242 1 1 0 -1 0 0 0 0 0 500 250 0 0 20 0 41 0 99000 1 2 3\n");
	put(t, "proc/4251/status",
	    "Name:\tsh\nState:\tZ (zombie)\nPPid:\t4250\nUid:\t1000\nNSpid:\t4251\t13\nThreads:\t1\n");
	put(t, "proc/4251/cmdline", "");
	put(t, "proc/4251/stat", "4251 (sh) Z 4250 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99000 0 0 0\n");
	put(t, "proc/4242/mountinfo",
	    "600 500 0:50 / / rw,relatime master:1 shared:2 - overlay overlay rw,lowerdir=/var/lib/a\n"
	    "601 600 8:1 /var/lib/sotalia/packages/ab /data/web\\040apps ro,nosuid - ext4 /dev/sda1 "
	    "rw\n");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tree *t = *state;
	int failed = test_folder_remove(t->folder);
	free(t);
	return failed;
}

static json_t *looked(const figures_roots *roots, int pid)
{
	json_error_t why;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, LOOK_INSIDE_MAX);
	assert_true(look_inside(roots, pid, &text));
	json_t *seen = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
	if (!seen)
		fail_msg("%s: %s", why.text, text.p);
	return seen;
}

static long long number(const json_t *list, size_t i, const char *name)
{
	return json_integer_value(json_object_get(json_array_get(list, i), name));
}

static const char *text_of(const json_t *list, size_t i, const char *name)
{
	const char *text = json_string_value(json_object_get(json_array_get(list, i), name));
	assert_non_null(text);
	return text;
}

static void processes_have_their_inner_numbers_and_who_ended_meanwhile_is_left_out(void **state)
{
	const tree *t = *state;
	long ticks = sysconf(_SC_CLK_TCK);
	json_t *seen = looked(&t->roots, 4242);
	const json_t *p = json_object_get(seen, "processes");
	assert_int_equal(json_array_size(p), 3);
	assert_int_equal(json_integer_value(json_object_get(seen, "processesTotal")), 4);
	assert_int_equal(number(p, 0, "pid"), 1);
	assert_int_equal(number(p, 0, "parent"), 0);
	assert_string_equal(text_of(p, 0, "command"), "/sbin/sotalia-init");
	assert_int_equal(number(p, 0, "memoryRssBytes"), 812 * 1024);
	assert_int_equal(number(p, 0, "cpuMs"), 50 * 1000 / ticks);
	assert_int_equal(number(p, 0, "ageSeconds"), 1000 - 90000 / ticks);
	assert_int_equal(number(p, 1, "pid"), 12);
	assert_int_equal(number(p, 1, "parent"), 1);
	assert_int_equal(number(p, 1, "uid"), 1000);
	assert_int_equal(number(p, 1, "threads"), 41);
	assert_int_equal(number(p, 1, "cpuMs"), 750 * 1000 / ticks);
	assert_string_equal(text_of(p, 1, "state"), "R");
	assert_string_equal(text_of(p, 1, "command"), "java -jar sh\xef\xbf\xbdop \"x\".jar");
	assert_string_equal(text_of(p, 2, "command"), "[sh]");
	assert_int_equal(number(p, 2, "parent"), 12);
	json_decref(seen);
}

static void mounts_tell_where_and_how_but_no_path_of_the_host(void **state)
{
	const tree *t = *state;
	json_t *seen = looked(&t->roots, 4242);
	const json_t *m = json_object_get(seen, "mounts");
	char *all = json_dumps(seen, 0);
	assert_int_equal(json_array_size(m), 2);
	assert_string_equal(text_of(m, 0, "target"), "/");
	assert_string_equal(text_of(m, 0, "type"), "overlay");
	assert_true(json_is_false(json_object_get(json_array_get(m, 0), "readOnly")));
	assert_string_equal(text_of(m, 1, "target"), "/data/web apps");
	assert_string_equal(text_of(m, 1, "source"), "/dev/sda1");
	assert_true(json_is_true(json_object_get(json_array_get(m, 1), "readOnly")));
	assert_null(strstr(all, "/var/lib"));
	free(all);
	json_decref(seen);
}

static void what_is_too_much_is_counted_and_left_out(void **state)
{
	const tree *t = *state;
	SOT_AUTO_BUF mounts;
	sot_buf_init(&mounts, 1u << 20);
	for (int i = 0; i < 300; i++)
		sot_buf_printf(&mounts, "%d 1 0:1 / /m%d%0150d rw - tmpfs t\x01 rw\n", i, i, i);
	put(t, "proc/4242/mountinfo", mounts.p);
	json_t *seen = looked(&t->roots, 4242);
	assert_int_equal(json_integer_value(json_object_get(seen, "mountsTotal")), 300);
	assert_int_equal(json_array_size(json_object_get(seen, "mounts")), LOOK_MOUNTS_MAX);
	json_decref(seen);
}

static void nobody_is_there(void **state)
{
	const tree *t = *state;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, LOOK_INSIDE_MAX);
	assert_false(look_inside(&t->roots, 4243, &text));
}

static void the_kernel_of_this_machine_is_read(void **state)
{
	(void)state;
	json_t *seen = looked(&figures_kernel_roots, getpid());
	assert_true(json_array_size(json_object_get(seen, "mounts")) > 0);
	assert_true(json_array_size(json_object_get(seen, "processes")) > 0);
	json_decref(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        processes_have_their_inner_numbers_and_who_ended_meanwhile_is_left_out, setup,
	        teardown),
	    cmocka_unit_test_setup_teardown(
	        mounts_tell_where_and_how_but_no_path_of_the_host, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_too_much_is_counted_and_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(nobody_is_there, setup, teardown),
	    cmocka_unit_test(the_kernel_of_this_machine_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
