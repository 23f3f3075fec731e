/* allocator_internal - shared by allocator.c (the queue, batches), allocator_request.c (requests),
 * allocator_pick.c (candidates and the words when there is none), allocator_rows.c (answers of the
 * database), allocator_load.c (rows) and allocator_vlans.c (what placement sees). */
#ifndef IPAM_ALLOCATOR_INTERNAL_H
#define IPAM_ALLOCATOR_INTERNAL_H

#include "allocator.h"
#include "sot_rand.h"

struct allocator {
	address_plan *plan, *loading;
	bool is_loaded, plan_is_stale, rows_are_distrusted;
	sot_uuid *rows_wanted;
	size_t rows_wanted_count;

	sot_link queue, answered, batches;
	size_t queued, queued_items, batches_out;
	unsigned hope_wait,
	    hope_price; /* batches to go without new requests; and after the next loss */
	sot_map *keys;  /* batch_slot by owner, interface and family, of all batches that are out */
	uint64_t fence_epoch;
	int64_t floor_ms;
	uint64_t shortened;
	sot_rand rand;

	sot_map *news; /* vlan_news by name */
	uint64_t first_version, version;
};

/* ---- allocator_request.c ---- */
/* What no two batches may be about at the same time: owner, interface and family. */
typedef struct item_key {
	uint8_t b[18];
} item_key;
item_key request_key(const request_item *item);
/* The item that names an owner, interface and family that came before, or NULL. */
const request_item *request_find_double(const request *r);

/* ---- allocator_pick.c ---- */
typedef enum pick_result { PICKED, NO_VLAN, NO_SUBNET, NO_ADDRESS } pick_result;
/* Marks what an acquire asks for, and picks a candidate for each want that is still open; or puts
 * all back and names the item that gets none. */
pick_result pick_all(allocator *a, request *r, int64_t now_unix_ms, const request_item **ret_short);
void put_all_back(request *r);
/* Why `item` of the request gets nothing, and what can be done about it. */
void describe_refusal(const allocator *a, const request *r, const request_item *item,
    pick_result why, int64_t now_unix_ms, sot_buf *out);
/* The subnets that would have to give it are read again, when that was long ago. */
void reread_short(allocator *a, const request_item *item, int64_t now_unix_ms);

#endif
