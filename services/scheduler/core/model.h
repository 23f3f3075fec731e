/* model - the objects behind the controller and what is dirty about them. Private to core/.
 *
 * Every change of a row goes through a function of this header or ends with touch_*; what is dirty
 * is written by the next batch. Pointers between objects are borrowed; the controller owns all.
 */
#ifndef SCHEDULER_MODEL_H
#define SCHEDULER_MODEL_H

#include <string.h>

#include "controller.h"
#include "model_instance.h"
#include "placer.h"
#include "sot_index.h"
#include "sot_map.h"
#include "sot_rand.h"

/* Appends one zeroed item to owner->array (with array_count and array_cap beside it by name). */
#define VECTOR_PUSH(array, count, cap)                                                             \
	__extension__({                                                                                \
		if ((count) == (cap)) {                                                                    \
			size_t cap_ = (cap) ? (cap)*2 : 8;                                                     \
			(array) = sot_resize_array((array), cap_, sizeof(*(array)));                           \
			(cap) = cap_;                                                                          \
		}                                                                                          \
		memset(&(array)[count], 0, sizeof(*(array)));                                              \
		&(array)[(count)++];                                                                       \
	})

/* One text of what an instance is made of. */
#define INSTANCE_SET(c, i, field, text)                                                            \
	instance_remake_text(&(i)->row.make, (c)->shared, offsetof(instance_make, field), (text))

/* Of operation.lacks: what ipam has to give. */
#define LACKS_VLAN (1u << PLACER_REASON_NETWORK | 1u << PLACER_REASON_ADDRESSES)

#define WORKLOADS 4       /* of enum sot_workload */
#define GIVING_WAY_MAX 16 /* instances that leave for one placement */
#define MIXING_FREE UINT32_MAX

/* A place in one of the controller's dirty lists; unlinked = clean. */
typedef sot_link dirty_mark;

#define GREETING_URGENCIES 3

/* One limit on starts in flight (starts.c). */
typedef struct start_gauge {
	uint32_t flying;
	sot_link parked; /* instances whose start waits for this limit */
} start_gauge;

typedef struct start_team start_team;

/* The start of an instance from its turn in line until it is over (starts.c). */
typedef struct start {
	struct instance *of;
	bool flies;        /* else it waits */
	sot_link line;     /* in its app's line, or parked at a limit, while it waits */
	sot_link all;      /* in controller.starts.flying */
	struct host *host; /* what it holds while it flies */
	start_gauge *rack, *pull;
	sot_mono since;
} start;

typedef struct image {
	image_row row;
	sot_link versions;
	dirty_mark dirty;
} image;

typedef struct image_version {
	image_version_row row; /* without texts */
	sot_link of_image;
} image_version;

/* What others were asked about a silent host: witnesses.c. */
#define WITNESSES 3
typedef enum question_end {
	QUESTION_OPEN,
	QUESTION_UNKNOWN, /* the witness cannot tell */
	QUESTION_SILENT,
	QUESTION_ANSWERED,
} question_end;
typedef struct inquiry {
	struct question {
		uint64_t request_id;
		sot_uuid witness;
		question_end end;
	} questions[WITNESSES];
	size_t count, needed;
	bool is_open;
	sot_mono begun, silent_at;
	unsigned silent_rounds;   /* in a row */
	char who[WITNESSES * 66]; /* found it silent in the last of them */
} inquiry;

typedef struct departure {
	departure_row row;
	struct host *host;
	sot_link of_host;
} departure;

typedef struct host {
	host_row row;
	dirty_mark dirty;
	sot_link all;
	sot_link changed;   /* in controller.changed_hosts while `pushes` is not empty */
	sot_link pushes;    /* instances whose spec changed since the last generation */
	sot_link instances; /* placed here, not retired */
	sot_link arrivals;  /* moving to here: booked, not here yet */
	uint64_t agent_start_id, status_seq;
	sot_mono last_seen;
	int64_t seen_written_unix_ms;
	struct {
		double level[PLACER_LOADS], trend[PLACER_LOADS]; /* thousandths; a second */
		sot_mono at;                                     /* when it came */
		int64_t period_ms;
		sot_mono back_at;
		bool known;   /* a report came in time */
		bool is_back; /* came (back) to life at back_at, not long ago */
	} load;
	sot_link greeting; /* in controller.greetings while it waits for its whole set */
	start_gauge starts;
	sot_link stale;      /* in controller.fleet.hosts: the placer has not seen the last change */
	inquiry *inquiry;    /* owned; NULL: nobody is asked about it */
	sot_link departures; /* copies of instances that stand elsewhere now */
	uint32_t handle;     /* in the placer; PLACER_NONE: not there yet */
	bool has_session;    /* said hello in this leadership */
	bool only_booked;    /* while dirty: nothing but the booking and the generation changed */
	bool departures_changed; /* since the last generation */
	bool is_excused;         /* from the brake: silent when it was released */
} host;

