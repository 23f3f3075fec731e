/* Requests about operations: many at once, and again. */
#include "world.h"

#include <string.h>

sot_code client_encode_bulk(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, uint32_t count, sot_err *err)
{
	sot_str apps[] = {app, SOT_STR("beta")}, host = SOT_STR("host-b");
	sot_operation_bulk m = {.request_id = r->request_id,
	    .context = ctx,
	    .action = (sot_bulk_action)sim_below(w->s, 7),
	    .count = count,
	    .version = SOT_STR("v1"),
	    .parallel = (uint16_t)sim_below(w->s, 4),
	    .failures_max = (uint16_t)sim_below(w->s, 3),
	    .strategy = client_strategy(w, false)};

	if (m.action < SOT_BULK_ACTION_SCALE && sim_chance(w->s, 300)) {
		m.hosts = &host;
		m.hosts_count = 1;
	} else {
		m.apps = apps;
		m.apps_count = sim_chance(w->s, 500) ? 2 : 1;
	}
	return sot_operation_bulk_encode(&m, &r->frame, err);
}

static sot_str middleware_version(world *w)
{
	return sim_chance(w->s, 500) ? SOT_STR("1") : SOT_STR("2");
}

/* A middleware package for one app, or over several, or what they had before. */
sot_code client_encode_middleware(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	sot_str apps[] = {app, SOT_STR("beta")};
	bool back = sim_chance(w->s, 200), many = sim_chance(w->s, 400);
	sot_str version = back ? (sot_str){0} : middleware_version(w);
	sot_rollout_strategy strategy = client_strategy(w, false);

	if (!many)
		return sot_app_middleware_encode(&(sot_app_middleware){r->request_id, ctx, app,
		                                     SOT_STR("jdk"), version, strategy, false, back},
		    &r->frame, err);
	sot_operation_bulk m = {.request_id = r->request_id,
	    .context = ctx,
	    .action = SOT_BULK_ACTION_MIDDLEWARE,
	    .middleware = SOT_STR("jdk"),
	    .version = version,
	    .back = back,
	    .apps = apps,
	    .apps_count = 2,
	    .parallel = (uint16_t)sim_below(w->s, 3),
	    .failures_max = (uint16_t)sim_below(w->s, 3),
	    .strategy = strategy};
	return sot_operation_bulk_encode(&m, &r->frame, err);
}

sot_code client_encode_middleware_version(
    world *w, sent_request *r, sot_request_context ctx, sot_err *err)
{
	static const uint8_t digest[32] = {2};
	sot_package_register m = {.request_id = r->request_id,
	    .context = ctx,
	    .app = SOT_STR("jdk"),
	    .version = middleware_version(w),
	    .sha256 = {(const char *)digest, 32},
	    .size_bytes = 10,
	    .file_name = SOT_STR("a.tar"),
	    .middleware_kind = SOT_STR("jdk")};

	return sot_package_register_encode(&m, &r->frame, err);
}

sot_rollout_strategy client_strategy(world *w, bool surge)
{
	sot_rollout_strategy g = {.order = (sot_rollout_order)sim_below(w->s, 5),
	    .on_failure = (sot_rollout_failure)sim_below(w->s, 2),
	    .max_unavailable = sim_chance(w->s, 300) ? 1 + (uint32_t)sim_below(w->s, 3) : 0,
	    .canary = (uint32_t)sim_below(w->s, 3),
	    .bake_s = sim_chance(w->s, 300) ? (uint32_t)sim_below(w->s, 20) : 0,
	    .drain_s = sim_chance(w->s, 200) ? 1 + (uint32_t)sim_below(w->s, 5) : 0,
	    .deadline_s = sim_chance(w->s, 200) ? 5 + (uint32_t)sim_below(w->s, 200) : 0};

	if (sim_chance(w->s, 300))
		return (sot_rollout_strategy){.batch = 0};
	if (sim_chance(w->s, 500))
		g.batch = 1 + (uint32_t)sim_below(w->s, 4);
	else
		g.batch_percent = (uint8_t)(10 + sim_below(w->s, 90));
	if (sim_chance(w->s, 200))
		g.rotation_command = SOT_STR("rotate");
	if (surge && sim_chance(w->s, 300))
		g.surge = 1 + (uint32_t)sim_below(w->s, 2);
	if (sim_chance(w->s, 400))
		g.pause = g.canary > 0 && sim_chance(w->s, 500) ? SOT_ROLLOUT_PAUSE_CANARY
		                                                : SOT_ROLLOUT_PAUSE_BATCH;
	if (g.pause != SOT_ROLLOUT_PAUSE_NEVER && sim_chance(w->s, 500))
		g.pause_s = 1 + (uint32_t)sim_below(w->s, 20);
	else if (g.pause != SOT_ROLLOUT_PAUSE_NEVER)
		g.deadline_s = 20 + (uint32_t)sim_below(w->s, 200); /* nobody may come */
	return g;
}

