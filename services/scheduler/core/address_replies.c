/* What ipam's answers change: grants, releases, bindings, conflicts, refusals. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

#include "sot_parse.h"

static void retry_later(controller *c, app *a, address_need need, sot_str why)
{
	a->ask_after[need] = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
	model_put_text(&a->address_text, OPERATION_TEXT_MAX - 1, why);
}

/* ---- granted ---- */

/* The grants of one instance, at most one of each family. */
typedef struct granted {
	const struct sot_address_grant *v4, *v6;
} granted;

static subnet_way way_of(const struct sot_subnet_facts *facts)
{
	return (subnet_way){facts->gateway, facts->prefix};
}

/* v6 NULL: it has no address of that family. */
static void take_facts(controller *c, instance *i, const struct sot_subnet_facts *facts,
    const struct sot_subnet_facts *v6, sot_mac mac)
{
	vlan_facts net;

	memset(&net, 0, sizeof(net)); /* padding too: shared by its bytes */
	net.vlan_id = facts->vlan_id;
	net.vrf = facts->vrf;
	net.mtu = facts->mtu;
	net.isolated = facts->isolated;
	net.dns_count = facts->dns_count < DNS_MAX ? facts->dns_count : DNS_MAX;
	for (size_t k = 0; k < net.dns_count; k++)
		net.dns[k] = facts->dns[k];
	model_copy_text(net.dns_search, sizeof(net.dns_search), facts->dns_zone);
	net.settings = facts->settings;
	net.v4 = way_of(facts);
	if (v6)
		net.v6 = way_of(v6);
	instance_make make = instance_make_of(i->row.make);
	instance_make_set_net(&make, c->shared, &net);
	instance_remake(&i->row.make, c->shared, &make);
	i->row.mac = mac;
}

static held_address held_of(const struct sot_address_grant *g)
{
	return (held_address){g->address, g->generation};
}

static bool same_holding(const held_address *held, const held_address *next)
{
	return sot_ip_eq(held->address, next->address) && held->generation == next->generation;
}

/* ipam took the address back from its holder and gave it away before its answer to us came: asked
 * again, it says the same when the holder's row is clear. A holder that waits for no answer has a
 * row that is wrong (a backup between ipam's commit and ours): ipam is asked what it holds. */
static bool is_held_by_another(
    controller *c, instance *i, const struct sot_address_grant *g, uint16_t vrf)
{
	instance *holder = g ? model_address_holder(c, vrf, g->address) : NULL;
	char why[200];

	if (!holder || holder == i)
		return false;
	(void)snprintf(why, sizeof(why), "ipam granted an address that %s still has", holder->name);
	retry_later(c, i->app, ADDRESS_ACQUIRE, sot_str_c(why));
	if (holder->need == ADDRESS_NOTHING)
		address_need_set(c, holder, ADDRESS_ACQUIRE);
	return true;
}

typedef enum novelty { NOTHING_NEW, NEW_SETTINGS, NEW_ADDRESSES } novelty;

/* Takes over what ipam says it holds. */
static novelty hold(controller *c, instance *i, granted g, const struct sot_addresses_granted *m)
{
	held_address none = {0}, v4 = held_of(g.v4), v6 = g.v6 ? held_of(g.v6) : none;

	bool same = same_holding(&i->row.v4, &v4) && same_holding(instance_v6(i), &v6);
	if (same && i->row.make->net->settings == m->subnets[g.v4->subnet].settings)
		return NOTHING_NEW;
	model_set_address(c, i, 4, &none); /* both, before the VRF may change */
	model_set_address(c, i, 6, &none);
	take_facts(c, i, &m->subnets[g.v4->subnet], g.v6 ? &m->subnets[g.v6->subnet] : NULL, g.v4->mac);
	model_set_address(c, i, 4, &v4);
	model_set_address(c, i, 6, &v6);
	return same ? NEW_SETTINGS : NEW_ADDRESSES;
}

static void grant(controller *c, instance *i, granted g, const struct sot_addresses_granted *m)
{
	uint16_t vrf = m->subnets[g.v4->subnet].vrf;

	if (is_held_by_another(c, i, g.v4, vrf) || is_held_by_another(c, i, g.v6, vrf))
		return;
	bool told = instance_is_told(i);
	novelty news = hold(c, i, g, m);
	i->need = ADDRESS_NOTHING;
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED) { /* asked before it was retired */
		if (!told)
			model_unbook(c, i);
		instance_reclaim(c, i);
		return;
	}
	if (news == NOTHING_NEW)
		return;
	if (i->row.state != INSTANCE_PLACED) /* its agent has another spec */
		i->row.generation++;
	if (news == NEW_SETTINGS) {
		model_spec_changed(c, i);
		return;
	}
	i->bound = false;
	if (!instance_target(i) && instance_state_may(i->row.state, INSTANCE_CREATING))
		instance_move(c, i, INSTANCE_CREATING);
	model_spec_changed(c, i);
}

static granted grants_of(const struct sot_addresses_granted *m, sot_uuid owner)
{
	granted found = {0};

	for (size_t k = 0; k < m->grants_count; k++) {
		const struct sot_address_grant *g = &m->grants[k];
		if (!sot_uuid_eq(g->owner, owner) || g->subnet >= m->subnets_count)
			continue;
		if (g->address.family == 4)
			found.v4 = g;
		else if (g->address.family == 6)
			found.v6 = g;
	}
	return found;
}

