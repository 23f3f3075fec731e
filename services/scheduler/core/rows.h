/* rows - the rows that the controller owns, as values. What a batch writes and what take-over reads
 * are the same structs, so that the database, the simulator's store and the memory cannot drift.
 *
 * Pure. Texts of the caller's length are owned pointers and are copied by *_row_copy and freed by
 * *_row_clear; all others are bounded by the schema. Times are Unix milliseconds, 0 for NULL.
 */
#ifndef SCHEDULER_ROWS_H
#define SCHEDULER_ROWS_H

#include "messages.h"
#include "sot_ip.h"
#include "sot_mem.h"
#include "sot_uuid.h"

typedef struct plan_row {
	char name[33];
	uint32_t cpu_milli;
	uint64_t memory_bytes, disk_bytes;
	uint32_t bandwidth_kbit; /* each direction; 0: no limit */
} plan_row;

/* An address that ipam granted, and how to use it. */
typedef struct held_address {
	sot_ip address, gateway; /* none: not held; no gateway */
	uint8_t prefix;
	uint64_t generation;
} held_address;

/* What an instance's interface is told about its VLAN. */
#define DNS_MAX 3
typedef struct vlan_facts {
	uint16_t vlan_id, vrf, mtu; /* mtu 0: as the uplink */
	bool isolated;
	sot_ip dns[DNS_MAX];
	size_t dns_count;
	char dns_search[201];
	uint64_t settings; /* ipam's digest of all this */
} vlan_facts;

typedef struct image_row {
	char name[65], reference[256];
} image_row;

typedef struct version_row {
	sot_uuid app_id;
	char version[65];
	uint8_t sha256[32];
	uint64_t size_bytes;
	char file_name[201], created_by[129];
	int64_t created_unix_ms;
} version_row;

typedef struct group_row {
	sot_uuid id, app_id;
	char name[31];
	uint32_t next_number; /* numbers are never used twice */
} group_row;

typedef struct health_row {
	enum sot_health_check kind;
	uint16_t port;
	char path[201];
	uint32_t interval_ms, timeout_ms, start_period_ms;
	uint8_t healthy_after, unhealthy_after;
} health_row;

typedef struct env_row {
	char *name, *value; /* owned */
} env_row;

typedef struct app_row {
	sot_uuid id;
	char name[31], image[65], plan[33], vlan[33], version[65];
	bool deleting;
	health_row health;
	char *command; /* owned, never NULL */
	env_row *env;  /* owned */
	size_t env_count;
	int64_t created_unix_ms, updated_unix_ms;
} app_row;

typedef enum host_state {
	HOST_REGISTERED,
	HOST_ONLINE,
	HOST_SUSPECT,
	HOST_AGENT_LOST,
	HOST_DOCKER_SICK,
	HOST_RETIRED,
	HOST_STATES
} host_state;

#define HOST_TAGS_MAX 32
typedef struct host_row {
	sot_uuid id;
	char name[64], az[33], rack[33], public_key[41];
	char tags[HOST_TAGS_MAX][65];
	size_t tag_count;
	bool revoked, schedulable;
	host_state state;
	uint64_t generation; /* of the desired set */
	char boot_id[41], agent_version[33], hostname[65], kernel[65], docker_version[33];
	uint32_t cpu_milli;
	uint64_t memory_bytes, disk_bytes;
	uint32_t booked_cpu_milli;
	uint64_t booked_memory_bytes, booked_disk_bytes;
	uint32_t unknown_containers;
	int64_t created_unix_ms, seen_unix_ms;
} host_row;

typedef enum instance_state {
	INSTANCE_REQUESTED,
	INSTANCE_PLACED,
	INSTANCE_CREATING,
	INSTANCE_STARTING,
	INSTANCE_RUNNING,
	INSTANCE_STOPPING,
	INSTANCE_STOPPED,
	INSTANCE_RETIRING,
	INSTANCE_RETIRED,
	INSTANCE_FAILED,
	INSTANCE_STATES
} instance_state;

