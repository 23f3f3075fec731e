#include "figures_xml.h"

#define MIB (1024.0 * 1024.0)

static double percent_of(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static double permille_as_percent(uint32_t permille)
{
	return (double)permille / 10.0;
}

static uint64_t used_of(uint64_t total, uint64_t free_part)
{
	return total > free_part ? total - free_part : 0;
}

static double network_kbps(uint64_t bytes_per_s)
{
	return (double)bytes_per_s * 8.0 / 1000.0;
}

static double disk_kbps(uint64_t bytes_per_s)
{
	return (double)bytes_per_s / 1024.0;
}

static void host_cpu(cat_heartbeat *h, const host_figures *f)
{
	uint32_t busy_permille = f->cpu_user_permille + f->cpu_system_permille + f->cpu_steal_permille;
	cat_heartbeat_group(h, "host.cpu", "cpu");
	cat_heartbeat_value(h, "host.cpu.used.pct", permille_as_percent(busy_permille));
	cat_heartbeat_value(h, "host.cpu.user.pct", permille_as_percent(f->cpu_user_permille));
	cat_heartbeat_value(h, "host.cpu.system.pct", permille_as_percent(f->cpu_system_permille));
	cat_heartbeat_value(h, "host.cpu.iowait.pct", permille_as_percent(f->cpu_iowait_permille));
	cat_heartbeat_value(h, "host.cpu.steal.pct", permille_as_percent(f->cpu_steal_permille));
	cat_heartbeat_value(h, "host.load.1", f->load1_milli / 1000.0);
	cat_heartbeat_value(h, "host.load.5", f->load5_milli / 1000.0);
	cat_heartbeat_value(h, "host.load.15", f->load15_milli / 1000.0);
	cat_heartbeat_count(h, "host.procs.running", f->procs_running);
}

static void host_memory(cat_heartbeat *h, const host_figures *f)
{
	uint64_t used = used_of(f->memory_total_bytes, f->memory_available_bytes);
	cat_heartbeat_group(h, "host.mem", "memory");
	cat_heartbeat_value(h, "host.mem.used.mb", (double)used / MIB);
	cat_heartbeat_value(h, "host.mem.cached.mb", (double)f->memory_cached_bytes / MIB);
	cat_heartbeat_value(h, "host.mem.used.pct", percent_of(used, f->memory_total_bytes));
}

static void host_disk(cat_heartbeat *h, const host_figures *f)
{
	uint64_t used = used_of(f->disk_total_bytes, f->disk_free_bytes);
	cat_heartbeat_group(h, "Disk", "disk");
	cat_heartbeat_count(h, "/data Free", f->disk_free_bytes);
	cat_heartbeat_count(h, "/ Free", f->root_free_bytes);
	cat_heartbeat_group(h, "host.disk", "disk");
	cat_heartbeat_value(h, "host.disk.data.used.pct", percent_of(used, f->disk_total_bytes));
	cat_heartbeat_value(h, "host.inode.data.used.pct", permille_as_percent(f->inode_used_permille));
	cat_heartbeat_value(h, "host.disk.read.kbps", disk_kbps(f->disk_read_bytes_per_s));
	cat_heartbeat_value(h, "host.disk.write.kbps", disk_kbps(f->disk_write_bytes_per_s));
}

static void host_net(cat_heartbeat *h, const host_figures *f)
{
	cat_heartbeat_group(h, "host.net", "network");
	cat_heartbeat_value(h, "host.net.uplink.rx.kbps", network_kbps(f->rx_bytes_per_s));
	cat_heartbeat_value(h, "host.net.uplink.tx.kbps", network_kbps(f->tx_bytes_per_s));
	cat_heartbeat_count(h, "host.net.uplink.drops", f->net_drops);
	cat_heartbeat_count(h, "host.net.uplink.errs", f->net_errors);
}

static void host_docker(cat_heartbeat *h, const host_figures *f)
{
	cat_heartbeat_group(h, "host.docker", "docker");
	cat_heartbeat_count(h, "docker.ok", f->docker_ok ? 1 : 0);
	cat_heartbeat_count(h, "docker.ping.ms", f->docker_ping_ms);
	cat_heartbeat_count(h, "containers.running", f->containers_running);
	cat_heartbeat_count(h, "containers.total", f->containers_total);
}

void figures_xml_host(cat_heartbeat *h, const host_figures *f)
{
	cat_heartbeat_group(h, "System", "system");
	cat_heartbeat_value(h, "LoadAverage", f->load1_milli / 1000.0);
	cat_heartbeat_count(h, "FreePhysicalMemory", f->memory_available_bytes);
	cat_heartbeat_count(h, "FreeSwapSpaceSize", f->swap_free_bytes);
	host_cpu(h, f);
	host_memory(h, f);
	host_disk(h, f);
	host_net(h, f);
	host_docker(h, f);
}

static void instance_memory(cat_heartbeat *h, const instance_figures *f)
{
	uint64_t limit = f->memory_limit_bytes;
	cat_heartbeat_group(h, "c.mem", "memory");
	cat_heartbeat_value(h, "c.mem.rss.mb", (double)f->memory_rss_bytes / MIB);
	cat_heartbeat_value(h, "c.mem.cache.mb", (double)f->memory_cache_bytes / MIB);
	cat_heartbeat_value(h, "c.mem.limit.mb", (double)limit / MIB);
	cat_heartbeat_value(h, "c.mem.free.mb", (double)used_of(limit, f->memory_rss_bytes) / MIB);
	cat_heartbeat_value(h, "c.mem.used.pct", percent_of(f->memory_rss_bytes, limit));
	cat_heartbeat_count(h, "c.mem.failcnt", f->memory_failcnt);
}

void figures_xml_instance(cat_heartbeat *h, const instance_figures *f)
{
	cat_heartbeat_group(h, "c.cpu", "cpu");
	cat_heartbeat_value(h, "c.cpu.used.pct", percent_of(f->cpu_used_milli, f->cpu_limit_milli));
	cat_heartbeat_value(h, "c.cpu.throttled.pct", permille_as_percent(f->cpu_throttled_permille));
	instance_memory(h, f);
	cat_heartbeat_group(h, "c.disk", "disk");
	cat_heartbeat_value(h, "c.disk.read.kbps", disk_kbps(f->read_bytes_per_s));
	cat_heartbeat_value(h, "c.disk.write.kbps", disk_kbps(f->write_bytes_per_s));
	cat_heartbeat_group(h, "c.net", "network");
	cat_heartbeat_value(h, "c.net.in.kbps", network_kbps(f->rx_bytes_per_s));
	cat_heartbeat_value(h, "c.net.out.kbps", network_kbps(f->tx_bytes_per_s));
	cat_heartbeat_count(h, "c.net.drops", f->rx_dropped);
	cat_heartbeat_group(h, "c.proc", "processes");
	cat_heartbeat_count(h, "c.proc.total", f->pids);
	cat_heartbeat_count(h, "c.uptime.min", f->uptime_s / 60);
}

void figures_xml_bridge(cat_heartbeat *h, const bridge_figures *f)
{
	cat_heartbeat_group(h, "CatUsage", "messages to CAT");
	cat_heartbeat_count(h, "Produced", f->produced);
	cat_heartbeat_count(h, "Overflowed", f->overflowed);
	cat_heartbeat_count(h, "Bytes", f->bytes);
}
