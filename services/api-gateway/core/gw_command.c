#include "gw_command_internal.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const gw_field session_fields[] = {
    {.name = "name", .kind = GW_TEXT, .min = 1, .max = 63},
    {.name = "password", .kind = GW_TEXT, .min = 1, .max = 256},
    {.name = "code", .kind = GW_TEXT, .min = 1, .max = 255},
    {.name = "verifier", .kind = GW_TEXT, .min = 43, .max = 128},
};
static const gw_field host_fields[] = {
    {.name = "name", .kind = GW_LABEL, .required = true, .min = 1, .max = 63},
    {.name = "az", .kind = GW_LABEL, .required = true, .min = 1, .max = 32},
    {.name = "rack", .kind = GW_LABEL, .required = true, .min = 1, .max = 32},
    {.name = "publicKey", .kind = GW_TEXT, .required = true, .min = 40, .max = 40},
    {.name = "tags", .kind = GW_TEXTS, .min = 0, .max = 32, .item_max = 64},
};
static const gw_field health_fields[] = {
    {.name = "kind",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 8,
        .words = "none tcp http command"},
    {.name = "port", .kind = GW_INT, .min = 0, .max = 65535},
    {.name = "path", .kind = GW_TEXT, .min = 0, .max = 200},
    {.name = "intervalMs", .kind = GW_INT, .min = 200, .max = 300000},
    {.name = "timeoutMs", .kind = GW_INT, .min = 50, .max = 60000},
    {.name = "healthyAfter", .kind = GW_INT, .min = 1, .max = 20},
    {.name = "unhealthyAfter", .kind = GW_INT, .min = 1, .max = 20},
    {.name = "startPeriodMs", .kind = GW_INT, .min = 0, .max = 3600000},
    {.name = "restartAfter", .kind = GW_INT, .min = 0, .max = 100},
    {.name = "command", .kind = GW_TEXT, .min = 0, .max = 500},
};
static const gw_field env_fields[] = {
    {.name = "name", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "value", .kind = GW_TEXT, .required = true, .min = 0, .max = 1024},
};
static const gw_field app_fields[] = {
    {.name = "name", .kind = GW_LABEL, .required = true, .min = 2, .max = 30},
    {.name = "image", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "plan", .kind = GW_TEXT, .required = true, .min = 1, .max = 32},
    {.name = "vlan", .kind = GW_TEXT, .required = true, .min = 1, .max = 65},
    {.name = "command", .kind = GW_TEXT, .min = 0, .max = 1000},
    {.name = "health",
        .kind = GW_OBJECT,
        .fields = health_fields,
        .field_count = COUNT(health_fields)},
    {.name = "env",
        .kind = GW_OBJECTS,
        .min = 0,
        .max = 64,
        .fields = env_fields,
        .field_count = COUNT(env_fields)},
    {.name = "version", .kind = GW_TEXT, .min = 0, .max = 64},
    {.name = "count", .kind = GW_INT, .required = true, .min = 0, .max = 10000},
    {.name = "team", .kind = GW_TEXT, .min = 0, .max = 30},
    {.name = "placement",
        .kind = GW_OBJECT,
        .fields = command_placement_fields,
        .field_count = COMMAND_PLACEMENT_FIELDS},
    {.name = "dryRun", .kind = GW_BOOL},
    {.name = "ifStillTrue", .kind = GW_TEXT, .min = 0, .max = 40},
    COMMAND_RECOVERY_FIELDS,
};
static const gw_field scale_fields[] = {
    {.name = "count", .kind = GW_INT, .required = true, .min = 0, .max = 10000},
    {.name = "dryRun", .kind = GW_BOOL},
    {.name = "ifStillTrue", .kind = GW_TEXT, .min = 0, .max = 40},
    {.name = "group", .kind = GW_TEXT, .min = 0, .max = 30},
    {.name = "pick", .kind = GW_TEXT, .min = 1, .max = 16, .words = "spread newest least_healthy"},
};
static const gw_field instance_resize_fields[] = {
    {.name = "plan", .kind = GW_TEXT, .min = 1, .max = 32},
    {.name = "bandwidthKbit", .kind = GW_INT, .min = 0, .max = 2000000000},
    {.name = "bandwidthOfPlan", .kind = GW_BOOL},
};

