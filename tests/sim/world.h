/* world - a small cloud in one process: two schedulers (the real core), hosts with agents and a
 * Docker that outlives them, an ipam, a client. Everything runs on libs/sim. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sim.h"
#include "store_model.h"

#define NODES 2
#define HOSTS 4
#define ADDRESSES 24
#define CONTAINERS_MAX 256
#define STARTS_PER_HOST 2
#define STARTS_IN_ALL 5
#define START_DEADLINE_MS 300000
#define REQUESTS_MAX 64

typedef struct world world;

/* What stands on a host's disk and in its Docker: it survives an agent's crash. */
typedef struct container {
	sot_uuid instance_id;
	struct {
		uint64_t generation;
		uint32_t restart_seq;
		sot_desired_state desired;
		uint32_t address;
		uint64_t address_generation; /* which holding of it */
		char version[65];
	} spec;
	bool exists, running, frozen, reported_retired;
	uint32_t bound;             /* the address of its process */
	uint32_t elsewhere;         /* a copy of it answers with this address */
	uint32_t probed, contested; /* the address that was probed before it is used; somebody has it */
	uint64_t probed_holding;
	uint64_t done_generation;
	uint32_t done_restart_seq;
	char version[65];
	uint32_t progress; /* of the way to running */
	int64_t told_ms;   /* when its agent heard of it first */
	bool has_waited;   /* for an address or for a copy: whoever waits gives its start slot back */
	bool is_unknown; /* a restored database has no row of it here: left alone until it is told of */
} container;

typedef struct agent {
	world *w;
	int number;
	sot_uuid host_id;
	bool registered, alive;
	sim_link *to_node[NODES], *from_node[NODES];
	container containers[CONTAINERS_MAX];
	size_t count;
	uint64_t generation, epoch;        /* durable */
	uint64_t start_id, seq, acked_seq; /* of this start */
	bool changed, hello_is_due;
	int talks_to;
	int64_t next_beat_ms;
	uint64_t life;
	bool dead;      /* the machine: nothing of it runs or answers */
	bool may_start; /* since its boot it has heard what it shall run */
	unsigned boots, deaths;
	int64_t cut_off_until_ms; /* its network: nobody reaches it, its containers run on */
	int64_t died_at_ms;
} agent;

typedef struct node {
	world *w;
	int number;
	bool alive;
	int64_t paused_until_ms;
	uint64_t epoch; /* 0: standby */
	controller *c;
	controller_batch *inflight, *next; /* next: taken, waits for the end of the one in flight */
	store_rows *rows, *next_rows;
	uint64_t life; /* answers to an earlier life are lost */
	sim_link *to_ipam, *from_ipam;
	struct {
		uint64_t request_id;
		sot_buf frame;
		int64_t give_up_ms, resend_ms;
		bool is_early;
	} asked[REQUESTS_MAX];
	size_t asked_count;
	bool wave_is_begun; /* ipam was asked before the batch is taken */
	int64_t wave_until_ms;
} node;

typedef struct holding {
	sot_uuid owner;
	uint32_t address;
	uint64_t generation;
	bool held, bound;
	bool is_suspect; /* used, and no row gives it: never given out */
	int64_t free_after_ms;
} holding;

typedef struct sent_request {
	uint64_t request_id;
	sot_buf frame;
	bool answered, accepted;
	sot_uuid operation_id, resource_id;
	int64_t resend_ms;
} sent_request;

/* A fault that a run must find. */
typedef enum sim_plant {
	PLANT_NONE,
	PLANT_DOUBLE_RELEASE,      /* a release frees the neighbour too */
	PLANT_NO_FENCE,            /* leaders before the fence are still served */
	PLANT_NO_CLOSED,           /* a copy of a request that its asker has closed is served */
	PLANT_FORGOTTEN_ROLLOUTS,  /* the store forgets rollouts */
	PLANT_UNTOLD_RESTORE,      /* the backup is put back and nobody says so to it */
	PLANT_FORGOTTEN_COOLDOWNS, /* a new leader knows of no cool-down */
} sim_plant;

