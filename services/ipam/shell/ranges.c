/* ranges - range_create, range_delete. */
#include "change.h"
#include "sot_parse.h"
#include "subnet_plan.h"
#include "vlan_plan.h"

#include <stdio.h>

typedef struct near_range {
	sot_uuid id;
	sot_ip first, last;
	sot_str kind, pool;
} near_range;

typedef struct range_facts {
	bool has_home;
	sot_uuid subnet;
	subnet_plan home;
	sot_str vlan;
	near_range *near;
	size_t near_count;
} range_facts;

static const char *const uses[] = {"pool", "reserved", "excluded"};

static void on_home(void *self, const store_result *res)
{
	change *c = self;
	range_facts *facts = c->facts;
	facts->has_home = store_rows(res) == 1;
	if (!facts->has_home || store_uuid(res, 0, 0, &facts->subnet, &c->read_error) != SOT_OK ||
	    sot_ip_parse_cidr(store_text(res, 0, 1), &facts->home.network, &facts->home.prefix,
	        &c->read_error) != SOT_OK)
		return;
	facts->vlan = change_dup(c, store_text(res, 0, 2));
}

static void on_near(void *self, const store_result *res)
{
	change *c = self;
	range_facts *facts = c->facts;
	size_t rows = store_rows(res);
	facts->near = rows > 0 ? sot_arena_alloc(c->arena, rows * sizeof(*facts->near)) : NULL;
	for (size_t i = 0; facts->near && i < rows; i++) {
		near_range *range = &facts->near[i];
		if (store_uuid(res, i, 0, &range->id, &c->read_error) != SOT_OK ||
		    store_ip(res, i, 1, &range->first, &c->read_error) != SOT_OK ||
		    store_ip(res, i, 2, &range->last, &c->read_error) != SOT_OK)
			return;
		range->kind = change_dup(c, store_text(res, i, 3));
		range->pool = change_dup(c, store_text(res, i, 4));
		facts->near_count++;
	}
}

static void ask(change *c, store_tx *tx, sot_str vrf, sot_ip first, sot_ip last)
{
	store_query(tx, IPAM_SQL_RANGE_HOME, on_home, c);
	store_arg_str(tx, change_vrf(vrf));
	store_arg_ip(tx, first);
	store_query(tx, IPAM_SQL_RANGES_NEAR, on_near, c);
	store_arg_str(tx, change_vrf(vrf));
	store_arg_ip(tx, first);
	store_arg_ip(tx, last);
}

static void set_target(change *c, sot_ip first, sot_ip last)
{
	char a[SOT_IP_TEXT], b[SOT_IP_TEXT];
	c->target = change_printf(c, "%s-%s", sot_ip_format(first, a), sot_ip_format(last, b));
}

static void tell(change *c, sot_str kind, sot_str pool)
{
	const range_facts *facts = c->facts;
	sot_buf_add_c(&c->data, "\"vlan\":");
	sot_buf_add_json(&c->data, facts->vlan);
	sot_buf_printf(&c->data, ",\"kind\":\"%.*s\",\"pool\":\"%.*s\"", SOT_ARG(kind), SOT_ARG(pool));
}

/* ---- range_create ---- */

static void read_for_create(change *c, store_tx *tx)
{
	const sot_range_create *m = c->message;
	ask(c, tx, m->vrf, m->first, m->last);
}

/* False: refused. */
static bool is_inside(change *c, const sot_range_create *m)
{
	const range_facts *facts = c->facts;
	char text[SOT_IP_TEXT], home[SUBNET_PLAN_TEXT];
	if (!facts->has_home) {
		change_refuse(c, SOT_REFUSAL_NOT_FOUND, "/first", "%s lies in no subnet of VRF %.*s",
		    sot_ip_format(m->first, text), SOT_ARG(change_vrf(m->vrf)));
		return false;
	}
	if (range_plan_is_inside(&facts->home, m->first, m->last))
		return true;
	change_refuse(c, SOT_REFUSAL_INVALID, "/last",
	    "%s is not in %s of VLAN %.*s; a range belongs to one subnet", sot_ip_format(m->last, text),
	    subnet_plan_format(&facts->home, home), SOT_ARG(facts->vlan));
	return false;
}

static range_use use_of(sot_str kind)
{
	return sot_str_eq_c(kind, "pool")       ? RANGE_POOL
	       : sot_str_eq_c(kind, "reserved") ? RANGE_RESERVED
	                                        : RANGE_EXCLUDED;
}

