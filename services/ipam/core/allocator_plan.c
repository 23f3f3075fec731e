#include "allocator_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAMP_MAX = 200 };

typedef struct plan_range {
	sot_ip first, last;
	range_use use;
	char pool[PLAN_NAME_MAX];
} plan_range;

struct address_plan {
	char stamp[STAMP_MAX];
	plan_vlan **vlans; /* named pools stand behind their VLANs */
	size_t vlan_count, vlan_cap;
	subnet **subnets;
	size_t subnet_count, subnet_cap;
	sot_map *vlans_by_name, *vlans_by_id, *subnets_by_id;
};

static const char *const state_names[ADDRESS_STATES] = {[ADDRESS_RESERVED] = "reserved",
    [ADDRESS_BOUND] = "bound",
    [ADDRESS_STATIC] = "static",
    [ADDRESS_COOLING] = "cooling",
    [ADDRESS_EXCLUDED] = "excluded",
    [ADDRESS_CONFLICT] = "conflict",
    [ADDRESS_SUSPECT] = "suspect"};

const char *address_state_name(address_state state)
{
	return state_names[state];
}

bool address_state_parse(sot_str word, address_state *ret)
{
	for (int i = 0; i < ADDRESS_STATES; i++) {
		if (!sot_str_eq_c(word, state_names[i]))
			continue;
		*ret = (address_state)i;
		return true;
	}
	return false;
}

/* ---- life ---- */

address_plan *plan_new(void)
{
	address_plan *p = sot_alloc(sizeof(*p));
	p->vlans_by_name = sot_map_new();
	p->vlans_by_id = sot_map_new();
	p->subnets_by_id = sot_map_new();
	return p;
}

static void free_vlan(plan_vlan *v)
{
	free(v->scopes);
	free(v->subnets);
	free(v);
}

static void free_subnet(subnet *s)
{
	for (size_t i = 0; i < s->part_count; i++) {
		address_pool_free(s->parts[i]->pool);
		free(s->parts[i]);
	}
	free(s->parts);
	address_pool_free(s->pool);
	free(s->ranges);
	free(s);
}

address_plan *plan_free(address_plan *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->vlan_count; i++)
		free_vlan(p->vlans[i]);
	for (size_t i = 0; i < p->subnet_count; i++)
		free_subnet(p->subnets[i]);
	free(p->vlans);
	free(p->subnets);
	sot_map_free(p->vlans_by_name);
	sot_map_free(p->vlans_by_id);
	sot_map_free(p->subnets_by_id);
	free(p);
	return NULL;
}

void plan_set_stamp(address_plan *p, sot_str stamp)
{
	(void)snprintf(p->stamp, sizeof(p->stamp), "%.*s", SOT_ARG(stamp));
}

bool plan_has_stamp(const address_plan *p, sot_str stamp)
{
	return sot_str_eq_c(stamp, p->stamp);
}

/* ---- filling ---- */

/* Room for one more of `count` pointers. */
static void *grow(void *array, size_t count, size_t *cap)
{
	if (count < *cap)
		return array;
	size_t bigger = *cap ? *cap * 2 : 16;
	array = sot_grow_array(array, *cap, bigger, sizeof(void *));
	*cap = bigger;
	return array;
}

void plan_add_vlan(address_plan *p, const plan_vlan *v)
{
	plan_vlan *own = sot_alloc(sizeof(*own));
	*own = *v;
	own->scopes = NULL;
	own->subnets = NULL;
	own->scope_count = own->subnet_count = 0;
	p->vlans = grow(p->vlans, p->vlan_count, &p->vlan_cap);
	p->vlans[p->vlan_count++] = own;
	sot_map_set(p->vlans_by_name, own->name, strlen(own->name), own);
	sot_map_set_uuid(p->vlans_by_id, own->id, own);
}

sot_code plan_add_scope(address_plan *p, sot_uuid vlan_id, const plan_scope *scope, sot_err *err)
{
	plan_vlan *v = sot_map_get_uuid(p->vlans_by_id, vlan_id);
	if (!v)
		return sot_fail(err, SOT_INVALID, "a scope of a VLAN that was not read");
	v->scopes = sot_grow_array(v->scopes, v->scope_count, v->scope_count + 1, sizeof(*v->scopes));
	v->scopes[v->scope_count++] = *scope;
	return SOT_OK;
}

