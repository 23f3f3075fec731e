/* change - the frame of every administrative transaction of ipam.
 *
 *   READ   the idempotency key, the version of the plan and the facts, in one snapshot
 *    |     known key: the same answer again, or key_reused
 *   CHECK  facts against the request: refused in words, or
 *   WRITE  step of the version, statements, key, audit, event: one transaction
 *    |     committed: reply, hint, the allocator reads what changed
 *    +---> READ again when a constraint, a guard (40xxx) or a lost answer says that the facts are
 * old
 *
 * A kind of change is a table row: what to read, how to check it, what to write. Those that alter
 * the plan (VLANs, subnets, ranges) go one after the other; addresses are guarded by their rows.
 * Owner: the reactor's thread. Everything of a change lives in its arena.
 */
#ifndef IPAM_SHELL_CHANGE_H
#define IPAM_SHELL_CHANGE_H

#include "field_changes.h"
#include "ipam.h"
#include "sot_wire_codec.h"

typedef struct change change;

/* What each of these messages begins with. */
typedef struct change_head {
	uint64_t request_id;
	sot_request_context context;
} change_head;

typedef struct change_kind {
	const char *action; /* of the audit: "vlan.create" */
	const char *event;  /* "vlan.created" */
	const sot_wire_struct *message;
	size_t facts_size;
	bool is_of_plan;
	/* Adds the queries whose handlers (with the change as `self`) fill in the facts, zeroed. */
	void (*read)(change *c, store_tx *tx);
	/* Refuses, or sets target, id, and data. */
	void (*check)(change *c);
	void (*write)(change *c, store_tx *tx);
	/* Tells the allocator what was committed; NULL: the plan was changed. */
	void (*committed)(change *c);
	/* Encodes the answer into `out`; NULL: `accepted`. */
	sot_code (*answer)(const change *c, bool replayed, sot_buf *out, sot_err *err);
} change_kind;

struct change {
	sot_link link; /* ipam.changes */
	ipam *ip;
	ipam_client *client;
	const change_kind *kind;
	sot_arena *arena;
	const void *message;
	const change_head *head; /* of `message` */
	void *facts;
	sot_err read_error; /* a row that was not understood */
	/* Set by check: */
	sot_uuid id;     /* of the thing; the resource of the answer */
	sot_str target;  /* its name in audit and event */
	sot_str result;  /* what a replay must know beside the id, or empty */
	sot_buf data;    /* members of the event's and the audit's object */
	bool is_a_no_op; /* nothing differs: no event */
	/* The frame's own. */
	bool is_started, is_refused, is_known, is_same;
	int64_t version;
	unsigned tries;
};

/* Copies the message and begins. Answers at once when ipam cannot take it now; drops the repeat of
 * what is being worked on. */
void change_open(ipam *ip, const bus_peer *from, const change_kind *kind, const void *message);
/* Is a change or an import under way? */
bool change_is_any_open(const ipam *ip);
/* Somebody was faster, or nobody knows how it ended: read and decided again, it may succeed. */
bool change_is_stale(const store_outcome *outcome);
/* The process ends: nothing is answered. Imports too. */
void change_free_all(ipam *ip);

/* In check: the request is refused. `pointer` names the field. */
void change_refuse(change *c, sot_refusal code, const char *pointer, const char *fmt, ...)
    SOT_PRINTF(4, 5);
/* A new id for the thing that is made. */
sot_uuid change_new_id(change *c);
/* A copy in the arena, for facts. */
sot_str change_dup(change *c, sot_str s);
sot_str change_printf(change *c, const char *fmt, ...) SOT_PRINTF(2, 3);
/* The name of a VRF as a row has it: empty means the default one. */
sot_str change_vrf(sot_str name);
void change_arg_mac(store_tx *tx, sot_mac mac); /* zero is NULL */
/* `text` of `err` as the refusal, by its code. */
void change_refuse_err(change *c, const char *pointer, const sot_err *err);
/* Adds `"changed":{...}` to the data; an empty one means that nothing differs. */
void change_data_changed(change *c, const sot_buf *fields);

#endif