typedef struct group {
	group_row row;
	dirty_mark dirty;
	bool is_written; /* as of instance */
	sot_link of_app;
} group;

typedef struct app app;
typedef struct operation operation;

/* A VLAN as ipam tells it: where it reaches, what is free. Free counts are hints. */
typedef struct vlan {
	sot_link all;
	char name[VLAN_REF_MAX], group[VLAN_REF_MAX];
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

#define STOCK_HOSTS 8 /* of one app */

/* Elastic scaling of an app as a whole, or of one of its groups: elastic.c. */
typedef struct app_elastic {
	app *app;
	char group[31];   /* "": the whole app, and then no group has rules of its own */
	sot_link of_app;  /* in app.elastics */
	elastic *e;       /* NULL: it has no rules any more */
	sot_link all;     /* in controller.all_elastics while it has */
	dirty_mark dirty; /* rules, or what must outlast the leader */
	char updated_by[129];
	int64_t updated_unix_ms;
	bool is_news; /* something was heard since the last look */
	sot_mono looked;
	bool unknown; /* something is not known since then */
	sot_mono unknown_since;
	struct {
		bool any;
		elastic_decision decision;
		sot_mono at;
	} said; /* the decision that was kept last */
	/* Hosts that were told what its next instances are made of: stock.c. */
	struct {
		struct host *hosts[STOCK_HOSTS]; /* hosts are never freed before the controller */
		size_t host_count;
		uint64_t digest;
		sot_mono told, looked;
	} stock;
} app_elastic;

struct app {
	app_row row;
	sot_link elastics; /* owned: app_elastic, also those without rules any more */
	dirty_mark dirty;
	bool is_written; /* as of instance */
	sot_link all;
	group *group;        /* the first one, `default` */
	sot_link groups;     /* all, deleted ones too */
	error_report errors; /* of the app as a whole */
	version_row *versions;
	size_t version_count, version_cap;
	sot_link instances; /* oldest first */
	sot_link queue;     /* operations, the first one runs */
	sot_link to_bind;   /* in controller.to_bind after a take-over */
	sot_link asking;    /* in controller.asking while an instance needs something of ipam */
	sot_mono ask_after[ADDRESS_NEEDS];
	uint8_t ask_failures[ADDRESS_NEEDS]; /* in a row: the pauses between grow */
	struct {
		sot_link ready;   /* instances whose start waits for its turn */
		sot_link in_team; /* while there are any */
		start_team *team; /* of in_team */
	} starts;
	const char *address_text; /* shared; why there is no address yet */
	uint32_t handle;          /* in the placer, PLACER_NONE before it is used */
	uint64_t told; /* controller.fleet.catalog when its rules were told; 0: they are not */
};

typedef struct step {
	step_row row;
	dirty_mark dirty;
	bool is_written; /* as of instance */
	operation *of;
	sot_mono since; /* when it began, in this leadership */
	/* Of a command in the instance (rotation.c): when its agent was asked last, what it said. */
	sot_mono asked;
	enum { ROTATION_OPEN, ROTATION_DONE, ROTATION_FAILED } rotation;
} step;

typedef struct rollout {
	rollout_row row;
	dirty_mark dirty;
	size_t first_open; /* all steps before it are over */
	sot_mono blocked_since, unwell_since;
	bool is_blocked; /* nobody may be taken away */
	bool is_unwell;  /* one that was changed and healthy is not any more */
} rollout;

struct operation {
	operation_row row;
	rollout *rollout; /* owned; NULL when it is none */
	dirty_mark dirty;
	bool is_written;    /* as of instance */
	sot_link of_hosts;  /* in controller.host_operations */
	sot_link of_drains; /* in controller.drains: it empties a host */
	sot_link look;      /* in controller.looks */
	sot_link all, queued, awake;
	app *app; /* NULL for none */
	operation *parent;
	sot_link children, sibling; /* open children, in order; in parent->children */
	uint32_t running_children;
	step **steps; /* owned */
	size_t step_count, step_cap;
	uint64_t next_line;
	sot_mono looked_at;
	sot_mono place_after; /* no attempt to place before */
	/* While it waits for hosts: why, as its row says it. */
	decision_row refusal;
	bool is_decided;    /* a decision has its id: the one of the commit that writes it first */
	dirty_mark refused; /* in controller.dirty.refusals */
	sot_link waits;     /* in controller.waiting while it lacks something */
	uint32_t lacks;     /* first reasons of hosts, bits by placer_reason */
	sot_mono explained; /* when that was found out */
	sot_uuid giving_way[GIVING_WAY_MAX]; /* who was asked to leave for it, in this leadership */
	size_t giving_way_count;
	bool stays;             /* a move of a rebalance: it no longer pays off */
	unsigned wait_rank;     /* step_wait_rank of what it waits for, in the pass under way */
	const char *place_text; /* shared */
};

/* An open request to ipam. */
typedef struct asked {
	sot_link all; /* of an acquire: in controller.open_acquires, by request id */
	uint64_t request_id;
	address_need need;
	sot_uuid app_id;
	sot_uuid *instances;
	size_t instance_count, instance_cap;
} asked;

/* An open logs_read, usage_read or inside_read. */
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
	sot_map *plans, *teams, *host_classes, *images, *middleware, *apps, *apps_by_name, *groups,
	    *operations, *keys, *asked;
	sot_index *hosts, *hosts_by_name;
	sot_index *instances, *instances_by_name, *by_address; /* those that are not buried */
	sot_link all_hosts, all_apps, all_elastics, all_operations, awake, waiting, asking,
	    changed_hosts, relays, open_acquires;
	/* The model as the placer sees it: fleet.c. */
	struct {
		placer *placer;
		sot_map *zones, *racks, *shapes, *networks, *tags, *teams, *named; /* to a fleet_item */
		size_t guarded;   /* apps with a hard rule */
		bool told;        /* quotas, mixing and relations are as the placer has them */
		uint64_t catalog; /* counts what changes how apps' rules are told: zones, names of apps */
		host **by_handle;
		size_t by_handle_count, by_handle_cap;
		host **ghosts; /* hosts of what-ifs: absent from the placer but in one */
		size_t ghost_count;
		uint32_t present; /* hosts that are not retired */
		sot_link hosts;   /* stale ones */
		instance_marks instances;
	} fleet;
	uint32_t mixing[WORKLOADS][WORKLOADS]; /* at most so many of the second beside the first */
	struct {
		sot_link hosts, images, apps, groups, operations, steps, refusals, rollouts, elastics;
		instance_marks instances;
	} dirty;
	struct {
		bool plans, teams, host_classes, mixing;
	} rewrite;               /* small tables that the next batch writes as a whole */
	controller_batch *next;  /* rows to append and effects of the next batch */
	uint64_t next_number;    /* of that batch, from 1 */
	controller_batch *early; /* what may be said before it is committed; NULL: nothing */
	instance **buried;       /* retired, freed after the batch that writes them */
	operation **ended;
	app **deleted;
	size_t buried_count, buried_cap, ended_count, ended_cap, deleted_count, deleted_cap;
	struct {
		size_t buried, ended, deleted;
	} written; /* how many of them the last batch held */
	struct {
		sot_mono since; /* of the second that is counted in */
		uint32_t count;
	} uses;          /* rows that were written */
	sot_mono looked; /* operations_tick was called last */
	/* Instances of which the batch under way has an event: what happens within one batch is told as
	 * one (say.c). */
	struct told {
		instance *of;
		size_t event;        /* its place in the batch */
		instance_state from; /* INSTANCE_STATES: the event is instance.created */
	} * told;
	size_t told_count, told_cap;
	sot_link to_bind; /* apps whose instances' bindings ipam is told again */
	struct {
		sot_map *racks, *images, *by_team;
		sot_link teams, flying; /* the teams that have something ready, in turn */
		start_gauge all;
		size_t waiting;
	} starts;
	struct {
		sot_link lines[GREETING_URGENCIES];
		size_t waiting;
		int64_t tokens; /* in thousandths */
		sot_mono refilled;
	} greetings;
	bool capacity_changed; /* of hosts: whatever waits for one may find it now */
	uint32_t
	    freed; /* what else may let them fit: reasons that may be gone, bits by placer_reason */
	struct {
		sot_map *by_name;
		sot_link all;
		uint64_t version;                 /* of ipam's last answer */
		uint64_t changes;                 /* counts the answers that changed one */
		uint64_t request_id;              /* 0: no question is open */
		bool known;                       /* there was an answer in this leadership */
		char blocked[OPERATION_TEXT_MAX]; /* why ipam gives nothing out now, or "" */
	} vlans;
	/* ipam was told that this epoch leads. Until then nothing is asked for before its commit. */
	struct {
		uint64_t request_id; /* 0: no such request is open */
		sot_mono ask_after;
		bool stands;
	} fence;
	struct {
		brake_row row;
		bool is_dirty;
	} brake;
	/* The standing look at what a rebalance would save: rebalance.c. */
	struct {
		sot_mono next;
		uint32_t at;             /* the handle of the first host of its next part */
		int64_t checked_unix_ms; /* 0: not yet in this leadership */
		struct {
			uint32_t moves, mends;
			double gain;
		} finding, found; /* of this round, of the last one */
	} balance;
	sot_mono retention_next; /* versions.c looks again */
	sot_mono loaded_at;
	sot_link host_operations; /* those that follow instances of many apps */
	sot_link drains;
	sot_link looks; /* all operations, those first that were looked at longest ago */
	size_t departure_count;
	uint64_t next_request_id, next_position;
	shared_pool *shared; /* what instances have in common */
	sot_arena *arena;    /* for the message that is handled */
	controller_stats stats;
};

