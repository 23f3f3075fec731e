/* vlans - vlan_create, vlan_update, vlan_delete. */
#include "change.h"
#include "vlan_plan.h"

#include <string.h>

enum { FIELDS_BYTES = 8000, SUBNETS_NAMED = 4 };

typedef struct vlan_alike {
	sot_str name, scopes;
} vlan_alike;

typedef struct vlan_facts {
	bool is_there;
	sot_uuid id;
	vlan_plan is; /* as the row has it */
	vlan_alike *alike;
	size_t alike_count;
	int64_t subnets; /* of a VLAN to be deleted */
	sot_str subnets_text;
} vlan_facts;

/* ---- what is read ---- */

static void on_vlan(void *self, const store_result *res)
{
	change *c = self;
	vlan_facts *facts = c->facts;
	int64_t vlan_id = 0, mtu = 0;
	facts->is_there = store_rows(res) == 1;
	if (!facts->is_there || store_uuid(res, 0, 0, &facts->id, &c->read_error) != SOT_OK ||
	    store_i64(res, 0, 2, &vlan_id, &c->read_error) != SOT_OK ||
	    store_i64(res, 0, 5, &mtu, &c->read_error) != SOT_OK ||
	    store_bool(res, 0, 6, &facts->is.isolated, &c->read_error) != SOT_OK)
		return;
	facts->is.vlan_id = (uint16_t)vlan_id;
	facts->is.mtu = (uint16_t)mtu;
	facts->is.name = change_dup(c, store_text(res, 0, 1));
	facts->is.vrf = change_dup(c, store_text(res, 0, 3));
	facts->is.group = change_dup(c, store_text(res, 0, 4));
	facts->is.dns_zone = change_dup(c, store_text(res, 0, 7));
	facts->is.description = change_dup(c, store_text(res, 0, 8));
	facts->is.scopes = change_dup(c, store_text(res, 0, 9));
}

static void on_alike(void *self, const store_result *res)
{
	change *c = self;
	vlan_facts *facts = c->facts;
	size_t rows = store_rows(res);
	if (rows == 0)
		return;
	facts->alike = sot_arena_alloc(c->arena, rows * sizeof(*facts->alike));
	if (!facts->alike) {
		(void)sot_fail(&c->read_error, SOT_LIMIT, "%zu VLANs of one id are too many", rows);
		return;
	}
	for (size_t i = 0; i < rows; i++)
		facts->alike[facts->alike_count++] = (vlan_alike){
		    change_dup(c, store_text(res, i, 0)), change_dup(c, store_text(res, i, 1))};
}

static void ask(change *c, store_tx *tx, sot_str name, uint16_t vlan_id)
{
	store_query(tx, IPAM_SQL_VLAN_FIND, on_vlan, c);
	store_arg_str(tx, name);
	store_query(tx, IPAM_SQL_VLANS_ALIKE, on_alike, c);
	store_arg_i64(tx, vlan_id);
	store_arg_str(tx, name);
}

/* ---- checks; false: refused ---- */

static bool read_scopes(change *c, const sot_vlan_scope *scopes, size_t count, sot_str *ret)
{
	static const char *const kinds[] = {"az", "rack", "host"};
	SOT_AUTO_BUF words;
	sot_err err = {0};
	sot_buf_init(&words, (size_t)VLAN_SCOPES_MAX * (VLAN_SCOPE_NAME_MAX + 8));
	for (size_t i = 0; i < count; i++) {
		if (memchr(scopes[i].name.p, ' ', scopes[i].name.n)) {
			change_refuse(c, SOT_REFUSAL_INVALID, "/scopes", "the place \"%.*s\" has a space in it",
			    SOT_ARG(scopes[i].name));
			return false;
		}
		sot_buf_printf(&words, "%s:%.*s ", kinds[scopes[i].kind], SOT_ARG(scopes[i].name));
	}
	/* The words must outlive the buffer: an empty result points nowhere. */
	sot_str kept = change_dup(c, sot_buf_str(&words));
	if (vlan_scopes_read(kept, c->arena, ret, &err) == SOT_OK)
		return true;
	change_refuse_err(c, "/scopes", &err);
	return false;
}

static bool is_good(change *c, const vlan_plan *plan)
{
	const char *pointer = "";
	sot_err err = {0};
	if (vlan_plan_check(plan, &pointer, &err) == SOT_OK)
		return true;
	change_refuse_err(c, pointer, &err);
	return false;
}

