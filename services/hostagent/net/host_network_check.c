/* The other half of host_network: what belongs to the instances, and what belongs to nobody. */
#include "host_network_internal.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard_table.h"
#include "instance_net.h"
#include "net_shaper.h"
#include "sot_file.h"
#include "sot_parse.h"

enum { VLANS_FILE_MAX = 65536, VLANS_MAX = 4095 };

typedef struct links {
	net_link *all;
	size_t count;
} links;

static const net_link *named(const links *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->all[i].name, name) == 0)
			return &l->all[i];
	return NULL;
}

typedef struct port_check {
	netlink *route;
	links links;
	net_shaper *shapers;
	size_t shaper_count;
	const host_network *h;
	int *down; /* room for one of each link */
	size_t down_count;
	uint64_t asked_for; /* elements: a sum over those of all records, whatever their order */
	host_network_report *report;
} port_check;

static void repaired(
    port_check *c, sot_code code, const sot_err *err, const net_record *record, const char *what)
{
	if (code == SOT_OK)
		host_network_note_add(c->report, HOST_NETWORK_REPAIRED, "%s (instance %.63s): %s",
		    record->host_link, record->name, what);
	else
		host_network_note_add(c->report, HOST_NETWORK_FAILED, "%s (instance %.63s): %s: %.120s",
		    record->host_link, record->name, what, err->text);
}

/* Of what the instance receives. What it sends is limited inside, where it cannot take it away. */
static void check_limit(port_check *c, const net_link *port, const net_record *record)
{
	sot_err err = {0};
	const net_shaper *now = NULL;
	for (size_t i = 0; i < c->shaper_count && !now; i++)
		if (c->shapers[i].index == port->index)
			now = &c->shapers[i];
	if (record->bandwidth_kbit &&
	    (!now || !net_shaper_is(now->bytes_per_s, record->bandwidth_kbit)))
		repaired(c, net_shaper_set(c->route, port->index, record->bandwidth_kbit, &err), &err,
		    record, now ? "had another limit" : "had no limit");
	else if (!record->bandwidth_kbit && now)
		repaired(c, net_shaper_clear(c->route, port->index, &err), &err, record, "had a limit");
}

/* A port that is down may be one that a hook is just making: then it is left alone. One that the
 * check before found down has been left so by somebody. */
static bool is_being_made(port_check *c, const net_link *port)
{
	if (port->flags & IFF_UP)
		return false;
	if (c->down_count < c->links.count)
		c->down[c->down_count++] = port->index;
	for (size_t i = 0; i < c->h->down_count; i++)
		if (c->h->down[i] == port->index)
			return false;
	return true;
}

static void check_port(const net_record *record, void *self)
{
	port_check *c = self;
	sot_err err = {0};
	const net_link *port = named(&c->links, record->host_link);
	const net_link *bridge = named(&c->links, record->bridge);
	if (!port || !bridge || strcmp(port->kind, "veth") != 0)
		return; /* the instance does not run, or its bridge has been told of */
	if (is_being_made(c, port))
		return;
	bool was_moved = port->master != bridge->index;
	if (was_moved || !(port->flags & IFF_UP)) {
		const net_link_change back = {.up = true, .master = bridge->index};
		repaired(c, net_link_set(c->route, port->index, &back, &err), &err, record,
		    was_moved ? "was not a port of its bridge" : "was down");
	}
	const uint32_t group = instance_net_group(record);
	if (port->group != group)
		repaired(c, net_link_set(c->route, port->index, &(net_link_change){.group = &group}, &err),
		    &err, record, record->guard ? "was not guarded" : "was guarded");
	/* A port that is moved loses what it might. */
	const net_link_port want = instance_net_port(record);
	bool is_other =
	    was_moved ? want.isolated || want.group_forward
	              : want.isolated != port->isolated || want.group_forward != port->group_forward;
	if (is_other)
		repaired(c, net_link_set_port(c->route, port->index, &want, &err), &err, record,
		    "isolation or forwarded groups were others");
	check_limit(c, port, record);
}

