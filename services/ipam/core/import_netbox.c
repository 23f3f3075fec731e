#include "import_netbox.h"

#include "sot_map.h"
#include "sot_parse.h"
#include "vlan_plan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 64, REASON_BYTES = 201 };

typedef enum netbox_kind {
	NB_OTHER,
	NB_GROUP,
	NB_VLAN,
	NB_PREFIX,
	NB_RANGE,
	NB_ADDRESS
} netbox_kind;

/* A VLAN by NetBox's id; known from its own object, or only from a prefix that names it. */
typedef struct netbox_vlan {
	json_int_t id;
	uint32_t line;
	json_t *object; /* owned */
	char name[NAME_BYTES], vrf[NAME_BYTES];
	bool has_vrf;
} netbox_vlan;

typedef struct netbox_prefix {
	uint32_t line;
	json_t *object; /* owned */
	netbox_vlan *vlan;
} netbox_prefix;

typedef struct netbox_import {
	import_rows *rows;
	sot_map *groups; /* id to json_t, owned */
	sot_map *vlans;  /* id to netbox_vlan, owned, in order */
	sot_map *names;  /* of VLANs, to netbox_vlan */
	netbox_prefix *prefixes;
	size_t prefix_count, prefix_cap;
} netbox_import;

/* ---- values ---- */

static sot_str text_at(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);
	if (!json_is_string(value))
		return (sot_str){0};
	return (sot_str){json_string_value(value), json_string_length(value)};
}

/* {"value":"active","label":"Active"}, or "active" as older versions have it. */
static sot_str choice_at(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);
	return json_is_object(value) ? text_at(value, "value") : text_at(object, member);
}

static json_int_t id_of(const json_t *object)
{
	return json_integer_value(json_object_get(object, "id"));
}

/* "Front End (A)" to "front-end-a": a DNS label of `max` bytes at most, or "". */
static void to_label(sot_str text, size_t max, char dst[static NAME_BYTES])
{
	size_t n = 0;
	for (size_t i = 0; i < text.n && n < max; i++) {
		char c = text.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		bool is_letter = c >= 'a' && c <= 'z', is_digit = c >= '0' && c <= '9';
		if (is_letter || (is_digit && n > 0))
			dst[n++] = c;
		else if (is_digit && n + 1 < max)
			n += (size_t)snprintf(dst + n, 3, "v%c", c);
		else if (n > 0 && dst[n - 1] != '-')
			dst[n++] = '-';
	}
	while (n > 0 && dst[n - 1] == '-')
		n--;
	dst[n] = '\0';
}

/* The name of a nested object ({"name":"Blue","slug":"blue"}) as a label; "" without one. */
static void name_label(const json_t *object, size_t max, char dst[static NAME_BYTES])
{
	sot_str slug = text_at(object, "slug");
	to_label(slug.n > 0 ? slug : text_at(object, "name"), max, dst);
}

static sot_str cut_text(sot_str text, size_t max)
{
	size_t n = 0;
	while (n < text.n) {
		size_t bytes = sot_str_utf8_length((sot_str){text.p + n, text.n - n});
		if (bytes == 0 || n + bytes > max || (unsigned char)text.p[n] < ' ')
			break;
		n += bytes;
	}
	return (sot_str){text.p, n};
}

static netbox_kind kind_of(const json_t *object)
{
	static const struct {
		const char *path, *member;
		netbox_kind kind;
	} kinds[] = {{"/ipam/vlan-groups/", NULL, NB_GROUP}, {"/ipam/vlans/", "vid", NB_VLAN},
	    {"/ipam/prefixes/", "prefix", NB_PREFIX}, {"/ipam/ip-ranges/", "start_address", NB_RANGE},
	    {"/ipam/ip-addresses/", "address", NB_ADDRESS}};
	const char *url = json_string_value(json_object_get(object, "url"));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bool by_url = url && strstr(url, kinds[i].path);
		bool by_member = !url && kinds[i].member && json_object_get(object, kinds[i].member);
		if (by_url || by_member)
			return kinds[i].kind;
	}
	return NB_OTHER;
}

/* ---- VLANs and groups ---- */

static netbox_vlan *vlan_of(netbox_import *in, const json_t *object, uint32_t line)
{
	json_int_t id = id_of(object);
	netbox_vlan *vlan = sot_map_get(in->vlans, &id, sizeof(id));
	if (!vlan) {
		vlan = sot_alloc(sizeof(*vlan));
		vlan->id = id;
		(void)sot_map_set(in->vlans, &id, sizeof(id), vlan);
	}
	/* Its own object says more than one that a prefix carries. */
	if (!vlan->object || line > 0) {
		json_decref(vlan->object);
		vlan->object = json_incref((json_t *)(uintptr_t)object);
		vlan->line = line;
	}
	return vlan;
}

