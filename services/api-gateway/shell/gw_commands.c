/* Changes: a checked request becomes a message to scheduler or ipam, and its answer a reply. */
#include "gateway.h"

#include "gw_command.h"
#include "gw_sql.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_log.h"
#include "sot_parse.h"
#include "sot_proto.h"
#include "sot_rand.h"

#include <stdlib.h>
#include <string.h>

/* State of a change while its answer is awaited. */
typedef struct change {
	sot_uuid operation_id, resource_id;
	bool replayed;
	char fetch_token[128]; /* host_register only */
} change;

static void add_uuid(sot_buf *out, sot_uuid id)
{
	char text[SOT_UUID_TEXT];
	sot_buf_printf(out, "\"%s\"", sot_uuid_format(id, text));
}

/* 202: the operation tells the rest. Else it is done: 201 when something new has an id, 200. */
static int accepted_status(const gw_call *c, const change *ch)
{
	if (!sot_uuid_is_zero(ch->operation_id))
		return 202;
	return strcmp(c->match.route->method, "POST") == 0 && !sot_uuid_is_zero(ch->resource_id) ? 201
	                                                                                         : 200;
}

/* The public keys of the services that an agent dials, so that it need not be given them. */
static void add_service_keys(gw_call *c, sot_buf *out)
{
	static const char *const services[] = {"scheduler", "ipam", "api-gateway", "monitor-bridge"};
	size_t n = 0;
	sot_buf_add_c(out, ",\"serviceKeys\":{");
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		char path[SOT_CONFIG_VALUE_MAX + 32];
		SOT_AUTO_BUF key;
		sot_buf_init(&key, 128);
		(void)snprintf(path, sizeof(path), "%s/%s.pub", c->g->config->keys_dir, services[i]);
		if (sot_file_read(path, &key, NULL) != SOT_OK)
			continue;
		sot_buf_printf(out, "%s\"%s\":", n++ > 0 ? "," : "", services[i]);
		sot_buf_add_json(out, sot_str_cut(sot_buf_str(&key), '\n', &(sot_str){NULL, 0}));
	}
	sot_buf_add_char(out, '}');
}

/* The operation as the database has it; when that cannot be read now, its id. */
static void reply_accepted(gw_call *c)
{
	const change *ch = c->state;
	bool has_operation = !sot_uuid_is_zero(ch->operation_id);
	char id[SOT_UUID_TEXT], location[80];
	gw_reply *reply;
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 1024 * 1024);
	sot_buf_add_c(&body, "{\"operation\":");
	if (!has_operation)
		sot_buf_add_c(&body, "null");
	else if (c->rows.n > 0)
		sot_buf_add_str(&body, sot_buf_str(&c->rows));
	else
		sot_buf_printf(&body, "{\"id\":\"%s\"}", sot_uuid_format(ch->operation_id, id));
	sot_buf_add_c(&body, ",\"resourceId\":");
	add_uuid(&body, ch->resource_id);
	sot_buf_printf(&body, ",\"replayed\":%s", ch->replayed ? "true" : "false");
	if (ch->fetch_token[0] != '\0') {
		sot_buf_add_c(&body, ",\"hostId\":");
		add_uuid(&body, ch->resource_id);
		sot_buf_printf(&body, ",\"fetchToken\":\"%s\"", ch->fetch_token);
		add_service_keys(c, &body);
	}
	sot_buf_add_c(&body, "}\n");
	reply = gw_reply_bytes(accepted_status(c, ch), "application/json", sot_buf_str(&body));
	gw_reply_header(reply, "Cache-Control", "no-store");
	(void)snprintf(
	    location, sizeof(location), "/v1/operations/%s", sot_uuid_format(ch->operation_id, id));
	if (has_operation)
		gw_reply_header(reply, "Location", location);
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

static void on_operation(void *self, const store_result *res)
{
	gw_call *c = self;
	if (store_rows(res) == 1)
		sot_buf_add_str(&c->rows, store_text(res, 0, 0));
}

