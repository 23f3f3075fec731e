/* import_plan_addresses - ranges and addresses of an import: in which subnet they lie, and who has
 * them already. */
#include "import_plan_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- ranges ---- */

static range_use use_of(const char *word)
{
	return strcmp(word, "pool") == 0       ? RANGE_POOL
	       : strcmp(word, "reserved") == 0 ? RANGE_RESERVED
	                                       : RANGE_EXCLUDED;
}

/* By subnet, whether it keeps addresses back, first address; what is there before what is new. */
static int by_first(const void *a, const void *b)
{
	const range_change *x = *(range_change *const *)a, *y = *(range_change *const *)b;
	bool x_pool = x->to.use == RANGE_POOL, y_pool = y->to.use == RANGE_POOL;
	if (x->subnet != y->subnet)
		return x->subnet < y->subnet ? -1 : 1;
	if (x_pool != y_pool)
		return x_pool ? -1 : 1;
	int order = sot_ip_cmp(x->to.first, y->to.first);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void refuse_overlap(planning *p, const range_change *own, const range_change *other)
{
	char first[SOT_IP_TEXT], last[SOT_IP_TEXT], where[40] = "a range that is there";
	if (other->line > 0)
		(void)snprintf(where, sizeof(where), "the range of line %u", other->line);
	import_rows_refuse(p->rows, own->line, "first", "it overlaps with %s, %s to %s", where,
	    sot_ip_format(other->to.first, first), sot_ip_format(other->to.last, last));
}

static void check_overlaps(planning *p)
{
	import_plan *plan = p->plan;
	size_t n = plan->range_count;
	range_change **order = sot_alloc_array(n ? n : 1, sizeof(range_change *));
	for (size_t i = 0; i < n; i++)
		order[i] = &plan->ranges[i];
	qsort(order, n, sizeof(range_change *), by_first);
	const range_change *widest = NULL; /* of this subnet and sort: the one that reaches farthest */
	for (size_t i = 0; i < n; i++) {
		const range_change *own = order[i];
		bool is_same_sort = widest && widest->subnet == own->subnet &&
		                    (widest->to.use == RANGE_POOL) == (own->to.use == RANGE_POOL);
		bool overlaps = is_same_sort && sot_ip_cmp(own->to.first, widest->to.last) <= 0;
		if (overlaps && (own->line > 0 || widest->line > 0)) {
			bool own_is_later = own->line > widest->line;
			refuse_overlap(p, own_is_later ? own : widest, own_is_later ? widest : own);
		}
		if (!overlaps || sot_ip_cmp(own->to.last, widest->to.last) > 0)
			widest = own;
	}
	free(order);
}

enum { RANGE_KEY_BYTES = sizeof(size_t) + 2 * sizeof(sot_ip) };

static void range_key(size_t subnet, const range_fact *range, uint8_t key[static RANGE_KEY_BYTES])
{
	memcpy(key, &subnet, sizeof(subnet));
	memcpy(key + sizeof(subnet), &range->first, sizeof(range->first));
	memcpy(key + sizeof(subnet) + sizeof(sot_ip), &range->last, sizeof(range->last));
}

static void know_range(sot_map *known, range_change *change)
{
	uint8_t key[RANGE_KEY_BYTES];
	range_key(change->subnet, &change->to, key);
	(void)sot_map_set(known, key, sizeof(key), change);
}

/* The subnet of a line; NULL: refused. */
static subnet_change *home_of(planning *p, uint32_t line, uint32_t given, sot_str vlan, sot_str vrf,
    import_column column, sot_ip address)
{
	char text[SOT_IP_TEXT];
	subnet_change *home = planning_home(p, vrf, address);
	if (!home) {
		import_rows_refuse(p->rows, line, import_column_name(column),
		    "%s lies in no subnet of VRF %.*s; add a line of kind subnet, or name its VRF",
		    sot_ip_format(address, text), SOT_ARG(vrf));
		return NULL;
	}
	if (!import_has(given, IMPORT_vlan) || sot_str_eq(vlan, home->to.vlan))
		return home;
	import_rows_refuse(p->rows, line, "vlan", "%s is of VLAN %.*s, not of %.*s",
	    sot_ip_format(address, text), SOT_ARG(home->to.vlan), SOT_ARG(vlan));
	return NULL;
}

static bool differs(const range_fact *a, const range_fact *b)
{
	return a->use != b->use || !sot_str_eq(a->owner, b->owner) ||
	       !sot_str_eq(a->reason, b->reason) || !sot_str_eq(a->pool, b->pool);
}

/* A line that is good by itself. */
static void keep_range(
    planning *p, sot_map *known, const import_range *row, size_t subnet, sot_str vrf)
{
	uint8_t key[RANGE_KEY_BYTES];
	range_fact to = {.vrf = vrf, .first = row->first, .last = row->last};
	range_key(subnet, &to, key);
	range_change *change = sot_map_get(known, key, sizeof(key));
	bool is_new = !change;
	if (!is_new && change->line > 0) {
		import_rows_refuse(
		    p->rows, row->line, "first", "the range stands in line %u too", change->line);
		return;
	}
	if (is_new)
		change = &p->plan->ranges[p->plan->range_count++];
	else
		to = change->to;
	to.use = use_of(row->use);
	if (import_has(row->given, IMPORT_owner))
		to.owner = row->owner;
	if (import_has(row->given, IMPORT_reason))
		to.reason = row->reason;
	if (import_has(row->given, IMPORT_pool) || to.use != RANGE_POOL)
		to.pool = row->pool;
	change->is_changed = !is_new && differs(&to, &change->to);
	change->is_new = is_new;
	change->line = row->line;
	change->subnet = subnet;
	change->to = to;
	know_range(known, change);
}

static void take_range(planning *p, sot_map *known, const import_range *row)
{
	sot_str vrf = {0};
	const char *pointer = "";
	sot_err err = {0};
	if (!planning_vrf_of(p, row->line, row->vlan, row->vrf, row->given, &vrf))
		return;
	if (range_plan_check(row->first, row->last, &pointer, &err) != SOT_OK) {
		planning_refuse(p, row->line, pointer, "vlan", &err);
		return;
	}
	const subnet_change *home =
	    home_of(p, row->line, row->given, row->vlan, vrf, IMPORT_first, row->first);
	if (!home)
		return;
	if (!range_plan_is_inside(&home->to.plan, row->first, row->last)) {
		char text[SUBNET_PLAN_TEXT];
		import_rows_refuse(p->rows, row->line, "last",
		    "it is not in %s; a range belongs to one subnet",
		    subnet_plan_format(&home->to.plan, text));
		return;
	}
	keep_range(p, known, row, (size_t)(home - p->plan->subnets), vrf);
}

void planning_ranges(planning *p)
{
	import_plan *plan = p->plan;
	SOT_AUTO(sot_map) known = sot_map_new();
	plan->ranges =
	    sot_alloc_array(p->facts->range_count + p->rows->range_count + 1, sizeof(*plan->ranges));
	for (size_t i = 0; i < p->facts->range_count; i++) {
		const range_fact *fact = &p->facts->ranges[i];
		const subnet_change *home = planning_home(p, fact->vrf, fact->first);
		if (!home)
			continue; /* its subnet was refused as overlapping: told already */
		range_change *change = &plan->ranges[plan->range_count++];
		*change = (range_change){.to = *fact, .subnet = (size_t)(home - plan->subnets)};
		know_range(known, change);
	}
	for (size_t i = 0; i < p->rows->range_count; i++)
		take_range(p, known, &p->rows->ranges[i]);
	check_overlaps(p);
}

/* ---- addresses ---- */

enum { PLACE_BYTES = 17 + VLAN_NAME_MAX };

/* (VRF, address) as a key; its length. */
static size_t place_key(sot_str vrf, sot_ip address, uint8_t key[static PLACE_BYTES])
{
	size_t n = vrf.n < VLAN_NAME_MAX ? vrf.n : VLAN_NAME_MAX;
	key[0] = address.family;
	memcpy(key + 1, address.b, 16);
	if (n > 0)
		memcpy(key + 17, vrf.p, n);
	return 17 + n;
}

/* False: refused. `fact` is what is there, or NULL. */
static bool may_take(planning *p, const import_address *row, const address_fact *fact)
{
	if (!fact || sot_str_eq_c(fact->state, "static") || sot_str_eq_c(fact->state, "excluded"))
		return true;
	bool cools = sot_str_eq_c(fact->state, "cooling");
	if (cools && fact->free_in_ms <= 0)
		return true;
	if (cools)
		import_rows_refuse(p->rows, row->line, "address",
		    "it was given back and cools for %lld s more; wait, or free it first",
		    (long long)(fact->free_in_ms + 999) / 1000);
	else
		import_rows_refuse(p->rows, row->line, "address",
		    "it is %.*s: %.*s; leave the line out, or free the address first", SOT_ARG(fact->state),
		    SOT_ARG(fact->holder));
	return false;
}

static void merge_address(
    address_change *change, const import_address *row, const address_fact *fact)
{
	bool is_kept = fact && !sot_str_eq_c(fact->state, "cooling");
	bool has_mac = import_has(row->given, IMPORT_mac);
	change->is_new = !is_kept;
	change->owner = is_kept && !import_has(row->given, IMPORT_owner) ? fact->owner : row->owner;
	change->reason = is_kept && !import_has(row->given, IMPORT_reason) ? fact->reason : row->reason;
	memcpy(change->mac, is_kept && !has_mac ? fact->mac : row->mac, sizeof(change->mac));
	change->is_changed = is_kept && (!sot_str_eq_c(fact->state, row->state) ||
	                                    !sot_str_eq(change->owner, fact->owner) ||
	                                    !sot_str_eq(change->reason, fact->reason) ||
	                                    memcmp(change->mac, fact->mac, sizeof(change->mac)) != 0);
}

static void take_address(planning *p, const sot_map *known, const import_address *row)
{
	uint8_t key[PLACE_BYTES];
	char low[SOT_IP_TEXT], high[SOT_IP_TEXT];
	sot_str vrf = {0};
	if (!planning_vrf_of(p, row->line, row->vlan, row->vrf, row->given, &vrf))
		return;
	subnet_change *home =
	    home_of(p, row->line, row->given, row->vlan, vrf, IMPORT_address, row->address);
	if (!home)
		return;
	const subnet_plan *plan = &home->to.plan;
	if (!subnet_plan_is_usable(plan, row->address)) {
		import_rows_refuse(p->rows, row->line, "address", "it is not one of %s to %s",
		    sot_ip_format(subnet_plan_lowest(plan), low),
		    sot_ip_format(subnet_plan_highest(plan), high));
		return;
	}
	size_t n = place_key(vrf, row->address, key);
	const import_address *twin = sot_map_get(p->taken, key, n);
	const address_fact *fact = sot_map_get(known, key, n);
	if (twin) {
		import_rows_refuse(
		    p->rows, row->line, "address", "the address stands in line %u too", twin->line);
		return;
	}
	(void)sot_map_set(p->taken, key, n, (import_address *)(uintptr_t)row);
	if (!may_take(p, row, fact))
		return;
	address_change *change = &p->plan->addresses[p->plan->address_count++];
	*change = (address_change){
	    .row = row, .vrf = vrf, .state = row->state, .subnet = (size_t)(home - p->plan->subnets)};
	merge_address(change, row, fact);
}

void planning_addresses(planning *p)
{
	uint8_t key[PLACE_BYTES];
	import_plan *plan = p->plan;
	SOT_AUTO(sot_map) known = sot_map_new();
	plan->addresses = sot_alloc_array(p->rows->address_count + 1, sizeof(*plan->addresses));
	for (size_t i = 0; i < p->facts->address_count; i++) {
		address_fact *fact = &p->facts->addresses[i];
		(void)sot_map_set(known, key, place_key(fact->vrf, fact->address, key), fact);
	}
	for (size_t i = 0; i < p->rows->address_count; i++)
		take_address(p, known, &p->rows->addresses[i]);
}
