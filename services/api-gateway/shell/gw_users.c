/* Users, their grants, tokens and passwords: rows of the gateway; what rights mean is gw_rights.h.
 */
#include "gw_own.h"

#include "gw_command.h"
#include "gw_sql.h"
#include "gw_text.h"

#include <string.h>

#define TOKEN_DAYS 90

/* ---- users ---- */
static void write_created(gw_call *c)
{
	const own_change *ch = c->state;
	store_tx *tx = own_call(c, GW_SQL_USER_CREATE);
	store_arg_c(tx, ch->resource);
	store_arg_c(tx, ch->other);
	store_arg_c(tx, ch->hash);
	own_send(c, tx);
}

static void hash_then(gw_call *c, const json_t *body, void (*go_on)(gw_call *c))
{
	own_change *ch = c->state;
	sot_str password = gw_json_text(body, "password");
	gw_copy_cut(gw_json_text(body, "role"), ch->other, sizeof(ch->other));
	ch->go_on = go_on;
	if (password.n == 0) {
		go_on(c);
		return;
	}
	gw_copy_cut(password, ch->password, sizeof(ch->password));
	own_hash(c);
}

void serve_user_create(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	own_change *ch = own_begin(c, "");
	gw_copy_cut(gw_json_text(body, "name"), ch->resource, sizeof(ch->resource));
	hash_then(c, body, write_created);
	json_decref(body);
}

static void write_updated(gw_call *c)
{
	own_change *ch = c->state;
	store_tx *tx = own_call(c, GW_SQL_USER_UPDATE);
	store_arg_c(tx, ch->resource);
	store_arg_c(tx, ch->other);
	store_arg_c(tx, ch->secret); /* "true", "false" or "": of `disabled` */
	store_arg_c(tx, ch->hash);
	ch->secret[0] = '\0';
	own_send(c, tx);
}

void serve_user_update(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	own_change *ch = own_begin(c, c->match.params[0]);
	const json_t *disabled = json_object_get(body, "disabled");
	if (disabled != NULL)
		(void)snprintf(
		    ch->secret, sizeof(ch->secret), "%s", json_is_true(disabled) ? "true" : "false");
	hash_then(c, body, write_updated);
	json_decref(body);
}

static void act_on(gw_call *c, int statement)
{
	(void)own_begin(c, c->match.params[0]);
	store_tx *tx = own_call(c, statement);
	store_arg_c(tx, c->match.params[0]);
	own_send(c, tx);
}

void serve_user_delete(gw_call *c)
{
	act_on(c, GW_SQL_USER_DELETE);
}

void serve_user_log_out(gw_call *c)
{
	act_on(c, GW_SQL_USER_LOG_OUT);
}

/* ---- grants ---- */
static void add_reach(store_tx *tx, const json_t *body)
{
	store_arg_str(tx, gw_json_text(body, "team"));
	store_arg_str(tx, gw_json_text(body, "app"));
	store_arg_str(tx, gw_json_text(body, "environment"));
}

static bool has_reach(const json_t *body)
{
	return gw_json_text(body, "team").n > 0 || gw_json_text(body, "app").n > 0 ||
	       gw_json_text(body, "environment").n > 0;
}

void serve_grant_create(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	if (has_reach(body)) {
		own_change *ch = own_begin(c, "");
		gw_copy_cut(gw_json_text(body, "user"), ch->resource, sizeof(ch->resource));
		store_tx *tx = own_call(c, GW_SQL_GRANT_CREATE);
		store_arg_str(tx, gw_json_text(body, "user"));
		store_arg_str(tx, gw_json_text(body, "role"));
		add_reach(tx, body);
		own_send(c, tx);
	} else {
		call_problem(c, 400, "invalid",
		    "a grant needs a team, an app or an environment; a role on everything is the user's "
		    "own: "
		    "PUT /v1/users/{name}");
	}
	json_decref(body);
}

void serve_grant_delete(gw_call *c)
{
	act_on(c, GW_SQL_GRANT_DELETE);
}

