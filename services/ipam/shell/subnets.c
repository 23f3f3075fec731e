/* subnets - subnet_create, subnet_update, subnet_delete. */
#include "change.h"
#include "subnet_plan.h"

#include <stdio.h>

enum { FIELDS_BYTES = 4000, DNS_TEXT_MAX = 3 * SOT_IP_TEXT, DNS_MAX = 3 };

typedef struct subnet_facts {
	/* Of the VLAN that gets a subnet. */
	bool has_vlan;
	sot_uuid vlan_id;
	sot_str near_cidr, near_vlan; /* a subnet that it would overlap with, or empty */
	subnet_plan plan;
	/* Of a subnet that is there. */
	bool is_there, open;
	sot_uuid id;
	sot_str vlan, dns, description;
	int64_t rank, weight;
	sot_str use; /* what keeps it from being deleted, in words */
} subnet_facts;

/* ---- what is read ---- */

static void on_vlan(void *self, const store_result *res)
{
	change *c = self;
	subnet_facts *facts = c->facts;
	facts->has_vlan = store_rows(res) == 1;
	if (facts->has_vlan && store_uuid(res, 0, 0, &facts->vlan_id, &c->read_error) != SOT_OK)
		facts->has_vlan = false;
}

static void on_near(void *self, const store_result *res)
{
	change *c = self;
	subnet_facts *facts = c->facts;
	if (store_rows(res) == 0)
		return;
	facts->near_cidr = change_dup(c, store_text(res, 0, 0));
	facts->near_vlan = change_dup(c, store_text(res, 0, 1));
}

static void on_subnet(void *self, const store_result *res)
{
	change *c = self;
	subnet_facts *facts = c->facts;
	facts->is_there = store_rows(res) == 1;
	if (!facts->is_there || store_uuid(res, 0, 0, &facts->id, &c->read_error) != SOT_OK ||
	    store_i64(res, 0, 2, &facts->rank, &c->read_error) != SOT_OK ||
	    store_i64(res, 0, 3, &facts->weight, &c->read_error) != SOT_OK ||
	    store_bool(res, 0, 4, &facts->open, &c->read_error) != SOT_OK)
		return;
	facts->vlan = change_dup(c, store_text(res, 0, 1));
	facts->dns = change_dup(c, store_text(res, 0, 5));
	facts->description = change_dup(c, store_text(res, 0, 6));
}

static sot_str cidr_text(change *c, sot_ip network, uint8_t prefix)
{
	char text[SUBNET_PLAN_TEXT];
	const subnet_plan plan = {.network = network, .prefix = prefix};
	return change_dup(c, sot_str_c(subnet_plan_format(&plan, text)));
}

/* The network of what was asked for: a subnet with host bits is refused by check, but is asked for
 * before. */
static void arg_network(change *c, store_tx *tx, sot_ip network, uint8_t prefix)
{
	bool good = network.family != 0 && prefix <= sot_ip_bits(network);
	store_arg_str(
	    tx, good ? cidr_text(c, sot_ip_network(network, prefix), prefix) : SOT_STR("0.0.0.0/32"));
}

static void ask_subnet(change *c, store_tx *tx, sot_str vrf, sot_ip network, uint8_t prefix)
{
	store_query(tx, IPAM_SQL_SUBNET_FIND, on_subnet, c);
	store_arg_str(tx, change_vrf(vrf));
	arg_network(c, tx, network, prefix);
}

/* Resolvers in the order given. False: refused. */
static bool read_dns(change *c, const sot_ip *dns, size_t count, sot_str *ret)
{
	char text[DNS_TEXT_MAX] = "", one[SOT_IP_TEXT];
	size_t n = 0;
	for (size_t i = 0; i < count && i < DNS_MAX; i++) {
		if (sot_ip_is_none(dns[i])) {
			change_refuse(c, SOT_REFUSAL_INVALID, "/dns", "a resolver is missing");
			return false;
		}
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%s%s", i > 0 ? " " : "", sot_ip_format(dns[i], one));
	}
	*ret = change_dup(c, sot_str_c(text));
	return true;
}

