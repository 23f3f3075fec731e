#include "change.h"

#include "sot_log.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 20, CHANGE_ARENA_BYTES = 4 * 1024 * 1024, DATA_BYTES = 16000, TEXT_MAX = 2000 };

static void begin(change *c);

/* ---- the end ---- */

static change *change_free(change *c)
{
	sot_list_remove(&c->link);
	sot_buf_clear(&c->data);
	ipam_client_close(c->ip, c->client);
	sot_arena_free(c->arena);
	free(c);
	return NULL;
}

/* Those of the plan go in the order in which they came. */
static void begin_next(ipam *ip)
{
	for (sot_link *l = ip->changes.next; l != &ip->changes; l = l->next) {
		change *c = SOT_CONTAINER(l, change, link);
		if (!c->kind->is_of_plan)
			continue;
		if (!c->is_started)
			begin(c);
		return;
	}
}

static void finish(change *c)
{
	ipam *ip = c->ip;
	change_free(c);
	begin_next(ip);
	ipam_pump_soon(ip);
}

static void send_refusal(change *c, sot_refusal code, const char *pointer, const char *text)
{
	sot_refused refused = {.request_id = c->head->request_id,
	    .code = code,
	    .pointer = sot_str_c(pointer),
	    .text = sot_str_c(text)};
	ipam_refuse(c->ip, &c->client->from, &refused);
}

static void refuse_and_finish(change *c, sot_refusal code, const char *text)
{
	send_refusal(c, code, "", text);
	finish(c);
}

static sot_code encode_accepted(const change *c, bool replayed, sot_buf *out, sot_err *err)
{
	sot_accepted accepted = {
	    .request_id = c->head->request_id, .resource_id = c->id, .replayed = replayed};
	return sot_accepted_encode(&accepted, out, err);
}

static void answer(change *c, bool replayed)
{
	ipam *ip = c->ip;
	sot_err err = {0};
	sot_buf_reset(&ip->frame);
	sot_code code = c->kind->answer ? c->kind->answer(c, replayed, &ip->frame, &err)
	                                : encode_accepted(c, replayed, &ip->frame, &err);
	if (code == SOT_OK)
		ipam_send(ip, &c->client->from);
	else
		sot_log_err(SOT_ERROR, "answer.unencodable", &err, "peer=%s", c->client->from.identity);
	finish(c);
}

/* ---- write ---- */

/* Somebody was faster, or nobody knows: a key, a reference or an overlap that was not there when it
 * was read, a guard, a lost answer. */
bool change_is_stale(const store_outcome *outcome)
{
	static const char *const races[] = {"23503", "23505", "23P01"};
	for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++) {
		if (strcmp(outcome->sqlstate, races[i]) == 0)
			return true;
	}
	return outcome->code == SOT_UNKNOWN || strncmp(outcome->sqlstate, "40", 2) == 0;
}

static void on_written(void *self, const store_outcome *outcome)
{
	change *c = self;
	if (outcome->code == SOT_OK) {
		sot_log(SOT_INFO, "change.made", "action=%s target=\"%.*s\" actor=\"%.*s\"",
		    c->kind->action, SOT_ARG(c->target), SOT_ARG(c->head->context.actor));
		if (c->kind->committed)
			c->kind->committed(c);
		else
			ipam_plan_changed(c->ip);
		ipam_hint(c->ip);
		answer(c, false);
		return;
	}
	if (change_is_stale(outcome) && c->tries < TRIES_MAX) {
		begin(c);
		return;
	}
	sot_log_err(
	    SOT_WARN, "change.failed", outcome->why, "action=%s tries=%u", c->kind->action, c->tries);
	refuse_and_finish(c,
	    outcome->code == SOT_INVALID    ? SOT_REFUSAL_INVALID
	    : outcome->code == SOT_CONFLICT ? SOT_REFUSAL_CONFLICT
	                                    : SOT_REFUSAL_UNAVAILABLE,
	    outcome->why->text);
}