/* By rank; among equals it comes last. */
static void insert_subnet(plan_vlan *v, subnet *s)
{
	v->subnets = sot_grow_array(v->subnets, v->subnet_count, v->subnet_count + 1, sizeof(void *));
	size_t at = v->subnet_count++;
	while (at > 0 && v->subnets[at - 1]->rank > s->rank) {
		v->subnets[at] = v->subnets[at - 1];
		at--;
	}
	v->subnets[at] = s;
}

sot_code plan_add_subnet(address_plan *p, sot_uuid vlan_id, const subnet *s, sot_err *err)
{
	plan_vlan *v = sot_map_get_uuid(p->vlans_by_id, vlan_id);
	if (!v)
		return sot_fail(err, SOT_INVALID, "a subnet of a VLAN that was not read");
	subnet *own = sot_alloc(sizeof(*own));
	*own = *s;
	own->vlan = v;
	own->pool = NULL;
	own->whole = NULL;
	own->parts = NULL;
	own->ranges = NULL;
	own->range_count = own->part_count = 0;
	own->needs_rows = true;
	p->subnets = grow(p->subnets, p->subnet_count, &p->subnet_cap);
	p->subnets[p->subnet_count++] = own;
	sot_map_set_uuid(p->subnets_by_id, own->id, own);
	insert_subnet(v, own);
	return SOT_OK;
}

sot_code plan_add_range(address_plan *p, sot_uuid subnet_id, sot_ip first, sot_ip last,
    range_use use, sot_str pool, sot_err *err)
{
	subnet *s = plan_find_subnet(p, subnet_id);
	if (!s)
		return sot_fail(err, SOT_INVALID, "a range of a subnet that was not read");
	s->ranges = sot_grow_array(s->ranges, s->range_count, s->range_count + 1, sizeof(*s->ranges));
	plan_range *range = &s->ranges[s->range_count++];
	*range = (plan_range){.first = first, .last = last, .use = use};
	if (use == RANGE_POOL)
		(void)snprintf(range->pool, sizeof(range->pool), "%.*s", SOT_ARG(pool));
	return SOT_OK;
}

/* ---- what a subnet gives out ---- */

typedef struct spans {
	address_span *at;
	size_t count;
} spans;

static void add_span(spans *list, sot_ip first, sot_ip last)
{
	list->at = sot_grow_array(list->at, list->count, list->count + 1, sizeof(*list->at));
	list->at[list->count++] = (address_span){first, last};
}

static sot_ip before(sot_ip ip)
{
	for (unsigned i = sot_ip_bits(ip) / 8; i > 0; i--) {
		if (ip.b[i - 1]-- != 0)
			break;
	}
	return ip;
}

/* What is left of the list without low..high. */
static void cut_out(spans *list, sot_ip low, sot_ip high)
{
	spans left = {0};
	for (size_t i = 0; i < list->count; i++) {
		address_span span = list->at[i];
		if (sot_ip_cmp(span.last, low) < 0 || sot_ip_cmp(span.first, high) > 0) {
			add_span(&left, span.first, span.last);
			continue;
		}
		if (sot_ip_cmp(span.first, low) < 0)
			add_span(&left, span.first, before(low));
		if (sot_ip_cmp(span.last, high) > 0)
			add_span(&left, sot_ip_add(high, 1), span.last);
	}
	free(list->at);
	*list = left;
}

static int compare_spans(const void *a, const void *b)
{
	const address_span *x = a, *y = b;
	return sot_ip_cmp(x->first, y->first);
}

static sot_ip later(sot_ip a, sot_ip b)
{
	return sot_ip_cmp(a, b) > 0 ? a : b;
}

static sot_ip sooner(sot_ip a, sot_ip b)
{
	return sot_ip_cmp(a, b) < 0 ? a : b;
}

/* The ranges of the pool (of the unnamed one: "") within first..last, in order and apart. Where
 * the unnamed one has none, it is all of first..last. */
static spans pool_spans(const subnet *s, const char *pool)
{
	spans list = {0}, joined = {0};
	bool has_pool = false;
	for (size_t i = 0; i < s->range_count; i++) {
		sot_ip first = later(s->ranges[i].first, s->plan.first);
		sot_ip last = sooner(s->ranges[i].last, s->plan.last);
		if (s->ranges[i].use != RANGE_POOL || strcmp(s->ranges[i].pool, pool) != 0)
			continue;
		has_pool = true;
		if (sot_ip_cmp(first, last) <= 0)
			add_span(&list, first, last);
	}
	if (!has_pool && pool[0] == '\0')
		add_span(&list, s->plan.first, s->plan.last);
	if (list.count > 0)
		qsort(list.at, list.count, sizeof(*list.at), compare_spans);
	for (size_t i = 0; i < list.count; i++) {
		address_span *end = joined.count > 0 ? &joined.at[joined.count - 1] : NULL;
		if (end && sot_ip_cmp(list.at[i].first, end->last) <= 0)
			end->last = later(end->last, list.at[i].last);
		else
			add_span(&joined, list.at[i].first, list.at[i].last);
	}
	free(list.at);
	return joined;
}

