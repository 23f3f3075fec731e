/* rows - the rows that the controller owns, as values. What a batch writes and what take-over reads
 * are the same structs, so that the database, the simulator's store and the memory cannot drift.
 *
 * Pure. Texts of the caller's length are owned pointers and are copied by *_row_copy and freed by
 * *_row_clear; all others are bounded by the schema. Times are Unix milliseconds, 0 for NULL.
 */
#ifndef SCHEDULER_ROWS_H
#define SCHEDULER_ROWS_H

#include "messages.h"
#include "rows_catalogue.h"
#include "rows_instance.h"
#include "rows_rollout.h"
#include "shared.h"
#include "sot_ip.h"
#include "sot_mem.h"
#include "sot_uuid.h"

/* "vlan", or "vlan/pool" for a named pool of it; the same of groups of VLANs. */
enum { VLAN_REF_MAX = 66 };

/* Most bytes of texts that the schema bounds. */
enum {
	NAME_MAX_BYTES = 30,  /* of an app, a group, a team */
	PLAN_MAX_BYTES = 32,  /* a zone and a rack, too */
	LABEL_MAX_BYTES = 63, /* a host, an instance: a label of DNS */
	WORD_MAX_BYTES = 64,  /* an image, a version */
	TARGET_MAX_BYTES = 80,
	ACTOR_MAX_BYTES = 128,
	KEY_MAX_BYTES = 128,
	PATH_MAX_BYTES = 200,
	REASON_MAX_BYTES = 255,
	COMMAND_MAX_BYTES = 500,
};

typedef struct plan_row {
	char name[33];
	uint32_t cpu_milli;
	uint64_t memory_bytes, disk_bytes;
	uint32_t bandwidth_kbit; /* each direction; 0: no limit */
	bool cpu_pinned;
	uint32_t pids_max;
	uint16_t io_weight;
} plan_row;

/* A quota of 0 is no limit. */
typedef struct team_row {
	char name[31];
	uint32_t cpu_milli;
	uint64_t memory_bytes, disk_bytes;
	uint32_t instances;
} team_row;

typedef struct host_class_row {
	char name[31];
	uint32_t cpu_overcommit_permille, memory_overcommit_permille, disk_overcommit_permille;
	uint32_t reserve_cpu_milli;
	uint64_t reserve_memory_bytes, reserve_disk_bytes;
	uint32_t max_instances, max_starts; /* 0: no limit */
} host_class_row;

/* On a host that runs `workload`, at most so many of `beside`. */
typedef struct mixing_row {
	enum sot_workload workload, beside;
	uint32_t at_most;
} mixing_row;

/* ---- placement rules of an app ---- */
#define LEVELS 3 /* of enum sot_spread_level */
typedef struct spread_row {
	bool prefer;
	uint32_t max_skew, max_count; /* 0: no rule */
} spread_row;

typedef struct relation_row {
	enum sot_relation_kind kind;
	enum sot_spread_level level;
	uint32_t count; /* of kind apart */
	char app[31];   /* by name: one that is deleted and made again is meant again */
} relation_row;

/* What the lists of words of an app are for. */
typedef enum tag_use {
	TAGS_REQUIRED,
	TAGS_FORBIDDEN,
	TAGS_PREFERRED,
	TAGS_TOLERATED,
	TAGS_ZONES,
	TAG_USES
} tag_use;

typedef struct placement_row {
	enum sot_workload workload;
	enum sot_exclusive exclusive;
	uint8_t priority;
	bool preemptable;
	uint32_t max_unavailable;
	spread_row spread[LEVELS];
	char *tags[TAG_USES];    /* owned, never NULL: words with commas between, "" for none */
	relation_row *relations; /* owned */
	size_t relation_count;
} placement_row;
#define RELATIONS_MAX 16

typedef struct group_row {
	sot_uuid id, app_id;
	char name[31];
	uint32_t next_number;    /* numbers are never used twice */
	bool deleted;            /* kept for its numbers */
	const char *version;     /* shared; of a rollout over this group alone; "": its app's */
	const char *environment; /* shared; "" for none */
} group_row;

typedef struct health_row {
	enum sot_health_check kind;
	uint16_t port;
	const char *path, *command; /* shared */
	uint32_t interval_ms, timeout_ms, start_period_ms;
	uint8_t healthy_after, unhealthy_after, restart_after; /* restart_after 0: never */
} health_row;

typedef struct env_row {
	char *name, *value; /* owned */
} env_row;

