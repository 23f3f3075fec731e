/* figures - reads the kernel's counters of the host and of an instance, without starting anything.
 * Raw, growing counters: rates are made by the caller from two readings. Missing files give zeros.
 */
#ifndef HOSTAGENT_FIGURES_H
#define HOSTAGENT_FIGURES_H

#include "sot_str.h"

enum { FIGURES_DISKS_MAX = 32 };

typedef struct disk_figures {
	char name[32];
	uint64_t busy_ms; /* with a request under way */
} disk_figures;

typedef struct host_figures {
	uint64_t cpu_user, cpu_system, cpu_iowait, cpu_steal, cpu_total; /* ticks */
	uint64_t procs_running;
	uint64_t memory_total, memory_available, memory_cached, swap_free, swap_total; /* bytes */
	uint64_t memory_buffers, memory_shared;
	uint64_t disk_read, disk_write; /* bytes */
	disk_figures disks[FIGURES_DISKS_MAX];
	size_t disk_count;
	uint64_t rx, tx, drops, errors;
	uint32_t load_milli[3];
	int64_t clock_offset_us;
	bool clock_is_synchronised; /* the kernel's clock is disciplined by somebody */
} host_figures;

typedef struct instance_figures {
	uint64_t cpu_ns, periods, throttled;
	uint64_t memory_rss, memory_cache, memory_failcnt;
	uint64_t memory_working_set; /* in use and not to be had back for nothing */
	uint64_t oom_kills;
	uint64_t memory_shared, memory_swap;
	uint64_t pids, read, write, rx, tx, rx_dropped, net_errors, net_collisions, lo;
	uint64_t tcp_established; /* as it is now */
	/* Threads that run or could; and those that wait for a disk. As they are now. */
	uint64_t threads_running, threads_waiting;
	uint64_t inodes, inodes_free; /* of its root file system; 0 inodes: made as they are needed */
} instance_figures;

typedef struct interface_figures {
	char name[16];
	uint64_t rx, tx, drops, errors;
} interface_figures;
enum { FIGURES_INTERFACES_MAX = 16 };

/* Where the kernel's file systems are mounted. */
typedef struct figures_roots {
	const char *proc;   /* "/proc" */
	const char *cgroup; /* "/sys/fs/cgroup" */
} figures_roots;
extern const figures_roots figures_kernel_roots;

/* The links of the host and their counters, /proc/net/dev, which several below are made of. *ret is
 * made, and the caller's to clear. */
void figures_read_links(const figures_roots *roots, sot_buf *ret);
/* net_dev: as figures_read_links has it. uplink "" adds up all links but lo. */
void figures_read_host(const char *uplink, sot_str net_dev, host_figures *ret);
/* Adds the whole disks of a file like /proc/diskstats to `ret`: those that have a `device` in
 * `block`, which is /sys/block or like it. */
void figures_read_disks(const char *path, const char *block, host_figures *ret);
/* How much of the ms between two readings the busiest disk had something to do, in thousandths. */
uint32_t figures_busiest_disk(const host_figures *now, const host_figures *was, int64_t ms);
/* The links of the host but lo and those of instances, in the kernel's order; returns how many.
 * net_dev: as figures_read_links has it. */
size_t figures_interfaces(sot_str net_dev, interface_figures dst[static FIGURES_INTERFACES_MAX]);
/* Whether a link of the host has this name because its other end is in an instance. */
bool figures_is_link_of_instance(sot_str name);
/* /proc/<pid>/cgroup of PID 1 of an instance, as the host sees it: the same for all its life. *ret
 * is made, and the caller's to clear; empty when the process is gone. */
void figures_read_groups(const figures_roots *roots, int pid, sot_buf *ret);
/* pid and groups: of the same process, as above. cgroup v1 and v2. Of very many threads some are
 * looked at, others each time. */
void figures_read_instance(
    const figures_roots *roots, int pid, sot_str groups, instance_figures *ret);
/* Whether it has run since `was` was read, or (cgroup v2, which counts what is written later for
 * it) a block was read or written on its account; or it cannot be told. One file, or two, instead
 * of all. */
bool figures_moved(const figures_roots *roots, sot_str groups, const instance_figures *was);

/* Pure helpers, for tests: the number after `key` at the start of a line of `text`; 0 when absent.
 */
uint64_t figures_line(sot_str text, const char *key);
/* One row of /proc/net/dev: rx bytes, rx errors, rx dropped, tx bytes of `link`. */
bool figures_net_row(sot_str line, sot_str *ret_link, uint64_t ret[static 16]);
/* The path of a controller in /proc/<pid>/cgroup ("" for the unified hierarchy). */
sot_str figures_cgroup_path(sot_str text, const char *controller);

#endif
