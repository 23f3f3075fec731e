/* controller - the scheduler's memory and decisions: hosts, apps, instances, operations.
 *
 * Pure: no I/O, no clock, no log, randomness from the seed. Events go in through the functions
 * below and change the memory at once; what is to be written and what is to be said comes out as a
 * batch. The owner commits a batch's rows in one transaction and only then carries its effects out;
 * when the commit is refused, fenced or unknown it throws the controller away and loads a new one.
 * At most one batch is in flight; events may go on meanwhile: memory runs ahead of the disk by one
 * batch, what was said to anybody never does. One owner thread.
 */
#ifndef SCHEDULER_CONTROLLER_H
#define SCHEDULER_CONTROLLER_H

#include "elastic_row.h"
#include "rows.h"
#include "sot_time.h"

typedef struct controller controller;

/* One instant on both clocks; the wall is for rows and people only. */
typedef struct controller_now {
	sot_mono mono;
	sot_wall wall;
} controller_now;

typedef struct controller_config {
	uint64_t epoch;              /* of this leadership; agents refuse lower ones */
	int64_t suspect_after_ms;    /* silence of an agent until `suspect` */
	int64_t lost_after_ms;       /* ... until `agent_lost` */
	int64_t retry_ms;            /* next look at what waits for an address, at why no host fits */
	int64_t sweep_ms;            /* next look at what waits for a host, if nothing wakes it */
	int64_t ipam_retry_ms;       /* next request to ipam after it could not answer: at most this, */
	int64_t ipam_retry_max_ms;   /* then twice that, ... at most this; a random part of it each */
	int64_t wait_deadline_ms;    /* an operation that waits for a host or an address ends then */
	int64_t start_deadline_ms;   /* from the order to a running PID 1, image pull included */
	int64_t healthy_deadline_ms; /* from running to healthy, besides the app's start period */
	int64_t stop_deadline_ms;    /* from the order to stopped, removed or released */
	int64_t failure_grace_ms;    /* an instance that reports `failed` may recover for so long */
	int64_t logs_deadline_ms;    /* for an agent's answer to logs_read */
	int64_t seen_write_ms;       /* how often seen_at of a quiet host is written */
	/* Starts in flight; 0: no limit. */
	uint16_t load_limit_permille; /* live load from which a host gets nothing; above 1000: none */
	uint32_t starts_per_host, starts_per_rack, starts_in_all;
	uint32_t pulls_per_image;    /* hosts that pull the same image */
	uint32_t syncs_per_s;        /* whole sets to agents that come back */
	uint32_t queue_max;          /* operations that may wait for one app */
	uint32_t operations_max;     /* open ones of all */
	int64_t grace_ms;            /* a new leader calls no host lost and replaces nothing before */
	int64_t witness_interval_ms; /* between two rounds of questions about a silent host */
	int64_t witness_deadline_ms; /* of the answers of a round */
	int64_t brake_hosts;         /* so many hosts silent at once engage the brake, */
	int64_t brake_percent;       /* or more than this share of them (and more than one) */
	int64_t brake_window_ms;     /* at once: within this */
	/* An instance is idle while it uses no more than this: thousandths of its limit; bytes, both
	 * ways. */
	uint64_t idle_cpu_permille, idle_net_bytes_per_s;
	int64_t rebalance_check_ms; /* between two looks at whether a rebalance pays; 0: none */
	/* Time zones of schedules: the zone of that name, which lives as long as the controller, or
	 * NULL. NULL: only UTC is known. */
	time_zone_find_fn zone_find;
	void *zone_self;
} controller_config;

/* The values of the shell's config.def. */
controller_config controller_config_default(uint64_t epoch);

/* Who asked; opaque to the core, given back with the reply. */
#define CONTROLLER_PEER_SIZE 192
typedef struct controller_peer {
	uint8_t bytes[CONTROLLER_PEER_SIZE];
} controller_peer;

typedef enum controller_effect_kind {
	EFFECT_REPLY, /* frame to peer */
	EFFECT_AGENT, /* frame to the agent of host_id */
	EFFECT_IPAM,  /* frame with request_id to ipam; answer by controller_ipam_reply */
	EFFECT_ALLOW, /* the bus may let this host's key in */
} controller_effect_kind;