static void on_operation_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const change *ch = c->state;
	if (outcome->code != SOT_OK && ch->fetch_token[0] != '\0') {
		call_store_failed(c, outcome); /* the token was not stored: the client must repeat */
		return;
	}
	reply_accepted(c);
}

static void add_fetch_token(gw_call *c, change *ch, store_tx *tx)
{
	char id[17], secret[65];
	uint8_t digest[GW_SHA256_N];
	call_random_hex(id, 8);
	call_random_hex(secret, 32);
	call_sha256(sot_str_c(secret), digest);
	(void)snprintf(ch->fetch_token, sizeof(ch->fetch_token), "sot_%s_%s", id, secret);
	store_query(tx, GW_SQL_TOKEN_ADD_HOST, NULL, NULL);
	store_arg_c(tx, id);
	store_arg_bytes(tx, (sot_str){(const char *)digest, sizeof(digest)});
	store_arg_uuid(tx, ch->resource_id);
	store_query(tx, GW_SQL_TOKEN_TRIM_HOST, NULL, NULL);
	store_arg_uuid(tx, ch->resource_id);
	(void)c;
}

static void on_accepted(gw_call *c, const struct sot_accepted *a)
{
	bool registers_host = c->match.route->id == GW_ROUTE_host_register;
	change *ch = sot_alloc(sizeof(*ch));
	store_tx *tx;
	sot_err err = {0};
	if (c->state_free != NULL)
		c->state_free(c->state);
	c->state = ch;
	c->state_free = free;
	ch->operation_id = a->operation_id;
	ch->resource_id = a->resource_id;
	ch->replayed = a->replayed;
	SOT_FAILPOINT_HIT("gateway.command.after_accepted");
	if (sot_uuid_is_zero(ch->operation_id) && !registers_host) {
		reply_accepted(c);
		return;
	}
	tx = registers_host ? store_begin(c->g->db) : store_begin_read(c->g->db);
	if (registers_host)
		add_fetch_token(c, ch, tx);
	store_query(tx, GW_SQL_OPERATION_SHORT, on_operation, c);
	store_arg_uuid(tx, ch->operation_id);
	if (store_commit(&tx, on_operation_read, c, &err) == SOT_OK)
		return;
	if (registers_host)
		call_fail(c, &err);
	else
		reply_accepted(c);
}

static void on_fixed(gw_call *c, const struct sot_address_fixed *m)
{
	char address[SOT_IP_TEXT];
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 4096);
	sot_buf_printf(&body, "{\"address\":\"%s\",\"replayed\":%s}\n",
	    sot_ip_format(m->address, address), m->replayed ? "true" : "false");
	call_json(c, 201, sot_buf_str(&body));
}

static void add_names(sot_buf *body, const char *before, const sot_str *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sot_buf_add_c(body, i > 0 ? "," : before);
		sot_buf_add_json(body, names[i]);
	}
	sot_buf_add_c(body, count > 0 ? "" : before);
}

static void on_matched(gw_call *c, const struct sot_bulk_matched *m)
{
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 65536);
	sot_buf_printf(&body, "{\"matched\":{\"count\":%u,\"parallel\":%u", m->count, m->parallel);
	add_names(&body, ",\"names\":[", m->names, m->names_count);
	add_names(&body, "],\"skipped\":[", m->skipped, m->skipped_count);
	sot_buf_add_c(&body, "]}}\n");
	call_json(c, 200, sot_buf_str(&body));
}