/* False: refused. */
static bool has_room(change *c, const sot_range_create *m)
{
	const range_facts *facts = c->facts;
	char first[SOT_IP_TEXT], last[SOT_IP_TEXT];
	for (size_t i = 0; i < facts->near_count; i++) {
		const near_range *other = &facts->near[i];
		bool is_same = sot_ip_eq(other->first, m->first) && sot_ip_eq(other->last, m->last);
		if (!is_same && range_use_may_overlap((range_use)m->kind, use_of(other->kind)))
			continue;
		change_refuse(c, SOT_REFUSAL_CONFLICT, "/first", "%.*s overlaps with the %.*s range %s-%s",
		    SOT_ARG(c->target), SOT_ARG(other->kind), sot_ip_format(other->first, first),
		    sot_ip_format(other->last, last));
		return false;
	}
	return true;
}

/* False: refused. */
static bool pool_makes_sense(change *c, const sot_range_create *m)
{
	if (m->pool.n > 0 && m->kind != SOT_RANGE_KIND_POOL) {
		change_refuse(c, SOT_REFUSAL_INVALID, "/pool",
		    "a %s range belongs to no pool; give it the kind pool, or leave the name out",
		    uses[m->kind]);
		return false;
	}
	if (m->pool.n > 0 && !sot_is_label(m->pool, VLAN_NAME_MAX)) {
		change_refuse(c, SOT_REFUSAL_INVALID, "/pool",
		    "'%.*s' is no name of a pool: 1 to 32 of a-z, 0-9 and -, beginning with a letter",
		    SOT_ARG(m->pool));
		return false;
	}
	return true;
}

static void check_create(change *c)
{
	const sot_range_create *m = c->message;
	const char *pointer = "";
	sot_err err = {0};
	if (!pool_makes_sense(c, m))
		return;
	if (range_plan_check(m->first, m->last, &pointer, &err) != SOT_OK) {
		change_refuse_err(c, pointer, &err);
		return;
	}
	set_target(c, m->first, m->last);
	if (!is_inside(c, m) || !has_room(c, m))
		return;
	c->id = change_new_id(c);
	tell(c, sot_str_c(uses[m->kind]), m->pool);
	sot_buf_add_c(&c->data, ",\"owner\":");
	sot_buf_add_json(&c->data, m->owner);
	sot_buf_add_c(&c->data, ",\"reason\":");
	sot_buf_add_json(&c->data, m->reason);
}

static void write_create(change *c, store_tx *tx)
{
	const sot_range_create *m = c->message;
	const range_facts *facts = c->facts;
	store_query(tx, IPAM_SQL_RANGE_NEW, NULL, NULL);
	store_arg_uuid(tx, c->id);
	store_arg_uuid(tx, facts->subnet);
	store_arg_ip(tx, m->first);
	store_arg_ip(tx, m->last);
	store_arg_c(tx, uses[m->kind]);
	store_arg_str(tx, m->owner);
	store_arg_str(tx, m->reason);
	store_arg_str(tx, m->context.actor);
	store_arg_str(tx, m->pool);
}

/* ---- range_delete ---- */

static void read_for_delete(change *c, store_tx *tx)
{
	const sot_range_delete *m = c->message;
	ask(c, tx, m->vrf, m->first, m->last);
}

static void check_delete(change *c)
{
	const sot_range_delete *m = c->message;
	const range_facts *facts = c->facts;
	set_target(c, m->first, m->last);
	for (size_t i = 0; i < facts->near_count; i++) {
		const near_range *range = &facts->near[i];
		if (!sot_ip_eq(range->first, m->first) || !sot_ip_eq(range->last, m->last))
			continue;
		c->id = range->id;
		tell(c, range->kind, range->pool);
		return;
	}
	change_refuse(c, SOT_REFUSAL_NOT_FOUND, "", "there is no range %.*s in VRF %.*s",
	    SOT_ARG(c->target), SOT_ARG(change_vrf(m->vrf)));
}

static void write_delete(change *c, store_tx *tx)
{
	store_query(tx, IPAM_SQL_RANGE_GONE, NULL, NULL);
	store_arg_uuid(tx, c->id);
}

/* ---- the table ---- */

static const change_kind create = {"range.create", "range.created", &sot_range_create_type,
    sizeof(range_facts), true, read_for_create, check_create, write_create, NULL, NULL};
static const change_kind delete = {"range.delete", "range.deleted", &sot_range_delete_type,
    sizeof(range_facts), true, read_for_delete, check_delete, write_delete, NULL, NULL};

void ipam_on_range_create(void *self, const void *from, const sot_range_create *m)
{
	change_open(self, from, &create, m);
}

void ipam_on_range_delete(void *self, const void *from, const sot_range_delete *m)
{
	change_open(self, from, &delete, m);
}
