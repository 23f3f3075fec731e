/* internal - the parts of the scheduler's shell among themselves. */
#ifndef SCHEDULER_INTERNAL_H
#define SCHEDULER_INTERNAL_H

#include "bus.h"
#include "call_reports.h"
#include "control.h"
#include "controller.h"
#include "host_keys.h"
#include "reactor_alarm.h"
#include "scheduler.h"
#include "scheduler_sql.h"
#include "sot_map.h"
#include "store.h"

#define SCHEDULER_ROLE "scheduler"

typedef struct loader loader;

typedef struct shell_metrics {
	struct sot_metric *leading, *batches, *batch_ms, *batches_failed, *take_overs, *agents_dropped,
	    *operations_open, *instances, *hosts_online, *reports, *requests_waiting, *batches_refused,
	    *starts_in_flight, *starts_waiting, *syncs_waiting, *requests_open, *requests_refused,
	    *requests_repeated;
} shell_metrics;

/* How long something takes, by moving averages: for so many 256ths of a request, so long. */
typedef struct pipeline_pace {
	int64_t us, requests_256;
} pipeline_pace;

struct scheduler {
	reactor *r;
	const scheduler_config *config;
	char holder[SOT_CONFIG_VALUE_MAX];
	/* leadership */
	store *lead_store; /* one connection that waits behind nothing else */
	bool lead_busy;
	uint64_t epoch;      /* 0: standby */
	uint64_t lost_epoch; /* the last one that was given back; never led again */
	sot_mono lease_until, lead_sent;
	int64_t lease_asked_ms; /* with the question that was sent at lead_sent */
	/* The two last renewals that came late, the newer first; 0: none. */
	struct {
		int64_t ms[2], tick_ms; /* tick_ms: how late the question was sent */
		sot_mono at;            /* of the newer */
	} late;
	/* memory */
	store *store;
	call_reports *call_reports;
	loader *load;        /* while it runs */
	sot_map *time_zones; /* that were asked for, by name */
	controller *c;       /* while leading */
	controller_batch *inflight;
	sot_mono batch_sent;
	struct {
		pipeline_pace commit, prepare; /* of a batch; of a wave until it is written */
		int64_t begun_us, sent_us;     /* of the last wave and batch */
		size_t wave, batch; /* requests of the wave under way, and of the batch in flight */
	} pace;
	struct {
		controller_batch *batch; /* taken while another is in flight */
		store_tx *tx;            /* with its rows; NULL: it has none */
	} next;
	/* Batches that the database refused: bugs of this program. */
	struct {
		unsigned in_a_row;   /* leaderships that ended by one, none of which lasted */
		sot_mono rest_until; /* no lease is asked for before */
		sot_mono led_since;
		char sqlstate[6], constraint[64], reason[400]; /* of the last; "": told already */
	} refused;
	bool settling; /* a settle is deferred to the end of the turn */
	struct {
		bool is_begun;    /* decided, ipam is asked; its batch is not taken yet */
		size_t open;      /* its requests to ipam */
		sot_mono until;   /* no longer for them */
		sot_link waiting; /* requests for the next one */
		size_t waiting_count, waiting_bytes;
	} wave;
	host_keys_stamp keys_stamp;
	/* the bus */
	bus *bus;
	bus_server *requests, *agents;
	bus_subscriber *reports;
	bus_publisher *hints;
	bus_client *ipam;
	sot_link ipam_calls; /* open requests */
	unsigned ipam_late;  /* answers that were missing, less those that came: effects.c */
	sot_map *peers;      /* host id -> bus_peer, the newest connection */
	struct {
		sot_map *waiting; /* who waits for which answer */
		int64_t slow_ms;  /* the last slow commit took so long, */
		sot_mono slow_at; /* and ended then */
	} pressure;
	bool hint_pending;
	control *control;
	sot_mono purge_next; /* once a day; set while it leads */
	reactor_alarm *wave_alarm;
	reactor_watch *lead_timer, *lease_timer, *tick_timer, *keys_timer, *hint_timer;
	/* drain */
	void (*drained)(void *self);
	void *drained_self;
	bool draining;
	shell_metrics metrics;
};

/* ---- leadership.c ---- */
void leadership_tick(void *self, uint64_t missed);
/* Memory away, standby. resign: give the lease back, so that the next epoch can begin at once. */
void leadership_lose(scheduler *s, bool resign, const char *why);

