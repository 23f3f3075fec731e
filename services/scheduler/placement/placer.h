/* placer - which host gets an instance, why, and why not the others. The pure core of placement.
 *
 * A placer holds a fleet (zones, racks, hosts), apps with their rules, and what stands where. It
 * answers one request in a microsecond because it keeps, per class of equal requests, the cost of
 * every host and repairs only what changed since; the answer is exact, no host is left unseen.
 *
 * Pure: no I/O, no clock, no randomness: the same calls give the same answers. One thread.
 * Handles are small dense numbers given out by the placer; names are the caller's business.
 * Amounts are int32 in units that the caller chooses per dimension (the scheduler: thousandths of a
 * core, MiB). Wrong handles and negative amounts are bugs of the caller and abort.
 *
 * Filter -> spread tiers -> cost. A host that passes every hard rule is a candidate; of the
 * candidates the lowest (zone, rack, host count of the app where a level is `prefer`) wins; among
 * those the cheapest; then the lower handle. With any rule on zones, the zone with more left wins
 * among equals, so that no zone runs full before the others.
 */
#ifndef SCHEDULER_PLACER_H
#define SCHEDULER_PLACER_H

#include "sot_mem.h"

#define PLACER_NONE UINT32_MAX
#define PLACER_UNLIMITED                                                                           \
	(INT32_MAX / 4) /* a capacity that never refuses; amounts stay below it                        \
	                 */

/* ---- what is counted ---- */
typedef enum placer_dim {
	PLACER_CPU,
	PLACER_MEMORY,
	PLACER_DISK,
	PLACER_PIDS,
	PLACER_INSTANCES, /* a need of one is added to every shape */
	PLACER_STARTS,    /* starts in flight: taken by put, given back by placer_started */
	PLACER_DEVICE_0,  /* countable things: GPUs, licences, ports ... */
	PLACER_DEVICE_1,
	PLACER_DEVICE_2,
	PLACER_DEVICE_3,
	PLACER_DIMS
} placer_dim;

typedef enum placer_level { PLACER_AZ, PLACER_RACK, PLACER_HOST, PLACER_LEVELS } placer_level;

/* A set of tags as bits; the caller gives each known tag a number below 128. */
typedef struct placer_tags {
	uint64_t bits[2];
} placer_tags;

enum {
	PLACER_WORKLOADS = 4, /* classes of work that are mixed or not: latency-sensitive, batch, ... */
	PLACER_LOADS = 3,     /* live load: cpu, memory, I/O */
	PLACER_LOAD_UNKNOWN = 0xffff,
	PLACER_RUNNERS_UP = 3,
	PLACER_BEST = 3,
};

typedef enum placer_state {
	PLACER_OPEN,
	PLACER_OFFLINE,
	PLACER_CORDONED,
	PLACER_ENGINE_SICK,
	PLACER_ABSENT, /* retired; not counted anywhere */
} placer_state;

/* ---- hosts ---- */
typedef struct placer_host_spec {
	uint32_t rack;
	placer_state state;
	placer_tags tags;
	placer_tags repels; /* exclusive hosts: only requests that tolerate all of these enter */
	int32_t capacity[PLACER_DIMS];
	int32_t reserve[PLACER_DIMS];             /* for the system; not given out */
	int32_t overcommit_permille[PLACER_DIMS]; /* of (capacity - reserve); 0 means 1000 */
	uint16_t load_permille[PLACER_LOADS]; /* predicted live load, PLACER_LOAD_UNKNOWN: by request */
} placer_host_spec;

/* ---- requests ---- */
/* A size. With `profile` the first two dimensions are what it uses over the day: `slots` values of
 * cpu, then `slots` of memory (copied); need[] of these two is ignored then. */
typedef struct placer_shape_spec {
	int32_t need[PLACER_DIMS];
	const int32_t *profile;
} placer_shape_spec;

/* Counts are of the app's instances that stay; those that leave do not count. */
typedef struct placer_spread {
	bool prefer;        /* soft: the domain with fewer first */
	uint32_t max_skew;  /* hard: more than the emptiest eligible domain by at most this; 0: no rule.
	                     * Eligible: holds an open host with the right tags and network. */
	uint32_t max_count; /* hard: at most so many in a domain; 0: no rule */
} placer_spread;

