/* Looks at instances between two reports: what is read of one that rests, and when all of it is. */
#include "looks.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sot_mem.h"
#include "test_folder.h"

enum { PID = 4242, EVERY_MS = 10000, FIRST_WALL_MS = 1000000000 };

#define LINK "sot0a42000b"
#define ROW(frames) "    lo: 1 1\n  eth0: 7 7\n" LINK ": 100 " frames " 0 0 0 0 0 0 200 2\n"

static const sot_uuid id = {.b = {1}}, other_id = {.b = {2}};

typedef struct rig {
	char folder[64], proc[80], cgroup[80];
	figures_roots roots;
	looks *looks;
	int64_t at_ms;              /* since the first report */
	int64_t started_unix_ms;    /* of the instance */
	const char *net_dev, *link; /* as the next report finds them */
} rig;

static void put(const rig *r, const char *name, const char *text)
{
	assert_int_equal(test_folder_put(r->folder, name, text, strlen(text)), 0);
}

static void put_cpu(const rig *r, const char *ns)
{
	put(r, "cgroup/cpuacct/docker/ab/cpuacct.usage", ns);
}

static void put_memory(const rig *r, const char *bytes)
{
	put(r, "cgroup/memory/docker/ab/memory.stat", bytes);
}

static int setup(void **state)
{
	rig *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/looks-test.XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	(void)snprintf(r->proc, sizeof(r->proc), "%s/proc", r->folder);
	(void)snprintf(r->cgroup, sizeof(r->cgroup), "%s/cgroup", r->folder);
	r->roots = (figures_roots){r->proc, r->cgroup};
	r->looks = looks_new(&r->roots);
	r->started_unix_ms = FIRST_WALL_MS - 1; /* just before the first report */
	r->net_dev = ROW("1");
	r->link = LINK;
	put(r, "proc/4242/cgroup", "4:memory:/docker/ab\n3:pids:/docker/ab\n2:cpuacct:/docker/ab\n");
	put(r, "cgroup/pids/docker/ab/tasks", "");
	put_cpu(r, "1000000\n");
	put_memory(r, "rss 100\n");
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	rig *r = *state;
	looks_free(r->looks);
	int failed = test_folder_remove(r->folder);
	free(r);
	return failed;
}

/* A report with this one instance, EVERY_MS after the one before. */
static const look *report(rig *r)
{
	const looks_subject subject = {id, PID, r->started_unix_ms, r->link};
	looks_begin(r->looks, sot_str_c(r->net_dev), EVERY_MS, (sot_mono){r->at_ms},
	    (sot_wall){FIRST_WALL_MS + r->at_ms});
	const look *k = looks_take(r->looks, &subject);
	looks_end(r->looks);
	r->at_ms += EVERY_MS;
	return k;
}

static void what_nothing_moved_is_not_read_again(void **state)
{
	rig *r = *state;
	const look *k = report(r);
	assert_false(k->is_at_rest);
	put_memory(r, "rss 200\n"); /* which without its running only the kernel does */
	k = report(r);
	assert_true(k->is_at_rest);
	assert_int_equal(k->now.memory_rss, 100);
	assert_int_equal(k->was.cpu_ns, k->now.cpu_ns); /* so its rates are nothing */
}

static void a_moment_of_running_has_all_of_it_read(void **state)
{
	rig *r = *state;
	(void)report(r);
	(void)report(r);
	put_memory(r, "rss 200\n");
	put_cpu(r, "1000001\n");
	const look *k = report(r);
	assert_false(k->is_at_rest);
	assert_int_equal(k->now.memory_rss, 200);
	assert_int_equal(k->now.cpu_ns - k->was.cpu_ns, 1);
	assert_true(report(r)->is_at_rest);
}

/* A flood that the instance does not answer costs it no CPU time. */
static void a_frame_on_its_link_has_all_of_it_read(void **state)
{
	rig *r = *state;
	put(r, "proc/4242/net/dev", "  eth0: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n");
	(void)report(r);
	(void)report(r);
	put(r, "proc/4242/net/dev", "  eth0: 164 2 0 5 0 0 0 0 200 2 0 0 0 0 0 0\n");
	r->net_dev = ROW("2");
	const look *k = report(r);
	assert_false(k->is_at_rest);
	assert_int_equal(k->now.rx - k->was.rx, 64);
	assert_int_equal(k->now.rx_dropped - k->was.rx_dropped, 5);
	assert_true(report(r)->is_at_rest);
}

static void without_a_known_link_all_of_it_is_read_each_time(void **state)
{
	rig *r = *state;
	r->link = "sot0a42000c";
	(void)report(r);
	assert_false(report(r)->is_at_rest);
	r->link = LINK;
	assert_false(report(r)->is_at_rest); /* nothing to compare it with */
	assert_true(report(r)->is_at_rest);
	r->net_dev = "    lo: 1 1\n"; /* it went */
	assert_false(report(r)->is_at_rest);
	r->net_dev = "  eth0: 1 1\n" LINK "\n"; /* and a line that is none */
	assert_false(report(r)->is_at_rest);
}

