/* import_write - a plan as a few statements over arrays, its events, and the report. */
#include "field_changes.h"
#include "imports.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <string.h>

enum { EVENT_BYTES = 8000, REPORT_BYTES = 2 * 1024 * 1024 };

static const char *const uses[] = {"pool", "reserved", "excluded"};

static sot_uuid new_id(const import_job *job)
{
	uint8_t entropy[16];
	sot_rand_bytes(entropy, sizeof(entropy));
	return sot_uuid_v7(reactor_wall(job->ip->loop), entropy);
}

static void give_ids(import_job *job)
{
	import_plan *plan = job->plan;
	for (size_t i = 0; i < plan->vlan_count; i++) {
		if (plan->vlans[i].is_new)
			plan->vlans[i].id = new_id(job);
	}
	for (size_t i = 0; i < plan->subnet_count; i++) {
		if (plan->subnets[i].is_new)
			plan->subnets[i].to.id = new_id(job);
	}
	for (size_t i = 0; i < plan->range_count; i++) {
		if (plan->ranges[i].is_new)
			plan->ranges[i].to.id = new_id(job);
	}
}

/* One array parameter: `add` for each item of the list that is written. */
#define ARRAY(list, count, item, add)                                                              \
	do {                                                                                           \
		store_arg_array_begin(tx);                                                                 \
		for (size_t i = 0; i < plan->count; i++) {                                                 \
			const __typeof__(*plan->list) *item = &plan->list[i];                                  \
			if (item->is_new || item->is_changed)                                                  \
				add;                                                                               \
		}                                                                                          \
		store_arg_array_end(tx);                                                                   \
	} while (0)
#define VLANS(add) ARRAY(vlans, vlan_count, v, add)
#define SUBNETS(add) ARRAY(subnets, subnet_count, s, add)
#define RANGES(add) ARRAY(ranges, range_count, g, add)
#define ADDRESSES(add) ARRAY(addresses, address_count, a, add)

static void write_vlans(const import_plan *plan, store_tx *tx)
{
	store_query(tx, IPAM_SQL_IMPORT_VRFS_NEED, NULL, NULL);
	VLANS(store_item_str(tx, v->plan.vrf));
	store_query(tx, IPAM_SQL_IMPORT_VLANS_SET, NULL, NULL);
	VLANS(store_item_uuid(tx, v->id));
	VLANS(store_item_str(tx, v->plan.name));
	VLANS(store_item_i64(tx, v->plan.vlan_id));
	VLANS(store_item_str(tx, v->plan.vrf));
	VLANS(store_item_str(tx, v->plan.group));
	VLANS(store_item_i64(tx, v->plan.mtu));
	VLANS(store_item_bool(tx, v->plan.isolated));
	VLANS(store_item_str(tx, v->plan.dns_zone));
	VLANS(store_item_str(tx, v->plan.description));
	store_query(tx, IPAM_SQL_IMPORT_SCOPES_SET, NULL, NULL);
	VLANS(store_item_uuid(tx, v->id));
	VLANS(store_item_str(tx, v->plan.scopes));
}

static void write_subnets(const import_plan *plan, store_tx *tx)
{
	char cidr[SUBNET_PLAN_TEXT];
	store_query(tx, IPAM_SQL_IMPORT_SUBNETS_SET, NULL, NULL);
	SUBNETS(store_item_uuid(tx, s->to.id));
	SUBNETS(store_item_uuid(tx, plan->vlans[s->vlan].id));
	SUBNETS(store_item_str(tx, sot_str_c(subnet_plan_format(&s->to.plan, cidr))));
	SUBNETS(store_item_ip(tx, s->to.plan.gateway));
	SUBNETS(store_item_ip(tx, s->to.plan.first));
	SUBNETS(store_item_ip(tx, s->to.plan.last));
	SUBNETS(store_item_i64(tx, s->to.rank));
	SUBNETS(store_item_i64(tx, s->to.weight));
	SUBNETS(store_item_bool(tx, s->to.open));
	SUBNETS(store_item_bool(tx, s->to.plan.redundant_gateway));
	SUBNETS(store_item_str(tx, s->to.dns));
	SUBNETS(store_item_str(tx, s->to.description));
}

