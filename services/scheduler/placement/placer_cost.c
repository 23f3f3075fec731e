/* What keeps a class of requests off a host, and what a host that fits costs.
 *
 * The cost is a price in units of "one more host in use" where load is known (profiles), and a
 * measure of what is left where only bookings are: see docs/adr/0010-placement.md. Whoever decides,
 * explains, plans or rebalances asks this file.
 */
#include "placer_internal.h"

#include <string.h>

typedef float lanes_float __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t lanes_int __attribute__((vector_size(LANES * sizeof(int32_t))));

placer_policy placer_default_policy(void)
{
	return (placer_policy){
	    .open_price = 0.05f,
	    .load_price = 2,
	    .load_knee = 0.5f,
	    .load_penalty = 10,
	    .peak_price = 0.5f,
	    .variance_price = 10,
	    .fit = 0.03f,
	    .tightness = 0.2f,
	    .imbalance = 1,
	    .scarce = 3,
	    .pressure = 10,
	    .preferred_tag = 1,
	    .load_limit_permille = 900,
	};
}

/* exp(x) - 1 for 0 <= x <= 1, to 2e-4 of its value: a polynomial, so that it is the same on every
 * machine and runs in lanes. */
#define EXP_MINUS_1(x)                                                                             \
	((x) * (1.0f + (x) * (0.5f + (x) * (1.0f / 6 + (x) * (1.0f / 24 + (x) * (1.0f / 120))))))

static float sum_lanes(const lanes_float *v)
{
	float sum = 0;

	for (int i = 0; i < LANES; i++)
		sum += (*v)[i];
	return sum;
}

/* The price of a day on a host that can give `limit`, with `more` (may be NULL) on top of `used`.
 * Slots beyond the day are zero and cost nothing. Also gives the highest use. */
static float price_of_day(
    const placer *p, const int32_t *used, const int32_t *more, int32_t limit, float *ret_peak)
{
	const placer_policy *y = &p->policy;
	float per_limit = limit > 0 ? 1.0f / (float)limit : 0, peak = 0;
	lanes_float over = {0}, below = {0}, sum = {0}, squares = {0}, most = {0};

	for (uint32_t t = 0; t < p->lanes; t += LANES) {
		lanes_int use;
		memcpy(&use, used + t, sizeof(use));
		if (more) {
			lanes_int add;
			memcpy(&add, more + t, sizeof(add));
			use += add;
		}
		lanes_float share = __builtin_convertvector(use, lanes_float) * per_limit;
		lanes_int above = share > y->load_knee;
		lanes_float excess = share - y->load_knee;
		excess = (lanes_float)((lanes_int)excess & above);
		over += EXP_MINUS_1(excess);
		below += share - excess;
		sum += share;
		squares += share * share;
		lanes_int higher = share > most;
		most = (lanes_float)(((lanes_int)share & higher) | ((lanes_int)most & ~higher));
	}
	for (int i = 0; i < LANES; i++)
		peak = most[i] > peak ? most[i] : peak;
	float slots = (float)p->slots, mean = sum_lanes(&sum) / slots;
	float variance = sum_lanes(&squares) / slots - mean * mean;
	*ret_peak = peak * (float)limit;
	return y->load_penalty * sum_lanes(&over) / slots + y->load_price * sum_lanes(&below) / slots +
	       y->peak_price * (peak - mean) + y->variance_price * variance;
}

float cost_load_of(const placer *p, const host *h)
{
	float peak;
	return price_of_day(p, h->used, NULL, h->limit[PLACER_CPU], &peak);
}

static float absolute(float x)
{
	return x < 0 ? -x : x;
}

/* How badly the host would be filled: cpu left, cpu and memory left unequally, scarce things left
 * to nobody; in mean hosts. */
static float fit_of(const placer *p, const host *h, const shape *s, float cpu_left)
{
	const placer_policy *y = &p->policy;
	float cpu = cpu_left * p->per_mean[PLACER_CPU];
	float memory =
	    (float)(h->free[PLACER_MEMORY] - s->need[PLACER_MEMORY]) * p->per_mean[PLACER_MEMORY];
	float fit = y->tightness * cpu + y->imbalance * absolute(cpu - memory);

	for (int d = PLACER_DEVICE_0; d < PLACER_DIMS; d++) {
		if (p->per_mean[d] > 0)
			fit += y->scarce * (float)(h->free[d] - s->need[d]) * p->per_mean[d];
	}
	return y->fit * fit;
}

static float pressure_of(const placer *p, const host *h)
{
	float over = (float)h->load_permille / 1000 - p->policy.load_knee;
	return over > 0 ? p->policy.pressure * EXP_MINUS_1(over) : 0;
}

static int lacking(const placer_tags *wanted, const placer_tags *has)
{
	return __builtin_popcountll(wanted->bits[0] & ~has->bits[0]) +
	       __builtin_popcountll(wanted->bits[1] & ~has->bits[1]);
}

typedef struct terms {
	float open, load, fit, pressure, preference;
} terms;

