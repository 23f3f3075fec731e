#include "reference.h"

#include <math.h>
#include <string.h>

int32_t ref_limit(const placer_host_spec *spec, int dim)
{
	int64_t ratio = spec->overcommit_permille[dim] ? spec->overcommit_permille[dim] : 1000;
	int64_t left = (int64_t)spec->capacity[dim] - spec->reserve[dim];
	int64_t limit = left > 0 ? left * ratio / 1000 : 0;
	return limit > PLACER_UNLIMITED ? PLACER_UNLIMITED : (int32_t)limit;
}

uint32_t ref_domain(const ref_world *w, uint32_t host, placer_level level)
{
	switch (level) {
	case PLACER_AZ:
		return w->rack_zone[w->host[host].rack];
	case PLACER_RACK:
		return w->host[host].rack;
	default:
		return host;
	}
}

uint32_t ref_count(const ref_world *w, uint32_t app, placer_level level, uint32_t domain, bool all)
{
	uint32_t count = 0;
	for (int i = 0; i < REF_INSTANCES; i++) {
		const ref_instance *n = &w->instance[i];
		if (n->here && n->app == app && (all || !n->leaving) &&
		    ref_domain(w, n->host, level) == domain)
			count++;
	}
	return count;
}

/* ---- amounts ---- */

static int32_t use_at(const ref_world *w, uint32_t shape, int dim, uint32_t slot)
{
	const ref_shape *s = &w->shape[shape];
	if (s->spec.profile && dim <= PLACER_MEMORY)
		return s->day[dim][slot];
	return s->spec.need[dim];
}

static int64_t used_at(const ref_world *w, uint32_t host, int dim, uint32_t slot)
{
	int64_t used = 0;
	for (int i = 0; i < REF_INSTANCES; i++) {
		const ref_instance *n = &w->instance[i];
		if (!n->here || n->host != host)
			continue;
		if (dim == PLACER_INSTANCES) {
			used += 1;
		} else if (dim == PLACER_STARTS) {
			used += n->starting;
		} else {
			used += use_at(w, n->shape, dim, slot);
		}
	}
	return used;
}

static uint32_t slots_of(const ref_world *w, int dim)
{
	return w->slots && dim <= PLACER_MEMORY ? w->slots : 1;
}

static bool amount_fits(const ref_world *w, uint32_t shape, uint32_t host, int dim)
{
	for (uint32_t t = 0; t < slots_of(w, dim); t++) {
		int64_t more =
		    dim == PLACER_INSTANCES || dim == PLACER_STARTS ? 1 : use_at(w, shape, dim, t);
		if (used_at(w, host, dim, t) + more > ref_limit(&w->host[host], dim))
			return false;
	}
	return true;
}

static int64_t peak_need(const ref_world *w, uint32_t shape, int dim)
{
	int64_t peak = 0;
	for (uint32_t t = 0; t < slots_of(w, dim); t++) {
		int64_t use = use_at(w, shape, dim, t);
		peak = use > peak ? use : peak;
	}
	return dim == PLACER_INSTANCES || dim == PLACER_STARTS ? 1 : peak;
}

const char *ref_overbooked(const ref_world *w)
{
	for (uint32_t h = 0; h < w->hosts; h++) {
		for (int d = 0; d < PLACER_DIMS; d++) {
			for (uint32_t t = 0; t < slots_of(w, d); t++) {
				if (used_at(w, h, d, t) > ref_limit(&w->host[h], d))
					return placer_reason_name((uint32_t)(PLACER_REASON_DIM + d));
			}
		}
	}
	return NULL;
}

/* ---- rules ---- */

static uint32_t bit(uint32_t reason)
{
	return 1u << reason;
}

static uint32_t state_and_tags(const ref_world *w, const placer_app_spec *a, uint32_t host)
{
	static const uint32_t of_state[] = {[PLACER_OFFLINE] = 1u << PLACER_REASON_OFFLINE,
	    [PLACER_CORDONED] = 1u << PLACER_REASON_CORDONED,
	    [PLACER_ENGINE_SICK] = 1u << PLACER_REASON_ENGINE,
	    [PLACER_ABSENT] = 1u << PLACER_REASON_OFFLINE};
	const placer_host_spec *h = &w->host[host];
	uint32_t found = of_state[h->state];
	for (int i = 0; i < 2; i++) {
		if ((h->tags.bits[i] & a->required.bits[i]) != a->required.bits[i])
			found |= bit(PLACER_REASON_TAG_MISSING);
		if ((h->tags.bits[i] & a->forbidden.bits[i]) != 0)
			found |= bit(PLACER_REASON_TAG_FORBIDDEN);
		if ((h->repels.bits[i] & a->tolerated.bits[i]) != h->repels.bits[i])
			found |= bit(PLACER_REASON_REPELLED);
	}
	return found;
}