static void add_planned(const struct sot_planned_move *m, sot_buf *body)
{
	sot_buf_add_c(body, "{\"instance\":");
	sot_buf_add_json(body, m->instance);
	sot_buf_add_c(body, ",\"app\":");
	sot_buf_add_json(body, m->app);
	sot_buf_add_c(body, ",\"from\":");
	sot_buf_add_json(body, m->from);
	sot_buf_add_c(body, ",\"to\":");
	if (m->to.n > 0)
		sot_buf_add_json(body, m->to);
	else
		sot_buf_add_c(body, "null");
	sot_buf_printf(body, ",\"keepsAddress\":%s,\"why\":", m->keeps_address ? "true" : "false");
	sot_buf_add_json(body, m->why);
	sot_buf_add_c(body, "}");
}

static void on_planned(gw_call *c, const struct sot_drain_planned *m)
{
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 4u * 1024 * 1024);
	sot_buf_printf(&body, "{\"moves\":%u,\"stays\":%u,\"instances\":[", m->moves, m->stays);
	for (size_t i = 0; i < m->instances_count; i++) {
		sot_buf_add_c(&body, i > 0 ? "," : "");
		add_planned(&m->instances[i], &body);
	}
	sot_buf_add_c(&body, "]}\n");
	call_json(c, 200, sot_buf_str(&body));
}

void call_refused(gw_call *c, const struct sot_refused *r)
{
	gw_problem p = {.detail = r->text, .pointer = r->pointer};
	p.status = gw_refusal_status((int)r->code, &p.code);
	p.retry_after_s = r->retry_after_ms > 0 ? (int)((r->retry_after_ms + 999) / 1000)
	                  : p.status == 503     ? 2
	                                        : 0;
	if (r->code == SOT_REFUSAL_LIMIT && r->retry_after_ms > 0)
		p.status = 429; /* a limit that passes by itself */
	call_problem_full(c, &p);
}