/* A kernel without cpuacct, or cgroups at another place. */
static void without_a_counter_all_of_it_is_read_each_time(void **state)
{
	rig *r = *state;
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/cpuacct/docker/ab/cpuacct.usage", r->cgroup);
	assert_int_equal(unlink(path), 0);
	(void)report(r);
	assert_false(report(r)->is_at_rest);
	put(r, "proc/4242/cgroup", "0::/ab\n");
	r->started_unix_ms++;
	(void)report(r);
	assert_false(report(r)->is_at_rest);
}

static void once_a_minute_all_of_it_is_read(void **state)
{
	rig *r = *state;
	unsigned whole = 0;
	for (int i = 0; i < 19; i++)
		whole += !report(r)->is_at_rest;
	assert_int_equal(whole, 4); /* at 0, 60, 120 and 180 s */
	put_memory(r, "rss 200\n");
	for (int i = 0; i < 6; i++)
		(void)report(r);
	assert_int_equal(report(r)->now.memory_rss, 200);
}

static void of_v2_a_block_written_later_is_seen(void **state)
{
	rig *r = *state;
	put(r, "proc/4242/cgroup", "0::/ab\n");
	put(r, "cgroup/ab/cpu.stat", "usage_usec 5\n");
	put(r, "cgroup/ab/io.stat", "8:0 rbytes=1 wbytes=4096\n");
	(void)report(r);
	assert_true(report(r)->is_at_rest);
	put(r, "cgroup/ab/io.stat", "8:0 rbytes=1 wbytes=8192\n");
	const look *k = report(r);
	assert_int_equal(k->now.write - k->was.write, 4096);
	put(r, "cgroup/ab/cpu.stat", "usage_usec 6\n");
	assert_false(report(r)->is_at_rest);
	assert_true(report(r)->is_at_rest);
}

static void another_start_has_other_cgroups_and_counters_from_nothing(void **state)
{
	rig *r = *state;
	(void)report(r);
	put(r, "proc/4242/cgroup", "4:memory:/docker/cd\n3:pids:/docker/cd\n2:cpuacct:/docker/cd\n");
	put(r, "cgroup/cpuacct/docker/cd/cpuacct.usage", "300\n");
	put_cpu(r, "1000000\n");
	r->started_unix_ms = FIRST_WALL_MS + 1;
	const look *k = report(r);
	assert_false(k->is_at_rest);
	assert_int_equal(k->was.cpu_ns, 0);
	assert_int_equal(k->now.cpu_ns, 300);
}

/* An agent that was started again adopts what ran for days: what it used in them is no rate. */
static void what_ran_before_the_first_look_has_no_rates_yet(void **state)
{
	rig *r = *state;
	r->started_unix_ms = FIRST_WALL_MS - 86400000;
	const look *k = report(r);
	assert_int_equal(k->was.cpu_ns, 1000000);
	assert_int_equal(k->now.cpu_ns, 1000000);
	put_cpu(r, "1000500\n");
	k = report(r);
	assert_int_equal(k->now.cpu_ns - k->was.cpu_ns, 500);
}

static void a_thread_that_computes_makes_a_load_and_rest_ends_it(void **state)
{
	rig *r = *state;
	char cpu[32];
	const look *k = NULL;
	put(r, "cgroup/pids/docker/ab/tasks", "4242\n");
	put(r, "proc/4242/stat", "4242 (busy) R 1\n");
	for (int i = 0; i < 60; i++) {
		(void)snprintf(cpu, sizeof(cpu), "%d\n", 1000000 + i);
		put_cpu(r, cpu);
		k = report(r);
	}
	assert_true(k->load > 0.99 && k->load <= 1);
	put(r, "proc/4242/stat", "4242 (busy) S 1\n");
	put_cpu(r, "2000000\n"); /* to fall asleep it ran */
	for (int i = 0; i < 7; i++)
		k = report(r);
	assert_true(k->load < 0.35);
}

static void who_is_not_asked_for_is_forgotten(void **state)
{
	rig *r = *state;
	const looks_subject subject = {other_id, PID, r->started_unix_ms, LINK};
	(void)report(r);
	looks_begin(r->looks, sot_str_c(r->net_dev), EVERY_MS, (sot_mono){r->at_ms},
	    (sot_wall){FIRST_WALL_MS + r->at_ms});
	(void)looks_take(r->looks, &subject);
	looks_end(r->looks);
	assert_false(report(r)->is_at_rest);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_nothing_moved_is_not_read_again),
	    TEST(a_moment_of_running_has_all_of_it_read),
	    TEST(a_frame_on_its_link_has_all_of_it_read),
	    TEST(without_a_known_link_all_of_it_is_read_each_time),
	    TEST(without_a_counter_all_of_it_is_read_each_time),
	    TEST(once_a_minute_all_of_it_is_read),
	    TEST(of_v2_a_block_written_later_is_seen),
	    TEST(another_start_has_other_cgroups_and_counters_from_nothing),
	    TEST(what_ran_before_the_first_look_has_no_rates_yet),
	    TEST(a_thread_that_computes_makes_a_load_and_rest_ends_it),
	    TEST(who_is_not_asked_for_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