typedef enum placer_exclusive {
	PLACER_SHARED,
	PLACER_EXCLUSIVE_APP,  /* shares a host only with its own app, team or class of work, */
	PLACER_EXCLUSIVE_TEAM, /* if they are exclusive in the same way */
	PLACER_EXCLUSIVE_WORKLOAD,
} placer_exclusive;

typedef struct placer_app_spec {
	uint32_t shape;
	uint32_t network; /* PLACER_NONE: needs no address */
	uint32_t team;    /* PLACER_NONE: no quota */
	uint8_t workload; /* below PLACER_WORKLOADS */
	uint8_t priority; /* larger is more important */
	bool preemptable; /* may be evicted for a higher priority */
	uint32_t budget;  /* disruption: at most so many of its instances leave at a time */
	placer_exclusive exclusive;
	placer_tags required, forbidden, preferred;
	placer_tags tolerated; /* may enter hosts that repel these */
	placer_spread spread[PLACER_LEVELS];
} placer_app_spec;

typedef enum placer_rule_kind {
	PLACER_AT_MOST,         /* in a domain that runs a, at most k of b (a = b: at most k of a) */
	PLACER_TOGETHER,        /* a only in a domain that runs b */
	PLACER_PREFER_TOGETHER, /* a in a domain that runs b if any such host fits */
} placer_rule_kind;

typedef struct placer_rule {
	placer_rule_kind kind;
	placer_level level;
	uint32_t a, b, k;
} placer_rule;

/* ---- policy: one set of constants for everything; see docs/adr/0010-placement.md ---- */
typedef struct placer_policy {
	float open_price;             /* of the first profiled instance on a host */
	float load_price;             /* per share of the host's cpu below the knee */
	float load_knee;              /* share of cpu above which load costs more and more */
	float load_penalty;           /* * (exp(load - knee) - 1), mean over the day */
	float peak_price;             /* per share by which the peak stands above the mean */
	float variance_price;         /* * variance of the load over the day */
	float fit;                    /* weight of the three below */
	float tightness;              /* cpu that would be left, in mean hosts */
	float imbalance;              /* |cpu left - memory left|, in mean hosts */
	float scarce;                 /* left of a device that not every host has, in mean hosts */
	float pressure;               /* * penalty of the live load above the knee */
	float preferred_tag;          /* per preferred tag that the host lacks */
	uint16_t load_limit_permille; /* live load from which a host gets nothing */
} placer_policy;

placer_policy placer_default_policy(void);

typedef struct placer_config {
	placer_policy policy;
	uint32_t slots;     /* values of a day in a profile, 0: no profiles */
	size_t cache_bytes; /* for the costs per class of requests; 0: 32 MiB */
} placer_config;

typedef struct placer placer;
placer *placer_new(const placer_config *config);
placer *placer_free(placer *p);
SOT_DEFINE_AUTO(placer)
/* Room for so many hosts and instances at once: what is filled in steps has its arrays copied. */
void placer_reserve(placer *p, uint32_t hosts, uint32_t instances);
/* Bytes of memory that the placer holds. */
size_t placer_memory_bytes(const placer *p);

/* ---- fleet ---- */
uint32_t placer_az_add(placer *p);
uint32_t placer_rack_add(placer *p, uint32_t az);
/* An open host of the rack without capacity of cpu, memory, disk and devices, with unlimited pids,
 * instances and starts, and with unknown load. */
placer_host_spec placer_host_blank(uint32_t rack);
uint32_t placer_host_add(placer *p, const placer_host_spec *spec);
/* Everything about the host but what stands on it; the rack may not change. */
void placer_host_set(placer *p, uint32_t host, const placer_host_spec *spec);
const placer_host_spec *placer_host_spec_of(const placer *p, uint32_t host);
void placer_host_set_state(placer *p, uint32_t host, placer_state state);
void placer_host_set_load(placer *p, uint32_t host, const uint16_t permille[PLACER_LOADS]);
int32_t placer_host_free(const placer *p, uint32_t host, placer_dim dim);
uint32_t placer_host_instances(const placer *p, uint32_t host);
uint32_t placer_host_count(const placer *p); /* handles are below this */
/* In a host that runs work of class a, at most k of class b; PLACER_NONE lifts the limit. */
void placer_mixing_set(placer *p, uint8_t a, uint8_t b, uint32_t k);

