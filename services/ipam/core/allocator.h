/* allocator - the state machine of ipam: requests in, batches of rows out, answers out.
 *
 *            allocator_submit                allocator_next_batch
 *   (client) ----------------> queue (FIFO) ----------------------> in a batch (several at a time)
 *                                ^  a row was lost: picked again          | allocator_end_batch
 *                                +----------------------------------------+
 *                                                                         v
 *                                                 answered, allocator_take_answer -> (client)
 *
 * Memory is a hint. Each want goes to the database, which knows whether the owner holds an address
 * already and whether the candidate is really free; what the database does not give is picked
 * again. A request that memory cannot serve goes out once as a probe: the database says what its
 * owners hold, which of the cooling addresses come first, and whether the plan (VLANs, subnets,
 * ranges) is still the one that was read. Only then it is refused. Pure: no I/O, no clock. Times
 * are the database's, in unix milliseconds.
 *
 * A request whose candidates are all believed to have no row is `is_new`: it goes out by a
 * statement that inserts and looks at nothing, which costs a third less. The keys refuse that
 * statement, and the batch with it, when memory was wrong or an owner holds an address already;
 * then all of it is tried again by the statement that looks. The more often that happens, the more
 * seldom it is tried.
 */
#ifndef IPAM_ALLOCATOR_H
#define IPAM_ALLOCATOR_H

#include "allocator_plan.h"
#include "sot_proto.h"

enum {
	ALLOCATOR_BATCH_MAX = 4096,  /* items of a request */
	ALLOCATOR_BATCH_AIM = 512,   /* a batch of several requests ends when it has as many items */
	ALLOCATOR_QUEUE_MAX = 10000, /* requests */
	ALLOCATOR_TRIES_MAX = 64,    /* of one request, before it is refused as unavailable */
	ALLOCATOR_TEXT_MAX = 1024,
	ALLOCATOR_REREAD_MS = 30000, /* a subnet that is short of addresses is read again after this */
};

typedef enum request_kind {
	REQUEST_ACQUIRE,
	REQUEST_RELEASE,
	REQUEST_BIND,
	REQUEST_CONFLICT,
} request_kind;

/* One address of an interface; an acquire has one item for IPv4 and one for IPv6. */
typedef struct request_item {
	sot_uuid owner;
	uint8_t nic;
	bool is_v6;
	bool is_dispensable;     /* acquire: nothing is missing when the VLAN cannot give one */
	char vlan[PLAN_REF_MAX]; /* acquire: "vlan" or "vlan/pool" */
	sot_ip address;          /* release, bind, conflict: as named; acquire: as granted */
	uint64_t generation;     /* the same */
	sot_uuid host;           /* bind, conflict */
	sot_mac mac;             /* conflict: who answered */
	/* Of the current batch. */
	bool is_asked;           /* an acquire's item that goes to the database */
	bool has_pick, is_early; /* early: it was cooling, and none else was left */
	subnet *pick_from;
	address_pick pick;
	/* What the database said. */
	bool done;
	bool is_fresh; /* an acquire that made a row, which must be undone when the request fails */
	sot_uuid subnet_id;
} request_item;

typedef struct batch batch;

typedef struct request {
	sot_link link;
	request_kind kind;
	void *cookie; /* the caller's; not touched */
	char actor[129];
	sot_uuid operation_id;
	uint64_t epoch; /* acquire: of the leader that asks; 0: of none, never fenced */
	request_item *items;
	size_t count;
	unsigned tries;
	bool is_new;     /* goes out as rows that nobody can have: see above */
	bool is_probe;   /* goes out without candidates: memory has no address for it */
	bool was_probed; /* since its candidates were lost last */
	bool is_undoing; /* gives back what it got before it failed */
	bool is_refused;
	sot_refusal code; /* of a refused one */
	char text[ALLOCATOR_TEXT_MAX];
} request;

typedef struct allocator allocator;

