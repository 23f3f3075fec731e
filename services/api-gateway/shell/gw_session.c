/* Log in, log out, who am I. Passwords are checked on the work queue; every refused log-in is an
 * audit row, and an address or an account has a bounded number of tries. */
#include "gateway.h"

#include "gw_text.h"

#include "gw_command.h"
#include "gw_oidc.h"
#include "gw_password.h"
#include "gw_sql.h"
#include "sot_failpoint.h"
#include "sot_log.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

typedef struct login {
	gw_call *call; /* NULL when the request is over before the work is */
	bool working;
	char name[64], password[257], hash[GW_PASSWORD_HASH_MAX];
	gw_role role;
	bool fits;
	char session[65], csrf[65];
} login;

static void login_release(login *l)
{
	gnutls_memset(l->password, 0, sizeof(l->password));
	free(l);
}

static void login_free(void *state)
{
	login *l = state;
	l->call = NULL;
	if (!l->working)
		login_release(l);
}

static void on_audit(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_ERROR, "audit.lost", outcome->why, "action=session.create");
}

void session_note_refusal(gw_call *c, const char *name)
{
	store_tx *tx = store_begin(c->g->db);
	char actor[80];
	sot_err err = {0};
	(void)snprintf(actor, sizeof(actor), "user:%s", name);
	store_query(tx, GW_SQL_AUDIT_ADD, NULL, NULL);
	store_arg_c(tx, actor);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
	store_arg_c(tx, "session.create");
	store_arg_c(tx, name);
	store_arg_c(tx, "refused");
	store_arg_c(tx, "{}");
	if (store_commit(&tx, on_audit, c->g, &err) != SOT_OK)
		sot_log_err(SOT_ERROR, "audit.lost", &err, "action=session.create");
}

static void refuse(gw_call *c, const char *name)
{
	sot_metric_add(c->g->logins_refused, 1);
	sot_log(SOT_WARN, "login.refused", "source=%s request_id=%s", gw_request_peer(c->http),
	    c->request_id);
	session_note_refusal(c, name);
	call_problem(c, 401, "unauthenticated", "the name or the password is wrong");
}

static void on_session_row(void *self, const store_result *res)
{
	gw_call *c = self;
	const login *l = c->state;
	sot_buf_printf(&c->rows, "{\"name\":\"%s\",\"role\":\"%s\",\"csrfToken\":\"%s\",", l->name,
	    l->role < GW_ROLE_VIEWER ? "none" : gw_role_name(l->role), l->csrf);
	sot_buf_printf(&c->rows, "\"expiresAt\":\"%.*s\"}\n", SOT_ARG(store_text(res, 0, 0)));
}

void session_cookie(gw_call *c, const char *session, char ret[200])
{
	(void)snprintf(ret, 200,
	    GW_COOKIE_NAME "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%lld", session,
	    (long long)c->g->config->session_hours * 3600);
}

