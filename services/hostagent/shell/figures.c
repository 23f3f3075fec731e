#include "figures.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sot_file.h"
#include "sot_mem.h"

enum { FILE_MAX = 256 * 1024, SECTOR = 512, COLUMNS = 16 };

static void load(const char *path, sot_buf *text)
{
	sot_buf_init(text, FILE_MAX);
	if (sot_file_read(path, text, NULL) != SOT_OK)
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

static void read_net(const char *path, const char *only, uint64_t sum[static COLUMNS])
{
	SOT_AUTO_BUF file;
	load(path, &file);
	sot_str text = sot_buf_str(&file), link;
	while (text.n > 0) {
		uint64_t row[COLUMNS];
		sot_str line = sot_str_cut(text, '\n', &text);
		if (!figures_net_row(line, &link, row) || sot_str_eq_c(link, "lo"))
			continue;
		if (*only && !sot_str_eq_c(link, only))
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
	f->swap_free = figures_line(text, "SwapFree:") * 1024;
}

/* Whole disks only: partitions and stacked devices would count a block twice. */
static void read_disks(host_figures *f)
{
	SOT_AUTO_BUF file;
	char path[128];
	load("/proc/diskstats", &file);
	sot_str text = sot_buf_str(&file);
	while (text.n > 0) {
		sot_str line = sot_str_cut(text, '\n', &text);
		(void)word(&line);
		(void)word(&line);
		sot_str name = word(&line);
		(void)snprintf(path, sizeof(path), "/sys/block/%.*s/device", SOT_ARG(name));
		if (access(path, F_OK) != 0)
			continue;
		(void)word(&line);
		(void)word(&line);
		f->disk_read += digits(word(&line)) * SECTOR;
		for (int i = 0; i < 3; i++)
			(void)word(&line);
		f->disk_write += digits(word(&line)) * SECTOR;
	}
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

void figures_read_host(const char *uplink, host_figures *ret)
{
	uint64_t net[COLUMNS] = {0};
	*ret = (host_figures){0};
	read_cpu(ret);
	read_memory(ret);
	read_disks(ret);
	read_load(ret);
	read_net("/proc/net/dev", uplink, net);
	ret->rx = net[0];
	ret->errors = net[2] + net[10];
	ret->drops = net[3] + net[11];
	ret->tx = net[8];
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

static void read_v1(const char *root, sot_str groups, instance_figures *f)
{
	SOT_AUTO_BUF blocks;
	cgroup cpu = {root, "/cpu", figures_cgroup_path(groups, "cpu")};
	cgroup cpuacct = {root, "/cpuacct", figures_cgroup_path(groups, "cpuacct")};
	cgroup memory = {root, "/memory", figures_cgroup_path(groups, "memory")};
	cgroup pids = {root, "/pids", figures_cgroup_path(groups, "pids")};
	cgroup blkio = {root, "/blkio", figures_cgroup_path(groups, "blkio")};
	f->cpu_ns = cgroup_number(cpuacct, "cpuacct.usage");
	f->periods = cgroup_line(cpu, "cpu.stat", "nr_periods");
	f->throttled = cgroup_line(cpu, "cpu.stat", "nr_throttled");
	f->memory_rss = cgroup_line(memory, "memory.stat", "rss");
	f->memory_cache = cgroup_line(memory, "memory.stat", "cache");
	f->memory_limit = cgroup_number(memory, "memory.limit_in_bytes");
	f->memory_failcnt = cgroup_number(memory, "memory.failcnt");
	f->pids = cgroup_number(pids, "pids.current");
	load_cgroup(blkio, "blkio.throttle.io_service_bytes", &blocks);
	read_blocks(sot_buf_str(&blocks), f);
}

static void read_v2(const char *root, sot_str path, instance_figures *f)
{
	SOT_AUTO_BUF blocks;
	cgroup group = {root, "", path};
	f->cpu_ns = cgroup_line(group, "cpu.stat", "usage_usec") * 1000;
	f->periods = cgroup_line(group, "cpu.stat", "nr_periods");
	f->throttled = cgroup_line(group, "cpu.stat", "nr_throttled");
	f->memory_rss = cgroup_line(group, "memory.stat", "anon");
	f->memory_cache = cgroup_line(group, "memory.stat", "file");
	f->memory_limit = cgroup_number(group, "memory.max");
	f->memory_failcnt = cgroup_line(group, "memory.events", "max");
	f->pids = cgroup_number(group, "pids.current");
	load_cgroup(group, "io.stat", &blocks);
	read_blocks(sot_buf_str(&blocks), f);
}

const figures_roots figures_kernel_roots = {"/proc", "/sys/fs/cgroup"};

void figures_read_instance(const figures_roots *roots, int pid, instance_figures *ret)
{
	char path[PATH_MAX];
	uint64_t net[COLUMNS] = {0};
	SOT_AUTO_BUF file;
	*ret = (instance_figures){0};
	(void)snprintf(path, sizeof(path), "%s/%d/cgroup", roots->proc, pid);
	load(path, &file);
	sot_str groups = sot_buf_str(&file);
	if (figures_cgroup_path(groups, "memory").n > 0)
		read_v1(roots->cgroup, groups, ret);
	else
		read_v2(roots->cgroup, figures_cgroup_path(groups, ""), ret);
	(void)snprintf(path, sizeof(path), "%s/%d/net/dev", roots->proc, pid);
	read_net(path, "", net);
	ret->rx = net[0];
	ret->rx_dropped = net[3];
	ret->tx = net[8];
}
