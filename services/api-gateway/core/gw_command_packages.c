/* Commands about packages: versions, and whose signatures count. */
#include "gw_command_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const gw_field version_fields[] = {
    {.name = "version", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "upload", .kind = GW_TEXT, .required = true, .min = 32, .max = 32},
    {.name = "fileName", .kind = GW_TEXT, .required = true, .min = 1, .max = 200},
    {.name = "sha256", .kind = GW_TEXT, .required = true, .min = 64, .max = 64},
    {.name = "signature", .kind = GW_TEXT, .min = 0, .max = 2048},
    {.name = "commit", .kind = GW_TEXT, .min = 0, .max = 64},
    {.name = "source", .kind = GW_TEXT, .min = 0, .max = 200},
};
static const gw_field middleware_fields[] = {
    {.name = "version", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "kind", .kind = GW_LABEL, .required = true, .min = 1, .max = 30},
    {.name = "upload", .kind = GW_TEXT, .required = true, .min = 32, .max = 32},
    {.name = "fileName", .kind = GW_TEXT, .required = true, .min = 1, .max = 200},
    {.name = "sha256", .kind = GW_TEXT, .required = true, .min = 64, .max = 64},
    {.name = "signature", .kind = GW_TEXT, .min = 0, .max = 2048},
    {.name = "commit", .kind = GW_TEXT, .min = 0, .max = 64},
    {.name = "source", .kind = GW_TEXT, .min = 0, .max = 200},
};
static const gw_field key_fields[] = {
    {.name = "app", .kind = GW_TEXT, .min = 0, .max = 30},
    {.name = "publicKey", .kind = GW_TEXT, .required = true, .min = 56, .max = 400},
    {.name = "comment", .kind = GW_TEXT, .min = 0, .max = 200},
};
static const gw_field policy_fields[] = {
    {.name = "policy",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 8,
        .words = "optional required"},
};

static const struct {
	gw_route_id route;
	const gw_field *fields;
	size_t count;
} routes[] = {
    {GW_ROUTE_version_upload, NULL, 0},
    {GW_ROUTE_version_register, version_fields, COUNT(version_fields)},
    {GW_ROUTE_middleware_register, middleware_fields, COUNT(middleware_fields)},
    {GW_ROUTE_signing_key_add, key_fields, COUNT(key_fields)},
    {GW_ROUTE_signing_policy_set, policy_fields, COUNT(policy_fields)},
};

bool packages_command_owns(gw_route_id route)
{
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (routes[i].route == route)
			return true;
	}
	return false;
}

const gw_field *packages_command_fields(gw_route_id route, size_t *ret_count)
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

sot_code packages_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_package_register m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .app = sot_str_c(c->params[0]),
	    .version = c->route == GW_ROUTE_version_upload ? sot_str_c(c->params[1])
	                                                   : gw_json_text(c->body, "version"),
	    .sha256 = {(const char *)c->blob_sha256, sizeof(c->blob_sha256)},
	    .size_bytes = c->blob_size_bytes,
	    .file_name = c->file_name,
	    .commit = gw_json_text(c->body, "commit"),
	    .source = gw_json_text(c->body, "source"),
	    .signed_by = c->signed_by,
	    .signature = gw_json_text(c->body, "signature"),
	    .middleware_kind = gw_json_text(c->body, "kind"),
	};
	return sot_package_register_encode(&m, out, err);
}
