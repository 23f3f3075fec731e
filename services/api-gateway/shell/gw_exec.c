/* Sessions: their rows, their flow, their ends. */
#include "gw_exec_internal.h"

#include "gw_sql.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEP_MS = 1000, DEAD_ROWS_EVERY = 6, ARENA_BYTES = 64 * 1024 };

exec_session *exec_session_new(gw_exec *x)
{
	exec_session *s = sot_alloc(sizeof(*s));
	uint8_t entropy[16];
	sot_rand_bytes(entropy, sizeof(entropy));
	s->x = x;
	s->id = sot_uuid_v7(sot_wall_now(), entropy);
	(void)sot_uuid_format(s->id, s->id_text);
	s->flow = gw_flow_new(s->id_text);
	s->begun_at = s->active_at = s->detached_at = reactor_now(x->g->loop);
	return s;
}

void exec_session_free(exec_session *s)
{
	s->flow = gw_flow_free(s->flow);
	free(s);
}

void exec_session_add(exec_session *s)
{
	gw_exec *x = s->x;
	(void)sot_map_set_uuid(x->sessions, s->id, s);
	sot_metric_set(x->m_open, (int64_t)sot_map_count(x->sessions));
	sot_metric_add(x->m_begun, 1);
	sot_log(SOT_INFO, "exec.begin", "session=%s instance=%s account=%s actor=%s address=%s",
	    s->id_text, s->name, s->account, s->actor, s->peer);
}

size_t exec_sessions_of(const gw_exec *x, const char *person)
{
	sot_map_iter it = {0};
	size_t count = 0;
	for (const exec_session *s; (s = sot_map_next(x->sessions, &it, NULL)) != NULL;)
		count += strcmp(s->person, person) == 0 && !gw_flow_is_over(s->flow);
	return count;
}

bool exec_role_is_enough(const gateway *g, const char *account, gw_role role)
{
	const char *name =
	    strcmp(account, "admin") == 0 ? g->config->ssh_admin_role : g->config->ssh_readonly_role;
	gw_role needed = gw_role_parse(sot_str_c(name));
	return needed != GW_ROLE_PUBLIC && role >= needed;
}

/* ---- the end ---- */

/* A row that could not be ended now is ended when its lease is over. */
static void on_row_ended(void *self, const store_outcome *outcome)
{
	gw_exec *x = self;
	if (outcome->code == SOT_OK)
		gw_hub_poke(x->g->hub);
	else
		sot_log_err(SOT_WARN, "exec.end_untold", outcome->why, "%s", "");
}

static void end_row(exec_session *s)
{
	gw_exec *x = s->x;
	int status = 0;
	const char *text = "";
	sot_err err = {0};
	exec_reason reason = gw_flow_end(s->flow, &status, &text);
	const char *why = reason == EXEC_EXITED      ? "the program exited"
	                  : reason == EXEC_SIGNALLED ? "a signal ended the program"
	                                             : text;
	store_tx *tx = store_begin(x->g->db);
	s->row_is_ended = true;
	store_query(tx, GW_SQL_EXEC_END, NULL, NULL);
	store_arg_uuid(tx, s->id);
	store_arg_c(tx, why);
	store_arg_i64(tx, status);
	if (store_commit(&tx, on_row_ended, x, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "exec.end_untold", &err, "session=%s", s->id_text);
	sot_metric_add(x->m_ended, 1);
	sot_log(SOT_INFO, "exec.end", "session=%s instance=%s actor=%s reason=\"%s\" status=%d",
	    s->id_text, s->name, s->actor, why, status);
}

static void forget(exec_session *s)
{
	gw_exec *x = s->x;
	exec_client *client = s->client;
	s->client = NULL;
	if (client)
		exec_client_dismiss(client, 1000, "the session is over");
	(void)sot_map_remove(x->sessions, s->id.b, sizeof(s->id.b));
	sot_metric_set(x->m_open, (int64_t)sot_map_count(x->sessions));
	exec_session_free(s);
}

/* Of a terminal the end is kept for the client that comes back; nobody comes back for a pipe. */
static bool is_finished(const exec_session *s)
{
	return gw_flow_is_over(s->flow) &&
	       (s->x->ending || gw_flow_is_told(s->flow) || (!s->client && !s->terminal));
}

static void move_to_agent(exec_session *s)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	for (size_t n; s->is_open && (n = gw_flow_for_agent(s->flow, bytes)) > 0;)
		if (!exec_agent_send(s, bytes, n)) {
			gw_flow_break(s->flow, EXEC_BROKEN, "the host's agent is not reached any more");
			s->agent_is_done = true;
		}
}