/* ---- load.c ---- */
/* Reads everything into a new controller; then leading, or leadership_lose. */
void load_begin(scheduler *s, uint64_t epoch);
loader *load_free(loader *l);
void load_host_keys(void *self, uint64_t missed); /* refreshes the allow list */

/* ---- purge.c ---- */
/* Ended operations and decisions past operation_retention_days, keys past idempotency_key_days;
 * nobody waits for it. */
void purge_old(scheduler *s);
/* The end of a transaction that nothing waits for: a failure is logged. self: the scheduler. */
void side_work_done(void *self, const store_outcome *outcome);

/* ---- write.c ---- */
/* The batch's rows as one transaction. */
void write_batch(scheduler *s, store_tx *tx, const controller_batch *b);
/* One event, behind the fence. */
void write_event(scheduler *s, store_tx *tx, const event_row *event);
/* One item each: resolvers of a VLAN, the text of an inet[]; the others are JSON. */
void write_item_resolvers(store_tx *tx, const vlan_facts *net);
void write_apps(store_tx *tx, const app_row **rows, size_t count);
void write_groups(store_tx *tx, const group_row **rows, size_t count);
void write_instances(store_tx *tx, const instance_row **rows, size_t count);
void write_operations(store_tx *tx, const operation_row **rows, size_t count);
/* write_new.c: of rows that no batch has held before; at least one */
void write_new_apps(store_tx *tx, const app_row **rows, size_t count);
void write_new_groups(store_tx *tx, const group_row **rows, size_t count);
void write_new_instances(store_tx *tx, const instance_row **rows, size_t count);
void write_new_operations(store_tx *tx, const operation_row **rows, size_t count);
/* write_history.c */
/* Steps, log lines and decisions of a batch: those that new operations begin with in a row each. */
void write_histories(store_tx *tx, const controller_batch *b);
/* write_losses.c */
void write_departures(store_tx *tx, const departure_row *rows, size_t count);
void write_brake(store_tx *tx, const brake_row *row);
void write_uses(store_tx *tx, const use_row *rows, size_t count);
/* write_rollouts.c */
void write_rollouts(store_tx *tx, const rollout_row *rows, size_t count);
/* write_elastic.c */
void write_elastics(store_tx *tx, const elastic_row *rows, size_t count);
void write_elastic_decisions(
    store_tx *tx, const elastic_decision_row *rows, size_t count, int64_t retention_days);

/* ---- time_zones.c ---- */
/* The zone of that name, kept until the end; NULL: there is none. self: the scheduler. */
const time_zone *time_zones_find(void *self, const char *name);
void time_zones_free(scheduler *s);

/* ---- effects.c ---- */
void effects_carry_out(scheduler *s, const controller_batch *b);
/* Open requests to ipam are of no use any more. */
void effects_forget(scheduler *s);
void effects_hint(void *self, uint64_t missed);
/* is_early: the wave under way waits for the answer. */
void effects_ask_ipam(scheduler *s, const controller_effect *e, bool is_early);
controller_now scheduler_now(const scheduler *s);
void scheduler_allow_host(scheduler *s, const char *public_key, sot_uuid id, bool denied);

/* ---- pipeline.c ---- */
/* Asks for a settle at the end of this turn: many events make one batch. */
void scheduler_settle(scheduler *s);
void pipeline_settle(void *self); /* at once: of the alarm */
/* The request waits for its wave; false when too many do. */
bool pipeline_put_request(scheduler *s, const bus_peer *from, sot_str frame);
/* Tells the world of a batch that was refused, now that this process leads again. */
void pipeline_tell_refused(scheduler *s);
/* What waits is refused: this process does not lead any more. */
void pipeline_forget(scheduler *s);

/* ---- pressure.c ---- */
/* False: it was refused because the database is slow, or is a repetition whose answer comes. */
bool pressure_admit(scheduler *s, const bus_peer *from, sot_str frame);
void pressure_committed(scheduler *s, int64_t took_ms);
/* An answer leaves, or would have. */
void pressure_answered(scheduler *s, const bus_peer *to, sot_str frame);
/* Requests that were let in and are not answered yet. */
size_t pressure_open(const scheduler *s);
/* Leadership is lost: nobody is answered any more. Also makes what is needed at the beginning. */
void pressure_forget(scheduler *s);

/* ---- intake.c ---- */
void intake_refuse_not_leading(scheduler *s, const bus_peer *to, sot_str frame);
void intake_request(void *self, const bus_peer *from, sot_str frame);
void intake_agent(void *self, const bus_peer *from, sot_str frame);
void intake_report(void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap);

#endif
