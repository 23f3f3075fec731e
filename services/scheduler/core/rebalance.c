/* Moves that each pay off: what a rebalance would do, the operation that does it, and a standing
 * look that tells when it would pay.
 *
 * The operation is a bulk operation of moves, so many at a time, within the budget of each app and
 * stopped by the first failure. What was planned is only who; each, when its turn comes, is looked
 * at again, and stays when its move no longer pays.
 */
#include "rebalance.h"

#include "what_if.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In units of the placer's cost, in which a host in use costs one: docs/adr/0010-placement.md. */
#define MIN_GAIN 0.02
#define MOVES 20
#define HOSTS_A_LOOK 100 /* of the standing look, once a second */
#define MOVES_A_LOOK 8

static void add_member(sot_buf *out, const char *name, const char *value)
{
	sot_buf_printf(out, "\"%s\":", name);
	sot_buf_add_json(out, sot_str_c(value));
}

/* ---- who may move ---- */

/* Instances by their handle in the placer. */
typedef struct movers {
	instance **list; /* NULL where none may move */
	size_t count;
	bool include_pinned;
} movers;

static bool is_movable(const movers *m, const instance *i)
{
	return i->handle != PLACER_NONE && !instance_target(i) && instance_may_move(i) &&
	       i->row.state == INSTANCE_RUNNING && i->row.health == SOT_HEALTH_HEALTHY &&
	       host_is_up(i->host) &&
	       (m->include_pinned || i->app->row.recovery != SOT_RECOVERY_PINNED);
}

/* Calls `visit` for those of so many hosts from the first on; a count of 0: of all. */
static void each_movable(controller *c, movers *m, uint32_t first, uint32_t hosts,
    void (*visit)(controller *c, movers *m, instance *i))
{
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (h->handle == PLACER_NONE ||
		    (hosts > 0 && (h->handle < first || h->handle - first >= hosts)))
			continue;
		for (sot_link *k = h->instances.next; k != &h->instances; k = k->next) {
			instance *i = SOT_CONTAINER(k, instance, of_host);
			if (is_movable(m, i))
				visit(c, m, i);
		}
	}
}

/* Its app's rules, and where its address reaches. May give it another handle. */
static void prepare(controller *c, movers *m, instance *i)
{
	(void)m;
	fleet_prepare_move(c, i);
}

static void count(controller *c, movers *m, instance *i)
{
	(void)c;
	m->count = i->handle >= m->count ? i->handle + 1u : m->count;
}

static void list(controller *c, movers *m, instance *i)
{
	(void)c;
	m->list[i->handle] = i;
}

static void find_movers(
    controller *c, bool include_pinned, uint32_t first, uint32_t hosts, movers *ret)
{
	fleet_sync(c);
	*ret = (movers){.include_pinned = include_pinned};
	each_movable(c, ret, first, hosts, prepare);
	each_movable(c, ret, first, hosts, count);
	ret->list = sot_alloc_array(ret->count + 1, sizeof(instance *));
	each_movable(c, ret, first, hosts, list);
}

static bool may_move(void *self, uint32_t handle)
{
	const movers *m = self;

	return handle < m->count && m->list[handle];
}

/* ---- the plan ---- */

typedef struct rebalance {
	movers movers;
	placer_rebalance options;
	placer_plan plan;
} rebalance;

static void rebalance_make(controller *c, uint32_t max_moves, bool include_pinned, rebalance *r)
{
	find_movers(c, include_pinned, 0, 0, &r->movers);
	r->options = (placer_rebalance){.max_moves = max_moves ? max_moves : MOVES,
	    .min_gain = MIN_GAIN,
	    .may_move = may_move,
	    .self = &r->movers};
	placer_plan_rebalance(c->fleet.placer, &r->options, &r->plan);
}

static void rebalance_clear(rebalance *r)
{
	free(r->movers.list);
	placer_plan_clear(&r->plan);
}

