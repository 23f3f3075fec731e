/* Commands for ipam: VLANs, subnets, ranges, addresses of things that are no instances, imports.
 * Whether a subnet makes sense (a gateway inside, no overlap) is ipam's to say: it answers with
 * the pointer of the field. */
#include "gw_command_internal.h"

#include "sot_parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SCOPES_MAX 256
#define DNS_MAX 3

/* ---- bodies ---- */
static const gw_field scope_fields[] = {
    {.name = "kind",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 8,
        .words = "az rack host"},
    {.name = "name", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
};
#define VLAN_CHANGEABLE                                                                            \
	{.name = "group", .kind = GW_TEXT, .min = 0, .max = 32},                                       \
	    {.name = "mtu", .kind = GW_INT, .min = 0, .max = 9216},                                    \
	    {.name = "isolated", .kind = GW_BOOL}, {.name = "dnsZone", .kind = GW_ZONE},               \
	    {.name = "description", .kind = GW_TEXT, .min = 0, .max = 200},                            \
	{                                                                                              \
		.name = "scopes", .kind = GW_OBJECTS, .min = 0, .max = SCOPES_MAX, .fields = scope_fields, \
		.field_count = COUNT(scope_fields)                                                         \
	}
static const gw_field vlan_fields[] = {
    {.name = "name", .kind = GW_LABEL, .required = true, .min = 1, .max = 32},
    {.name = "vlanId", .kind = GW_INT, .required = true, .min = 0, .max = 4094},
    {.name = "vrf", .kind = GW_TEXT, .min = 0, .max = 32},
    VLAN_CHANGEABLE,
};
static const gw_field vlan_update_fields[] = {VLAN_CHANGEABLE};
#define SUBNET_CHANGEABLE                                                                          \
	{.name = "dns", .kind = GW_IPS, .min = 0, .max = DNS_MAX},                                     \
	    {.name = "rank", .kind = GW_INT, .min = 0, .max = 65535},                                  \
	    {.name = "weight", .kind = GW_INT, .min = 1, .max = 1000},                                 \
	{                                                                                              \
		.name = "description", .kind = GW_TEXT, .min = 0, .max = 200                               \
	}
static const gw_field subnet_fields[] = {
    {.name = "vlan", .kind = GW_TEXT, .required = true, .min = 1, .max = 32},
    {.name = "cidr", .kind = GW_CIDR, .required = true},
    {.name = "gateway", .kind = GW_IP},
    {.name = "first", .kind = GW_IP},
    {.name = "last", .kind = GW_IP},
    {.name = "redundantGateway", .kind = GW_BOOL},
    SUBNET_CHANGEABLE,
};
static const gw_field subnet_update_fields[] = {
    {.name = "open", .kind = GW_BOOL, .required = true},
    SUBNET_CHANGEABLE,
};
static const gw_field range_fields[] = {
    {.name = "vrf", .kind = GW_TEXT, .min = 0, .max = 32},
    {.name = "first", .kind = GW_IP, .required = true},
    {.name = "last", .kind = GW_IP, .required = true},
    {.name = "kind",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 16,
        .words = "pool reserved excluded"},
    {.name = "pool", .kind = GW_LABEL, .min = 1, .max = 32},
    {.name = "owner", .kind = GW_TEXT, .min = 0, .max = 63},
    {.name = "reason", .kind = GW_TEXT, .min = 0, .max = 200},
};
static const gw_field address_fields[] = {
    {.name = "vlan", .kind = GW_TEXT, .required = true, .min = 1, .max = 65},
    {.name = "address", .kind = GW_IP},
    {.name = "family", .kind = GW_INT, .min = 4, .max = 6},
    {.name = "state",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 16,
        .words = "static excluded"},
    {.name = "owner", .kind = GW_LABEL, .min = 1, .max = 63},
    {.name = "mac", .kind = GW_MAC},
    {.name = "reason", .kind = GW_TEXT, .min = 0, .max = 200},
};
static const gw_field reason_fields[] = {
    {.name = "reason", .kind = GW_TEXT, .required = true, .min = 1, .max = 200},
};

static const struct {
	gw_route_id route;
	const gw_field *fields;
	size_t count;
} commands[] = {
    {GW_ROUTE_vlan_create, vlan_fields, COUNT(vlan_fields)},
    {GW_ROUTE_vlan_update, vlan_update_fields, COUNT(vlan_update_fields)},
    {GW_ROUTE_vlan_delete, NULL, 0},
    {GW_ROUTE_subnet_create, subnet_fields, COUNT(subnet_fields)},
    {GW_ROUTE_subnet_update, subnet_update_fields, COUNT(subnet_update_fields)},
    {GW_ROUTE_subnet_delete, NULL, 0},
    {GW_ROUTE_range_create, range_fields, COUNT(range_fields)},
    {GW_ROUTE_range_delete, NULL, 0},
    {GW_ROUTE_address_fix, address_fields, COUNT(address_fields)},
    {GW_ROUTE_address_free, NULL, 0},
    {GW_ROUTE_import_run, NULL, 0},
    {GW_ROUTE_quarantine_end, reason_fields, COUNT(reason_fields)},
    {GW_ROUTE_brake_release, reason_fields, COUNT(reason_fields)},
};

bool ipam_command_owns(gw_route_id route)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (commands[i].route == route)
			return true;
	return false;
}

