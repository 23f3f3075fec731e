/* Commands about what others may roll over an app, and middleware that they roll over many. */
#include "gw_command_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { APPS_MAX = 1000, LABELS_MAX = 16, WINDOWS_MAX = 8, OPT_OUTS_MAX = 16 };

static const gw_field labels_fields[] = {
    {.name = "labels",
        .kind = GW_TEXTS,
        .required = true,
        .min = 0,
        .max = LABELS_MAX,
        .item_max = 96},
};
static const gw_field maintenance_fields[] = {
    {.name = "windows", .kind = GW_TEXTS, .min = 0, .max = WINDOWS_MAX, .item_max = 60},
    {.name = "optOuts", .kind = GW_TEXTS, .min = 0, .max = OPT_OUTS_MAX, .item_max = 30},
};
static const gw_field retention_fields[] = {
    {.name = "keepVersions", .kind = GW_INT, .required = true, .min = 0, .max = 10000},
    {.name = "keepDays", .kind = GW_INT, .min = 0, .max = 3650},
};
static const gw_field rollout_fields[] = {
    {.name = "version", .kind = GW_TEXT, .min = 1, .max = 64},
    {.name = "back", .kind = GW_BOOL},
    {.name = "apps", .kind = GW_TEXTS, .min = 1, .max = APPS_MAX, .item_max = 30},
    {.name = "labels", .kind = GW_TEXTS, .min = 1, .max = LABELS_MAX - 1, .item_max = 96},
    {.name = "team", .kind = GW_TEXT, .min = 1, .max = 30},
    {.name = "image", .kind = GW_TEXT, .min = 1, .max = 64},
    {.name = "environment", .kind = GW_TEXT, .min = 1, .max = 63},
    {.name = "having", .kind = GW_TEXT, .min = 1, .max = 64},
    {.name = "parallel", .kind = GW_INT, .min = 1, .max = 100},
    {.name = "failuresMax", .kind = GW_INT, .min = 0, .max = 1000},
    {.name = "expect", .kind = GW_INT, .min = 1, .max = 5000},
    {.name = "dryRun", .kind = GW_BOOL},
    {.name = "strategy",
        .kind = GW_OBJECT,
        .fields = command_strategy_fields,
        .field_count = COMMAND_STRATEGY_FIELDS},
};

static const struct {
	gw_route_id route;
	const gw_field *fields;
	size_t count;
} routes[] = {
    {GW_ROUTE_app_labels_set, labels_fields, COUNT(labels_fields)},
    {GW_ROUTE_app_maintenance_set, maintenance_fields, COUNT(maintenance_fields)},
    {GW_ROUTE_app_retention_set, retention_fields, COUNT(retention_fields)},
    {GW_ROUTE_middleware_retention_set, retention_fields, COUNT(retention_fields)},
    {GW_ROUTE_middleware_rollout, rollout_fields, COUNT(rollout_fields)},
};

bool settings_command_owns(gw_route_id route)
{
	size_t count;

	return settings_command_fields(route, &count) != NULL;
}

const gw_field *settings_command_fields(gw_route_id route, size_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (routes[i].route != route)
			continue;
		*ret_count = routes[i].count;
		return routes[i].fields;
	}
	return NULL;
}

static sot_code encode_rollout(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str labels[LABELS_MAX], environment = gw_json_text(c->body, "environment");
	sot_str *apps = sot_alloc_array(APPS_MAX, sizeof(*apps));
	char label[96];
	struct sot_operation_bulk m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .action = SOT_BULK_ACTION_MIDDLEWARE,
	    .middleware = sot_str_c(c->params[0]),
	    .version = gw_json_text(c->body, "version"),
	    .back = gw_json_bool(c->body, "back", false),
	    .apps = apps,
	    .apps_count = command_words(c->body, "apps", apps, APPS_MAX),
	    .labels = labels,
	    .labels_count = command_words(c->body, "labels", labels, LABELS_MAX - 1),
	    .team = gw_json_text(c->body, "team"),
	    .image = gw_json_text(c->body, "image"),
	    .having = gw_json_text(c->body, "having"),
	    .parallel = (uint16_t)gw_json_int(c->body, "parallel", 0),
	    .failures_max = (uint16_t)gw_json_int(c->body, "failuresMax", 0),
	    .expect = (uint32_t)gw_json_int(c->body, "expect", 0),
	    .dry_run = gw_json_bool(c->body, "dryRun", false),
	    .strategy = command_strategy(json_object_get(c->body, "strategy")),
	};

	if (environment.n > 0) {
		(void)snprintf(label, sizeof(label), "environment=%.*s", SOT_ARG(environment));
		labels[m.labels_count++] = sot_str_c(label);
	}
	sot_code code = sot_operation_bulk_encode(&m, out, err);
	free(apps);
	return code;
}

static sot_code encode_middleware_retention(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_middleware_retention m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .keep_versions = (uint32_t)gw_json_int(c->body, "keepVersions", 0),
	    .keep_days = (uint32_t)gw_json_int(c->body, "keepDays", 0),
	};
	return sot_middleware_retention_encode(&m, out, err);
}

sot_code settings_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str labels[LABELS_MAX], windows[WINDOWS_MAX], opt_outs[OPT_OUTS_MAX];
	struct sot_app_set m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .setting = c->route == GW_ROUTE_app_labels_set        ? SOT_APP_SETTING_LABELS
	               : c->route == GW_ROUTE_app_maintenance_set ? SOT_APP_SETTING_MAINTENANCE
	                                                          : SOT_APP_SETTING_RETENTION,
	    .labels = labels,
	    .labels_count = command_words(c->body, "labels", labels, LABELS_MAX),
	    .windows = windows,
	    .windows_count = command_words(c->body, "windows", windows, WINDOWS_MAX),
	    .opt_outs = opt_outs,
	    .opt_outs_count = command_words(c->body, "optOuts", opt_outs, OPT_OUTS_MAX),
	    .keep_versions = (uint32_t)gw_json_int(c->body, "keepVersions", 0),
	    .keep_days = (uint32_t)gw_json_int(c->body, "keepDays", 0),
	};

	if (c->route == GW_ROUTE_middleware_rollout)
		return encode_rollout(c, request_id, out, err);
	if (c->route == GW_ROUTE_middleware_retention_set)
		return encode_middleware_retention(c, request_id, out, err);
	return sot_app_set_encode(&m, out, err);
}