/* What is set of an app at once; texts are owned, NULL for none. */
typedef struct app_settings {
	char *labels;               /* "environment=test,tier=web", by name */
	char *windows;              /* of maintenance, "sat,sun 22:00-04:00;daily 02:00-03:00" in UTC */
	char *opt_outs;             /* middleware packages that only its own people give it; "*": all */
	char *middleware_before;    /* the versions before, of packages that were changed */
	const char *version_before; /* shared, never NULL; "" for none */
	uint32_t keep_versions, keep_days; /* of its packages; keep_versions 0: all */
} app_settings;

typedef struct app_row {
	sot_uuid id;
	char name[31];
	bool deleting;
	const char *image, *plan, *vlan, *version; /* shared */
	const char *team;                          /* shared, "" for none */
	health_row health;
	char *command;    /* owned, never NULL */
	char *middleware; /* owned; "jdk=17,tomcat=10.1" by name, NULL for none */
	env_row *env;     /* owned */
	size_t env_count;
	placement_row placement;
	int64_t created_unix_ms, updated_unix_ms;
	enum sot_recovery recovery;   /* of its instances, when their host is lost */
	enum sot_on_return on_return; /* which copy survives when that host is back */
	app_settings settings;
} app_row;

typedef enum host_state {
	HOST_REGISTERED,
	HOST_ONLINE,
	HOST_SUSPECT,
	HOST_AGENT_LOST,
	HOST_HOST_LOST,
	HOST_DOCKER_SICK,
	HOST_DRAINING,
	HOST_MAINTENANCE,
	HOST_RETIRED,
	HOST_STATES
} host_state;

/* What the operators use it for; its state says so while its agent speaks. */
typedef enum host_duty { DUTY_ACTIVE, DUTY_DRAINING, DUTY_MAINTENANCE, HOST_DUTIES } host_duty;

/* Who says that a host is lost. */
typedef enum loss_proof { LOSS_NONE, LOSS_WITNESSES, LOSS_OPERATOR, LOSS_PROOFS } loss_proof;

#define HOST_WORD_MAX 32 /* bytes of a version */
#define HOST_KERNEL_MAX 64
#define HOST_REASON_MAX 400
typedef struct host_row {
	sot_uuid id;
	char name[64], public_key[41], boot_id[41];
	sot_ip address; /* of the machine, as its agent told; none: not known */
	bool revoked, schedulable;
	host_state state;
	const char *az, *rack, *class;      /* shared.h, never NULL */
	const char *tags, *repels;          /* shared.h, never NULL: words with commas between */
	const char *windows, *rack_windows; /* shared.h, never NULL: of maintenance */
	/* shared.h, never NULL: what containers.c keeps of those that no assignment knows */
	const char *containers, *ignored;
	uint64_t generation; /* of the desired set */
	/* shared.h, never NULL */
	const char *hostname, *agent_version, *kernel, *docker_version;
	uint32_t cpu_milli, booked_cpu_milli, booked_instances;
	uint64_t memory_bytes, disk_bytes, booked_memory_bytes, booked_disk_bytes;
	/* What its class says, for the database's guard. */
	uint32_t cpu_overcommit_permille, memory_overcommit_permille, disk_overcommit_permille;
	uint32_t reserve_cpu_milli, max_instances, unknown_containers;
	uint64_t reserve_memory_bytes, reserve_disk_bytes;
	int64_t created_unix_ms, seen_unix_ms;
	host_duty duty;
	loss_proof lost_by; /* of the last loss */
	int64_t lost_unix_ms;
	const char *reason; /* shared.h, never NULL: of its state */
} host_row;

/* The order to a host to give up its copy of an instance that stands elsewhere now: losses.c. */
typedef struct departure_row {
	sot_uuid host_id, instance_id;
	uint64_t generation;
	enum sot_desired_state desired; /* stopped: it may be wanted back; retired */
	char name[64], app[31];         /* of the instance, which may be gone */
	int64_t created_unix_ms;
	bool is_gone; /* the row is to be deleted */
} departure_row;

/* What an agent told of an instance's use since its row was written last. */
typedef struct use_row {
	sot_uuid instance_id;
	bool is_used;
	int64_t at_unix_ms;
} use_row;

/* Whether replacing lost hosts has stopped itself: brake.c. */
typedef struct brake_row {
	bool engaged;
	char reason[401];
	int64_t since_unix_ms;
} brake_row;

typedef enum operation_state {
	OPERATION_QUEUED,
	OPERATION_RUNNING,
	OPERATION_DONE,
	OPERATION_FAILED,
	OPERATION_CANCELLED,
	OPERATION_STATES
} operation_state;