/* False: refused. */
static bool is_known(change *c, sot_str vrf, sot_ip network, uint8_t prefix)
{
	const subnet_facts *facts = c->facts;
	c->target = cidr_text(c, network, prefix);
	if (facts->is_there && sot_ip_eq(network, sot_ip_network(network, prefix)))
		return true;
	change_refuse(c, SOT_REFUSAL_NOT_FOUND, "", "there is no subnet %.*s in VRF %.*s",
	    SOT_ARG(c->target), SOT_ARG(change_vrf(vrf)));
	return false;
}

static void tell_vlan(change *c, sot_str vlan)
{
	sot_buf_add_c(&c->data, "\"vlan\":");
	sot_buf_add_json(&c->data, vlan);
}

/* ---- subnet_create ---- */

static void read_for_create(change *c, store_tx *tx)
{
	const sot_subnet_create *m = c->message;
	store_query(tx, IPAM_SQL_VLAN_FIND, on_vlan, c);
	store_arg_str(tx, m->vlan);
	store_query(tx, IPAM_SQL_SUBNET_NEAR, on_near, c);
	store_arg_str(tx, m->vlan);
	arg_network(c, tx, m->network, m->prefix);
}

/* False: refused. */
static bool fits(change *c, const sot_subnet_create *m)
{
	subnet_facts *facts = c->facts;
	const char *pointer = "";
	sot_err err = {0};
	facts->plan = (subnet_plan){.network = m->network,
	    .prefix = m->prefix,
	    .redundant_gateway = m->redundant_gateway,
	    .gateway = m->gateway,
	    .first = m->first,
	    .last = m->last};
	if (subnet_plan_check(&facts->plan, &pointer, &err) != SOT_OK) {
		change_refuse_err(c, pointer, &err);
		return false;
	}
	c->target = cidr_text(c, m->network, m->prefix);
	if (!facts->has_vlan) {
		change_refuse(c, SOT_REFUSAL_NOT_FOUND, "/vlan", "there is no VLAN %.*s", SOT_ARG(m->vlan));
		return false;
	}
	if (facts->near_cidr.n == 0)
		return read_dns(c, m->dns, m->dns_count, &facts->dns);
	change_refuse(c, SOT_REFUSAL_CONFLICT, "/cidr", "%.*s overlaps with %.*s of VLAN %.*s",
	    SOT_ARG(c->target), SOT_ARG(facts->near_cidr), SOT_ARG(facts->near_vlan));
	return false;
}

static void check_create(change *c)
{
	const sot_subnet_create *m = c->message;
	if (!fits(c, m))
		return;
	c->id = change_new_id(c);
	tell_vlan(c, m->vlan);
	sot_buf_printf(&c->data, ",\"cidr\":\"%.*s\"", SOT_ARG(c->target));
}

static void write_create(change *c, store_tx *tx)
{
	const sot_subnet_create *m = c->message;
	const subnet_facts *facts = c->facts;
	store_query(tx, IPAM_SQL_SUBNET_NEW, NULL, NULL);
	store_arg_uuid(tx, c->id);
	store_arg_uuid(tx, facts->vlan_id);
	store_arg_str(tx, c->target);
	store_arg_ip(tx, facts->plan.gateway);
	store_arg_ip(tx, facts->plan.first);
	store_arg_ip(tx, facts->plan.last);
	store_arg_i64(tx, m->rank);
	store_arg_i64(tx, m->weight);
	store_arg_bool(tx, m->redundant_gateway);
	store_arg_str(tx, m->description);
	store_arg_str(tx, facts->dns);
}

/* ---- subnet_update ---- */

static void read_for_update(change *c, store_tx *tx)
{
	const sot_subnet_update *m = c->message;
	ask_subnet(c, tx, m->vrf, m->network, m->prefix);
}

static void check_update(change *c)
{
	const sot_subnet_update *m = c->message;
	subnet_facts *facts = c->facts;
	sot_str dns = {0};
	SOT_AUTO_BUF fields;
	sot_buf_init(&fields, FIELDS_BYTES);
	if (!is_known(c, m->vrf, m->network, m->prefix) || !read_dns(c, m->dns, m->dns_count, &dns))
		return;
	c->id = facts->id;
	tell_vlan(c, facts->vlan);
	field_changes_bool(&fields, "open", facts->open, m->open);
	field_changes_str(&fields, "dns", facts->dns, dns);
	field_changes_i64(&fields, "rank", facts->rank, m->rank);
	field_changes_i64(&fields, "weight", facts->weight, m->weight);
	field_changes_str(&fields, "description", facts->description, m->description);
	change_data_changed(c, &fields);
	facts->dns = dns;
}

