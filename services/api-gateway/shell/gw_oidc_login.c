/* The routes of a log-in at the OpenID provider: off to it, and back from it. */
#include "gw_oidc_visit.h"

#include "gw_seal.h"
#include "gw_sql.h"
#include "gw_text.h"
#include "sot_file.h"
#include "sot_log.h"
#include "sot_rand.h"

#include <gnutls/crypto.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE "__Host-sotalia-oidc"
#define RULES_FILE_MAX (1024u * 1024)
#define CODE_MAX 4096

/* ---- one visit ---- */
static void visit_free(void *state)
{
	oidc_visit *v = state;
	if (v->asked != NULL)
		http_call_cancel(v->asked);
	sot_buf_clear(&v->code);
	sot_buf_clear(&v->access_token);
	sot_buf_clear(&v->id_token);
	json_decref(v->claims);
	gnutls_memset(v, 0, sizeof(*v));
	free(v);
}

/* NULL when there is no provider; then that was answered. */
static oidc_visit *visit_begin(gw_call *c, oidc_step next)
{
	oidc_visit *v;
	if (c->g->oidc == NULL) {
		call_problem(c, 404, "not_found",
		    "no OpenID provider is set up here (oidc_issuer); log in with a password");
		return NULL;
	}
	v = c->state = sot_alloc(sizeof(*v));
	c->state_free = visit_free;
	v->o = c->g->oidc;
	v->call = c;
	v->next = next;
	sot_buf_init(&v->code, CODE_MAX + 1);
	sot_buf_init(&v->access_token, 16384);
	sot_buf_init(&v->id_token, 32768);
	return v;
}

static void redirect(gw_call *c, const char *to, const char *cookie, const char *other_cookie)
{
	gw_reply *reply = gw_reply_bytes(303, NULL, (sot_str){0});
	gw_reply_header(reply, "Location", to);
	gw_reply_header(reply, "Cache-Control", "no-store");
	if (cookie != NULL)
		gw_reply_header(reply, "Set-Cookie", cookie);
	if (other_cookie != NULL)
		gw_reply_header(reply, "Set-Cookie", other_cookie);
	sot_metric_add(c->g->answers[3], 1);
	call_reply(c, &reply);
}

static bool wants_page(gw_call *c)
{
	sot_str accept = gw_request_header(c->http, "Accept");
	return c->g->config->ui_dir[0] != '\0' && accept.n > 0 &&
	       memmem(accept.p, accept.n, "text/html", 9) != NULL;
}

void oidc_refuse(oidc_visit *v, int status, const char *reason, const char *fmt, ...)
{
	gw_call *c = v->call;
	char detail[512], page[160];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	sot_metric_add(c->g->logins_refused, 1);
	sot_log(SOT_WARN, "login.refused", "via=oidc reason=%s source=%s request_id=%s detail=\"%s\"",
	    reason, gw_request_peer(c->http), c->request_id, detail);
	if (v->claims != NULL) /* somebody whom the provider knows */
		session_note_refusal(c, v->name[0] != '\0' ? v->name : "oidc");
	(void)snprintf(page, sizeof(page), "/?logIn=%s&request=%s", reason, c->request_id);
	if (wants_page(c))
		redirect(c, page, NULL, NULL);
	else
		call_problem(c, status,
		    status == 503   ? "unavailable"
		    : status == 409 ? "conflict"
		                    : "denied",
		    "%s", detail);
}