static uint32_t held_of(const ref_world *w, uint32_t pool)
{
	uint32_t held = 0;
	for (int i = 0; i < REF_INSTANCES; i++)
		held += w->instance[i].here && w->instance[i].holding && w->instance[i].pool == pool;
	return held;
}

static uint32_t addresses(const ref_world *w, uint32_t network, uint32_t host)
{
	bool reaches = false, left = false;
	for (uint32_t l = 0; l < w->pools; l++) {
		if (network == PLACER_NONE || w->pool[l].network != network || !w->pool[l].reach[host])
			continue;
		reaches = true;
		left = left || w->pool[l].free > held_of(w, l);
	}
	if (network == PLACER_NONE || left)
		return 0;
	return reaches ? bit(PLACER_REASON_ADDRESSES) : bit(PLACER_REASON_NETWORK);
}

/* Whether two apps may be on one exclusive host: the same owner in the same way. */
static bool same_owner(const ref_world *w, uint32_t one, uint32_t other)
{
	const placer_app_spec *a = &w->app[one], *b = &w->app[other];
	if (a->exclusive != b->exclusive)
		return false;
	switch (a->exclusive) {
	case PLACER_EXCLUSIVE_APP:
		return one == other;
	case PLACER_EXCLUSIVE_TEAM:
		return a->team == b->team;
	case PLACER_EXCLUSIVE_WORKLOAD:
		return a->workload == b->workload;
	default:
		return true;
	}
}

static uint32_t company(const ref_world *w, uint32_t app, uint32_t host)
{
	uint32_t found = 0, count[PLACER_WORKLOADS] = {0};
	for (int i = 0; i < REF_INSTANCES; i++) {
		const ref_instance *n = &w->instance[i];
		if (!n->here || n->host != host)
			continue;
		count[w->app[n->app].workload]++;
		if (!same_owner(w, app, n->app))
			found |= bit(PLACER_REASON_EXCLUSIVE);
	}
	count[w->app[app].workload]++;
	for (int a = 0; a < PLACER_WORKLOADS; a++) {
		for (int b = 0; b < PLACER_WORKLOADS; b++) {
			/* Only limits that the newcomer has a part in. */
			bool part = a == w->app[app].workload || b == w->app[app].workload;
			if (part && count[a] > 0 && count[b] > w->mixing[a][b])
				found |= bit(PLACER_REASON_MIXING);
		}
	}
	return found;
}

static uint32_t among_apps(const ref_world *w, uint32_t app, uint32_t host)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < w->rules; i++) {
		const placer_rule *r = &w->rule[i];
		uint32_t domain = ref_domain(w, host, r->level);
		uint32_t of_a = ref_count(w, r->a, r->level, domain, true) + (r->a == app);
		uint32_t of_b = ref_count(w, r->b, r->level, domain, true) + (r->b == app);
		if (r->a != app && r->b != app)
			continue;
		if (r->kind == PLACER_AT_MOST && of_a > 0 && of_b > r->k)
			found |= bit(PLACER_REASON_APART);
		if (r->kind == PLACER_TOGETHER && r->a == app && r->b != app &&
		    ref_count(w, r->b, r->level, domain, false) == 0)
			found |= bit(PLACER_REASON_TOGETHER);
	}
	return found;
}

static bool is_static(const ref_world *w, uint32_t app, uint32_t host)
{
	const placer_app_spec *a = &w->app[app];
	return state_and_tags(w, a, host) != 0 ||
	       (addresses(w, a->network, host) & bit(PLACER_REASON_NETWORK)) != 0;
}

static uint32_t least_in_domain(const ref_world *w, uint32_t app, placer_level level)
{
	uint32_t least = UINT32_MAX;
	for (uint32_t h = 0; h < w->hosts; h++) {
		if (is_static(w, app, h))
			continue;
		uint32_t count = ref_count(w, app, level, ref_domain(w, h, level), false);
		least = count < least ? count : least;
	}
	return least == UINT32_MAX ? 0 : least;
}

