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
		search_exclude(&s, host_id);
	}
	return s.excluded_count > 0;
}

void placer_parts_of(placer *p, uint32_t app_id, uint32_t host_id, placer_parts *ret)
{
	assert(app_id < p->app_count && host_id < p->host_count);
	*ret = (placer_parts){.host = host_id};
	placer_crowding(p, app_id, host_id, ret->crowding);
	cost_parts(p, p->apps[app_id].class, &p->hosts[host_id], ret);
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

/* How far a host is from fitting; the smaller the nearer. */
typedef struct distance {
	int obstacles;
	double lacks;
} distance;

/* What a look at all hosts keeps besides the refusal itself. */
typedef struct survey {
	const placer *p;
	placer_refusal *ret;
	distance nearest, best[PLACER_REASONS][PLACER_BEST];
} survey;

static bool is_nearer(distance a, distance b)
{
	return a.obstacles != b.obstacles ? a.obstacles < b.obstacles : a.lacks < b.lacks;
}

static void note_nearest(survey *s, uint32_t host_id, uint32_t obstacles, distance own)
{
	const host *h = &s->p->hosts[host_id];

	if (!is_nearer(own, s->nearest))
		return;
	s->nearest = own;
	s->ret->nearest = host_id;
	s->ret->nearest_obstacles = obstacles;
	for (int d = 0; d < PLACER_DIMS; d++) {
		int32_t need = s->ret->need[d];
		s->ret->nearest_short[d] = h->free[d] < need ? need - h->free[d] : 0;
	}
}

/* Of equals the first host stays in front. */
static void note_best(survey *s, uint32_t host_id, uint32_t first, distance own)
{
	uint32_t *hosts = s->ret->best[first];
	distance *distances = s->best[first];
	int at = PLACER_BEST;

	for (; at > 0 && is_nearer(own, distances[at - 1]); at--) {
		if (at < PLACER_BEST) {
			hosts[at] = hosts[at - 1];
			distances[at] = distances[at - 1];
		}
	}
	if (at < PLACER_BEST) {
		hosts[at] = host_id;
		distances[at] = own;
	}
}

static void note_host(survey *s, uint32_t host_id, uint32_t obstacles)
{
	uint32_t first = (uint32_t)__builtin_ctz(obstacles);
	const host *h = &s->p->hosts[host_id];
	placer_refusal *ret = s->ret;
	distance own = {__builtin_popcount(obstacles), shortfall(h, ret->need)};

	ret->hosts++;
	ret->count[first]++;
	if ((obstacles & (obstacles - 1)) == 0)
		ret->sole[first]++;
	if (first >= PLACER_REASON_DIM && first < PLACER_REASON_DIM + PLACER_DIMS) {
		uint32_t d = first - PLACER_REASON_DIM;
		ret->best_free[d] = h->free[d] > ret->best_free[d] ? h->free[d] : ret->best_free[d];
	}
	note_best(s, host_id, first, own);
	note_nearest(s, host_id, obstacles, own);
}

static void begin_survey(survey *s, const placer *p, uint32_t shape_id, placer_refusal *ret)
{
	const distance far = {.obstacles = PLACER_REASONS + 1};

	s->p = p;
	s->ret = ret;
	s->nearest = far;
	*ret = (placer_refusal){.nearest = PLACER_NONE};
	for (int d = 0; d < PLACER_DIMS; d++)
		ret->need[d] = p->shapes[shape_id].need[d];
	for (int r = 0; r < PLACER_REASONS; r++) {
		for (int k = 0; k < PLACER_BEST; k++) {
			s->best[r][k] = far;
			ret->best[r][k] = PLACER_NONE;
		}
	}
}

void placer_refuse(placer *p, uint32_t app_id, placer_refusal *ret)
{
	assert(app_id < p->app_count);
	const app *a = &p->apps[app_id];
	request_class *c = a->class;
	survey s;

	class_sync(p, c);
	ceilings limits = spread_ceilings(p, c, app_id);
	uint32_t quota = quota_obstacle(p, app_id, a->spec.shape);
	begin_survey(&s, p, a->spec.shape, ret);
	for (uint32_t h = 0; h < p->host_count; h++) {
		if (p->hosts[h].state == PLACER_ABSENT)
			continue;
		uint32_t obstacles =
		    class_obstacles(p, c, h) | app_obstacles(p, app_id, h, &limits) | quota;
		if (obstacles)
			note_host(&s, h, obstacles);
	}
}

/* ---- words ---- */

static const struct {
	const char *code, *name;
} reasons[PLACER_REASONS] = {
    [PLACER_REASON_OFFLINE] = {"not_online", "not online"},
    [PLACER_REASON_CORDONED] = {"cordoned", "cordoned"},
    [PLACER_REASON_ENGINE] = {"docker", "Docker does not answer"},
    [PLACER_REASON_TAG_MISSING] = {"tag_missing", "lack a required tag"},
    [PLACER_REASON_TAG_FORBIDDEN] = {"tag_forbidden", "have a forbidden tag"},
    [PLACER_REASON_REPELLED] = {"kept_for_others", "kept for others"},
    [PLACER_REASON_NETWORK] = {"vlan", "not reached by the VLAN"},
    [PLACER_REASON_ADDRESSES] = {"addresses", "no address left in the VLAN"},
    [PLACER_REASON_EXCLUSIVE] = {"exclusive", "exclusive"},
    [PLACER_REASON_MIXING] = {"mixing", "class of work may not mix"},
    [PLACER_REASON_DIM + PLACER_CPU] = {"cpu", "cpu"},
    [PLACER_REASON_DIM + PLACER_MEMORY] = {"memory", "memory"},
    [PLACER_REASON_DIM + PLACER_DISK] = {"disk", "disk"},
    [PLACER_REASON_DIM + PLACER_PIDS] = {"pids", "pids"},
    [PLACER_REASON_DIM + PLACER_INSTANCES] = {"instances", "number of instances"},
    [PLACER_REASON_DIM + PLACER_STARTS] = {"starts", "starts in flight"},
    [PLACER_REASON_DIM + PLACER_DEVICE_0] = {"device_0", "device 0"},
    [PLACER_REASON_DIM + PLACER_DEVICE_1] = {"device_1", "device 1"},
    [PLACER_REASON_DIM + PLACER_DEVICE_2] = {"device_2", "device 2"},
    [PLACER_REASON_DIM + PLACER_DEVICE_3] = {"device_3", "device 3"},
    [PLACER_REASON_LOAD] = {"load", "under load"},
    [PLACER_REASON_SPREAD + PLACER_AZ] = {"spread_az", "spread over zones"},
    [PLACER_REASON_SPREAD + PLACER_RACK] = {"spread_rack", "spread over racks"},
    [PLACER_REASON_SPREAD + PLACER_HOST] = {"spread_host", "spread over hosts"},
    [PLACER_REASON_APART] = {"apart", "kept apart from an app there"},
    [PLACER_REASON_TOGETHER] = {"together", "without the app it belongs to"},
    [PLACER_REASON_QUOTA] = {"quota", "quota of the team"},
};

const char *placer_reason_name(uint32_t reason)
{
	assert(reason < PLACER_REASONS);
	return reasons[reason].name;
}

const char *placer_reason_code(uint32_t reason)
{
	assert(reason < PLACER_REASONS);
	return reasons[reason].code;
}

const char *placer_dim_unit(uint32_t dim)
{
	if (dim == PLACER_CPU)
		return "thousandths of a core";
	return dim == PLACER_MEMORY || dim == PLACER_DISK ? "MiB" : "";
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
			    out, "%s%" PRIu32 " %s", separator, refusal->count[reason], reasons[reason].name);
			add_best(refusal, reason, out);
			separator = ", ";
		}
	}
}
