/* figures - what the core knows of a report, free of the wire. Texts are NUL-terminated copies. */
#ifndef MONITOR_FIGURES_H
#define MONITOR_FIGURES_H

#include "sot_uuid.h"

#define FIGURES_NAME_MAX 63
#define FIGURES_APP_MAX 30
#define FIGURES_INTERFACE_MAX 15
#define FIGURES_INTERFACES_MAX 16

typedef struct host_figures {
	sot_uuid host_id;
	char name[FIGURES_NAME_MAX + 1];
	uint32_t address;
	uint32_t interval_ms;
	uint32_t cpu_cores, cpu_user_permille, cpu_system_permille, cpu_iowait_permille,
	    cpu_steal_permille;
	uint32_t load1_milli, load5_milli, load15_milli, procs_running;
	uint64_t memory_total_bytes, memory_available_bytes, memory_cached_bytes;
	uint64_t memory_buffers_bytes, memory_shared_bytes;
	uint64_t swap_total_bytes, swap_free_bytes;
	uint64_t disk_total_bytes, disk_free_bytes, root_free_bytes;
	uint32_t inode_used_permille;
	uint64_t disk_read_bytes_per_s, disk_write_bytes_per_s;
	uint32_t disk_busy_permille; /* of the busiest one */
	uint64_t rx_bytes_per_s, tx_bytes_per_s;
	uint64_t net_drops, net_errors, forged_drops; /* summed over the reports of a minute */
	bool docker_ok;
	uint32_t docker_ping_ms, containers_running, containers_total;
	int64_t clock_offset_us;
	bool clock_synchronised, view_up;
} host_figures;

typedef struct instance_figures {
	sot_uuid instance_id;
	char name[FIGURES_NAME_MAX + 1];
	char app[FIGURES_APP_MAX + 1];
	char host[FIGURES_NAME_MAX + 1]; /* where it stands; empty until that host has reported */
	uint32_t address;
	bool running, healthy, frozen, own_view;
	uint32_t cpu_used_milli, cpu_limit_milli, cpu_throttled_permille;
	uint64_t memory_rss_bytes, memory_cache_bytes, memory_working_set_bytes, memory_limit_bytes;
	uint64_t memory_shared_bytes, memory_swap_bytes;
	uint64_t memory_failcnt, oom_kills; /* since its start */
	uint32_t pids, pids_max;
	uint64_t disk_used_bytes, disk_limit_bytes;
	uint64_t rx_bytes_per_s, tx_bytes_per_s;
	uint64_t rx_dropped, net_errors, net_collisions; /* summed over the reports of a minute */
	uint64_t lo_bytes_per_s;
	uint32_t tcp_established;
	uint64_t read_bytes_per_s, write_bytes_per_s;
	uint64_t uptime_s;
	uint32_t load1_milli, procs_running, inodes_free_permille, users;
	uint64_t checks_ok, checks_failed, check_ms_sum; /* summed over the reports of a minute */
} instance_figures;

/* One network interface of a host. */
typedef struct interface_figures {
	char name[FIGURES_INTERFACE_MAX + 1];
	uint64_t rx_bytes_per_s, tx_bytes_per_s;
	uint64_t drops, errors; /* summed over the reports of a minute */
} interface_figures;

/* Of the bridge itself; cumulative: CAT's page shows differences. */
typedef struct bridge_figures {
	uint64_t produced, overflowed, bytes;
} bridge_figures;

/* Of the whole platform, from its database. */
typedef struct platform_figures {
	uint64_t agents_alive, agents_lost, hosts;
	uint64_t instances, instances_running, instances_bad, operations_open;
	uint64_t cpu_booked_milli, cpu_bookable_milli;
	uint64_t memory_booked_bytes, memory_bookable_bytes;
	uint64_t scheduler_leads, scheduler_epoch; /* 1 while one leads; grows with each leader */
	uint64_t archive_age_s, backup_age_s;      /* of the database; 0 without an archive of WAL */
} platform_figures;

/* The IPv4 addresses of one VLAN. */
typedef struct pool_figures {
	char name[FIGURES_NAME_MAX + 1];
	uint64_t size, used, cooling, unusable;
} pool_figures;

#endif
