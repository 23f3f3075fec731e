/* allocator - the state machine of ipam: requests in, batches of rows out, answers out.
 *
 *            allocator_submit                allocator_next_batch
 *   (client) ----------------> queue (FIFO) ----------------------> in the batch
 *                                ^  a row was lost: picked again          | allocator_end_batch
 *                                +----------------------------------------+
 *                                                                         v
 *                                                 answered, allocator_take_answer -> (client)
 *
 * Memory is a hint. Each want goes to the database, which knows whether the owner holds an address
 * already and whether the candidate is really free; what the database does not give is picked
 * again. "No address" and "no such network" are said only from rows that were read after the
 * request could have known better: the caller is told to read again first (needs_load).
 * Pure: no I/O, no clock. Times are the database's, unix milliseconds.
 */
#ifndef IPAM_ALLOCATOR_H
#define IPAM_ALLOCATOR_H

#include "address_pool.h"
#include "network_plan.h"
#include "sot_map.h"
#include "sot_proto.h"

enum {
	ALLOCATOR_BATCH_MAX = 4096,  /* items of a batch; a single request may have as many */
	ALLOCATOR_QUEUE_MAX = 10000, /* requests */
	ALLOCATOR_TRIES_MAX = 64,    /* of one request, before it is refused as unavailable */
	ALLOCATOR_NETWORK_MAX = 33,
	ALLOCATOR_TEXT_MAX = 1024,
};

typedef struct allocator allocator;

typedef struct subnet {
	sot_uuid id;
	char network[ALLOCATOR_NETWORK_MAX];
	uint16_t vlan_id;
	network_plan plan;
	address_pool *pool;
	uint32_t used, unusable; /* rows read: reserved, bound, static; excluded, conflict, suspect */
} subnet;

typedef enum request_kind { REQUEST_ACQUIRE, REQUEST_RELEASE, REQUEST_BIND } request_kind;

typedef struct request_item {
	sot_uuid owner;
	uint8_t nic;
	char network[ALLOCATOR_NETWORK_MAX]; /* acquire */
	uint64_t generation;                 /* release, bind: as named; acquire: as granted */
	sot_uuid host;                       /* bind */
	/* Of the current batch. */
	bool has_pick;
	subnet *pick_from;
	address_pick pick;
	/* What the database said. */
	bool done;
	bool is_fresh; /* an acquire that made a row, which must be undone when the request fails */
	uint32_t address, gateway;
	uint8_t prefix;
	uint16_t vlan_id;
} request_item;

typedef struct request {
	sot_link link;
	request_kind kind;
	void *cookie; /* the caller's; not touched */
	char actor[129];
	sot_uuid operation_id;
	request_item *items;
	size_t count;
	unsigned tries;
	uint64_t loads_seen; /* loads begun when it was submitted */
	bool is_probe;       /* only asks what is held already: memory has no address for it */
	bool is_undoing;     /* gives back what it got before it failed */
	bool is_refused;
	sot_refusal code; /* of a refused one */
	char text[ALLOCATOR_TEXT_MAX];
} request;

/* ---- requests ---- */
/* `count` items, zeroed, to be filled in. */
request *request_new(request_kind kind, size_t count);
request *request_free(request *r);

/* ---- the allocator ---- */
allocator *allocator_new(void);
allocator *allocator_free(allocator *a);

/* Everything is read anew: only while no batch is out. `begin` comes before the rows are asked for
 * (what was submitted by then counts as answered from fresh rows) and empties the pools; add
 * subnets first, then the addresses that have rows (cooling ones in order of free_after); `end`
 * makes it usable.
 */
void allocator_load_begin(allocator *a);
void allocator_load_subnet(
    allocator *a, sot_uuid id, sot_str network, uint16_t vlan_id, const network_plan *plan);
/* state: as in ipam.address. SOT_INVALID for an unknown subnet or state. */
sot_code allocator_load_address(allocator *a, sot_uuid subnet_id, uint32_t address, sot_str state,
    int64_t free_after_unix_ms, sot_err *err) SOT_CHECK;
void allocator_load_end(allocator *a);
bool allocator_is_loaded(const allocator *a);
/* True when it must be read (again) before anything else can be done. */
bool allocator_needs_load(const allocator *a);
/* Forgets what was read: the outcome of a batch is unknown. */
void allocator_distrust(allocator *a);
/* A subnet of the list that shares addresses with the plan, or NULL. */
const subnet *allocator_overlap(const allocator *a, const network_plan *plan);

/* Takes the request. It is refused at once (and answered by allocator_take_answer) when it makes no
 * sense or the queue is full. */
void allocator_submit(allocator *a, request **r_p);
/* Refuses all that wait in the queue. */
void allocator_refuse_queued(allocator *a, sot_refusal code, const char *text);
size_t allocator_queued(const allocator *a);

/* ---- batches: one at a time ---- */
typedef struct batch_slot {
	request *request;
	request_item *item;
} batch_slot;
/* The slots of the next batch, 0 when there is nothing to do or it must be read first. */
size_t allocator_next_batch(allocator *a, int64_t now_unix_ms, const batch_slot **ret);
/* The database's answers: an acquire's holding, a change of a release or bind. SOT_INTERNAL for a
 * slot that is not in the batch. An unknown subnet makes it read again. */
sot_code allocator_held(allocator *a, size_t slot, uint32_t address, sot_uuid subnet_id,
    uint64_t generation, bool is_fresh, sot_err *err) SOT_CHECK;
sot_code allocator_changed(allocator *a, size_t slot, uint32_t address, int64_t free_after_unix_ms,
    sot_err *err) SOT_CHECK;
/* How the batch ended: SOT_OK committed; SOT_CONFLICT a second writer was faster, all is tried
 * again; SOT_UNKNOWN all is read and tried again; anything else refuses its requests as
 * unavailable. */
void allocator_end_batch(allocator *a, sot_code outcome, const char *why);

/* The next answered request, now the caller's; NULL when there is none. */
request *allocator_take_answer(allocator *a);

#endif
