#include "placement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sot_mem.h"

/* How many instances of the app a host's zone and rack hold. */
typedef struct domain_load {
	uint32_t az, rack, host;
} domain_load;

static uint64_t free_of(uint64_t capacity, uint64_t booked)
{
	return capacity > booked ? capacity - booked : 0;
}

static placement_need room_on(const placement_host *host)
{
	return (placement_need){
	    .cpu_milli = (uint32_t)free_of(
	        (uint64_t)host->capacity.cpu_milli * PLACEMENT_CPU_OVERCOMMIT, host->booked.cpu_milli),
	    .memory_bytes = free_of(host->capacity.memory_bytes, host->booked.memory_bytes),
	    .disk_bytes = free_of(host->capacity.disk_bytes, host->booked.disk_bytes),
	};
}

static bool same_az(const placement_host *a, const placement_host *b)
{
	return strcmp(a->az, b->az) == 0;
}

static bool same_rack(const placement_host *a, const placement_host *b)
{
	return same_az(a, b) && strcmp(a->rack, b->rack) == 0;
}

/* Counters per host, so that a comparison costs nothing; racks and zones are few per fleet. */
static void count_domains(const placement_host *hosts, size_t n, domain_load *loads)
{
	for (size_t i = 0; i < n; i++)
		loads[i].host = hosts[i].app_instances;
	for (size_t i = 0; i < n; i++) {
		if (hosts[i].app_instances == 0)
			continue;
		for (size_t k = 0; k < n; k++) {
			if (same_az(&hosts[i], &hosts[k]))
				loads[k].az += hosts[i].app_instances;
			if (same_rack(&hosts[i], &hosts[k]))
				loads[k].rack += hosts[i].app_instances;
		}
	}
}

static void add_load(const placement_host *hosts, size_t n, size_t chosen, domain_load *loads)
{
	loads[chosen].host++;
	for (size_t k = 0; k < n; k++) {
		if (same_az(&hosts[chosen], &hosts[k]))
			loads[k].az++;
		if (same_rack(&hosts[chosen], &hosts[k]))
			loads[k].rack++;
	}
}

static bool refuses(const placement_host *host, const placement_need *need, placement_reason *ret)
{
	static const placement_reason of_bar[] = {
	    [PLACEMENT_NOT_ONLINE] = PLACEMENT_REASON_OFFLINE,
	    [PLACEMENT_CORDONED] = PLACEMENT_REASON_CORDONED,
	    [PLACEMENT_DOCKER_SICK] = PLACEMENT_REASON_DOCKER,
	    [PLACEMENT_NO_VLAN] = PLACEMENT_REASON_VLAN,
	    [PLACEMENT_NO_ADDRESS] = PLACEMENT_REASON_ADDRESS,
	};
	placement_need room = room_on(host);

	if (host->bar != PLACEMENT_OPEN) {
		*ret = of_bar[host->bar];
	} else if (room.cpu_milli < need->cpu_milli) {
		*ret = PLACEMENT_REASON_CPU;
	} else if (room.memory_bytes < need->memory_bytes) {
		*ret = PLACEMENT_REASON_MEMORY;
	} else if (room.disk_bytes < need->disk_bytes) {
		*ret = PLACEMENT_REASON_DISK;
	} else {
		return false;
	}
	return true;
}

static uint64_t permille_left(uint64_t room, uint64_t need, uint64_t capacity)
{
	return capacity ? (room - need) / (capacity / 1000 + 1) : 0;
}

/* Small is good: what would be left, plus how unevenly it would be left (stranded capacity). */
static uint64_t fit_cost(const placement_host *host, const placement_need *need)
{
	placement_need room = room_on(host);
	uint64_t cpu = permille_left(room.cpu_milli, need->cpu_milli,
	    (uint64_t)host->capacity.cpu_milli * PLACEMENT_CPU_OVERCOMMIT);
	uint64_t memory =
	    permille_left(room.memory_bytes, need->memory_bytes, host->capacity.memory_bytes);
	uint64_t uneven = cpu > memory ? cpu - memory : memory - cpu;

	return cpu + memory + uneven;
}

/* Spread decides first, fit second; the order of comparison is the policy. */
static bool better(domain_load a, uint64_t cost_a, domain_load b, uint64_t cost_b)
{
	if (a.az != b.az)
		return a.az < b.az;
	if (a.rack != b.rack)
		return a.rack < b.rack;
	if (a.host != b.host)
		return a.host < b.host;
	return cost_a < cost_b;
}

static size_t choose(
    const placement_host *hosts, size_t n, const placement_need *need, const domain_load *loads)
{
	size_t best = PLACEMENT_NONE;
	uint64_t best_cost = 0;

	for (size_t i = 0; i < n; i++) {
		placement_reason reason;
		if (refuses(&hosts[i], need, &reason))
			continue;
		uint64_t cost = fit_cost(&hosts[i], need);
		if (best == PLACEMENT_NONE || better(loads[i], cost, loads[best], best_cost)) {
			best = i;
			best_cost = cost;
		}
	}
	return best;
}