static uint32_t spread(const ref_world *w, uint32_t app, uint32_t host)
{
	uint32_t found = 0;
	for (int level = 0; level < PLACER_LEVELS; level++) {
		const placer_spread *s = &w->app[app].spread[level];
		placer_level l = (placer_level)level;
		uint32_t after = ref_count(w, app, l, ref_domain(w, host, l), false) + 1;
		if ((s->max_count && after > s->max_count) ||
		    (s->max_skew && after > least_in_domain(w, app, l) + s->max_skew))
			found |= bit(PLACER_REASON_SPREAD + (uint32_t)level);
	}
	return found;
}

static uint32_t quota(const ref_world *w, uint32_t app)
{
	uint32_t team = w->app[app].team;
	if (team == PLACER_NONE)
		return 0;
	for (int d = 0; d < PLACER_DIMS; d++) {
		int64_t used = peak_need(w, w->app[app].shape, d);
		for (int i = 0; i < REF_INSTANCES; i++) {
			const ref_instance *n = &w->instance[i];
			if (n->here && w->app[n->app].team == team)
				used += peak_need(w, n->shape, d);
		}
		if (w->quota[team][d] < PLACER_UNLIMITED && used > w->quota[team][d])
			return bit(PLACER_REASON_QUOTA);
	}
	return 0;
}

static uint32_t worst_load(const placer_host_spec *h)
{
	uint32_t worst = 0;
	for (int i = 0; i < PLACER_LOADS; i++) {
		if (h->load_permille[i] != PLACER_LOAD_UNKNOWN && h->load_permille[i] > worst)
			worst = h->load_permille[i];
	}
	return worst;
}

uint32_t ref_obstacles(const ref_world *w, uint32_t app, uint32_t host)
{
	const placer_app_spec *a = &w->app[app];
	uint32_t found = state_and_tags(w, a, host) | addresses(w, a->network, host) |
	                 company(w, app, host) | among_apps(w, app, host) | spread(w, app, host) |
	                 quota(w, app);
	for (int d = 0; d < PLACER_DIMS; d++) {
		if (!amount_fits(w, a->shape, host, d))
			found |= bit(PLACER_REASON_DIM + (uint32_t)d);
	}
	if (worst_load(&w->host[host]) >= placer_default_policy().load_limit_permille)
		found |= bit(PLACER_REASON_LOAD);
	return found;
}

/* ---- cost ---- */

static double day_price(
    const ref_world *w, const placer_policy *y, uint32_t host, const uint32_t *more, double *peak)
{
	double limit = ref_limit(&w->host[host], PLACER_CPU), price = 0, sum = 0, squares = 0;
	*peak = 0;
	for (uint32_t t = 0; t < w->slots; t++) {
		double use = (double)used_at(w, host, PLACER_CPU, t);
		use += more ? use_at(w, *more, PLACER_CPU, t) : 0;
		double share = limit > 0 ? use / limit : 0;
		double over = fmax(0, share - (double)y->load_knee);
		price += (double)y->load_penalty * expm1(over) + (double)y->load_price * (share - over);
		sum += share;
		squares += share * share;
		*peak = fmax(*peak, share);
	}
	double mean = sum / w->slots;
	price = price / w->slots + (double)y->peak_price * (*peak - mean) +
	        (double)y->variance_price * (squares / w->slots - mean * mean);
	*peak *= limit;
	return price;
}

/* 1 / the mean of the hosts that have it; 0 when it does not count. */
static double per_mean(const ref_world *w, int dim)
{
	double total = 0, having = 0, present = 0;
	for (uint32_t h = 0; h < w->hosts; h++) {
		if (w->host[h].state == PLACER_ABSENT)
			continue;
		present++;
		total += ref_limit(&w->host[h], dim);
		having += ref_limit(&w->host[h], dim) > 0;
	}
	bool plays = dim <= PLACER_MEMORY || (dim >= PLACER_DEVICE_0 && having < present);
	return total > 0 && plays ? having / total : 0;
}

static double left(const ref_world *w, uint32_t shape, uint32_t host, int dim)
{
	int64_t peak = 0;
	for (uint32_t t = 0; t < slots_of(w, dim); t++) {
		int64_t used = used_at(w, host, dim, t);
		peak = used > peak ? used : peak;
	}
	return (double)(ref_limit(&w->host[host], dim) - peak - peak_need(w, shape, dim));
}