typedef enum operation_kind {
	OPERATION_APP_CREATE,
	OPERATION_APP_SCALE,
	OPERATION_APP_DELETE,
	OPERATION_APP_DEPLOY,
	OPERATION_INSTANCE_START,
	OPERATION_INSTANCE_STOP,
	OPERATION_INSTANCE_RESTART,
	OPERATION_INSTANCE_RETIRE,
	OPERATION_INSTANCE_MOVE,
	OPERATION_APP_RESIZE,
	OPERATION_APP_REBUILD,
	OPERATION_APP_MIDDLEWARE,
	OPERATION_INSTANCE_RESIZE,
	OPERATION_INSTANCE_FREEZE,
	OPERATION_INSTANCE_UNFREEZE,
	OPERATION_INSTANCE_REBUILD,
	OPERATION_INSTANCE_ADOPT,
	OPERATION_APP_UPDATE, /* from here on in no queue of an app */
	OPERATION_PACKAGE_REGISTER,
	OPERATION_IMAGE_REGISTER,
	OPERATION_HOST_REGISTER,
	OPERATION_HOST_CORDON,
	OPERATION_HOST_UNCORDON,
	OPERATION_HOST_SET,
	OPERATION_HOST_CLASS_SET,
	OPERATION_HOST_CLASS_DELETE,
	OPERATION_PLAN_SET,
	OPERATION_PLAN_DELETE,
	OPERATION_TEAM_SET,
	OPERATION_TEAM_DELETE,
	OPERATION_MIXING_SET,
	OPERATION_CANCEL,
	OPERATION_BULK_START, /* with a child for each target; the order of bulk_action */
	OPERATION_BULK_STOP,
	OPERATION_BULK_RESTART,
	OPERATION_BULK_RETIRE,
	OPERATION_BULK_SCALE,
	OPERATION_BULK_DEPLOY,
	OPERATION_BULK_REBUILD,
	OPERATION_BULK_MIDDLEWARE,
	OPERATION_APP_RECOVERY,
	OPERATION_HOST_DECLARE_LOST,
	OPERATION_HOST_REPLACE,
	OPERATION_HOST_EVACUATE,
	OPERATION_HOST_RETURN,
	OPERATION_BRAKE_RELEASE,
	OPERATION_HOST_DRAIN, /* a bulk operation of moves */
	OPERATION_HOST_RETIRE,
	OPERATION_FLEET_REBALANCE, /* a bulk operation of moves */
	OPERATION_IMAGE_ADD,
	OPERATION_IMAGE_TEST,
	OPERATION_IMAGE_PROMOTE,
	OPERATION_IMAGE_RETIRE,
	OPERATION_IMAGE_REMOVE,
	OPERATION_ROLLOUT_PAUSE, /* the order of rollout_action */
	OPERATION_ROLLOUT_RESUME,
	OPERATION_ROLLOUT_BACK,
	OPERATION_GROUP_SET,
	OPERATION_GROUP_DELETE,
	OPERATION_GROUP_MOVE,
	OPERATION_ELASTIC_SET,
	OPERATION_ELASTIC_DELETE,
	OPERATION_APP_LABELS, /* the order of app_setting */
	OPERATION_APP_MAINTENANCE,
	OPERATION_APP_RETENTION,
	OPERATION_HOST_MAINTENANCE,
	OPERATION_HOST_CONTAINER,
	OPERATION_MIDDLEWARE_RETENTION,
	OPERATION_KINDS
} operation_kind;

/* The children of a bulk operation; those that are in none of the last three have not ended. */
typedef struct children_row {
	uint32_t total, done, failed, cancelled;
} children_row;

typedef struct operation_row {
	sot_uuid id;
	operation_kind kind;
	sot_uuid app_id;                           /* zero for none */
	const char *target, *actor, *key, *reason; /* shared, as all texts here but spec */
	uint8_t request_sha256[32];
	sot_uuid resource_id;
	sot_uuid parent_id; /* the bulk operation it is a part of; zero for none */
	sot_uuid retry_of;  /* the ended operation that it goes on with; zero for none */
	uint64_t position;  /* counts what was accepted: queues are in this order */
	sot_uuid *targets;  /* owned: what a retry goes on with */
	size_t target_count;
	uint32_t parallel, failures_max; /* of a bulk operation; failures_max 0: no end */
	children_row children;
	char *spec;          /* owned JSON object, never NULL: what was asked, for people */
	const char *version; /* read back from spec: app.deploy */
	const char *plan;    /* read back from spec: *.resize; "": as it is */
	/* read back from spec: instance.resize; a number of kbit, "plan", or "" */
	const char *bandwidth;
	const char *image; /* read back from spec: app.rebuild; of app.middleware the package's name */
	const char *group; /* read back from spec: app.scale, app.deploy; "": the whole app */
	const char *to_host;      /* read back from spec: instance.move; "": the best one */
	uint32_t count;           /* read back from spec: app.create, app.scale */
	enum sot_scale_pick pick; /* read back from spec: app.scale */
	uint32_t deadline_s;      /* read back from spec: host.drain; 0: none */
	bool include_pinned;      /* read back from spec: host.evacuate */
	operation_state state;
	const char *waits_for, *error;
	const char *outcome;      /* what stands after a failure or a cancellation */
	const char *cancelled_by; /* set before the end: a parent waits for what runs */
	uint32_t progress_done, progress_total;
	int64_t created_unix_ms, updated_unix_ms, started_unix_ms, finished_unix_ms;
} operation_row;

