/* The client's side of exec: one WebSocket connection, to a session while there is one. */
#include "gw_exec_internal.h"

#include "sot_log.h"

#include <stdlib.h>
#include <string.h>

enum { QUEUED_MAX = 32 * 1024, PING_MS = 20000, SILENT_MS = 65000, CLOSE_MS = 5000 };

struct exec_client {
	sot_link link;
	gw_exec *x;
	exec_session *session; /* NULL: the connection is only closed yet */
	gw_upgraded *upgraded;
	reactor_watch *watch;
	websocket *ws;
	bool more; /* was not read, and TLS may hold it where no descriptor shows it */
	sot_mono heard, pinged, dismissed;
	bool is_over; /* the connection; freed at the end of the turn */
};

/* What waits between the decision and the open connection. The session may be gone meanwhile. */
typedef struct opening {
	gw_exec *x;
	sot_uuid session;
	uint64_t after;
} opening;

static void client_free(void *self)
{
	exec_client *k = self;
	reactor_undefer(k->x->g->loop, k);
	sot_list_remove(&k->link);
	reactor_remove(k->watch);
	(void)websocket_free(k->ws);
	(void)gw_upgraded_close(k->upgraded);
	free(k);
}

/* The connection is gone. The session of a terminal is kept for a while, any other is over. */
static void over(exec_client *k)
{
	exec_session *s = k->session;
	if (k->is_over)
		return;
	k->is_over = true;
	k->session = NULL;
	k->watch = reactor_remove(k->watch);
	reactor_defer(k->x->g->loop, client_free, k);
	if (s == NULL)
		return;
	s->client = NULL;
	s->detached_at = reactor_now(k->x->g->loop);
	gw_flow_detach(s->flow);
	if (s->terminal && s->is_open)
		exec_pump(s);
	else
		exec_break(s, "the client is gone");
}

static ssize_t read_some(void *self, void *dst, size_t n)
{
	return gw_upgraded_read(((exec_client *)self)->upgraded, dst, n);
}

static ssize_t write_some(void *self, const void *src, size_t n)
{
	return gw_upgraded_write(((exec_client *)self)->upgraded, src, n);
}

static void on_message(void *self, sot_str message)
{
	exec_client *k = self;
	exec_session *s = k->session;
	exec_frame f;
	if (s == NULL || s->client != k)
		return;
	if (!exec_frame_parse(message.p, message.n, &f) || !gw_flow_from_client(s->flow, &f)) {
		websocket_close(k->ws, 1008, "no frame of an exec session, or more than was agreed");
		gw_flow_break(s->flow, EXEC_BROKEN, "the client does not keep to the protocol");
		return;
	}
	s->active_at = reactor_now(k->x->g->loop);
	if (f.kind == EXEC_INPUT)
		sot_metric_add(k->x->m_in, f.n);
}

/* Writable, too, when more is to be read: that comes at once. */
static void want(exec_client *k)
{
	bool at_once = websocket_queued(k->ws) > 0 || k->more;
	reactor_want(k->watch, REACTOR_READ | (at_once ? REACTOR_WRITE : 0));
}

static void flush(exec_client *k)
{
	if (k->is_over)
		return;
	if (!websocket_flush(k->ws))
		over(k);
	else
		want(k);
}

void exec_client_pump(exec_client *k)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	while (k->session != NULL && websocket_queued(k->ws) < QUEUED_MAX) {
		size_t n = gw_flow_for_client(k->session->flow, bytes);
		if (n == 0 || !websocket_send(k->ws, bytes, n))
			break;
	}
	/* What is sent here must not end the session under the caller's feet. */
	want(k);
}

static void on_ready(void *self, int fd, int events)
{
	exec_client *k = self;
	(void)fd;
	bool may_read = (events & (REACTOR_READ | REACTOR_ERROR)) != 0 || k->more;
	if (may_read && !websocket_receive(k->ws, &k->more)) {
		over(k);
		return;
	}
	if (websocket_heard(k->ws))
		k->heard = reactor_now(k->x->g->loop);
	flush(k);
	if (!k->is_over && k->session != NULL)
		exec_pump(k->session);
}

