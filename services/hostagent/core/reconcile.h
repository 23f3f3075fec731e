/* reconcile - what to do next for each instance of this host, from what shall be and what is.
 *
 * Level-triggered: there is no queue of commands, only facts. `reconcile_next` compares and names
 * the next single step of some instance; the shell carries it out, observes again and reports the
 * end. So a crash between any two steps costs nothing but the repetition of one.
 *
 *   no container:  image -> fetch -> unpack -> create
 *   container:     [replace: stop -> remove] update, record, start | stop | restart | freeze | thaw
 *   retired:       stop -> remove -> clear (files to the tombstone)
 *
 * An address that this host does not hold yet is asked for on its VLAN first (claims), beside
 * image, package and container; until it was silent no record is written, so nothing is started
 * with it.
 *
 * One step per instance is in flight, with limits per kind of step over all; a failure delays its
 * own instance only (1 s doubling to 5 min, with jitter). Only `retired` removes anything for good.
 * Pure: the caller passes time; jitter comes from the seed.
 */
#ifndef HOSTAGENT_RECONCILE_H
#define HOSTAGENT_RECONCILE_H

#include "cpus.h"
#include "desired.h"
#include "health.h"
#include "probes.h"
#include "sot_rand.h"
#include "vlans.h"

typedef enum action_kind {
	ACTION_NONE,
	ACTION_IMAGE,  /* have the image: inspect, pull when absent */
	ACTION_FETCH,  /* download and verify the package's blob */
	ACTION_UNPACK, /* blob to packages/<sha256> */
	ACTION_CREATE, /* folders, container; adopts one that exists */
	ACTION_RECORD, /* net record and identity file */
	ACTION_START,
	ACTION_STOP,
	ACTION_RESTART, /* the process runs with an older record, or is gone unnoticed */
	ACTION_UPDATE,  /* limits and processors */
	ACTION_REMOVE,  /* the container: retired, or to be made anew */
	ACTION_CLEAR,   /* net record; instance folder to .retired */
	ACTION_FREEZE,  /* all its processes are held still */
	ACTION_THAW,
	ACTION_COUNT
} action_kind;
const char *action_name(action_kind kind);

typedef struct action {
	action_kind kind;
	desired_instance *want;              /* borrowed: take a reference to keep it */
	char container_id[PLAN_SHA256_TEXT]; /* "" when there is none */
	cpus processors; /* of ACTION_CREATE and ACTION_UPDATE: what to bind it to; empty: leave it */
} action;

/* What the Engine says of a container. */
typedef struct container_facts {
	char id[PLAN_SHA256_TEXT];
	char fingerprint[PLAN_SHA256_TEXT]; /* label sot.spec_sha256 */
	bool running;
	bool frozen;             /* it runs, held still */
	bool engine_restarts_it; /* Docker's restart policy is at work */
	bool ever_started;
	int pid;
	int64_t started_unix_ms;
	uint64_t memory_bytes;
	uint32_t cpu_milli;
	uint32_t pids_max, io_weight; /* 0: none, or the kernel has no such limit */
	cpus processors;              /* empty: all */
	uint32_t engine_restarts;
	char upper_dir[256]; /* of its root file system: what it wrote itself; "" when it has none */
	char exit_text[200]; /* why it does not run */
	/* What the kernel says of pid, when the Engine says that it runs. */
	bool process_gone;
	uint64_t process_start; /* ticks since boot; tells a pid that was given anew. 0: not known */
} container_facts;

/* What the state folder says of an instance. */
typedef struct file_facts {
	const char *record, *used_record, *resolv; /* texts, NULL when absent; copied */
	size_t packages; /* so many of its packages are there, in their order */
	bool blob;       /* of the next one */
	bool folder;     /* instances/<id> exists */
	uint64_t stamp;  /* of what was read; for instance_files_stamp */
} file_facts;

typedef struct instance instance;
typedef struct reconcile reconcile;

typedef struct reconcile_limits {
	unsigned pulls, fetches, starts, others;
} reconcile_limits;

/* Borrows the VLANs, for as long as it lives. */
reconcile *reconcile_new(
    const char *state_dir, const vlans *networks, reconcile_limits limits, uint64_t seed);
reconcile *reconcile_free(reconcile *r);
SOT_DEFINE_AUTO(reconcile)

