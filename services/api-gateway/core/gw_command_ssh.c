/* The bodies of the ssh routes, which the gateway itself serves. */
#include "gw_command_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SERIAL_MAX 9007199254740992ll /* what JSON numbers hold exactly */
#define ACCOUNTS "admin readonly"

static const gw_field certificate_fields[] = {
    {.name = "instance", .kind = GW_TEXT, .min = 1, .max = 63},
    {.name = "app", .kind = GW_TEXT, .min = 1, .max = 30},
    {.name = "account", .kind = GW_TEXT, .required = true, .min = 1, .max = 8, .words = ACCOUNTS},
    {.name = "publicKey", .kind = GW_TEXT, .required = true, .min = 20, .max = 4000},
    {.name = "minutes", .kind = GW_INT, .min = 1, .max = 480},
    {.name = "sourceAddress", .kind = GW_TEXT, .min = 0, .max = 200},
};
static const gw_field key_fields[] = {
    {.name = "instance", .kind = GW_TEXT, .min = 1, .max = 63},
    {.name = "app", .kind = GW_TEXT, .min = 1, .max = 30},
    {.name = "account", .kind = GW_TEXT, .required = true, .min = 1, .max = 8, .words = ACCOUNTS},
    {.name = "publicKey", .kind = GW_TEXT, .required = true, .min = 20, .max = 4000},
    {.name = "person", .kind = GW_TEXT, .min = 1, .max = 63},
};
static const gw_field revoke_fields[] = {
    {.name = "person", .kind = GW_TEXT, .min = 1, .max = 63},
    {.name = "serial", .kind = GW_INT, .min = 1, .max = SERIAL_MAX},
};
static const gw_field host_certificate_fields[] = {
    {.name = "instance", .kind = GW_TEXT, .required = true, .min = 36, .max = 36},
    {.name = "publicKey", .kind = GW_TEXT, .required = true, .min = 20, .max = 4000},
};
static const gw_field login_fields[] = {
    {.name = "kind",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 6,
        .words = "login logout boot drift same"},
    {.name = "instance", .kind = GW_TEXT, .required = true, .min = 36, .max = 36},
    {.name = "atUnixMs", .kind = GW_INT, .required = true, .min = 0, .max = SERIAL_MAX},
    {.name = "pid", .kind = GW_INT, .required = true, .min = 0, .max = INT32_MAX},
    {.name = "account", .kind = GW_TEXT, .min = 0, .max = 32},
    {.name = "address", .kind = GW_TEXT, .min = 0, .max = 64},
    {.name = "port", .kind = GW_INT, .min = 0, .max = 65535},
    {.name = "keyId", .kind = GW_TEXT, .min = 0, .max = 200},
    {.name = "serial", .kind = GW_INT, .min = 0, .max = SERIAL_MAX},
    {.name = "fingerprint", .kind = GW_TEXT, .min = 0, .max = 64},
    {.name = "path", .kind = GW_TEXT, .min = 0, .max = 200},
};
static const gw_field logins_fields[] = {
    {.name = "logins",
        .kind = GW_OBJECTS,
        .required = true,
        .min = 1,
        .max = 200,
        .fields = login_fields,
        .field_count = COUNT(login_fields)},
};

const gw_field *ssh_command_fields(gw_route_id route, size_t *ret_count)
{
	static const struct {
		gw_route_id route;
		const gw_field *fields;
		size_t count;
	} tables[] = {
	    {GW_ROUTE_ssh_certificate_issue, certificate_fields, COUNT(certificate_fields)},
	    {GW_ROUTE_ssh_key_add, key_fields, COUNT(key_fields)},
	    {GW_ROUTE_ssh_revoke, revoke_fields, COUNT(revoke_fields)},
	    {GW_ROUTE_ssh_host_certificate, host_certificate_fields, COUNT(host_certificate_fields)},
	    {GW_ROUTE_ssh_logins_report, logins_fields, COUNT(logins_fields)},
	};
	for (size_t i = 0; i < COUNT(tables); i++) {
		if (tables[i].route != route)
			continue;
		*ret_count = tables[i].count;
		return tables[i].fields;
	}
	*ret_count = 0;
	return NULL;
}
