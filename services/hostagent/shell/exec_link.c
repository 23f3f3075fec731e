#include "exec_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec_entry.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "uplink.h"

enum { GATEWAYS_MAX = 8, SESSIONS_MAX = 128, BEGIN_MS = 10000, ARENA_MAX = 64 * 1024 };

typedef struct gateway_link {
	exec_link *l;
	bus_client *client;
	char endpoint[200];
} gateway_link;

struct exec_link {
	agent *a;
	gateway_link links[GATEWAYS_MAX];
	size_t link_count;
	sot_map *sessions;
	reactor_watch *timer;
	sot_arena *arena;
	sot_code setup_code;
	sot_err setup_err;
	sot_metric *open, *begun, *refused, *bytes_in, *bytes_out;
};

typedef struct session {
	gateway_link *link;
	sot_uuid id;
	exec_entry *entry;
	reactor_watch *deadline;   /* until it has begun */
	exec_window input, output; /* frames that PID 1's side still takes, that the gateway takes */
	char person[65], account[EXEC_ACCOUNT_MAX + 1], instance[64];
	bool is_told; /* the gateway knows the end, or is gone */
} session;

/* ---- to the gateway ---- */

static void send_frame(gateway_link *link, sot_uuid id, sot_str bytes)
{
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_exec_output m = {.session = id, .frame = bytes};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_code code = sot_exec_output_encode(&m, &frame, &err);
	if (code == SOT_OK)
		code = bus_client_send(link->client, sot_buf_str(&frame), &err);
	if (code != SOT_OK)
		sot_log_err(SOT_WARN, "exec.untold", &err, "endpoint=%s", link->endpoint);
}

static void send_end(gateway_link *link, sot_uuid id, exec_reason reason, const char *text)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	exec_frame f = {.kind = EXEC_END, .reason = reason, .data = (const uint8_t *)text};
	f.n = strnlen(text, EXEC_TEXT_MAX);
	send_frame(link, id, (sot_str){(const char *)bytes, exec_frame_write(&f, bytes)});
}

/* ---- a session ---- */

static void session_free(session *s)
{
	exec_link *l = s->link->l;
	(void)sot_map_remove(l->sessions, s->id.b, sizeof(s->id.b));
	sot_metric_set(l->open, (int64_t)sot_map_count(l->sessions));
	reactor_remove(s->deadline);
	s->entry = exec_entry_free(s->entry);
	free(s);
}

/* The session inside is ended; the object lives until it is. `why` NULL: the gateway knows. */
static void session_end(session *s, const char *why)
{
	if (why && !s->is_told)
		send_end(s->link, s->id, EXEC_BROKEN, why);
	s->is_told = true;
	s->deadline = reactor_remove(s->deadline);
	exec_entry_end(s->entry);
}

static void on_over(void *self)
{
	session *s = self;
	if (!s->is_told)
		send_end(s->link, s->id, EXEC_BROKEN,
		    "the instance ended the session: it was stopped or started again");
	sot_log(SOT_INFO, "exec.ended", "instance=%s account=%s person=%s", s->instance, s->account,
	    s->person);
	session_free(s);
}

/* Of PID 1's side, which root of the instance may have taken over: nothing is believed. */
static void on_frame(void *self, const exec_frame *f, sot_str bytes)
{
	session *s = self;
	bool is_output = f->kind == EXEC_OUTPUT || f->kind == EXEC_ERROR_OUTPUT;
	bool right = f->kind == EXEC_BEGUN || f->kind == EXEC_END ||
	             (f->kind == EXEC_CREDIT && exec_window_grant(&s->input, f->number)) ||
	             (is_output && exec_window_take(&s->output));
	if (!right) {
		session_end(s, "the instance's side of the session does not keep to the protocol");
		return;
	}
	if (is_output)
		sot_metric_add(s->link->l->bytes_out, f->n);
	if (f->kind == EXEC_BEGUN)
		s->deadline = reactor_remove(s->deadline);
	send_frame(s->link, s->id, bytes);
	if (f->kind == EXEC_END)
		s->is_told = true;
}

static void on_deadline(void *self, uint64_t missed)
{
	(void)missed;
	session_end(self, "PID 1 of the instance did not answer in time");
}

/* ---- of the gateway ---- */