static uint64_t sum_of_elements(const net_record *record)
{
	guard_element some[GUARD_ELEMENTS_MAX];
	uint64_t sum = 0;
	for (size_t i = 0, count = guard_elements(record, some); i < count; i++)
		sum += sot_str_mark((sot_str){(const char *)&some[i], sizeof(some[i])});
	return sum;
}

static void take_record(const net_record *record, void *self)
{
	port_check *c = self;
	c->asked_for += sum_of_elements(record);
	check_port(record, c);
}

uint64_t host_network_check_ports(host_network *h, netlink *route, host_network_report *report)
{
	sot_err err;
	port_check c = {.route = route, .report = report, .h = h};
	if (net_link_list(route, &c.links.all, &c.links.count, &err) != SOT_OK ||
	    net_shaper_list(route, &c.shapers, &c.shaper_count, &err) != SOT_OK) {
		host_network_note_add(report, HOST_NETWORK_FAILED, "%s", err.text);
		free(c.links.all);
		return 0;
	}
	c.down = sot_alloc_array(c.links.count + 1, sizeof(*c.down));
	size_t unreadable = net_record_each(h->state_dir, take_record, &c);
	free(h->down);
	h->down = c.down;
	h->down_count = c.down_count;
	if (unreadable > 0)
		host_network_note_add(report, HOST_NETWORK_FAILED,
		    "%zu records in %s/net cannot be read; their instances would not start", unreadable,
		    h->state_dir);
	free(c.shapers);
	free(c.links.all);
	return unreadable > 0 ? 0 : c.asked_for | 1;
}

/* The VLAN of a bridge that this made, 0 for any other link. */
static uint16_t vlan_of(const net_link *link)
{
	static const char ours[] = HOST_NETWORK_ALIAS;
	uint64_t vlan = 0;
	size_t n = sizeof(ours) - 1;
	if (strcmp(link->kind, "bridge") != 0 || strncmp(link->alias, ours, n) != 0 ||
	    sot_parse_u64(sot_str_c(link->alias + n), 1, VLANS_MAX - 1, &vlan, NULL) != SOT_OK)
		return 0;
	return (uint16_t)vlan;
}

static bool is_needed(uint16_t vlan, const uint16_t *vlans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (vlans[i] == vlan)
			return true;
	return false;
}

/* Every port but the VLAN's own uplink is somebody who needs the bridge. */
static bool has_users(const links *l, const net_link *bridge, const char *uplink)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->all[i].master == bridge->index && strcmp(l->all[i].name, uplink) != 0)
			return true;
	return false;
}

static void remove_bridge(host_network *h, netlink *route, const links *l, const net_link *bridge,
    host_network_report *report)
{
	sot_err err = {0};
	net_uplink uplink = {.link = ""};
	uint16_t vlan = vlan_of(bridge);
	/* When the configuration has no way for it any more, no port is its own. */
	if (net_uplinks_find(&h->uplinks, vlan, &uplink, NULL) != SOT_OK ||
	    strcmp(uplink.bridge, bridge->name) != 0)
		uplink.link[0] = '\0';
	if (has_users(l, bridge, uplink.link))
		return;
	sot_code code = net_link_delete(route, bridge->index, &err);
	const net_link *port = named(l, uplink.link);
	if (code == SOT_OK && port && strcmp(port->kind, "vlan") == 0 &&
	    strncmp(port->alias, HOST_NETWORK_ALIAS, sizeof(HOST_NETWORK_ALIAS) - 1) == 0)
		code = net_link_delete(route, port->index, &err);
	if (code == SOT_OK)
		host_network_note_add(report, HOST_NETWORK_REMOVED, "bridge %s: no instance needs VLAN %u",
		    bridge->name, vlan);
	else
		host_network_note_add(report, HOST_NETWORK_FAILED, "remove %s: %s", bridge->name, err.text);
}