/* ---- instances by what they are found by: model_instances.c ---- */
void model_init_instances(controller *c);
void model_clear_instances(controller *c); /* the indexes, not the instances */
void model_index_instance(controller *c, instance *i);
void model_unindex_instance(controller *c, const instance *i); /* it holds no address any more */
instance *model_find_instance(const controller *c, sot_uuid id);
instance *model_find_instance_named(const controller *c, sot_str name);
/* All that are not buried, app by app, in the order of their making. NULL at the end. */
typedef struct instance_iter {
	const sot_link *app, *instance;
} instance_iter; /* start with {0} */
instance *model_next_instance(const controller *c, instance_iter *it);
/* The instance whose row holds the address, NULL when none. */
instance *model_address_holder(const controller *c, uint16_t vrf, sot_ip address);
/* Its address of the family, 4 or 6, becomes `next`; an address of none for nothing. */
void model_set_address(controller *c, instance *i, int family, const held_address *next);
static inline sot_uuid model_host_id(const host *h)
{
	return h ? h->row.id : (sot_uuid){{0}};
}
/* Its IPv6 address, or none. */
const held_address *instance_v6(const instance *i);
/* Where it moves to; NULL: it stays. */
host *instance_target(const instance *i);
/* As a batch has it: what it points to is the instance's. */
instance_row instance_row_of(const instance *i, sot_wall now);
/* It holds an address of either family. */
bool model_holds_address(const instance *i);

