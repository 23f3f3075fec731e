#include "figures.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "sot_mem.h"

enum {
	FILE_MAX = 256 * 1024,
	PIECE = 16384,
	SURE_END = 2048,
	SECTOR = 512,
	COLUMNS = 16,
	THREADS_LOOKED_AT = 64, /* a look at one takes some 5 us */
};

/* Some 15 files of each instance are read for each report: no call more than is needed. The kernel
 * fills a page before it gives less than was asked for, and no line of these files is half as long:
 * a short piece is the last one. */
static void load(const char *path, sot_buf *text)
{
	char piece[PIECE];
	sot_buf_init(text, FILE_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n;
	do {
		n = read(fd, piece, sizeof(piece));
		if (n > 0)
			sot_buf_add(text, piece, (size_t)n);
	} while (n >= SURE_END);
	close(fd);
	if (n < 0)
		sot_buf_clear(text);
}

/* Cuts the next run of non-blanks. */
static sot_str word(sot_str *rest)
{
	while (rest->n > 0 && (*rest->p == ' ' || *rest->p == '\t' || *rest->p == '\n')) {
		rest->p++;
		rest->n--;
	}
	sot_str w = {rest->p, 0};
	while (w.n < rest->n && w.p[w.n] != ' ' && w.p[w.n] != '\t' && w.p[w.n] != '\n')
		w.n++;
	rest->p += w.n;
	rest->n -= w.n;
	return w;
}

/* Digits at the beginning; what follows ("kB", "max") does not matter. */
static uint64_t digits(sot_str w)
{
	uint64_t n = 0;
	for (size_t i = 0; i < w.n && i < 19 && w.p[i] >= '0' && w.p[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(w.p[i] - '0');
	return n;
}

uint64_t figures_line(sot_str text, const char *key)
{
	while (text.n > 0) {
		sot_str line = sot_str_cut(text, '\n', &text);
		if (sot_str_eq_c(word(&line), key))
			return digits(word(&line));
	}
	return 0;
}

bool figures_net_row(sot_str line, sot_str *ret_link, uint64_t ret[static 16])
{
	if (!memchr(line.p ? line.p : "", ':', line.n))
		return false;
	sot_str head = sot_str_cut(line, ':', &line);
	*ret_link = word(&head);
	for (size_t i = 0; i < COLUMNS; i++)
		ret[i] = digits(word(&line));
	return true;
}

sot_str figures_cgroup_path(sot_str text, const char *controller)
{
	while (text.n > 0) {
		sot_str line = sot_str_cut(text, '\n', &text);
		(void)sot_str_cut(line, ':', &line);
		sot_str list = sot_str_cut(line, ':', &line);
		if (list.n == 0 && *controller == '\0')
			return line;
		while (list.n > 0)
			if (sot_str_eq_c(sot_str_cut(list, ',', &list), controller))
				return line;
	}
	return (sot_str){0};
}

/* sum: all links but lo, or `only` that one; lo: that one. */
static void add_net(
    sot_str text, const char *only, uint64_t sum[static COLUMNS], uint64_t lo[static COLUMNS])
{
	sot_str link;
	while (text.n > 0) {
		uint64_t row[COLUMNS];
		sot_str line = sot_str_cut(text, '\n', &text);
		if (!figures_net_row(line, &link, row))
			continue;
		bool is_lo = sot_str_eq_c(link, "lo");
		if (is_lo)
			memcpy(lo, row, sizeof(row));
		if (*only ? !sot_str_eq_c(link, only) : is_lo)
			continue;
		for (size_t i = 0; i < COLUMNS; i++)
			sum[i] += row[i];
	}
}

static void read_cpu(host_figures *f)
{
	SOT_AUTO_BUF file;
	load("/proc/stat", &file);
	sot_str all = sot_buf_str(&file), rest;
	sot_str line = sot_str_cut(all, '\n', &rest);
	uint64_t ticks[8] = {0};
	(void)word(&line);
	for (size_t i = 0; i < 8; i++) {
		ticks[i] = digits(word(&line));
		f->cpu_total += ticks[i];
	}
	f->cpu_user = ticks[0] + ticks[1];
	f->cpu_system = ticks[2] + ticks[5] + ticks[6];
	f->cpu_iowait = ticks[4];
	f->cpu_steal = ticks[7];
	f->procs_running = figures_line(all, "procs_running");
}

static void read_memory(host_figures *f)
{
	SOT_AUTO_BUF file;
	load("/proc/meminfo", &file);
	sot_str text = sot_buf_str(&file);
	f->memory_total = figures_line(text, "MemTotal:") * 1024;
	f->memory_available = figures_line(text, "MemAvailable:") * 1024;
	f->memory_cached = figures_line(text, "Cached:") * 1024;
	f->memory_buffers = figures_line(text, "Buffers:") * 1024;
	f->memory_shared = figures_line(text, "Shmem:") * 1024;
	f->swap_total = figures_line(text, "SwapTotal:") * 1024;
	f->swap_free = figures_line(text, "SwapFree:") * 1024;
}

static void skip_words(sot_str *line, int count)
{
	while (count-- > 0)
		(void)word(line);
}

/* Whole disks only: partitions and stacked devices would count a block twice. */
void figures_read_disks(const char *path, const char *block, host_figures *ret)
{
	SOT_AUTO_BUF file;
	char device[PATH_MAX];
	load(path, &file);
	sot_str text = sot_buf_str(&file);
	while (text.n > 0) {
		sot_str line = sot_str_cut(text, '\n', &text);
		skip_words(&line, 2);
		sot_str name = word(&line);
		(void)snprintf(device, sizeof(device), "%s/%.*s/device", block, SOT_ARG(name));
		if (access(device, F_OK) != 0)
			continue;
		skip_words(&line, 2);
		ret->disk_read += digits(word(&line)) * SECTOR;
		skip_words(&line, 3);
		ret->disk_write += digits(word(&line)) * SECTOR;
		skip_words(&line, 2);
		disk_figures *d = &ret->disks[ret->disk_count];
		if (ret->disk_count == FIGURES_DISKS_MAX ||
		    sot_str_copy(name, d->name, sizeof(d->name), NULL) != SOT_OK)
			continue;
		d->busy_ms = digits(word(&line));
		ret->disk_count++;
	}
}

/* A disk that is new has no share yet; the kernel's counter may be a tick ahead of our clock. */
uint32_t figures_busiest_disk(const host_figures *now, const host_figures *was, int64_t ms)
{
	uint64_t most = 0;
	for (size_t i = 0; i < now->disk_count; i++) {
		const disk_figures *d = &now->disks[i];
		for (size_t k = 0; k < was->disk_count; k++) {
			const disk_figures *before = &was->disks[k];
			if (strcmp(d->name, before->name) == 0 && d->busy_ms > before->busy_ms &&
			    d->busy_ms - before->busy_ms > most)
				most = d->busy_ms - before->busy_ms;
		}
	}
	if (ms <= 0)
		return 0;
	return most < (uint64_t)ms ? (uint32_t)(most * 1000 / (uint64_t)ms) : 1000;
}

static void read_load(host_figures *f)
{
	SOT_AUTO_BUF file;
	load("/proc/loadavg", &file);
	sot_str text = sot_buf_str(&file), fraction;
	for (size_t i = 0; i < 3; i++) {
		sot_str whole = sot_str_cut(word(&text), '.', &fraction);
		f->load_milli[i] = (uint32_t)(digits(whole) * 1000 + digits(fraction) * 10);
	}
}

static void read_clock(host_figures *f)
{
	struct timex state = {.modes = 0};
	int answer = adjtimex(&state);
	f->clock_is_synchronised = answer >= 0 && answer != TIME_ERROR && !(state.status & STA_UNSYNC);
	f->clock_offset_us = state.status & STA_NANO ? state.offset / 1000 : state.offset;
}

void figures_read_links(const figures_roots *roots, sot_buf *ret)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/net/dev", roots->proc);
	load(path, ret);
}

void figures_read_host(const char *uplink, sot_str net_dev, host_figures *ret)
{
	uint64_t net[COLUMNS] = {0}, lo[COLUMNS];
	*ret = (host_figures){0};
	read_cpu(ret);
	read_memory(ret);
	figures_read_disks("/proc/diskstats", "/sys/block", ret);
	read_load(ret);
	read_clock(ret);
	add_net(net_dev, uplink, net, lo);
	ret->rx = net[0];
	ret->errors = net[2] + net[10];
	ret->drops = net[3] + net[11];
	ret->tx = net[8];
}

bool figures_is_link_of_instance(sot_str name)
{
	return sot_str_starts(name, "sot");
}

/* Instances have figures of their own, and are many. */
static bool is_of_host(sot_str link)
{
	return !sot_str_eq_c(link, "lo") && !figures_is_link_of_instance(link) &&
	       !sot_str_starts(link, "veth");
}

size_t figures_interfaces(sot_str net_dev, interface_figures dst[static FIGURES_INTERFACES_MAX])
{
	size_t count = 0;
	sot_str link;
	while (net_dev.n > 0 && count < FIGURES_INTERFACES_MAX) {
		uint64_t row[COLUMNS];
		sot_str line = sot_str_cut(net_dev, '\n', &net_dev);
		if (!figures_net_row(line, &link, row) || !is_of_host(link))
			continue;
		interface_figures *f = &dst[count];
		if (sot_str_copy(link, f->name, sizeof(f->name), NULL) != SOT_OK)
			continue;
		f->rx = row[0];
		f->errors = row[2] + row[10];
		f->drops = row[3] + row[11];
		f->tx = row[8];
		count++;
	}
	return count;
}

/* A folder of the instance's cgroup: <root><mount><path>; mount "" for the unified hierarchy. */
typedef struct cgroup {
	const char *root, *mount;
	sot_str path;
} cgroup;

static void load_cgroup(cgroup g, const char *name, sot_buf *text)
{
	char full[PATH_MAX];
	(void)snprintf(full, sizeof(full), "%s%s%.*s/%s", g.root, g.mount, SOT_ARG(g.path), name);
	load(full, text);
}

static uint64_t cgroup_number(cgroup g, const char *name)
{
	SOT_AUTO_BUF file;
	load_cgroup(g, name, &file);
	return digits(sot_buf_str(&file));
}

/* What is used less what the kernel gives back first, as the kubelet counts it. */
static uint64_t working_set(uint64_t usage, sot_str stat)
{
	uint64_t inactive = figures_line(stat, "inactive_file");
	return usage > inactive ? usage - inactive : 0;
}

static uint64_t cgroup_line(cgroup g, const char *name, const char *key)
{
	SOT_AUTO_BUF file;
	load_cgroup(g, name, &file);
	return figures_line(sot_buf_str(&file), key);
}

/* "8:0 Read 4096" and "8:0 rbytes=4096 wbytes=..." lines, summed over devices. */
static void read_blocks(sot_str text, instance_figures *f)
{
	while (text.n > 0) {
		sot_str line = sot_str_cut(text, '\n', &text), value;
		(void)word(&line);
		for (sot_str w = word(&line); w.n > 0; w = word(&line)) {
			sot_str key = sot_str_cut(w, '=', &value);
			if (sot_str_eq_c(key, "Read"))
				f->read += digits(word(&line));
			else if (sot_str_eq_c(key, "Write"))
				f->write += digits(word(&line));
			else if (sot_str_eq_c(key, "rbytes"))
				f->read += digits(value);
			else if (sot_str_eq_c(key, "wbytes"))
				f->write += digits(value);
		}
	}
}

/* Before all else of an instance: what runs while the rest is read is found at the next look. */
static uint64_t read_cpu_v1(const char *root, sot_str groups)
{
	return cgroup_number(
	    (cgroup){root, "/cpuacct", figures_cgroup_path(groups, "cpuacct")}, "cpuacct.usage");
}

static void read_v1(const char *root, sot_str groups, instance_figures *f)
{
	SOT_AUTO_BUF blocks, stat, memory_stat;
	cgroup cpu = {root, "/cpu", figures_cgroup_path(groups, "cpu")};
	cgroup memory = {root, "/memory", figures_cgroup_path(groups, "memory")};
	cgroup pids = {root, "/pids", figures_cgroup_path(groups, "pids")};
	cgroup blkio = {root, "/blkio", figures_cgroup_path(groups, "blkio")};
	f->cpu_ns = read_cpu_v1(root, groups);
	load_cgroup(cpu, "cpu.stat", &stat);
	f->periods = figures_line(sot_buf_str(&stat), "nr_periods");
	f->throttled = figures_line(sot_buf_str(&stat), "nr_throttled");
	load_cgroup(memory, "memory.stat", &memory_stat);
	f->memory_rss = figures_line(sot_buf_str(&memory_stat), "rss");
	f->memory_cache = figures_line(sot_buf_str(&memory_stat), "cache");
	f->memory_shared = figures_line(sot_buf_str(&memory_stat), "shmem");
	f->memory_swap = figures_line(sot_buf_str(&memory_stat), "swap");
	f->memory_working_set =
	    working_set(cgroup_number(memory, "memory.usage_in_bytes"), sot_buf_str(&memory_stat));
	f->oom_kills = cgroup_line(memory, "memory.oom_control", "oom_kill");
	/* With no swap beside the memory the sum of both is what is refused first. */
	f->memory_failcnt =
	    cgroup_number(memory, "memory.failcnt") + cgroup_number(memory, "memory.memsw.failcnt");
	f->pids = cgroup_number(pids, "pids.current");
	load_cgroup(blkio, "blkio.throttle.io_service_bytes", &blocks);
	read_blocks(sot_buf_str(&blocks), f);
}

static uint64_t used_v2(sot_str stat)
{
	return figures_line(stat, "usage_usec") * 1000;
}

static void read_blocks_v2(cgroup group, instance_figures *f)
{
	SOT_AUTO_BUF blocks;
	load_cgroup(group, "io.stat", &blocks);
	read_blocks(sot_buf_str(&blocks), f);
}

static void read_v2(const char *root, sot_str path, instance_figures *f)
{
	SOT_AUTO_BUF stat, memory_stat;
	cgroup group = {root, "", path};
	load_cgroup(group, "cpu.stat", &stat);
	f->cpu_ns = used_v2(sot_buf_str(&stat));
	f->periods = figures_line(sot_buf_str(&stat), "nr_periods");
	f->throttled = figures_line(sot_buf_str(&stat), "nr_throttled");
	load_cgroup(group, "memory.stat", &memory_stat);
	f->memory_rss = figures_line(sot_buf_str(&memory_stat), "anon");
	f->memory_cache = figures_line(sot_buf_str(&memory_stat), "file");
	f->memory_shared = figures_line(sot_buf_str(&memory_stat), "shmem");
	f->memory_swap = cgroup_number(group, "memory.swap.current");
	f->memory_working_set =
	    working_set(cgroup_number(group, "memory.current"), sot_buf_str(&memory_stat));
	f->memory_failcnt = cgroup_line(group, "memory.events", "max");
	f->oom_kills = cgroup_line(group, "memory.events", "oom_kill");
	f->pids = cgroup_number(group, "pids.current");
	read_blocks_v2(group, f);
}

static bool moved_v2(const char *root, sot_str path, const instance_figures *was)
{
	SOT_AUTO_BUF stat;
	instance_figures now = {0};
	cgroup group = {root, "", path};
	load_cgroup(group, "cpu.stat", &stat);
	uint64_t used = used_v2(sot_buf_str(&stat));
	if (used == 0 || used != was->cpu_ns)
		return true;
	read_blocks_v2(group, &now);
	return now.read != was->read || now.write != was->write;
}

static bool is_v1(sot_str groups)
{
	return figures_cgroup_path(groups, "memory").n > 0;
}

static bool moved_v1(const char *root, sot_str groups, const instance_figures *was)
{
	uint64_t used = read_cpu_v1(root, groups);
	return used == 0 || used != was->cpu_ns;
}

bool figures_moved(const figures_roots *roots, sot_str groups, const instance_figures *was)
{
	return is_v1(groups) ? moved_v1(roots->cgroup, groups, was)
	                     : moved_v2(roots->cgroup, figures_cgroup_path(groups, ""), was);
}

/* ---- threads ---- */

/* The letter behind the name in /proc/<tid>/stat; the name may hold anything, also ')'. */
static char thread_state(const char *proc, sot_str tid)
{
	char path[PATH_MAX];
	SOT_AUTO_BUF file;
	(void)snprintf(path, sizeof(path), "%s/%.*s/stat", proc, SOT_ARG(tid));
	load(path, &file);
	sot_str text = sot_buf_str(&file);
	size_t at = text.n;
	while (at > 0 && text.p[at - 1] != ')')
		at--;
	return at > 0 && at + 1 < text.n ? text.p[at + 1] : '\0';
}

/* Every stride-th thread is looked at and counts for all of its stride. */
static void read_threads(const char *proc, sot_str tids, instance_figures *f)
{
	static unsigned turn;
	uint64_t count = 0, at = 0;
	for (size_t i = 0; i < tids.n; i++)
		count += tids.p[i] == '\n';
	uint64_t stride = 1 + count / (THREADS_LOOKED_AT + 1), first = turn++ % stride;
	while (tids.n > 0) {
		sot_str tid = sot_str_cut(tids, '\n', &tids);
		if (at++ % stride != first)
			continue;
		char state = thread_state(proc, tid);
		f->threads_running += state == 'R' ? stride : 0;
		f->threads_waiting += state == 'D' ? stride : 0;
	}
}

/* The second "Tcp:" line of /proc/<pid>/net/snmp has the values; CurrEstab is the ninth. */
static uint64_t established(const char *path)
{
	SOT_AUTO_BUF file;
	unsigned found = 0;
	load(path, &file);
	sot_str text = sot_buf_str(&file);
	while (text.n > 0) {
		sot_str line = sot_str_cut(text, '\n', &text);
		if (!sot_str_eq_c(word(&line), "Tcp:") || ++found < 2)
			continue;
		for (int i = 0; i < 8; i++)
			(void)word(&line);
		return digits(word(&line));
	}
	return 0;
}

const figures_roots figures_kernel_roots = {"/proc", "/sys/fs/cgroup"};

void figures_read_groups(const figures_roots *roots, int pid, sot_buf *ret)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%d/cgroup", roots->proc, pid);
	load(path, ret);
}

void figures_read_instance(
    const figures_roots *roots, int pid, sot_str groups, instance_figures *ret)
{
	char path[PATH_MAX];
	uint64_t net[COLUMNS] = {0}, lo[COLUMNS] = {0};
	struct statvfs fs = {0};
	SOT_AUTO_BUF threads, net_dev;
	*ret = (instance_figures){0};
	bool v1 = is_v1(groups);
	const cgroup own = {
	    roots->cgroup, v1 ? "/pids" : "", figures_cgroup_path(groups, v1 ? "pids" : "")};
	if (v1)
		read_v1(roots->cgroup, groups, ret);
	else
		read_v2(roots->cgroup, own.path, ret);
	load_cgroup(own, v1 ? "tasks" : "cgroup.threads", &threads);
	read_threads(roots->proc, sot_buf_str(&threads), ret);
	(void)snprintf(path, sizeof(path), "%s/%d/net/dev", roots->proc, pid);
	load(path, &net_dev);
	add_net(sot_buf_str(&net_dev), "", net, lo);
	ret->rx = net[0];
	ret->rx_dropped = net[3];
	ret->tx = net[8];
	ret->net_errors = net[2] + net[10];
	ret->net_collisions = net[13];
	ret->lo = lo[0];
	(void)snprintf(path, sizeof(path), "%s/%d/net/snmp", roots->proc, pid);
	ret->tcp_established = established(path);
	(void)snprintf(path, sizeof(path), "%s/%d/root", roots->proc, pid);
	if (statvfs(path, &fs) == 0) {
		ret->inodes = fs.f_files;
		ret->inodes_free = fs.f_favail;
	}
}