static void add_key(change *c, store_tx *tx)
{
	const sot_request_context *context = &c->head->context;
	store_query(tx, IPAM_SQL_CHANGE_KEY_ADD, NULL, NULL);
	store_arg_str(tx, context->actor);
	store_arg_str(tx, context->idempotency_key);
	store_arg_bytes(tx, context->request_sha256);
	store_arg_uuid(tx, c->id);
	store_arg_str(tx, c->result);
}

static void add_traces(change *c, store_tx *tx)
{
	const sot_request_context *context = &c->head->context;
	sot_str detail = change_printf(c, "{%.*s}", SOT_ARG(sot_buf_str(&c->data)));
	store_query(tx, IPAM_SQL_CHANGE_AUDITED, NULL, NULL);
	store_arg_str(tx, context->actor);
	store_arg_str(tx, context->source_address);
	store_arg_str(tx, context->api_request_id);
	store_arg_c(tx, c->kind->action);
	store_arg_str(tx, c->target);
	store_arg_str(tx, detail);
	if (c->is_a_no_op)
		return;
	store_query(tx, IPAM_SQL_CHANGE_TOLD, NULL, NULL);
	store_arg_c(tx, c->kind->event);
	store_arg_str(tx, c->target);
	store_arg_str(tx, context->actor);
	store_arg_str(tx, detail);
}

static void commit(change *c, store_tx *tx, store_done_fn done)
{
	sot_err err = {0};
	if (store_commit(&tx, done, c, &err) != SOT_OK)
		refuse_and_finish(c, SOT_REFUSAL_UNAVAILABLE, err.text);
}

static void write_it(change *c)
{
	store_tx *tx = store_begin(c->ip->store);
	if (c->kind->is_of_plan) {
		store_query(tx, IPAM_SQL_CHANGE_STEP, NULL, NULL);
		store_arg_i64(tx, c->version);
	}
	add_key(c, tx);
	c->kind->write(c, tx);
	add_traces(c, tx);
	commit(c, tx, on_written);
}

/* ---- read and check ---- */

static void on_key(void *self, const store_result *res)
{
	change *c = self;
	c->is_known = store_rows(res) == 1;
	if (!c->is_known)
		return;
	c->result = change_dup(c, store_text(res, 0, 2));
	if (store_bool(res, 0, 0, &c->is_same, &c->read_error) != SOT_OK ||
	    store_uuid(res, 0, 1, &c->id, &c->read_error) != SOT_OK)
		c->is_same = false;
}

static void on_version(void *self, const store_result *res)
{
	change *c = self;
	if (store_i64(res, 0, 0, &c->version, &c->read_error) != SOT_OK)
		c->version = 0;
}

static void on_read(void *self, const store_outcome *outcome)
{
	change *c = self;
	if (outcome->code != SOT_OK) {
		refuse_and_finish(c, SOT_REFUSAL_UNAVAILABLE, outcome->why->text);
	} else if (c->read_error.code != SOT_OK) {
		sot_log_err(SOT_ERROR, "change.unread", &c->read_error, "action=%s", c->kind->action);
		refuse_and_finish(c, SOT_REFUSAL_INTERNAL, c->read_error.text);
	} else if (c->is_known && !c->is_same) {
		refuse_and_finish(
		    c, SOT_REFUSAL_KEY_REUSED, "this idempotency key was used before for another request");
	} else if (c->is_known) {
		answer(c, true);
	} else {
		c->kind->check(c);
		if (c->is_refused)
			finish(c);
		else
			write_it(c);
	}
}

static void begin(change *c)
{
	const sot_request_context *context = &c->head->context;
	c->tries++;
	c->is_started = true;
	c->is_known = c->is_same = c->is_a_no_op = false;
	c->read_error = (sot_err){0};
	sot_buf_reset(&c->data);
	memset(c->facts, 0, c->kind->facts_size);
	store_tx *tx = store_begin_read(c->ip->store);
	store_query(tx, IPAM_SQL_CHANGE_KEY_FIND, on_key, c);
	store_arg_str(tx, context->actor);
	store_arg_str(tx, context->idempotency_key);
	store_arg_bytes(tx, context->request_sha256);
	store_query(tx, IPAM_SQL_CHANGE_VERSION, on_version, c);
	c->kind->read(c, tx);
	commit(c, tx, on_read);
}

