/* Commands that change rules: an app's team and placement, hosts, host classes, plans, teams,
 * mixing. Whether names are known is the scheduler's to say: it answers with the pointer. */
#include "gw_command_internal.h"

#include "sot_parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AMOUNT_MAX 1125899906842624

static const gw_field spread_fields[] = {
    {.name = "prefer", .kind = GW_BOOL},
    {.name = "maxSkew", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "maxCount", .kind = GW_INT, .min = 0, .max = 10000},
};
#define SPREAD(level)                                                                              \
	{                                                                                              \
		.name = (level), .kind = GW_OBJECT, .fields = spread_fields,                               \
		.field_count = COUNT(spread_fields)                                                        \
	}
static const gw_field levels_fields[] = {SPREAD("az"), SPREAD("rack"), SPREAD("host")};
#define TAGS(word)                                                                                 \
	{                                                                                              \
		.name = (word), .kind = GW_TEXTS, .min = 0, .max = COMMAND_WORDS_MAX, .item_max = 64       \
	}
static const gw_field tags_fields[] = {
    TAGS("required"), TAGS("forbidden"), TAGS("preferred"), TAGS("tolerated")};
static const gw_field relation_fields[] = {
    {.name = "kind",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 16,
        .words = "apart together prefer_together"},
    {.name = "app", .kind = GW_TEXT, .required = true, .min = 1, .max = 30},
    {.name = "level", .kind = GW_TEXT, .min = 1, .max = 8, .words = "az rack host"},
    {.name = "count", .kind = GW_INT, .min = 0, .max = 10000},
};
const gw_field command_placement_fields[COMMAND_PLACEMENT_FIELDS] = {
    {.name = "workload",
        .kind = GW_TEXT,
        .min = 1,
        .max = 8,
        .words = "service latency batch system"},
    {.name = "priority", .kind = GW_INT, .min = 0, .max = 255},
    {.name = "preemptable", .kind = GW_BOOL},
    {.name = "maxUnavailable", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "exclusive", .kind = GW_TEXT, .min = 1, .max = 8, .words = "none app team workload"},
    {.name = "spread",
        .kind = GW_OBJECT,
        .fields = levels_fields,
        .field_count = COUNT(levels_fields)},
    {.name = "tags", .kind = GW_OBJECT, .fields = tags_fields, .field_count = COUNT(tags_fields)},
    {.name = "zones", .kind = GW_TEXTS, .min = 0, .max = COMMAND_WORDS_MAX, .item_max = 32},
    {.name = "relations",
        .kind = GW_OBJECTS,
        .min = 0,
        .max = COMMAND_WORDS_MAX,
        .fields = relation_fields,
        .field_count = COUNT(relation_fields)},
};
static const gw_field app_update_fields[] = {
    {.name = "team", .kind = GW_TEXT, .min = 0, .max = 30},
    {.name = "placement",
        .kind = GW_OBJECT,
        .fields = command_placement_fields,
        .field_count = COMMAND_PLACEMENT_FIELDS},
};
static const gw_field host_set_fields[] = {
    {.name = "class", .kind = GW_TEXT, .min = 1, .max = 30},
    {.name = "tags", .kind = GW_TEXTS, .min = 0, .max = 32, .item_max = 64},
    {.name = "repels", .kind = GW_TEXTS, .min = 0, .max = 8, .item_max = 64},
};
static const gw_field overcommit_fields[] = {
    {.name = "cpuPermille", .kind = GW_INT, .min = 100, .max = 100000},
    {.name = "memoryPermille", .kind = GW_INT, .min = 100, .max = 100000},
    {.name = "diskPermille", .kind = GW_INT, .min = 100, .max = 100000},
};
static const gw_field reserve_fields[] = {
    {.name = "cpuMilli", .kind = GW_INT, .min = 0, .max = 1024000},
    {.name = "memoryBytes", .kind = GW_INT, .min = 0, .max = 17592186044416},
    {.name = "diskBytes", .kind = GW_INT, .min = 0, .max = AMOUNT_MAX},
};
static const gw_field host_class_fields[] = {
    {.name = "overcommit",
        .kind = GW_OBJECT,
        .fields = overcommit_fields,
        .field_count = COUNT(overcommit_fields)},
    {.name = "reserve",
        .kind = GW_OBJECT,
        .fields = reserve_fields,
        .field_count = COUNT(reserve_fields)},
    {.name = "maxInstances", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "maxStarts", .kind = GW_INT, .min = 0, .max = 10000},
};
static const gw_field plan_fields[] = {
    {.name = "cpuMilli", .kind = GW_INT, .required = true, .min = 10, .max = 1024000},
    {.name = "memoryBytes",
        .kind = GW_INT,
        .required = true,
        .min = 4194304,
        .max = 17592186044416},
    {.name = "diskBytes", .kind = GW_INT, .required = true, .min = 0, .max = AMOUNT_MAX},
    {.name = "cpuPinned", .kind = GW_BOOL},
    {.name = "pidsMax", .kind = GW_INT, .min = 16, .max = 4194304},
    {.name = "ioWeight", .kind = GW_INT, .min = 10, .max = 1000},
    {.name = "bandwidthKbit", .kind = GW_INT, .min = 0, .max = 2000000000},
};
static const gw_field quota_fields[] = {
    {.name = "cpuMilli", .kind = GW_INT, .min = 0, .max = 2000000000},
    {.name = "memoryBytes", .kind = GW_INT, .min = 0, .max = AMOUNT_MAX},
    {.name = "diskBytes", .kind = GW_INT, .min = 0, .max = AMOUNT_MAX},
    {.name = "instances", .kind = GW_INT, .min = 0, .max = 1000000},
};
static const gw_field team_fields[] = {
    {.name = "quota",
        .kind = GW_OBJECT,
        .fields = quota_fields,
        .field_count = COUNT(quota_fields)},
};
static const gw_field mixing_fields[] = {
    {.name = "atMost", .kind = GW_INT, .required = true, .min = 0, .max = 10000},
};

