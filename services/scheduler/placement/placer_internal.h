/* placer_internal - the structures behind placer.h. Private to this folder. */
#ifndef SCHEDULER_PLACER_INTERNAL_H
#define SCHEDULER_PLACER_INTERNAL_H

#include "placer.h"
#include "sot_map.h"

#include <assert.h>
#include <string.h>

enum {
	CACHE_LINE = 64,
	AHEAD = 8,          /* changed hosts that are fetched before they are looked at */
	CATCH_UP = 32,      /* changed hosts that are read from the log at a time */
	BLOCK = 32,         /* hosts of one rack whose costs lie side by side; the unit of the index */
	LOG_SIZE = 1 << 12, /* changed hosts of a zone that a class can catch up with one by one */
	LANES = 8,          /* a profile is padded to a multiple of this */
	COST_ONE = 1 << 20, /* costs are compared as integers: the same everywhere */
	COST_MAX = 0x3fffffff,
};

/* A cell of a class: the cost of a host, or why it is none. */
enum {
	CELL_BAD = 0x40000000,
	CELL_ELIGIBLE = 0x200,  /* counts as a domain for skew: what is missing may come back */
	CELL_VOID = 0x7fffffff, /* no host here */
};

#define EXCLUSIVE_BROKEN UINT64_MAX

#define REASON_BIT(reason) (1u << (reason))
/* Obstacles that take a host out of the domains of a spread rule. */
#define STATIC_REASONS                                                                             \
	(REASON_BIT(PLACER_REASON_OFFLINE) | REASON_BIT(PLACER_REASON_CORDONED) |                      \
	    REASON_BIT(PLACER_REASON_ENGINE) | REASON_BIT(PLACER_REASON_TAG_MISSING) |                 \
	    REASON_BIT(PLACER_REASON_TAG_FORBIDDEN) | REASON_BIT(PLACER_REASON_REPELLED) |             \
	    REASON_BIT(PLACER_REASON_NETWORK))

/* Counts by key, sorted by key: an app's hosts, a host's apps. The keys lie side by side, because
 * they are what is searched; behind them, in the same piece of memory, the counts, and how many of
 * each leave. A part is there from the first time on that it says anything: instances that are
 * spread count 1 everywhere, and seldom does one leave. */
typedef struct tally {
	uint32_t *keys;
	uint32_t count, cap;
	uint32_t leaving; /* the sum */
	uint32_t parts;   /* 1: every count is 1; 2: with counts; 3: with those that leave */
} tally;

/* Words that it has. */
static inline size_t tally_room(const tally *t)
{
	return (size_t)t->cap * t->parts;
}

static inline uint32_t tally_count_at(const tally *t, uint32_t at)
{
	return t->parts > 1 ? t->keys[t->cap + at] : 1;
}

static inline uint32_t tally_staying_at(const tally *t, uint32_t at)
{
	return tally_count_at(t, at) - (t->leaving > 0 ? t->keys[2 * t->cap + at] : 0);
}

/* Index of the first key that is not below this one. */
uint32_t tally_lower_bound(const tally *t, uint32_t key);
/* Index of the key, PLACER_NONE when it is not there. */
uint32_t tally_find(const tally *t, uint32_t key);
/* Adds to both counters; a key whose count comes to zero is removed. */
void tally_add(tally *t, uint32_t key, int32_t count, int32_t leaving);
void tally_clear(tally *t);

static inline uint32_t tally_count(const tally *t, uint32_t key)
{
	uint32_t at = tally_find(t, key);
	return at == PLACER_NONE ? 0 : tally_count_at(t, at);
}

static inline uint32_t tally_staying(const tally *t, uint32_t key)
{
	uint32_t at = tally_find(t, key);
	return at == PLACER_NONE ? 0 : tally_staying_at(t, at);
}

