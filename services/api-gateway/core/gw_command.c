#include "gw_command_internal.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const gw_field session_fields[] = {
    {.name = "name", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
    {.name = "password", .kind = GW_TEXT, .required = true, .min = 1, .max = 256},
};
static const gw_field host_fields[] = {
    {.name = "name", .kind = GW_LABEL, .required = true, .min = 1, .max = 63},
    {.name = "az", .kind = GW_LABEL, .required = true, .min = 1, .max = 32},
    {.name = "rack", .kind = GW_LABEL, .required = true, .min = 1, .max = 32},
    {.name = "publicKey", .kind = GW_TEXT, .required = true, .min = 40, .max = 40},
    {.name = "tags", .kind = GW_TEXTS, .min = 0, .max = 32, .item_max = 64},
};
static const gw_field image_fields[] = {
    {.name = "name", .kind = GW_LABEL, .required = true, .min = 1, .max = 64},
    {.name = "reference", .kind = GW_TEXT, .required = true, .min = 1, .max = 255},
};
static const gw_field health_fields[] = {
    {.name = "kind",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 8,
        .words = "none tcp http"},
    {.name = "port", .kind = GW_INT, .min = 0, .max = 65535},
    {.name = "path", .kind = GW_TEXT, .min = 0, .max = 200},
    {.name = "intervalMs", .kind = GW_INT, .min = 200, .max = 300000},
    {.name = "timeoutMs", .kind = GW_INT, .min = 50, .max = 60000},
    {.name = "healthyAfter", .kind = GW_INT, .min = 1, .max = 20},
    {.name = "unhealthyAfter", .kind = GW_INT, .min = 1, .max = 20},
    {.name = "startPeriodMs", .kind = GW_INT, .min = 0, .max = 3600000},
};
static const gw_field env_fields[] = {
    {.name = "name", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "value", .kind = GW_TEXT, .required = true, .min = 0, .max = 1024},
};
static const gw_field app_fields[] = {
    {.name = "name", .kind = GW_LABEL, .required = true, .min = 2, .max = 30},
    {.name = "image", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "plan", .kind = GW_TEXT, .required = true, .min = 1, .max = 32},
    {.name = "vlan", .kind = GW_TEXT, .required = true, .min = 1, .max = 32},
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
};
static const gw_field scale_fields[] = {
    {.name = "count", .kind = GW_INT, .required = true, .min = 0, .max = 10000},
};
static const gw_field deploy_fields[] = {
    {.name = "version", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
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
	    {GW_ROUTE_image_register, image_fields, COUNT(image_fields)},
	    {GW_ROUTE_app_create, app_fields, COUNT(app_fields)},
	    {GW_ROUTE_app_scale, scale_fields, COUNT(scale_fields)},
	    {GW_ROUTE_app_deploy, deploy_fields, COUNT(deploy_fields)},
	};
	for (size_t i = 0; i < COUNT(tables); i++) {
		if (tables[i].route != route)
			continue;
		*ret_count = tables[i].count;
		return tables[i].fields;
	}
	return ipam_command_fields(route, ret_count);
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
	};
}

static sot_code read_health(
    const json_t *json, struct sot_health_spec *ret, gw_json_errors *errors, sot_err *err)
{
	sot_str kind = gw_json_text(json, "kind");
	ret->kind = sot_str_eq_c(kind, "http")  ? SOT_HEALTH_CHECK_HTTP
	            : sot_str_eq_c(kind, "tcp") ? SOT_HEALTH_CHECK_TCP
	                                        : SOT_HEALTH_CHECK_NONE;
	ret->port = (uint16_t)gw_json_int(json, "port", 0);
	ret->path = gw_json_text(json, "path");
	ret->interval_ms = (uint32_t)gw_json_int(json, "intervalMs", 2000);
	ret->timeout_ms = (uint32_t)gw_json_int(json, "timeoutMs", 1000);
	ret->healthy_after = (uint8_t)gw_json_int(json, "healthyAfter", 1);
	ret->unhealthy_after = (uint8_t)gw_json_int(json, "unhealthyAfter", 3);
	ret->start_period_ms = (uint32_t)gw_json_int(json, "startPeriodMs", 60000);
	if (ret->kind != SOT_HEALTH_CHECK_NONE && ret->port == 0)
		return command_blame(
		    errors, "/health/port", "must be given for a check of kind tcp or http", err);
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
	};
	if (read_health(json_object_get(c->body, "health"), &m.health, errors, err) != SOT_OK ||
	    read_env(list, env, m.env_count, errors, err) != SOT_OK)
		return SOT_INVALID;
	return sot_app_create_encode(&m, out, err);
}

