/* import_plan_subnets - subnets of an import: fixed fields, overlaps, and who lies in which. */
#include "import_plan_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sot_str vrf_of(const planning *p, const subnet_change *change)
{
	return p->plan->vlans[change->vlan].plan.vrf;
}

static int compare_str(sot_str a, sot_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* By VRF, network, and size: the wider one first. */
static int compare_places(sot_str vrf_a, const subnet_plan *a, sot_str vrf_b, const subnet_plan *b)
{
	int order = compare_str(vrf_a, vrf_b);
	if (order == 0)
		order = sot_ip_cmp(a->network, b->network);
	return order ? order : (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

static int by_place(const void *a, const void *b, void *context)
{
	const planning *p = context;
	const subnet_change *x = *(subnet_change *const *)a, *y = *(subnet_change *const *)b;
	int order = compare_places(vrf_of(p, x), &x->to.plan, vrf_of(p, y), &y->to.plan);
	/* What is there comes before what a line says. */
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void sort_homes(planning *p)
{
	qsort_r(p->homes, p->home_count, sizeof(subnet_change *), by_place, p);
}

/* ---- one line ---- */

static void check_fixed(planning *p, const import_subnet *row, const subnet_fact *is)
{
	char text[SOT_IP_TEXT];
	const struct {
		import_column column;
		sot_ip row, is;
	} fixed[] = {{IMPORT_gateway, row->gateway, is->plan.gateway},
	    {IMPORT_first, row->first, is->plan.first}, {IMPORT_last, row->last, is->plan.last}};
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (import_has(row->given, fixed[i].column) && !sot_ip_eq(fixed[i].row, fixed[i].is))
			planning_fixed(
			    p, row->line, fixed[i].column, planning_dup(p, sot_ip_format(fixed[i].is, text)));
	}
	if (import_has(row->given, IMPORT_redundant_gateway) &&
	    row->redundant_gateway != is->plan.redundant_gateway)
		planning_fixed(p, row->line, IMPORT_redundant_gateway,
		    is->plan.redundant_gateway ? SOT_STR("true") : SOT_STR("false"));
	if (!sot_str_eq(row->vlan, is->vlan))
		planning_fixed(p, row->line, IMPORT_vlan, is->vlan);
}

static subnet_fact merged(const import_subnet *row, const subnet_fact *is)
{
	subnet_fact to = is ? *is : (subnet_fact){.vlan = row->vlan, .open = true, .weight = 1};
	if (!is)
		to.plan = (subnet_plan){.network = row->network,
		    .prefix = row->prefix,
		    .redundant_gateway = row->redundant_gateway,
		    .gateway = row->gateway,
		    .first = row->first,
		    .last = row->last};
	if (import_has(row->given, IMPORT_dns))
		to.dns = row->dns;
	if (import_has(row->given, IMPORT_rank))
		to.rank = row->rank;
	if (import_has(row->given, IMPORT_weight))
		to.weight = row->weight;
	if (import_has(row->given, IMPORT_open))
		to.open = row->open;
	if (import_has(row->given, IMPORT_description))
		to.description = row->description;
	return to;
}

static bool differs(const subnet_fact *a, const subnet_fact *b)
{
	return a->rank != b->rank || a->weight != b->weight || a->open != b->open ||
	       !sot_str_eq(a->dns, b->dns) || !sot_str_eq(a->description, b->description);
}

bool planning_vrf_of(
    planning *p, uint32_t line, sot_str vlan, sot_str vrf, uint32_t given, sot_str *ret)
{
	*ret = planning_vrf(vrf);
	if (!import_has(given, IMPORT_vlan))
		return true;
	const vlan_change *change = planning_find_vlan(p, vlan);
	if (!change) {
		import_rows_refuse(p->rows, line, "vlan",
		    "there is no VLAN %.*s, and the file has no good line for it; add a line of kind vlan",
		    SOT_ARG(vlan));
		return false;
	}
	*ret = change->plan.vrf;
	if (!import_has(given, IMPORT_vrf) || sot_str_eq(vrf, change->plan.vrf))
		return true;
	import_rows_refuse(p->rows, line, "vrf", "VLAN %.*s is of VRF %.*s; leave the cell empty",
	    SOT_ARG(vlan), SOT_ARG(change->plan.vrf));
	return false;
}

/* The subnet of exactly this place among those that were there before; NULL when it is new. */
static subnet_change *find_same(const planning *p, sot_str vrf, const import_subnet *row)
{
	const subnet_plan place = {.network = row->network, .prefix = row->prefix};
	size_t low = 0, high = p->home_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		subnet_change *home = p->homes[middle];
		int order = compare_places(vrf_of(p, home), &home->to.plan, vrf, &place);
		if (order == 0)
			return home;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void take_subnet(planning *p, const import_subnet *row)
{
	sot_str vrf = {0};
	if (!planning_vrf_of(p, row->line, row->vlan, row->vrf, row->given, &vrf))
		return;
	subnet_change *change = find_same(p, vrf, row);
	const subnet_fact *is = change ? change->before : NULL;
	if (change && change->line > 0) {
		import_rows_refuse(
		    p->rows, row->line, "cidr", "the subnet stands in line %u too", change->line);
		return;
	}
	subnet_fact to = merged(row, is);
	const char *pointer = "";
	sot_err err = {0};
	if (is) {
		check_fixed(p, row, is);
	} else if (subnet_plan_check(&to.plan, &pointer, &err) != SOT_OK) {
		planning_refuse(p, row->line, pointer, "vlan", &err);
		return;
	}
	if (!change) {
		change = &p->plan->subnets[p->plan->subnet_count++];
		change->vlan = (size_t)(planning_find_vlan(p, row->vlan) - p->plan->vlans);
	}
	change->line = row->line;
	change->is_new = !is;
	change->is_changed = is && differs(is, &to);
	change->to = to;
}

/* ---- all of them ---- */

static void refuse_overlap(planning *p, const subnet_change *own, const subnet_change *other)
{
	char a[SUBNET_PLAN_TEXT], b[SUBNET_PLAN_TEXT];
	const char *own_text = subnet_plan_format(&own->to.plan, a);
	const char *other_text = subnet_plan_format(&other->to.plan, b);
	if (strcmp(own_text, other_text) == 0 && other->line > 0)
		import_rows_refuse(
		    p->rows, own->line, "cidr", "%s stands in line %u too", own_text, other->line);
	else if (other->line > 0)
		import_rows_refuse(p->rows, own->line, "cidr", "%s overlaps with %s of line %u", own_text,
		    other_text, other->line);
	else
		import_rows_refuse(p->rows, own->line, "cidr", "%s overlaps with %s of VLAN %.*s", own_text,
		    other_text, SOT_ARG(other->to.vlan));
}

/* Of an overlap the new line is to blame, or the later one; what is left does not overlap. */
static void drop_overlaps(planning *p)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->home_count; i++) {
		subnet_change *own = p->homes[i];
		subnet_change *before = kept > 0 ? p->homes[kept - 1] : NULL;
		if (!before || !sot_str_eq(vrf_of(p, before), vrf_of(p, own)) ||
		    !subnet_plan_overlaps(&before->to.plan, &own->to.plan)) {
			p->homes[kept++] = own;
		} else if (own->is_new && (!before->is_new || own->line > before->line)) {
			refuse_overlap(p, own, before);
		} else {
			refuse_overlap(p, before, own);
			p->homes[kept - 1] = own;
		}
	}
	p->home_count = kept;
}

void planning_subnets(planning *p)
{
	const import_facts *facts = p->facts;
	import_plan *plan = p->plan;
	size_t most = facts->subnet_count + p->rows->subnet_count + 1;
	plan->subnets = sot_alloc_array(most, sizeof(*plan->subnets));
	p->homes = sot_alloc_array(most, sizeof(subnet_change *));
	for (size_t i = 0; i < facts->subnet_count; i++) {
		const subnet_fact *fact = &facts->subnets[i];
		const vlan_change *vlan = planning_find_vlan(p, fact->vlan);
		if (!vlan)
			continue; /* facts of one snapshot name no VLAN that is not there */
		subnet_change *change = &plan->subnets[plan->subnet_count++];
		*change =
		    (subnet_change){.to = *fact, .before = fact, .vlan = (size_t)(vlan - plan->vlans)};
		p->homes[p->home_count++] = change;
	}
	sort_homes(p);
	for (size_t i = 0; i < p->rows->subnet_count; i++)
		take_subnet(p, &p->rows->subnets[i]);
	p->home_count = plan->subnet_count;
	for (size_t i = 0; i < plan->subnet_count; i++)
		p->homes[i] = &plan->subnets[i];
	sort_homes(p);
	drop_overlaps(p);
}

subnet_change *planning_home(const planning *p, sot_str vrf, sot_ip address)
{
	const subnet_plan place = {.network = address, .prefix = 128};
	size_t low = 0, high = p->home_count;
	while (low < high) { /* the first home behind the address */
		size_t middle = (low + high) / 2;
		const subnet_change *home = p->homes[middle];
		if (compare_places(vrf_of(p, home), &home->to.plan, vrf, &place) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	subnet_change *home = p->homes[low - 1];
	bool is_home = sot_str_eq(vrf_of(p, home), vrf) &&
	               sot_ip_in(address, home->to.plan.network, home->to.plan.prefix);
	return is_home ? home : NULL;
}