typedef struct controller_effect {
	controller_effect_kind kind;
	controller_peer peer;
	sot_uuid host_id;
	uint64_t request_id;
	char public_key[41];
	sot_buf frame; /* owned by the batch */
} controller_effect;

/* Rows of one transaction and the effects that its commit releases. Row pointers borrow from the
 * controller and are valid until the next call of any controller function. */
typedef struct controller_batch {
	const host_row **hosts;
	const image_row **images;
	const app_row **apps;
	const group_row **groups;
	instance_row *instance_rows; /* `instances` point here */
	const instance_row **instances;
	const operation_row **operations;
	const step_row **steps; /* whole tracks: with a step come its neighbours of the same instance */
	const host_row **bookings; /* hosts of which only the booking and the generation changed */
	size_t host_count, booking_count, image_count, app_count, group_count, instance_count,
	    operation_count, step_count;
	/* So many of them no batch has held before; they are the last. */
	size_t new_apps, new_groups, new_instances, new_operations, new_steps;
	/* The small tables that changed, each as a whole: what is not among the rows is gone. */
	struct {
		bool plans, teams, host_classes, mixing;
	} rewrites;
	plan_row *plans;
	team_row *teams;
	host_class_row *host_classes;
	mixing_row *mixing;
	size_t plan_count, team_count, host_class_count, mixing_count;
	/* While some app has a hard rule; checked after all rows are written. What was placed before a
	 * rule changed in the same batch is not among them. */
	placed_row *placed;
	size_t placed_count, placed_cap;
	version_row *versions;
	middleware_row *middleware;        /* new versions; their origins are the batch's */
	image_version_row *image_versions; /* one per image and version; texts are the batch's */
	decision_row *decisions;
	log_row *logs;
	event_row *events;
	audit_row *audits;
	departure_row *departures; /* one per host and instance */
	rollout_row *rollouts;     /* one per operation */
	use_row *uses;
	elastic_row *elastics; /* one per app */
	elastic_decision_row *elastic_decisions;
	bool writes_brake;
	brake_row brake;
	sot_uuid *deleted_apps; /* with their retired instances; deleted before anything is written */
	controller_effect *effects;
	size_t version_count, decision_count, log_count, event_count, audit_count, deleted_app_count,
	    effect_count, departure_count, image_version_count, rollout_count, use_count,
	    middleware_count, elastic_count, elastic_decision_count;
	size_t version_cap, decision_cap, log_cap, event_cap, audit_cap, deleted_app_cap, effect_cap,
	    departure_cap, image_version_cap, rollout_cap, use_cap, middleware_cap, elastic_cap,
	    elastic_decision_cap;
} controller_batch;

/* Never NULL. `seed` is for ids only. */
controller *controller_new(const controller_config *config, uint64_t seed);
controller *controller_free(controller *c);
SOT_DEFINE_AUTO(controller)

/* ---- take-over: rows in the order plans, teams, host classes, mixing, images, their versions,
 * hosts, apps, groups, versions, instances, elastic scaling and its rules, departures, the brake,
 * operations (by created_at), rollouts, steps, keys; then controller_loaded. Rows are copied.
 * SOT_INTERNAL when a row names another that is not there. Only instances that are not retired and
 * operations that have not ended are loaded; keys are of all operations. ---- */
void controller_load_plan(controller *c, const plan_row *row);
void controller_load_team(controller *c, const team_row *row);
void controller_load_host_class(controller *c, const host_class_row *row);
void controller_load_mixing(controller *c, const mixing_row *row);
void controller_load_image(controller *c, const image_row *row);
sot_code controller_load_image_version(
    controller *c, const image_version_row *row, sot_err *err) SOT_CHECK;
void controller_load_host(controller *c, const host_row *row);
void controller_load_app(controller *c, const app_row *row);
sot_code controller_load_group(controller *c, const group_row *row, sot_err *err) SOT_CHECK;
void controller_load_middleware(controller *c, const middleware_row *row);
sot_code controller_load_version(controller *c, const version_row *row, sot_err *err) SOT_CHECK;
sot_code controller_load_instance(controller *c, const instance_row *row, sot_err *err) SOT_CHECK;
/* Of the policy everything but its rules; they follow one by one, in their order. */
sot_code controller_load_elastic(controller *c, const elastic_row *row, sot_err *err) SOT_CHECK;
sot_code controller_load_elastic_rule(
    controller *c, const elastic_rule_row *row, sot_err *err) SOT_CHECK;
