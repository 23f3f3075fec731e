/* figures - what the core knows of a report, free of the wire. Texts are NUL-terminated copies. */
#ifndef MONITOR_FIGURES_H
#define MONITOR_FIGURES_H

#include "sot_uuid.h"

#define FIGURES_NAME_MAX 63
#define FIGURES_APP_MAX 30

typedef struct host_figures {
	sot_uuid host_id;
	char name[FIGURES_NAME_MAX + 1];
	uint32_t address;
	uint32_t interval_ms;
	uint32_t cpu_cores, cpu_user_permille, cpu_system_permille, cpu_iowait_permille,
	    cpu_steal_permille;
	uint32_t load1_milli, load5_milli, load15_milli, procs_running;
	uint64_t memory_total_bytes, memory_available_bytes, memory_cached_bytes, swap_free_bytes;
	uint64_t disk_total_bytes, disk_free_bytes, root_free_bytes;
	uint32_t inode_used_permille;
	uint64_t disk_read_bytes_per_s, disk_write_bytes_per_s;
	uint64_t rx_bytes_per_s, tx_bytes_per_s;
	uint64_t net_drops, net_errors; /* summed over the reports of a minute */
	bool docker_ok;
	uint32_t docker_ping_ms, containers_running, containers_total;
} host_figures;

typedef struct instance_figures {
	sot_uuid instance_id;
	char name[FIGURES_NAME_MAX + 1];
	char app[FIGURES_APP_MAX + 1];
	uint32_t address;
	bool running;
	uint32_t cpu_used_milli, cpu_limit_milli, cpu_throttled_permille;
	uint64_t memory_rss_bytes, memory_cache_bytes, memory_limit_bytes, memory_failcnt;
	uint32_t pids;
	uint64_t rx_bytes_per_s, tx_bytes_per_s;
	uint64_t rx_dropped; /* summed over the reports of a minute */
	uint64_t read_bytes_per_s, write_bytes_per_s;
	uint64_t uptime_s;
	uint64_t checks_ok, checks_failed, check_ms_sum; /* summed over the reports of a minute */
} instance_figures;

#endif