static void apply_granted(
    controller *c, app *a, const asked *q, const struct sot_addresses_granted *m)
{
	shared_set_alone(&a->address_text, SOT_STR(""));
	for (size_t n = 0; n < q->instance_count; n++) {
		instance *i = model_find_instance(c, q->instances[n]);
		granted g = grants_of(m, q->instances[n]);
		if (!i || i->need != ADDRESS_ACQUIRE)
			continue;
		if (g.v4)
			grant(c, i, g, m);
		else /* all or none, by contract: do not spin on less */
			retry_later(c, a, q->need, SOT_STR("ipam granted less than was asked for"));
	}
}

/* ---- refused ---- */

/* Its VLAN is full: another one of its app's group may not be. */
static void try_another_vlan(controller *c, instance *i)
{
	vlan *full = sot_map_get_c(c->vlans.by_name, i->row.make->vlan);
	const vlan *next = NULL;

	if (full)
		full->free_v4 = 0;
	if (i->host)
		next = vlans_of_host(c, i->app->row.vlan, i->host);
	if (!next || next->free_v4 == 0 || strcmp(next->name, i->row.make->vlan) == 0)
		return;
	INSTANCE_SET(c, i, vlan, sot_str_c(next->name));
	touch_instance(c, i);
	i->app->ask_after[ADDRESS_ACQUIRE] = c->now.mono;
}

/* A definite no. Who is being retired holds nothing then; others wait for a better time. */
static void apply_refused(controller *c, app *a, const asked *q, const struct sot_refused *m)
{
	retry_later(c, a, q->need, m->text);
	if (m->code == SOT_REFUSAL_UNAVAILABLE || m->code == SOT_REFUSAL_INTERNAL ||
	    q->need != ADDRESS_ACQUIRE)
		return;
	for (size_t k = 0; k < q->instance_count; k++) {
		instance *i = model_find_instance(c, q->instances[k]);
		if (!i || i->need != ADDRESS_ACQUIRE)
			continue;
		if (i->row.desired == SOT_DESIRED_STATE_RETIRED) {
			i->need = ADDRESS_NOTHING;
			if (!instance_is_told(i))
				model_unbook(c, i);
			instance_reclaim(c, i);
		} else if (m->code == SOT_REFUSAL_BLOCKED) {
			try_another_vlan(c, i);
		}
	}
}

/* ---- done ---- */

static void drop_address(controller *c, instance *i, int family)
{
	held_address none = {0};

	model_set_address(c, i, family, &none);
}

/* The contested one is ipam's to keep as `conflict`; the instance gets another. */
static void replace_contested(controller *c, instance *i)
{
	operation *o = app_operation(i->app);
	char address[SOT_IP_TEXT], mac[18];
	errand *e = errand_of(i);

	if (o)
		say_log(c, o, LOG_WARN, "%s: %s is used by %s already; it gets another address", i->name,
		    sot_ip_format(e->conflict_address, address), sot_format_mac(e->conflict_mac.b, mac));
	if (sot_ip_eq(e->conflict_address, i->row.v4.address))
		drop_address(c, i, 4);
	else if (sot_ip_eq(e->conflict_address, instance_v6(i)->address))
		drop_address(c, i, 6);
	e->conflict_address = (sot_ip){0};
	address_need_set(c, i, ADDRESS_ACQUIRE);
}

/* A binding that ipam skipped means that what we believe to hold is not what it holds: asked again
 * what the instance holds, it says so. Which one was skipped is not told. */
static void apply_bound(controller *c, instance *i, bool any_skipped)
{
	i->bound = !any_skipped;
	if (!any_skipped)
		return;
	i->app->ask_after[ADDRESS_ACQUIRE] = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
	address_need_set(c, i, ADDRESS_ACQUIRE);
}

static void apply_done(controller *c, const asked *q, const struct sot_addresses_done *m)
{
	for (size_t k = 0; k < q->instance_count; k++) {
		instance *i = model_find_instance(c, q->instances[k]);
		if (!i || i->need != q->need)
			continue;
		i->need = ADDRESS_NOTHING;
		if (q->need == ADDRESS_BIND) {
			apply_bound(c, i, m->skipped > 0);
		} else if (q->need == ADDRESS_CONFLICT) {
			replace_contested(c, i);
		} else {
			drop_address(c, i, 4);
			drop_address(c, i, 6);
			if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
				instance_reclaim(c, i);
			else /* moved to where its VLAN does not reach */
				address_need_set(c, i, ADDRESS_ACQUIRE);
		}
	}
}

void addresses_apply(controller *c, app *a, const asked *q, sot_str frame)
{
	sot_wire_head head = {0};
	struct sot_addresses_granted grants = {0};
	struct sot_addresses_done done = {0};
	struct sot_refused refused = {0};
	sot_err err = {0};

	if (sot_wire_peek(frame, &head, &err) != SOT_OK)
		head.id = 0;
	if (head.id == SOT_MSG_ADDRESSES_GRANTED && q->need == ADDRESS_ACQUIRE &&
	    sot_addresses_granted_decode(frame, c->arena, &grants, &err) == SOT_OK) {
		apply_granted(c, a, q, &grants);
	} else if (head.id == SOT_MSG_ADDRESSES_DONE && q->need != ADDRESS_ACQUIRE &&
	           sot_addresses_done_decode(frame, c->arena, &done, &err) == SOT_OK) {
		apply_done(c, q, &done);
	} else if (head.id == SOT_MSG_REFUSED &&
	           sot_refused_decode(frame, c->arena, &refused, &err) == SOT_OK) {
		apply_refused(c, a, q, &refused);
	} else {
		retry_later(c, a, q->need, SOT_STR("ipam gave an answer that cannot be read"));
	}
	sot_arena_reset(c->arena);
}
