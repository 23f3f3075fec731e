/* internal - the parts of the scheduler's shell among themselves. */
#ifndef SCHEDULER_INTERNAL_H
#define SCHEDULER_INTERNAL_H

#include "bus.h"
#include "control.h"
#include "controller.h"
#include "scheduler.h"
#include "scheduler_sql.h"
#include "sot_map.h"
#include "store.h"

#define SCHEDULER_ROLE "scheduler"

typedef struct loader loader;

typedef struct shell_metrics {
	struct sot_metric *leading, *batches, *batch_ms, *batches_failed, *take_overs, *agents_dropped,
	    *operations_open, *instances, *hosts_online, *reports;
} shell_metrics;

struct scheduler {
	reactor *r;
	const scheduler_config *config;
	char holder[SOT_CONFIG_VALUE_MAX];
	/* leadership */
	store *lead_store; /* one connection that waits behind nothing else */
	bool lead_busy;
	uint64_t epoch; /* 0: standby */
	sot_mono lease_until, lead_sent;
	/* memory */
	store *store;
	loader *load;  /* while it runs */
	controller *c; /* while leading */
	controller_batch *inflight;
	sot_mono batch_sent;
	bool settling; /* a settle is deferred to the end of the turn */
	/* the bus */
	bus *bus;
	bus_server *requests, *agents;
	bus_subscriber *reports;
	bus_publisher *hints;
	bus_client *ipam;
	sot_link ipam_calls;   /* open requests */
	sot_map *peers;        /* host id -> bus_peer, the newest connection */
	sot_map *last_reports; /* host id -> sot_buf with its last host_report */
	bool hint_pending;
	control *control;
	reactor_watch *lead_timer, *tick_timer, *keys_timer, *hint_timer;
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

/* ---- write.c ---- */
/* The batch's rows as one transaction. */
void write_batch(scheduler *s, store_tx *tx, const controller_batch *b);

/* ---- effects.c ---- */
void effects_carry_out(scheduler *s, const controller_batch *b);
/* Open requests to ipam are of no use any more. */
void effects_forget(scheduler *s);
void effects_hint(void *self, uint64_t missed);
/* Asks for a settle at the end of this turn: many events make one batch. */
void scheduler_settle(scheduler *s);
controller_now scheduler_now(const scheduler *s);
void scheduler_allow_host(scheduler *s, const char *public_key, sot_uuid id, bool denied);

/* ---- intake.c ---- */
void intake_request(void *self, const bus_peer *from, sot_str frame);
void intake_agent(void *self, const bus_peer *from, sot_str frame);
void intake_report(void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap);

#endif
