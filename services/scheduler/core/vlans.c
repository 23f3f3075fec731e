/* What ipam says of its VLANs: where each reaches, and how much is free. Asked about once a second;
 * a hint for placement, so that nothing is placed where no address is left. ipam decides. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

void vlans_init(controller *c)
{
	c->vlans.by_name = sot_map_new();
	sot_list_init(&c->vlans.all);
}

static void drop(controller *c, vlan *v)
{
	sot_map_remove(c->vlans.by_name, v->name, strlen(v->name));
	sot_list_remove(&v->all);
	free(v->places);
	free(v);
}

static void drop_all(controller *c)
{
	while (!sot_list_empty(&c->vlans.all))
		drop(c, SOT_CONTAINER(c->vlans.all.next, vlan, all));
}

void vlans_clear(controller *c)
{
	drop_all(c);
	sot_map_free(c->vlans.by_name);
}

void vlans_ask(controller *c)
{
	struct sot_vlans_read m = {.after = c->vlans.version};
	sot_err err = {0};

	if (c->vlans.request_id != 0)
		return;
	controller_effect *e = say_effect(c, EFFECT_IPAM);
	m.request_id = e->request_id = c->vlans.request_id = c->next_request_id++;
	if (sot_vlans_read_encode(&m, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

static void take_places(vlan *v, const struct sot_vlan_state *m)
{
	free(v->places);
	v->places = sot_alloc_array(m->scopes_count + 1, sizeof(*v->places));
	v->place_count = m->scopes_count;
	for (size_t k = 0; k < m->scopes_count; k++) {
		v->places[k].kind = m->scopes[k].kind;
		model_copy_text(v->places[k].name, sizeof(v->places[k].name), m->scopes[k].name);
	}
}

/* True when its interfaces are told something else now. */
static bool take(controller *c, const struct sot_vlan_state *m)
{
	vlan *v = sot_map_get(c->vlans.by_name, m->name.p, m->name.n);

	if (m->is_gone) {
		if (v)
			drop(c, v);
		return false;
	}
	if (!v) {
		v = sot_alloc(sizeof(*v));
		model_copy_text(v->name, sizeof(v->name), m->name);
		sot_list_push(&c->vlans.all, &v->all);
		sot_map_set(c->vlans.by_name, v->name, strlen(v->name), v);
	}
	model_copy_text(v->group, sizeof(v->group), m->group);
	v->told_v4 = v->free_v4 = m->free_v4;
	model_copy_text(v->shortage, sizeof(v->shortage), m->shortage);
	take_places(v, m);
	bool changed = v->settings != m->settings;
	v->settings = m->settings;
	return changed;
}

/* Instances whose VLAN tells them something else now ask what they hold: the answer says it all. */
static void refresh_settings(controller *c)
{
	instance_iter it = {0};

	for (instance *i; (i = model_next_instance(c, &it));) {
		const vlan *v = sot_map_get_c(c->vlans.by_name, i->row.make->vlan);
		if (v && v->settings != i->row.make->net->settings && i->need == ADDRESS_NOTHING &&
		    i->row.desired != SOT_DESIRED_STATE_RETIRED && !sot_ip_is_none(i->row.v4.address))
			address_need_set(c, i, ADDRESS_ACQUIRE);
	}
}

/* An answer that does not name a VLAN says that its count is what it was: as many addresses came
 * back as were given out, or none was. What was subtracted here meanwhile would never come back. */
static bool believe_old_counts(controller *c)
{
	bool changed = false;

	for (sot_link *l = c->vlans.all.next; l != &c->vlans.all; l = l->next) {
		vlan *v = SOT_CONTAINER(l, vlan, all);
		changed = changed || v->free_v4 != v->told_v4;
		v->free_v4 = v->told_v4;
	}
	return changed;
}

bool vlans_answered(controller *c, uint64_t request_id, sot_code code, sot_str frame)
{
	struct sot_vlans m = {0};
	sot_err err = {0};

	if (request_id != c->vlans.request_id)
		return false;
	c->vlans.request_id = 0;
	if (code != SOT_OK || sot_vlans_decode(frame, c->arena, &m, &err) != SOT_OK) {
		sot_arena_reset(c->arena); /* a refusal, or nothing: asked again at the next tick */
		return true;
	}
	if (m.full)
		drop_all(c);
	bool told_anew = false;
	for (size_t k = 0; k < m.vlans_count; k++)
		told_anew |= take(c, &m.vlans[k]);
	if (told_anew)
		refresh_settings(c);
	bool changed = believe_old_counts(c);
	changed = changed || !c->vlans.known || m.vlans_count > 0 ||
	          !sot_str_eq_c(m.blocked, c->vlans.blocked);
	c->vlans.changes += m.full || m.vlans_count > 0;
	c->vlans.version = m.version;
	bool is_first = !c->vlans.known;
	c->vlans.known = true;
	if (is_first)
		moves_settle(c);
	model_copy_text(c->vlans.blocked, sizeof(c->vlans.blocked), m.blocked);
	sot_arena_reset(c->arena);
	if (changed)
		c->freed |= LACKS_VLAN;
	return true;
}

bool vlan_reaches(const vlan *v, const host *h)
{
	for (size_t k = 0; k < v->place_count; k++) {
		const char *name = v->places[k].kind == SOT_SCOPE_KIND_AZ     ? h->row.az
		                   : v->places[k].kind == SOT_SCOPE_KIND_RACK ? h->row.rack
		                                                              : h->row.name;
		if (strcmp(name, v->places[k].name) == 0)
			return true;
	}
	return v->place_count == 0;
}

bool vlan_is_wanted(const vlan *v, const char *wanted)
{
	return strcmp(v->name, wanted) == 0 || (v->group[0] && strcmp(v->group, wanted) == 0);
}

vlan *vlans_of_host(const controller *c, const char *wanted, const host *h)
{
	vlan *best = NULL;

	for (const sot_link *l = c->vlans.all.next; l != &c->vlans.all; l = l->next) {
		vlan *v = SOT_CONTAINER(l, vlan, all);
		if (vlan_is_wanted(v, wanted) && vlan_reaches(v, h) &&
		    (!best || v->free_v4 > best->free_v4))
			best = v;
	}
	return best;
}

bool vlans_block(const controller *c, const char *wanted, sot_buf *why)
{
	bool exists = false;

	if (!c->vlans.known) {
		sot_buf_add_c(why, "ipam, which has not said yet which VLANs there are");
		return true;
	}
	if (c->vlans.blocked[0]) {
		sot_buf_printf(why, "ipam: %s", c->vlans.blocked);
		return true;
	}
	for (const sot_link *l = c->vlans.all.next; l != &c->vlans.all && !exists; l = l->next)
		exists = vlan_is_wanted(SOT_CONTAINER(l, vlan, all), wanted);
	if (!exists)
		sot_buf_printf(why, "a VLAN or group of VLANs called %s: there is none", wanted);
	return !exists;
}

void vlans_describe_shortage(const controller *c, const char *wanted, sot_buf *out)
{
	for (const sot_link *l = c->vlans.all.next; l != &c->vlans.all; l = l->next) {
		const vlan *v = SOT_CONTAINER(l, vlan, all);
		if (vlan_is_wanted(v, wanted) && v->free_v4 == 0 && v->shortage[0])
			sot_buf_printf(out, "; VLAN %s: %s", v->name, v->shortage);
	}
}
