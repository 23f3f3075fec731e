/* fixed - address_fix and address_free: what operators keep, and what they let go. */
#include "change.h"
#include "subnet_plan.h"

#include <stdio.h>
#include <string.h>

typedef struct fixed_facts {
	sot_str vlan_wanted, pool; /* of "vlan" or "vlan/pool" */
	bool has_vlan;
	sot_str subnets; /* of the VLAN, in words */
	/* Of the address; has_home: it lies in a subnet. */
	bool has_home;
	sot_uuid subnet;
	subnet_plan home;
	sot_str vlan, state, holder;
	int64_t free_in_ms;
	sot_ip address;
	int64_t vrf;
} fixed_facts;

static const char *const kept_as[] = {"static", "excluded"};

/* ---- what is read ---- */

static void on_vlan(void *self, const store_result *res)
{
	change *c = self;
	fixed_facts *facts = c->facts;
	facts->has_vlan = store_rows(res) == 1;
}

static void on_subnets(void *self, const store_result *res)
{
	change *c = self;
	fixed_facts *facts = c->facts;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 1000);
	size_t rows = store_rows(res);
	for (size_t i = 0; i < rows && i < 8; i++)
		sot_buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", SOT_ARG(store_text(res, i, 0)));
	if (rows > 8)
		sot_buf_printf(&text, " and %zu more", rows - 8);
	facts->subnets = rows > 0 ? change_dup(c, sot_buf_str(&text)) : SOT_STR("none");
}

static void on_address(void *self, const store_result *res)
{
	change *c = self;
	fixed_facts *facts = c->facts;
	facts->has_home = store_rows(res) == 1;
	if (!facts->has_home || store_uuid(res, 0, 0, &facts->subnet, &c->read_error) != SOT_OK ||
	    sot_ip_parse_cidr(store_text(res, 0, 1), &facts->home.network, &facts->home.prefix,
	        &c->read_error) != SOT_OK ||
	    store_i64(res, 0, 5, &facts->free_in_ms, &c->read_error) != SOT_OK ||
	    store_i64(res, 0, 6, &facts->vrf, &c->read_error) != SOT_OK)
		return;
	facts->vlan = change_dup(c, store_text(res, 0, 2));
	facts->state = change_dup(c, store_text(res, 0, 3));
	facts->holder = change_dup(c, store_text(res, 0, 4));
}

static void on_next(void *self, const store_result *res)
{
	change *c = self;
	fixed_facts *facts = c->facts;
	facts->has_home = store_rows(res) == 1;
	if (facts->has_home && (store_uuid(res, 0, 0, &facts->subnet, &c->read_error) != SOT_OK ||
	                           store_ip(res, 0, 1, &facts->address, &c->read_error) != SOT_OK ||
	                           store_i64(res, 0, 2, &facts->vrf, &c->read_error) != SOT_OK))
		facts->has_home = false;
}

static void set_target(change *c, sot_ip address)
{
	char text[SOT_IP_TEXT];
	c->target = change_dup(c, sot_str_c(sot_ip_format(address, text)));
}

static void tell(change *c, const char *before, const char *after, sot_str reason)
{
	sot_buf_printf(&c->data,
	    "\"address\":\"%.*s\",\"owner\":null,\"changed\":{\"state\":[\"%s\",\"%s\"]}",
	    SOT_ARG(c->target), before, after);
	if (reason.n == 0)
		return;
	sot_buf_add_c(&c->data, ",\"reason\":");
	sot_buf_add_json(&c->data, reason);
}

/* "10.66.0.5 is bound by instance shop-1" */
static sot_str held_text(change *c)
{
	const fixed_facts *facts = c->facts;
	return change_printf(c, "%.*s is %.*s%s%.*s", SOT_ARG(c->target), SOT_ARG(facts->state),
	    facts->holder.n > 0 ? ": " : "", SOT_ARG(facts->holder));
}

/* ---- address_fix ---- */

static void read_for_fix(change *c, store_tx *tx)
{
	const sot_address_fix *m = c->message;
	fixed_facts *facts = c->facts;
	facts->vlan_wanted = sot_str_cut(m->vlan, '/', &facts->pool);
	store_query(tx, IPAM_SQL_VLAN_FIND, on_vlan, c);
	store_arg_str(tx, facts->vlan_wanted);
	store_query(tx, IPAM_SQL_VLAN_USE, on_subnets, c);
	store_arg_str(tx, facts->vlan_wanted);
	if (sot_ip_is_none(m->address)) {
		store_query(tx, IPAM_SQL_ADDRESS_NEXT, on_next, c);
		store_arg_str(tx, facts->vlan_wanted);
		store_arg_i64(tx, m->want_v6 ? 6 : 4);
		store_arg_str(tx, facts->pool);
		return;
	}
	store_query(tx, IPAM_SQL_ADDRESS_FIND, on_address, c);
	store_arg_c(tx, "");
	store_arg_str(tx, facts->vlan_wanted);
	store_arg_ip(tx, m->address);
}