/* ---- networks: addresses left, and which hosts each pool of them reaches ---- */
uint32_t placer_network_add(placer *p);
/* A pool (subnet) of a network; reaches no host at first. */
uint32_t placer_pool_add(placer *p, uint32_t network, uint32_t free);
void placer_pool_set_free(placer *p, uint32_t pool, uint32_t free);
void placer_pool_reach(placer *p, uint32_t pool, uint32_t host, bool reaches);
uint32_t placer_pool_free(const placer *p, uint32_t pool);

/* ---- apps ---- */
uint32_t placer_shape_add(placer *p, const placer_shape_spec *spec);
uint32_t placer_app_add(placer *p, const placer_app_spec *spec);
/* What one more instance of the app takes. */
void placer_need_of(const placer *p, uint32_t app, int32_t ret_need[PLACER_DIMS]);
/* What stands keeps its shape; see placer_resize. */
void placer_app_set(placer *p, uint32_t app, const placer_app_spec *spec);
/* Nothing of it may stand; its rules go with it and its handle is given out again. Not inside a
 * what-if. */
void placer_app_remove(placer *p, uint32_t app);
const placer_app_spec *placer_app_spec_of(const placer *p, uint32_t app);
/* Not inside a what-if. */
void placer_rule_add(placer *p, const placer_rule *rule);
void placer_rules_clear(placer *p, uint32_t app); /* every rule that names the app */
/* A team may book at most this; PLACER_UNLIMITED for no limit. Unknown teams have no quota. */
void placer_quota_set(placer *p, uint32_t team, const int32_t limit[PLACER_DIMS]);

/* ---- what stands where ---- */
/* Books without asking any rule: for what is already true (its address is in use and not among the
 * pool's free ones). Returns the instance. */
uint32_t placer_put(placer *p, uint32_t app, uint32_t shape, uint32_t host);
void placer_take(placer *p, uint32_t instance);
/* It will leave: still books, no longer counts for spread. */
void placer_leave(placer *p, uint32_t instance);
/* It runs: its start is no longer in flight. */
void placer_started(placer *p, uint32_t instance);
/* Its address was granted: the pool's free count that comes next no longer holds it. An instance of
 * placer_place holds an address until this call. */
void placer_addressed(placer *p, uint32_t instance);
/* Its address is of that pool: a move can keep it there. */
void placer_address_is_of(placer *p, uint32_t instance, uint32_t pool);
/* The instance has another size from now on, whether it fits or not (see placer_fits). */
void placer_resize(placer *p, uint32_t instance, uint32_t shape);
uint32_t placer_instance_host(const placer *p, uint32_t instance);
uint32_t placer_instance_app(const placer *p, uint32_t instance);
/* True when the address of the instance is not yet off its pool's free count; *ret_pool is the pool
 * of its address, PLACER_NONE when that is not known. */
bool placer_instance_holds(const placer *p, uint32_t instance, uint32_t *ret_pool);
/* How many of the app that stay stand in the host's zone, rack and on the host. */
void placer_crowding(
    const placer *p, uint32_t app, uint32_t host, uint32_t ret_counts[PLACER_LEVELS]);
/* How many of the app are lost with the worst domain of the level. */
uint32_t placer_worst_loss(const placer *p, uint32_t app, placer_level level);

/* The most of the app that may stay in any one domain of each level now; INT32_MAX: no rule. */
void placer_ceilings(placer *p, uint32_t app, uint32_t ret_most[PLACER_LEVELS]);