double ref_cost(const ref_world *w, const placer_policy *y, uint32_t app, uint32_t host)
{
	const placer_app_spec *a = &w->app[app];
	const placer_host_spec *h = &w->host[host];
	double cpu = left(w, a->shape, host, PLACER_CPU), cost = 0, peak;
	if (w->shape[a->shape].spec.profile) {
		cost = day_price(w, y, host, &a->shape, &peak);
		cpu = ref_limit(h, PLACER_CPU) - peak;
		double before = day_price(w, y, host, NULL, &peak);
		cost -= before;
		cost += used_at(w, host, PLACER_INSTANCES, 0) == 0 ? (double)y->open_price : 0;
	}
	cpu *= per_mean(w, PLACER_CPU);
	double memory = left(w, a->shape, host, PLACER_MEMORY) * per_mean(w, PLACER_MEMORY);
	double fit = (double)y->tightness * cpu + (double)y->imbalance * fabs(cpu - memory);
	for (int d = PLACER_DEVICE_0; d < PLACER_DIMS; d++)
		fit += (double)y->scarce * left(w, a->shape, host, d) * per_mean(w, d);
	cost += (double)y->fit * fit;
	cost += (double)y->pressure * expm1(fmax(0, worst_load(h) / 1000.0 - (double)y->load_knee));
	for (int i = 0; i < 2; i++) {
		uint64_t lacks = a->preferred.bits[i] & ~h->tags.bits[i];
		cost += (double)y->preferred_tag * __builtin_popcountll(lacks);
	}
	return cost;
}

/* ---- order ---- */

static int64_t zone_left(const ref_world *w, uint32_t zone)
{
	int64_t share = INT64_MAX;
	for (int d = 0; d < 2; d++) {
		int64_t free_sum = 0, limit_sum = 0;
		for (uint32_t h = 0; h < w->hosts; h++) {
			if (w->host[h].state != PLACER_OPEN || ref_domain(w, h, PLACER_AZ) != zone)
				continue;
			int64_t peak = 0;
			for (uint32_t t = 0; t < slots_of(w, d); t++) {
				int64_t used = used_at(w, h, d, t);
				peak = used > peak ? used : peak;
			}
			limit_sum += ref_limit(&w->host[h], d);
			free_sum += ref_limit(&w->host[h], d) - peak;
		}
		int64_t own = limit_sum > 0 ? free_sum * 1000 / limit_sum : 0;
		share = own < share ? own : share;
	}
	return share;
}

bool ref_has_company(const ref_world *w, const placer_rule *r, uint32_t host)
{
	return ref_count(w, r->b, r->level, ref_domain(w, host, r->level), false) > 0;
}

/* -1: a first, 1: b first, 0: equal. */
static int compare_zones(const ref_world *w, uint32_t app, uint32_t a, uint32_t b)
{
	const placer_spread *s = &w->app[app].spread[PLACER_AZ];
	uint32_t za = ref_domain(w, a, PLACER_AZ), zb = ref_domain(w, b, PLACER_AZ);
	if ((!s->prefer && !s->max_skew && !s->max_count) || za == zb)
		return 0;
	uint32_t ca = ref_count(w, app, PLACER_AZ, za, false);
	uint32_t cb = ref_count(w, app, PLACER_AZ, zb, false);
	if (s->prefer && ca != cb)
		return ca < cb ? -1 : 1;
	int64_t la = zone_left(w, za), lb = zone_left(w, zb);
	if (la != lb)
		return la > lb ? -1 : 1;
	return za < zb ? -1 : 1;
}

bool ref_is_better(const ref_world *w, const placer_policy *y, uint32_t app, uint32_t a, uint32_t b)
{
	int zones = compare_zones(w, app, a, b);
	if (zones != 0)
		return zones < 0;
	for (int level = PLACER_RACK; level < PLACER_LEVELS; level++) {
		placer_level l = (placer_level)level;
		uint32_t ca = ref_count(w, app, l, ref_domain(w, a, l), false);
		uint32_t cb = ref_count(w, app, l, ref_domain(w, b, l), false);
		if (w->app[app].spread[level].prefer && ca != cb)
			return ca < cb;
	}
	double cost_a = ref_cost(w, y, app, a), cost_b = ref_cost(w, y, app, b);
	return cost_a < cost_b - 1e-3 * (1 + fabs(cost_b));
}
