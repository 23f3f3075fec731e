/* Requests about groups and elastic scaling. */
#include "world.h"

static const char *const groups[] = {"default", "blue"};

static sot_str random_group(world *w)
{
	return sot_str_c(groups[sim_below(w->s, 2)]);
}

/* Either of the app as a whole or of its groups, mostly: what is in the way is refused. */
static sot_str group_of_rules(world *w, sot_str app)
{
	bool has_groups = app.p[0] == 'a';

	return sim_chance(w->s, 100) == has_groups ? SOT_STR("") : random_group(w);
}

static sot_code encode_set(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	sot_elastic_rule rules[2] = {{.name = SOT_STR("queue"),
	                                 .metric = SOT_ELASTIC_METRIC_CUSTOM,
	                                 .target_milli = (1 + sim_below(w->s, 4)) * 10000,
	                                 .window_s = 10 + (uint32_t)sim_below(w->s, 40),
	                                 .value = SOT_STR("queue"),
	                                 .sum = (sot_elastic_sum)sim_below(w->s, 2)},
	    {.name = SOT_STR("jobs"),
	        .metric = SOT_ELASTIC_METRIC_CUSTOM,
	        .target_milli = 10000,
	        .window_s = 30,
	        .value = SOT_STR("jobs"),
	        .sum = SOT_ELASTIC_SUM_SUM}};
	uint32_t min = 1 + (uint32_t)sim_below(w->s, 3);
	sot_elastic_set m = {.request_id = r->request_id,
	    .context = ctx,
	    .app = app,
	    .group = group_of_rules(w, app),
	    .enabled = !sim_chance(w->s, 50),
	    .dry_run = sim_chance(w->s, 50),
	    .min = min,
	    .max = min + (uint32_t)sim_below(w->s, 6),
	    .up_step = (uint32_t)sim_below(w->s, 3),
	    .down_step = (uint32_t)sim_below(w->s, 3),
	    .up_cooldown_s = (uint32_t)sim_below(w->s, 40),
	    .down_cooldown_s = (uint32_t)sim_below(w->s, 40),
	    .stable_s = (uint32_t)sim_below(w->s, 20),
	    .tolerance_percent = 10,
	    .rules = rules,
	    .rules_count = sim_chance(w->s, 300) ? 2 : 1};

	return sot_elastic_set_encode(&m, &r->frame, err);
}

static sot_code encode_value(world *w, sent_request *r, sot_str app, sot_err *err)
{
	sot_elastic_value m = {.request_id = r->request_id,
	    .app = app,
	    .value = sim_chance(w->s, 800) ? SOT_STR("queue") : SOT_STR("jobs"),
	    .group = sim_chance(w->s, 300) ? random_group(w) : SOT_STR(""),
	    .value_milli = sim_below(w->s, 120) * 1000};

	return sot_elastic_value_encode(&m, &r->frame, err);
}

static sot_code encode_move(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	sot_str name = sim_chance(w->s, 500) ? SOT_STR("alpha-default-01") : SOT_STR("beta-default-02");
	sot_group_move m = {.request_id = r->request_id,
	    .context = ctx,
	    .app = app,
	    .group = random_group(w),
	    .instances = &name,
	    .instances_count = 1};

	return sot_group_move_encode(&m, &r->frame, err);
}

sot_code client_encode_elastic(
    world *w, sent_request *r, sot_request_context ctx, uint64_t number, sot_err *err)
{
	sot_str app = number % 2 ? SOT_STR("beta") : SOT_STR("alpha");

	if (number < 4)
		return sot_group_set_encode(
		    &(sot_group_set){
		        .request_id = r->request_id, .context = ctx, .app = app, .group = SOT_STR("blue")},
		    &r->frame, err);
	switch (sim_below(w->s, 12)) {
	case 0:
	case 1:
		return encode_set(w, r, ctx, app, err);
	case 2:
		return sim_chance(w->s, 300)
		           ? sot_elastic_delete_encode(
		                 &(sot_elastic_delete){r->request_id, ctx, app,
		                     sim_chance(w->s, 500) ? SOT_STR("") : random_group(w)},
		                 &r->frame, err)
		           : encode_move(w, r, ctx, app, err);
	case 3:
		return sot_app_scale_encode(
		    &(sot_app_scale){r->request_id, ctx, app, (uint32_t)sim_below(w->s, 6), false, {0},
		        random_group(w), (sot_scale_pick)sim_below(w->s, 3)},
		    &r->frame, err);
	default:
		return encode_value(w, r, app, err);
	}
}

sot_code client_encode_second_group(
    world *w, sent_request *r, sot_request_context ctx, bool makes, sot_err *err)
{
	if (makes)
		return sot_group_set_encode(&(sot_group_set){.request_id = r->request_id,
		                                .context = ctx,
		                                .app = SOT_STR("alpha"),
		                                .group = SOT_STR("blue")},
		    &r->frame, err);
	return sot_app_scale_encode(
	    &(sot_app_scale){r->request_id, ctx, SOT_STR("alpha"), 1 + (uint32_t)sim_below(w->s, 4),
	        false, {0}, SOT_STR("blue"), SOT_SCALE_PICK_SPREAD},
	    &r->frame, err);
}