/* ---- decide ---- */
/* First reason of a host in this order; the counts of a refusal are by first reason. */
typedef enum placer_reason {
	PLACER_REASON_OFFLINE,
	PLACER_REASON_CORDONED,
	PLACER_REASON_ENGINE,
	PLACER_REASON_TAG_MISSING,
	PLACER_REASON_TAG_FORBIDDEN,
	PLACER_REASON_REPELLED,  /* the host is kept for others */
	PLACER_REASON_NETWORK,   /* no pool of the network reaches it */
	PLACER_REASON_ADDRESSES, /* those that do have no address left */
	PLACER_REASON_EXCLUSIVE, /* what runs there shares with nobody, or the request does not */
	PLACER_REASON_MIXING,
	PLACER_REASON_DIM, /* + placer_dim */
	PLACER_REASON_LOAD = PLACER_REASON_DIM + PLACER_DIMS,
	PLACER_REASON_SPREAD, /* + placer_level */
	PLACER_REASON_APART = PLACER_REASON_SPREAD + PLACER_LEVELS,
	PLACER_REASON_TOGETHER,
	PLACER_REASON_QUOTA,
	PLACER_REASONS
} placer_reason;

/* Why an app fits nowhere. The counts sum to hosts. */
typedef struct placer_refusal {
	uint32_t hosts;
	uint32_t count[PLACER_REASONS]; /* by the first reason of each host */
	uint32_t sole[PLACER_REASONS];  /* hosts with no other obstacle: without this one they fit */
	int32_t need[PLACER_DIMS];
	int32_t best_free[PLACER_DIMS]; /* the most left among hosts whose first reason it is */
	/* Of the hosts counted under a reason those nearest to fitting, nearest first (as `nearest`
	 * below); PLACER_NONE behind the last. */
	uint32_t best[PLACER_REASONS][PLACER_BEST];
	/* The host with fewest obstacles, then with least lacking: when all of `nearest_obstacles`
	 * (bits by placer_reason) are removed, it fits. PLACER_NONE without hosts. */
	uint32_t nearest;
	uint32_t nearest_obstacles;
	int32_t nearest_short[PLACER_DIMS]; /* what it lacks of each dimension */
} placer_refusal;

/* The host for one more instance of the app, PLACER_NONE when none fits. Changes nothing. */
uint32_t placer_choose(placer *p, uint32_t app);
/* Why placer_choose said PLACER_NONE; true for the present state also when it did not. */
void placer_refuse(placer *p, uint32_t app, placer_refusal *ret);
/* Bits by placer_reason of what keeps an instance of the app off this host; 0: it fits. */
uint32_t placer_obstacles(placer *p, uint32_t app, uint32_t host);
/* Chooses and books up to `count` instances one after the other; returns how many. When fewer and
 * ret_why is not NULL, it says why. */
uint32_t placer_place(
    placer *p, uint32_t app, uint32_t count, uint32_t *ret_instances, placer_refusal *ret_why);
/* Books one instance on the host that placer_choose answered, as placer_place does; returns it. */
uint32_t placer_place_on(placer *p, uint32_t app, uint32_t host);
/* Would the instance, as it stands, fit its host with that shape? Bits by reason, 0: yes. */
uint32_t placer_fits_resized(placer *p, uint32_t instance, uint32_t shape);

/* ---- explain ---- */
typedef struct placer_parts {
	uint32_t host;
	uint32_t crowding[PLACER_LEVELS];             /* of the app, before this instance */
	double open, load, fit, pressure, preference; /* of the cost, in its units */
	double cost;
} placer_parts;

typedef struct placer_explanation {
	placer_parts chosen;
	placer_parts runners_up[PLACER_RUNNERS_UP]; /* the next best, best first */
	uint32_t runner_up_count;
	uint32_t candidates; /* hosts that fit */
} placer_explanation;

/* Explains what placer_choose would answer now. False when nothing fits. */
bool placer_explain(placer *p, uint32_t app, placer_explanation *ret);
/* Crowding and cost of one more instance of the app on the host, which fits. */
void placer_parts_of(placer *p, uint32_t app, uint32_t host, placer_parts *ret);

