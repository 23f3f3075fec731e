/* model_instance - an instance as it is kept: 100,000 of them are most of the memory. Private to
 * core/, included by model.h.
 */
#ifndef SCHEDULER_MODEL_INSTANCE_H
#define SCHEDULER_MODEL_INSTANCE_H

#include "rows.h"
#include "sot_map.h"
#include "sot_time.h"

/* What an instance is to the rollout that is looked at. */
typedef enum rollout_part { PART_NONE, PART_ROTATES, PART_CHANGES, PART_HELPS } rollout_part;

/* What ipam is asked for an instance. */
typedef enum address_need {
	ADDRESS_NOTHING,
	ADDRESS_ACQUIRE,
	ADDRESS_BIND,
	ADDRESS_CONFLICT, /* its agent found errand.conflict_address in use by somebody else */
	ADDRESS_RELEASE,
	ADDRESS_NEEDS
} address_need;

/* Instances with which something is to be done, in the order in which they were marked. Each knows
 * its place, from 1; 0: it is not among them. A place that was left is NULL. */
typedef struct instance_marks {
	struct instance **items;
	size_t count, cap;
} instance_marks;

/* An instance's row as it is kept: what its pointers say and what it seldom has is not in it.
 * instance_row_of makes the row. */
typedef struct instance_kept {
	sot_uuid id;
	const instance_make *make;
	held_address v4; /* IPv6: instance.v6 */
	uint64_t generation, observed_generation;
	int64_t created_unix_ms;
	uint32_t number, restart_seq, rebuild_seq, observed_restart_seq, restarts;
	instance_state state : 8;
	enum sot_health health : 8;
	enum sot_desired_state desired : 8;
	sot_mac mac;
	bool has_container : 1, has_run : 1; /* its agent said so last */
} instance_kept;

/* What an instance has only while something of it is under way: it starts, moves, is told
 * something, has failed. 100,000 that run have none (errands.c). */
typedef struct errand {
	struct instance *of;
	struct host *target;     /* it moves there; NULL: it stays */
	sot_uuid decision_id;    /* as of instance_row */
	sot_link push;           /* in host.pushes */
	sot_link of_target;      /* in host.arrivals */
	uint32_t target_handle;  /* in the placer, while it moves */
	double unsampled;        /* the share of its use that is in no report of its host yet */
	sot_mono failed_since;   /* while instance.has_failed */
	uint64_t untold;         /* the generation that no frame can say (assign.c); 0: none */
	uint64_t acquire;        /* the last request to ipam that named it in this leadership, or 0 */
	sot_ip conflict_address; /* none: no conflict */
	sot_mac conflict_mac;
	/* As of instance_row, until a batch takes it: nobody decides by it. */
	int64_t observed_unix_ms, started_unix_ms;
	container_ref container;
} errand;

typedef struct instance {
	instance_kept row;
	struct app *app;
	struct host *host;
	held_address *v6;    /* owned; NULL: it holds none */
	struct start *start; /* owned; NULL: none waits or flies */
	errand *errand;      /* owned; NULL: nothing of it is under way */
	sot_link of_app, of_host;
	error_report errors;
	int64_t use_written_unix_ms; /* its row of uses, by this leader; 0: not yet */
	address_need need : 8;
	rollout_part part : 8; /* set and read while a rollout of its app is looked at */
	bool asked : 1;        /* a request to ipam that names it is open */
	bool is_written : 1;   /* a batch held its row, or it was loaded */
	bool bound : 1;        /* ipam knows that it is in use */
	bool bind_again : 1;   /* it may not know, after a take-over */
	bool held : 1;         /* its agent has not heard of it: its start was not given a slot yet */
	bool has_copy : 1; /* came back to a host that may still have its container of the first stay */
	bool arrived : 1; /* while it is held: it came from another host, whatever becomes of operations
	                   */
	bool has_failed : 1;
	bool was_used : 1, is_used : 1; /* as its row of uses says; since then */
	uint32_t dirty_at;              /* in controller.dirty.instances */
	uint32_t stale_at;              /* in controller.fleet.instances */
	uint32_t told_at; /* in controller.told, from 1: its last event, if that is its place there */
	uint32_t handle;  /* in the placer, while it stands on a host */
	char name[];      /* at most LABEL_MAX_BYTES */
} instance;

#endif
