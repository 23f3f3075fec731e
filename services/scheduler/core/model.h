/* model - the objects behind the controller and what is dirty about them. Private to core/.
 *
 * Every change of a row goes through a function of this header or ends with touch_*; what is dirty
 * is written by the next batch. Pointers between objects are borrowed; the controller owns all.
 */
#ifndef SCHEDULER_MODEL_H
#define SCHEDULER_MODEL_H

#include "controller.h"
#include "placer.h"
#include "sot_map.h"
#include "sot_rand.h"

/* Appends one zeroed item to owner->array (with array_count and array_cap beside it by name). */
#define VECTOR_PUSH(array, count, cap)                                                             \
	__extension__({                                                                                \
		if ((count) == (cap)) {                                                                    \
			size_t cap_ = (cap) ? (cap)*2 : 8;                                                     \
			(array) = sot_grow_array((array), (cap), cap_, sizeof(*(array)));                      \
			(cap) = cap_;                                                                          \
		}                                                                                          \
		&(array)[(count)++];                                                                       \
	})

#define HOST_CPU_OVERCOMMIT 4 /* as the CHECK of scheduler.host */

/* A place in one of the controller's dirty lists; unlinked = clean. */
typedef sot_link dirty_mark;

typedef struct image {
	image_row row;
	dirty_mark dirty;
} image;

typedef struct host {
	host_row row;
	dirty_mark dirty;
	sot_link all;
	sot_link changed;   /* in controller.changed_hosts while `pushes` is not empty */
	sot_link pushes;    /* instances whose spec changed since the last generation */
	sot_link instances; /* placed here, not retired */
	bool has_session;   /* said hello in this leadership */
	uint64_t agent_start_id, status_seq;
	sot_mono last_seen;
	int64_t seen_written_unix_ms;
	uint32_t handle; /* in the placer; PLACER_NONE: not there yet */
	sot_link stale;  /* in controller.fleet.hosts: the placer has not seen the last change */
} host;

typedef struct group {
	group_row row;
	dirty_mark dirty;
} group;

typedef struct app app;
typedef struct operation operation;

/* What ipam is asked for an instance. */
typedef enum address_need {
	ADDRESS_NOTHING,
	ADDRESS_ACQUIRE,
	ADDRESS_BIND,
	ADDRESS_CONFLICT, /* the agent found `conflict` in use by somebody else */
	ADDRESS_RELEASE,
	ADDRESS_NEEDS
} address_need;

/* A VLAN as ipam tells it: where it reaches, what is free. Free counts are hints. */
typedef struct vlan {
	sot_link all;
	char name[33], group[33];
	uint64_t told_v4;   /* free addresses, as ipam told last */
	uint64_t settings;  /* digest of what its interfaces are told */
	char shortage[401]; /* what uses its addresses, while none is free */
	uint64_t free_v4;   /* the same, less what was placed since its last answer */
	struct vlan_place {
		enum sot_scope_kind kind;
		char name[64];
	} * places; /* owned; none: everywhere */
	size_t place_count;
} vlan;

typedef struct instance {
	instance_row row;
	dirty_mark dirty;
	app *app;
	host *host;
	sot_link of_app, of_host, push;
	address_need need;
	bool asked; /* a request to ipam that names it is open */
	bool bound; /* ipam knows that it is in use */
	struct {
		sot_ip address; /* none: no conflict */
		sot_mac mac;
	} conflict;
	bool has_failed;
	sot_mono failed_since;
	uint32_t handle; /* in the placer, while it stands on a host */
	sot_link stale;  /* in controller.fleet.instances */
} instance;

struct app {
	app_row row;
	dirty_mark dirty;
	sot_link all;
	group *group;
	version_row *versions;
	size_t version_count, version_cap;
	sot_link instances; /* oldest first */
	sot_link queue;     /* operations, the first one runs */
	sot_link asking;    /* in controller.asking while an instance needs something of ipam */
	sot_mono ask_after[ADDRESS_NEEDS];
	char address_text[OPERATION_TEXT_MAX]; /* why there is no address yet */
	uint32_t handle;                       /* in the placer, PLACER_NONE before it is used */
};

typedef struct step {
	step_row row;
	dirty_mark dirty;
	sot_mono since; /* when it began, in this leadership */
} step;

struct operation {
	operation_row row;
	dirty_mark dirty;
	sot_link all, queued, awake;
	app *app;     /* NULL for none */
	step **steps; /* owned */
	size_t step_count, step_cap;
	uint64_t next_line;
	sot_mono place_after; /* no attempt to place before */
	char place_text[OPERATION_TEXT_MAX];
};

/* An open request to ipam. */
typedef struct asked {
	uint64_t request_id;
	address_need need;
	sot_uuid app_id;
	sot_uuid *instances;
	size_t instance_count;
} asked;

/* An open logs_read. */
typedef struct relay {
	sot_link all;
	uint64_t agent_request_id, request_id;
	controller_peer from;
	sot_mono deadline;
} relay;

