/* The agents' side of exec: who is connected, frames to and from their sessions. */
#include "gw_exec_internal.h"

#include "gw_sql.h"
#include "sot_log.h"
#include "sot_proto.h"

#include <stdlib.h>
#include <string.h>

/* ---- hosts ---- */

static void break_sessions(gw_exec *x, sot_uuid host, const char *why)
{
	sot_map_iter it = {0};
	for (exec_session *s; (s = sot_map_next(x->sessions, &it, NULL)) != NULL;)
		if (memcmp(s->host.b, host.b, sizeof(host.b)) == 0 && s->is_open) {
			s->agent_is_done = true;
			exec_break(s, why);
		}
}

static void on_hello(void *self, const void *from_p, const sot_exec_hello *m)
{
	gw_exec *x = self;
	const bus_peer *from = from_p;
	sot_uuid id;
	if (!bus_host_of(from->identity, &id))
		return;
	exec_host *h = sot_map_get_uuid(x->hosts, id);
	if (h == NULL) {
		h = sot_alloc(sizeof(*h));
		h->id = id;
		(void)sot_map_set_uuid(x->hosts, id, h);
		sot_log(SOT_INFO, "exec.host_up", "peer=%s", from->identity);
	} else if (h->start_id != m->agent_start_id || !bus_is_same_peer(&h->peer, from)) {
		break_sessions(x, id, "the host's agent was started again, or its connection was cut");
	}
	h->peer = *from;
	h->start_id = m->agent_start_id;
	h->heard = reactor_now(x->g->loop);
}

void exec_agents_sweep(gw_exec *x)
{
	sot_map_iter it = {0};
	for (exec_host *h; (h = sot_map_next(x->hosts, &it, NULL)) != NULL;) {
		sot_uuid id = h->id;
		if (!sot_mono_reached(
		        reactor_now(x->g->loop), sot_mono_add_ms(h->heard, EXEC_HOST_SILENT_MS)))
			continue;
		(void)sot_map_remove(x->hosts, id.b, sizeof(id.b));
		free(h);
		break_sessions(x, id, "the host's agent is not heard any more");
	}
}

bool exec_agent_is_here(const gw_exec *x, sot_uuid host)
{
	return sot_map_get_uuid(x->hosts, host) != NULL;
}

/* ---- frames ---- */

static bool send_frame(exec_session *s, sot_code code)
{
	gw_exec *x = s->x;
	const exec_host *h = sot_map_get_uuid(x->hosts, s->host);
	sot_err err = {0};
	if (code == SOT_OK && h != NULL)
		code = bus_send(x->server, &h->peer, sot_buf_str(&x->frame), &err);
	if (code == SOT_OK && h != NULL)
		return true;
	sot_log_err(SOT_WARN, "exec.unsent", &err, "session=%s host=%s", s->id_text, s->host_name);
	return false;
}

bool exec_agent_open(exec_session *s)
{
	sot_exec_open m = {.session = s->id,
	    .instance_id = s->instance,
	    .account = sot_str_c(s->account),
	    .person = sot_str_c(s->person),
	    .terminal = s->terminal,
	    .columns = s->columns,
	    .rows = s->rows,
	    .term = sot_str_c(s->term),
	    .command = sot_str_c(s->command)};
	sot_buf_reset(&s->x->frame);
	return send_frame(s, sot_exec_open_encode(&m, &s->x->frame, NULL));
}

bool exec_agent_send(exec_session *s, const uint8_t *bytes, size_t n)
{
	sot_exec_input m = {.session = s->id, .frame = {(const char *)bytes, n}};
	sot_buf_reset(&s->x->frame);
	return send_frame(s, sot_exec_input_encode(&m, &s->x->frame, NULL));
}

void exec_agent_close(exec_session *s)
{
	sot_exec_close m = {.session = s->id};
	sot_buf_reset(&s->x->frame);
	s->agent_is_done = true;
	(void)send_frame(s, sot_exec_close_encode(&m, &s->x->frame, NULL));
}

static void on_output(void *self, const void *from_p, const sot_exec_output *m)
{
	gw_exec *x = self;
	const bus_peer *from = from_p;
	exec_session *s = sot_map_get_uuid(x->sessions, m->session);
	exec_frame f;
	sot_uuid host;
	if (s == NULL || s->agent_is_done || !bus_host_of(from->identity, &host) ||
	    memcmp(host.b, s->host.b, sizeof(host.b)) != 0)
		return;
	bool right = exec_frame_parse(m->frame.p, m->frame.n, &f) && gw_flow_from_agent(s->flow, &f);
	if (!right) {
		exec_break(s, "the host's agent does not keep to the protocol");
		return;
	}
	if (exec_kind_is_data(f.kind))
		s->active_at = reactor_now(x->g->loop);
	if (exec_kind_is_data(f.kind))
		sot_metric_add(x->m_out, f.n);
	s->agent_is_done = f.kind == EXEC_END;
	exec_pump(s);
}

static void on_frame(void *self, const bus_peer *from, sot_str frame)
{
	static const sot_exec_handlers handlers = {.exec_hello = on_hello, .exec_output = on_output};
	gw_exec *x = self;
	sot_err err = {0};
	sot_arena_reset(x->arena);
	if (sot_exec_dispatch(&handlers, x, from, frame, x->arena, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "exec.frame", &err, "peer=%s", from->identity);
}

/* ---- keys ---- */

static void on_keys(void *self, const store_result *res)
{
	gw_exec *x = self;
	(void)host_keys_take(x->roster, &x->keys_stamp, res, NULL);
}

static void on_keys_done(void *self, const store_outcome *outcome)
{
	gw_exec *x = self;
	x->is_reading_keys = false;
	if (outcome->code != SOT_OK)
		sot_log_err(
		    SOT_WARN, "keys.not_read", outcome->why, "allowed=%zu", bus_roster_count(x->roster));
}

void exec_agents_read_keys(gw_exec *x)
{
	sot_err err = {0};
	if (x->is_reading_keys || !store_is_up(x->g->db))
		return;
	store_tx *tx = store_begin_read(x->g->db);
	store_query(tx, GW_SQL_HOST_KEYS, on_keys, x);
	store_arg_c(tx, x->keys_stamp.text);
	x->is_reading_keys = store_commit(&tx, on_keys_done, x, &err) == SOT_OK;
}

/* ---- the part ---- */

sot_code exec_agents_open(gw_exec *x, sot_err *err)
{
	x->roster = bus_roster_new(x->g->bus);
	return bus_listen(
	    x->g->bus, "agents", x->g->config->agents_endpoint, on_frame, x, &x->server, err);
}

void exec_agents_close(gw_exec *x)
{
	sot_map_iter it = {0};
	for (exec_host *h; (h = sot_map_next(x->hosts, &it, NULL)) != NULL;)
		free(h);
	x->server = bus_server_free(x->server);
	x->roster = bus_roster_free(x->roster);
}
