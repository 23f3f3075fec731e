/* The figures of an instance, from files as the kernel writes them, below a folder of our own. */
#include "figures.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { PID = 4242 };

typedef struct tree {
	char folder[64], proc[80], cgroup[80];
	figures_roots roots;
} tree;

/* Makes the folders of the path below `folder` too. */
static void put(const tree *t, const char *name, const char *text)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%s", t->folder, name);
	for (char *slash = strchr(path + strlen(t->folder) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700); /* it may be there: fopen tells of every other failure */
		*slash = '/';
	}
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	tree *t = calloc(1, sizeof(*t));
	assert_non_null(t);
	(void)snprintf(t->folder, sizeof(t->folder), "/tmp/figures-test.XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	(void)snprintf(t->proc, sizeof(t->proc), "%s/proc", t->folder);
	(void)snprintf(t->cgroup, sizeof(t->cgroup), "%s/cgroup", t->folder);
	t->roots = (figures_roots){t->proc, t->cgroup};
	put(t, "proc/4242/net/dev",
	    "Inter-|   Receive                                                |  Transmit\n"
	    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
	    "    lo:  999       9    0    5    0     0          0         0      999       9    0    "
	    "0    0     0       0          0\n"
	    "  eth0: 1500      10    1    3    0     0          0         0     2500      11    0    "
	    "0    0     0       0          0\n");
	*state = t;
	return 0;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int teardown(void **state)
{
	tree *t = *state;
	int failed = nftw(t->folder, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(t);
	return failed;
}

static void check_net(const instance_figures *f)
{
	assert_int_equal(f->rx, 1500); /* without lo */
	assert_int_equal(f->tx, 2500);
	assert_int_equal(f->rx_dropped, 3);
}

static void cgroup_v1_is_read_from_a_folder_per_controller(void **state)
{
	const tree *t = *state;
	instance_figures f;
	put(t, "proc/4242/cgroup",
	    "11:blkio:/docker/ab\n10:cpu,cpuacct:/docker/ab\n9:pids:/docker/ab\n"
	    "4:memory:/docker/ab\n1:name=systemd:/docker/ab\n0::/system.slice/docker.service\n");
	put(t, "cgroup/cpuacct/docker/ab/cpuacct.usage", "123456789012\n");
	put(t, "cgroup/cpu/docker/ab/cpu.stat", "nr_periods 40\nnr_throttled 7\nthrottled_time 5\n");
	put(t, "cgroup/memory/docker/ab/memory.stat",
	    "cache 4096\nrss 8192\nrss_huge 1\ntotal_cache 1\ntotal_rss 2\n");
	put(t, "cgroup/memory/docker/ab/memory.limit_in_bytes", "67108864\n");
	put(t, "cgroup/memory/docker/ab/memory.failcnt", "3\n");
	put(t, "cgroup/pids/docker/ab/pids.current", "5\n");
	put(t, "cgroup/blkio/docker/ab/blkio.throttle.io_service_bytes",
	    "8:0 Read 1000\n8:0 Write 2000\n8:0 Sync 1\n8:0 Total 3000\n8:16 Read 10\n"
	    "8:16 Write 20\nTotal 3030\n");
	figures_read_instance(&t->roots, PID, &f);
	assert_true(f.cpu_ns == 123456789012);
	assert_int_equal(f.periods, 40);
	assert_int_equal(f.throttled, 7);
	assert_int_equal(f.memory_rss, 8192);
	assert_int_equal(f.memory_cache, 4096);
	assert_int_equal(f.memory_limit, 67108864);
	assert_int_equal(f.memory_failcnt, 3);
	assert_int_equal(f.pids, 5);
	assert_int_equal(f.read, 1010);
	assert_int_equal(f.write, 2020);
	check_net(&f);
}

static void cgroup_v2_is_read_from_the_unified_folder(void **state)
{
	const tree *t = *state;
	instance_figures f;
	put(t, "proc/4242/cgroup", "0::/system.slice/docker-ab.scope\n");
#define GROUP "cgroup/system.slice/docker-ab.scope/"
	put(t, GROUP "cpu.stat",
	    "usage_usec 5000000\nuser_usec 1\nsystem_usec 2\nnr_periods 50\nnr_throttled 8\n");
	put(t, GROUP "memory.stat", "anon 12288\nfile 16384\nfile_mapped 1\n");
	put(t, GROUP "memory.max", "134217728\n");
	put(t, GROUP "memory.events", "low 1\nhigh 2\nmax 6\noom 4\n");
	put(t, GROUP "pids.current", "9\n");
	put(t, GROUP "io.stat",
	    "8:0 rbytes=100 wbytes=200 rios=3 wios=4 dbytes=5 dios=6\n8:16 rbytes=1 wbytes=2\n");
	figures_read_instance(&t->roots, PID, &f);
	assert_true(f.cpu_ns == 5000000000);
	assert_int_equal(f.periods, 50);
	assert_int_equal(f.throttled, 8);
	assert_int_equal(f.memory_rss, 12288);
	assert_int_equal(f.memory_cache, 16384);
	assert_int_equal(f.memory_limit, 134217728);
	assert_int_equal(f.memory_failcnt, 6);
	assert_int_equal(f.pids, 9);
	assert_int_equal(f.read, 101);
	assert_int_equal(f.write, 202);
	check_net(&f);
}

static void a_process_that_is_gone_gives_zeros(void **state)
{
	static const instance_figures none = {0};
	const tree *t = *state;
	instance_figures f;
	memset(&f, 0x55, sizeof(f));
	figures_read_instance(&t->roots, PID + 1, &f);
	assert_memory_equal(&f, &none, sizeof(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        cgroup_v1_is_read_from_a_folder_per_controller, setup, teardown),
	    cmocka_unit_test_setup_teardown(cgroup_v2_is_read_from_the_unified_folder, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_process_that_is_gone_gives_zeros, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