static bool has_no_twin(change *c, const vlan_plan *plan, const char *pointer)
{
	const vlan_facts *facts = c->facts;
	for (size_t i = 0; i < facts->alike_count; i++) {
		const vlan_alike *other = &facts->alike[i];
		if (!vlan_scopes_meet(plan->scopes, other->scopes))
			continue;
		change_refuse(c, SOT_REFUSAL_CONFLICT, pointer,
		    "VLAN %.*s has the id %u too, and both reach a common place: they would be one wire. "
		    "Choose another id, other places, or add a subnet to %.*s",
		    SOT_ARG(other->name), plan->vlan_id, SOT_ARG(other->name));
		return false;
	}
	return true;
}

static bool is_known(change *c, sot_str name)
{
	const vlan_facts *facts = c->facts;
	if (facts->is_there)
		return true;
	change_refuse(c, SOT_REFUSAL_NOT_FOUND, "", "there is no VLAN %.*s", SOT_ARG(name));
	return false;
}

/* ---- vlan_create ---- */

static void read_for_create(change *c, store_tx *tx)
{
	const sot_vlan_create *m = c->message;
	ask(c, tx, m->name, m->vlan_id);
}

static vlan_plan plan_of(const sot_vlan_create *m)
{
	return (vlan_plan){.name = m->name,
	    .vrf = change_vrf(m->vrf),
	    .group = m->group,
	    .dns_zone = m->dns_zone,
	    .description = m->description,
	    .vlan_id = m->vlan_id,
	    .mtu = m->mtu,
	    .isolated = m->isolated};
}

static void check_create(change *c)
{
	const sot_vlan_create *m = c->message;
	vlan_facts *facts = c->facts;
	vlan_plan wanted = plan_of(m);
	if (!is_good(c, &wanted) || !read_scopes(c, m->scopes, m->scopes_count, &wanted.scopes))
		return;
	if (facts->is_there) {
		change_refuse(
		    c, SOT_REFUSAL_CONFLICT, "/name", "a VLAN with the name %.*s exists", SOT_ARG(m->name));
		return;
	}
	if (!has_no_twin(c, &wanted, "/vlanId"))
		return;
	facts->is = wanted;
	c->id = change_new_id(c);
	c->target = m->name;
	sot_buf_printf(&c->data, "\"vlanId\":%u,\"group\":", m->vlan_id);
	sot_buf_add_json(&c->data, m->group);
}

static void set_scopes(store_tx *tx, sot_uuid id, sot_str scopes)
{
	store_query(tx, IPAM_SQL_VLAN_SCOPES_SET, NULL, NULL);
	store_arg_uuid(tx, id);
	store_arg_str(tx, scopes);
}

static void write_create(change *c, store_tx *tx)
{
	const vlan_facts *facts = c->facts;
	const vlan_plan *plan = &facts->is;
	store_query(tx, IPAM_SQL_VRF_NEED, NULL, NULL);
	store_arg_str(tx, plan->vrf);
	store_query(tx, IPAM_SQL_VLAN_NEW, NULL, NULL);
	store_arg_uuid(tx, c->id);
	store_arg_str(tx, plan->name);
	store_arg_i64(tx, plan->vlan_id);
	store_arg_str(tx, plan->vrf);
	store_arg_str(tx, plan->group);
	store_arg_i64(tx, plan->mtu);
	store_arg_bool(tx, plan->isolated);
	store_arg_str(tx, plan->dns_zone);
	store_arg_str(tx, plan->description);
	set_scopes(tx, c->id, plan->scopes);
}

/* ---- vlan_update ---- */

static void read_for_update(change *c, store_tx *tx)
{
	const sot_vlan_update *m = c->message;
	ask(c, tx, m->name, 0);
}

static void tell_changed(change *c, const vlan_plan *is, const vlan_plan *wanted)
{
	SOT_AUTO_BUF fields;
	sot_buf_init(&fields, FIELDS_BYTES);
	field_changes_str(&fields, "group", is->group, wanted->group);
	field_changes_i64(&fields, "mtu", is->mtu, wanted->mtu);
	field_changes_bool(&fields, "isolated", is->isolated, wanted->isolated);
	field_changes_str(&fields, "dnsZone", is->dns_zone, wanted->dns_zone);
	field_changes_str(&fields, "description", is->description, wanted->description);
	field_changes_str(&fields, "scopes", is->scopes, wanted->scopes);
	change_data_changed(c, &fields);
}