const gw_field *gw_command_fields(gw_route_id route, size_t *ret_count)
{
	static const struct {
		gw_route_id route;
		const gw_field *fields;
		size_t count;
	} tables[] = {
	    {GW_ROUTE_session_create, session_fields, COUNT(session_fields)},
	    {GW_ROUTE_host_register, host_fields, COUNT(host_fields)},
	    {GW_ROUTE_app_create, app_fields, COUNT(app_fields)},
	    {GW_ROUTE_app_scale, scale_fields, COUNT(scale_fields)},
	    {GW_ROUTE_instance_resize, instance_resize_fields, COUNT(instance_resize_fields)},
	};
	for (size_t i = 0; i < COUNT(tables); i++) {
		if (tables[i].route != route)
			continue;
		*ret_count = tables[i].count;
		return tables[i].fields;
	}
	if (rollout_command_owns(route))
		return rollout_command_fields(route, ret_count);
	if (hosts_command_owns(route))
		return hosts_command_fields(route, ret_count);
	if (groups_command_owns(route))
		return groups_command_fields(route, ret_count);
	if (elastic_command_owns(route))
		return elastic_command_fields(route, ret_count);
	if (packages_command_owns(route))
		return packages_command_fields(route, ret_count);
	if (settings_command_owns(route))
		return settings_command_fields(route, ret_count);
	if (images_command_owns(route))
		return images_command_fields(route, ret_count);
	const gw_field *fields = ssh_command_fields(route, ret_count);
	if (fields != NULL)
		return fields;
	fields = users_command_fields(route, ret_count);
	if (fields != NULL)
		return fields;
	fields = monitor_command_fields(route, ret_count);
	if (fields != NULL)
		return fields;
	fields = machines_command_fields(route, ret_count);
	if (fields != NULL)
		return fields;
	if (placement_command_owns(route))
		return placement_command_fields(route, ret_count);
	if (rules_command_owns(route))
		return rules_command_fields(route, ret_count);
	return operation_command_owns(route) ? operation_command_fields(route, ret_count)
	                                     : ipam_command_fields(route, ret_count);
}

gw_peer gw_command_peer(gw_route_id route)
{
	return ipam_command_owns(route) ? GW_PEER_IPAM : GW_PEER_SCHEDULER;
}

sot_code command_blame(
    gw_json_errors *errors, const char *pointer, const char *detail, sot_err *err)
{
	gw_json_error *e = &errors->items[errors->count];
	if (errors->count < GW_JSON_ERRORS_MAX) {
		(void)snprintf(e->pointer, sizeof(e->pointer), "%s", pointer);
		(void)snprintf(e->detail, sizeof(e->detail), "%s", detail);
		errors->count++;
	}
	return sot_fail(err, SOT_INVALID, "%s %s", pointer, detail);
}

struct sot_request_context command_context(const gw_command *c)
{
	return (struct sot_request_context){
	    .actor = c->actor,
	    .source_address = c->source_address,
	    .api_request_id = c->api_request_id,
	    .idempotency_key = c->idempotency_key,
	    .request_sha256 = {(const char *)c->request_sha256, sizeof(c->request_sha256)},
	    .reason = c->reason,
	};
}