/* ---- make and find ---- */
void model_init_hosts(controller *c); /* their indexes */
sot_uuid model_new_id(controller *c);
app *model_find_app(controller *c, sot_str name);
host *model_host(const controller *c, sot_uuid id);
host *model_find_host(controller *c, sot_str name);
const version_row *model_find_version(const app *a, const char *version);
/* One that was removed, too: its name stays taken. */
version_row *model_known_version(const app *a, const char *version);
/* With the next batch; takes the row's origin. */
void model_write_version(controller *c, const version_row *row);
const used_key *model_find_key(const controller *c, const char *actor, const char *key);
void model_remember_key(controller *c, const char *actor, const char *key, const used_key *used);

/* Adders take the row's content over (owned texts included) and link it everywhere. */
image *model_add_image(controller *c, const image_row *row);
host *model_add_host(controller *c, const host_row *row);
app *model_add_app(controller *c, app_row *row);
/* By its name; `or_deleted`: one that was deleted, too. NULL: none. */
group *model_find_group(const app *a, sot_str name, bool or_deleted);
group *instance_group(const controller *c, const instance *i);
group *model_add_group(controller *c, app *a, const group_row *row);
void model_add_version(
    controller *c, app *a, const version_row *row, bool write); /* takes its origin */
/* The reference to what it is made of goes along; its name is copied. Of host_id and moving_to
 * nothing is taken over. */