const gw_field *ipam_command_fields(gw_route_id route, size_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (commands[i].route != route)
			continue;
		*ret_count = commands[i].count;
		return commands[i].fields;
	}
	return NULL;
}

/* ---- VLANs ---- */
static size_t read_scopes(const json_t *body, struct sot_vlan_scope ret[SCOPES_MAX])
{
	const json_t *list = json_object_get(body, "scopes");
	size_t count = json_array_size(list) < SCOPES_MAX ? json_array_size(list) : SCOPES_MAX;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		ret[i].kind = (sot_scope_kind)sot_scope_kind_find(gw_json_text(item, "kind"));
		ret[i].name = gw_json_text(item, "name");
	}
	return count;
}

static sot_code check_mtu(const json_t *body, gw_json_errors *errors, sot_err *err)
{
	int64_t mtu = gw_json_int(body, "mtu", 0);
	if (mtu == 0 || mtu >= 1280)
		return SOT_OK;
	return command_blame(errors, "/mtu", "must be 0 (as the uplink) or 1280 to 9216", err);
}

static sot_code encode_vlan_create(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_vlan_scope scopes[SCOPES_MAX];
	struct sot_vlan_create m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = gw_json_text(c->body, "name"),
	    .vlan_id = (uint16_t)gw_json_int(c->body, "vlanId", 0),
	    .vrf = gw_json_text(c->body, "vrf"),
	    .group = gw_json_text(c->body, "group"),
	    .mtu = (uint16_t)gw_json_int(c->body, "mtu", 0),
	    .isolated = gw_json_bool(c->body, "isolated", false),
	    .dns_zone = gw_json_text(c->body, "dnsZone"),
	    .description = gw_json_text(c->body, "description"),
	    .scopes = scopes,
	    .scopes_count = read_scopes(c->body, scopes),
	};
	if (check_mtu(c->body, errors, err) != SOT_OK)
		return SOT_INVALID;
	return sot_vlan_create_encode(&m, out, err);
}

static sot_code encode_vlan_update(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_vlan_scope scopes[SCOPES_MAX];
	struct sot_vlan_update m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .group = gw_json_text(c->body, "group"),
	    .mtu = (uint16_t)gw_json_int(c->body, "mtu", 0),
	    .isolated = gw_json_bool(c->body, "isolated", false),
	    .dns_zone = gw_json_text(c->body, "dnsZone"),
	    .description = gw_json_text(c->body, "description"),
	    .scopes = scopes,
	    .scopes_count = read_scopes(c->body, scopes),
	};
	if (check_mtu(c->body, errors, err) != SOT_OK)
		return SOT_INVALID;
	return sot_vlan_update_encode(&m, out, err);
}