void host_network_remove_unused(host_network *h, netlink *route, const uint16_t *vlans,
    size_t count, host_network_report *report)
{
	sot_err err;
	links l = {0};
	if (net_link_list(route, &l.all, &l.count, &err) != SOT_OK) {
		host_network_note_add(report, HOST_NETWORK_FAILED, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < l.count; i++) {
		uint16_t vlan = vlan_of(&l.all[i]);
		if (vlan != 0 && !is_needed(vlan, vlans, count))
			remove_bridge(h, route, &l, &l.all[i], report);
	}
	free(l.all);
}

typedef struct elements {
	guard_element *all;
	size_t count, room;
} elements;

static void append(elements *e, const guard_element *one)
{
	if (e->count == e->room) {
		size_t room = e->room ? 2 * e->room : 64;
		e->all = sot_grow_array(e->all, e->room, room, sizeof(*e->all));
		e->room = room;
	}
	e->all[e->count++] = *one;
}

static void collect(const net_record *record, void *self)
{
	guard_element some[GUARD_ELEMENTS_MAX];
	size_t count = guard_elements(record, some);
	for (size_t i = 0; i < count; i++)
		append(self, &some[i]);
}

/* Those of `from` that `in` lacks; both sorted. */
static elements missing(const elements *from, const elements *in)
{
	elements result = {0};
	for (size_t i = 0; i < from->count; i++)
		if (in->count == 0 ||
		    !bsearch(&from->all[i], in->all, in->count, sizeof(*in->all), guard_element_cmp))
			append(&result, &from->all[i]);
	return result;
}

static elements wanted(const host_network *h, size_t *ret_unreadable)
{
	elements e = {0};
	*ret_unreadable = net_record_each(h->state_dir, collect, &e);
	if (e.count > 1)
		qsort(e.all, e.count, sizeof(*e.all), guard_element_cmp);
	return e;
}

static sot_code remove_stale(netlink *filter, const elements *stale, sot_err *err)
{
	/* One by one: one that went by itself must not keep the others. */
	for (size_t i = 0; i < stale->count; i++) {
		sot_code code = guard_remove(filter, &stale->all[i], 1, err);
		if (code != SOT_OK && code != SOT_NOT_FOUND)
			return code;
	}
	return SOT_OK;
}

/* Elements without a record go first, and the records are read after that: a hook that wires a
 * reborn link meanwhile has had its record before, so its elements are added again here. */
static sot_code check_elements(host_network *h, netlink *filter, size_t *ret_added, sot_err *err)
{
	elements have = {0};
	size_t unreadable = 0;
	sot_code code = guard_list(filter, &have.all, &have.count, err);
	if (code != SOT_OK)
		return code;
	elements want = wanted(h, &unreadable);
	elements stale = missing(&have, &want);
	free(want.all);
	/* Whose record cannot be read must not lose its guard. */
	if (unreadable == 0)
		code = remove_stale(filter, &stale, err);
	free(stale.all);
	free(have.all);
	have = (elements){0};
	want = wanted(h, &unreadable);
	if (code == SOT_OK)
		code = guard_list(filter, &have.all, &have.count, err);
	elements lost = missing(&want, &have);
	if (code == SOT_OK && lost.count > 0)
		code = guard_add(filter, lost.all, lost.count, err);
	*ret_added = lost.count;
	free(lost.all);
	free(want.all);
	free(have.all);
	return code;
}

static sot_code sync_elements(
    host_network *h, host_network_report *report, bool is_new, sot_err *err)
{
	SOT_AUTO(netlink) filter = NULL;
	size_t added = 0;
	sot_code code = netlink_open(NETLINK_NETFILTER, &filter, err);
	if (code == SOT_OK)
		code = check_elements(h, filter, &added, err);
	if (code == SOT_OK && added > 0)
		host_network_note_add(report, is_new ? HOST_NETWORK_MADE : HOST_NETWORK_REPAIRED,
		    "guard table: %zu elements of instances %s", added, is_new ? "added" : "were missing");
	return code;
}

sot_code host_network_make_guard(host_network *h, host_network_report *report, sot_err *err)
{
	sot_buf_reset(&h->table);
	sot_code code = guard_table_make(err);
	if (code == SOT_OK)
		code = guard_table_read(&h->table, err);
	if (code == SOT_OK)
		code = sync_elements(h, report, true, err);
	return code;
}

static sot_code reads_as_made(const host_network *h, bool *ret, sot_err *err)
{
	SOT_AUTO_BUF now;
	sot_buf_init(&now, h->table.max);
	sot_code code = guard_table_read(&now, err);
	if (code == SOT_OK || code == SOT_NOT_FOUND)
		*ret = code == SOT_OK && sot_str_eq(sot_buf_str(&now), sot_buf_str(&h->table));
	return code == SOT_NOT_FOUND ? SOT_OK : code;
}

static sot_code check_table(host_network *h, host_network_report *report, sot_err *err)
{
	bool is_right = false;
	sot_code code = reads_as_made(h, &is_right, err);
	if (code != SOT_OK || is_right)
		return code;
	code = guard_table_make(err);
	if (code == SOT_OK)
		code = reads_as_made(h, &is_right, err);
	if (code == SOT_OK && !is_right) /* there is more in it than ours */
		code = guard_table_replace(err);
	if (code == SOT_OK)
		host_network_note_add(
		    report, HOST_NETWORK_REPAIRED, "guard table %s: was changed or flushed", GUARD_TABLE);
	return code;
}

/* Read before anything is looked at: a change meanwhile makes it another one by the next check. */
static guard_sight sight_of(uint64_t asked_for)
{
	SOT_AUTO(netlink) filter = NULL;
	guard_sight now = {.asked_for = asked_for};
	if (netlink_open(NETLINK_NETFILTER, &filter, NULL) != SOT_OK ||
	    guard_generation(filter, &now.generation, NULL) != SOT_OK)
		now.generation = 0;
	return now;
}

static bool is_in_order(const host_network *h, const guard_sight *now)
{
	return now->generation != 0 && now->generation == h->in_order.generation &&
	       now->asked_for != 0 && now->asked_for == h->in_order.asked_for;
}

void host_network_check_guard(host_network *h, uint64_t asked_for, host_network_report *report)
{
	sot_err err = {0};
	bool is_new = h->table.n == 0;
	const guard_sight now = sight_of(asked_for);
	if (!is_new && is_in_order(h, &now))
		return;
	sot_code code =
	    is_new ? host_network_make_guard(h, report, &err) : check_table(h, report, &err);
	if (code == SOT_OK && !is_new)
		code = sync_elements(h, report, false, &err);
	h->in_order = code == SOT_OK ? now : (guard_sight){0};
	if (code != SOT_OK)
		host_network_note_add(report, HOST_NETWORK_FAILED, "%s", err.text);
}

static sot_code read_vlans(const json_t *list, uint16_t *ret, sot_err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		json_int_t id = json_integer_value(item);
		if (!json_is_integer(item) || id < 0 || id >= VLANS_MAX)
			return sot_fail(err, SOT_INVALID, "item %zu of \"vlans\" is not a VLAN id", i + 1);
		ret[i] = (uint16_t)id;
	}
	return SOT_OK;
}