static void write_ranges(const import_plan *plan, sot_str actor, store_tx *tx)
{
	store_query(tx, IPAM_SQL_IMPORT_RANGES_SET, NULL, NULL);
	RANGES(store_item_uuid(tx, g->to.id));
	RANGES(store_item_uuid(tx, plan->subnets[g->subnet].to.id));
	RANGES(store_item_ip(tx, g->to.first));
	RANGES(store_item_ip(tx, g->to.last));
	RANGES(store_item_str(tx, sot_str_c(uses[g->to.use])));
	RANGES(store_item_str(tx, g->to.owner));
	RANGES(store_item_str(tx, g->to.reason));
	store_arg_str(tx, actor);
	RANGES(store_item_str(tx, g->to.pool));
}

static void add_mac(store_tx *tx, const uint8_t mac[6])
{
	static const uint8_t none[6];
	if (memcmp(mac, none, sizeof(none)) == 0)
		store_item_null(tx);
	else
		store_item_mac(tx, mac);
}

static void write_addresses(const import_plan *plan, sot_str actor, store_tx *tx)
{
	store_query(tx, IPAM_SQL_IMPORT_ADDRESSES_SET, NULL, NULL);
	ADDRESSES(store_item_uuid(tx, plan->subnets[a->subnet].to.id));
	ADDRESSES(store_item_ip(tx, a->row->address));
	ADDRESSES(store_item_str(tx, sot_str_c(a->state)));
	ADDRESSES(store_item_str(tx, a->owner));
	ADDRESSES(add_mac(tx, a->mac));
	ADDRESSES(store_item_str(tx, a->reason));
	store_arg_str(tx, actor);
}

/* ---- events: one per VLAN, subnet and range, one for the import as a whole ---- */

static void vlan_data(const vlan_change *v, sot_buf *out)
{
	SOT_AUTO_BUF fields;
	sot_buf_init(&fields, EVENT_BYTES);
	if (v->is_new) {
		sot_buf_printf(out, "{\"vlanId\":%u,\"group\":", v->plan.vlan_id);
		sot_buf_add_json(out, v->plan.group);
		sot_buf_add_char(out, '}');
		return;
	}
	field_changes_str(&fields, "group", v->before->group, v->plan.group);
	field_changes_i64(&fields, "mtu", v->before->mtu, v->plan.mtu);
	field_changes_bool(&fields, "isolated", v->before->isolated, v->plan.isolated);
	field_changes_str(&fields, "dnsZone", v->before->dns_zone, v->plan.dns_zone);
	field_changes_str(&fields, "description", v->before->description, v->plan.description);
	field_changes_str(&fields, "scopes", v->before->scopes, v->plan.scopes);
	sot_buf_printf(out, "{\"changed\":{%.*s}}", SOT_ARG(sot_buf_str(&fields)));
}

static void subnet_data(const subnet_change *s, const char *cidr, sot_buf *out)
{
	SOT_AUTO_BUF fields;
	sot_buf_init(&fields, EVENT_BYTES);
	sot_buf_add_c(out, "{\"vlan\":");
	sot_buf_add_json(out, s->to.vlan);
	if (s->is_new) {
		sot_buf_printf(out, ",\"cidr\":\"%s\"}", cidr);
		return;
	}
	field_changes_bool(&fields, "open", s->before->open, s->to.open);
	field_changes_str(&fields, "dns", s->before->dns, s->to.dns);
	field_changes_i64(&fields, "rank", s->before->rank, s->to.rank);
	field_changes_i64(&fields, "weight", s->before->weight, s->to.weight);
	field_changes_str(&fields, "description", s->before->description, s->to.description);
	sot_buf_printf(out, ",\"changed\":{%.*s}}", SOT_ARG(sot_buf_str(&fields)));
}

static void range_data(const import_plan *plan, const range_change *g, sot_buf *out)
{
	sot_buf_add_c(out, "{\"vlan\":");
	sot_buf_add_json(out, plan->subnets[g->subnet].to.vlan);
	sot_buf_printf(
	    out, ",\"kind\":\"%s\",\"pool\":\"%.*s\",\"owner\":", uses[g->to.use], SOT_ARG(g->to.pool));
	sot_buf_add_json(out, g->to.owner);
	sot_buf_add_c(out, ",\"reason\":");
	sot_buf_add_json(out, g->to.reason);
	sot_buf_add_char(out, '}');
}