struct controller {
	controller_config config;
	sot_rand rand;
	controller_now now; /* of the event that is handled */
	sot_map *plans, *images, *hosts, *hosts_by_name, *apps, *apps_by_name, *groups, *instances,
	    *instances_by_name, *by_address, *operations, *keys, *asked;
	sot_link all_hosts, all_apps, all_operations, awake, asking, changed_hosts, relays;
	/* The model as the placer sees it: fleet.c. */
	struct {
		placer *placer;
		sot_map *zones, *racks, *shapes, *networks; /* to a fleet_item */
		host **by_handle;
		size_t by_handle_count, by_handle_cap;
		sot_link hosts, instances; /* stale ones */
	} fleet;
	struct {
		sot_link hosts, images, apps, groups, instances, operations, steps;
	} dirty;
	controller_batch *next; /* rows to append and effects of the next batch */
	instance **buried;      /* retired, freed after the batch that writes them */
	operation **ended;
	app **deleted;
	size_t buried_count, buried_cap, ended_count, ended_cap, deleted_count, deleted_cap;
	struct {
		size_t buried, ended, deleted;
	} written; /* how many of them the last batch held */
	bool capacity_changed;
	struct {
		sot_map *by_name;
		sot_link all;
		uint64_t version;                 /* of ipam's last answer */
		uint64_t changes;                 /* counts the answers that changed one */
		uint64_t request_id;              /* 0: no question is open */
		bool known;                       /* there was an answer in this leadership */
		char blocked[OPERATION_TEXT_MAX]; /* why ipam gives nothing out now, or "" */
	} vlans;
	uint64_t next_request_id;
	sot_arena *arena; /* for the message that is handled */
	controller_stats stats;
};

/* ---- make and find ---- */
sot_uuid model_new_id(controller *c);
instance *model_find_instance(controller *c, sot_uuid id);
app *model_find_app(controller *c, sot_str name);
host *model_find_host(controller *c, sot_str name);
/* The instance whose row holds the address, NULL when none. */
instance *model_address_holder(const controller *c, uint16_t vrf, sot_ip address);
/* `held` (&i->row.v4 or .v6) becomes `next`; an address of none for nothing. */
void model_set_address(controller *c, instance *i, held_address *held, const held_address *next);
/* It holds an address of either family. */
bool model_holds_address(const instance *i);
const version_row *model_find_version(const app *a, const char *version);
const key_row *model_find_key(const controller *c, const char *actor, const char *key);
void model_remember_key(controller *c, const key_row *row);

/* Adders take the row's content over (owned texts included) and link it everywhere. */
image *model_add_image(controller *c, const image_row *row);
host *model_add_host(controller *c, const host_row *row);
app *model_add_app(controller *c, app_row *row);
group *model_add_group(controller *c, app *a, const group_row *row);
void model_add_version(controller *c, app *a, const version_row *row, bool write);
instance *model_add_instance(controller *c, app *a, instance_row *row);
operation *model_add_operation(controller *c, operation_row *row);
step *model_add_step(controller *c, operation *o, const step_row *row);

/* ---- dirty ---- */
void touch_image(controller *c, image *i);
void touch_host(controller *c, host *h);
void touch_app(controller *c, app *a);
void touch_group(controller *c, group *g);
void touch_instance(controller *c, instance *i);
void touch_operation(controller *c, operation *o);
void touch_step(controller *c, step *s);

/* ---- hosts and booking ---- */
void model_book(controller *c, instance *i, host *h); /* the instance stands on h from now on */
void model_unbook(controller *c, instance *i);
/* The spec of an instance changed: its host's agent must hear of it (if it has one). */
void model_spec_changed(controller *c, instance *i);

/* ---- life and death ---- */
/* Moves and emits instance.state; an edge that the table lacks is a bug. */
void instance_move(controller *c, instance *i, instance_state to);
void instance_set_error(instance *i, sot_str text);
/* Out of all lists; written as retired and freed with the next batch. */
void model_bury_instance(controller *c, instance *i);
void model_delete_app(controller *c, app *a);
/* The operation ended: only its key is remembered. */
void model_end_operation(controller *c, operation *o);
void wake_operation(controller *c, operation *o);
/* Wakes the operation that runs on the app. */
void wake_app(controller *c, app *a);
/* The operation that runs on the app, NULL when none. */
operation *app_operation(const app *a);

/* ---- what is said ---- */
/* data: JSON object text. */
void say_event(controller *c, const char *kind, const char *subject, const app *a, const host *h,
    const operation *o, sot_buf *data);
void say_log(controller *c, operation *o, log_level level, const char *fmt, ...) SOT_PRINTF(4, 5);
controller_effect *say_effect(controller *c, controller_effect_kind kind);
/* A buffer for a frame or a JSON object. */
void model_text_init(sot_buf *b);
/* The bytes of `text` as a NUL-terminated value of `dst`; cut when too long. */
void model_copy_text(char *dst, size_t dst_size, sot_str text);

#endif