static inline terms terms_of(const placer *p, const request_class *c, const host *h)
{
	const shape *s = &p->shapes[c->key.shape];
	float cpu_left = (float)(h->free[PLACER_CPU] - s->need[PLACER_CPU]);
	terms t = {0};

	if (s->profile) {
		float peak;
		t.load = price_of_day(p, h->used, s->profile, h->limit[PLACER_CPU], &peak) - h->load_cost;
		t.open = h->instances == 0 ? p->policy.open_price : 0;
		cpu_left = (float)h->limit[PLACER_CPU] - peak;
	}
	t.fit = fit_of(p, h, s, cpu_left);
	t.pressure = h->load_permille ? pressure_of(p, h) : 0;
	if (c->key.preferred.bits[0] | c->key.preferred.bits[1])
		t.preference = p->policy.preferred_tag * (float)lacking(&c->key.preferred, &h->tags);
	return t;
}

static inline int32_t as_cost(terms t)
{
	float cost = (t.open + t.load + t.fit + t.pressure + t.preference) * COST_ONE;

	if (cost >= (float)COST_MAX)
		return COST_MAX;
	return cost <= (float)-COST_MAX ? -COST_MAX : (int32_t)cost;
}

int32_t cost_of(const placer *p, const request_class *c, const host *h)
{
	return as_cost(terms_of(p, c, h));
}

void cost_parts(const placer *p, const request_class *c, const host *h, placer_parts *ret)
{
	terms t = terms_of(p, c, h);

	ret->open = (double)t.open;
	ret->load = (double)t.load;
	ret->fit = (double)t.fit;
	ret->pressure = (double)t.pressure;
	ret->preference = (double)t.preference;
	ret->cost = (double)as_cost(t) / COST_ONE;
}

/* ---- obstacles ---- */

/* Some slot of the day would pass the limit. */
static bool day_passes(const placer *p, const int32_t *used, const int32_t *more, int32_t limit)
{
	lanes_int passes = {0};
	int32_t any = 0;

	for (uint32_t t = 0; t < p->lanes; t += LANES) {
		lanes_int use, add;
		memcpy(&use, used + t, sizeof(use));
		memcpy(&add, more + t, sizeof(add));
		passes |= use + add > limit;
	}
	for (int i = 0; i < LANES; i++)
		any |= passes[i];
	return any != 0;
}

static uint32_t amount_obstacles(const placer *p, const host *h, const shape *s)
{
	uint32_t lacks = 0;
	int32_t least = 0;

	for (int d = 0; d < PLACER_DIMS; d++)
		least |= h->free[d] - s->need[d];
	if (least >= 0)
		return 0; /* no difference is negative */
	for (int d = 0; d < PLACER_DIMS; d++)
		lacks |= (uint32_t)(h->free[d] < s->need[d]) << d;
	/* Peaks at different hours may fit where the sum of the peaks does not. */
	for (uint32_t d = PLACER_CPU; s->profile && d <= PLACER_MEMORY; d++) {
		const int32_t *more = s->profile + (size_t)d * p->lanes;
		const int32_t *used = h->used + (size_t)d * p->lanes;
		if ((lacks >> d & 1) && !day_passes(p, used, more, h->limit[d]))
			lacks &= ~(1u << d);
	}
	return lacks << PLACER_REASON_DIM;
}

static uint32_t state_obstacles(const host *h)
{
	static const uint32_t of_state[] = {
	    [PLACER_OPEN] = 0,
	    [PLACER_OFFLINE] = REASON_BIT(PLACER_REASON_OFFLINE),
	    [PLACER_CORDONED] = REASON_BIT(PLACER_REASON_CORDONED),
	    [PLACER_ENGINE_SICK] = REASON_BIT(PLACER_REASON_ENGINE),
	    [PLACER_ABSENT] = REASON_BIT(PLACER_REASON_OFFLINE),
	};
	return of_state[h->state];
}

static uint32_t tag_obstacles(const class_key *key, const host *h)
{
	uint32_t found = 0;

	if (!tags_hold(h->tags, key->required))
		found |= REASON_BIT(PLACER_REASON_TAG_MISSING);
	if (tags_meet(h->tags, key->forbidden))
		found |= REASON_BIT(PLACER_REASON_TAG_FORBIDDEN);
	if (!tags_hold(key->tolerated, h->repels))
		found |= REASON_BIT(PLACER_REASON_REPELLED);
	return found;
}

static inline bool may_mix(const placer *p, const class_key *key, const host *h)
{
	uint32_t own = (uint32_t)key->workload;

	for (uint32_t with = p->mixing_with[own]; with != 0; with &= with - 1) {
		uint32_t w = (uint32_t)__builtin_ctz(with), there = h->workloads[w];
		bool too_many_of_own = (there > 0 || w == own) && h->workloads[own] >= p->mixing[w][own];
		bool too_many_of_other = w != own && there > p->mixing[own][w];
		if (too_many_of_own || too_many_of_other)
			return false;
	}
	return true;
}

static uint32_t company_obstacles(const placer *p, const class_key *key, const host *h)
{
	bool shares = h->instances == 0 || h->exclusive == key->exclusive;

	return (shares ? 0 : REASON_BIT(PLACER_REASON_EXCLUSIVE)) |
	       (may_mix(p, key, h) ? 0 : REASON_BIT(PLACER_REASON_MIXING));
}