static void range_subject(const range_change *g, sot_buf *out)
{
	char first[SOT_IP_TEXT], last[SOT_IP_TEXT];
	sot_buf_printf(
	    out, "%s-%s", sot_ip_format(g->to.first, first), sot_ip_format(g->to.last, last));
}

typedef enum event_part { EVENT_KIND, EVENT_SUBJECT, EVENT_DATA } event_part;

static void add_part(store_tx *tx, sot_buf *text)
{
	store_item_str(tx, sot_buf_str(text));
	sot_buf_reset(text);
}

static void tell_vlans(const import_plan *plan, event_part part, sot_buf *out, store_tx *tx)
{
	for (size_t i = 0; i < plan->vlan_count; i++) {
		const vlan_change *v = &plan->vlans[i];
		if (!v->is_new && !v->is_changed)
			continue;
		if (part == EVENT_KIND)
			sot_buf_add_c(out, v->is_new ? "vlan.created" : "vlan.updated");
		else if (part == EVENT_SUBJECT)
			sot_buf_add_str(out, v->plan.name);
		else
			vlan_data(v, out);
		add_part(tx, out);
	}
}

static void tell_subnets(const import_plan *plan, event_part part, sot_buf *out, store_tx *tx)
{
	char cidr[SUBNET_PLAN_TEXT];
	for (size_t i = 0; i < plan->subnet_count; i++) {
		const subnet_change *s = &plan->subnets[i];
		if (!s->is_new && !s->is_changed)
			continue;
		(void)subnet_plan_format(&s->to.plan, cidr);
		if (part == EVENT_KIND)
			sot_buf_add_c(out, s->is_new ? "subnet.created" : "subnet.updated");
		else if (part == EVENT_SUBJECT)
			sot_buf_add_c(out, cidr);
		else
			subnet_data(s, cidr, out);
		add_part(tx, out);
	}
}

static void tell_ranges(const import_plan *plan, event_part part, sot_buf *out, store_tx *tx)
{
	for (size_t i = 0; i < plan->range_count; i++) {
		const range_change *g = &plan->ranges[i];
		if (!g->is_new && !g->is_changed)
			continue;
		if (part == EVENT_KIND)
			sot_buf_add_c(out, "range.created");
		else if (part == EVENT_SUBJECT)
			range_subject(g, out);
		else
			range_data(plan, g, out);
		add_part(tx, out);
	}
}

static void changes_text(const import_job *job, sot_buf *out)
{
	const import_plan *plan = job->plan;
	static const import_plan none;
	if (!plan || job->rows->error_count > 0)
		plan = &none;
	sot_buf_printf(out,
	    "\"vlans\":%zu,\"subnets\":%zu,\"ranges\":%zu,\"addresses\":%zu,\"unchanged\":%zu,"
	    "\"ignored\":%zu",
	    plan->changed_vlans, plan->changed_subnets, plan->changed_ranges, plan->changed_addresses,
	    plan->unchanged, job->rows->ignored);
}

static void tell_import(const import_job *job, event_part part, sot_buf *out, store_tx *tx)
{
	char id[SOT_UUID_TEXT];
	(void)sot_uuid_format(job->message->import_id, id);
	if (part == EVENT_KIND) {
		sot_buf_add_c(out, "import.applied");
	} else if (part == EVENT_SUBJECT) {
		sot_buf_add_c(out, id);
	} else {
		sot_buf_printf(out, "{\"id\":\"%s\",", id);
		changes_text(job, out);
		sot_buf_add_char(out, '}');
	}
	add_part(tx, out);
}

static void tell(const import_job *job, store_tx *tx)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, EVENT_BYTES + 1000);
	store_query(tx, IPAM_SQL_IMPORT_TOLD, NULL, NULL);
	for (event_part part = EVENT_KIND; part <= EVENT_DATA; part++) {
		store_arg_array_begin(tx);
		tell_vlans(job->plan, part, &text, tx);
		tell_subnets(job->plan, part, &text, tx);
		tell_ranges(job->plan, part, &text, tx);
		tell_import(job, part, &text, tx);
		store_arg_array_end(tx);
	}
	store_arg_str(tx, job->message->context.actor);
}

