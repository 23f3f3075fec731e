/* Questions about placement: what the scheduler answers and nothing changes. */
#include "gw_command_internal.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOSTS_MAX 500

static const gw_field what_if_fields[] = {
    {.name = "kind",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 8,
        .words = "lose drain add plan scale"},
    {.name = "az", .kind = GW_TEXT, .min = 0, .max = 32},
    {.name = "rack", .kind = GW_TEXT, .min = 0, .max = 32},
    {.name = "hosts", .kind = GW_TEXTS, .min = 0, .max = HOSTS_MAX, .item_max = 63},
    {.name = "count", .kind = GW_INT, .min = 0, .max = 10000},
    {.name = "like", .kind = GW_TEXT, .min = 0, .max = 63},
    {.name = "plan", .kind = GW_TEXT, .min = 0, .max = 32},
    {.name = "app", .kind = GW_TEXT, .min = 0, .max = 30},
    {.name = "cpuMilli", .kind = GW_INT, .min = 0, .max = 400000000},
    {.name = "memoryBytes", .kind = GW_INT, .min = 0, .max = INT64_C(1) << 50},
    {.name = "diskBytes", .kind = GW_INT, .min = 0, .max = INT64_C(1) << 50},
};

static const gw_field rebalance_fields[] = {
    {.name = "maxMoves", .kind = GW_INT, .min = 0, .max = 1000},
    {.name = "parallel", .kind = GW_INT, .min = 0, .max = 100},
    {.name = "includePinned", .kind = GW_BOOL},
    {.name = "ifStillTrue", .kind = GW_TEXT, .min = 0, .max = 40},
};

bool placement_command_owns(gw_route_id route)
{
	return route == GW_ROUTE_what_if || route == GW_ROUTE_capacity_get ||
	       route == GW_ROUTE_rebalance_get || route == GW_ROUTE_fleet_rebalance;
}

const gw_field *placement_command_fields(gw_route_id route, size_t *ret_count)
{
	*ret_count = 0;
	if (route == GW_ROUTE_what_if) {
		*ret_count = COUNT(what_if_fields);
		return what_if_fields;
	}
	if (route != GW_ROUTE_fleet_rebalance)
		return NULL;
	*ret_count = COUNT(rebalance_fields);
	return rebalance_fields;
}

static enum sot_what_if_kind kind_of(sot_str word)
{
	static const char *const words[] = {"lose", "drain", "add", "plan", "scale"};
	size_t k = 0;

	while (k + 1 < COUNT(words) && !sot_str_eq_c(word, words[k]))
		k++;
	return (enum sot_what_if_kind)k;
}

static sot_code encode_what_if(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str hosts[HOSTS_MAX];
	struct sot_what_if m = {
	    .request_id = request_id,
	    .kind = kind_of(gw_json_text(c->body, "kind")),
	    .az = gw_json_text(c->body, "az"),
	    .rack = gw_json_text(c->body, "rack"),
	    .hosts = hosts,
	    .hosts_count = command_words(c->body, "hosts", hosts, HOSTS_MAX),
	    .count = (uint32_t)gw_json_int(c->body, "count", 0),
	    .like = gw_json_text(c->body, "like"),
	    .plan = gw_json_text(c->body, "plan"),
	    .app = gw_json_text(c->body, "app"),
	    .cpu_milli = (uint32_t)gw_json_int(c->body, "cpuMilli", 0),
	    .memory_bytes = (uint64_t)gw_json_int(c->body, "memoryBytes", 0),
	    .disk_bytes = (uint64_t)gw_json_int(c->body, "diskBytes", 0),
	};
	return sot_what_if_encode(&m, out, err);
}

static sot_code encode_rebalance(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_fleet_rebalance m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .max_moves = (uint32_t)gw_json_int(c->body, "maxMoves", 0),
	    .parallel = (uint16_t)gw_json_int(c->body, "parallel", 0),
	    .include_pinned = json_is_true(json_object_get(c->body, "includePinned")),
	    .if_still_true = gw_json_text(c->body, "ifStillTrue"),
	};
	return sot_fleet_rebalance_encode(&m, out, err);
}

sot_code placement_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	if (c->route == GW_ROUTE_what_if)
		return encode_what_if(c, request_id, out, err);
	if (c->route == GW_ROUTE_capacity_get) {
		struct sot_capacity_read m = {request_id, c->app};
		return sot_capacity_read_encode(&m, out, err);
	}
	if (c->route == GW_ROUTE_fleet_rebalance)
		return encode_rebalance(c, request_id, out, err);
	struct sot_rebalance_read m = {request_id, c->max_moves, c->include_pinned};
	return sot_rebalance_read_encode(&m, out, err);
}