static sot_code encode_vlan_delete(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_vlan_delete m = {request_id, command_context(c), sot_str_c(c->params[0])};
	return sot_vlan_delete_encode(&m, out, err);
}

/* ---- subnets ---- */
/* "10.66.0.0/24" to a network that the message can carry. */
static sot_code read_cidr(sot_str text, const char *pointer, sot_ip *ret_network,
    uint8_t *ret_prefix, gw_json_errors *errors, sot_err *err)
{
	sot_err why = {0};
	if (sot_ip_parse_cidr(text, ret_network, ret_prefix, &why) != SOT_OK)
		return command_blame(errors, pointer, why.text, err);
	if (*ret_prefix >= 8 && *ret_prefix <= 126)
		return SOT_OK;
	return command_blame(
	    errors, pointer, "must have a prefix length of 8 to 30 (IPv4) or 48 to 126 (IPv6)", err);
}

static sot_code encode_subnet_create(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	sot_ip dns[DNS_MAX];
	struct sot_subnet_create m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .vlan = gw_json_text(c->body, "vlan"),
	    .gateway = gw_json_ip(c->body, "gateway"),
	    .first = gw_json_ip(c->body, "first"),
	    .last = gw_json_ip(c->body, "last"),
	    .dns = dns,
	    .dns_count = gw_json_ips(c->body, "dns", dns, DNS_MAX),
	    .rank = (uint16_t)gw_json_int(c->body, "rank", 0),
	    .weight = (uint16_t)gw_json_int(c->body, "weight", 1),
	    .redundant_gateway = gw_json_bool(c->body, "redundantGateway", false),
	    .description = gw_json_text(c->body, "description"),
	};
	if (read_cidr(gw_json_text(c->body, "cidr"), "/cidr", &m.network, &m.prefix, errors, err) !=
	    SOT_OK)
		return SOT_INVALID;
	return sot_subnet_create_encode(&m, out, err);
}

static sot_code encode_subnet_update(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	sot_ip dns[DNS_MAX];
	struct sot_subnet_update m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .vrf = c->vrf,
	    .open = gw_json_bool(c->body, "open", true),
	    .dns = dns,
	    .dns_count = gw_json_ips(c->body, "dns", dns, DNS_MAX),
	    .rank = (uint16_t)gw_json_int(c->body, "rank", 0),
	    .weight = (uint16_t)gw_json_int(c->body, "weight", 1),
	    .description = gw_json_text(c->body, "description"),
	};
	if (read_cidr(sot_str_c(c->params[0]), "", &m.network, &m.prefix, errors, err) != SOT_OK)
		return SOT_INVALID;
	return sot_subnet_update_encode(&m, out, err);
}

static sot_code encode_subnet_delete(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_subnet_delete m = {
	    .request_id = request_id, .context = command_context(c), .vrf = c->vrf};
	if (read_cidr(sot_str_c(c->params[0]), "", &m.network, &m.prefix, errors, err) != SOT_OK)
		return SOT_INVALID;
	return sot_subnet_delete_encode(&m, out, err);
}

/* ---- ranges and addresses ---- */
static sot_code encode_range_create(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_range_create m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .vrf = gw_json_text(c->body, "vrf"),
	    .first = gw_json_ip(c->body, "first"),
	    .last = gw_json_ip(c->body, "last"),
	    .kind = (sot_range_kind)sot_range_kind_find(gw_json_text(c->body, "kind")),
	    .owner = gw_json_text(c->body, "owner"),
	    .reason = gw_json_text(c->body, "reason"),
	    .pool = gw_json_text(c->body, "pool"),
	};
	return sot_range_create_encode(&m, out, err);
}

static sot_code read_param(
    const gw_command *c, size_t at, sot_ip *ret, gw_json_errors *errors, sot_err *err)
{
	char detail[160];
	if (sot_ip_parse(sot_str_c(c->params[at]), ret, NULL) == SOT_OK)
		return SOT_OK;
	(void)snprintf(detail, sizeof(detail), "'%.60s' in the path is no address such as 10.66.0.1",
	    c->params[at]);
	return command_blame(errors, "", detail, err);
}

