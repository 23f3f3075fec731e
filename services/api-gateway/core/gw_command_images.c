/* Commands about images: taken as they are, or version by version. */
#include "gw_command_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const gw_field register_fields[] = {
    {.name = "name", .kind = GW_LABEL, .required = true, .min = 1, .max = 64},
    {.name = "reference", .kind = GW_TEXT, .required = true, .min = 1, .max = 255},
};
static const gw_field add_fields[] = {
    {.name = "version", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "reference", .kind = GW_TEXT, .required = true, .min = 1, .max = 255},
    {.name = "digest", .kind = GW_TEXT, .min = 0, .max = 71},
    {.name = "changelog", .kind = GW_TEXT, .min = 0, .max = 4000},
    {.name = "ownerDev", .kind = GW_TEXT, .min = 0, .max = 64},
    {.name = "ownerOps", .kind = GW_TEXT, .min = 0, .max = 64},
};
static const gw_field test_fields[] = {
    {.name = "passed", .kind = GW_BOOL, .required = true},
    {.name = "report", .kind = GW_TEXT, .min = 0, .max = 4000},
};

static const struct {
	gw_route_id route;
	const gw_field *fields;
	size_t count;
} routes[] = {
    {GW_ROUTE_image_register, register_fields, COUNT(register_fields)},
    {GW_ROUTE_image_add, add_fields, COUNT(add_fields)},
    {GW_ROUTE_image_test, test_fields, COUNT(test_fields)},
    {GW_ROUTE_image_promote, NULL, 0},
    {GW_ROUTE_image_retire, NULL, 0},
    {GW_ROUTE_image_remove, NULL, 0},
};

bool images_command_owns(gw_route_id route)
{
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (routes[i].route == route)
			return true;
	}
	return false;
}

const gw_field *images_command_fields(gw_route_id route, size_t *ret_count)
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

static sot_code encode_register(
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

static sot_code encode_add(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_image_add m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .version = gw_json_text(c->body, "version"),
	    .reference = gw_json_text(c->body, "reference"),
	    .digest = gw_json_text(c->body, "digest"),
	    .changelog = gw_json_text(c->body, "changelog"),
	    .owner_dev = gw_json_text(c->body, "ownerDev"),
	    .owner_ops = gw_json_text(c->body, "ownerOps"),
	};
	return sot_image_add_encode(&m, out, err);
}

static enum sot_image_action action_of(const gw_command *c)
{
	if (c->route == GW_ROUTE_image_promote)
		return SOT_IMAGE_ACTION_PROMOTE;
	if (c->route == GW_ROUTE_image_retire)
		return SOT_IMAGE_ACTION_RETIRE;
	if (c->route == GW_ROUTE_image_remove)
		return SOT_IMAGE_ACTION_REMOVE;
	return gw_json_bool(c->body, "passed", false) ? SOT_IMAGE_ACTION_PASS : SOT_IMAGE_ACTION_FAIL;
}

sot_code images_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	if (c->route == GW_ROUTE_image_register)
		return encode_register(c, request_id, out, err);
	if (c->route == GW_ROUTE_image_add)
		return encode_add(c, request_id, out, err);
	struct sot_image_act m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .version = sot_str_c(c->params[1]),
	    .action = action_of(c),
	};
	if (c->route == GW_ROUTE_image_test)
		m.report = gw_json_text(c->body, "report");
	return sot_image_act_encode(&m, out, err);
}