static void check_next(change *c, const sot_address_fix *m)
{
	const fixed_facts *facts = c->facts;
	int family = m->want_v6 ? 6 : 4;
	if (!facts->has_home && facts->pool.n > 0)
		change_refuse(c, SOT_REFUSAL_BLOCKED, "/vlan",
		    "pool %.*s of VLAN %.*s has no free IPv%d address in an open subnet; free one, or add "
		    "a range to the pool",
		    SOT_ARG(facts->pool), SOT_ARG(facts->vlan_wanted), family);
	else if (!facts->has_home)
		change_refuse(c, SOT_REFUSAL_BLOCKED, "/vlan",
		    "VLAN %.*s has no free IPv%d address in an open subnet (its subnets: %.*s); free one "
		    "or "
		    "add a subnet",
		    SOT_ARG(m->vlan), family, SOT_ARG(facts->subnets));
}

static void check_named(change *c, const sot_address_fix *m)
{
	fixed_facts *facts = c->facts;
	char text[SUBNET_PLAN_TEXT], low[SOT_IP_TEXT], high[SOT_IP_TEXT];
	facts->address = m->address;
	set_target(c, m->address);
	if (!facts->has_home || !sot_str_eq(facts->vlan, facts->vlan_wanted)) {
		sot_str there = facts->has_home
		                    ? change_printf(c, "; it is in %s of VLAN %.*s",
		                          subnet_plan_format(&facts->home, text), SOT_ARG(facts->vlan))
		                    : (sot_str){0};
		change_refuse(c, SOT_REFUSAL_INVALID, "/address",
		    "%.*s is in no subnet of VLAN %.*s (its subnets: %.*s)%.*s", SOT_ARG(c->target),
		    SOT_ARG(facts->vlan_wanted), SOT_ARG(facts->subnets), SOT_ARG(there));
	} else if (!subnet_plan_is_usable(&facts->home, m->address)) {
		change_refuse(c, SOT_REFUSAL_INVALID, "/address", "%.*s is not one of %s to %s",
		    SOT_ARG(c->target), sot_ip_format(subnet_plan_lowest(&facts->home), low),
		    sot_ip_format(subnet_plan_highest(&facts->home), high));
	} else if (sot_str_eq_c(facts->state, "cooling") && facts->free_in_ms > 0) {
		change_refuse(c, SOT_REFUSAL_CONFLICT, "/address",
		    "%.*s was given back and cools for %lld s more; wait, or free it first",
		    SOT_ARG(c->target), (long long)(facts->free_in_ms + 999) / 1000);
	} else if (facts->state.n > 0 && !sot_str_eq_c(facts->state, "cooling")) {
		change_refuse(c, SOT_REFUSAL_CONFLICT, "/address", "%.*s", SOT_ARG(held_text(c)));
	}
}

static void check_fix(change *c)
{
	const sot_address_fix *m = c->message;
	fixed_facts *facts = c->facts;
	if (!facts->has_vlan) {
		change_refuse(c, SOT_REFUSAL_NOT_FOUND, "/vlan", "there is no VLAN %.*s",
		    SOT_ARG(facts->vlan_wanted));
		return;
	}
	if (m->state == SOT_FIXED_STATE_STATIC && m->owner.n == 0) {
		change_refuse(c, SOT_REFUSAL_INVALID, "/owner", "a static address needs an owner");
		return;
	}
	if (sot_ip_is_none(m->address))
		check_next(c, m);
	else
		check_named(c, m);
	if (c->is_refused)
		return;
	set_target(c, facts->address);
	c->result = c->target;
	tell(c, "free", kept_as[m->state], m->reason);
}

static void write_fix(change *c, store_tx *tx)
{
	const sot_address_fix *m = c->message;
	const fixed_facts *facts = c->facts;
	store_query(tx, IPAM_SQL_ADDRESS_KEEP, NULL, NULL);
	store_arg_uuid(tx, facts->subnet);
	store_arg_ip(tx, facts->address);
	store_arg_c(tx, kept_as[m->state]);
	store_arg_str(tx, m->owner);
	change_arg_mac(tx, m->mac);
	store_arg_str(tx, m->reason);
	store_arg_str(tx, m->context.actor);
}

