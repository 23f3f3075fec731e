#include "import_plan.h"

#include "import_plan_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

sot_str planning_dup(planning *p, const char *text)
{
	return sot_arena_dup(p->rows->arena, sot_str_c(text));
}

sot_str planning_vrf(sot_str name)
{
	return name.n > 0 ? name : SOT_STR("default");
}

/* "/dnsZone" to the column dns_zone; a literal. */
static const char *column_of(const char *pointer, const char *name_column)
{
	if (strcmp(pointer, "/name") == 0)
		return name_column;
	for (int i = 0; i < IMPORT_COLUMN_COUNT; i++) {
		const char *column = import_column_name((import_column)i), *p = pointer + 1;
		for (; *column && *p; column++, p++) {
			if (*column == '_' && p[0] >= 'A' && p[0] <= 'Z') {
				column++;
				if (*column != p[0] - 'A' + 'a')
					break;
			} else if (*column != *p) {
				break;
			}
		}
		if (!*column && !*p)
			return import_column_name((import_column)i);
	}
	return "";
}

void planning_refuse(
    planning *p, uint32_t line, const char *pointer, const char *name_column, const sot_err *err)
{
	import_rows_refuse(p->rows, line, column_of(pointer, name_column), "%s", err->text);
}

void planning_fixed(planning *p, uint32_t line, import_column column, sot_str is)
{
	import_rows_refuse(p->rows, line, import_column_name(column),
	    "it is \"%.*s\" and cannot be changed; delete it and make it anew, or leave the cell empty",
	    SOT_ARG(is));
}

/* ---- VLANs ---- */

vlan_change *planning_find_vlan(const planning *p, sot_str name)
{
	return sot_map_get(p->vlans_by_name, name.p, name.n);
}

static vlan_plan merged_vlan(const import_vlan *row, const vlan_plan *is)
{
	vlan_plan plan = is ? *is : (vlan_plan){.name = row->name, .vlan_id = row->vlan_id};
	if (!is)
		plan.vrf = planning_vrf(row->vrf);
	if (import_has(row->given, IMPORT_group))
		plan.group = row->group;
	if (import_has(row->given, IMPORT_mtu))
		plan.mtu = row->mtu;
	if (import_has(row->given, IMPORT_isolated))
		plan.isolated = row->isolated;
	if (import_has(row->given, IMPORT_dns_zone))
		plan.dns_zone = row->dns_zone;
	if (import_has(row->given, IMPORT_scopes))
		plan.scopes = row->scopes;
	if (import_has(row->given, IMPORT_description))
		plan.description = row->description;
	return plan;
}

static bool differs(const vlan_plan *a, const vlan_plan *b)
{
	return a->mtu != b->mtu || a->isolated != b->isolated || !sot_str_eq(a->group, b->group) ||
	       !sot_str_eq(a->dns_zone, b->dns_zone) || !sot_str_eq(a->scopes, b->scopes) ||
	       !sot_str_eq(a->description, b->description);
}

static void check_fixed_vlan(planning *p, const import_vlan *row, const vlan_plan *is)
{
	char number[12];
	if (import_has(row->given, IMPORT_vlan_id) && row->vlan_id != is->vlan_id) {
		(void)snprintf(number, sizeof(number), "%u", is->vlan_id);
		planning_fixed(p, row->line, IMPORT_vlan_id, sot_str_c(number));
	}
	if (import_has(row->given, IMPORT_vrf) && !sot_str_eq(row->vrf, is->vrf))
		planning_fixed(p, row->line, IMPORT_vrf, is->vrf);
}

static void take_vlan(planning *p, const import_vlan *row)
{
	vlan_change *change = planning_find_vlan(p, row->name);
	if (change && change->line > 0) {
		import_rows_refuse(p->rows, row->line, "vlan", "VLAN %.*s stands in line %u too",
		    SOT_ARG(row->name), change->line);
		return;
	}
	const vlan_plan *is = change ? change->before : NULL;
	vlan_plan plan = merged_vlan(row, is);
	const char *pointer = "";
	sot_err err = {0};
	if (is)
		check_fixed_vlan(p, row, is);
	else if (!import_has(row->given, IMPORT_vlan_id))
		import_rows_refuse(p->rows, row->line, "vlan_id", "a new VLAN needs its id");
	if (vlan_plan_check(&plan, &pointer, &err) != SOT_OK)
		planning_refuse(p, row->line, pointer, "vlan", &err);
	if (!change) {
		change = &p->plan->vlans[p->plan->vlan_count++];
		(void)sot_map_set(p->vlans_by_name, row->name.p, row->name.n, change);
	}
	change->line = row->line;
	change->is_new = !is;
	change->is_changed = is && differs(is, &plan);
	change->plan = plan;
}