const gw_field *rules_command_fields(gw_route_id route, size_t *ret_count)
{
	static const struct {
		gw_route_id route;
		const gw_field *fields;
		size_t count;
	} tables[] = {
	    {GW_ROUTE_app_update, app_update_fields, COUNT(app_update_fields)},
	    {GW_ROUTE_host_set, host_set_fields, COUNT(host_set_fields)},
	    {GW_ROUTE_host_class_set, host_class_fields, COUNT(host_class_fields)},
	    {GW_ROUTE_plan_set, plan_fields, COUNT(plan_fields)},
	    {GW_ROUTE_team_set, team_fields, COUNT(team_fields)},
	    {GW_ROUTE_mixing_set, mixing_fields, COUNT(mixing_fields)},
	};
	*ret_count = 0;
	for (size_t i = 0; i < COUNT(tables); i++) {
		if (tables[i].route != route)
			continue;
		*ret_count = tables[i].count;
		return tables[i].fields;
	}
	return NULL;
}

/* ---- values ---- */

static uint32_t number(const json_t *object, const char *name, uint32_t absent)
{
	return (uint32_t)gw_json_int(object, name, absent);
}

/* The value of a word of a checked body, `absent` when it is not there. */
static int word(const json_t *object, const char *name, int (*find)(sot_str), int absent)
{
	sot_str text = gw_json_text(object, name);
	return text.n > 0 ? find(text) : absent;
}

size_t command_words(const json_t *object, const char *name, sot_str *ret, size_t max)
{
	const json_t *list = json_object_get(object, name);
	size_t count = json_array_size(list) < max ? json_array_size(list) : max;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		ret[i] = (sot_str){json_string_value(item), json_string_length(item)};
	}
	return count;
}

static struct sot_spread_rule read_spread(const json_t *placement, const char *level)
{
	const json_t *s = json_object_get(json_object_get(placement, "spread"), level);
	return (struct sot_spread_rule){
	    gw_json_bool(s, "prefer", true), number(s, "maxSkew", 0), number(s, "maxCount", 0)};
}

static size_t read_relations(const json_t *placement, struct sot_relation *ret)
{
	const json_t *list = json_object_get(placement, "relations");
	size_t count =
	    json_array_size(list) < COMMAND_WORDS_MAX ? json_array_size(list) : COMMAND_WORDS_MAX;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		ret[i] = (struct sot_relation){
		    .kind = (sot_relation_kind)word(item, "kind", sot_relation_kind_find, 0),
		    .app = gw_json_text(item, "app"),
		    .level =
		        (sot_spread_level)word(item, "level", sot_spread_level_find, SOT_SPREAD_LEVEL_HOST),
		    .count = number(item, "count", 0),
		};
	}
	return count;
}

struct sot_placement command_placement(const json_t *body, command_lists *lists)
{
	const json_t *p = json_object_get(body, "placement"), *tags = json_object_get(p, "tags");
	return (struct sot_placement){
	    .workload = (sot_workload)word(p, "workload", sot_workload_find, SOT_WORKLOAD_SERVICE),
	    .priority = (uint8_t)number(p, "priority", 0),
	    .preemptable = gw_json_bool(p, "preemptable", false),
	    .max_unavailable = number(p, "maxUnavailable", 1),
	    .exclusive = (sot_exclusive)word(p, "exclusive", sot_exclusive_find, SOT_EXCLUSIVE_NONE),
	    .spread_az = read_spread(p, "az"),
	    .spread_rack = read_spread(p, "rack"),
	    .spread_host = read_spread(p, "host"),
	    .required = lists->words[0],
	    .required_count = command_words(tags, "required", lists->words[0], COMMAND_WORDS_MAX),
	    .forbidden = lists->words[1],
	    .forbidden_count = command_words(tags, "forbidden", lists->words[1], COMMAND_WORDS_MAX),
	    .preferred = lists->words[2],
	    .preferred_count = command_words(tags, "preferred", lists->words[2], COMMAND_WORDS_MAX),
	    .tolerated = lists->words[3],
	    .tolerated_count = command_words(tags, "tolerated", lists->words[3], COMMAND_WORDS_MAX),
	    .zones = lists->words[4],
	    .zones_count = command_words(p, "zones", lists->words[4], COMMAND_WORDS_MAX),
	    .relations = lists->relations,
	    .relations_count = read_relations(p, lists->relations),
	};
}