static sot_code parse_vlans(sot_str text, uint16_t **ret_vlans, size_t *ret_count, sot_err *err)
{
	json_error_t why;
	json_t *object = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &why);
	const json_t *list = json_object_get(object, "vlans");
	sot_code code = SOT_OK;
	if (!object)
		return sot_fail(err, SOT_INVALID, "not JSON: line %d: %s", why.line, why.text);
	if (json_integer_value(json_object_get(object, "version")) != 1 || !json_is_array(list) ||
	    json_array_size(list) > VLANS_MAX) {
		code = sot_fail(err, SOT_INVALID, "no list of VLANs of version 1");
	} else {
		uint16_t *vlans = sot_alloc_array(json_array_size(list) + 1, sizeof(*vlans));
		code = read_vlans(list, vlans, err);
		if (code == SOT_OK) {
			*ret_count = json_array_size(list);
			*ret_vlans = vlans;
		} else {
			free(vlans);
		}
	}
	json_decref(object);
	return code;
}

sot_code host_network_load_vlans(
    const char *state_dir, uint16_t **ret_vlans, size_t *ret_count, sot_err *err)
{
	char path[PATH_MAX];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, VLANS_FILE_MAX);
	int n = snprintf(path, sizeof(path), "%s/net/vlans.json", state_dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return sot_fail(err, SOT_LIMIT, "the state folder's path is too long");
	sot_code code = sot_file_read(path, &text, err);
	if (code == SOT_OK)
		code = parse_vlans(sot_buf_str(&text), ret_vlans, ret_count, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "%s", path);
}