typedef struct host {
	/* Read by every evaluation: two cache lines, fetched ahead. */
	_Alignas(CACHE_LINE) int32_t free[PLACER_DIMS];
	uint16_t state;         /* placer_state */
	uint16_t load_permille; /* the worst known, 0 when nothing is known */
	uint32_t instances;
	placer_tags tags, repels;
	uint64_t exclusive; /* what all its instances share, 0: they are not exclusive */
	uint32_t workloads[PLACER_WORKLOADS];
	uint32_t position;   /* in the cells of a class */
	uint32_t rack_key;   /* zone and rack */
	uint64_t settled_at; /* place in the log of the last change of more than what stands there */
	int32_t *used;       /* slots of cpu, then of memory, for profiled shapes; else NULL */
	/* Read by profiled shapes. */
	float load_cost; /* penalty, price, peak and variance of what stands there */
	/* The rest. */
	uint32_t first; /* of its instances */
	int32_t limit[PLACER_DIMS];
	uint64_t logged; /* its last place in the log of its zone */
	uint64_t version;
	tally apps;
	placer_host_spec spec;
} host;

/* A rack among the domains of an app: zone by zone, so that those of one zone lie side by side. */
enum { ZONE_SHIFT = 20, ZONES_MAX = 1 << 12, RACKS_MAX = 1 << ZONE_SHIFT };

static inline uint32_t rack_key_of(uint32_t az, uint32_t rack_id)
{
	return az << ZONE_SHIFT | rack_id;
}

static inline uint32_t key_rack(uint32_t rack_key)
{
	return rack_key & (RACKS_MAX - 1);
}

static inline uint32_t key_az(uint32_t rack_key)
{
	return rack_key >> ZONE_SHIFT;
}

typedef struct rack {
	uint32_t az;
	uint32_t *blocks;
	uint32_t block_count, block_cap;
	uint32_t fill; /* hosts in the last block */
} rack;

typedef struct change_note {
	uint32_t host; /* PLACER_NONE: it changed again, there is a later note */
	uint32_t position;
} change_note;

typedef struct zone {
	uint32_t *blocks;
	uint32_t block_count, block_cap;
	int64_t free[2], limit[2]; /* cpu and memory of its open hosts */
	change_note *log;          /* ring of changed hosts */
	uint64_t log_head;
	uint32_t hosts;
	uint32_t first_place, place_count; /* in the index, with padding */
	int64_t share;                     /* of what is left, as of share_at; see zone_share */
	uint64_t share_at;
} zone;

typedef struct block {
	uint32_t hosts[BLOCK]; /* PLACER_NONE for none yet */
} block;

/* The first and the last of a rack's blocks in the index; no app is in a rack without blocks. */
typedef struct place_range {
	uint32_t first, last;
} place_range;

/* A block that the search under way looks at apart: a rule of the app refuses its cheapest host. */
typedef struct apart_block {
	uint32_t place, host; /* the best of the others, PLACER_NONE for none */
	int32_t cost;
} apart_block;

typedef struct shape {
	int32_t need[PLACER_DIMS]; /* with a profile: the peaks */
	int32_t *profile;          /* padded, NULL for none */
} shape;

/* What makes two requests equal but for spread and rules among apps. Compared as bytes. */
typedef struct class_key {
	uint32_t shape, network;
	uint64_t workload, exclusive;
	placer_tags required, forbidden, preferred, tolerated;
} class_key;

typedef struct request_class {
	class_key key;
	uint32_t references;
	/* The cache; cells == NULL: not in it. */
	int32_t *cells;
	int32_t *best_cost; /* by place of a block; CELL_BAD and above: none fits */
	uint32_t *best_host;
	uint32_t *az_eligible, *rack_eligible; /* hosts that count for skew */
	uint32_t eligible, eligible_racks;
	uint32_t candidates; /* cells below CELL_BAD */
	uint64_t *zone_seen; /* how far it has read the zones' logs */
	uint64_t fleet_version, network_version, static_version;
	size_t bytes;
	struct request_class *older, *newer; /* in the order of use */
} request_class;

typedef struct app {
	placer_app_spec spec;
	request_class *class;
	tally domains[PLACER_LEVELS];
	uint32_t leaving;
	uint64_t version; /* counts every change of what stands */
	uint32_t *rules;  /* indexes of the rules that name it */
	uint32_t rule_count, rule_cap;
	uint32_t next_free; /* class == NULL: in the free list */
} app;

typedef struct instance {
	uint32_t app, host, shape, pool; /* pool: of its address, PLACER_NONE when not known */
	uint32_t next, prev;             /* on its host; next: in the free list */
	bool leaving, starting;
	bool holding; /* its address is not yet off the pool's free count */
} instance;