/* ---- try, undo, plan ---- */
/* What changes after placer_begin (instances, hosts, apps; new hosts too) is written to a journal.
 * Rules, networks, pools, quotas and mixing may not be changed inside. Marks nest. */
typedef size_t placer_mark;
placer_mark placer_begin(placer *p);
void placer_keep(placer *p, placer_mark mark);     /* what happened since stays */
void placer_rollback(placer *p, placer_mark mark); /* and as if it never had */

typedef struct placer_move {
	uint32_t instance; /* keeps its handle when it moves; PLACER_NONE: a new one */
	uint32_t app, shape;
	uint32_t from, to; /* PLACER_NONE: new, gone */
	double gain;       /* of a rebalance: what the move saves, in units of cost */
	bool mends;        /* of a rebalance: it stood against a rule */
} placer_move;

typedef struct placer_seen {
	uint32_t id; /* of a host or an app */
	uint64_t version;
} placer_seen;

/* What a what-if did, and the versions of the hosts it added to and of the apps, as they were
 * before. */
typedef struct placer_plan {
	placer_move *moves;
	placer_seen *hosts, *apps;
	size_t move_count, move_cap, host_count, host_cap, app_count, app_cap;
	size_t refused; /* instances that found no host; set by those who plan */
	double gain;    /* what the moves save, in units of cost */
} placer_plan;

/* The puts and takes since the mark as a plan (those of one instance become one move), and rolls
 * back. Other changes since the mark (a closed host, another size) are not part of the plan. */
void placer_plan_take(placer *p, placer_mark mark, placer_plan *ret);
void placer_plan_clear(placer_plan *plan);
/* Does the plan; SOT_CONFLICT and no change when a host it adds to or an app of it has changed
 * since. The handles of new instances are written to their moves. */
sot_code placer_plan_apply(placer *p, placer_plan *plan, sot_err *err) SOT_CHECK;
/* Takes the instance from its host and puts it on the best other one; returns that host. Where the
 * pool of its address reaches, the address stays. PLACER_NONE and no change when none fits. */
uint32_t placer_move_instance(placer *p, uint32_t instance);

/* Every instance of the hosts elsewhere: drain, or a lost rack. The hosts are closed for the time
 * of planning. Inside the same mark as other changes when the caller has begun one. */
void placer_plan_evacuate(placer *p, const uint32_t *hosts, size_t host_count, placer_plan *ret);

/* Moves that each save at least `min_gain` of cost, or mend a broken rule, the worst hosts first.
 * No rule is broken on the way. */
typedef struct placer_rebalance {
	uint32_t max_moves;
	double min_gain;
	/* Whether the instance may be moved; NULL: all may. */
	bool (*may_move)(void *self, uint32_t instance);
	void *self;
	/* Only what stands on so many hosts from this handle on is moved; a count of 0: on any. */
	uint32_t first_host, host_count;
} placer_rebalance;
void placer_plan_rebalance(placer *p, const placer_rebalance *options, placer_plan *ret);
/* Whether a move of the instance to the best other host pays off now, by the same rules; then where
 * to and what it saves. Changes nothing. */
bool placer_move_pays(placer *p, uint32_t instance, double min_gain, placer_move *ret);

/* Instances of lower priority whose leaving makes room for one of `app` on ret_host: the fewest of
 * the least important, only preemptable ones, within their apps' budgets. Returns how many (at most
 * `max`), 0 when no host can be freed so. Changes nothing. */
uint32_t placer_preempt(
    placer *p, uint32_t app, uint32_t *ret_host, uint32_t *ret_instances, uint32_t max);

/* ---- text ---- */
/* "0 of 3 hosts fit: 2 memory (best has 120 MiB of 512 MiB), 1 cordoned" */
void placer_refusal_text(const placer_refusal *refusal, sot_buf *out);
/* Words for a reason such as "not online", for people; never NULL. */
const char *placer_reason_name(uint32_t reason);
/* One word for a reason such as "not_online", for programs; never NULL. */
const char *placer_reason_code(uint32_t reason);
/* What an amount of the dimension is counted in: "MiB", "thousandths of a core" or "". */
const char *placer_dim_unit(uint32_t dim);

#endif