/* Names are unique in Sotalia, in NetBox only within a group: the id makes the difference. */
static void name_vlan(netbox_import *in, netbox_vlan *vlan)
{
	char base[NAME_BYTES];
	json_int_t vid = json_integer_value(json_object_get(vlan->object, "vid"));
	to_label(text_at(vlan->object, "name"), VLAN_NAME_MAX, vlan->name);
	if (vlan->name[0] == '\0')
		(void)snprintf(vlan->name, sizeof(vlan->name), "vlan-%lld", (long long)vid);
	if (sot_map_get_c(in->names, vlan->name)) {
		(void)snprintf(base, sizeof(base), "%.24s", vlan->name);
		(void)snprintf(vlan->name, sizeof(vlan->name), "%.24s-%lld", base, (long long)vid);
	}
	(void)sot_map_set(in->names, vlan->name, strlen(vlan->name), vlan);
}

/* "az:paris", from the scope of a group or the site of a VLAN; "" for everywhere. */
static void scope_text(const json_t *vlan, const json_t *group, char dst[static NAME_BYTES + 8])
{
	char name[NAME_BYTES] = "";
	const char *kind = "az";
	const json_t *scope = json_object_get(vlan, "site");
	if (!json_is_object(scope)) {
		sot_str type = text_at(group, "scope_type");
		scope = json_object_get(group, "scope");
		kind = sot_str_eq_c(type, "dcim.rack")   ? "rack"
		       : sot_str_eq_c(type, "dcim.site") ? "az"
		                                         : NULL;
	}
	if (kind && json_is_object(scope))
		name_label(scope, VLAN_NAME_MAX, name);
	dst[0] = '\0';
	if (name[0])
		(void)snprintf(dst, NAME_BYTES + 8, "%s:%s", kind, name);
}

static void add_vlan(netbox_import *in, const netbox_vlan *vlan, uint32_t line)
{
	char vid[24], group[NAME_BYTES] = "", scope[NAME_BYTES + 8];
	const json_t *nested = json_object_get(vlan->object, "group");
	json_int_t group_id = json_is_object(nested) ? id_of(nested) : 0;
	const json_t *full = sot_map_get(in->groups, &group_id, sizeof(group_id));
	if (json_is_object(nested))
		name_label(nested, VLAN_NAME_MAX, group);
	scope_text(vlan->object, full ? full : nested, scope);
	(void)snprintf(vid, sizeof(vid), "%lld",
	    (long long)json_integer_value(json_object_get(vlan->object, "vid")));
	import_cells cells = {.at = {[IMPORT_kind] = SOT_STR("vlan")}};
	cells.at[IMPORT_vlan] = sot_str_c(vlan->name);
	cells.at[IMPORT_vlan_id] = sot_str_c(vid);
	cells.at[IMPORT_vrf] = sot_str_c(vlan->vrf);
	cells.at[IMPORT_group] = sot_str_c(group);
	cells.at[IMPORT_scopes] = sot_str_c(scope);
	cells.at[IMPORT_description] =
	    cut_text(text_at(vlan->object, "description"), VLAN_DESCRIPTION_MAX);
	import_rows_add(in->rows, line, &cells);
}

/* ---- prefixes ---- */

static void vrf_label(const json_t *object, char dst[static NAME_BYTES])
{
	const json_t *vrf = json_object_get(object, "vrf");
	dst[0] = '\0';
	if (json_is_object(vrf))
		to_label(text_at(vrf, "name"), VLAN_NAME_MAX, dst);
}

static void keep_prefix(netbox_import *in, json_t *object, uint32_t line)
{
	const json_t *nested = json_object_get(object, "vlan");
	char vrf[NAME_BYTES];
	if (sot_str_eq_c(choice_at(object, "status"), "container")) {
		in->rows->ignored++;
		return;
	}
	if (!json_is_object(nested)) {
		in->rows->lines++;
		import_rows_refuse(in->rows, line, "vlan",
		    "the prefix %.*s has no VLAN; give it one in NetBox, or make its status container",
		    SOT_ARG(cut_text(text_at(object, "prefix"), 60)));
		return;
	}
	netbox_vlan *vlan = vlan_of(in, nested, 0);
	vrf_label(object, vrf);
	if (vlan->has_vrf && strcmp(vlan->vrf, vrf) != 0)
		import_rows_refuse(in->rows, line, "vrf",
		    "its VLAN has prefixes of VRF \"%s\" too; a VLAN belongs to one VRF", vlan->vrf);
	vlan->has_vrf = true;
	(void)snprintf(vlan->vrf, sizeof(vlan->vrf), "%s", vrf);
	if (in->prefix_count == in->prefix_cap) {
		size_t cap = in->prefix_cap ? in->prefix_cap * 2 : 64;
		in->prefixes = sot_grow_array(in->prefixes, in->prefix_cap, cap, sizeof(*in->prefixes));
		in->prefix_cap = cap;
	}
	in->prefixes[in->prefix_count++] = (netbox_prefix){line, json_incref(object), vlan};
}