static void on_session_stored(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const login *l = c->state;
	gw_reply *reply;
	char cookie[200];
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	reply = gw_reply_bytes(201, "application/json", sot_buf_str(&c->rows));
	session_cookie(c, l->session, cookie);
	gw_reply_header(reply, "Set-Cookie", cookie);
	gw_reply_header(reply, "Cache-Control", "no-store");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

static void make_session(gw_call *c, login *l)
{
	store_tx *tx = store_begin(c->g->db);
	uint8_t digest[GW_SHA256_N];
	sot_err err = {0};
	call_random_hex(l->session, 32);
	call_random_hex(l->csrf, 32);
	call_sha256(sot_str_c(l->session), digest);
	store_query(tx, GW_SQL_SESSION_SWEEP, NULL, NULL);
	store_query(tx, GW_SQL_SESSION_ADD, on_session_row, c);
	store_arg_bytes(tx, (sot_str){(const char *)digest, sizeof(digest)});
	store_arg_c(tx, l->csrf);
	store_arg_c(tx, l->name);
	store_arg_i64(tx, c->g->config->session_hours * 3600);
	store_arg_c(tx, gw_request_peer(c->http));
	if (store_commit(&tx, on_session_stored, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void check_password(void *arg)
{
	login *l = arg;
	l->fits = gw_password_fits(l->password, l->hash);
}

static void on_checked(void *arg)
{
	login *l = arg;
	l->working = false;
	if (l->call == NULL) {
		login_release(l);
		return;
	}
	SOT_FAILPOINT_HIT("gateway.login.after_check");
	if (l->fits)
		make_session(l->call, l);
	else
		refuse(l->call, l->name);
}

static void on_account(void *self, const store_result *res)
{
	gw_call *c = self;
	login *l = c->state;
	if (store_rows(res) != 1)
		return;
	gw_copy_cut(store_text(res, 0, 0), l->hash, sizeof(l->hash));
	l->role = gw_role_parse(store_text(res, 0, 1));
}

static void on_account_done(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	login *l = c->state;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	l->working = true;
	reactor_queue_work(c->g->loop, check_password, on_checked, l);
}

static bool may_try(gw_call *c, sot_str name)
{
	sot_mono now = reactor_now(c->g->loop);
	int64_t wait_ms = 0;
	if (gw_bucket_take(c->g->login_addresses, sot_str_c(gw_request_peer(c->http)), now, &wait_ms) &&
	    gw_bucket_take(c->g->login_accounts, name, now, &wait_ms))
		return true;
	call_too_many(
	    c, wait_ms, "too many log-ins from this address or to this account; wait, then try again");
	return false;
}

static void begin(gw_call *c, const json_t *body)
{
	sot_str name = gw_json_text(body, "name"), password = gw_json_text(body, "password");
	store_tx *tx;
	sot_err err = {0};
	login *l;
	if (!may_try(c, name))
		return;
	l = c->state = sot_alloc(sizeof(*l));
	c->state_free = login_free;
	l->call = c;
	gw_copy_cut(name, l->name, sizeof(l->name));
	gw_copy_cut(password, l->password, sizeof(l->password));
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_ACCOUNT_GET, on_account, c);
	store_arg_str(tx, name);
	if (store_commit(&tx, on_account_done, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* ---- a code of a log-in at the OpenID provider, for the command line ---- */
static void on_redeemed_row(void *self, const store_result *res)
{
	gw_call *c = self;
	login *l = c->state;
	if (store_rows(res) != 1)
		return;
	gw_copy_cut(store_text(res, 0, 0), l->name, sizeof(l->name));
	gw_copy_cut(store_text(res, 0, 2), l->csrf, sizeof(l->csrf));
	l->role = gw_role_parse(store_text(res, 0, 1));
	l->fits = true;
	sot_buf_printf(&c->rows, "{\"name\":\"%s\",\"role\":\"%s\",\"csrfToken\":\"%s\",", l->name,
	    l->role < GW_ROLE_VIEWER ? "none" : gw_role_name(l->role), l->csrf);
	sot_buf_printf(&c->rows, "\"expiresAt\":\"%.*s\"}\n", SOT_ARG(store_text(res, 0, 3)));
}

static void on_redeemed(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const login *l = c->state;
	if (outcome->code == SOT_OK && !l->fits) {
		call_problem(c, 401, "unauthenticated", "this log-in is over; begin again");
		return;
	}
	if (outcome->code == SOT_OK)
		sot_log(SOT_INFO, "login.done", "via=code account=%s source=%s", l->name,
		    gw_request_peer(c->http));
	on_session_stored(c, outcome);
}

static void redeem(gw_call *c, sot_str code, sot_str verifier)
{
	sot_err err = {0};
	uint8_t digest[GW_SHA256_N];
	int64_t wait_ms = 0;
	store_tx *tx;
	login *l = c->state = sot_alloc(sizeof(*l));
	c->state_free = login_free;
	l->call = c;
	if (!gw_bucket_take(c->g->login_addresses, sot_str_c(gw_request_peer(c->http)),
	        reactor_now(c->g->loop), &wait_ms)) {
		call_too_many(c, wait_ms, "too many log-ins from this address; wait, then try again");
		return;
	}
	if (gw_oidc_code_read(c->g->seal_key, code, verifier, reactor_wall(c->g->loop).unix_ms / 1000,
	        l->session, &err) != SOT_OK) {
		sot_metric_add(c->g->logins_refused, 1);
		sot_log(SOT_WARN, "login.refused", "via=code source=%s request_id=%s",
		    gw_request_peer(c->http), c->request_id);
		call_problem(c, 401, "unauthenticated", "%s", err.text);
		return;
	}
	call_sha256(sot_str_c(l->session), digest);
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_SESSION_REDEEM, on_redeemed_row, c);
	store_arg_bytes(tx, (sot_str){(const char *)digest, sizeof(digest)});
	if (store_commit(&tx, on_redeemed, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* By a password, or by a code; not both, and not half of one. */
static void begin_by(gw_call *c, const json_t *body)
{
	bool by_password = json_object_get(body, "name") && json_object_get(body, "password");
	bool by_code = json_object_get(body, "code") && json_object_get(body, "verifier");
	if (json_object_size(body) != 2 || by_password == by_code)
		call_problem(c, 400, "invalid",
		    "the body must be {\"name\": ..., \"password\": ...}, or {\"code\": ..., \"verifier\": "
		    "...} of a log-in at the OpenID provider");
	else if (by_password)
		begin(c, body);
	else
		redeem(c, gw_json_text(body, "code"), gw_json_text(body, "verifier"));
}

void serve_session_create(gw_call *c)
{
	size_t count = 0;
	const gw_field *fields = gw_command_fields(GW_ROUTE_session_create, &count);
	gw_json_errors errors = {0};
	json_t *body = NULL;
	gw_problem p = {.status = 400, .code = "invalid", .errors = &errors};
	if (gw_json_read(gw_request_body(c->http), fields, count, &body, &errors) != SOT_OK) {
		p.detail = SOT_STR("the body must be {\"name\": ..., \"password\": ...}");
		call_problem_full(c, &p);
		return;
	}
	begin_by(c, body);
	json_decref(body);
}

static void on_dropped(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	gw_reply *reply;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	gw_auth_forget(c->g->auth, &c->caller);
	reply = gw_reply_bytes(204, NULL, (sot_str){0});
	gw_reply_header(reply, "Set-Cookie",
	    GW_COOKIE_NAME "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

void serve_session_delete(gw_call *c)
{
	store_tx *tx;
	sot_err err = {0};
	if (c->caller.csrf[0] == '\0') {
		call_problem(c, 400, "invalid", "a token has no session that could be ended");
		return;
	}
	tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_SESSION_DROP, NULL, NULL);
	store_arg_bytes(
	    tx, (sot_str){(const char *)c->caller.session_sha256, sizeof(c->caller.session_sha256)});
	if (store_commit(&tx, on_dropped, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_me_get(gw_call *c)
{
	sot_buf_printf(&c->rows,
	    "{\"name\":\"%s\",\"role\":\"%s\",\"actor\":\"%s\",\"csrfToken\":", c->caller.name,
	    c->caller.role < GW_ROLE_VIEWER ? "none" : gw_role_name(c->caller.role), c->caller.actor);
	if (c->caller.csrf[0] != '\0')
		sot_buf_add_json(&c->rows, sot_str_c(c->caller.csrf));
	else
		sot_buf_add_c(&c->rows, "null");
	sot_buf_add_c(&c->rows, "}\n");
	call_json(c, 200, sot_buf_str(&c->rows));
}