static int by_vlan_id(const void *a, const void *b)
{
	const vlan_change *x = *(vlan_change *const *)a, *y = *(vlan_change *const *)b;
	if (x->plan.vlan_id != y->plan.vlan_id)
		return x->plan.vlan_id < y->plan.vlan_id ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* Two VLANs of one id that reach a common place would be one wire. Told of the later line. */
static void check_twins(planning *p)
{
	import_plan *plan = p->plan;
	size_t n = plan->vlan_count;
	vlan_change **order = sot_alloc_array(n ? n : 1, sizeof(vlan_change *));
	for (size_t i = 0; i < n; i++)
		order[i] = &plan->vlans[i];
	qsort(order, n, sizeof(vlan_change *), by_vlan_id);
	for (size_t i = 0; i < n; i++) {
		const vlan_change *own = order[i];
		if (own->plan.vlan_id == 0 || !(own->is_new || own->is_changed))
			continue;
		for (size_t j = i; j-- > 0 && order[j]->plan.vlan_id == own->plan.vlan_id;) {
			if (!vlan_scopes_meet(own->plan.scopes, order[j]->plan.scopes))
				continue;
			import_rows_refuse(p->rows, own->line, "vlan_id",
			    "VLAN %.*s has the id %u too, and both reach a common place: they would be one "
			    "wire; "
			    "give them different ids or scopes",
			    SOT_ARG(order[j]->plan.name), own->plan.vlan_id);
			break;
		}
	}
	free(order);
}

static void plan_vlans(planning *p, const import_facts *facts)
{
	import_plan *plan = p->plan;
	plan->vlans =
	    sot_alloc_array(facts->vlan_count + p->rows->vlan_count + 1, sizeof(*plan->vlans));
	for (size_t i = 0; i < facts->vlan_count; i++) {
		const vlan_fact *fact = &facts->vlans[i];
		vlan_change *change = &plan->vlans[plan->vlan_count++];
		*change = (vlan_change){.id = fact->id, .plan = fact->plan, .before = &fact->plan};
		(void)sot_map_set(p->vlans_by_name, fact->plan.name.p, fact->plan.name.n, change);
	}
	for (size_t i = 0; i < p->rows->vlan_count; i++)
		take_vlan(p, &p->rows->vlans[i]);
	check_twins(p);
}

/* ---- the whole ---- */

#define COUNT(list, count, changed)                                                                \
	for (size_t i = 0; i < plan->count; i++) {                                                     \
		bool changes = plan->list[i].is_new || plan->list[i].is_changed;                           \
		plan->changed += changes;                                                                  \
		plan->unchanged += !changes && plan->list[i].line > 0;                                     \
	}

static void count_changes(import_plan *plan)
{
	COUNT(vlans, vlan_count, changed_vlans)
	COUNT(subnets, subnet_count, changed_subnets)
	COUNT(ranges, range_count, changed_ranges)
	for (size_t i = 0; i < plan->address_count; i++) {
		bool changes = plan->addresses[i].is_new || plan->addresses[i].is_changed;
		plan->changed_addresses += changes;
		plan->unchanged += !changes;
	}
}

import_plan *import_plan_new(import_rows *rows, const import_facts *facts)
{
	import_plan *plan = sot_alloc(sizeof(*plan));
	planning p = {.rows = rows,
	    .facts = facts,
	    .plan = plan,
	    .vlans_by_name = sot_map_new(),
	    .taken = sot_map_new()};
	plan_vlans(&p, facts);
	planning_subnets(&p);
	planning_ranges(&p);
	planning_addresses(&p);
	count_changes(plan);
	sot_map_free(p.vlans_by_name);
	sot_map_free(p.taken);
	free(p.homes);
	import_rows_sort_errors(rows);
	return plan;
}

import_plan *import_plan_free(import_plan *plan)
{
	if (!plan)
		return NULL;
	free(plan->vlans);
	free(plan->subnets);
	free(plan->ranges);
	free(plan->addresses);
	free(plan);
	return NULL;
}