typedef enum step_kind {
	STEP_PLACE,
	STEP_ADDRESS,
	STEP_START,
	STEP_HEALTHY,
	STEP_DEPLOY,
	STEP_STOP,
	STEP_RESTART,
	STEP_REMOVE,
	STEP_RELEASE,
	STEP_TARGET,
	STEP_LEAVE,
	STEP_RESIZE,
	STEP_FREEZE,
	STEP_UNFREEZE,
	STEP_REBUILD,
	STEP_REPLACE,
	STEP_RETURN,
	STEP_ROLL_BACK, /* to what its app runs */
	STEP_ROTATE_OUT,
	STEP_ROTATE_IN,
	STEP_MIDDLEWARE,
	STEP_KINDS
} step_kind;

/* How many of a thousand requests failed, as it was told last; kept in memory only. */
typedef struct error_report {
	int64_t at_unix_ms; /* 0: never */
	uint32_t milli;     /* in thousandths */
} error_report;

typedef struct step_row {
	sot_uuid operation_id;
	uint32_t ordinal;
	sot_uuid instance_id;
	step_kind kind;
	uint16_t batch; /* of a rollout, from 1; 0: of none */
	operation_state state;
	const char *subject; /* shared: name of the instance */
	const char *detail;  /* shared */
	int64_t started_unix_ms, finished_unix_ms;
} step_row;

/* What the placer decided for an operation, and why: instances that found hosts together, or (with
 * the operation's own id) what it waits for. Written only; kept while an instance names it. */
typedef struct decision_row {
	sot_uuid id, operation_id;
	bool refused, open;               /* nothing fitted; and it still waits */
	int64_t at_unix_ms, next_unix_ms; /* next: the latest time of the next try while it waits */
	char *data; /* owned JSON object; "{}" closes what an earlier leader wrote, if it did */
} decision_row;

/* What an idempotency key was used for: which request, which answer. */
typedef struct used_key {
	uint8_t request_sha256[32];
	sot_uuid operation_id, resource_id;
} used_key;

typedef struct key_row {
	char actor[129], key[129];
	used_key used;
} key_row;

typedef enum log_level { LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS } log_level;

typedef struct log_row {
	sot_uuid operation_id;
	uint64_t line;
	int64_t at_unix_ms;
	log_level level;
	char *text; /* owned */
} log_row;

typedef struct event_row {
	const char *kind; /* a literal of the catalogue */
	char subject[129], app[31], host[64], actor[129];
	sot_uuid operation_id;
	char *data; /* owned JSON object */
} event_row;

typedef struct audit_row {
	char actor[129], source_address[65], api_request_id[65];
	const char *action; /* a literal */
	char target[81];
	sot_uuid operation_id;
} audit_row;

/* What a batch has placed, for the database's guard: the most of the app that memory allowed in the
 * zone, the rack and on the host then; INT32_MAX: no rule. */
typedef struct placed_row {
	sot_uuid instance_id;
	uint32_t most[LEVELS];
} placed_row;

/* ---- placement_row.c ---- */
/* Nothing asked for but soft spread. */
placement_row placement_row_default(void);
void placement_row_copy(placement_row *to, const placement_row *from);
void placement_row_clear(placement_row *row);
bool placement_row_eq(const placement_row *a, const placement_row *b);
/* As the API and the column scheduler.app.placement show it. */
void placement_row_json(const placement_row *row, sot_buf *out);
/* The relations as one text and back: "apart host 2 shop,together rack 0 db". SOT_INTERNAL when it
 * cannot be read. */