static void explain(
    const placement_host *hosts, size_t n, const placement_need *need, placement_refusal *ret)
{
	*ret = (placement_refusal){.hosts = n, .need = *need};
	for (size_t i = 0; i < n; i++) {
		placement_reason reason;
		if (!refuses(&hosts[i], need, &reason))
			continue;
		placement_need room = room_on(&hosts[i]);
		ret->count[reason]++;
		if (reason == PLACEMENT_REASON_CPU && room.cpu_milli > ret->best.cpu_milli)
			ret->best.cpu_milli = room.cpu_milli;
		if (reason == PLACEMENT_REASON_MEMORY && room.memory_bytes > ret->best.memory_bytes)
			ret->best.memory_bytes = room.memory_bytes;
		if (reason == PLACEMENT_REASON_DISK && room.disk_bytes > ret->best.disk_bytes)
			ret->best.disk_bytes = room.disk_bytes;
	}
}

size_t placement_place(placement_host *hosts, size_t host_count, const placement_need *need,
    size_t count, size_t *ret_hosts, placement_refusal *ret_refusal)
{
	domain_load *loads = sot_alloc_array(host_count + 1, sizeof(*loads));
	size_t placed = 0;

	count_domains(hosts, host_count, loads);
	for (; placed < count; placed++) {
		size_t chosen = choose(hosts, host_count, need, loads);
		if (chosen == PLACEMENT_NONE) {
			explain(hosts, host_count, need, ret_refusal);
			break;
		}
		hosts[chosen].booked.cpu_milli += need->cpu_milli;
		hosts[chosen].booked.memory_bytes += need->memory_bytes;
		hosts[chosen].booked.disk_bytes += need->disk_bytes;
		hosts[chosen].app_instances++;
		add_load(hosts, host_count, chosen, loads);
		ret_hosts[placed] = chosen;
	}
	free(loads);
	return placed;
}

size_t placement_leaver(
    const placement_host *hosts, size_t host_count, const size_t *host_of, size_t candidate_count)
{
	domain_load *loads = sot_alloc_array(host_count + 1, sizeof(*loads));
	size_t leaver = candidate_count - 1;

	count_domains(hosts, host_count, loads);
	for (size_t i = candidate_count; i-- > 0;) {
		if (host_of[i] == PLACEMENT_NONE) {
			leaver = i;
			break;
		}
		if (better(loads[host_of[leaver]], 0, loads[host_of[i]], 0))
			leaver = i;
	}
	free(loads);
	return leaver;
}

static void add_size(sot_buf *out, uint64_t bytes)
{
	sot_buf_printf(out, "%" PRIu64 " MiB", bytes >> 20);
}

static void add_best(sot_buf *out, const placement_refusal *refusal, placement_reason reason)
{
	if (reason == PLACEMENT_REASON_CPU) {
		sot_buf_printf(out, " (best has %u of %u thousandths of a core)", refusal->best.cpu_milli,
		    refusal->need.cpu_milli);
		return;
	}
	bool memory = reason == PLACEMENT_REASON_MEMORY;
	sot_buf_add_c(out, " (best has ");
	add_size(out, memory ? refusal->best.memory_bytes : refusal->best.disk_bytes);
	sot_buf_add_c(out, " of ");
	add_size(out, memory ? refusal->need.memory_bytes : refusal->need.disk_bytes);
	sot_buf_add_c(out, ")");
}

void placement_refusal_text(const placement_refusal *refusal, sot_buf *out)
{
	/* What the reader can mend by a change of size stands first, then what he can switch on. */
	static const struct {
		placement_reason reason;
		const char *word;
		bool has_best;
	} order[] = {
	    {PLACEMENT_REASON_CPU, "cpu", true},
	    {PLACEMENT_REASON_MEMORY, "memory", true},
	    {PLACEMENT_REASON_DISK, "disk", true},
	    {PLACEMENT_REASON_VLAN, "not reached by the VLAN", false},
	    {PLACEMENT_REASON_ADDRESS, "no address left in the VLAN", false},
	    {PLACEMENT_REASON_CORDONED, "cordoned", false},
	    {PLACEMENT_REASON_OFFLINE, "not online", false},
	    {PLACEMENT_REASON_DOCKER, "Docker does not answer", false},
	};
	const char *separator = ": ";

	if (refusal->hosts == 0) {
		sot_buf_add_c(out, "no host is registered");
		return;
	}
	sot_buf_printf(out, "0 of %zu hosts fit", refusal->hosts);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		size_t count = refusal->count[order[i].reason];
		if (count == 0)
			continue;
		sot_buf_printf(out, "%s%zu %s", separator, count, order[i].word);
		if (order[i].has_best)
			add_best(out, refusal, order[i].reason);
		separator = ", ";
	}
}
