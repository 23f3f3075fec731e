/* The routes that are about operations: many at once, again, not at all. */
#include "gw_command_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define INSTANCES_MAX 5000
#define NAMES_MAX 1000
#define TAGS_MAX 32

static const gw_field bulk_fields[] = {
    {.name = "action",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 8,
        .words = "start stop restart retire scale deploy rebuild"},
    {.name = "apps", .kind = GW_TEXTS, .min = 1, .max = NAMES_MAX, .item_max = 30},
    {.name = "hosts", .kind = GW_TEXTS, .min = 1, .max = NAMES_MAX, .item_max = 63},
    {.name = "tags", .kind = GW_TEXTS, .min = 1, .max = TAGS_MAX, .item_max = 64},
    {.name = "az", .kind = GW_TEXT, .min = 1, .max = 32},
    {.name = "rack", .kind = GW_TEXT, .min = 1, .max = 32},
    {.name = "instances", .kind = GW_TEXTS, .min = 1, .max = INSTANCES_MAX, .item_max = 80},
    {.name = "count", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "version", .kind = GW_TEXT, .min = 1, .max = 64},
    {.name = "parallel", .kind = GW_INT, .min = 1, .max = 100},
    {.name = "failuresMax", .kind = GW_INT, .min = 0, .max = 1000},
    {.name = "expect", .kind = GW_INT, .min = 1, .max = INSTANCES_MAX},
    {.name = "dryRun", .kind = GW_BOOL},
    {.name = "strategy",
        .kind = GW_OBJECT,
        .fields = command_strategy_fields,
        .field_count = COMMAND_STRATEGY_FIELDS},
};

const gw_field *operation_command_fields(gw_route_id route, size_t *ret_count)
{
	*ret_count = route == GW_ROUTE_operation_bulk ? COUNT(bulk_fields) : 0;
	return route == GW_ROUTE_operation_bulk ? bulk_fields : NULL;
}

bool operation_command_owns(gw_route_id route)
{
	return route == GW_ROUTE_operation_bulk || route == GW_ROUTE_operation_cancel ||
	       route == GW_ROUTE_operation_retry;
}

/* The texts of a list that was checked; its length. */
static size_t read_texts(const json_t *body, const char *name, sot_str *ret)
{
	const json_t *list = json_object_get(body, name);
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);
		ret[i] = (sot_str){json_string_value(item), json_string_length(item)};
	}
	return n;
}

static int find_action(const json_t *body)
{
	return sot_bulk_action_find(gw_json_text(body, "action"));
}

/* What the table of fields cannot say: which field goes with which action. */
static sot_code check_bulk(const json_t *body, gw_json_errors *errors, sot_err *err)
{
	int action = find_action(body);
	bool scales = action == SOT_BULK_ACTION_SCALE, deploys = action == SOT_BULK_ACTION_DEPLOY;
	bool rolls_out = deploys || action == SOT_BULK_ACTION_REBUILD;

	if (scales != (json_object_get(body, "count") != NULL))
		return command_blame(errors, "/count", "goes with the action scale, and only with it", err);
	if (deploys != (json_object_get(body, "version") != NULL))
		return command_blame(
		    errors, "/version", "goes with the action deploy, and only with it", err);
	if (!rolls_out && json_object_get(body, "strategy") != NULL)
		return command_blame(
		    errors, "/strategy", "goes with the actions deploy and rebuild only", err);
	if ((scales || rolls_out) && json_object_get(body, "apps") == NULL)
		return command_blame(
		    errors, "/apps", "must name the apps to scale, deploy or rebuild", err);
	return SOT_OK;
}

static sot_code encode_bulk(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	sot_str tags[TAGS_MAX];
	sot_str *names;
	sot_code code;
	struct sot_operation_bulk m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .tags = tags,
	    .tags_count = read_texts(c->body, "tags", tags),
	    .az = gw_json_text(c->body, "az"),
	    .rack = gw_json_text(c->body, "rack"),
	    .count = (uint32_t)gw_json_int(c->body, "count", 0),
	    .version = gw_json_text(c->body, "version"),
	    .parallel = (uint16_t)gw_json_int(c->body, "parallel", 0),
	    .failures_max = (uint16_t)gw_json_int(c->body, "failuresMax", 0),
	    .expect = (uint32_t)gw_json_int(c->body, "expect", 0),
	    .dry_run = json_is_true(json_object_get(c->body, "dryRun")),
	    .strategy = command_strategy(json_object_get(c->body, "strategy")),
	};
	if (check_bulk(c->body, errors, err) != SOT_OK)
		return SOT_INVALID;
	m.action = (sot_bulk_action)find_action(c->body);
	names = sot_alloc_array(2 * NAMES_MAX + INSTANCES_MAX, sizeof(*names));
	m.apps = names;
	m.apps_count = read_texts(c->body, "apps", m.apps);
	m.hosts = names + NAMES_MAX;
	m.hosts_count = read_texts(c->body, "hosts", m.hosts);
	m.instances = names + (2 * NAMES_MAX);
	m.instances_count = read_texts(c->body, "instances", m.instances);
	code = sot_operation_bulk_encode(&m, out, err);
	free(names);
	return code;
}

static sot_code encode_retry(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_operation_retry m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .operation_id = c->retry->operation_id,
	    .kind = c->retry->kind,
	    .app = c->retry->app,
	    .count = c->retry->count,
	    .version = c->retry->version,
	    .host = c->retry->host,
	    .parallel = c->retry->parallel,
	    .failures_max = c->retry->failures_max,
	    .targets = c->retry->targets,
	    .targets_count = c->retry->target_count,
	    .strategy = c->retry->strategy,
	    .what = c->retry->thing,
	};
	return sot_operation_retry_encode(&m, out, err);
}

sot_code operation_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_operation_cancel m = {.request_id = request_id, .context = command_context(c)};

	if (c->route == GW_ROUTE_operation_bulk)
		return encode_bulk(c, request_id, out, errors, err);
	if (c->route == GW_ROUTE_operation_retry)
		return encode_retry(c, request_id, out, err);
	if (sot_uuid_parse(sot_str_c(c->params[0]), &m.operation_id, err) != SOT_OK)
		return command_blame(errors, "", "the operation's id is not a UUID", err);
	return sot_operation_cancel_encode(&m, out, err);
}