/* ---- messages ---- */

static sot_code encode_app_update(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	command_lists lists;
	struct sot_app_update m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .team = gw_json_text(c->body, "team"),
	    .placement = command_placement(c->body, &lists),
	};
	return sot_app_update_encode(&m, out, err);
}

static sot_code encode_host_set(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str tags[32], repels[8], class = gw_json_text(c->body, "class");
	struct sot_host_set m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .class = class.n > 0 ? class : SOT_STR("default"),
	    .tags = tags,
	    .tags_count = command_words(c->body, "tags", tags, COUNT(tags)),
	    .repels = repels,
	    .repels_count = command_words(c->body, "repels", repels, COUNT(repels)),
	};
	return sot_host_set_encode(&m, out, err);
}

static sot_code encode_host_class_set(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	const json_t *over = json_object_get(c->body, "overcommit"),
	             *reserve = json_object_get(c->body, "reserve");
	struct sot_host_class_set m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .cpu_overcommit_permille = number(over, "cpuPermille", 1000),
	    .memory_overcommit_permille = number(over, "memoryPermille", 1000),
	    .disk_overcommit_permille = number(over, "diskPermille", 1000),
	    .reserve_cpu_milli = number(reserve, "cpuMilli", 0),
	    .reserve_memory_bytes = (uint64_t)gw_json_int(reserve, "memoryBytes", 0),
	    .reserve_disk_bytes = (uint64_t)gw_json_int(reserve, "diskBytes", 0),
	    .max_instances = number(c->body, "maxInstances", 0),
	    .max_starts = number(c->body, "maxStarts", 0),
	};
	return sot_host_class_set_encode(&m, out, err);
}

static sot_code encode_plan_set(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_plan_set m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .cpu_milli = number(c->body, "cpuMilli", 0),
	    .memory_bytes = (uint64_t)gw_json_int(c->body, "memoryBytes", 0),
	    .disk_bytes = (uint64_t)gw_json_int(c->body, "diskBytes", 0),
	    .cpu_pinned = gw_json_bool(c->body, "cpuPinned", true),
	    .pids_max = number(c->body, "pidsMax", 512),
	    .io_weight = (uint16_t)number(c->body, "ioWeight", 500),
	    .bandwidth_kbit = number(c->body, "bandwidthKbit", 0),
	};
	return sot_plan_set_encode(&m, out, err);
}

static sot_code encode_team_set(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	const json_t *quota = json_object_get(c->body, "quota");
	struct sot_team_set m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .cpu_milli = number(quota, "cpuMilli", 0),
	    .memory_bytes = (uint64_t)gw_json_int(quota, "memoryBytes", 0),
	    .disk_bytes = (uint64_t)gw_json_int(quota, "diskBytes", 0),
	    .instances = number(quota, "instances", 0),
	};
	return sot_team_set_encode(&m, out, err);
}

static sot_code encode_mixing_set(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	int workload = sot_workload_find(sot_str_c(c->params[0]));
	int beside = sot_workload_find(sot_str_c(c->params[1]));
	struct sot_mixing_set m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .limited = c->route == GW_ROUTE_mixing_set,
	    .at_most = number(c->body, "atMost", 0),
	};
	if (workload < 0 || beside < 0)
		return command_blame(
		    errors, "", "a kind of work is one of service, latency, batch, system", err);
	m.workload = (sot_workload)workload;
	m.beside = (sot_workload)beside;
	return sot_mixing_set_encode(&m, out, err);
}

static sot_code encode_delete(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_catalogue_delete m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .kind = c->route == GW_ROUTE_plan_delete   ? SOT_CATALOGUE_PLAN
	            : c->route == GW_ROUTE_team_delete ? SOT_CATALOGUE_TEAM
	                                               : SOT_CATALOGUE_HOST_CLASS,
	    .name = sot_str_c(c->params[0]),
	};
	return sot_catalogue_delete_encode(&m, out, err);
}

bool rules_command_owns(gw_route_id route)
{
	size_t count;
	return rules_command_fields(route, &count) != NULL || route == GW_ROUTE_mixing_clear ||
	       route == GW_ROUTE_plan_delete || route == GW_ROUTE_team_delete ||
	       route == GW_ROUTE_host_class_delete;
}

sot_code rules_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	switch ((int)c->route) {
	case GW_ROUTE_app_update:
		return encode_app_update(c, request_id, out, err);
	case GW_ROUTE_host_set:
		return encode_host_set(c, request_id, out, err);
	case GW_ROUTE_host_class_set:
		return encode_host_class_set(c, request_id, out, err);
	case GW_ROUTE_plan_set:
		return encode_plan_set(c, request_id, out, err);
	case GW_ROUTE_team_set:
		return encode_team_set(c, request_id, out, err);
	case GW_ROUTE_mixing_set:
	case GW_ROUTE_mixing_clear:
		return encode_mixing_set(c, request_id, out, errors, err);
	default:
		return encode_delete(c, request_id, out, err);
	}
}
