/* Why this host, why not the others, in numbers and in words. */
#include "placer_search.h"

#include <inttypes.h>

bool placer_explain(placer *p, uint32_t app_id, placer_explanation *ret)
{
	search s;

	class_sync_all(p, p->apps[app_id].class);
	search_begin(&s, p, app_id);
	*ret = (placer_explanation){.candidates = s.class->candidates};
	for (uint32_t i = 0; i <= PLACER_RUNNERS_UP; i++) {
		uint32_t host_id = search_run(&s);
		if (host_id == PLACER_NONE)
			break;
		placer_parts *parts = i == 0 ? &ret->chosen : &ret->runners_up[ret->runner_up_count++];
		parts->host = host_id;
		placer_crowding(p, app_id, host_id, parts->crowding);
		cost_parts(p, s.class, &p->hosts[host_id], parts);
		s.excluded[s.excluded_count++] = host_id;
	}
	return s.excluded_count > 0;
}

/* ---- refusals ---- */

uint32_t placer_obstacles(placer *p, uint32_t app_id, uint32_t host_id)
{
	assert(app_id < p->app_count && host_id < p->host_count);
	request_class *c = p->apps[app_id].class;

	class_sync(p, c);
	ceilings limits = spread_ceilings(p, c, app_id);
	return class_obstacles(p, c, host_id) | app_obstacles(p, app_id, host_id, &limits) |
	       quota_obstacle(p, app_id, p->apps[app_id].spec.shape);
}

/* How much the host lacks, in shares of what is needed; 0 for what is not a matter of amount. */
static double shortfall(const host *h, const int32_t need[PLACER_DIMS])
{
	double lacks = 0;

	for (int d = 0; d < PLACER_DIMS; d++) {
		if (h->free[d] < need[d])
			lacks += ((double)need[d] - (double)h->free[d]) / (double)need[d];
	}
	return lacks;
}

typedef struct nearest {
	int obstacles;
	double lacks;
} nearest;

static void note_nearest(
    const placer *p, uint32_t host_id, uint32_t obstacles, nearest *best, placer_refusal *ret)
{
	const host *h = &p->hosts[host_id];
	nearest own = {.obstacles = __builtin_popcount(obstacles)};

	if (own.obstacles > best->obstacles)
		return;
	own.lacks = shortfall(h, ret->need);
	if (own.obstacles == best->obstacles && own.lacks >= best->lacks)
		return;
	*best = own;
	ret->nearest = host_id;
	ret->nearest_obstacles = obstacles;
	for (int d = 0; d < PLACER_DIMS; d++)
		ret->nearest_short[d] = h->free[d] < ret->need[d] ? ret->need[d] - h->free[d] : 0;
}

static void note_host(
    const placer *p, uint32_t host_id, uint32_t obstacles, nearest *best, placer_refusal *ret)
{
	uint32_t first = (uint32_t)__builtin_ctz(obstacles);

	ret->hosts++;
	ret->count[first]++;
	if ((obstacles & (obstacles - 1)) == 0)
		ret->sole[first]++;
	if (first >= PLACER_REASON_DIM && first < PLACER_REASON_DIM + PLACER_DIMS) {
		uint32_t d = first - PLACER_REASON_DIM;
		int32_t left = p->hosts[host_id].free[d];
		ret->best_free[d] = left > ret->best_free[d] ? left : ret->best_free[d];
	}
	note_nearest(p, host_id, obstacles, best, ret);
}

void placer_refuse(placer *p, uint32_t app_id, placer_refusal *ret)
{
	assert(app_id < p->app_count);
	const app *a = &p->apps[app_id];
	request_class *c = a->class;
	nearest best = {.obstacles = PLACER_REASONS + 1};

	class_sync(p, c);
	ceilings limits = spread_ceilings(p, c, app_id);
	uint32_t quota = quota_obstacle(p, app_id, a->spec.shape);
	*ret = (placer_refusal){.nearest = PLACER_NONE};
	for (int d = 0; d < PLACER_DIMS; d++)
		ret->need[d] = p->shapes[a->spec.shape].need[d];
	for (uint32_t h = 0; h < p->host_count; h++) {
		if (p->hosts[h].state == PLACER_ABSENT)
			continue;
		uint32_t obstacles =
		    class_obstacles(p, c, h) | app_obstacles(p, app_id, h, &limits) | quota;
		if (obstacles)
			note_host(p, h, obstacles, &best, ret);
	}
}

/* ---- words ---- */