/* Takes over a set: new instances appear, changed ones are compared anew, missing ones are let go
 * (their containers stay). */
void reconcile_set_desired(reconcile *r, const desired *d, sot_mono now);
/* The processors of this host, before the first step. */
void reconcile_set_processors(reconcile *r, const cpus *online);
/* The text of the host's own resolv.conf, before the first set: for VLANs without resolvers. */
void reconcile_set_resolv(reconcile *r, sot_str text);
/* What is known of the VLANs is different now: records follow. */
void reconcile_vlans_changed(reconcile *r);
/* Asks for the addresses that are to be bound and are not held here yet, and takes the answers;
 * once a turn, before reconcile_next. */
void reconcile_claim(reconcile *r, probes *p, sot_mono now);
/* Somebody else was heard with an address: who has not bound it yet will not. */
void reconcile_stranger(reconcile *r, uint16_t vlan_id, sot_ip address, sot_mac mac);
/* The addresses that were found to be somebody else's, as lines of text. Kept in a file they
 * outlive the agent: whoever comes next does not bind one because that somebody is silent. */
void reconcile_taken(const reconcile *r, sot_buf *out);
/* Takes such lines up again, after the first set. What was given anew since, or cannot be read,
 * counts for nothing. */
void reconcile_recall_taken(reconcile *r, sot_str lines);
/* While the Engine does not answer no step begins and nobody's delay grows. */
void reconcile_set_engine(reconcile *r, bool ok);

/* Whether this host holds an instance that shall run: because of what it does to others. `why` is
 * its error meanwhile. */
typedef enum hold_kind { HOLD_NONE, HOLD_FREEZE, HOLD_STOP } hold_kind;
void reconcile_hold(reconcile *r, sot_uuid id, hold_kind hold, const char *why);

/* Facts of one instance; container NULL: it has none; files NULL: as at the last time. Unknown
 * instances are ignored. */
void reconcile_observe(reconcile *r, sot_uuid id, const container_facts *container,
    const file_facts *files, sot_mono now);
/* The next step to begin, of kind ACTION_NONE when there is none now. */
action reconcile_next(reconcile *r, sot_mono now);
/* The step in flight ended. `observed`: its facts were read again since; otherwise nothing more is
 * done with the instance until they are. */
void reconcile_finished(
    reconcile *r, sot_uuid id, sot_code code, const sot_err *why, bool observed, sot_mono now);
/* When the earliest delayed step is due; INT64_MAX when none is. */
int64_t reconcile_next_due_ms(const reconcile *r, sot_mono now);

/* What an instance has bound on this host, by the record of its process, or for one that does not
 * run by the record of its next. */
typedef struct binding {
	sot_uuid instance_id;
	bool is_running;
	int pid; /* of PID 1, when it runs */
	char bridge[16], host_link[16];
	uint16_t vlan_id, vrf;
	sot_mac mac;
	sot_ip address, address_v6;                         /* none when absent */
	uint64_t address_generation, address_v6_generation; /* 0 when they are not known */
	uint32_t bandwidth_kbit; /* that is wanted now, in each direction; 0: no limit */
} binding;
/* False when it has bound nothing. */
bool instance_binding(const instance *i, binding *ret);
/* Grows with every change of what instances have bound. */
uint64_t reconcile_binding_changes(const reconcile *r);

/* ---- instances ---- */
instance *reconcile_find(const reconcile *r, sot_uuid id);
instance *reconcile_iterate(const reconcile *r, sot_map_iter *it);
size_t reconcile_count(const reconcile *r);
desired_instance *instance_want(const instance *i); /* borrowed */
health *instance_health(instance *i);
/* What the checks say; unhealthy whatever they say when PID 1 ends again and again. */
sot_health instance_health_state(const instance *i);
const container_facts *instance_container(const instance *i); /* NULL when there is none */
hold_kind instance_hold(const instance *i);
/* Its facts are as new as the last step, and no step is under way. */
bool instance_is_settled(const instance *i);
/* Of the files that it was observed with last; 0 when they have to be read in any case. */
uint64_t instance_files_stamp(const instance *i);
bool instance_has_step_in_flight(const instance *i);
void instance_set_health_error(instance *i, const char *text);
/* What to tell the scheduler. Texts borrow from the instance until it changes. */
sot_instance_status instance_status(const instance *i);

#endif
