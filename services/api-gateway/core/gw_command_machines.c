/* The bodies of the routes of machines on their way into service, which the gateway itself serves.
 */
#include "gw_command_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LEASE_S_MIN 10
#define LEASE_S_MAX 3600

static const gw_field import_fields[] = {
    {.name = "csv", .kind = GW_TEXT, .min = 1, .max = 1000000},
    {.name = "inventory", .kind = GW_TEXT, .min = 1, .max = 1000000},
    {.name = "group", .kind = GW_TEXT, .max = 128},
    {.name = "dryRun", .kind = GW_BOOL},
};
static const gw_field retry_fields[] = {
    {.name = "names", .kind = GW_TEXTS, .min = 0, .max = 5000, .item_max = 63},
    {.name = "newSshKey", .kind = GW_BOOL},
};
static const gw_field claim_fields[] = {
    {.name = "runner", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
    {.name = "names", .kind = GW_TEXTS, .min = 0, .max = 5000, .item_max = 63},
    {.name = "limit", .kind = GW_INT, .min = 1, .max = 500},
    {.name = "leaseSeconds",
        .kind = GW_INT,
        .required = true,
        .min = LEASE_S_MIN,
        .max = LEASE_S_MAX},
    {.name = "own", .kind = GW_BOOL},
};
static const gw_field ssh_key_fields[] = {
    {.name = "machine", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
    {.name = "key", .kind = GW_TEXT, .required = true, .min = 40, .max = 1600},
};
static const gw_field ssh_keys_fields[] = {
    {.name = "keys",
        .kind = GW_OBJECTS,
        .required = true,
        .min = 1,
        .max = 500,
        .fields = ssh_key_fields,
        .field_count = COUNT(ssh_key_fields)},
};
static const gw_field line_fields[] = {
    {.name = "counter", .kind = GW_INT, .required = true, .min = 1, .max = INT32_MAX},
    {.name = "machine", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
    {.name = "status",
        .kind = GW_TEXT,
        .required = true,
        .min = 2,
        .max = 11,
        .words = "ok changed skipped failed unreachable note"},
    {.name = "play", .kind = GW_TEXT, .min = 0, .max = 200},
    {.name = "task", .kind = GW_TEXT, .required = true, .min = 1, .max = 200},
    {.name = "text", .kind = GW_TEXT, .min = 0, .max = 8000},
    {.name = "tookMs", .kind = GW_INT, .min = 0, .max = 86400000},
    {.name = "phase", .kind = GW_TEXT, .min = 7, .max = 9, .words = "install preflight"},
};
static const gw_field tell_fields[] = {
    {.name = "leaseSeconds",
        .kind = GW_INT,
        .required = true,
        .min = LEASE_S_MIN,
        .max = LEASE_S_MAX},
    {.name = "lines",
        .kind = GW_OBJECTS,
        .required = true,
        .min = 0,
        .max = 200,
        .fields = line_fields,
        .field_count = COUNT(line_fields)},
};
static const gw_field end_fields[] = {
    {.name = "error", .kind = GW_TEXT, .min = 0, .max = 1000},
};
static const gw_field enrolment_fields[] = {
    {.name = "machine", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
    {.name = "minutes", .kind = GW_INT, .min = 1, .max = 1440},
    {.name = "byHand", .kind = GW_BOOL},
};
static const gw_field enrol_fields[] = {
    {.name = "token", .kind = GW_TEXT, .required = true, .min = 64, .max = 64},
    {.name = "publicKey", .kind = GW_TEXT, .required = true, .min = 40, .max = 40},
    {.name = "machineId", .kind = GW_TEXT, .required = true, .min = 32, .max = 32},
};
static const gw_field revoke_fields[] = {
    {.name = "reason", .kind = GW_TEXT, .required = true, .min = 1, .max = 200},
};

const gw_field *machines_command_fields(gw_route_id route, size_t *ret_count)
{
	static const struct {
		gw_route_id route;
		const gw_field *fields;
		size_t count;
	} tables[] = {
	    {GW_ROUTE_machine_import, import_fields, COUNT(import_fields)},
	    {GW_ROUTE_machine_retry, retry_fields, COUNT(retry_fields)},
	    {GW_ROUTE_machine_claim, claim_fields, COUNT(claim_fields)},
	    {GW_ROUTE_machine_ssh_keys, ssh_keys_fields, COUNT(ssh_keys_fields)},
	    {GW_ROUTE_machine_tell, tell_fields, COUNT(tell_fields)},
	    {GW_ROUTE_machine_run_end, end_fields, COUNT(end_fields)},
	    {GW_ROUTE_enrolment_create, enrolment_fields, COUNT(enrolment_fields)},
	    {GW_ROUTE_enrol, enrol_fields, COUNT(enrol_fields)},
	    {GW_ROUTE_host_key_revoke, revoke_fields, COUNT(revoke_fields)},
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