/* What was asked, as the scheduler wrote it. */
static void on_told(gw_call *c, const struct sot_answer *m)
{
	char etag[48];
	gw_reply *reply = gw_reply_bytes(200, "application/json", m->body);
	gw_copy_cut(m->etag, etag, sizeof(etag));
	if (etag[0] != '\0')
		gw_reply_header(reply, "ETag", etag);
	gw_reply_header(reply, "Cache-Control", "no-store");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

static void on_frame(gw_call *c, sot_str frame, sot_arena *arena)
{
	sot_wire_head head = {0};
	struct sot_accepted accepted;
	struct sot_refused refused;
	struct sot_address_fixed fixed;
	struct sot_import_done done;
	struct sot_answer told;
	struct sot_bulk_matched matched;
	struct sot_drain_planned planned;
	sot_err err = {0};
	sot_code code = sot_wire_peek(frame, &head, &err);
	if (code == SOT_OK && head.id == SOT_MSG_ADDRESS_FIXED) {
		code = sot_address_fixed_decode(frame, arena, &fixed, &err);
		if (code == SOT_OK)
			on_fixed(c, &fixed);
	} else if (code == SOT_OK && head.id == SOT_MSG_IMPORT_DONE) {
		code = sot_import_done_decode(frame, arena, &done, &err);
		if (code == SOT_OK)
			import_report(c, done.import_id);
	} else if (code == SOT_OK && head.id == SOT_MSG_BULK_MATCHED) {
		code = sot_bulk_matched_decode(frame, arena, &matched, &err);
		if (code == SOT_OK)
			on_matched(c, &matched);
	} else if (code == SOT_OK && head.id == SOT_MSG_ANSWER) {
		code = sot_answer_decode(frame, arena, &told, &err);
		if (code == SOT_OK)
			on_told(c, &told);
	} else if (code == SOT_OK && head.id == SOT_MSG_DRAIN_PLANNED) {
		code = sot_drain_planned_decode(frame, arena, &planned, &err);
		if (code == SOT_OK)
			on_planned(c, &planned);
	} else if (code == SOT_OK && head.id == SOT_MSG_ACCEPTED) {
		code = sot_accepted_decode(frame, arena, &accepted, &err);
		if (code == SOT_OK)
			on_accepted(c, &accepted);
	} else if (code == SOT_OK && head.id == SOT_MSG_REFUSED) {
		code = sot_refused_decode(frame, arena, &refused, &err);
		if (code == SOT_OK)
			call_refused(c, &refused);
	} else if (code == SOT_OK) {
		code = sot_fail(&err, SOT_INTERNAL, "the service answered with message %u", head.id);
	}
	if (code != SOT_OK)
		call_problem(c, 500, "internal", "an answer of the service was malformed: %s", err.text);
}

static void on_answer(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	gw_call *c = self;
	sot_arena *arena;
	if (code != SOT_OK) {
		call_problem(c, 503, "unavailable",
		    "no answer from the %s: %s; whether the change was taken is not known: repeat it with "
		    "the same Idempotency-Key",
		    gw_command_peer(c->match.route->id) == GW_PEER_IPAM ? "ipam" : "scheduler",
		    why != NULL ? why->text : "no reason");
		return;
	}
	arena = sot_arena_new(2 * SOT_WIRE_FRAME_MAX);
	on_frame(c, frame, arena);
	(void)sot_arena_free(arena);
}

/* ---- the message ---- */
/* What a retry must have in common with the first try. */
static void digest_request(
    gw_call *c, const gw_blob *blob, const char *group, uint8_t ret[GW_SHA256_N])
{
	sot_buf text;
	sot_buf_init(&text, GW_JSON_BODY_MAX + 16384);
	sot_buf_add_str(&text, gw_request_method(c->http));
	sot_buf_add_char(&text, ' ');
	/* The query says what ipam is to change (?vrf=); a group and an upload's file name are added
	 * below. */
	sot_buf_add_str(&text, gw_command_peer(c->match.route->id) == GW_PEER_IPAM
	                           ? gw_request_target(c->http)
	                           : gw_request_path(c->http));
	sot_buf_add_char(&text, '\n');
	sot_buf_add_c(&text, group);
	if (blob != NULL) {
		sot_buf_add_str(&text, blob->file_name);
		sot_buf_add(&text, blob->sha256, sizeof(blob->sha256));
	}
	sot_buf_add_str(&text, gw_request_body(c->http));
	call_sha256(sot_buf_str(&text), ret);
	sot_buf_clear(&text);
}

static void send_command(gw_call *c, const gw_command *command)
{
	uint64_t request_id = bus_next_request_id(c->g->bus);
	gw_json_errors errors = {0};
	gw_problem p = {.status = 400, .code = "invalid", .errors = &errors};
	int64_t deadline_ms = command->route == GW_ROUTE_import_run ? c->g->config->import_deadline_ms
	                                                            : c->g->config->request_deadline_ms;
	sot_err err = {0};
	sot_buf frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (gw_command_encode(command, request_id, &frame, &errors, &err) != SOT_OK) {
		sot_buf_clear(&frame);
		p.detail = sot_str_c(err.text);
		call_problem_full(c, &p);
		return;
	}
	outgoing_send(c, &(gw_outgoing){.request_id = request_id,
	                     .to_ipam = gw_command_peer(command->route) == GW_PEER_IPAM,
	                     .deadline_ms = deadline_ms,
	                     .frame = frame,
	                     .done = on_answer});
}

/* What the questions about placement take of the query. */
static sot_code read_placement_query(gw_call *c, char app[64], gw_command *command)
{
	char text[16], pinned[8];
	uint64_t moves = 0;
	if (call_query(c, "app", app, 64) != SOT_OK ||
	    call_query(c, "maxMoves", text, sizeof(text)) != SOT_OK ||
	    call_query(c, "includePinned", pinned, sizeof(pinned)) != SOT_OK)
		return SOT_INVALID;
	if (text[0] != '\0' && sot_parse_u64(sot_str_c(text), 1, 1000, &moves, NULL) != SOT_OK) {
		call_problem(c, 400, "invalid", "query parameter 'maxMoves' must be 1 to 1000");
		return SOT_INVALID;
	}
	command->app = sot_str_c(app);
	command->max_moves = (uint32_t)moves;
	command->include_pinned = strcmp(pinned, "true") == 0;
	return SOT_OK;
}

static void fill_and_send(
    gw_call *c, const json_t *body, const gw_blob *blob, const gw_retry *retry)
{
	char fresh[33], reason[256], app[64], group[64];
	gw_command command = {
	    .route = c->match.route->id,
	    .params = {c->match.params[0], c->match.params[1]},
	    .body = body,
	    .retry = retry,
	    .actor = sot_str_c(c->caller.actor),
	    .source_address = sot_str_c(gw_request_peer(c->http)),
	    .api_request_id = sot_str_c(c->request_id),
	};
	call_random_hex(fresh, 16);
	if (call_key(c, &command.idempotency_key) != SOT_OK)
		return;
	if (command.idempotency_key.n == 0)
		command.idempotency_key = sot_str_c(fresh);
	if (blob != NULL) {
		memcpy(command.blob_sha256, blob->sha256, sizeof(command.blob_sha256));
		command.blob_size_bytes = blob->size_bytes;
		command.file_name = blob->file_name;
		command.signed_by = blob->signed_by;
		command.import_id = blob->import_id;
		command.import_is_netbox = blob->is_netbox;
		command.import_is_dry_run = blob->is_dry_run;
	}
	if ((c->vrf[0] == '\0' && call_query(c, "vrf", c->vrf, sizeof(c->vrf)) != SOT_OK) ||
	    call_query(c, "reason", reason, sizeof(reason)) != SOT_OK ||
	    call_query(c, "group", group, sizeof(group)) != SOT_OK)
		return;
	if (read_placement_query(c, app, &command) != SOT_OK)
		return;
	command.vrf = sot_str_c(c->vrf);
	command.reason = sot_str_c(reason);
	command.group = sot_str_c(group);
	digest_request(c, blob, group, command.request_sha256);
	send_command(c, &command);
}

sot_code call_body(gw_call *c, json_t **ret)
{
	size_t count = 0;
	const gw_field *fields = gw_command_fields(c->match.route->id, &count);
	gw_json_errors errors = {0};
	gw_problem p = {.status = 400, .code = "invalid", .errors = &errors};
	*ret = NULL;
	if (!(c->match.route->flags & GW_BODY) ||
	    gw_json_read(gw_request_body(c->http), fields, count, ret, &errors) == SOT_OK)
		return SOT_OK;
	p.detail = errors.count == 1 ? SOT_STR("the body is wrong; see errors")
	                             : SOT_STR("several fields of the body are wrong; see errors");
	call_problem_full(c, &p);
	return SOT_INVALID;
}

void command_run(gw_call *c, const gw_blob *blob)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	fill_and_send(c, body, blob, NULL);
	json_decref(body);
}