/* The message outlives the frame that it was decoded from: its own codec copies it. */
static sot_code copy_message(change *c, const void *message, sot_err *err)
{
	sot_buf *frame = &c->ip->frame;
	sot_buf_reset(frame);
	void *copy = sot_arena_alloc(c->arena, c->kind->message->size);
	c->facts = sot_arena_alloc(c->arena, c->kind->facts_size ? c->kind->facts_size : 1);
	if (!copy || !c->facts)
		return sot_fail(err, SOT_LIMIT, "the request is too large");
	sot_code code = sot_wire_encode(c->kind->message, message, frame, err);
	if (code == SOT_OK)
		code = sot_wire_decode(c->kind->message, sot_buf_str(frame), c->arena, copy, err);
	c->message = c->head = copy;
	return code;
}

void change_open(ipam *ip, const bus_peer *from, const change_kind *kind, const void *message)
{
	const change_head *head = message;
	sot_refused refused = {.request_id = head->request_id, .code = SOT_REFUSAL_UNAVAILABLE};
	const char *why = ipam_why_not_now(ip);
	if (why) {
		refused.text = sot_str_c(why);
		ipam_refuse(ip, from, &refused);
		return;
	}
	ipam_client *client = ipam_client_open(ip, from, head->request_id);
	if (!client)
		return;
	change *c = sot_alloc(sizeof(*c));
	c->ip = ip;
	c->client = client;
	c->kind = kind;
	c->arena = sot_arena_new(CHANGE_ARENA_BYTES);
	sot_buf_init(&c->data, DATA_BYTES);
	sot_list_push(&ip->changes, &c->link);
	sot_err err = {0};
	if (copy_message(c, message, &err) != SOT_OK) {
		c->head = head;
		refuse_and_finish(c, SOT_REFUSAL_LIMIT, err.text);
	} else if (kind->is_of_plan) {
		begin_next(ip);
	} else {
		begin(c);
	}
}

bool change_is_any_open(const ipam *ip)
{
	return !sot_list_empty(&ip->changes) || ip->import;
}

void change_free_all(ipam *ip)
{
	ipam_import_free(ip);
	while (!sot_list_empty(&ip->changes))
		change_free(SOT_CONTAINER(ip->changes.next, change, link));
}

/* ---- for the kinds ---- */

void change_refuse(change *c, sot_refusal code, const char *pointer, const char *fmt, ...)
{
	char text[TEXT_MAX + 1];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	send_refusal(c, code, pointer, text);
	c->is_refused = true;
}

void change_refuse_err(change *c, const char *pointer, const sot_err *err)
{
	change_refuse(c, err->code == SOT_LIMIT ? SOT_REFUSAL_LIMIT : SOT_REFUSAL_INVALID, pointer,
	    "%s", err->text);
}

sot_uuid change_new_id(change *c)
{
	uint8_t entropy[16];
	sot_rand_bytes(entropy, sizeof(entropy));
	return sot_uuid_v7(reactor_wall(c->ip->loop), entropy);
}

sot_str change_dup(change *c, sot_str s)
{
	sot_str copy = sot_arena_dup(c->arena, s);
	if (s.n > 0 && copy.n == 0 && c->read_error.code == SOT_OK)
		(void)sot_fail(&c->read_error, SOT_LIMIT, "too much to read for one change");
	return copy;
}

sot_str change_printf(change *c, const char *fmt, ...)
{
	char line[DATA_BYTES + 16];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	return change_dup(c, sot_str_c(line));
}

sot_str change_vrf(sot_str name)
{
	return name.n > 0 ? name : SOT_STR("default");
}

void change_arg_mac(store_tx *tx, sot_mac mac)
{
	static const sot_mac none;
	char text[18];
	if (memcmp(&mac, &none, sizeof(mac)) == 0)
		store_arg_null(tx);
	else
		store_arg_c(tx, sot_format_mac(mac.b, text));
}

void change_data_changed(change *c, const sot_buf *fields)
{
	c->is_a_no_op = fields->n == 0;
	sot_buf_printf(
	    &c->data, "%s\"changed\":{%.*s}", c->data.n > 0 ? "," : "", SOT_ARG(sot_buf_str(fields)));
}