static sot_code encode_range_delete(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_range_delete m = {
	    .request_id = request_id, .context = command_context(c), .vrf = c->vrf};
	if (read_param(c, 0, &m.first, errors, err) != SOT_OK ||
	    read_param(c, 1, &m.last, errors, err) != SOT_OK)
		return SOT_INVALID;
	return sot_range_delete_encode(&m, out, err);
}

static sot_code encode_address_fix(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_address_fix m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .vlan = gw_json_text(c->body, "vlan"),
	    .address = gw_json_ip(c->body, "address"),
	    .want_v6 = gw_json_int(c->body, "family", 4) == 6,
	    .state = (sot_fixed_state)sot_fixed_state_find(gw_json_text(c->body, "state")),
	    .owner = gw_json_text(c->body, "owner"),
	    .reason = gw_json_text(c->body, "reason"),
	};
	sot_str mac = gw_json_text(c->body, "mac");
	if (gw_json_int(c->body, "family", 4) == 5)
		return command_blame(errors, "/family", "must be 4 or 6", err);
	if (m.state == SOT_FIXED_STATE_STATIC && m.owner.n == 0)
		return command_blame(errors, "/owner", "must be given for a static address", err);
	if (mac.n > 0 && sot_parse_mac(mac, m.mac.b, err) != SOT_OK)
		return SOT_INVALID;
	return sot_address_fix_encode(&m, out, err);
}

static sot_code encode_address_free(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	struct sot_address_free m = {.request_id = request_id,
	    .context = command_context(c),
	    .vrf = c->vrf,
	    .reason = c->reason};
	if (read_param(c, 0, &m.address, errors, err) != SOT_OK)
		return SOT_INVALID;
	return sot_address_free_encode(&m, out, err);
}

/* ---- imports and guards ---- */
static sot_code encode_import_run(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_import_run m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .import_id = c->import_id,
	    .kind = c->import_is_netbox ? SOT_IMPORT_KIND_NETBOX : SOT_IMPORT_KIND_CSV,
	    .dry_run = c->import_is_dry_run,
	};
	return sot_import_run_encode(&m, out, err);
}

static sot_code encode_guard(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str reason = gw_json_text(c->body, "reason");
	struct sot_quarantine_end quarantine = {request_id, command_context(c), reason};
	struct sot_brake_release brake = {request_id, command_context(c), reason};
	return c->route == GW_ROUTE_quarantine_end ? sot_quarantine_end_encode(&quarantine, out, err)
	                                           : sot_brake_release_encode(&brake, out, err);
}

sot_code ipam_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, gw_json_errors *errors, sot_err *err)
{
	switch ((int)c->route) {
	case GW_ROUTE_vlan_create:
		return encode_vlan_create(c, request_id, out, errors, err);
	case GW_ROUTE_vlan_update:
		return encode_vlan_update(c, request_id, out, errors, err);
	case GW_ROUTE_vlan_delete:
		return encode_vlan_delete(c, request_id, out, err);
	case GW_ROUTE_subnet_create:
		return encode_subnet_create(c, request_id, out, errors, err);
	case GW_ROUTE_subnet_update:
		return encode_subnet_update(c, request_id, out, errors, err);
	case GW_ROUTE_subnet_delete:
		return encode_subnet_delete(c, request_id, out, errors, err);
	case GW_ROUTE_range_create:
		return encode_range_create(c, request_id, out, err);
	case GW_ROUTE_range_delete:
		return encode_range_delete(c, request_id, out, errors, err);
	case GW_ROUTE_address_fix:
		return encode_address_fix(c, request_id, out, errors, err);
	case GW_ROUTE_address_free:
		return encode_address_free(c, request_id, out, errors, err);
	case GW_ROUTE_import_run:
		return encode_import_run(c, request_id, out, err);
	case GW_ROUTE_quarantine_end:
	case GW_ROUTE_brake_release:
		return encode_guard(c, request_id, out, err);
	default:
		return sot_fail(err, SOT_INTERNAL, "route %d is no command", (int)c->route);
	}
}