/* custom_fields.gateway: an address, or an object with one; without its mask. */
static sot_str gateway_of(const json_t *object)
{
	sot_str rest;
	const json_t *fields = json_object_get(object, "custom_fields");
	const json_t *nested = json_object_get(fields, "gateway");
	sot_str text = json_is_object(nested) ? text_at(nested, "address") : text_at(fields, "gateway");
	return sot_str_cut(text, '/', &rest);
}

static void add_subnet(netbox_import *in, const netbox_prefix *prefix)
{
	import_cells cells = {.at = {[IMPORT_kind] = SOT_STR("subnet")}};
	sot_str status = choice_at(prefix->object, "status");
	cells.at[IMPORT_vlan] = sot_str_c(prefix->vlan->name);
	cells.at[IMPORT_cidr] = text_at(prefix->object, "prefix");
	cells.at[IMPORT_gateway] = gateway_of(prefix->object);
	cells.at[IMPORT_description] =
	    cut_text(text_at(prefix->object, "description"), VLAN_DESCRIPTION_MAX);
	if (sot_str_eq_c(status, "deprecated") || sot_str_eq_c(status, "reserved"))
		cells.at[IMPORT_open] = SOT_STR("false");
	import_rows_add(in->rows, prefix->line, &cells);
}

/* ---- ranges and addresses ---- */

/* What a range is for: NetBox has no word for who may give its addresses out, so it is told by a
 * custom field, as the gateway is. */
static sot_str range_state(const json_t *object, sot_str pool)
{
	sot_str status = choice_at(object, "status");
	if (sot_str_eq_c(status, "reserved"))
		return SOT_STR("reserved");
	return pool.n > 0 && !sot_str_eq_c(status, "deprecated") ? SOT_STR("pool")
	                                                         : SOT_STR("excluded");
}

static void add_range(netbox_import *in, const json_t *object, uint32_t line)
{
	char vrf[NAME_BYTES], pool[NAME_BYTES];
	sot_str rest;
	import_cells cells = {.at = {[IMPORT_kind] = SOT_STR("range")}};
	vrf_label(object, vrf);
	cells.at[IMPORT_vrf] = sot_str_c(vrf);
	cells.at[IMPORT_first] = sot_str_cut(text_at(object, "start_address"), '/', &rest);
	cells.at[IMPORT_last] = sot_str_cut(text_at(object, "end_address"), '/', &rest);
	to_label(choice_at(json_object_get(object, "custom_fields"), "pool"), VLAN_NAME_MAX, pool);
	cells.at[IMPORT_state] = range_state(object, sot_str_c(pool));
	if (sot_str_eq_c(cells.at[IMPORT_state], "pool"))
		cells.at[IMPORT_pool] = sot_str_c(pool);
	cells.at[IMPORT_reason] = cut_text(text_at(object, "description"), IMPORT_REASON_MAX);
	import_rows_add(in->rows, line, &cells);
}

/* Who uses an address: its DNS name, else its device, else a name made of its id. */
static void owner_label(const json_t *object, char dst[static NAME_BYTES])
{
	static const char *const parents[] = {"device", "virtual_machine"};
	sot_str rest;
	const json_t *assigned = json_object_get(object, "assigned_object");
	to_label(sot_str_cut(text_at(object, "dns_name"), '.', &rest), IMPORT_OWNER_MAX, dst);
	for (size_t i = 0; i < 2 && dst[0] == '\0'; i++)
		to_label(text_at(json_object_get(assigned, parents[i]), "name"), IMPORT_OWNER_MAX, dst);
	if (dst[0] == '\0')
		(void)snprintf(dst, NAME_BYTES, "netbox-%lld", (long long)id_of(object));
}

