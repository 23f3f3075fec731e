/* allocator_internal - shared by allocator.c (queue, batches) and allocator_load.c (rows). */
#ifndef IPAM_ALLOCATOR_INTERNAL_H
#define IPAM_ALLOCATOR_INTERNAL_H

#include "allocator.h"

struct allocator {
	subnet **subnets; /* in the order in which they were read: oldest first */
	size_t subnet_count, subnet_cap;
	bool loaded, wants_load;
	uint64_t loads; /* begun so far */

	sot_link queue, answered;
	size_t queued;
	batch_slot *slots;
	size_t slot_count;
	sot_map *keys; /* (owner, nic) of the batch */
};

subnet *allocator_find_subnet(allocator *a, sot_uuid id);
void allocator_drop_subnets(allocator *a);

#endif