sot_code relations_parse(sot_str text, placement_row *row, sot_err *err) SOT_CHECK;
/* Some hard rule: what the database's guard looks at. */
bool placement_row_is_guarded(const placement_row *row);
/* The next word of a list with commas between; false at its end. */
bool words_next(sot_str *rest, sot_str *ret_word);

/* ---- app_settings.c ---- */
void app_settings_copy(app_settings *to, const app_settings *from);
void app_settings_clear(app_settings *s);
/* As the API shows it. */
void app_settings_json(const app_settings *s, sot_buf *out);

/* Init: every shared text is "". Copy: deep, into an uninitialised `to`. Clear frees what the row
 * owns. */
void group_row_init(group_row *row);
void group_row_copy(group_row *to, const group_row *from);
void group_row_clear(group_row *row);
void step_row_copy(step_row *to, const step_row *from);
void step_row_clear(step_row *row);
void app_row_init(app_row *row);
void app_row_copy(app_row *to, const app_row *from);
void app_row_clear(app_row *row);
void host_row_init(host_row *row);
void host_row_copy(host_row *to, const host_row *from);
void host_row_clear(host_row *row);
void operation_row_init(operation_row *row);
void operation_row_copy(operation_row *to, const operation_row *from);
void operation_row_clear(operation_row *row);

/* The words of the database and the API; never NULL. */
const char *host_state_name(host_state state);
const char *instance_state_name(instance_state state);
const char *operation_state_name(operation_state state);
const char *operation_kind_name(operation_kind kind);
const char *step_kind_name(step_kind kind);
const char *log_level_name(log_level level);
const char *health_name(enum sot_health health);
const char *desired_name(enum sot_desired_state desired);
const char *health_check_name(enum sot_health_check kind);
const char *host_duty_name(host_duty duty);
const char *loss_proof_name(loss_proof proof);
const char *image_state_name(image_state state);
const char *image_smoke_name(image_smoke smoke);
const char *recovery_name(enum sot_recovery recovery);
const char *scale_pick_name(enum sot_scale_pick pick);
const char *on_return_name(enum sot_on_return on_return);

/* The value of a word; SOT_INTERNAL with the word when the table does not have it (a row that this
 * version does not understand). */
sot_code host_state_parse(sot_str word, host_state *ret, sot_err *err) SOT_CHECK;
sot_code instance_state_parse(sot_str word, instance_state *ret, sot_err *err) SOT_CHECK;
sot_code operation_state_parse(sot_str word, operation_state *ret, sot_err *err) SOT_CHECK;
sot_code operation_kind_parse(sot_str word, operation_kind *ret, sot_err *err) SOT_CHECK;
sot_code step_kind_parse(sot_str word, step_kind *ret, sot_err *err) SOT_CHECK;
sot_code health_parse(sot_str word, enum sot_health *ret, sot_err *err) SOT_CHECK;
sot_code desired_parse(sot_str word, enum sot_desired_state *ret, sot_err *err) SOT_CHECK;
sot_code workload_parse(sot_str word, enum sot_workload *ret, sot_err *err) SOT_CHECK;
sot_code exclusive_parse(sot_str word, enum sot_exclusive *ret, sot_err *err) SOT_CHECK;
sot_code health_check_parse(sot_str word, enum sot_health_check *ret, sot_err *err) SOT_CHECK;

sot_code host_duty_parse(sot_str word, host_duty *ret, sot_err *err) SOT_CHECK;
sot_code loss_proof_parse(sot_str word, loss_proof *ret, sot_err *err) SOT_CHECK;
sot_code image_state_parse(sot_str word, image_state *ret, sot_err *err) SOT_CHECK;
sot_code image_smoke_parse(sot_str word, image_smoke *ret, sot_err *err) SOT_CHECK;
sot_code recovery_parse(sot_str word, enum sot_recovery *ret, sot_err *err) SOT_CHECK;
sot_code scale_pick_parse(sot_str word, enum sot_scale_pick *ret, sot_err *err) SOT_CHECK;
sot_code on_return_parse(sot_str word, enum sot_on_return *ret, sot_err *err) SOT_CHECK;

/* Appends a number in decimal: a batch has 100,000 of them a second, and printf is slower. */
void row_add_i64(sot_buf *out, int64_t v);
/* Behind `before`, as `,"name":`. */
void row_add_member(sot_buf *out, const char *before, uint32_t v);

/* Whether the table of edges allows the change; staying is allowed. */
bool host_state_may(host_state from, host_state to);
bool instance_state_may(instance_state from, instance_state to);
bool operation_state_may(operation_state from, operation_state to);
bool operation_state_is_final(operation_state state);
bool operation_kind_is_bulk(operation_kind kind);

#endif
