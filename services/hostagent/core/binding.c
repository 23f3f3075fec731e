/* What an instance has bound, read from its record. */
#include "reconcile_internal.h"

#include <string.h>

#include "sot_parse.h"

static sot_ip ip_member(const char *record, const char *key)
{
	sot_ip ip = {0};
	sot_str text = plan_record_text(record, key);
	return sot_ip_parse(text, &ip, NULL) == SOT_OK ? ip : (sot_ip){0};
}

static void name_member(const char *record, const char *key, char ret[static 16])
{
	ret[0] = '\0';
	if (sot_str_copy(plan_record_text(record, key), ret, 16, NULL) != SOT_OK)
		ret[0] = '\0'; /* no link has such a name */
}

bool instance_binding(const instance *i, binding *ret)
{
	const sot_instance_spec *spec = &i->want->spec;
	bool runs = i->has_container && i->container.running;
	const char *record = runs && i->used_record ? i->used_record : i->record;
	if (!i->has_container || !record)
		return false;
	*ret = (binding){.instance_id = spec->instance_id,
	    .is_running = runs,
	    .bandwidth_kbit = spec->bandwidth_kbit,
	    .pid = runs ? i->container.pid : 0,
	    .vlan_id = (uint16_t)plan_record_number(record, "vlan"),
	    .vrf = (uint16_t)plan_record_number(record, "vrf"),
	    .address = ip_member(record, "address"),
	    .address_v6 = ip_member(record, "address6")};
	name_member(record, "bridge", ret->bridge);
	name_member(record, "host_link", ret->host_link);
	if (sot_parse_mac(plan_record_text(record, "mac"), ret->mac.b, NULL) != SOT_OK)
		return false;
	if (sot_ip_eq(ret->address, spec->address))
		ret->address_generation = spec->address_generation;
	if (sot_ip_eq(ret->address_v6, spec->address_v6))
		ret->address_v6_generation = spec->address_v6_generation;
	return !sot_ip_is_none(ret->address);
}