static spans spans_of(const subnet *s, const char *pool)
{
	spans list = pool_spans(s, pool);
	for (size_t i = 0; i < s->range_count; i++) {
		if (s->ranges[i].use != RANGE_POOL || strcmp(s->ranges[i].pool, pool) != 0)
			cut_out(&list, s->ranges[i].first, s->ranges[i].last);
	}
	/* Whoever wrote the row: what no interface may have is never given out. */
	if (sot_ip_cmp(s->plan.network, subnet_plan_lowest(&s->plan)) < 0)
		cut_out(&list, s->plan.network, before(subnet_plan_lowest(&s->plan)));
	sot_ip end = sot_ip_last(s->plan.network, s->plan.prefix);
	if (sot_ip_cmp(subnet_plan_highest(&s->plan), end) < 0)
		cut_out(&list, sot_ip_add(subnet_plan_highest(&s->plan), 1), end);
	if (!sot_ip_is_none(s->plan.gateway)) {
		uint64_t partners = s->plan.redundant_gateway ? SUBNET_PLAN_GATEWAY_PARTNERS : 0;
		cut_out(&list, s->plan.gateway, sot_ip_add(s->plan.gateway, partners));
	}
	return list;
}

/* The named pool of the VLAN; made when it is not there yet. */
static plan_vlan *named_pool(address_plan *p, const plan_vlan *of, const char *pool)
{
	char name[PLAN_REF_MAX];
	(void)snprintf(name, sizeof(name), "%.*s/%s", PLAN_NAME_MAX - 1, of->name, pool);
	plan_vlan *known = sot_map_get_c(p->vlans_by_name, name);
	if (known)
		return known;
	plan_vlan *own = sot_alloc(sizeof(*own));
	*own = *of;
	own->pool_of = of;
	memcpy(own->name, name, sizeof(own->name));
	if (of->group[0])
		(void)snprintf(
		    own->group, sizeof(own->group), "%.*s/%s", PLAN_NAME_MAX - 1, of->group, pool);
	own->scopes = sot_alloc_array(of->scope_count + 1, sizeof(*own->scopes));
	if (of->scope_count > 0)
		memcpy(own->scopes, of->scopes, of->scope_count * sizeof(*own->scopes));
	own->subnets = NULL;
	own->subnet_count = 0;
	p->vlans = grow(p->vlans, p->vlan_count, &p->vlan_cap);
	p->vlans[p->vlan_count++] = own;
	sot_map_set(p->vlans_by_name, own->name, strlen(own->name), own);
	return own;
}

static const char *pool_name(const subnet *part)
{
	return strchr(part->vlan->name, '/') + 1;
}

static bool has_part(const subnet *s, const char *pool)
{
	for (size_t i = 0; i < s->part_count; i++) {
		if (strcmp(pool_name(s->parts[i]), pool) == 0)
			return true;
	}
	return false;
}

static void make_parts(address_plan *p, subnet *s)
{
	for (size_t i = 0; i < s->range_count; i++) {
		const char *pool = s->ranges[i].pool;
		if (pool[0] == '\0' || has_part(s, pool))
			continue;
		subnet *part = sot_alloc(sizeof(*part));
		*part = *s;
		part->whole = s;
		part->parts = NULL;
		part->ranges = NULL;
		part->part_count = part->range_count = 0;
		part->vlan = named_pool(p, s->vlan, pool);
		s->parts = sot_grow_array(s->parts, s->part_count, s->part_count + 1, sizeof(*s->parts));
		s->parts[s->part_count++] = part;
		insert_subnet(part->vlan, part);
	}
}

static bool gives_the_same(const subnet *of, const char *pool, const subnet *old)
{
	spans list = spans_of(of, pool);
	bool is_same = old->pool && address_pool_is_of(old->pool, list.at, list.count);
	free(list.at);
	return is_same;
}

