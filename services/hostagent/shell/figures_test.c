/* The figures of an instance, from files as the kernel writes them, below a folder of our own. */
#include "figures.h"

#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sot_mem.h"
#include "test_folder.h"

enum { PID = 4242 };

typedef struct tree {
	char folder[64], proc[80], cgroup[80];
	figures_roots roots;
} tree;

static void put(const tree *t, const char *name, const char *text)
{
	assert_int_equal(test_folder_put(t->folder, name, text, strlen(text)), 0);
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
	    "  eth0: 1500      10    1    3    0     0          0         0     2500      11    2    "
	    "0    0     6       0          0\n");
	put(t, "proc/4242/net/snmp",
	    "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
	    "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets "
	    "CurrEstab InSegs\nTcp: 1 200 120000 -1 11 12 13 14 15 16\n");
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

static void read_figures(const tree *t, int pid, instance_figures *ret)
{
	SOT_AUTO_BUF groups;
	figures_read_groups(&t->roots, pid, &groups);
	figures_read_instance(&t->roots, pid, sot_buf_str(&groups), ret);
}

static void check_net(const instance_figures *f)
{
	assert_int_equal(f->rx, 1500); /* without lo */
	assert_int_equal(f->tx, 2500);
	assert_int_equal(f->rx_dropped, 3);
	assert_int_equal(f->net_errors, 3);
	assert_int_equal(f->net_collisions, 6);
	assert_int_equal(f->lo, 999);
	assert_int_equal(f->tcp_established, 15);
	assert_int_equal(f->memory_shared, 512);
	assert_int_equal(f->memory_swap, 256);
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
	    "cache 4096\nrss 8192\nrss_huge 1\nshmem 512\nswap 256\ninactive_file 3000\ntotal_cache "
	    "1\ntotal_rss 2\n");
	put(t, "cgroup/memory/docker/ab/memory.usage_in_bytes", "13000\n");
	put(t, "cgroup/memory/docker/ab/memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
	put(t, "cgroup/memory/docker/ab/memory.failcnt", "1\n");
	put(t, "cgroup/memory/docker/ab/memory.memsw.failcnt", "2\n");
	put(t, "cgroup/pids/docker/ab/pids.current", "5\n");
	put(t, "cgroup/pids/docker/ab/tasks", "4242\n4243\n4244\n4299\n");
	put(t, "proc/4242/stat", "4242 (a) R) S 1 4242\n"); /* a name that looks like an end */
	put(t, "proc/4243/stat", "4243 (busy) R 1 4242\n");
	put(t, "proc/4244/stat", "4244 (writer) D 1 4242\n");
	put(t, "cgroup/blkio/docker/ab/blkio.throttle.io_service_bytes",
	    "8:0 Read 1000\n8:0 Write 2000\n8:0 Sync 1\n8:0 Total 3000\n8:16 Read 10\n"
	    "8:16 Write 20\nTotal 3030\n");
	read_figures(t, PID, &f);
	assert_true(f.cpu_ns == 123456789012);
	assert_int_equal(f.periods, 40);
	assert_int_equal(f.throttled, 7);
	assert_int_equal(f.memory_rss, 8192);
	assert_int_equal(f.memory_cache, 4096);
	assert_int_equal(f.memory_failcnt, 3);
	assert_int_equal(f.memory_working_set, 10000);
	assert_int_equal(f.oom_kills, 4);
	assert_int_equal(f.pids, 5);
	assert_int_equal(f.threads_running, 1);
	assert_int_equal(f.threads_waiting, 1);
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
	put(t, GROUP "memory.stat", "anon 12288\nfile 16384\nshmem 512\ninactive_file 5000\n");
	put(t, GROUP "memory.current", "4000\n");
	put(t, GROUP "memory.swap.current", "256\n");
	put(t, GROUP "memory.events", "low 1\nhigh 2\nmax 6\noom 4\noom_kill 5\n");
	put(t, GROUP "pids.current", "9\n");
	put(t, GROUP "io.stat",
	    "8:0 rbytes=100 wbytes=200 rios=3 wios=4 dbytes=5 dios=6\n8:16 rbytes=1 wbytes=2\n");
	read_figures(t, PID, &f);
	assert_true(f.cpu_ns == 5000000000);
	assert_int_equal(f.periods, 50);
	assert_int_equal(f.throttled, 8);
	assert_int_equal(f.memory_rss, 12288);
	assert_int_equal(f.memory_cache, 16384);
	assert_int_equal(f.memory_failcnt, 6);
	assert_int_equal(f.memory_working_set, 0); /* never below nothing */
	assert_int_equal(f.oom_kills, 5);
	assert_int_equal(f.pids, 9);
	assert_int_equal(f.read, 101);
	assert_int_equal(f.write, 202);
	check_net(&f);
}