static uint32_t address_obstacles(const placer *p, uint32_t network_id, uint32_t host_id)
{
	static const uint32_t of_state[] = {
	    [ADDRESS_OUT_OF_REACH] = REASON_BIT(PLACER_REASON_NETWORK),
	    [ADDRESS_NONE_LEFT] = REASON_BIT(PLACER_REASON_ADDRESSES),
	    [ADDRESS_LEFT] = 0,
	};
	return network_id == PLACER_NONE ? 0 : of_state[p->networks[network_id].by_host[host_id]];
}

uint32_t class_obstacles(const placer *p, const request_class *c, uint32_t host_id)
{
	const host *h = &p->hosts[host_id];
	uint32_t found = state_obstacles(h) | tag_obstacles(&c->key, h) |
	                 company_obstacles(p, &c->key, h) |
	                 address_obstacles(p, c->key.network, host_id) |
	                 amount_obstacles(p, h, &p->shapes[c->key.shape]);

	if (h->load_permille >= p->policy.load_limit_permille)
		found |= REASON_BIT(PLACER_REASON_LOAD);
	return found;
}

/* None of the obstacles that come and go with what stands there and with its load; said fast,
 * because most hosts have none. */
static inline bool has_room(const placer *p, const request_class *c, const host *h)
{
	const class_key *key = &c->key;
	const int32_t *need = p->shapes[key->shape].need;
	int32_t least = 0;

	for (int d = 0; d < PLACER_DIMS; d++)
		least |= h->free[d] - need[d];
	if (least < 0 &&
	    (!p->shapes[key->shape].profile || amount_obstacles(p, h, &p->shapes[key->shape]) != 0))
		return false; /* the sum of the peaks passes a limit, and so does the day */
	return h->load_permille < p->policy.load_limit_permille &&
	       (h->instances == 0 || h->exclusive == key->exclusive) && may_mix(p, key, h);
}

static inline int32_t cell_of_eligible(const placer *p, const request_class *c, const host *h)
{
	return has_room(p, c, h) ? as_cost(terms_of(p, c, h)) : CELL_BAD | CELL_ELIGIBLE;
}

int32_t cell_of(const placer *p, const request_class *c, uint32_t host_id)
{
	const host *h = &p->hosts[host_id];

	if (h->state == PLACER_ABSENT)
		return CELL_VOID;
	uint32_t address = address_obstacles(p, c->key.network, host_id);
	/* Which obstacles there are is asked only when somebody wants to know why. */
	if (state_obstacles(h) != 0 || tag_obstacles(&c->key, h) != 0 ||
	    (address & REASON_BIT(PLACER_REASON_NETWORK)) != 0)
		return CELL_BAD;
	return address == 0 ? cell_of_eligible(p, c, h) : CELL_BAD | CELL_ELIGIBLE;
}

/* As cell_of, when only what stands there and its load have changed since the cell was `was`. */
static inline int32_t cell_again(
    const placer *p, const request_class *c, uint32_t host_id, int32_t was)
{
	if (!cell_is_eligible(was))
		return was;
	if (was >= CELL_BAD && address_obstacles(p, c->key.network, host_id) != 0)
		return was;
	return cell_of_eligible(p, c, &p->hosts[host_id]);
}

static inline void fetch(const placer *p, const request_class *c, change_note note)
{
	__builtin_prefetch(&p->hosts[note.host]);
	__builtin_prefetch((const char *)&p->hosts[note.host] + CACHE_LINE);
	__builtin_prefetch(&c->cells[note.position]);
	__builtin_prefetch(&c->best_cost[p->block_places[note.position / BLOCK]]);
}

/* Its block will be looked through if it was the cheapest there. */
static inline void fetch_block(const placer *p, const request_class *c, uint32_t position)
{
	const int32_t *cells = &c->cells[position / BLOCK * BLOCK];

	if (c->best_cost[p->block_places[position / BLOCK]] == c->cells[position]) {
		__builtin_prefetch(cells);
		__builtin_prefetch((const char *)cells + CACHE_LINE);
	}
}

void cells_again(const placer *p, const request_class *c, const change_note *notes, uint32_t count,
    uint64_t seen, int32_t *ret_cells)
{
	/* What is looked at soon is on its way while the present one is looked at. */
	for (uint32_t i = 0; i < count && i < AHEAD; i++)
		fetch(p, c, notes[i]);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t host_id = notes[i].host;
		if (i + AHEAD < count)
			fetch(p, c, notes[i + AHEAD]);
		ret_cells[i] = p->hosts[host_id].settled_at < seen
		                   ? cell_again(p, c, host_id, c->cells[notes[i].position])
		                   : cell_of(p, c, host_id);
		fetch_block(p, c, notes[i].position);
	}
}

uint32_t class_obstacles_now(placer *p, const request_class *c, uint32_t host_id)
{
	if (c->key.network != PLACER_NONE)
		network_refresh(p, c->key.network);
	return class_obstacles(p, c, host_id);
}