/* Rows are read of a whole subnet, so its pools move together, or none does. */
static bool may_move(const subnet *s, const subnet *old)
{
	if (!old || old->needs_rows || old->part_count != s->part_count || !gives_the_same(s, "", old))
		return false;
	for (size_t i = 0; i < s->part_count; i++) {
		if (strcmp(s->parts[i]->vlan->name, old->parts[i]->vlan->name) != 0 ||
		    !gives_the_same(s, pool_name(s->parts[i]), old->parts[i]))
			return false;
	}
	return true;
}

static void move_pool(subnet *s, subnet *old)
{
	s->pool = SOT_TAKE(old->pool);
	memcpy(s->counts, old->counts, sizeof(s->counts));
}

static void make_pool(const subnet *of, const char *pool, subnet *s)
{
	spans list = spans_of(of, pool);
	s->pool = address_pool_new(list.at, list.count);
	free(list.at);
}

static void finish_subnet(address_plan *p, subnet *s, subnet *old)
{
	make_parts(p, s);
	bool moves = may_move(s, old);
	if (moves) {
		move_pool(s, old);
		s->needs_rows = false;
		s->read_unix_ms = old->read_unix_ms;
	} else {
		make_pool(s, "", s);
	}
	for (size_t i = 0; i < s->part_count; i++) {
		if (moves)
			move_pool(s->parts[i], old->parts[i]);
		else
			make_pool(s, pool_name(s->parts[i]), s->parts[i]);
	}
}

void plan_finish(address_plan *p, address_plan *old)
{
	for (size_t i = 0; i < p->subnet_count; i++)
		finish_subnet(p, p->subnets[i], old ? plan_find_subnet(old, p->subnets[i]->id) : NULL);
}

/* ---- questions ---- */

size_t plan_vlan_count(const address_plan *p)
{
	return p->vlan_count;
}

plan_vlan *plan_vlan_at(const address_plan *p, size_t index)
{
	return p->vlans[index];
}

size_t plan_subnet_count(const address_plan *p)
{
	return p->subnet_count;
}

subnet *plan_subnet_at(const address_plan *p, size_t index)
{
	return p->subnets[index];
}

char *plan_ref_words(const char *ref, char dst[static PLAN_WORDS_MAX])
{
	const char *pool = strchr(ref, '/');
	if (pool)
		(void)snprintf(
		    dst, PLAN_WORDS_MAX, "pool %s of VLAN %.*s", pool + 1, (int)(pool - ref), ref);
	else
		(void)snprintf(dst, PLAN_WORDS_MAX, "VLAN %s", ref);
	return dst;
}

plan_vlan *plan_find_vlan(const address_plan *p, sot_str name)
{
	return sot_map_get(p->vlans_by_name, name.p, name.n);
}

subnet *plan_find_subnet(const address_plan *p, sot_uuid id)
{
	return sot_map_get_uuid(p->subnets_by_id, id);
}

subnet *plan_find_home(const address_plan *p, uint16_t vrf, sot_ip address)
{
	for (size_t i = 0; i < p->subnet_count; i++) {
		subnet *s = p->subnets[i];
		if (s->vlan->vrf == vrf && sot_ip_in(address, s->plan.network, s->plan.prefix))
			return s;
	}
	return NULL;
}

subnet *subnet_part(subnet *s, sot_ip address)
{
	for (size_t i = 0; s && i < s->part_count; i++) {
		if (address_pool_has(s->parts[i]->pool, address))
			return s->parts[i];
	}
	return s;
}

bool subnet_is_of(const subnet *s, const char *ref)
{
	bool is_of = strcmp(s->vlan->name, ref) == 0;
	for (size_t i = 0; i < s->part_count; i++)
		is_of |= strcmp(s->parts[i]->vlan->name, ref) == 0;
	return is_of;
}

void subnet_distrust(subnet *s)
{
	(s->whole ? s->whole : s)->needs_rows = true;
}

int64_t subnet_read_unix_ms(const subnet *s)
{
	return (s->whole ? s->whole : s)->read_unix_ms;
}

bool subnet_is_v6(const subnet *s)
{
	return s->plan.network.family == 6;
}

bool vlan_has_family(const plan_vlan *v, bool is_v6, bool only_open)
{
	for (size_t i = 0; i < v->subnet_count; i++) {
		const subnet *s = v->subnets[i];
		if (subnet_is_v6(s) == is_v6 && (s->is_open || !only_open))
			return true;
	}
	return false;
}