static void add_move(controller *c, const placer_move *m, const instance *i, forecast *f)
{
	const host *from = fleet_host(c, m->from), *to = fleet_host(c, m->to);

	add_member(&f->out, "instance", i->name);
	sot_buf_add_c(&f->out, ",");
	add_member(&f->out, "from", from->row.name);
	sot_buf_add_c(&f->out, ",");
	add_member(&f->out, "to", to->row.name);
	sot_buf_printf(&f->out, ",\"gain\":%.4f,\"mends\":%s}", m->gain, m->mends ? "true" : "false");
	forecast_note(f, i->row.id.b, sizeof(i->row.id.b));
	forecast_note_host(f, to);
}

static void describe(controller *c, const rebalance *r, forecast *f)
{
	sot_buf_printf(&f->out, "{\"gain\":%.4f,\"minGain\":%.4f,\"maxMoves\":%" PRIu32 ",\"moves\":[",
	    r->plan.gain, r->options.min_gain, r->options.max_moves);
	for (size_t k = 0; k < r->plan.move_count; k++) {
		const placer_move *move = &r->plan.moves[k];
		sot_buf_add_c(&f->out, k ? ",{" : "{");
		add_move(c, move, r->movers.list[move->instance], f);
	}
	sot_buf_add_c(&f->out, "]");
}

void rebalance_json(controller *c, const sot_rebalance_read *m, forecast *f)
{
	rebalance r;

	rebalance_make(c, m->max_moves, m->include_pinned, &r);
	describe(c, &r, f);
	rebalance_clear(&r);
}

/* ---- the operation ---- */

operation *rebalance_running(const controller *c)
{
	for (sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next) {
		operation *o = SOT_CONTAINER(l, operation, all);
		if (o->row.kind == OPERATION_FLEET_REBALANCE)
			return o;
	}
	return NULL;
}

static bool check(request *q, const sot_fleet_rebalance *m, const rebalance *r, problem *p)
{
	char etag[FORECAST_ETAG], id[SOT_UUID_TEXT];
	const operation *other = rebalance_running(q->c);
	forecast f;

	if (q->c->brake.row.engaged)
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "", "the brake is engaged: %.300s", q->c->brake.row.reason);
	if (other)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "",
		    "operation %s rebalances already; wait for it, or cancel it",
		    sot_uuid_format(other->row.id, id));
	forecast_init(&f);
	describe(q->c, r, &f);
	forecast_etag(&f, etag);
	forecast_clear(&f);
	if (m->if_still_true.n > 0 && !sot_str_eq_c(m->if_still_true, etag))
		return problem_set(p, SOT_REFUSAL_STALE, "/ifStillTrue",
		    "the plan %.*s is no longer true: now it is %s; look at a new one",
		    SOT_ARG(m->if_still_true), etag);
	return request_has_room(q->c, NULL, r->plan.move_count + 1, p);
}

static void accept(request *q, const sot_fleet_rebalance *m, const rebalance *r)
{
	uint32_t parallel = m->parallel > 0 ? m->parallel : 2;
	sot_buf spec;

	model_text_init(&spec);
	sot_buf_printf(&spec,
	    "{\"maxMoves\":%" PRIu32 ",\"parallel\":%" PRIu32 ",\"includePinned\":%s}",
	    r->options.max_moves, parallel, m->include_pinned ? "true" : "false");
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_FLEET_REBALANCE,
	                                     .target = SOT_STR("fleet"),
	                                     .spec = &spec});
	o->row.parallel = parallel;
	o->row.failures_max = 1;
	for (size_t k = 0; k < r->plan.move_count; k++) {
		const instance *i = r->movers.list[r->plan.moves[k].instance];
		bulk_add_child(q->c, o, OPERATION_INSTANCE_MOVE, i->app, i, SOT_STR(""));
	}
	say_log(q->c, o, LOG_INFO,
	    "%zu moves pay off, together %.4f; %" PRIu32
	    " at a time and within the budget of each app, each only while it still pays",
	    r->plan.move_count, r->plan.gain, parallel);
}