static void add_address(netbox_import *in, const json_t *object, uint32_t line)
{
	char vrf[NAME_BYTES], owner[NAME_BYTES] = "", reason[REASON_BYTES];
	sot_str rest, status = choice_at(object, "status");
	bool is_kept_back = sot_str_eq_c(status, "reserved") || sot_str_eq_c(status, "deprecated");
	sot_str description = cut_text(text_at(object, "description"), IMPORT_REASON_MAX);
	import_cells cells = {.at = {[IMPORT_kind] = SOT_STR("address")}};
	vrf_label(object, vrf);
	cells.at[IMPORT_vrf] = sot_str_c(vrf);
	cells.at[IMPORT_address] = sot_str_cut(text_at(object, "address"), '/', &rest);
	cells.at[IMPORT_state] = is_kept_back ? SOT_STR("excluded") : SOT_STR("static");
	if (!is_kept_back)
		owner_label(object, owner);
	cells.at[IMPORT_owner] = sot_str_c(owner);
	if (is_kept_back && description.n == 0) {
		(void)snprintf(reason, sizeof(reason), "%.*s in NetBox", SOT_ARG(cut_text(status, 40)));
		description = sot_str_c(reason);
	}
	cells.at[IMPORT_reason] = description;
	import_rows_add(in->rows, line, &cells);
}

/* ---- the two passes ---- */

static void take_first(netbox_import *in, json_t *object, uint32_t line)
{
	json_int_t id = id_of(object);
	switch (kind_of(object)) {
	case NB_GROUP:
		json_decref(sot_map_set(in->groups, &id, sizeof(id), json_incref(object)));
		break;
	case NB_VLAN:
		(void)vlan_of(in, object, line);
		break;
	case NB_PREFIX:
		keep_prefix(in, object, line);
		break;
	case NB_OTHER:
		in->rows->ignored++;
		break;
	case NB_RANGE:
	case NB_ADDRESS:
		break;
	}
}

static void take_second(netbox_import *in, json_t *object, uint32_t line)
{
	netbox_kind kind = kind_of(object);
	if (kind == NB_RANGE)
		add_range(in, object, line);
	else if (kind == NB_ADDRESS)
		add_address(in, object, line);
}

/* False when an object is no JSON: told, if `tells`. */
static bool pass(
    netbox_import *in, sot_str file, bool tells, void (*take)(netbox_import *, json_t *, uint32_t))
{
	netbox_scan scan = {.file = file, .line = 1};
	sot_str text = {0};
	uint32_t line = 0;
	size_t count = 0;
	for (; netbox_next(&scan, &text, &line); count++) {
		json_error_t error;
		json_t *object = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
		if (json_is_object(object)) {
			take(in, object, line);
		} else if (tells) {
			in->rows->lines++;
			import_rows_refuse(in->rows, line + (uint32_t)(error.line > 0 ? error.line - 1 : 0), "",
			    "not JSON: %s", error.text);
		}
		json_decref(object);
	}
	if (count == 0 && tells)
		import_rows_refuse(in->rows, 1, "",
		    "no object of NetBox was found; the file holds what GET /api/ipam/... answers");
	return count > 0;
}

static void add_vlans(netbox_import *in)
{
	sot_map_iter it = {0};
	for (netbox_vlan *vlan = sot_map_next(in->vlans, &it, NULL); vlan;
	     vlan = sot_map_next(in->vlans, &it, NULL))
		name_vlan(in, vlan);
	/* A VLAN that only prefixes name stands where the first of them does. */
	for (size_t i = 0; i < in->prefix_count; i++) {
		if (in->prefixes[i].vlan->line == 0)
			in->prefixes[i].vlan->line = in->prefixes[i].line;
	}
	it = (sot_map_iter){0};
	for (netbox_vlan *vlan = sot_map_next(in->vlans, &it, NULL); vlan;
	     vlan = sot_map_next(in->vlans, &it, NULL))
		add_vlan(in, vlan, vlan->line);
}

static void clear(netbox_import *in)
{
	sot_map_iter it = {0};
	for (json_t *group = sot_map_next(in->groups, &it, NULL); group;
	     group = sot_map_next(in->groups, &it, NULL))
		json_decref(group);
	it = (sot_map_iter){0};
	for (netbox_vlan *vlan = sot_map_next(in->vlans, &it, NULL); vlan;
	     vlan = sot_map_next(in->vlans, &it, NULL)) {
		json_decref(vlan->object);
		free(vlan);
	}
	for (size_t i = 0; i < in->prefix_count; i++)
		json_decref(in->prefixes[i].object);
	free(in->prefixes);
	sot_map_free(in->groups);
	sot_map_free(in->vlans);
	sot_map_free(in->names);
}

void import_rows_read_netbox(import_rows *rows, sot_str file)
{
	netbox_import in = {
	    .rows = rows, .groups = sot_map_new(), .vlans = sot_map_new(), .names = sot_map_new()};
	if (pass(&in, file, true, take_first)) {
		add_vlans(&in);
		for (size_t i = 0; i < in.prefix_count; i++)
			add_subnet(&in, &in.prefixes[i]);
		(void)pass(&in, file, false, take_second);
	}
	clear(&in);
}
