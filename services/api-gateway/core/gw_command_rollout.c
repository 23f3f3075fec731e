/* Rollouts: how a change goes over the instances of an app, and what is said to one that runs. */
#include "gw_command_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const gw_field command_strategy_fields[COMMAND_STRATEGY_FIELDS] = {
    {.name = "batch", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "batchPercent", .kind = GW_INT, .min = 0, .max = 100},
    {.name = "canary", .kind = GW_INT, .min = 0, .max = 1000},
    {.name = "order", .kind = GW_TEXT, .min = 1, .max = 8, .words = "age az rack host group"},
    {.name = "maxUnavailable", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "surge", .kind = GW_INT, .min = 0, .max = 100},
    {.name = "pause", .kind = GW_TEXT, .min = 1, .max = 8, .words = "never canary batch"},
    {.name = "pauseSeconds", .kind = GW_INT, .min = 0, .max = 604800},
    {.name = "bakeSeconds", .kind = GW_INT, .min = 0, .max = 604800},
    {.name = "onFailure", .kind = GW_TEXT, .min = 1, .max = 10, .words = "stop roll_back"},
    {.name = "deadlineSeconds", .kind = GW_INT, .min = 0, .max = 2592000},
    {.name = "drainSeconds", .kind = GW_INT, .min = 0, .max = 3600},
    {.name = "errorPermilleMax", .kind = GW_INT, .min = 0, .max = 1000},
    {.name = "rotationCommand", .kind = GW_TEXT, .min = 0, .max = 250},
};

#define STRATEGY                                                                                   \
	{                                                                                              \
		.name = "strategy", .kind = GW_OBJECT, .fields = command_strategy_fields,                  \
		.field_count = COMMAND_STRATEGY_FIELDS                                                     \
	}
