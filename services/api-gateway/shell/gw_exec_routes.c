/* GET /v1/instances/{name}/exec and /v1/exec/{session}: who may, then a WebSocket. The same request
 * without `Upgrade` answers what a WebSocket's client cannot show: the reason why not, or 426. */
#include "gw_exec_internal.h"

#include "gw_sql.h"
#include "gw_ssh.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_parse.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A request on its way to a session. */
typedef struct wish {
	exec_session *session; /* owned until it is added */
	char state[32];
	bool found, begun;
} wish;

static void wish_free(void *self)
{
	wish *w = self;
	if (w->session != NULL)
		exec_session_free(w->session);
	free(w);
}

/* ---- the handshake ---- */

/* Whether a comma list has the word. */
static bool has_word(sot_str list, const char *word)
{
	while (list.n > 0) {
		sot_str item = sot_str_cut(list, ',', &list);
		while (item.n > 0 && item.p[0] == ' ')
			item = (sot_str){item.p + 1, item.n - 1};
		while (item.n > 0 && item.p[item.n - 1] == ' ')
			item.n--;
		if (item.n == strlen(word) && strncasecmp(item.p, word, item.n) == 0)
			return true;
	}
	return false;
}

/* A browser sends its cookie with whatever page opens a WebSocket; only a page of this site knows
 * the token, which it offers as a sub-protocol, as it can set no header. */
static bool is_own_page(gw_call *c, sot_str protocols)
{
	char word[80];
	(void)snprintf(word, sizeof(word), "csrf.%s", c->caller.csrf);
	return call_is_same_site(c, false) && has_word(protocols, word);
}

static bool is_handshake(gw_call *c)
{
	char accept[WEBSOCKET_ACCEPT_TEXT];
	sot_str protocols = gw_request_header(c->http, "Sec-WebSocket-Protocol");
	if (!has_word(gw_request_header(c->http, "Upgrade"), "websocket")) {
		call_problem(c, 426, "upgrade_required",
		    "this would begin now; it is a WebSocket: use `sotalia exec` or the console of the UI");
		return false;
	}
	if (!sot_str_eq_c(gw_request_header(c->http, "Sec-WebSocket-Version"), "13") ||
	    !has_word(gw_request_header(c->http, "Connection"), "upgrade") ||
	    !has_word(protocols, "sotalia.exec") ||
	    !websocket_accept(gw_request_header(c->http, "Sec-WebSocket-Key"), accept)) {
		call_problem(c, 400, "invalid",
		    "no WebSocket handshake of version 13 that offers the sub-protocol 'sotalia.exec'");
		return false;
	}
	if (c->caller.csrf[0] != '\0' && !is_own_page(c, protocols)) {
		call_problem(c, 403, "denied",
		    "with a cookie this needs the sub-protocol 'csrf.<token>' with the token of GET "
		    "/v1/me, "
		    "from a page of this site");
		return false;
	}
	return true;
}

/* ---- a new session ---- */