static sot_code encode_app_change(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str name = sot_str_c(c->params[0]);
	if (c->route == GW_ROUTE_app_delete) {
		struct sot_app_delete m = {request_id, command_context(c), name};
		return sot_app_delete_encode(&m, out, err);
	}
	if (c->route == GW_ROUTE_app_scale) {
		struct sot_app_scale m = {
		    request_id, command_context(c), name, (uint32_t)gw_json_int(c->body, "count", 0)};
		return sot_app_scale_encode(&m, out, err);
	}
	struct sot_app_deploy m = {
	    request_id, command_context(c), name, gw_json_text(c->body, "version")};
	return sot_app_deploy_encode(&m, out, err);
}

static sot_code encode_instance_act(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_instance_act m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .instance = sot_str_c(c->params[0]),
	    .action = c->route == GW_ROUTE_instance_start     ? SOT_INSTANCE_ACTION_START
	              : c->route == GW_ROUTE_instance_stop    ? SOT_INSTANCE_ACTION_STOP
	              : c->route == GW_ROUTE_instance_restart ? SOT_INSTANCE_ACTION_RESTART
	                                                      : SOT_INSTANCE_ACTION_RETIRE,
	};
	return sot_instance_act_encode(&m, out, err);
}

static sot_code encode_package_register(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_package_register m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .app = sot_str_c(c->params[0]),
	    .version = sot_str_c(c->params[1]),
	    .sha256 = {(const char *)c->blob_sha256, sizeof(c->blob_sha256)},
	    .size_bytes = c->blob_size_bytes,
	    .file_name = c->file_name,
	};
	return sot_package_register_encode(&m, out, err);
}

static sot_code encode_image_register(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_image_register m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = gw_json_text(c->body, "name"),
	    .reference = gw_json_text(c->body, "reference"),
	};
	return sot_image_register_encode(&m, out, err);
}

static sot_code encode_host_register(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str tags[32];
	const json_t *list = json_object_get(c->body, "tags");
	struct sot_host_register m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = gw_json_text(c->body, "name"),
	    .az = gw_json_text(c->body, "az"),
	    .rack = gw_json_text(c->body, "rack"),
	    .public_key = gw_json_text(c->body, "publicKey"),
	    .tags = tags,
	    .tags_count = json_array_size(list),
	};
	for (size_t i = 0; i < m.tags_count; i++) {
		const json_t *tag = json_array_get(list, i);
		tags[i] = (sot_str){json_string_value(tag), json_string_length(tag)};
	}
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

static sot_code encode_operation_cancel(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_operation_cancel m = {.request_id = request_id, .context = command_context(c)};
	if (sot_uuid_parse(sot_str_c(c->params[0]), &m.operation_id, err) != SOT_OK)
		return command_blame(errors, "", "the operation's id is not a UUID", err);
	return sot_operation_cancel_encode(&m, out, err);
}

sot_code gw_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	switch ((int)c->route) {
	case GW_ROUTE_app_create:
		return encode_app_create(c, request_id, out, errors, err);
	case GW_ROUTE_app_delete:
	case GW_ROUTE_app_scale:
	case GW_ROUTE_app_deploy:
		return encode_app_change(c, request_id, out, err);
	case GW_ROUTE_instance_start:
	case GW_ROUTE_instance_stop:
	case GW_ROUTE_instance_restart:
	case GW_ROUTE_instance_retire:
		return encode_instance_act(c, request_id, out, err);
	case GW_ROUTE_version_upload:
		return encode_package_register(c, request_id, out, err);
	case GW_ROUTE_image_register:
		return encode_image_register(c, request_id, out, err);
	case GW_ROUTE_host_register:
		return encode_host_register(c, request_id, out, err);
	case GW_ROUTE_host_cordon:
	case GW_ROUTE_host_uncordon:
		return encode_host_set_schedulable(c, request_id, out, err);
	case GW_ROUTE_operation_cancel:
		return encode_operation_cancel(c, request_id, out, errors, err);
	default:
		return ipam_command_encode(c, request_id, out, errors, err);
	}
}