typedef struct network {
	uint32_t *pools;
	uint32_t pool_count, pool_cap;
	uint64_t version; /* grows when reach changes or a pool runs dry or is filled again */
	/* By host: ADDRESS_*; the pools taken together, as of known_version. */
	uint8_t *by_host;
	uint32_t by_host_count;
	uint64_t known_version;
} network;

enum { ADDRESS_OUT_OF_REACH, ADDRESS_NONE_LEFT, ADDRESS_LEFT };

typedef struct pool {
	uint32_t network, free;
	int64_t held;    /* below zero while the address of an instance that moves is lent */
	uint64_t *reach; /* bits by host */
	uint32_t reach_words;
} pool;

typedef struct team {
	int64_t used[PLACER_DIMS];
	int32_t limit[PLACER_DIMS];
	bool limited;
} team;

typedef enum entry_kind {
	ENTRY_PUT,
	ENTRY_TAKE,
	ENTRY_CHANGE,
	ENTRY_HOST,
	ENTRY_HOST_ADD,
	ENTRY_APP,
} entry_kind;

typedef struct entry {
	entry_kind kind;
	uint32_t id;       /* instance, host or app */
	uint32_t host;     /* that it touches, or PLACER_NONE */
	instance instance; /* as it was */
	uint64_t version;  /* of the host, before */
	void *spec;        /* the old one; owned */
} entry;

/* An array that grows; the name of its fields: x, x_count, x_cap. */
#define PUSH(array, count, cap)                                                                    \
	__extension__({                                                                                \
		if ((count) == (cap)) {                                                                    \
			size_t cap_ = (cap) ? (size_t)(cap)*2 : 8;                                             \
			(array) = sot_resize_array((array), cap_, sizeof(*(array)));                           \
			(cap) = (__typeof__(cap))cap_;                                                         \
		}                                                                                          \
		memset(&(array)[count], 0, sizeof(*(array)));                                              \
		&(array)[(count)++];                                                                       \
	})

struct placer {
	placer_policy policy;
	uint32_t slots, lanes; /* lanes: slots rounded up */
	size_t cache_bytes, cache_used;
	host *hosts;
	rack *racks;
	zone *zones;
	block *blocks;
	/* The index: places of the blocks in what a class keeps of them, zone after zone (each padded
	 * to LANES), rack after rack; as of index_version. */
	uint32_t *block_places, *place_blocks;
	place_range *rack_places;
	uint32_t *place_marks; /* == mark: left out by the search under way, or looked at apart */
	apart_block *apart;
	uint32_t place_count, mark;
	uint64_t index_version;
	shape *shapes;
	app *apps;
	instance *instances;
	network *networks;
	pool *pools;
	team *teams;
	placer_rule *rules;
	uint32_t host_count, host_cap, rack_count, rack_cap, zone_count, zone_cap, block_count,
	    block_cap, shape_count, shape_cap, app_count, app_cap, instance_count, instance_cap,
	    network_count, network_cap, pool_count, pool_cap, team_count, team_cap, rule_count,
	    rule_cap;
	uint32_t free_instance, free_app; /* heads of the lists */
	uint32_t mixing[PLACER_WORKLOADS][PLACER_WORKLOADS];
	uint32_t mixing_with[PLACER_WORKLOADS]; /* bits: classes that have some limit with this one */
	uint32_t present;                       /* hosts that are not absent */
	/* Means over the fleet, as factors; valid for fleet_version. */
	int64_t total[PLACER_DIMS];
	uint32_t having[PLACER_DIMS]; /* hosts with any of it */
	float per_mean[PLACER_DIMS];  /* 1 / mean host; 0 when it plays no part in the cost */
	uint64_t fleet_version;       /* grows with every change of capacities */
	bool means_stale;
	sot_map *classes;
	request_class *newest, *oldest; /* of those in the cache */
	uint64_t static_version;        /* grows with every change of who counts for skew */
	entry *journal;
	size_t journal_count, journal_cap;
	uint32_t open_marks;
	/* Scratch of one decision, sized by the fleet. */
	uint32_t *zone_order, *zone_rank;
	uint32_t zone_scratch_cap;
};

/* ---- fleet ---- */
/* To be called after every change of what a decision on the host reads; `settled`: of its state,
 * tags or whom it repels. */