/* ---- requests ---- */
/* `count` items, zeroed, to be filled in. */
request *request_new(request_kind kind, size_t count);
/* Room for `count` wants; request_want adds one, as an item for IPv4 and perhaps one for IPv6. */
request *request_new_wants(size_t count);
void request_want(request *r, const sot_address_want *want);
request *request_free(request *r);

/* ---- the allocator ---- */
/* `seed` only says where to look after a second writer was met. */
allocator *allocator_new(uint64_t seed);
allocator *allocator_free(allocator *a);

/* What is read: the plan, then the rows of the subnets that need it. Both only while no batch is
 * out (allocator_batches_out).
 *   begin -> vlan, scope, subnet, range ... -> plan_end -> rows_wanted -> rows ... -> end */
void allocator_load_begin(allocator *a);
address_plan *allocator_load_plan(allocator *a); /* to be filled in by plan_add_... */
/* Takes the plan over. Pools of subnets that are as they were stay, unless all is distrusted. */
void allocator_load_plan_end(allocator *a);
/* The ids of the subnets whose rows must be read; borrowed until allocator_load_end. */
const sot_uuid *allocator_load_rows_wanted(const allocator *a, size_t *ret_count);
/* IPv4 addresses of a subnet in one state (not cooling): those of the 64 from `first` on whose bit
 * is set; SOT_INVALID for a subnet or state that is not known. And addresses of either family as
 * texts with blanks between; SOT_INVALID besides for what cannot be read. */
sot_code allocator_load_word(allocator *a, sot_uuid subnet_id, sot_str state, uint32_t first,
    uint64_t bits, sot_err *err) SOT_CHECK;
sot_code allocator_load_held(
    allocator *a, sot_uuid subnet_id, sot_str state, sot_str addresses, sot_err *err) SOT_CHECK;
/* In the order of their release. */
sot_code allocator_load_cooling(allocator *a, sot_uuid subnet_id, sot_ip address,
    int64_t released_unix_ms, int64_t free_after_unix_ms, sot_err *err) SOT_CHECK;
void allocator_load_end(allocator *a, int64_t now_unix_ms);
bool allocator_is_loaded(const allocator *a);
/* True when something must be read before anything else can be done. */
bool allocator_needs_load(const allocator *a);
/* The plan was changed: it is read again, and the rows of subnets that are new or cut otherwise. */
void allocator_plan_changed(allocator *a);
/* Rows were changed by somebody else: everything is read again. */
void allocator_distrust(allocator *a);
const address_plan *allocator_plan(const allocator *a);

/* Somebody else (administration, collection) changed one row: keeps memory right without reading.
 */
void allocator_note_used(allocator *a, uint16_t vrf, sot_ip address, address_state state);
void allocator_note_free(allocator *a, uint16_t vrf, sot_ip address);
void allocator_note_cooling(allocator *a, uint16_t vrf, sot_ip address, address_state before,
    int64_t released_unix_ms, int64_t free_after_unix_ms);

/* Cooling addresses may be given out early when they were released this long ago. */
void allocator_set_floor_ms(allocator *a, int64_t floor_ms);
/* How often that was done since this was asked last. */
uint64_t allocator_take_shortened(allocator *a);

/* Takes the request. It is refused at once (and answered by allocator_take_answer) when it makes no
 * sense or the queue is full. */
void allocator_submit(allocator *a, request **r_p);
/* Leaders before this epoch get nothing any more. A lower one than before changes nothing. */
void allocator_fence(allocator *a, uint64_t epoch);
/* Refuses all that wait in the queue. */
void allocator_refuse_queued(allocator *a, sot_refusal code, const char *text);
size_t allocator_queued(const allocator *a);
/* Items that wait in the queue. */
size_t allocator_queued_items(const allocator *a);