static void check_update(change *c)
{
	const sot_vlan_update *m = c->message;
	vlan_facts *facts = c->facts;
	if (!is_known(c, m->name))
		return;
	vlan_plan wanted = facts->is;
	wanted.group = m->group;
	wanted.mtu = m->mtu;
	wanted.isolated = m->isolated;
	wanted.dns_zone = m->dns_zone;
	wanted.description = m->description;
	if (!is_good(c, &wanted) || !read_scopes(c, m->scopes, m->scopes_count, &wanted.scopes) ||
	    !has_no_twin(c, &wanted, "/scopes"))
		return;
	tell_changed(c, &facts->is, &wanted);
	facts->is = wanted;
	c->id = facts->id;
	c->target = m->name;
}

static void write_update(change *c, store_tx *tx)
{
	const vlan_facts *facts = c->facts;
	const vlan_plan *plan = &facts->is;
	if (c->is_a_no_op)
		return;
	store_query(tx, IPAM_SQL_VLAN_CHANGE, NULL, NULL);
	store_arg_uuid(tx, c->id);
	store_arg_str(tx, plan->group);
	store_arg_i64(tx, plan->mtu);
	store_arg_bool(tx, plan->isolated);
	store_arg_str(tx, plan->dns_zone);
	store_arg_str(tx, plan->description);
	set_scopes(tx, c->id, plan->scopes);
}

/* ---- vlan_delete ---- */

static void on_use(void *self, const store_result *res)
{
	change *c = self;
	vlan_facts *facts = c->facts;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 1000);
	for (size_t i = 0; i < store_rows(res); i++) {
		int64_t held = 0;
		if (store_i64(res, i, 1, &held, &c->read_error) != SOT_OK)
			return;
		if (i < SUBNETS_NAMED)
			sot_buf_printf(&text, "%s%.*s (%lld addresses in use)", i > 0 ? ", " : "",
			    SOT_ARG(store_text(res, i, 0)), (long long)held);
	}
	facts->subnets = (int64_t)store_rows(res);
	if (facts->subnets > SUBNETS_NAMED)
		sot_buf_printf(&text, " and %lld more", (long long)(facts->subnets - SUBNETS_NAMED));
	facts->subnets_text = change_dup(c, sot_buf_str(&text));
}

static void read_for_delete(change *c, store_tx *tx)
{
	const sot_vlan_delete *m = c->message;
	store_query(tx, IPAM_SQL_VLAN_FIND, on_vlan, c);
	store_arg_str(tx, m->name);
	store_query(tx, IPAM_SQL_VLAN_USE, on_use, c);
	store_arg_str(tx, m->name);
}

static void check_delete(change *c)
{
	const sot_vlan_delete *m = c->message;
	const vlan_facts *facts = c->facts;
	if (!is_known(c, m->name))
		return;
	if (facts->subnets > 0) {
		change_refuse(c, SOT_REFUSAL_CONFLICT, "",
		    "VLAN %.*s still has %lld %s: %.*s; delete %s first", SOT_ARG(m->name),
		    (long long)facts->subnets, facts->subnets == 1 ? "subnet" : "subnets",
		    SOT_ARG(facts->subnets_text), facts->subnets == 1 ? "it" : "them");
		return;
	}
	c->id = facts->id;
	c->target = m->name;
	sot_buf_printf(&c->data, "\"vlanId\":%u", facts->is.vlan_id);
}

static void write_delete(change *c, store_tx *tx)
{
	store_query(tx, IPAM_SQL_VLAN_GONE, NULL, NULL);
	store_arg_uuid(tx, c->id);
}

/* ---- the table ---- */

static const change_kind create = {"vlan.create", "vlan.created", &sot_vlan_create_type,
    sizeof(vlan_facts), true, read_for_create, check_create, write_create, NULL, NULL};
static const change_kind update = {"vlan.update", "vlan.updated", &sot_vlan_update_type,
    sizeof(vlan_facts), true, read_for_update, check_update, write_update, NULL, NULL};
static const change_kind delete = {"vlan.delete", "vlan.deleted", &sot_vlan_delete_type,
    sizeof(vlan_facts), true, read_for_delete, check_delete, write_delete, NULL, NULL};

void ipam_on_vlan_create(void *self, const void *from, const sot_vlan_create *m)
{
	change_open(self, from, &create, m);
}

void ipam_on_vlan_update(void *self, const void *from, const sot_vlan_update *m)
{
	change_open(self, from, &update, m);
}

void ipam_on_vlan_delete(void *self, const void *from, const sot_vlan_delete *m)
{
	change_open(self, from, &delete, m);
}