/* ---- tokens ---- */
static bool may_make_token(gw_call *c, sot_str user)
{
	if (gw_rights_is_narrowed(c->caller.rights)) {
		call_problem(c, 403, "denied",
		    "a token that is narrower than its account makes no others; log in, or use a full one");
		return false;
	}
	if (user.n == 0 || sot_str_eq_c(user, c->caller.name) || c->caller.role >= GW_ROLE_ADMIN)
		return true;
	call_problem(c, 403, "denied", "tokens of others are made by admins only");
	return false;
}

static void make_token(gw_call *c, const json_t *body)
{
	own_change *ch = own_begin(c, "");
	sot_str user = gw_json_text(body, "user"), role = gw_json_text(body, "role");
	char secret[65];
	uint8_t digest[GW_SHA256_N];
	call_random_hex(ch->resource, 8);
	call_random_hex(secret, 32);
	call_sha256(sot_str_c(secret), digest);
	ch->secret_name = "token";
	(void)snprintf(ch->secret, sizeof(ch->secret), "sot_%.16s_%s", ch->resource, secret);
	store_tx *tx = own_call(c, GW_SQL_TOKEN_CREATE);
	store_arg_c(tx, ch->resource);
	store_arg_bytes(tx, (sot_str){(const char *)digest, sizeof(digest)});
	store_arg_str(tx, user.n > 0 ? user : sot_str_c(c->caller.name));
	store_arg_str(tx, gw_json_text(body, "description"));
	store_arg_i64(tx, gw_json_int(body, "days", TOKEN_DAYS));
	store_arg_str(tx, role.n > 0 ? role : SOT_STR("admin"));
	add_reach(tx, body);
	own_send(c, tx);
}

void serve_token_create(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	if (may_make_token(c, gw_json_text(body, "user")))
		make_token(c, body);
	json_decref(body);
}

void serve_token_revoke(gw_call *c)
{
	(void)own_begin(c, c->match.params[0]);
	store_tx *tx = own_call(c, GW_SQL_TOKEN_REVOKE);
	store_arg_c(tx, c->match.params[0]);
	store_arg_c(tx, c->caller.role >= GW_ROLE_ADMIN ? "" : c->caller.name);
	own_send(c, tx);
}

/* ---- the own password ---- */
static void write_password(gw_call *c)
{
	own_change *ch = c->state;
	store_tx *tx = own_call(c, GW_SQL_USER_UPDATE);
	store_arg_c(tx, ch->resource);
	store_arg_c(tx, "");
	store_arg_c(tx, "");
	store_arg_c(tx, ch->hash);
	own_send(c, tx);
}

static void on_compared(gw_call *c)
{
	own_change *ch = c->state;
	if (!ch->fits) {
		call_problem(c, 403, "denied", "the old password is wrong");
		return;
	}
	ch->go_on = write_password;
	own_hash(c);
}

static void on_hash(void *self, const store_result *res)
{
	own_change *ch = ((gw_call *)self)->state;
	if (store_rows(res) == 1)
		gw_copy_cut(store_text(res, 0, 0), ch->hash, sizeof(ch->hash));
}

static void on_hash_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else
		own_check(c);
}

static bool may_try(gw_call *c)
{
	int64_t wait_ms = 0;
	gw_problem p = {.status = 429, .code = "limit", .detail = SOT_STR("too many tries; wait")};
	if (gw_bucket_take(
	        c->g->login_accounts, sot_str_c(c->caller.name), reactor_now(c->g->loop), &wait_ms))
		return true;
	p.retry_after_s = (int)(wait_ms / 1000) + 1;
	call_problem_full(c, &p);
	return false;
}

void serve_password_set(gw_call *c)
{
	json_t *body;
	sot_err err = {0};
	if (call_body(c, &body) != SOT_OK)
		return;
	own_change *ch = own_begin(c, c->caller.name);
	gw_copy_cut(gw_json_text(body, "old"), ch->other, sizeof(ch->other));
	gw_copy_cut(gw_json_text(body, "new"), ch->password, sizeof(ch->password));
	json_decref(body);
	if (!may_try(c))
		return;
	ch->go_on = on_compared;
	store_tx *tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_PASSWORD_GET, on_hash, c);
	store_arg_c(tx, c->caller.name);
	if (store_commit(&tx, on_hash_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}