static sot_code find_place(exec_link *l, const sot_exec_open *m, instance **ret, sot_err *err)
{
	instance *i = reconcile_find(l->a->reconcile, m->instance_id);
	const container_facts *c = i ? instance_container(i) : NULL;
	if (!i)
		return sot_fail(err, SOT_NOT_FOUND, "the instance is not on this host any more");
	if (!c || !c->running || c->pid <= 0)
		return sot_fail(err, SOT_UNAVAILABLE, "the instance does not run; start it first");
	if (c->frozen)
		return sot_fail(err, SOT_UNAVAILABLE, "the instance is frozen; unfreeze it first");
	if (sot_map_count(l->sessions) >= SESSIONS_MAX)
		return sot_fail(err, SOT_LIMIT, "the host has %d sessions already", SESSIONS_MAX);
	if (!sot_str_eq_c(m->account, "admin") && !sot_str_eq_c(m->account, "readonly"))
		return sot_fail(err, SOT_INVALID, "the account is admin or readonly");
	*ret = i;
	return SOT_OK;
}

static sot_code enter(session *s, const instance *i, const sot_exec_open *m, sot_err *err)
{
	static const exec_entry_events events = {.on_frame = on_frame, .on_over = on_over};
	char command[EXEC_COMMAND_MAX + 1], term[EXEC_TERM_MAX + 1];
	exec_frame open = {.kind = EXEC_OPEN,
	    .terminal = m->terminal,
	    .columns = m->terminal ? m->columns : 0,
	    .rows = m->terminal ? m->rows : 0,
	    .account = s->account,
	    .term = term,
	    .command = command};
	sot_code code = sot_str_copy(m->command, command, sizeof(command), err);
	if (code == SOT_OK)
		code = sot_str_copy(m->term, term, sizeof(term), err);
	SOT_FAILPOINT("hostagent.exec.before_enter", err);
	if (code == SOT_OK)
		code = exec_entry_open(
		    s->link->l->a->loop, instance_container(i)->pid, &open, &events, s, &s->entry, err);
	return code;
}

static sot_code begin(gateway_link *link, const sot_exec_open *m, sot_err *err)
{
	exec_link *l = link->l;
	instance *i = NULL;
	sot_code code = find_place(l, m, &i, err);
	if (code != SOT_OK || sot_map_get_uuid(l->sessions, m->session))
		return code; /* twice the same: it runs already */
	session *s = sot_alloc(sizeof(*s));
	s->link = link;
	s->id = m->session;
	(void)snprintf(s->person, sizeof(s->person), "%.*s", SOT_ARG(m->person));
	(void)snprintf(s->account, sizeof(s->account), "%.*s", SOT_ARG(m->account));
	(void)snprintf(s->instance, sizeof(s->instance), "%.*s", SOT_ARG(instance_want(i)->spec.name));
	code = enter(s, i, m, err);
	if (code != SOT_OK) {
		free(s);
		return code;
	}
	s->deadline = reactor_after_ms(l->a->loop, BEGIN_MS, on_deadline, s);
	(void)sot_map_set_uuid(l->sessions, s->id, s);
	sot_metric_set(l->open, (int64_t)sot_map_count(l->sessions));
	sot_metric_add(l->begun, 1);
	sot_log(SOT_INFO, "exec.begun", "instance=%s account=%s person=%s terminal=%d", s->instance,
	    s->account, s->person, m->terminal);
	return SOT_OK;
}

static void on_open(void *self, const void *from, const sot_exec_open *m)
{
	exec_link *l = self;
	gateway_link *link = (gateway_link *)(uintptr_t)from;
	sot_err err = {0};
	if (begin(link, m, &err) == SOT_OK)
		return;
	sot_metric_add(l->refused, 1);
	send_end(link, m->session, EXEC_REFUSED, err.text);
}

static session *session_of(exec_link *l, const void *link, sot_uuid id)
{
	session *s = sot_map_get_uuid(l->sessions, id);
	return s && s->link == link && !s->is_told ? s : NULL;
}

static bool is_right_input(session *s, const exec_frame *f)
{
	switch (f->kind) {
	case EXEC_INPUT:
		return exec_window_take(&s->input);
	case EXEC_CREDIT:
		return exec_window_grant(&s->output, f->number);
	case EXEC_INPUT_END:
	case EXEC_RESIZE:
	case EXEC_SIGNAL:
		return true;
	default:
		return false;
	}
}

static void on_input(void *self, const void *from, const sot_exec_input *m)
{
	session *s = session_of(self, from, m->session);
	exec_frame f;
	if (!s)
		return; /* it ended meanwhile */
	if (!exec_frame_parse(m->frame.p, m->frame.n, &f) || !is_right_input(s, &f))
		session_end(s, "the gateway does not keep to the protocol");
	else if (!exec_entry_send(s->entry, m->frame))
		session_end(s, "the instance takes nothing of the session any more");
	else if (f.kind == EXEC_INPUT)
		sot_metric_add(s->link->l->bytes_in, f.n);
}