/* ---- off to the provider ---- */
static void send_off(oidc_visit *v)
{
	gw_call *c = v->call;
	const gateway_config *config = c->g->config;
	const char *place = oidc_place(v, "authorization_endpoint");
	char random_hex[33], cookie[GW_OIDC_COOKIE_MAX], header[GW_OIDC_COOKIE_MAX + 100];
	SOT_AUTO_BUF url;
	sot_buf_init(&url, 8192);
	call_random_hex(random_hex, 16);
	gw_oidc_cookie(
	    sot_str_c(random_hex), reactor_wall(c->g->loop).unix_ms / 1000, sot_str_c(v->back), cookie);
	gw_oidc_secrets_of(c->g->seal_key, sot_str_c(cookie), &v->secrets);
	sot_buf_printf(&url, "%s%sresponse_type=code", place, strchr(place, '?') != NULL ? "&" : "?");
	oidc_add(&url, "client_id", config->oidc_client_id);
	oidc_add(&url, "redirect_uri", config->oidc_redirect);
	oidc_add(&url, "scope", config->oidc_scopes);
	oidc_add(&url, "state", v->secrets.state);
	oidc_add(&url, "nonce", v->secrets.nonce);
	oidc_add(&url, "code_challenge", v->secrets.challenge);
	oidc_add(&url, "code_challenge_method", "S256");
	sot_buf_add_char(&url, '\0');
	(void)snprintf(header, sizeof(header),
	    COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600", cookie);
	redirect(c, url.p, header, NULL);
}

void serve_oidc_begin(gw_call *c)
{
	char back[GW_OIDC_BACK_MAX + 1];
	gw_oidc_cli cli;
	sot_err err = {0};
	oidc_visit *v = visit_begin(c, send_off);
	if (v == NULL || call_query(c, "back", back, sizeof(back)) != SOT_OK)
		return;
	if (gw_oidc_is_cli(sot_str_c(back)) &&
	    gw_oidc_cli_read(sot_str_c(back), &cli, &err) != SOT_OK) {
		call_problem(c, 400, "invalid", "%s", err.text);
		return;
	}
	memcpy(v->back, back, sizeof(back));
	oidc_meet(v);
}

void serve_log_in_get(gw_call *c)
{
	if (c->g->oidc == NULL) {
		call_json(c, 200, SOT_STR("{\"oidc\":null}\n"));
		return;
	}
	sot_buf_add_c(&c->rows, "{\"oidc\":{\"title\":");
	sot_buf_add_json(&c->rows, sot_str_c(c->g->config->oidc_title));
	sot_buf_add_c(&c->rows, ",\"url\":\"/v1/log-in/oidc\"}}\n");
	call_json(c, 200, sot_buf_str(&c->rows));
}

/* ---- back from it ---- */
static void on_let_in(void *self, const store_result *res)
{
	oidc_visit *v = ((gw_call *)self)->state;
	if (store_rows(res) != 1)
		return;
	gw_copy_cut(store_text(res, 0, 0), v->outcome, sizeof(v->outcome));
	gw_copy_cut(store_text(res, 0, 1), v->name, sizeof(v->name));
}

static const char no_cookie[] = COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";

/* The browser gets no session: the command line changes the code for it (POST /v1/sessions). */
static void give_code(oidc_visit *v, const gw_oidc_cli *cli)
{
	gw_call *c = v->call;
	uint8_t nonce[GW_SEAL_NONCE_N];
	char code[GW_OIDC_CODE_MAX];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 4096);
	sot_rand_bytes(nonce, sizeof(nonce));
	gw_oidc_code(c->g->seal_key, nonce, cli->challenge, v->session,
	    reactor_wall(c->g->loop).unix_ms / 1000, code);
	if (cli->port > 0) {
		sot_buf_printf(&text, "http://127.0.0.1:%u/?state=%s", cli->port, cli->state);
		oidc_add(&text, "code", code);
		sot_buf_add_char(&text, '\0');
		redirect(c, text.p, no_cookie, NULL);
	} else {
		sot_buf_printf(&text,
		    "%s is logged in. This is for the terminal in which you began it, and for nobody "
		    "else. If you did not, close this page.\n\n%s\n",
		    v->name, code);
		gw_reply *reply = gw_reply_bytes(200, "text/plain; charset=utf-8", sot_buf_str(&text));
		gw_reply_header(reply, "Cache-Control", "no-store");
		gw_reply_header(reply, "Set-Cookie", no_cookie);
		sot_metric_add(c->g->answers[2], 1);
		call_reply(c, &reply);
	}
	gnutls_memset(code, 0, sizeof(code));
}

static void on_let_in_done(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	oidc_visit *v = c->state;
	gw_oidc_cli cli;
	char cookie[200];
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (strcmp(v->outcome, "taken") == 0) {
		oidc_refuse(v, 409, "taken",
		    "there is an account '%s' already that is not of this log-in; an admin removes it, or "
		    "lets the provider use another name (oidc_name_claim)",
		    v->name);
		return;
	}
	if (strcmp(v->outcome, "done") != 0) {
		oidc_refuse(v, 403, "disabled", "the account '%s' is disabled; ask an admin", v->name);
		return;
	}
	gw_auth_forget_all(c->g->auth); /* roles may be others now */
	gw_hub_poke(c->g->hub);
	sot_log(
	    SOT_INFO, "login.done", "via=oidc account=%s source=%s", v->name, gw_request_peer(c->http));
	if (gw_oidc_cli_read(sot_str_c(v->back), &cli, NULL) == SOT_OK) {
		give_code(v, &cli);
		return;
	}
	session_cookie(c, v->session, cookie);
	redirect(c, v->back, cookie, no_cookie);
}