void on_fleet_rebalance(void *self, const void *from, const sot_fleet_rebalance *m)
{
	request *q = self;
	problem p;
	rebalance r;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	rebalance_make(q->c, m->max_moves, m->include_pinned, &r);
	if (check(q, m, &r, &p))
		accept(q, m, &r);
	else
		request_refuse(q, m->request_id, &p);
	rebalance_clear(&r);
}

bool rebalance_owns(const operation *o)
{
	return o->parent && o->parent->row.kind == OPERATION_FLEET_REBALANCE;
}

host *rebalance_choose(controller *c, operation *o, instance *i, sot_buf *why)
{
	placer_move move;

	if (c->brake.row.engaged) {
		sot_buf_printf(why, "the brake to be released: %.300s", c->brake.row.reason);
		return NULL;
	}
	fleet_prepare_move(c, i);
	if (placer_move_pays(c->fleet.placer, i->handle, MIN_GAIN, &move))
		return fleet_host(c, move.to);
	o->stays = true;
	say_log(
	    c, o, LOG_INFO, "%s: stays on %s, its move no longer pays off", i->name, i->host->row.name);
	return NULL;
}

/* ---- the standing look ---- */

static void say_pays(controller *c)
{
	sot_buf data;

	model_text_init(&data);
	rebalance_found_json(c, &data);
	say_event(c, "fleet.rebalance_pays", "fleet", NULL, NULL, NULL, &data);
}

void rebalance_found_json(const controller *c, sot_buf *out)
{
	if (c->balance.checked_unix_ms == 0) {
		sot_buf_add_c(out, "null");
		return;
	}
	sot_buf_printf(out,
	    "{\"checkedUnixMs\":%" PRId64 ",\"moves\":%" PRIu32 ",\"mends\":%" PRIu32
	    ",\"gain\":%.4f,\"minGain\":%.4f}",
	    c->balance.checked_unix_ms, c->balance.found.moves, c->balance.found.mends,
	    c->balance.found.gain, MIN_GAIN);
}

static void end_round(controller *c)
{
	bool paid = c->balance.found.moves > 0;

	c->balance.found = c->balance.finding;
	c->balance.checked_unix_ms = c->now.wall.unix_ms;
	c->balance.next = sot_mono_add_ms(c->now.mono, c->config.rebalance_check_ms);
	c->balance.at = 0;
	memset(&c->balance.finding, 0, sizeof(c->balance.finding));
	if (!paid && c->balance.found.moves > 0)
		say_pays(c);
}

void rebalance_tick(controller *c)
{
	rebalance r;

	if (c->config.rebalance_check_ms <= 0 || c->brake.row.engaged ||
	    sot_mono_diff_ms(c->now.mono, c->loaded_at) < c->config.grace_ms ||
	    !sot_mono_reached(c->now.mono, c->balance.next) || rebalance_running(c))
		return;
	find_movers(c, false, c->balance.at, HOSTS_A_LOOK, &r.movers);
	r.options = (placer_rebalance){.max_moves = MOVES_A_LOOK,
	    .min_gain = MIN_GAIN,
	    .may_move = may_move,
	    .self = &r.movers,
	    .first_host = c->balance.at,
	    .host_count = HOSTS_A_LOOK};
	placer_plan_rebalance(c->fleet.placer, &r.options, &r.plan);
	c->balance.finding.moves += (uint32_t)r.plan.move_count;
	c->balance.finding.gain += r.plan.gain;
	for (size_t k = 0; k < r.plan.move_count; k++)
		c->balance.finding.mends += r.plan.moves[k].mends;
	rebalance_clear(&r);
	c->balance.at += HOSTS_A_LOOK;
	if (c->balance.at >= c->fleet.by_handle_count)
		end_round(c);
}