typedef struct instance_row {
	sot_uuid id, app_id, group_id;
	uint32_t number;
	char name[64];
	instance_state state;
	enum sot_health health;
	enum sot_desired_state desired;
	uint64_t generation;
	uint32_t restart_seq;
	sot_uuid host_id; /* zero: on no host */
	char vlan[33];    /* where its addresses are from; "" until it is placed */
	held_address v4, v6;
	vlan_facts net;
	sot_mac mac;
	uint32_t bandwidth_kbit;
	uint32_t cpu_milli;
	uint64_t memory_bytes, disk_bytes;
	char *image; /* owned, never NULL */
	char version[65];
	uint64_t observed_generation;
	uint32_t observed_restart_seq;
	char observed_version[65], container_id[65];
	uint32_t restarts;
	char *error; /* owned, never NULL */
	int64_t started_unix_ms, observed_unix_ms, created_unix_ms, updated_unix_ms;
} instance_row;

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
	OPERATION_PACKAGE_REGISTER,
	OPERATION_IMAGE_REGISTER,
	OPERATION_HOST_REGISTER,
	OPERATION_HOST_CORDON,
	OPERATION_HOST_UNCORDON,
	OPERATION_CANCEL,
	OPERATION_KINDS
} operation_kind;

#define OPERATION_TEXT_MAX 600
typedef struct operation_row {
	sot_uuid id;
	operation_kind kind;
	sot_uuid app_id; /* zero for none */
	char target[81], actor[129], key[129];
	uint8_t request_sha256[32];
	sot_uuid resource_id;
	char *spec;       /* owned JSON object, never NULL: what was asked, for people */
	char version[65]; /* read back from spec: app.deploy */
	uint32_t count;   /* read back from spec: app.create, app.scale */
	operation_state state;
	char waits_for[OPERATION_TEXT_MAX], error[OPERATION_TEXT_MAX];
	uint32_t progress_done, progress_total;
	int64_t created_unix_ms, updated_unix_ms, finished_unix_ms;
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
	STEP_KINDS
} step_kind;

typedef struct step_row {
	sot_uuid operation_id;
	uint32_t ordinal;
	sot_uuid instance_id;
	step_kind kind;
	char subject[64]; /* name of the instance */
	operation_state state;
	char detail[OPERATION_TEXT_MAX];
	int64_t started_unix_ms, finished_unix_ms;
} step_row;

/* An idempotency key that was used: who, which request, which answer. */
typedef struct key_row {
	char actor[129], key[129];
	uint8_t request_sha256[32];
	sot_uuid operation_id, resource_id;
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

/* Deep copies into an uninitialised `to`; clear frees what the row owns. */
void app_row_copy(app_row *to, const app_row *from);
void app_row_clear(app_row *row);
void instance_row_copy(instance_row *to, const instance_row *from);
void instance_row_clear(instance_row *row);
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

/* The value of a word; SOT_INTERNAL with the word when the table does not have it (a row that this
 * version does not understand). */
sot_code host_state_parse(sot_str word, host_state *ret, sot_err *err) SOT_CHECK;
sot_code instance_state_parse(sot_str word, instance_state *ret, sot_err *err) SOT_CHECK;
sot_code operation_state_parse(sot_str word, operation_state *ret, sot_err *err) SOT_CHECK;
sot_code operation_kind_parse(sot_str word, operation_kind *ret, sot_err *err) SOT_CHECK;
sot_code step_kind_parse(sot_str word, step_kind *ret, sot_err *err) SOT_CHECK;
sot_code health_parse(sot_str word, enum sot_health *ret, sot_err *err) SOT_CHECK;
sot_code desired_parse(sot_str word, enum sot_desired_state *ret, sot_err *err) SOT_CHECK;
sot_code health_check_parse(sot_str word, enum sot_health_check *ret, sot_err *err) SOT_CHECK;

/* Whether the table of edges allows the change; staying is allowed. */
bool instance_state_may(instance_state from, instance_state to);
bool operation_state_may(operation_state from, operation_state to);
bool operation_state_is_final(operation_state state);

#endif