void exec_pump(exec_session *s)
{
	move_to_agent(s);
	if (gw_flow_is_over(s->flow) && !s->row_is_ended) {
		if (s->is_open && !s->agent_is_done)
			exec_agent_close(s);
		end_row(s);
	}
	if (s->client)
		exec_client_pump(s->client);
	if (is_finished(s))
		forget(s);
}

void exec_break(exec_session *s, const char *why)
{
	gw_flow_break(s->flow, s->is_open ? EXEC_BROKEN : EXEC_REFUSED, why);
	exec_pump(s);
}

/* ---- rights that are taken back ---- */

/* On the app of the session's instance. */
static gw_role role_now(const store_result *res, size_t row)
{
	gw_target reach, target;
	SOT_AUTO(gw_rights)
	r = gw_rights_new(gw_role_parse(store_text(res, row, 1)), store_text(res, row, 4));
	gw_copy_cut(store_text(res, row, 6), reach.team, sizeof(reach.team));
	gw_copy_cut(store_text(res, row, 7), reach.app, sizeof(reach.app));
	gw_copy_cut(store_text(res, row, 8), reach.environment, sizeof(reach.environment));
	gw_rights_narrow(r, gw_role_parse(store_text(res, row, 5)), &reach);
	gw_copy_cut(store_text(res, row, 9), target.app, sizeof(target.app));
	gw_copy_cut(store_text(res, row, 10), target.team, sizeof(target.team));
	gw_copy_cut(store_text(res, row, 11), target.environment, sizeof(target.environment));
	return gw_rights_on(r, &target);
}

static void on_alive(void *self, const store_result *res)
{
	gw_exec *x = self;
	for (size_t row = 0; row < store_rows(res); row++) {
		sot_uuid id;
		bool is_valid = false, is_revoked = true;
		if (store_uuid(res, row, 0, &id, NULL) != SOT_OK ||
		    store_bool(res, row, 2, &is_valid, NULL) != SOT_OK ||
		    store_bool(res, row, 3, &is_revoked, NULL) != SOT_OK)
			continue;
		exec_session *s = sot_map_get_uuid(x->sessions, id);
		gw_role role = role_now(res, row);
		if (s == NULL || s->row_is_ended)
			continue;
		if (is_revoked)
			exec_break(s, "the session was revoked");
		else if (!is_valid)
			exec_break(s, "the log-in or token that began the session is not valid any more");
		else if (!exec_role_is_enough(x->g, s->account, role))
			exec_break(s, "the person may not log in to instances any more");
	}
}

static void on_checked(void *self, const store_outcome *outcome)
{
	gw_exec *x = self;
	x->is_checking = false;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "exec.unchecked", outcome->why, "%s", "");
}

static void add_sessions(gw_exec *x, store_tx *tx)
{
	sot_map_iter it = {0};
	store_arg_array_begin(tx);
	for (exec_session *s; (s = sot_map_next(x->sessions, &it, NULL)) != NULL;)
		store_item_uuid(tx, s->id);
	store_arg_array_end(tx);
	it = (sot_map_iter){0};
	store_arg_array_begin(tx);
	for (exec_session *s; (s = sot_map_next(x->sessions, &it, NULL)) != NULL;)
		store_item_str(tx, sot_str_c(s->credential));
	store_arg_array_end(tx);
}

/* Every so often the rows of gateways that died are ended too. */
static void on_check(void *self, uint64_t missed)
{
	gw_exec *x = self;
	bool has_sessions = sot_map_count(x->sessions) > 0, sweeps = x->checks++ % DEAD_ROWS_EVERY == 0;
	sot_err err = {0};
	(void)missed;
	exec_agents_read_keys(x);
	if (x->is_checking || (!has_sessions && !sweeps))
		return;
	store_tx *tx = store_begin(x->g->db);
	if (has_sessions) {
		store_query(tx, GW_SQL_EXEC_ALIVE, on_alive, x);
		add_sessions(x, tx);
		store_arg_i64(tx, EXEC_LEASE_S);
	}
	if (sweeps)
		store_query(tx, GW_SQL_EXEC_SWEEP, NULL, NULL);
	x->is_checking = store_commit(&tx, on_checked, x, &err) == SOT_OK;
	if (!x->is_checking)
		sot_log_err(SOT_WARN, "exec.unchecked", &err, "%s", "");
}