static sot_code read_number(gw_call *c, const char *name, uint16_t otherwise, uint16_t *ret)
{
	char text[16];
	uint64_t n = otherwise;
	if (call_query(c, name, text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	if (text[0] != '\0' && sot_parse_u64(sot_str_c(text), 1, EXEC_SIDE_MAX, &n, NULL) != SOT_OK) {
		call_problem(
		    c, 400, "invalid", "query parameter '%s' must be 1 to %d", name, EXEC_SIDE_MAX);
		return SOT_INVALID;
	}
	*ret = (uint16_t)n;
	return SOT_OK;
}

static sot_code read_flag(gw_call *c, const char *name, bool *ret)
{
	char text[8];
	if (call_query(c, name, text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	*ret = strcmp(text, "true") == 0;
	if (*ret || text[0] == '\0' || strcmp(text, "false") == 0)
		return SOT_OK;
	call_problem(c, 400, "invalid", "query parameter '%s' must be true or false", name);
	return SOT_INVALID;
}

static sot_code read_wish(gw_call *c, exec_session *s)
{
	if (call_query(c, "account", s->account, sizeof(s->account)) != SOT_OK ||
	    call_query(c, "term", s->term, sizeof(s->term)) != SOT_OK ||
	    call_query(c, "command", s->command, sizeof(s->command)) != SOT_OK ||
	    read_flag(c, "terminal", &s->terminal) != SOT_OK ||
	    read_number(c, "columns", 80, &s->columns) != SOT_OK ||
	    read_number(c, "rows", 24, &s->rows) != SOT_OK)
		return SOT_INVALID;
	if (s->account[0] == '\0')
		(void)snprintf(s->account, sizeof(s->account), "admin");
	if (!s->terminal)
		s->columns = s->rows = 0;
	if (strcmp(s->account, "admin") != 0 && strcmp(s->account, "readonly") != 0) {
		call_problem(c, 400, "invalid", "query parameter 'account' must be admin or readonly");
		return SOT_INVALID;
	}
	if (!s->terminal && s->command[0] == '\0') {
		call_problem(c, 400, "invalid", "without a terminal a command is needed");
		return SOT_INVALID;
	}
	return SOT_OK;
}

static void name_person(gw_call *c, exec_session *s)
{
	char hex[2 * GW_SHA256_N + 1];
	(void)snprintf(s->person, sizeof(s->person), "%s", c->caller.name);
	(void)snprintf(s->actor, sizeof(s->actor), "%s", c->caller.actor);
	(void)snprintf(s->peer, sizeof(s->peer), "%s", gw_request_peer(c->http));
	(void)snprintf(s->request_id, sizeof(s->request_id), "%s", c->request_id);
	(void)snprintf(s->kind, sizeof(s->kind), "%s", c->caller.csrf[0] != '\0' ? "console" : "exec");
	if (c->caller.csrf[0] != '\0') {
		sot_hex_encode(c->caller.session_sha256, GW_SHA256_N, hex);
		(void)snprintf(s->credential, sizeof(s->credential), "cookie:%s", hex);
	} else {
		(void)snprintf(s->credential, sizeof(s->credential), "token:%s", c->caller.token_id);
	}
}

static void on_begun(void *self, const store_result *res)
{
	wish *w = self;
	if (store_rows(res) == 1 && store_bool(res, 0, 0, &w->begun, NULL) != SOT_OK)
		w->begun = false;
}

static void on_committed(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	wish *w = c->state;
	exec_session *s = w->session;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (!w->begun) {
		call_problem(c, 404, "not_found", "the instance is gone");
		return;
	}
	SOT_FAILPOINT_HIT("gateway.exec.after_row");
	gw_hub_poke(c->g->hub);
	w->session = NULL;
	exec_session_add(s);
	exec_client_upgrade(c, s, 0);
}

static void write_row(gw_call *c, wish *w)
{
	const exec_session *s = w->session;
	sot_err err = {0};
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_EXEC_BEGIN, on_begun, w);
	store_arg_uuid(tx, s->id);
	store_arg_c(tx, s->kind);
	store_arg_uuid(tx, s->instance);
	store_arg_c(tx, s->person);
	store_arg_c(tx, s->actor);
	store_arg_c(tx, s->account);
	store_arg_c(tx, s->peer);
	store_arg_c(tx, s->request_id);
	store_arg_c(tx, s->command);
	store_arg_i64(tx, EXEC_LEASE_S);
	if (store_commit(&tx, on_committed, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* Whether it could begin now; else the reason was answered. */
static bool has_room(gw_call *c, const wish *w)
{
	const exec_session *s = w->session;
	gw_exec *x = s->x;
	if (!w->found)
		call_problem(c, 404, "not_found", "there is no instance '%s'", c->match.params[0]);
	else if (strcmp(w->state, "running") != 0)
		call_problem(
		    c, 409, "blocked", "%s does not run (it is %s); start it first", s->name, w->state);
	else if (!exec_agent_is_here(x, s->host))
		call_problem(c, 503, "unavailable",
		    "the agent of host %s is not connected to this gateway; try again", s->host_name);
	else if (sot_map_count(x->sessions) >= (size_t)c->g->config->exec_sessions_max)
		call_problem(c, 429, "limit", "this gateway has %lld sessions already",
		    (long long)c->g->config->exec_sessions_max);
	else if (exec_sessions_of(x, s->person) >= (size_t)c->g->config->exec_person_max)
		call_problem(c, 429, "limit", "%s has %lld sessions already; end one of them", s->person,
		    (long long)c->g->config->exec_person_max);
	else
		return true;
	return false;
}

static void on_place(void *self, const store_result *res)
{
	wish *w = self;
	exec_session *s = w->session;
	if (store_rows(res) != 1 || store_uuid(res, 0, 0, &s->instance, NULL) != SOT_OK)
		return;
	w->found = true;
	gw_copy_cut(store_text(res, 0, 1), s->name, sizeof(s->name));
	gw_copy_cut(store_text(res, 0, 2), w->state, sizeof(w->state));
	gw_copy_cut(store_text(res, 0, 4), s->host_name, sizeof(s->host_name));
	if (!store_is_null(res, 0, 3) && store_uuid(res, 0, 3, &s->host, NULL) != SOT_OK)
		w->found = false;
}

static void on_found(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	wish *w = c->state;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (has_room(c, w) && is_handshake(c))
		write_row(c, w);
}

void serve_exec_begin(gw_call *c)
{
	wish *w = c->state = sot_alloc(sizeof(*w));
	sot_err err = {0};
	w->session = exec_session_new(c->g->exec);
	c->state_free = wish_free;
	if (read_wish(c, w->session) != SOT_OK || !ssh_may(c, sot_str_c(w->session->account)))
		return;
	name_person(c, w->session);
	store_tx *tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_EXEC_INSTANCE, on_place, w);
	store_arg_c(tx, c->match.params[0]);
	if (store_commit(&tx, on_found, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* ---- back to one ---- */

void serve_exec_attach(gw_call *c)
{
	char text[24];
	uint64_t after = 0;
	sot_uuid id;
	exec_session *s = NULL;
	if (call_query(c, "after", text, sizeof(text)) != SOT_OK)
		return;
	if (text[0] != '\0' && sot_parse_u64(sot_str_c(text), 0, UINT64_MAX, &after, NULL) != SOT_OK) {
		call_problem(c, 400, "invalid", "query parameter 'after' must be a number");
		return;
	}
	if (sot_uuid_parse(sot_str_c(c->match.params[0]), &id, NULL) == SOT_OK)
		s = sot_map_get_uuid(c->g->exec->sessions, id);
	if (s == NULL || strcmp(s->person, c->caller.name) != 0) {
		call_problem(c, 404, "not_found",
		    "this gateway has no such session of yours; it is over, or was not kept any longer");
		return;
	}
	if (is_handshake(c))
		exec_client_upgrade(c, s, after);
}