static void write_update(change *c, store_tx *tx)
{
	const sot_subnet_update *m = c->message;
	const subnet_facts *facts = c->facts;
	if (c->is_a_no_op)
		return;
	store_query(tx, IPAM_SQL_SUBNET_CHANGE, NULL, NULL);
	store_arg_uuid(tx, c->id);
	store_arg_i64(tx, m->rank);
	store_arg_i64(tx, m->weight);
	store_arg_bool(tx, m->open);
	store_arg_str(tx, facts->dns);
	store_arg_str(tx, m->description);
}

/* ---- subnet_delete ---- */

static const char *held_as(sot_str state)
{
	if (sot_str_eq_c(state, "bound"))
		return "used by instances";
	if (sot_str_eq_c(state, "reserved"))
		return "reserved for instances";
	if (sot_str_eq_c(state, "static"))
		return "kept as static";
	return sot_str_eq_c(state, "cooling") ? "cooling" : "in doubt";
}

static void on_use(void *self, const store_result *res)
{
	change *c = self;
	subnet_facts *facts = c->facts;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 1500);
	for (size_t i = 0; i < store_rows(res); i++) {
		int64_t count = 0;
		sot_str until = store_text(res, i, 3);
		if (store_i64(res, i, 1, &count, &c->read_error) != SOT_OK)
			return;
		sot_buf_printf(&text, "%s%lld %s (%.*s%s)", i > 0 ? "; " : "", (long long)count,
		    held_as(store_text(res, i, 0)), SOT_ARG(store_text(res, i, 2)),
		    count > 3 ? ", ..." : "");
		if (until.n > 0)
			sot_buf_printf(&text, " until %.*s", SOT_ARG(until));
	}
	facts->use = change_dup(c, sot_buf_str(&text));
}

static void read_for_delete(change *c, store_tx *tx)
{
	const sot_subnet_delete *m = c->message;
	ask_subnet(c, tx, m->vrf, m->network, m->prefix);
	store_query(tx, IPAM_SQL_SUBNET_USE, on_use, c);
	store_arg_str(tx, change_vrf(m->vrf));
	arg_network(c, tx, m->network, m->prefix);
}

static void check_delete(change *c)
{
	const sot_subnet_delete *m = c->message;
	const subnet_facts *facts = c->facts;
	if (!is_known(c, m->vrf, m->network, m->prefix))
		return;
	if (facts->use.n > 0) {
		change_refuse(c, SOT_REFUSAL_CONFLICT, "",
		    "%.*s is in use: %.*s. Retire the instances, free the addresses, or close the subnet "
		    "so that nothing new is given out",
		    SOT_ARG(c->target), SOT_ARG(facts->use));
		return;
	}
	c->id = facts->id;
	tell_vlan(c, facts->vlan);
}

static void write_delete(change *c, store_tx *tx)
{
	store_query(tx, IPAM_SQL_SUBNET_CLEAR, NULL, NULL);
	store_arg_uuid(tx, c->id);
	store_arg_str(tx, c->head->context.actor);
	store_query(tx, IPAM_SQL_SUBNET_GONE, NULL, NULL);
	store_arg_uuid(tx, c->id);
}

/* ---- the table ---- */

static const change_kind create = {"subnet.create", "subnet.created", &sot_subnet_create_type,
    sizeof(subnet_facts), true, read_for_create, check_create, write_create, NULL, NULL};
static const change_kind update = {"subnet.update", "subnet.updated", &sot_subnet_update_type,
    sizeof(subnet_facts), true, read_for_update, check_update, write_update, NULL, NULL};
static const change_kind delete = {"subnet.delete", "subnet.deleted", &sot_subnet_delete_type,
    sizeof(subnet_facts), true, read_for_delete, check_delete, write_delete, NULL, NULL};

void ipam_on_subnet_create(void *self, const void *from, const sot_subnet_create *m)
{
	change_open(self, from, &create, m);
}

void ipam_on_subnet_update(void *self, const void *from, const sot_subnet_update *m)
{
	change_open(self, from, &update, m);
}

void ipam_on_subnet_delete(void *self, const void *from, const sot_subnet_delete *m)
{
	change_open(self, from, &delete, m);
}