static void fix_committed(change *c)
{
	const sot_address_fix *m = c->message;
	const fixed_facts *facts = c->facts;
	allocator_note_used(c->ip->allocator, (uint16_t)facts->vrf, facts->address,
	    m->state == SOT_FIXED_STATE_STATIC ? ADDRESS_STATIC : ADDRESS_EXCLUDED);
}

static sot_code answer_fix(const change *c, bool replayed, sot_buf *out, sot_err *err)
{
	sot_address_fixed fixed = {.request_id = c->head->request_id, .replayed = replayed};
	sot_code code = sot_ip_parse(c->result, &fixed.address, err);
	return code == SOT_OK ? sot_address_fixed_encode(&fixed, out, err) : code;
}

/* ---- address_free ---- */

static void read_for_free(change *c, store_tx *tx)
{
	const sot_address_free *m = c->message;
	store_query(tx, IPAM_SQL_ADDRESS_FIND, on_address, c);
	store_arg_str(tx, change_vrf(m->vrf));
	store_arg_c(tx, "");
	store_arg_ip(tx, m->address);
}

static void check_free(change *c)
{
	const sot_address_free *m = c->message;
	const fixed_facts *facts = c->facts;
	set_target(c, m->address);
	if (sot_ip_is_none(m->address)) {
		change_refuse(c, SOT_REFUSAL_INVALID, "/address", "an address is missing");
	} else if (!facts->has_home) {
		change_refuse(c, SOT_REFUSAL_NOT_FOUND, "/address", "%.*s lies in no subnet of VRF %.*s",
		    SOT_ARG(c->target), SOT_ARG(change_vrf(m->vrf)));
	} else if (facts->state.n == 0) {
		change_refuse(
		    c, SOT_REFUSAL_CONFLICT, "/address", "%.*s is free already", SOT_ARG(c->target));
	} else if (sot_str_eq_c(facts->state, "reserved") || sot_str_eq_c(facts->state, "bound")) {
		change_refuse(c, SOT_REFUSAL_CONFLICT, "/address",
		    "%.*s; retire the instance, then it is given back by itself", SOT_ARG(held_text(c)));
	} else {
		tell(c, change_printf(c, "%.*s", SOT_ARG(facts->state)).p, "free", m->reason);
	}
}

static void write_free(change *c, store_tx *tx)
{
	const sot_address_free *m = c->message;
	const fixed_facts *facts = c->facts;
	store_query(tx, IPAM_SQL_ADDRESS_LET_GO, NULL, NULL);
	store_arg_str(tx, change_vrf(m->vrf));
	store_arg_ip(tx, m->address);
	store_arg_str(tx, facts->state);
	store_arg_str(tx, m->context.actor);
	store_arg_str(tx, m->reason);
}

/* What cools is in the allocator's queue, which is read anew. */
static void free_committed(change *c)
{
	const sot_address_free *m = c->message;
	const fixed_facts *facts = c->facts;
	if (sot_str_eq_c(facts->state, "cooling"))
		ipam_reload(c->ip);
	else
		allocator_note_free(c->ip->allocator, (uint16_t)facts->vrf, m->address);
}

/* ---- the table ---- */

/* Those who ask for the next free address come one after the other: else each would want the same.
 */
static const change_kind fix = {"address.fix", "address.state", &sot_address_fix_type,
    sizeof(fixed_facts), true, read_for_fix, check_fix, write_fix, fix_committed, answer_fix};
static const change_kind let_go = {"address.free", "address.state", &sot_address_free_type,
    sizeof(fixed_facts), false, read_for_free, check_free, write_free, free_committed, NULL};

/* In quarantine the rows are older than the world: no address changes hands by them. */
static bool is_blocked(ipam *ip, const bus_peer *from, uint64_t request_id)
{
	if (ip->blocked[0] == '\0')
		return false;
	const sot_refused refused = {
	    .request_id = request_id, .code = SOT_REFUSAL_UNAVAILABLE, .text = sot_str_c(ip->blocked)};
	ipam_refuse(ip, from, &refused);
	return true;
}

void ipam_on_address_fix(void *self, const void *from, const sot_address_fix *m)
{
	if (!is_blocked(self, from, m->request_id))
		change_open(self, from, &fix, m);
}

void ipam_on_address_free(void *self, const void *from, const sot_address_free *m)
{
	if (!is_blocked(self, from, m->request_id))
		change_open(self, from, &let_go, m);
}