void host_changed(placer *p, uint32_t host, bool settled);
/* Sets what follows from the spec and from what stands there. */
void host_apply_spec(placer *p, uint32_t host, const placer_host_spec *spec);
/* Books (sign 1) or unbooks (-1) the shape on the host. */
void host_book(placer *p, host *h, const shape *s, int sign);
void fleet_refresh_means(placer *p);
/* Brings by_host of the network up to date. */
void network_refresh(placer *p, uint32_t network);
/* The pool an instance on the host would draw from, PLACER_NONE when none has any left. */
uint32_t network_pool_for(const placer *p, uint32_t network, uint32_t host);
void pool_hold(placer *p, uint32_t pool, int sign);

/* ---- index ---- */
/* Gives every block its place, if racks or hosts came since. */
void index_refresh(placer *p);
size_t index_bytes(const placer *p);
void index_clear(placer *p);
/* A mark that no place has. */
uint32_t index_new_mark(placer *p);

/* ---- cost ---- */
float cost_load_of(const placer *p, const host *h);
void cost_parts(const placer *p, const request_class *c, const host *h, placer_parts *ret);
int32_t cost_of(const placer *p, const request_class *c, const host *h);
/* Bits by reason, without those of the app. The network must be refreshed (class_sync does). */
uint32_t class_obstacles(const placer *p, const request_class *c, uint32_t host);
/* The cost of the host, or why it is none, as a cell. */
int32_t cell_of(const placer *p, const request_class *c, uint32_t host);
/* The cells of changed hosts, which the class held before; `seen`: as far as it had read the log.
 */
void cells_again(const placer *p, const request_class *c, const change_note *notes, uint32_t count,
    uint64_t seen, int32_t *ret_cells);
/* As class_obstacles, and refreshes the network: for changes between two looks at one class. */
uint32_t class_obstacles_now(placer *p, const request_class *c, uint32_t host);

/* ---- classes ---- */
request_class *class_of(placer *p, const placer_app_spec *spec, uint32_t app);
void class_release(placer *p, request_class *c);
/* Who counts for skew is up to date afterwards; the costs of a zone are after class_sync_zone. */
void class_sync(placer *p, request_class *c);
void class_sync_zone(placer *p, request_class *c, uint32_t zone);
void class_sync_all(placer *p, request_class *c);
static inline bool cell_is_eligible(int32_t cell)
{
	return cell < CELL_BAD || (cell != CELL_VOID && (cell & CELL_ELIGIBLE));
}

/* ---- apps ---- */
/* A domain of the level is closed to the app when as many of it stay there; UINT32_MAX: never. */
typedef struct ceilings {
	uint32_t of[PLACER_LEVELS];
} ceilings;
/* The class must be in sync. */
ceilings spread_ceilings(const placer *p, const request_class *c, uint32_t app);
/* Bits by reason of the app's own rules: spread and rules among apps. */
uint32_t app_obstacles(const placer *p, uint32_t app, uint32_t host, const ceilings *limits);
uint32_t rule_obstacles(const placer *p, uint32_t app, uint32_t host);
uint32_t quota_obstacle(const placer *p, uint32_t app, uint32_t shape);
void quota_book(placer *p, uint32_t app, uint32_t shape, int sign);
/* The key of the host's domain in the tallies of an app. */
static inline uint32_t host_domain(const placer *p, uint32_t host_id, placer_level level)
{
	uint32_t rack_key = p->hosts[host_id].rack_key;

	if (level == PLACER_HOST)
		return host_id;
	return level == PLACER_RACK ? rack_key : key_az(rack_key);
}
void app_apply_spec(placer *p, uint32_t app, const placer_app_spec *spec);

/* ---- instances, journal ---- */
/* The record's host, app, shape, pool and flags; returns the handle. */
uint32_t instance_put(placer *p, const instance *record);
/* Takes it and puts it there, whether it fits or not, under the same handle. */
void instance_move_to(placer *p, uint32_t id, uint32_t host);
/* The entry to fill in, NULL when no mark is open. */
entry *journal_add(placer *p, entry_kind kind, uint32_t id, uint32_t host);

static inline bool tags_hold(placer_tags all, placer_tags these)
{
	return (these.bits[0] & ~all.bits[0]) == 0 && (these.bits[1] & ~all.bits[1]) == 0;
}

static inline bool tags_meet(placer_tags a, placer_tags b)
{
	return ((a.bits[0] & b.bits[0]) | (a.bits[1] & b.bits[1])) != 0;
}

#endif