/* ---- batches ---- */
typedef struct batch_slot {
	request *request;
	request_item *item;
} batch_slot;
struct batch {
	sot_link link;
	batch_slot *slots;
	size_t count;
	size_t new_count; /* items of requests that are new */
	bool is_hopeful;  /* may hold such */
	bool gives;       /* holds an acquire; all of them are of one epoch: */
	uint64_t epoch;
};
/* The next batch, NULL when there is nothing to do, what waits must come after a batch that is
 * out, or something must be read first. The allocator's until allocator_end_batch. */
batch *allocator_next_batch(allocator *a, int64_t now_unix_ms);
size_t allocator_batches_out(const allocator *a);
/* The database's answers. What is of an owner, interface and family that is in no batch is
 * SOT_INTERNAL. */
typedef struct row_held {
	sot_uuid owner;
	uint8_t nic;
	sot_ip address;
	uint64_t generation;
	bool is_fresh;      /* made now: of the item's candidate */
	sot_uuid subnet_id; /* of one that was held before */
} row_held;
sot_code allocator_held(allocator *a, const row_held *row, sot_err *err) SOT_CHECK;
/* All rows of the batch's new requests were made, of their candidates. */
void allocator_given(batch *b, uint64_t generation);
/* A release, bind or conflict was done. */
typedef struct row_change {
	sot_uuid owner;
	uint8_t nic;
	sot_ip address;
	sot_uuid subnet_id;
	address_state before;
	int64_t released_unix_ms, free_after_unix_ms; /* of a release */
} row_change;
sot_code allocator_changed(allocator *a, const row_change *row, sot_err *err) SOT_CHECK;
/* A probe's answer: a cooling row that may be given out by the database's clock. */
void allocator_offered(allocator *a, batch *b, sot_uuid subnet_id, sot_ip address,
    int64_t released_unix_ms, int64_t free_after_unix_ms);
/* A probe's answer: the stamp of the plan in the database. */
void allocator_plan_seen(allocator *a, sot_str stamp);
/* How the batch ended: SOT_OK committed; SOT_CONFLICT a second writer was faster, all is tried
 * again (of a batch with new requests: or memory was wrong); SOT_UNKNOWN all is tried again with
 * the same candidates; anything else refuses its requests as unavailable. Frees the batch. */
void allocator_end_batch(allocator *a, batch *b, sot_code outcome, const char *why);

/* The next answered request, now the caller's; NULL when there is none. */
request *allocator_take_answer(allocator *a);

/* ---- administration ---- */
/* Picks a free address for something that is no instance and marks it as used; note_free gives it
 * back. SOT_NOT_FOUND: no such VLAN. SOT_LIMIT: none is left. */
sot_code allocator_take_free(allocator *a, sot_str vlan, bool is_v6, int64_t now_unix_ms,
    sot_ip *ret, sot_uuid *ret_subnet, sot_err *err) SOT_CHECK;

/* ---- what placement sees ---- */
typedef struct vlan_news {
	const plan_vlan *vlan; /* NULL: it is gone */
	char name[PLAN_REF_MAX];
	uint64_t version, free_v4, free_v6;
	bool has_v6;
	uint64_t facts;  /* digest of what else is told of it */
	uint64_t counts; /* digest of its IPv4 counts by state, while none is free */
} vlan_news;
/* The first version of this life: later lives must begin higher. */
void allocator_set_version(allocator *a, uint64_t version);
/* Digest of what a VLAN tells its interfaces: MTU, isolation, zone, its subnets' gateways and
 * resolvers. Fits into 63 bits. */
uint64_t allocator_settings(const plan_vlan *v);
/* Its IPv4 subnets with what is used of them, by state. */
void allocator_describe_use(const plan_vlan *v, sot_buf *out);
/* Counts anew, and calls `fn` for each VLAN that has changed after version `after`, in the order of
 * their versions. Returns the version reached; *ret_full: all VLANs were told (`after` is 0 or of
 * another life). */
typedef void (*vlan_news_fn)(void *self, const vlan_news *news);
uint64_t allocator_vlans(
    allocator *a, uint64_t after, int64_t now_unix_ms, vlan_news_fn fn, void *self, bool *ret_full);

#endif