static void on_close(void *self, const void *from, const sot_exec_close *m)
{
	session *s = session_of(self, from, m->session);
	if (s)
		session_end(s, NULL);
}

static void on_push(void *self, sot_str frame)
{
	static const sot_exec_replies handlers = {
	    .exec_open = on_open, .exec_input = on_input, .exec_close = on_close};
	gateway_link *link = self;
	sot_err err = {0};
	sot_arena_reset(link->l->arena);
	if (sot_exec_dispatch_reply(&handlers, link->l, link, frame, link->l->arena, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "exec.message", &err, "endpoint=%s", link->endpoint);
}

/* ---- connections ---- */

static void say_hello(gateway_link *link)
{
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_exec_hello m = {.agent_start_id = link->l->a->start_id};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_code code = sot_exec_hello_encode(&m, &frame, &err);
	if (code == SOT_OK && bus_client_is_up(link->client))
		code = bus_client_send(link->client, sot_buf_str(&frame), &err);
	if (code != SOT_OK)
		sot_log_err(SOT_WARN, "exec.hello", &err, "endpoint=%s", link->endpoint);
}

static void on_up(void *self, bool up)
{
	gateway_link *link = self;
	sot_map_iter it = {0};
	sot_log(SOT_INFO, up ? "exec.up" : "exec.down", "endpoint=%s", link->endpoint);
	for (session *s; (s = sot_map_next(link->l->sessions, &it, NULL)) != NULL;)
		if (s->link == link)
			session_end(s, NULL); /* of a connection that was: the gateway ends it too */
	if (up)
		say_hello(link);
}

static void on_timer(void *self, uint64_t missed)
{
	exec_link *l = self;
	(void)missed;
	for (size_t i = 0; i < l->link_count; i++)
		say_hello(&l->links[i]);
}

static void add_link(void *self, const char *endpoint)
{
	exec_link *l = self;
	char path[PLAN_PATH_MAX], server_key[BUS_KEY_TEXT];
	if (l->setup_code != SOT_OK || l->link_count == GATEWAYS_MAX)
		return;
	gateway_link *link = &l->links[l->link_count];
	link->l = l;
	(void)snprintf(link->endpoint, sizeof(link->endpoint), "%s", endpoint);
	(void)snprintf(path, sizeof(path), "%s/api-gateway.pub", l->a->config->keys_dir);
	l->setup_code = bus_public_key_load(path, server_key, &l->setup_err);
	if (l->setup_code == SOT_OK)
		l->setup_code = bus_connect(l->a->bus, "gateway", endpoint, server_key, on_push, on_up,
		    link, &link->client, &l->setup_err);
	if (l->setup_code == SOT_OK)
		l->link_count++;
}

static void make_metrics(exec_link *l)
{
	l->open = sot_gauge("sot_hostagent_exec_sessions", NULL, "Sessions of exec that are open");
	l->begun = sot_counter(
	    "sot_hostagent_exec_sessions_total", "result=\"begun\"", "Sessions that were asked for");
	l->refused = sot_counter(
	    "sot_hostagent_exec_sessions_total", "result=\"refused\"", "Sessions that were asked for");
	l->bytes_in =
	    sot_counter("sot_hostagent_exec_bytes_total", "direction=\"in\"", "Bytes of sessions");
	l->bytes_out =
	    sot_counter("sot_hostagent_exec_bytes_total", "direction=\"out\"", "Bytes of sessions");
}

sot_code exec_link_new(agent *a, exec_link **ret, sot_err *err)
{
	exec_link *l = sot_alloc(sizeof(*l));
	l->a = a;
	l->arena = sot_arena_new(ARENA_MAX);
	l->sessions = sot_map_new();
	make_metrics(l);
	uplink_each_endpoint(a->config->gateway_endpoints, add_link, l);
	if (l->setup_code != SOT_OK) {
		sot_code code = l->setup_code;
		if (err)
			*err = l->setup_err;
		exec_link_free(l);
		return code;
	}
	l->timer = reactor_together_ms(a->loop, a->config->heartbeat_ms, on_timer, l);
	*ret = l;
	return SOT_OK;
}

exec_link *exec_link_free(exec_link *l)
{
	sot_map_iter it = {0};
	if (!l)
		return NULL;
	for (session *s; (s = sot_map_next(l->sessions, &it, NULL)) != NULL;) {
		if (!s->is_told)
			send_end(s->link, s->id, EXEC_BROKEN, "the host's agent stops");
		session_free(s);
	}
	(void)sot_map_free(l->sessions);
	for (size_t i = 0; i < l->link_count; i++)
		l->links[i].client = bus_client_free(l->links[i].client);
	reactor_remove(l->timer);
	sot_arena_free(l->arena);
	free(l);
	return NULL;
}
