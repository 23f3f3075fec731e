/* placement - which host gets the next instance, and why the others do not.
 *
 * Pure: no model, no clock, no randomness; the caller gives a table of hosts and gets indexes back,
 * so that live placement, dry runs and the simulator share it. Filters first (state, cordon,
 * Docker, cpu, memory, disk; a host is counted under the first that refuses it), then spread of the
 * app over zones, racks and hosts, then the fullest host that stays balanced. Ties go to the lower
 * index: the same table gives the same answer.
 */
#ifndef SCHEDULER_PLACEMENT_H
#define SCHEDULER_PLACEMENT_H

#include "sot_str.h"

#define PLACEMENT_CPU_OVERCOMMIT 4 /* as the CHECK of scheduler.host */
#define PLACEMENT_NONE SIZE_MAX

typedef struct placement_need {
	uint32_t cpu_milli;
	uint64_t memory_bytes, disk_bytes;
} placement_need;

typedef enum placement_bar {
	PLACEMENT_OPEN,
	PLACEMENT_NOT_ONLINE,
	PLACEMENT_CORDONED,
	PLACEMENT_DOCKER_SICK,
	PLACEMENT_NO_VLAN,    /* no VLAN that is wanted reaches it */
	PLACEMENT_NO_ADDRESS, /* those that do are full */
} placement_bar;

typedef struct placement_host {
	const char *az, *rack; /* borrowed; racks of different zones are different racks */
	placement_bar bar;
	placement_need capacity, booked;
	uint32_t app_instances; /* of the app that is placed, without those that leave */
} placement_host;

typedef enum placement_reason {
	PLACEMENT_REASON_OFFLINE,
	PLACEMENT_REASON_CORDONED,
	PLACEMENT_REASON_DOCKER,
	PLACEMENT_REASON_VLAN,
	PLACEMENT_REASON_ADDRESS,
	PLACEMENT_REASON_CPU,
	PLACEMENT_REASON_MEMORY,
	PLACEMENT_REASON_DISK,
	PLACEMENT_REASONS
} placement_reason;

/* Why an instance fits nowhere. The counts sum to hosts. */
typedef struct placement_refusal {
	size_t hosts;
	size_t count[PLACEMENT_REASONS];
	placement_need best; /* the most that is free in each dimension on the hosts it refused */
	placement_need need;
} placement_refusal;

/* Chooses hosts for `count` equal instances one after the other; books each in `hosts` (booked and
 * app_instances grow). ret_hosts has room for `count` indexes. Returns how many found a host; when
 * fewer than `count`, *ret_refusal says why the next did not. */
size_t placement_place(placement_host *hosts, size_t host_count, const placement_need *need,
    size_t count, size_t *ret_hosts, placement_refusal *ret_refusal);

/* Which of an app's instances leaves when it shrinks: the newest on the host whose zone, rack and
 * self hold the most. `host_of[i]` is the index of candidate i's host or PLACEMENT_NONE (such a one
 * leaves first), candidates are ordered oldest first. Needs at least one candidate. */
size_t placement_leaver(
    const placement_host *hosts, size_t host_count, const size_t *host_of, size_t candidate_count);

/* "0 of 3 hosts fit: 2 memory (best has 120 MiB of 512 MiB), 1 cordoned" */
void placement_refusal_text(const placement_refusal *refusal, sot_buf *out);

#endif
