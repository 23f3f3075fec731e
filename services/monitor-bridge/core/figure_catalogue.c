#include "figure_catalogue.h"

#include <stddef.h>
#include <string.h>

typedef enum figure_type { TYPE_U32, TYPE_U64, TYPE_I64, TYPE_BOOL, TYPE_DERIVED } figure_type;

struct figure {
	figure_source source;
	const char *name;
	figure_type type;
	size_t offset;
	double (*derive)(const void *figures);
};

/* ---- derived ---- */

static double percent_of(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static uint64_t less(uint64_t total, uint64_t part)
{
	return total > part ? total - part : 0;
}

#define DERIVED(name, type, expression)                                                            \
	static double name(const void *figures)                                                        \
	{                                                                                              \
		const type *f = figures;                                                                   \
		return (double)(expression);                                                               \
	}

DERIVED(host_cpu_used, host_figures,
    (f->cpu_user_permille + f->cpu_system_permille + f->cpu_steal_permille) / 10.0)
DERIVED(host_memory_used, host_figures, less(f->memory_total_bytes, f->memory_available_bytes))
DERIVED(host_memory_used_pct, host_figures,
    percent_of(less(f->memory_total_bytes, f->memory_available_bytes), f->memory_total_bytes))
DERIVED(host_swap_used, host_figures, less(f->swap_total_bytes, f->swap_free_bytes))
DERIVED(host_disk_used_pct, host_figures,
    percent_of(less(f->disk_total_bytes, f->disk_free_bytes), f->disk_total_bytes))
DERIVED(instance_cpu_used_pct, instance_figures, percent_of(f->cpu_used_milli, f->cpu_limit_milli))
DERIVED(instance_memory_free, instance_figures, less(f->memory_limit_bytes, f->memory_rss_bytes))
DERIVED(instance_memory_used_pct, instance_figures,
    percent_of(f->memory_rss_bytes, f->memory_limit_bytes))
DERIVED(
    instance_disk_used_pct, instance_figures, percent_of(f->disk_used_bytes, f->disk_limit_bytes))
DERIVED(platform_cpu_pct, platform_figures, percent_of(f->cpu_booked_milli, f->cpu_bookable_milli))
DERIVED(platform_memory_pct, platform_figures,
    percent_of(f->memory_booked_bytes, f->memory_bookable_bytes))
DERIVED(pool_free, pool_figures, less(f->size, f->used + f->cooling + f->unusable))
DERIVED(pool_used_pct, pool_figures, percent_of(f->used, less(f->size, f->unusable)))

/* ---- the table ---- */

#define HOST(type, member)                                                                         \
	{                                                                                              \
		FIGURE_HOST, #member, type, offsetof(host_figures, member), NULL                           \
	}
#define INSTANCE(type, member)                                                                     \
	{                                                                                              \
		FIGURE_INSTANCE, #member, type, offsetof(instance_figures, member), NULL                   \
	}
#define INTERFACE(member)                                                                          \
	{                                                                                              \
		FIGURE_INTERFACE, #member, TYPE_U64, offsetof(interface_figures, member), NULL             \
	}
#define BRIDGE(member)                                                                             \
	{                                                                                              \
		FIGURE_BRIDGE, #member, TYPE_U64, offsetof(bridge_figures, member), NULL                   \
	}
#define PLATFORM(member)                                                                           \
	{                                                                                              \
		FIGURE_PLATFORM, #member, TYPE_U64, offsetof(platform_figures, member), NULL               \
	}
#define POOL(member)                                                                               \
	{                                                                                              \
		FIGURE_POOL, #member, TYPE_U64, offsetof(pool_figures, member), NULL                       \
	}
#define OF(source, name, derive)                                                                   \
	{                                                                                              \
		source, name, TYPE_DERIVED, 0, derive                                                      \
	}

static const figure catalogue[] = {
    HOST(TYPE_U32, cpu_cores),
    HOST(TYPE_U32, cpu_user_permille),
    HOST(TYPE_U32, cpu_system_permille),
    HOST(TYPE_U32, cpu_iowait_permille),
    HOST(TYPE_U32, cpu_steal_permille),
    OF(FIGURE_HOST, "cpu_used_pct", host_cpu_used),
    HOST(TYPE_U32, load1_milli),
    HOST(TYPE_U32, load5_milli),
    HOST(TYPE_U32, load15_milli),
    HOST(TYPE_U32, procs_running),
    HOST(TYPE_U64, memory_total_bytes),
    HOST(TYPE_U64, memory_available_bytes),
    HOST(TYPE_U64, memory_cached_bytes),
    HOST(TYPE_U64, memory_buffers_bytes),
    HOST(TYPE_U64, memory_shared_bytes),
    OF(FIGURE_HOST, "memory_used_bytes", host_memory_used),
    OF(FIGURE_HOST, "memory_used_pct", host_memory_used_pct),
    HOST(TYPE_U64, swap_total_bytes),
    HOST(TYPE_U64, swap_free_bytes),
    OF(FIGURE_HOST, "swap_used_bytes", host_swap_used),
    HOST(TYPE_U64, disk_total_bytes),
    HOST(TYPE_U64, disk_free_bytes),
    OF(FIGURE_HOST, "disk_used_pct", host_disk_used_pct),
    HOST(TYPE_U64, root_free_bytes),
    HOST(TYPE_U32, inode_used_permille),
    HOST(TYPE_U64, disk_read_bytes_per_s),
    HOST(TYPE_U64, disk_write_bytes_per_s),
    HOST(TYPE_U32, disk_busy_permille),
    HOST(TYPE_U64, rx_bytes_per_s),
    HOST(TYPE_U64, tx_bytes_per_s),
    HOST(TYPE_U64, net_drops),
    HOST(TYPE_U64, net_errors),
    HOST(TYPE_U64, forged_drops),
    HOST(TYPE_BOOL, docker_ok),
    HOST(TYPE_U32, docker_ping_ms),
    HOST(TYPE_U32, containers_running),
    HOST(TYPE_U32, containers_total),
    HOST(TYPE_I64, clock_offset_us),
    HOST(TYPE_BOOL, clock_synchronised),
    HOST(TYPE_BOOL, view_up),
    INSTANCE(TYPE_BOOL, running),
    INSTANCE(TYPE_BOOL, healthy),
    INSTANCE(TYPE_BOOL, frozen),
    INSTANCE(TYPE_BOOL, own_view),
    INSTANCE(TYPE_U32, cpu_used_milli),
    INSTANCE(TYPE_U32, cpu_limit_milli),
    INSTANCE(TYPE_U32, cpu_throttled_permille),
    OF(FIGURE_INSTANCE, "cpu_used_pct", instance_cpu_used_pct),
    INSTANCE(TYPE_U64, memory_rss_bytes),
    INSTANCE(TYPE_U64, memory_cache_bytes),
    INSTANCE(TYPE_U64, memory_working_set_bytes),
    INSTANCE(TYPE_U64, memory_limit_bytes),
    INSTANCE(TYPE_U64, memory_shared_bytes),
    INSTANCE(TYPE_U64, memory_swap_bytes),
    OF(FIGURE_INSTANCE, "memory_free_bytes", instance_memory_free),
    OF(FIGURE_INSTANCE, "memory_used_pct", instance_memory_used_pct),
    INSTANCE(TYPE_U64, memory_failcnt),
    INSTANCE(TYPE_U64, oom_kills),
    INSTANCE(TYPE_U32, pids),
    INSTANCE(TYPE_U32, pids_max),
    INSTANCE(TYPE_U64, disk_used_bytes),
    INSTANCE(TYPE_U64, disk_limit_bytes),
    OF(FIGURE_INSTANCE, "disk_used_pct", instance_disk_used_pct),
    INSTANCE(TYPE_U64, rx_bytes_per_s),
    INSTANCE(TYPE_U64, tx_bytes_per_s),
    INSTANCE(TYPE_U64, rx_dropped),
    INSTANCE(TYPE_U64, net_errors),
    INSTANCE(TYPE_U64, net_collisions),
    INSTANCE(TYPE_U64, lo_bytes_per_s),
    INSTANCE(TYPE_U32, tcp_established),
    INSTANCE(TYPE_U64, read_bytes_per_s),
    INSTANCE(TYPE_U64, write_bytes_per_s),
    INSTANCE(TYPE_U64, uptime_s),
    INSTANCE(TYPE_U32, load1_milli),
    INSTANCE(TYPE_U32, procs_running),
    INSTANCE(TYPE_U32, inodes_free_permille),
    INSTANCE(TYPE_U32, users),
    INSTANCE(TYPE_U64, checks_ok),
    INSTANCE(TYPE_U64, checks_failed),
    INSTANCE(TYPE_U64, check_ms_sum),
    INTERFACE(rx_bytes_per_s),
    INTERFACE(tx_bytes_per_s),
    INTERFACE(drops),
    INTERFACE(errors),
    BRIDGE(produced),
    BRIDGE(overflowed),
    BRIDGE(bytes),
    PLATFORM(agents_alive),
    PLATFORM(agents_lost),
    PLATFORM(hosts),
    PLATFORM(instances),
    PLATFORM(instances_running),
    PLATFORM(instances_bad),
    PLATFORM(operations_open),
    PLATFORM(scheduler_leads),
    PLATFORM(scheduler_epoch),
    PLATFORM(archive_age_s),
    PLATFORM(backup_age_s),
    PLATFORM(cpu_booked_milli),
    PLATFORM(cpu_bookable_milli),
    OF(FIGURE_PLATFORM, "cpu_booked_pct", platform_cpu_pct),
    PLATFORM(memory_booked_bytes),
    PLATFORM(memory_bookable_bytes),
    OF(FIGURE_PLATFORM, "memory_booked_pct", platform_memory_pct),
    POOL(size),
    POOL(used),
    POOL(cooling),
    POOL(unusable),
    OF(FIGURE_POOL, "free", pool_free),
    OF(FIGURE_POOL, "used_pct", pool_used_pct),
};
#define CATALOGUE_COUNT (sizeof(catalogue) / sizeof(catalogue[0]))

static const char *const source_names[FIGURE_SOURCES] = {
    "host", "instance", "interface", "bridge", "platform", "pool"};

figure_source figure_source_find(sot_str word)
{
	unsigned i = 0;
	while (i < FIGURE_SOURCES && !sot_str_eq_c(word, source_names[i]))
		i++;
	return (figure_source)i;
}

const char *figure_source_name(figure_source source)
{
	return source_names[source];
}

const figure *figure_find(figure_source source, sot_str name)
{
	for (size_t i = 0; i < CATALOGUE_COUNT; i++) {
		if (catalogue[i].source == source && sot_str_eq_c(name, catalogue[i].name))
			return &catalogue[i];
	}
	return NULL;
}

const figure *figure_nth(figure_source source, size_t n)
{
	for (size_t i = 0; i < CATALOGUE_COUNT; i++) {
		if (catalogue[i].source == source && n-- == 0)
			return &catalogue[i];
	}
	return NULL;
}

const char *figure_name(const figure *f)
{
	return f->name;
}

double figure_read(const figure *f, const void *figures)
{
	const char *at = (const char *)figures + f->offset;
	uint32_t u32;
	uint64_t u64;
	int64_t i64;
	bool flag;
	switch (f->type) {
	case TYPE_U32:
		memcpy(&u32, at, sizeof(u32));
		return u32;
	case TYPE_U64:
		memcpy(&u64, at, sizeof(u64));
		return (double)u64;
	case TYPE_I64:
		memcpy(&i64, at, sizeof(i64));
		return (double)i64;
	case TYPE_BOOL:
		memcpy(&flag, at, sizeof(flag));
		return flag ? 1 : 0;
	case TYPE_DERIVED:
		break;
	}
	return f->derive(figures);
}