static const gw_field deploy_fields[] = {
    {.name = "version", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    STRATEGY,
    {.name = "dryRun", .kind = GW_BOOL},
    {.name = "group", .kind = GW_TEXT, .min = 0, .max = 30},
};
static const gw_field resize_fields[] = {
    {.name = "plan", .kind = GW_TEXT, .required = true, .min = 1, .max = 32},
    STRATEGY,
    {.name = "dryRun", .kind = GW_BOOL},
};
static const gw_field rebuild_fields[] = {
    {.name = "image", .kind = GW_TEXT, .min = 1, .max = 64},
    STRATEGY,
    {.name = "dryRun", .kind = GW_BOOL},
};

static const gw_field middleware_fields[] = {
    {.name = "middleware", .kind = GW_TEXT, .required = true, .min = 1, .max = 30},
    {.name = "version", .kind = GW_TEXT, .min = 0, .max = 64},
    {.name = "back", .kind = GW_BOOL},
    STRATEGY,
    {.name = "dryRun", .kind = GW_BOOL},
};

/* A word of the schema's table; the first when it was left out. */
static int word_of(const json_t *object, const char *name, int (*find)(sot_str word))
{
	sot_str word = gw_json_text(object, name);
	int found = word.n > 0 ? find(word) : 0;

	return found < 0 ? 0 : found;
}

struct sot_rollout_strategy command_strategy(const json_t *strategy)
{
	return (struct sot_rollout_strategy){
	    .batch = (uint32_t)gw_json_int(strategy, "batch", 0),
	    .batch_percent = (uint8_t)gw_json_int(strategy, "batchPercent", 0),
	    .canary = (uint32_t)gw_json_int(strategy, "canary", 0),
	    .order = (enum sot_rollout_order)word_of(strategy, "order", sot_rollout_order_find),
	    .max_unavailable = (uint32_t)gw_json_int(strategy, "maxUnavailable", 0),
	    .surge = (uint32_t)gw_json_int(strategy, "surge", 0),
	    .pause = (enum sot_rollout_pause)word_of(strategy, "pause", sot_rollout_pause_find),
	    .pause_s = (uint32_t)gw_json_int(strategy, "pauseSeconds", 0),
	    .bake_s = (uint32_t)gw_json_int(strategy, "bakeSeconds", 0),
	    .on_failure =
	        (enum sot_rollout_failure)word_of(strategy, "onFailure", sot_rollout_failure_find),
	    .deadline_s = (uint32_t)gw_json_int(strategy, "deadlineSeconds", 0),
	    .drain_s = (uint32_t)gw_json_int(strategy, "drainSeconds", 0),
	    .errors_max = (uint16_t)gw_json_int(strategy, "errorPermilleMax", 0),
	    .rotation_command = gw_json_text(strategy, "rotationCommand"),
	};
}

bool rollout_command_owns(gw_route_id route)
{
	return route == GW_ROUTE_app_deploy || route == GW_ROUTE_app_resize ||
	       route == GW_ROUTE_app_rebuild || route == GW_ROUTE_app_middleware ||
	       route == GW_ROUTE_rollout_pause || route == GW_ROUTE_rollout_resume ||
	       route == GW_ROUTE_rollout_back;
}

const gw_field *rollout_command_fields(gw_route_id route, size_t *ret_count)
{
	switch ((int)route) {
	case GW_ROUTE_app_deploy:
		*ret_count = COUNT(deploy_fields);
		return deploy_fields;
	case GW_ROUTE_app_resize:
		*ret_count = COUNT(resize_fields);
		return resize_fields;
	case GW_ROUTE_app_middleware:
		*ret_count = COUNT(middleware_fields);
		return middleware_fields;
	case GW_ROUTE_app_rebuild:
		*ret_count = COUNT(rebuild_fields);
		return rebuild_fields;
	default:
		*ret_count = 0;
		return NULL;
	}
}

static sot_code encode_act(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_rollout_act m = {.request_id = request_id,
	    .context = command_context(c),
	    .action = c->route == GW_ROUTE_rollout_pause    ? SOT_ROLLOUT_ACTION_PAUSE
	              : c->route == GW_ROUTE_rollout_resume ? SOT_ROLLOUT_ACTION_RESUME
	                                                    : SOT_ROLLOUT_ACTION_ROLL_BACK};

	if (sot_uuid_parse(sot_str_c(c->params[0]), &m.operation_id, err) != SOT_OK)
		return command_blame(errors, "", "the operation's id is not a UUID", err);
	return sot_rollout_act_encode(&m, out, err);
}

sot_code rollout_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	sot_str name = sot_str_c(c->params[0]);
	struct sot_rollout_strategy strategy = command_strategy(json_object_get(c->body, "strategy"));
	bool dry_run = gw_json_bool(c->body, "dryRun", false);

	if (c->route == GW_ROUTE_app_deploy) {
		struct sot_app_deploy m = {request_id, command_context(c), name,
		    gw_json_text(c->body, "version"), strategy, dry_run, gw_json_text(c->body, "group")};
		return sot_app_deploy_encode(&m, out, err);
	}
	if (c->route == GW_ROUTE_app_resize) {
		struct sot_app_resize m = {
		    request_id, command_context(c), name, gw_json_text(c->body, "plan"), strategy, dry_run};
		return sot_app_resize_encode(&m, out, err);
	}
	if (c->route == GW_ROUTE_app_rebuild) {
		struct sot_app_rebuild m = {request_id, command_context(c), name,
		    gw_json_text(c->body, "image"), strategy, dry_run};
		return sot_app_rebuild_encode(&m, out, err);
	}
	if (c->route == GW_ROUTE_app_middleware) {
		struct sot_app_middleware m = {request_id, command_context(c), name,
		    gw_json_text(c->body, "middleware"), gw_json_text(c->body, "version"), strategy,
		    dry_run, gw_json_bool(c->body, "back", false)};
		return sot_app_middleware_encode(&m, out, err);
	}
	return encode_act(c, request_id, out, errors, err);
}