static sot_code read_health(
    const json_t *json, struct sot_health_spec *ret, gw_json_errors *errors, sot_err *err)
{
	sot_str kind = gw_json_text(json, "kind");
	ret->kind = sot_str_eq_c(kind, "http")      ? SOT_HEALTH_CHECK_HTTP
	            : sot_str_eq_c(kind, "tcp")     ? SOT_HEALTH_CHECK_TCP
	            : sot_str_eq_c(kind, "command") ? SOT_HEALTH_CHECK_COMMAND
	                                            : SOT_HEALTH_CHECK_NONE;
	ret->port = (uint16_t)gw_json_int(json, "port", 0);
	ret->path = gw_json_text(json, "path");
	ret->command = gw_json_text(json, "command");
	/* A command is a process: asked less often, and given more time. */
	bool is_command = ret->kind == SOT_HEALTH_CHECK_COMMAND;
	ret->interval_ms = (uint32_t)gw_json_int(json, "intervalMs", is_command ? 10000 : 2000);
	ret->timeout_ms = (uint32_t)gw_json_int(json, "timeoutMs", is_command ? 5000 : 1000);
	ret->healthy_after = (uint8_t)gw_json_int(json, "healthyAfter", 1);
	ret->unhealthy_after = (uint8_t)gw_json_int(json, "unhealthyAfter", 3);
	ret->start_period_ms = (uint32_t)gw_json_int(json, "startPeriodMs", 60000);
	ret->restart_after = (uint8_t)gw_json_int(json, "restartAfter", 0);
	if (is_command && ret->command.n == 0)
		return command_blame(
		    errors, "/health/command", "must be given for a check of kind command", err);
	if (ret->kind != SOT_HEALTH_CHECK_NONE && !is_command && ret->port == 0)
		return command_blame(
		    errors, "/health/port", "must be given for a check of kind tcp or http", err);
	if (ret->kind == SOT_HEALTH_CHECK_NONE && ret->restart_after > 0)
		return command_blame(
		    errors, "/health/restartAfter", "needs a check: kind is tcp, http or command", err);
	if (ret->kind == SOT_HEALTH_CHECK_HTTP && ret->path.n == 0)
		ret->path = SOT_STR("/");
	if (ret->path.n > 0 && ret->path.p[0] != '/')
		return command_blame(errors, "/health/path", "must begin with '/'", err);
	return SOT_OK;
}

static bool is_env_name(sot_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return s.n > 0;
}

static sot_code read_env(
    const json_t *json, struct sot_env_var *ret, size_t count, gw_json_errors *errors, sot_err *err)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(json, i);
		char pointer[32];
		(void)snprintf(pointer, sizeof(pointer), "/env/%zu/name", i);
		ret[i].name = gw_json_text(item, "name");
		ret[i].value = gw_json_text(item, "value");
		if (!is_env_name(ret[i].name))
			return command_blame(errors, pointer, "must match [A-Za-z_][A-Za-z0-9_]*", err);
	}
	return SOT_OK;
}

static sot_code encode_app_create(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_env_var env[64];
	command_lists lists;
	const json_t *list = json_object_get(c->body, "env");
	struct sot_app_create m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = gw_json_text(c->body, "name"),
	    .image = gw_json_text(c->body, "image"),
	    .plan = gw_json_text(c->body, "plan"),
	    .vlan = gw_json_text(c->body, "vlan"),
	    .command = gw_json_text(c->body, "command"),
	    .env = env,
	    .env_count = json_array_size(list),
	    .version = gw_json_text(c->body, "version"),
	    .count = (uint32_t)gw_json_int(c->body, "count", 0),
	    .team = gw_json_text(c->body, "team"),
	    .placement = command_placement(c->body, &lists),
	    .dry_run = gw_json_bool(c->body, "dryRun", false),
	    .if_still_true = gw_json_text(c->body, "ifStillTrue"),
	    .recovery = command_recovery(c->body),
	    .on_return = command_on_return(c->body),
	};
	if (read_health(json_object_get(c->body, "health"), &m.health, errors, err) != SOT_OK ||
	    read_env(list, env, m.env_count, errors, err) != SOT_OK)
		return SOT_INVALID;
	return sot_app_create_encode(&m, out, err);
}

static enum sot_scale_pick command_pick(const json_t *body)
{
	int found = sot_scale_pick_find(gw_json_text(body, "pick"));
	return found < 0 ? SOT_SCALE_PICK_SPREAD : (enum sot_scale_pick)found;
}

static sot_code encode_app_change(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str name = sot_str_c(c->params[0]);
	if (c->route == GW_ROUTE_app_delete) {
		struct sot_app_delete m = {request_id, command_context(c), name};
		return sot_app_delete_encode(&m, out, err);
	}
	struct sot_app_scale m = {request_id, command_context(c), name,
	    (uint32_t)gw_json_int(c->body, "count", 0), gw_json_bool(c->body, "dryRun", false),
	    gw_json_text(c->body, "ifStillTrue"), gw_json_text(c->body, "group"),
	    command_pick(c->body)};
	return sot_app_scale_encode(&m, out, err);
}