static const char *const reason_names[PLACER_REASONS] = {
    [PLACER_REASON_OFFLINE] = "not online",
    [PLACER_REASON_CORDONED] = "cordoned",
    [PLACER_REASON_ENGINE] = "Docker does not answer",
    [PLACER_REASON_TAG_MISSING] = "lack a required tag",
    [PLACER_REASON_TAG_FORBIDDEN] = "have a forbidden tag",
    [PLACER_REASON_REPELLED] = "kept for others",
    [PLACER_REASON_NETWORK] = "not reached by the VLAN",
    [PLACER_REASON_ADDRESSES] = "no address left in the VLAN",
    [PLACER_REASON_EXCLUSIVE] = "exclusive",
    [PLACER_REASON_MIXING] = "class of work may not mix",
    [PLACER_REASON_DIM + PLACER_CPU] = "cpu",
    [PLACER_REASON_DIM + PLACER_MEMORY] = "memory",
    [PLACER_REASON_DIM + PLACER_DISK] = "disk",
    [PLACER_REASON_DIM + PLACER_PIDS] = "pids",
    [PLACER_REASON_DIM + PLACER_INSTANCES] = "number of instances",
    [PLACER_REASON_DIM + PLACER_STARTS] = "starts in flight",
    [PLACER_REASON_DIM + PLACER_DEVICE_0] = "device 0",
    [PLACER_REASON_DIM + PLACER_DEVICE_1] = "device 1",
    [PLACER_REASON_DIM + PLACER_DEVICE_2] = "device 2",
    [PLACER_REASON_DIM + PLACER_DEVICE_3] = "device 3",
    [PLACER_REASON_LOAD] = "under load",
    [PLACER_REASON_SPREAD + PLACER_AZ] = "spread over zones",
    [PLACER_REASON_SPREAD + PLACER_RACK] = "spread over racks",
    [PLACER_REASON_SPREAD + PLACER_HOST] = "spread over hosts",
    [PLACER_REASON_APART] = "kept apart from an app there",
    [PLACER_REASON_TOGETHER] = "without the app it belongs to",
    [PLACER_REASON_QUOTA] = "quota of the team",
};

const char *placer_reason_name(uint32_t reason)
{
	assert(reason < PLACER_REASONS);
	return reason_names[reason];
}

static void add_best(const placer_refusal *refusal, uint32_t reason, sot_buf *out)
{
	uint32_t d = reason - PLACER_REASON_DIM;

	if (reason < PLACER_REASON_DIM || d >= PLACER_DIMS)
		return;
	int32_t has = refusal->best_free[d], needs = refusal->need[d];
	if (d == PLACER_CPU) {
		sot_buf_printf(
		    out, " (best has %" PRId32 " of %" PRId32 " thousandths of a core)", has, needs);
	} else {
		const char *unit = d == PLACER_MEMORY || d == PLACER_DISK ? " MiB" : "";
		sot_buf_printf(out, " (best has %" PRId32 "%s of %" PRId32 "%s)", has, unit, needs, unit);
	}
}

void placer_refusal_text(const placer_refusal *refusal, sot_buf *out)
{
	/* What the reader can mend by a change of size or of VLAN stands first, then what he can switch
	 * on; from here to there. */
	static const struct {
		uint32_t from, to;
	} order[] = {
	    {PLACER_REASON_DIM, PLACER_REASON_DIM + PLACER_DIMS},
	    {PLACER_REASON_NETWORK, PLACER_REASON_ADDRESSES + 1},
	    {PLACER_REASON_CORDONED, PLACER_REASON_CORDONED + 1},
	    {PLACER_REASON_OFFLINE, PLACER_REASON_OFFLINE + 1},
	    {PLACER_REASON_ENGINE, PLACER_REASON_ENGINE + 1},
	    {PLACER_REASON_LOAD, PLACER_REASONS},
	    {PLACER_REASON_TAG_MISSING, PLACER_REASON_NETWORK},
	    {PLACER_REASON_EXCLUSIVE, PLACER_REASON_DIM},
	};
	const char *separator = ": ";

	if (refusal->hosts == 0) {
		sot_buf_add_c(out, "no host is registered");
		return;
	}
	sot_buf_printf(out, "0 of %" PRIu32 " hosts fit", refusal->hosts);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		for (uint32_t reason = order[i].from; reason < order[i].to; reason++) {
			if (refusal->count[reason] == 0)
				continue;
			sot_buf_printf(
			    out, "%s%" PRIu32 " %s", separator, refusal->count[reason], reason_names[reason]);
			add_best(refusal, reason, out);
			separator = ", ";
		}
	}
}