/* Something is said to what an earlier request began, whatever that is. */
sot_code client_encode_rollout(world *w, sent_request *r, sot_request_context ctx, sot_err *err)
{
	sot_rollout_act m = {.request_id = r->request_id,
	    .context = ctx,
	    .action = (sot_rollout_action)sim_below(w->s, 3)};
	size_t n = w->request_count > 1 ? w->request_count - 1 : 0, back = n < 8 ? n : 8;

	if (n > 0)
		m.operation_id = w->requests[n - 1 - sim_below(w->s, back)].operation_id;
	return sot_rollout_act_encode(&m, &r->frame, err);
}

/* What a retry goes on with, read from the rows as the gateway does. */
typedef struct remains {
	sot_uuid operation_id;
	sot_uuid targets[512];
	size_t count;
} remains;

static void add_remaining(remains *m, sot_uuid target)
{
	for (size_t k = 0; k < m->count; k++) {
		if (sot_uuid_eq(m->targets[k], target))
			return;
	}
	if (m->count < sizeof(m->targets) / sizeof(m->targets[0]))
		m->targets[m->count++] = target;
}

static void add_child(void *self, const operation_row *o)
{
	remains *m = self;

	if (sot_uuid_eq(o->parent_id, m->operation_id) && o->state != OPERATION_DONE)
		add_remaining(m, o->resource_id);
}

static void add_step(void *self, const step_row *s)
{
	remains *m = self;

	if (sot_uuid_eq(s->operation_id, m->operation_id) && s->state != OPERATION_DONE)
		add_remaining(m, s->instance_id);
}

/* Of an operation of an earlier request that has ended otherwise than well; else a ping. */
sot_code client_encode_retry(world *w, sent_request *r, sot_request_context ctx, sot_err *err)
{
	const operation_row *o =
	    w->request_count > 1 ? store_model_operation(w->store,
	                               w->requests[sim_below(w->s, w->request_count - 1)].operation_id)
	                         : NULL;
	remains left = {.count = 0};
	sot_str rest;

	if (!o || !operation_state_is_final(o->state) || o->state == OPERATION_DONE)
		return sot_app_scale_encode(&(sot_app_scale){r->request_id, ctx, SOT_STR("alpha"), 2, false,
		                                {0}, {0}, SOT_SCALE_PICK_SPREAD},
		    &r->frame, err);
	left.operation_id = o->id;
	bool is_bulk = operation_kind_is_bulk(o->kind);
	bool is_instance = o->kind >= OPERATION_INSTANCE_START && !is_bulk;
	if (is_bulk)
		store_model_each_operation(w->store, add_child, &left);
	else if (is_instance)
		add_remaining(&left, o->resource_id);
	else
		store_model_each_step(w->store, add_step, &left);
	sot_operation_retry m = {.request_id = r->request_id,
	    .context = ctx,
	    .operation_id = o->id,
	    .kind = sot_str_c(operation_kind_name(o->kind)),
	    .app = is_bulk ? SOT_STR("") : sot_str_cut(sot_str_c(o->target), '-', &rest),
	    .count = o->count,
	    .version = sot_str_c(o->version),
	    .parallel = (uint16_t)o->parallel,
	    .failures_max = (uint16_t)o->failures_max,
	    .targets = left.targets,
	    .targets_count = left.count,
	    .what = sot_str_c(o->kind == OPERATION_APP_RESIZE ? o->plan : o->image),
	    .strategy = client_strategy(w, false)};
	return sot_operation_retry_encode(&m, &r->frame, err);
}

static sot_str random_host(world *w)
{
	static const char *const hosts[HOSTS] = {"host-a", "host-b", "host-c", "host-d"};

	return sot_str_c(hosts[sim_below(w->s, HOSTS)]);
}

sot_code client_encode_upkeep(world *w, sent_request *r, sot_request_context ctx, sot_err *err)
{
	sot_host_drain drain = {.request_id = r->request_id,
	    .context = ctx,
	    .name = random_host(w),
	    .include_pinned = sim_chance(w->s, 700),
	    .parallel = (uint16_t)sim_below(w->s, 4),
	    .deadline_s = sim_chance(w->s, 300) ? 30 : 0};
	sot_fleet_rebalance rebalance = {.request_id = r->request_id,
	    .context = ctx,
	    .include_pinned = sim_chance(w->s, 700),
	    .parallel = (uint16_t)sim_below(w->s, 4)};

	switch (sim_below(w->s, 6)) {
	case 0:
	case 1:
		return sot_host_drain_encode(&drain, &r->frame, err);
	case 2:
		return sot_fleet_rebalance_encode(&rebalance, &r->frame, err);
	case 3:
		return sot_host_brake_release_encode(
		    &(sot_host_brake_release){r->request_id, ctx, SOT_STR("seen to")}, &r->frame, err);
	default:
		return sot_host_set_schedulable_encode(
		    &(sot_host_set_schedulable){r->request_id, ctx, random_host(w), true}, &r->frame, err);
	}
}