static sot_code encode_instance_act(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	static const struct {
		gw_route_id route;
		enum sot_instance_action action;
	} actions[] = {
	    {GW_ROUTE_instance_start, SOT_INSTANCE_ACTION_START},
	    {GW_ROUTE_instance_stop, SOT_INSTANCE_ACTION_STOP},
	    {GW_ROUTE_instance_restart, SOT_INSTANCE_ACTION_RESTART},
	    {GW_ROUTE_instance_freeze, SOT_INSTANCE_ACTION_FREEZE},
	    {GW_ROUTE_instance_unfreeze, SOT_INSTANCE_ACTION_UNFREEZE},
	    {GW_ROUTE_instance_rebuild, SOT_INSTANCE_ACTION_REBUILD},
	    {GW_ROUTE_instance_retire, SOT_INSTANCE_ACTION_RETIRE},
	};
	struct sot_instance_act m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .instance = sot_str_c(c->params[0]),
	};
	for (size_t i = 0; i < COUNT(actions); i++) {
		if (actions[i].route == c->route)
			m.action = actions[i].action;
	}
	return sot_instance_act_encode(&m, out, err);
}

static sot_code encode_instance_resize(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	int64_t kbit = gw_json_int(c->body, "bandwidthKbit", -1);
	struct sot_instance_resize m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .instance = sot_str_c(c->params[0]),
	    .plan = gw_json_text(c->body, "plan"),
	    .bandwidth = kbit >= 0                                         ? SOT_BANDWIDTH_CHOICE_OWN
	                 : gw_json_bool(c->body, "bandwidthOfPlan", false) ? SOT_BANDWIDTH_CHOICE_PLAN
	                                                                   : SOT_BANDWIDTH_CHOICE_KEEP,
	    .bandwidth_kbit = kbit >= 0 ? (uint32_t)kbit : 0,
	};
	return sot_instance_resize_encode(&m, out, err);
}

static sot_code encode_host_register(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str tags[32];
	struct sot_host_register m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = gw_json_text(c->body, "name"),
	    .az = gw_json_text(c->body, "az"),
	    .rack = gw_json_text(c->body, "rack"),
	    .public_key = gw_json_text(c->body, "publicKey"),
	    .tags = tags,
	    .tags_count = command_words(c->body, "tags", tags, COUNT(tags)),
	};
	return sot_host_register_encode(&m, out, err);
}

static sot_code encode_host_set_schedulable(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_host_set_schedulable m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .schedulable = c->route == GW_ROUTE_host_uncordon,
	};
	return sot_host_set_schedulable_encode(&m, out, err);
}

sot_code gw_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	switch ((int)c->route) {
	case GW_ROUTE_app_create:
		return encode_app_create(c, request_id, out, errors, err);
	case GW_ROUTE_app_delete:
	case GW_ROUTE_app_scale:
		return encode_app_change(c, request_id, out, err);
	case GW_ROUTE_instance_start:
	case GW_ROUTE_instance_stop:
	case GW_ROUTE_instance_restart:
	case GW_ROUTE_instance_freeze:
	case GW_ROUTE_instance_unfreeze:
	case GW_ROUTE_instance_rebuild:
	case GW_ROUTE_instance_retire:
		return encode_instance_act(c, request_id, out, err);
	case GW_ROUTE_instance_resize:
		return encode_instance_resize(c, request_id, out, err);
	case GW_ROUTE_host_register:
		return encode_host_register(c, request_id, out, err);
	case GW_ROUTE_host_cordon:
	case GW_ROUTE_host_uncordon:
		return encode_host_set_schedulable(c, request_id, out, err);
	default:
		if (rollout_command_owns(c->route))
			return rollout_command_encode(c, request_id, out, errors, err);
		if (placement_command_owns(c->route))
			return placement_command_encode(c, request_id, out, err);
		if (hosts_command_owns(c->route))
			return hosts_command_encode(c, request_id, out, err);
		if (groups_command_owns(c->route))
			return groups_command_encode(c, request_id, out, err);
		if (elastic_command_owns(c->route))
			return elastic_command_encode(c, request_id, out, err);
		if (packages_command_owns(c->route))
			return packages_command_encode(c, request_id, out, err);
		if (settings_command_owns(c->route))
			return settings_command_encode(c, request_id, out, err);
		if (images_command_owns(c->route))
			return images_command_encode(c, request_id, out, err);
		if (rules_command_owns(c->route))
			return rules_command_encode(c, request_id, out, errors, err);
		if (operation_command_owns(c->route))
			return operation_command_encode(c, request_id, out, errors, err);
		return ipam_command_encode(c, request_id, out, errors, err);
	}
}