void exec_client_dismiss(exec_client *k, unsigned code, const char *why)
{
	k->session = NULL;
	k->dismissed = reactor_now(k->x->g->loop);
	websocket_close(k->ws, code, why);
	if (!k->is_over)
		reactor_want(k->watch, REACTOR_READ | REACTOR_WRITE);
}

/* ---- the beginning ---- */

static void attach(exec_client *k, exec_session *s, uint64_t after)
{
	if (s->client != NULL)
		exec_client_dismiss(s->client, 4000, "the session is shown elsewhere now");
	s->client = k;
	k->session = s;
	gw_flow_attach(s->flow, after);
	if (s->is_open)
		return;
	s->is_open = true;
	if (!exec_agent_open(s)) {
		s->agent_is_done = true;
		gw_flow_break(s->flow, EXEC_REFUSED, "the host's agent is not reached; try again");
	}
}

static void on_open(void *self, gw_upgraded *u)
{
	static const websocket_events events = {
	    .read = read_some, .write = write_some, .on_message = on_message};
	opening *o = self;
	gw_exec *x = o->x;
	exec_client *k = sot_alloc(sizeof(*k));
	exec_session *s = sot_map_get_uuid(x->sessions, o->session);
	k->x = x;
	k->upgraded = u;
	k->ws = websocket_new(true, EXEC_FRAME_MAX, &events, k);
	k->heard = k->pinged = reactor_now(x->g->loop);
	sot_list_init(&k->link);
	sot_list_push(&x->clients, &k->link);
	k->more = true;
	k->watch =
	    reactor_add_fd(x->g->loop, gw_upgraded_fd(u), REACTOR_READ | REACTOR_WRITE, on_ready, k);
	if (s != NULL)
		attach(k, s, o->after);
	else
		exec_client_dismiss(k, 4001, "the session is over");
}

/* The word of the offered sub-protocols that is chosen. */
static const char protocol[] = "sotalia.exec";

void exec_client_upgrade(gw_call *c, const exec_session *s, uint64_t after)
{
	char accept[WEBSOCKET_ACCEPT_TEXT];
	opening *o = sot_alloc(sizeof(*o));
	*o = (opening){.x = c->g->exec, .session = s->id, .after = after};
	if (c->state_free != NULL)
		c->state_free(c->state);
	c->state = o;
	c->state_free = free;
	(void)websocket_accept(gw_request_header(c->http, "Sec-WebSocket-Key"), accept);
	SOT_AUTO_BUF head;
	sot_buf_init(&head, 1024);
	sot_buf_printf(&head,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\nX-Request-Id: %s\r\n\r\n",
	    accept, protocol, c->request_id);
	sot_metric_add(c->g->answers[1], 1);
	gw_request_upgrade(c->http, sot_buf_str(&head), on_open, o);
}

/* ---- time ---- */

static bool is_past(const exec_client *k, sot_mono since, int64_t ms)
{
	return sot_mono_reached(reactor_now(k->x->g->loop), sot_mono_add_ms(since, ms));
}

/* Pings keep proxies from closing what is idle, and tell a connection that is only half there. */
static void sweep_one(exec_client *k)
{
	if (is_past(k, k->heard, SILENT_MS) ||
	    (k->session == NULL && is_past(k, k->dismissed, CLOSE_MS))) {
		over(k);
		return;
	}
	if (k->session != NULL && is_past(k, k->pinged, PING_MS)) {
		k->pinged = reactor_now(k->x->g->loop);
		(void)websocket_ping(k->ws);
		flush(k);
	}
}

void exec_clients_sweep(gw_exec *x)
{
	for (sot_link *l = x->clients.next, *next; l != &x->clients; l = next) {
		exec_client *k = SOT_CONTAINER(l, exec_client, link);
		next = l->next;
		if (!k->is_over)
			sweep_one(k);
	}
}

/* What is queued is sent as far as it goes. */
void exec_clients_close(gw_exec *x)
{
	while (!sot_list_empty(&x->clients)) {
		exec_client *k = SOT_CONTAINER(x->clients.next, exec_client, link);
		(void)websocket_flush(k->ws);
		client_free(k);
	}
}
