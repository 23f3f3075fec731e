/* Commands about groups of an app. */
#include "gw_command_internal.h"

#include <stdlib.h>

enum { MOVED_MAX = 500 };

static const gw_field set_fields[] = {
    {.name = "environment", .kind = GW_TEXT, .min = 0, .max = 30},
};
static const gw_field move_fields[] = {
    {.name = "instances",
        .kind = GW_TEXTS,
        .required = true,
        .min = 1,
        .max = MOVED_MAX,
        .item_max = 80},
};

bool groups_command_owns(gw_route_id route)
{
	return route == GW_ROUTE_group_set || route == GW_ROUTE_group_delete ||
	       route == GW_ROUTE_group_move;
}

const gw_field *groups_command_fields(gw_route_id route, size_t *ret_count)
{
	*ret_count = route == GW_ROUTE_group_delete ? 0 : 1;
	return route == GW_ROUTE_group_set    ? set_fields
	       : route == GW_ROUTE_group_move ? move_fields
	                                      : NULL;
}

static sot_code encode_move(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str *names = sot_alloc_array(MOVED_MAX, sizeof(*names));
	struct sot_group_move m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .app = sot_str_c(c->params[0]),
	    .group = sot_str_c(c->params[1]),
	    .instances = names,
	    .instances_count = command_words(c->body, "instances", names, MOVED_MAX),
	};
	sot_code code = sot_group_move_encode(&m, out, err);
	free(names);
	return code;
}

sot_code groups_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	if (c->route == GW_ROUTE_group_move)
		return encode_move(c, request_id, out, err);
	if (c->route == GW_ROUTE_group_delete) {
		struct sot_group_delete m = {
		    request_id, command_context(c), sot_str_c(c->params[0]), sot_str_c(c->params[1])};
		return sot_group_delete_encode(&m, out, err);
	}
	struct sot_group_set m = {request_id, command_context(c), sot_str_c(c->params[0]),
	    sot_str_c(c->params[1]), gw_json_text(c->body, "environment")};
	return sot_group_set_encode(&m, out, err);
}