void command_retry(gw_call *c, const gw_retry *what)
{
	fill_and_send(c, NULL, NULL, what);
}

void command_register(gw_call *c, const json_t *body)
{
	c->match.route = &gw_routes[GW_ROUTE_host_register];
	fill_and_send(c, body, NULL, NULL);
}

/* ---- a new app: its VLAN is ipam's to know, so it is looked up before the scheduler is asked
 */
typedef struct new_app {
	json_t *body;
	bool passes; /* the VLAN is there, or the app is: then the scheduler has the answer */
	char known[SOT_ERR_TEXT_MAX]; /* VLANs and groups, for the refusal */
} new_app;

static void new_app_free(void *state)
{
	new_app *n = state;
	json_decref(n->body);
	free(n);
}

static void on_vlan(void *self, const store_result *res)
{
	new_app *n = ((gw_call *)self)->state;
	if (store_rows(res) != 1 || store_bool(res, 0, 0, &n->passes, NULL) != SOT_OK)
		return;
	gw_copy_cut(store_text(res, 0, 1), n->known, sizeof(n->known));
}

static void refuse_vlan(gw_call *c, const new_app *n)
{
	sot_str vlan = gw_json_text(n->body, "vlan");
	char detail[SOT_ERR_TEXT_MAX + 128];
	gw_problem p = {.status = 400, .code = "invalid", .pointer = SOT_STR("/vlan")};
	(void)snprintf(detail, sizeof(detail), "no VLAN or group of VLANs is called '%.*s'; known: %s",
	    SOT_ARG(vlan), n->known);
	p.detail = sot_str_c(detail);
	call_problem_full(c, &p);
}