/* next_line: the number of the operation's next log line. */
sot_code controller_load_operation(
    controller *c, const operation_row *row, uint64_t next_line, sot_err *err) SOT_CHECK;
sot_code controller_load_rollout(controller *c, const rollout_row *row, sot_err *err) SOT_CHECK;
sot_code controller_load_step(controller *c, const step_row *row, sot_err *err) SOT_CHECK;
void controller_load_key(controller *c, const key_row *row);
/* Requests whose operations began before that time, and have ended, are not known any more. */
void controller_forget_keys(controller *c, int64_t before_unix_ms);
sot_code controller_load_departure(controller *c, const departure_row *row, sot_err *err) SOT_CHECK;
void controller_load_brake(controller *c, const brake_row *row);
/* Everything is here: leases of hosts begin anew (nobody is lost because the leader changed), open
 * operations and half-done retirements go on. */
void controller_loaded(controller *c, controller_now now);

/* ---- events ---- */
/* A frame of the gateway. Every frame is answered, a wrong one with `refused`. */
void controller_request(
    controller *c, controller_now now, const controller_peer *from, sot_str frame);
/* A frame of the agent whose key belongs to host_id. SOT_INVALID or SOT_NOT_FOUND when it was
 * dropped, with the reason. */
sot_code controller_agent_message(
    controller *c, controller_now now, sot_uuid host_id, sot_str frame, sot_err *err);
/* A host_report of the agent whose key belongs to host_id: live load, for placement. Writes no
 * rows. SOT_INVALID or SOT_NOT_FOUND when it was dropped. */
sot_code controller_host_report(
    controller *c, controller_now now, sot_uuid host_id, sot_str frame, sot_err *err) SOT_CHECK;
/* The instance_reports of that agent: which of its instances are used. As controller_host_report,
 * but a few times a day it writes rows. */
sot_code controller_instance_reports(
    controller *c, controller_now now, sot_uuid host_id, sot_str frame, sot_err *err) SOT_CHECK;
/* How an EFFECT_IPAM ended: SOT_OK with the reply's frame, else `code` and `why`. Unknown request
 * ids are ignored. */
void controller_ipam_reply(controller *c, controller_now now, uint64_t request_id, sot_code code,
    sot_str frame, const char *why);
/* Time passes; call about once a second. */
void controller_tick(controller *c, controller_now now);

/* ---- what comes out ---- */
/* Decides what can be decided and returns what may be said before anything of it is committed, as
 * a batch without rows: asks for the addresses of instances that no row tells of yet. A grant that
 * is told before controller_take_batch goes into the same commit. When that commit does not happen
 * the next leader's fence takes the addresses back. Of many instances it decides and asks for a
 * part, so that ipam works on it while the next part is decided: to be called until it returns
 * NULL, when there is nothing more to ask, or ipam does not know of this epoch yet. Calling it is
 * optional: the batch asks for what was not asked for. */
controller_batch *controller_ask_early(controller *c, controller_now now);
/* Decides what can be decided and returns what is to be written and said; NULL when nothing is.
 * The caller owns the batch, commits batches in the order in which they were taken, and throws this
 * controller away when one is not committed. Rows are only pointed to: they are to be copied before
 * anything else is called. */
controller_batch *controller_take_batch(controller *c, controller_now now);
/* Whether the batch needs a transaction at all (else its effects may go at once). */
bool controller_batch_has_rows(const controller_batch *batch);
controller_batch *controller_batch_free(controller_batch *batch);
SOT_DEFINE_AUTO(controller_batch)

typedef struct controller_stats {
	size_t hosts, hosts_online, apps, instances, operations_open, starts_in_flight, starts_waiting,
	    syncs_waiting;
	uint64_t requests, refused, statuses_stale, ipam_requests, placements, moves, replacements;
} controller_stats;
controller_stats controller_get_stats(const controller *c);
/* For the allow list at take-over: visits every host. */
void controller_each_host(
    const controller *c, void (*visit)(void *self, const host_row *row), void *self);

#endif