instance *model_add_instance(controller *c, app *a, const instance_row *row);
operation *model_add_operation(controller *c, operation_row *row);
step *model_add_step(controller *c, operation *o, const step_row *row);

void instances_mark(instance_marks *m, instance *i, uint32_t *place);
void instances_unmark(instance_marks *m, uint32_t *place);
void instances_unmark_all(instance_marks *m); /* whose places are 0 already */

/* ---- dirty ---- */
/* The refusal of the operation is written anew. */
void touch_refusal(controller *c, operation *o);
void touch_image(controller *c, image *i);
void touch_host(controller *c, host *h);
/* Only what is booked, or the generation, changed. */
void touch_booking(controller *c, host *h);
void touch_app(controller *c, app *a);
void touch_group(controller *c, group *g);
void touch_instance(controller *c, instance *i);
void touch_operation(controller *c, operation *o);
void touch_step(controller *c, step *s);
void touch_rollout(controller *c, operation *o);

/* Takes an app away again that no batch has seen and that has nothing. */
void model_drop_app(controller *c, app *a);

/* ---- hosts and booking ---- */
void model_book(controller *c, instance *i, host *h); /* the instance stands on h from now on */
void model_unbook(controller *c, instance *i);
/* What its row says that it needs is taken off its host, and booked again after a change. */
void model_unbook_size(controller *c, instance *i);
void model_book_size(controller *c, instance *i);
/* Books on `h` as well: the instance moves there. */
void model_reserve(controller *c, instance *i, host *h);
void model_unreserve(controller *c, instance *i);
/* The spec of an instance changed: its host's agent must hear of it (if it has one). */
void model_spec_changed(controller *c, instance *i);

/* ---- life and death ---- */
/* Moves and emits instance.state; an edge that the table lacks is a bug. */
void instance_move(controller *c, instance *i, instance_state to);
void instance_set_error(controller *c, instance *i, sot_str text);
/* Out of all lists; written as retired and freed with the next batch. */
void model_bury_instance(controller *c, instance *i);
void model_delete_app(controller *c, app *a);
/* The operation ended: only its key is remembered. */
void model_end_operation(controller *c, operation *o);
void wake_operation(controller *c, operation *o);
/* Wakes the operations that follow hosts, whatever app changed. */
void wake_host_operations(controller *c);
/* Wakes what runs on the app: the first of its queue, or several parts of one bulk operation. */
void wake_app(controller *c, app *a);
/* The operation that runs on the app (of several the first), NULL when none. */
operation *app_operation(const app *a);

/* ---- what is said ---- */
/* data: JSON object text. */
void say_event(controller *c, const char *kind, const char *subject, const app *a, const host *h,
    const operation *o, sot_buf *data);
/* instance.created: told once, as it stands when the batch is taken. */
void say_instance_created(controller *c, instance *i, const operation *o);
/* instance.state; `from`: what it was. */
void say_instance_state(controller *c, instance *i, instance_state from);
/* What the events of instances in the batch under way say: the last word is the one that counts, so
 * it is written when the batch is taken. */
void say_told(controller *c);
void say_log(controller *c, operation *o, log_level level, const char *fmt, ...) SOT_PRINTF(4, 5);
controller_effect *say_effect(controller *c, controller_effect_kind kind);
/* A buffer for a frame or a JSON object. */
void model_text_init(sot_buf *b);
/* At most so many bytes of it, whole characters. */
sot_str model_cut_text(sot_str text, size_t max);
/* `field` (of shared.h) keeps as much of the text. */
void model_share_text(controller *c, const char **field, size_t max, sot_str text);
/* The same for texts that hardly ever repeat. */
void model_put_text(const char **field, size_t max, sot_str text);
/* The bytes of `text` as a NUL-terminated value of `dst`; cut when too long. */
void model_copy_text(char *dst, size_t dst_size, sot_str text);

#endif
