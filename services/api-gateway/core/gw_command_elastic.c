/* Elastic scaling: the rules of an app, and the values that it sends. */
#include "gw_command_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RULES_MAX 16
#define WINDOW_S 60
#define VALUE_MAX INT64_C(1000000000000)

static const gw_field rule_fields[] = {
    {.name = "name", .kind = GW_TEXT, .required = true, .min = 1, .max = 30},
    {.name = "metric",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 8,
        .words = "cpu memory custom schedule"},
    {.name = "target", .kind = GW_INT, .min = 1, .max = VALUE_MAX},
    {.name = "windowSeconds", .kind = GW_INT, .min = 1, .max = 3600},
    {.name = "value", .kind = GW_TEXT, .min = 0, .max = 30},
    {.name = "sum", .kind = GW_TEXT, .min = 1, .max = 8, .words = "average sum"},
    {.name = "cron", .kind = GW_TEXT, .min = 0, .max = 100},
    {.name = "zone", .kind = GW_TEXT, .min = 1, .max = 64},
    {.name = "forSeconds", .kind = GW_INT, .min = 0, .max = 604800},
    {.name = "count", .kind = GW_INT, .min = 0, .max = 10000},
};
static const gw_field set_fields[] = {
    {.name = "group", .kind = GW_TEXT, .min = 0, .max = 30},
    {.name = "enabled", .kind = GW_BOOL},
    {.name = "dryRun", .kind = GW_BOOL},
    {.name = "min", .kind = GW_INT, .required = true, .min = 1, .max = 10000},
    {.name = "max", .kind = GW_INT, .required = true, .min = 1, .max = 10000},
    {.name = "upStep", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "downStep", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "upCooldownSeconds", .kind = GW_INT, .min = 0, .max = 86400},
    {.name = "downCooldownSeconds", .kind = GW_INT, .min = 0, .max = 86400},
    {.name = "stableSeconds", .kind = GW_INT, .min = 0, .max = 86400},
    {.name = "tolerancePercent", .kind = GW_INT, .min = 0, .max = 50},
    {.name = "rules",
        .kind = GW_OBJECTS,
        .required = true,
        .min = 1,
        .max = RULES_MAX,
        .fields = rule_fields,
        .field_count = COUNT(rule_fields)},
};
static const gw_field value_fields[] = {
    {.name = "name", .kind = GW_TEXT, .required = true, .min = 1, .max = 30},
    {.name = "value", .kind = GW_INT, .required = true, .min = 0, .max = VALUE_MAX},
    {.name = "instance", .kind = GW_TEXT, .min = 0, .max = 80},
    {.name = "group", .kind = GW_TEXT, .min = 0, .max = 30},
};

bool elastic_command_owns(gw_route_id route)
{
	return route == GW_ROUTE_elastic_set || route == GW_ROUTE_elastic_delete ||
	       route == GW_ROUTE_elastic_value;
}

const gw_field *elastic_command_fields(gw_route_id route, size_t *ret_count)
{
	*ret_count = route == GW_ROUTE_elastic_set     ? COUNT(set_fields)
	             : route == GW_ROUTE_elastic_value ? COUNT(value_fields)
	                                               : 0;
	return route == GW_ROUTE_elastic_set     ? set_fields
	       : route == GW_ROUTE_elastic_value ? value_fields
	                                         : NULL;
}

static struct sot_elastic_rule rule_of(const json_t *rule)
{
	int metric = sot_elastic_metric_find(gw_json_text(rule, "metric"));
	int sum = sot_elastic_sum_find(gw_json_text(rule, "sum"));
	sot_str zone = gw_json_text(rule, "zone");

	return (struct sot_elastic_rule){
	    .name = gw_json_text(rule, "name"),
	    .metric = (enum sot_elastic_metric)(metric < 0 ? 0 : metric),
	    .target_milli = (uint64_t)gw_json_int(rule, "target", 0) * 1000,
	    .window_s = (uint32_t)gw_json_int(rule, "windowSeconds", WINDOW_S),
	    .value = gw_json_text(rule, "value"),
	    .sum = (enum sot_elastic_sum)(sum < 0 ? 0 : sum),
	    .cron = gw_json_text(rule, "cron"),
	    .zone = zone.n > 0 ? zone : SOT_STR("UTC"),
	    .for_s = (uint32_t)gw_json_int(rule, "forSeconds", 0),
	    .count = (uint32_t)gw_json_int(rule, "count", 0),
	};
}

static sot_code encode_set(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	const json_t *list = json_object_get(c->body, "rules");
	struct sot_elastic_rule rules[RULES_MAX];
	struct sot_elastic_set m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .app = sot_str_c(c->params[0]),
	    .group = gw_json_text(c->body, "group"),
	    .enabled = gw_json_bool(c->body, "enabled", true),
	    .dry_run = gw_json_bool(c->body, "dryRun", false),
	    .min = (uint32_t)gw_json_int(c->body, "min", 1),
	    .max = (uint32_t)gw_json_int(c->body, "max", 1),
	    .up_step = (uint32_t)gw_json_int(c->body, "upStep", 0),
	    .down_step = (uint32_t)gw_json_int(c->body, "downStep", 0),
	    .up_cooldown_s = (uint32_t)gw_json_int(c->body, "upCooldownSeconds", 30),
	    .down_cooldown_s = (uint32_t)gw_json_int(c->body, "downCooldownSeconds", 60),
	    .stable_s = (uint32_t)gw_json_int(c->body, "stableSeconds", 300),
	    .tolerance_percent = (uint8_t)gw_json_int(c->body, "tolerancePercent", 10),
	    .rules = rules,
	};

	for (size_t k = 0; k < json_array_size(list) && k < RULES_MAX; k++)
		rules[m.rules_count++] = rule_of(json_array_get(list, k));
	return sot_elastic_set_encode(&m, out, err);
}

sot_code elastic_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	if (c->route == GW_ROUTE_elastic_set)
		return encode_set(c, request_id, out, err);
	if (c->route == GW_ROUTE_elastic_delete) {
		struct sot_elastic_delete m = {
		    request_id, command_context(c), sot_str_c(c->params[0]), c->group};
		return sot_elastic_delete_encode(&m, out, err);
	}
	struct sot_elastic_value m = {
	    .request_id = request_id,
	    .app = sot_str_c(c->params[0]),
	    .value = gw_json_text(c->body, "name"),
	    .instance = gw_json_text(c->body, "instance"),
	    .group = gw_json_text(c->body, "group"),
	    .value_milli = (uint64_t)gw_json_int(c->body, "value", 0) * 1000,
	};
	return sot_elastic_value_encode(&m, out, err);
}