void import_write_plan(import_job *job, store_tx *tx)
{
	const import_plan *plan = job->plan;
	sot_str actor = job->message->context.actor;
	give_ids(job);
	store_query(tx, IPAM_SQL_CHANGE_STEP, NULL, NULL);
	store_arg_i64(tx, job->version);
	if (plan->changed_vlans > 0)
		write_vlans(plan, tx);
	if (plan->changed_subnets > 0)
		write_subnets(plan, tx);
	if (plan->changed_ranges > 0)
		write_ranges(plan, actor, tx);
	if (plan->changed_addresses > 0)
		write_addresses(plan, actor, tx);
	tell(job, tx);
}

/* ---- the report ---- */

static void errors_text(const import_rows *rows, sot_buf *out)
{
	size_t kept = rows->error_count < IMPORT_ERRORS_KEPT ? rows->error_count : IMPORT_ERRORS_KEPT;
	sot_buf_add_char(out, '[');
	for (size_t i = 0; i < kept; i++) {
		const import_error *error = &rows->errors[i];
		sot_buf_printf(out, "%s{\"line\":%u,\"column\":\"%s\",\"detail\":", i > 0 ? "," : "",
		    error->line, error->column);
		sot_buf_add_json(out, error->detail);
		sot_buf_add_char(out, '}');
	}
	sot_buf_add_char(out, ']');
}

static void write_audit(import_job *job, store_tx *tx, const char *state, sot_str changes)
{
	const sot_request_context *context = &job->message->context;
	SOT_AUTO_BUF detail;
	char id[SOT_UUID_TEXT];
	sot_buf_init(&detail, EVENT_BYTES);
	sot_buf_printf(&detail, "{\"state\":\"%s\",\"errors\":%zu,%.*s}", state, job->rows->error_count,
	    SOT_ARG(changes));
	store_query(tx, IPAM_SQL_CHANGE_AUDITED, NULL, NULL);
	store_arg_str(tx, context->actor);
	store_arg_str(tx, context->source_address);
	store_arg_str(tx, context->api_request_id);
	store_arg_c(tx, "import.run");
	store_arg_c(tx, sot_uuid_format(job->message->import_id, id));
	store_arg_str(tx, sot_buf_str(&detail));
}

void import_write_report(import_job *job, store_tx *tx, const char *state)
{
	const sot_request_context *context = &job->message->context;
	SOT_AUTO_BUF changes;
	SOT_AUTO_BUF errors;
	SOT_AUTO_BUF object;
	sot_buf_init(&changes, EVENT_BYTES);
	sot_buf_init(&errors, REPORT_BYTES);
	sot_buf_init(&object, EVENT_BYTES);
	changes_text(job, &changes);
	write_audit(job, tx, state, sot_buf_str(&changes));
	errors_text(job->rows, &errors);
	sot_buf_printf(&object, "{%.*s}", SOT_ARG(sot_buf_str(&changes)));
	store_query(tx, IPAM_SQL_IMPORT_REPORTED, NULL, NULL);
	store_arg_uuid(tx, job->message->import_id);
	store_arg_c(tx, state);
	store_arg_c(tx, job->message->kind == SOT_IMPORT_KIND_CSV ? "csv" : "netbox");
	store_arg_bool(tx, job->message->dry_run);
	store_arg_i64(tx, job->rows->lines);
	store_arg_str(tx, sot_buf_str(&object));
	store_arg_i64(tx, (int64_t)job->rows->error_count);
	store_arg_str(tx, sot_buf_str(&errors));
	store_query(tx, IPAM_SQL_CHANGE_KEY_ADD, NULL, NULL);
	store_arg_str(tx, context->actor);
	store_arg_str(tx, context->idempotency_key);
	store_arg_bytes(tx, context->request_sha256);
	store_arg_uuid(tx, job->message->import_id);
	store_arg_c(tx, state);
}