static void on_vlan_checked(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const new_app *n = c->state;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (n->passes)
		fill_and_send(c, n->body, NULL, NULL);
	else
		refuse_vlan(c, n);
}

void serve_app_create(gw_call *c)
{
	json_t *body;
	new_app *n;
	store_tx *tx;
	sot_err err = {0};
	if (call_body(c, &body) != SOT_OK)
		return;
	n = sot_alloc(sizeof(*n));
	n->body = body;
	c->state = n;
	c->state_free = new_app_free;
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_VLAN_CHECK, on_vlan, c);
	store_arg_str(tx, gw_json_text(body, "vlan"));
	store_arg_str(tx, gw_json_text(body, "name"));
	if (store_commit(&tx, on_vlan_checked, c, &err) != SOT_OK)
		call_fail(c, &err);
}

#define COMMAND(handler)                                                                           \
	void serve_##handler(gw_call *c)                                                               \
	{                                                                                              \
		command_run(c, NULL);                                                                      \
	}
COMMAND(host_register)
COMMAND(host_cordon)
COMMAND(host_uncordon)
COMMAND(image_register)
COMMAND(image_add)
COMMAND(image_test)
COMMAND(image_promote)
COMMAND(image_retire)
COMMAND(image_remove)
COMMAND(vlan_create)
COMMAND(vlan_update)
COMMAND(vlan_delete)
COMMAND(subnet_create)
COMMAND(range_create)
COMMAND(range_delete)
COMMAND(address_fix)
COMMAND(address_free)
COMMAND(quarantine_end)
COMMAND(brake_release)
COMMAND(host_set)
COMMAND(host_class_set)
COMMAND(host_class_delete)
COMMAND(plan_set)
COMMAND(plan_delete)
COMMAND(team_set)
COMMAND(team_delete)
COMMAND(mixing_set)
COMMAND(mixing_clear)
COMMAND(app_update)
COMMAND(what_if)
COMMAND(capacity_get)
COMMAND(rebalance_get)
COMMAND(fleet_rebalance)
COMMAND(app_delete)
COMMAND(app_scale)
COMMAND(app_deploy)
COMMAND(app_resize)
COMMAND(app_rebuild)
COMMAND(app_middleware)
COMMAND(app_labels_set)
COMMAND(app_maintenance_set)
COMMAND(group_set)
COMMAND(group_delete)
COMMAND(group_move)
COMMAND(elastic_set)
COMMAND(elastic_delete)
COMMAND(elastic_value)
COMMAND(instance_start)
COMMAND(instance_stop)
COMMAND(instance_restart)
COMMAND(instance_move)
COMMAND(instance_freeze)
COMMAND(instance_unfreeze)
COMMAND(instance_rebuild)
COMMAND(instance_resize)
COMMAND(app_set_recovery)
COMMAND(host_declare_lost)
COMMAND(host_evacuate)
COMMAND(host_drain)
COMMAND(host_retire)
COMMAND(host_container_ignore)
COMMAND(host_container_watch)
COMMAND(host_container_adopt)
COMMAND(host_brake_release)
COMMAND(instance_retire)
COMMAND(rollout_pause)
COMMAND(rollout_resume)
COMMAND(rollout_back)
COMMAND(operation_cancel)
COMMAND(operation_bulk)