static void write_log_in(oidc_visit *v, gw_role role, const char *grants)
{
	gw_call *c = v->call;
	char subject[800], csrf[65];
	uint8_t digest[GW_SHA256_N];
	store_tx *tx = store_begin(c->g->db);
	sot_err err = {0};
	call_random_hex(v->session, 32);
	call_random_hex(csrf, 32);
	call_sha256(sot_str_c(v->session), digest);
	(void)snprintf(subject, sizeof(subject), "%s %s", c->g->config->oidc_issuer,
	    json_string_value(json_object_get(v->claims, "sub")));
	store_query(tx, GW_SQL_OIDC_LOG_IN, on_let_in, c);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
	store_arg_c(tx, subject);
	store_arg_c(tx, v->name);
	store_arg_c(tx, role == GW_ROLE_PUBLIC ? "none" : gw_role_name(role));
	store_arg_c(tx, grants);
	store_arg_bytes(tx, (sot_str){(const char *)digest, sizeof(digest)});
	store_arg_c(tx, csrf);
	store_arg_i64(tx, c->g->config->session_hours * 3600);
	if (store_commit(&tx, on_let_in_done, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void let_in(oidc_visit *v)
{
	const gateway_config *config = v->o->g->config;
	sot_err err = {0};
	json_t *grants;
	char *text;
	if (gw_oidc_name(v->claims, config->oidc_name_claim, v->name, &err) != SOT_OK) {
		oidc_refuse(v, 403, "name", "%s", err.text);
		return;
	}
	gw_role role =
	    gw_oidc_roles(&v->o->rules, gw_oidc_claim(v->claims, config->oidc_groups_claim), &grants);
	if (role == GW_ROLE_PUBLIC && json_array_size(grants) == 0) {
		json_decref(grants);
		oidc_refuse(v, 403, "groups",
		    "none of your groups has a role here; ask for one of those that %s names, or an admin "
		    "to add yours (claim '%s')",
		    "oidc_roles_file", config->oidc_groups_claim);
		return;
	}
	text = json_dumps(grants, JSON_COMPACT);
	json_decref(grants);
	write_log_in(v, role, text);
	free(text);
}

static void redeem(oidc_visit *v)
{
	v->next = let_in;
	oidc_redeem(v);
}

/* The answer belongs to what this browser was sent off with, and comes from our provider. */
static bool belongs(oidc_visit *v, const char *state, const char *issuer)
{
	gw_call *c = v->call;
	sot_str cookie = gw_cookie(gw_request_header(c->http, "Cookie"), COOKIE);
	sot_err err = {0};
	if (gw_oidc_cookie_read(cookie, reactor_wall(c->g->loop).unix_ms / 1000, v->back, &err) !=
	    SOT_OK) {
		oidc_refuse(v, 403, "expired", "%s; begin again", err.text);
		return false;
	}
	gw_oidc_secrets_of(c->g->seal_key, cookie, &v->secrets);
	if (strlen(state) != strlen(v->secrets.state) ||
	    gnutls_memcmp(state, v->secrets.state, strlen(state)) != 0 ||
	    (issuer[0] != '\0' && strcmp(issuer, c->g->config->oidc_issuer) != 0)) {
		oidc_refuse(v, 403, "expired", "this answer belongs to another log-in; begin again");
		return false;
	}
	return true;
}

void serve_oidc_callback(gw_call *c)
{
	char state[128], issuer[512], error[128], code[CODE_MAX];
	oidc_visit *v = visit_begin(c, redeem);
	if (v == NULL || call_query(c, "state", state, sizeof(state)) != SOT_OK ||
	    call_query(c, "iss", issuer, sizeof(issuer)) != SOT_OK ||
	    call_query(c, "error", error, sizeof(error)) != SOT_OK ||
	    call_query(c, "code", code, sizeof(code)) != SOT_OK || !belongs(v, state, issuer))
		return;
	if (error[0] != '\0' || code[0] == '\0') {
		oidc_refuse(v, 403, "refused",
		    "the OpenID provider did not let you in (%.100s); ask those who run it, or begin again",
		    error[0] != '\0' ? error : "no code");
		return;
	}
	sot_buf_add_c(&v->code, code);
	oidc_meet(v);
}

/* ---- life ---- */
static sot_code check_config(const gateway_config *config, sot_err *err)
{
	const struct {
		const char *name, *value;
	} needed[] = {{"oidc_client_id", config->oidc_client_id},
	    {"oidc_redirect", config->oidc_redirect}, {"oidc_roles_file", config->oidc_roles_file}};
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (needed[i].value[0] == '\0')
			return sot_fail(err, SOT_INVALID, "%s is needed with oidc_issuer", needed[i].name);
	if (strncmp(config->oidc_issuer, "https://", 8) != 0 &&
	    strncmp(config->oidc_issuer, "http://127.0.0.1:", 17) != 0)
		return sot_fail(err, SOT_INVALID, "oidc_issuer must begin with https://");
	return SOT_OK;
}

sot_code gw_oidc_new(gateway *g, gw_oidc **ret, sot_err *err)
{
	gw_oidc_rules rules = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, RULES_FILE_MAX);
	*ret = NULL;
	if (g->config->oidc_issuer[0] == '\0')
		return SOT_OK;
	if (check_config(g->config, err) != SOT_OK)
		return err != NULL ? err->code : SOT_INVALID;
	if (sot_file_read(g->config->oidc_roles_file, &text, err) != SOT_OK ||
	    gw_oidc_rules_parse(sot_buf_str(&text), &rules, err) != SOT_OK)
		return sot_wrap(err, "oidc_roles_file");
	gw_oidc *o = sot_alloc(sizeof(*o));
	o->g = g;
	o->rules = rules;
	*ret = o;
	return SOT_OK;
}

gw_oidc *gw_oidc_free(gw_oidc *o)
{
	if (o == NULL)
		return NULL;
	gw_oidc_rules_clear(&o->rules);
	json_decref(o->provider);
	json_decref(o->keys);
	free(o);
	return NULL;
}