/* ---- time ---- */

static bool is_past(const gw_exec *x, sot_mono since, int64_t ms)
{
	return sot_mono_reached(reactor_now(x->g->loop), sot_mono_add_ms(since, ms));
}

static void sweep_one(exec_session *s)
{
	gw_exec *x = s->x;
	const gateway_config *config = x->g->config;
	int64_t kept_ms = s->is_open && s->terminal ? config->exec_detached_s * 1000 : 0;
	if (!s->is_open)
		kept_ms = EXEC_UNATTACHED_MS;
	bool is_abandoned = !s->client && is_past(x, s->detached_at, kept_ms);
	if (is_abandoned)
		s->terminal = false; /* nobody is waited for any more */
	if (is_abandoned)
		exec_break(s, "the client is gone");
	else if (is_past(x, s->begun_at, config->exec_session_s * 1000))
		exec_break(s, "the longest time of a session is over");
	else if (is_past(x, s->active_at, config->exec_idle_s * 1000))
		exec_break(s, "nothing moved in the session for too long");
}

static void on_sweep(void *self, uint64_t missed)
{
	gw_exec *x = self;
	sot_map_iter it = {0};
	(void)missed;
	exec_agents_sweep(x);
	exec_clients_sweep(x);
	for (exec_session *s; (s = sot_map_next(x->sessions, &it, NULL)) != NULL;)
		sweep_one(s);
}

void gw_exec_end_all(gw_exec *x)
{
	sot_map_iter it = {0};
	for (exec_session *s; (s = sot_map_next(x->sessions, &it, NULL)) != NULL;) {
		s->terminal = false;
		exec_break(s, "the gateway stops; begin again, on another one");
	}
}

/* ---- the part ---- */

static void make_metrics(gw_exec *x)
{
	x->m_open = sot_gauge("sot_gateway_exec_sessions", NULL, "Exec sessions and consoles");
	x->m_begun = sot_counter("sot_gateway_exec_sessions_total", "what=\"begun\"", "Exec sessions");
	x->m_ended = sot_counter("sot_gateway_exec_sessions_total", "what=\"ended\"", "Exec sessions");
	x->m_in =
	    sot_counter("sot_gateway_exec_bytes_total", "direction=\"in\"", "Bytes of exec sessions");
	x->m_out =
	    sot_counter("sot_gateway_exec_bytes_total", "direction=\"out\"", "Bytes of exec sessions");
}

sot_code gw_exec_new(gateway *g, gw_exec **ret, sot_err *err)
{
	gw_exec *x = sot_alloc(sizeof(*x));
	x->g = g;
	x->hosts = sot_map_new();
	x->sessions = sot_map_new();
	x->arena = sot_arena_new(ARENA_BYTES);
	sot_list_init(&x->clients);
	sot_buf_init(&x->frame, SOT_WIRE_FRAME_MAX);
	make_metrics(x);
	sot_code code = exec_agents_open(x, err);
	if (code != SOT_OK) {
		(void)gw_exec_free(x);
		return code;
	}
	x->sweep = reactor_every_ms(g->loop, SWEEP_MS, on_sweep, x);
	x->check = reactor_every_ms(g->loop, g->config->exec_check_ms, on_check, x);
	*ret = x;
	return SOT_OK;
}

gw_exec *gw_exec_free(gw_exec *x)
{
	sot_map_iter it = {0};
	if (x == NULL)
		return NULL;
	x->ending = true;
	reactor_remove(x->sweep);
	reactor_remove(x->check);
	gw_exec_end_all(x);
	for (exec_session *s; (s = sot_map_next(x->sessions, &it, NULL)) != NULL;)
		forget(s);
	exec_clients_close(x);
	exec_agents_close(x);
	if (x->g->db != NULL)
		store_forget(x->g->db, x);
	(void)sot_map_free(x->sessions);
	(void)sot_map_free(x->hosts);
	sot_arena_free(x->arena);
	sot_buf_clear(&x->frame);
	free(x);
	return NULL;
}