struct world {
	sim *s;
	uint64_t seed;
	bool faults_on;
	bool restores; /* the database is put back once */
	struct {
		int64_t taken_ms, down_ms, back_ms;
		store_model *store;
		holding addresses[ADDRESSES];
		uint64_t fence_epoch;
		bool is_back;
		size_t forgotten; /* accepted requests that it does not know */
	} backup;
	bool rolls;  /* most of what the client asks for are rollouts */
	bool scales; /* most of it are rules of elastic scaling, and values for them */
	sim_plant plant;
	uint64_t ipam_lives; /* what waits in the queues of one is not read by the next */
	sim_faults faults;
	store_model *store;
	node nodes[NODES];
	agent agents[HOSTS];
	holding addresses[ADDRESSES];
	uint64_t next_holding, fence_epoch;
	struct {
		uint64_t epoch, closed;
	} asker; /* what ipam knows of who asks */
	sent_request *requests;
	size_t request_count, request_cap;
	size_t racks_lost;
	sim_link *client_to[NODES], *client_from[NODES];
	uint64_t highest_epoch;
	char failure[600]; /* the first broken invariant */
};

/* Workload steps follow until `quiet`; then faults stop and everything must come to rest. */
world *world_new(uint64_t seed, sim_plant plant);
world *world_free(world *w);
/* Runs the seed; false with w->failure set when an invariant broke. */
bool world_run(world *w);
void world_fail(world *w, const char *fmt, ...) SOT_PRINTF(2, 3);
controller_now world_now(const world *w);

/* ---- the parts ---- */
void node_start(node *n);  /* alive, standby */
void node_crash(node *n);  /* memory gone */
void node_tick(node *n);   /* leadership, controller's tick, requests to ipam */
void node_settle(node *n); /* takes a batch when none is in flight */
void node_on_client(void *self, sot_str data);
void node_on_agent(node *n, const agent *a, sot_str frame);
void node_on_ipam(void *self, sot_str data);

void agent_start(agent *a);
void agent_crash(agent *a);
/* The machine loses its power, and gets it back. */
void host_die(agent *a);
void host_boot(agent *a);
void agent_tick(agent *a);
void agent_on_frame(void *self, sot_str data);

void ipam_on_frame(node *n, sot_str frame);
void ipam_restart(world *w); /* its memory is gone, and what was on the way to it and from it */

void client_step(world *w);   /* sends a random request now and then */
void client_tick(world *w);   /* repeats what was not answered */
void client_resume(world *w); /* whatever somebody has paused */
/* client_operations.c: bulk operations on an app or two, or on a host; retries of what ended
 * otherwise than well. */
sot_code client_encode_bulk(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, uint32_t count, sot_err *err);
/* Any strategy that is right; surge: with helpers, now and then. */
sot_rollout_strategy client_strategy(world *w, bool surge);
sot_code client_encode_middleware(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err);
sot_code client_encode_middleware_version(
    world *w, sent_request *r, sot_request_context ctx, sot_err *err);
sot_code client_encode_rollout(world *w, sent_request *r, sot_request_context ctx, sot_err *err);
sot_code client_encode_retry(world *w, sent_request *r, sot_request_context ctx, sot_err *err);
/* Rules of an app or of a group, values for them, groups that are filled and emptied. */
sot_code client_encode_elastic(
    world *w, sent_request *r, sot_request_context ctx, uint64_t number, sot_err *err);
/* Makes, or fills, a group of alpha whose name is before that of the first one. */
sot_code client_encode_second_group(
    world *w, sent_request *r, sot_request_context ctx, bool makes, sot_err *err);
/* An operator at work: drains, the end of maintenance, a rebalance, the brake. */
sot_code client_encode_upkeep(world *w, sent_request *r, sot_request_context ctx, sot_err *err);
void client_on_frame(void *self, sot_str data);

/* restore.c: when the backup is taken, and put back; then both happen at their times. */
void restore_plan(world *w);
bool restore_holds_services(const world *w); /* they are stopped until it is put back */
void restore_tick(world *w);

void check_always(world *w); /* after each step */
void check_end(world *w);    /* after everything came to rest */

#endif