/* Of 200 threads every fourth is looked at; four looks see each once. */
/* A process that computes, in a group of its own of the kernel's own unified hierarchy. */
static void cgroup_v2_of_this_kernel_is_read(void **state)
{
	tree *t = *state;
	char group[160], procs[192], from[64], to[128], text[32];
	instance_figures f;
	if (geteuid() != 0)
		skip(); /* only root mounts */
	assert_int_equal(mkdir(t->cgroup, 0700), 0);
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("none", t->cgroup, "cgroup2", 0, NULL), 0);
	(void)snprintf(group, sizeof(group), "%s/sotalia-test-%d", t->cgroup, (int)getpid());
	(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
	assert_int_equal(mkdir(group, 0755), 0);
	pid_t child = fork();
	if (child == 0)
		for (volatile int k = 0;; k++) {
		}
	(void)snprintf(text, sizeof(text), "%d", (int)child);
	put(t, procs + strlen(t->folder) + 1, text);
	(void)snprintf(text, sizeof(text), "0::%s\n", group + strlen(t->cgroup));
	put(t, "proc/4242/cgroup", text);
	(void)snprintf(from, sizeof(from), "/proc/%d", (int)child);
	(void)snprintf(to, sizeof(to), "%s/%d", t->proc, (int)child);
	assert_int_equal(symlink(from, to), 0);
	uint64_t before = 0;
	for (f.cpu_ns = 0; f.cpu_ns < before + 20000000; before = before ? before : f.cpu_ns)
		read_figures(t, PID, &f);
	assert_int_equal(f.threads_running, 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(rmdir(group), 0);
	assert_int_equal(umount2(t->cgroup, MNT_DETACH), 0);
}

static void of_many_threads_some_are_looked_at_others_each_time(void **state)
{
	const tree *t = *state;
	char tids[2000] = "", path[64];
	uint64_t seen = 0;
	put(t, "proc/4242/cgroup", "0::/many\n");
	for (int tid = 5000; tid < 5200; tid++) {
		(void)snprintf(tids + strlen(tids), sizeof(tids) - strlen(tids), "%d\n", tid);
		(void)snprintf(path, sizeof(path), "proc/%d/stat", tid);
		put(t, path, tid % 2 == 0 ? "1 (x) R 1\n" : "1 (x) S 1\n");
	}
	put(t, "cgroup/many/cgroup.threads", tids);
	for (int look = 0; look < 4; look++) {
		instance_figures f;
		read_figures(t, PID, &f);
		seen += f.threads_running;
	}
	assert_int_equal(seen, 4 * 100);
}

static void links_of_instances_are_none_of_the_hosts(void **state)
{
	const tree *t = *state;
	interface_figures found[FIGURES_INTERFACES_MAX];
	SOT_AUTO_BUF net_dev;
	put(t, "proc/net/dev",
	    "    lo:  9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n"
	    "  eth0: 1500 10 1 3 0 0 0 0 2500 11 2 4 0 0 6 0\n"
	    "sot0a42000b: 1 1 1 1 0 0 0 0 1 1 1 1 0 0 0 0\n"
	    "veth12ab: 1 1 1 1 0 0 0 0 1 1 1 1 0 0 0 0\n"
	    "  br100: 7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0\n");
	figures_read_links(&t->roots, &net_dev);
	assert_int_equal(figures_interfaces(sot_buf_str(&net_dev), found), 2);
	assert_string_equal(found[0].name, "eth0");
	assert_int_equal(found[0].rx, 1500);
	assert_int_equal(found[0].tx, 2500);
	assert_int_equal(found[0].drops, 7);
	assert_int_equal(found[0].errors, 3);
	assert_string_equal(found[1].name, "br100");
}

static void only_whole_disks_count_and_the_busiest_one_tells(void **state)
{
	const tree *t = *state;
	host_figures was = {0}, now = {0};
	char block[PATH_MAX], path[PATH_MAX];
	put(t, "block/sda/device/vendor", "v\n");
	put(t, "block/sdb/device/vendor", "v\n");
	put(t, "block/dm-0/size", "1\n");
	put(t, "proc/diskstats",
	    "   8  0 sda 10 1 100 5 20 2 200 6 0 4000 11 0 0 0 0 1 2\n"
	    "   8  1 sda1 10 1 100 5 20 2 200 6 0 4000 11\n"
	    "   8 16 sdb 1 0 10 5 2 0 20 6 3 1000 11\n"
	    " 253  0 dm-0 10 1 100 5 20 2 200 6 0 9000 11\n");
	(void)snprintf(block, sizeof(block), "%s/block", t->folder);
	(void)snprintf(path, sizeof(path), "%s/diskstats", t->proc);
	figures_read_disks(path, block, &was);
	assert_int_equal(was.disk_count, 2);
	assert_int_equal(was.disk_read, 110 * 512);
	assert_int_equal(was.disk_write, 220 * 512);
	assert_string_equal(was.disks[1].name, "sdb");
	put(t, "proc/diskstats",
	    "   8  0 sda 10 1 100 5 20 2 200 6 0 4500 11\n"
	    "   8 16 sdb 1 0 10 5 2 0 20 6 3 3500 11\n"
	    "   8 32 sdc 1 0 10 5 2 0 20 6 3 9000 11\n");
	put(t, "block/sdc/device/vendor", "v\n");
	figures_read_disks(path, block, &now);
	assert_int_equal(now.disk_count, 3);
	assert_int_equal(figures_busiest_disk(&now, &was, 10000), 250); /* sdc is new */
	assert_int_equal(figures_busiest_disk(&now, &was, 2000), 1000);
	assert_int_equal(figures_busiest_disk(&was, &now, 10000), 0);
	assert_int_equal(figures_busiest_disk(&now, &was, 0), 0);
}

static void a_process_that_is_gone_gives_zeros(void **state)
{
	static const instance_figures none = {0};
	const tree *t = *state;
	instance_figures f;
	memset(&f, 0x55, sizeof(f));
	read_figures(t, PID + 1, &f);
	assert_memory_equal(&f, &none, sizeof(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        cgroup_v1_is_read_from_a_folder_per_controller, setup, teardown),
	    cmocka_unit_test_setup_teardown(cgroup_v2_is_read_from_the_unified_folder, setup, teardown),
	    cmocka_unit_test_setup_teardown(cgroup_v2_of_this_kernel_is_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        of_many_threads_some_are_looked_at_others_each_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(links_of_instances_are_none_of_the_hosts, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        only_whole_disks_count_and_the_busiest_one_tells, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_process_that_is_gone_gives_zeros, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
