/* Who calls: bearer tokens and session cookies, looked up in the database, remembered for 3 s; an
 * event about users, grants or tokens empties the memory at once (gw_hub.c).
 *
 * Credentials are compared by their SHA-256, in constant time; the secret itself is nowhere stored
 * or logged. What the cache holds is keyed by the digest of the whole credential.
 */
#include "gateway.h"

#include "gw_sql.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_MS 3000
#define CACHE_MAX 4096
#define CREDENTIAL_MAX 256

typedef struct known {
	uint8_t digest[GW_SHA256_N];
	sot_mono until;
	gw_caller caller;
} known;

struct gw_auth {
	gateway *g;
	sot_map *cache; /* digest of the credential -> known */
	sot_metric *hits, *misses, *refused;
};

/* What hangs on a call while the database is asked. */
typedef struct lookup {
	uint8_t digest[GW_SHA256_N];        /* of the whole credential: key of the cache */
	uint8_t secret_sha256[GW_SHA256_N]; /* of a token's secret */
	char token_id[GW_TOKEN_ID_N + 1];
	bool found;
	sot_mono asked; /* what the database says is as old as this */
} lookup;

static void known_free(known *k)
{
	(void)gw_rights_free(k->caller.rights);
	free(k);
}

static void cache_clear(gw_auth *a)
{
	sot_map_iter it = {0};
	known *k;
	while ((k = sot_map_next(a->cache, &it, NULL)) != NULL) {
		(void)sot_map_remove(a->cache, k->digest, sizeof(k->digest));
		known_free(k);
	}
}

void gw_auth_forget_all(gw_auth *a)
{
	cache_clear(a);
}

gw_auth *gw_auth_new(gateway *g)
{
	gw_auth *a = sot_alloc(sizeof(*a));
	a->g = g;
	a->cache = sot_map_new();
	a->hits =
	    sot_counter("sot_gateway_auth_total", "from=\"cache\"", "Credentials that were checked");
	a->misses =
	    sot_counter("sot_gateway_auth_total", "from=\"database\"", "Credentials that were checked");
	a->refused = sot_counter("sot_gateway_auth_refused_total", NULL, "Credentials that were wrong");
	return a;
}

gw_auth *gw_auth_free(gw_auth *a)
{
	if (a == NULL)
		return NULL;
	cache_clear(a);
	(void)sot_map_free(a->cache);
	free(a);
	return NULL;
}

void gw_auth_forget(gw_auth *a, const gw_caller *caller)
{
	sot_map_iter it = {0};
	known *k;
	while ((k = sot_map_next(a->cache, &it, NULL)) != NULL) {
		if (strcmp(k->caller.name, caller->name) != 0)
			continue;
		(void)sot_map_remove(a->cache, k->digest, sizeof(k->digest));
		known_free(k);
	}
}

static void remember(gw_auth *a, const lookup *l, const gw_caller *caller)
{
	known *k = sot_map_get(a->cache, l->digest, sizeof(l->digest));
	if (k == NULL && sot_map_count(a->cache) >= CACHE_MAX)
		cache_clear(a);
	if (k == NULL) {
		k = sot_alloc(sizeof(*k));
		memcpy(k->digest, l->digest, sizeof(k->digest));
		(void)sot_map_set(a->cache, k->digest, sizeof(k->digest), k);
	}
	(void)gw_rights_ref(caller->rights);
	(void)gw_rights_free(k->caller.rights);
	k->caller = *caller;
	k->until = sot_mono_add_ms(l->asked, CACHE_MS);
}

static bool recall(gw_auth *a, const lookup *l, gw_caller *ret)
{
	known *k = sot_map_get(a->cache, l->digest, sizeof(l->digest));
	if (k == NULL || sot_mono_reached(reactor_now(a->g->loop), k->until))
		return false;
	*ret = k->caller;
	(void)gw_rights_ref(ret->rights);
	sot_metric_add(a->hits, 1);
	return true;
}

static void drop_state(gw_call *c)
{
	free(c->state);
	c->state = NULL;
	c->state_free = NULL;
}

static void answer(gw_call *c, const store_outcome *outcome)
{
	const lookup *l = c->state;
	bool found = l->found;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (found)
		remember(c->g->auth, l, &c->caller);
	drop_state(c);
	if (found) {
		c->after_auth(c);
		return;
	}
	sot_metric_add(c->g->auth->refused, 1);
	call_problem(c, 401, "unauthenticated",
	    "the token or the session is unknown, expired or revoked; log in again or use another "
	    "token");
}

/* ---- tokens ---- */
static void name_host(gw_caller *caller, sot_uuid host)
{
	caller->rights = gw_rights_new(GW_ROLE_AGENT, (sot_str){0});
	(void)sot_uuid_format(host, caller->name);
	(void)snprintf(caller->actor, sizeof(caller->actor), "host:%s", caller->name);
}

static void name_account(gw_caller *caller, const store_result *res)
{
	gw_target reach;
	gw_copy_cut(store_text(res, 0, 1), caller->name, sizeof(caller->name));
	(void)snprintf(caller->actor, sizeof(caller->actor), "token:%s", caller->name);
	gw_copy_cut(store_text(res, 0, 7), reach.team, sizeof(reach.team));
	gw_copy_cut(store_text(res, 0, 8), reach.app, sizeof(reach.app));
	gw_copy_cut(store_text(res, 0, 9), reach.environment, sizeof(reach.environment));
	caller->rights = gw_rights_new(gw_role_parse(store_text(res, 0, 2)), store_text(res, 0, 5));
	gw_rights_narrow(caller->rights, gw_role_parse(store_text(res, 0, 6)), &reach);
}

static void name_caller(gw_caller *caller, const store_result *res)
{
	sot_uuid host;
	if (!store_is_null(res, 0, 3) && store_uuid(res, 0, 3, &host, NULL) == SOT_OK)
		name_host(caller, host);
	else
		name_account(caller, res);
	caller->role = gw_rights_platform(caller->rights);
	if (store_i64(res, 0, 10, &caller->ends_unix_ms, NULL) != SOT_OK)
		caller->ends_unix_ms = 0;
}

static void on_token(void *self, const store_result *res)
{
	gw_call *c = self;
	lookup *l = c->state;
	gw_caller *caller = &c->caller;
	uint8_t stored[GW_SHA256_N];
	sot_str hex;
	bool expired = true;
	if (store_rows(res) != 1)
		return;
	hex = store_text(res, 0, 0); /* bytea as text: \x and hex digits */
	if (!sot_str_starts(hex, "\\x") ||
	    sot_hex_decode((sot_str){hex.p + 2, hex.n - 2}, stored, sizeof(stored), NULL) != SOT_OK ||
	    store_bool(res, 0, 4, &expired, NULL) != SOT_OK || expired ||
	    gnutls_memcmp(stored, l->secret_sha256, sizeof(stored)) != 0)
		return;
	l->found = true;
	name_caller(caller, res);
	memcpy(caller->token_id, l->token_id, sizeof(caller->token_id));
	(void)snprintf(caller->credential, sizeof(caller->credential), "token:%s", l->token_id);
}

static void on_token_used(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "auth.last_used", outcome->why, "effect=not_stored");
}

static void note_use(gateway *g, const char *token_id)
{
	store_tx *tx = store_begin(g->db);
	sot_err err = {0};
	store_query(tx, GW_SQL_TOKEN_USED, NULL, NULL);
	store_arg_c(tx, token_id);
	if (store_commit(&tx, on_token_used, g, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "auth.last_used", &err, "effect=not_stored");
}

static void on_token_done(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const lookup *l = c->state;
	if (outcome->code == SOT_OK && l->found)
		note_use(c->g, l->token_id);
	answer(c, outcome);
}

static void ask(gw_call *c, store_tx *tx, store_done_fn done)
{
	sot_err err = {0};
	((lookup *)c->state)->asked = reactor_now(c->g->loop);
	sot_metric_add(c->g->auth->misses, 1);
	if (store_commit(&tx, done, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void check_token(gw_call *c, sot_str header)
{
	sot_str id, secret;
	sot_err err = {0};
	lookup *l;
	store_tx *tx;
	if (gw_bearer_parse(header, &id, &secret, &err) != SOT_OK) {
		call_problem(c, 401, "unauthenticated", "%s", err.text);
		return;
	}
	l = c->state = sot_alloc(sizeof(*l));
	c->state_free = free;
	call_sha256(header, l->digest);
	call_sha256(secret, l->secret_sha256);
	gw_copy_cut(id, l->token_id, sizeof(l->token_id));
	if (recall(c->g->auth, l, &c->caller)) {
		drop_state(c);
		c->after_auth(c);
		return;
	}
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_TOKEN_GET, on_token, c);
	store_arg_str(tx, id);
	ask(c, tx, on_token_done);
}

/* ---- sessions ---- */
static void on_session(void *self, const store_result *res)
{
	gw_call *c = self;
	lookup *l = c->state;
	gw_caller *caller = &c->caller;
	char digest[17];
	if (store_rows(res) != 1)
		return;
	l->found = true;
	gw_copy_cut(store_text(res, 0, 0), caller->csrf, sizeof(caller->csrf));
	gw_copy_cut(store_text(res, 0, 1), caller->name, sizeof(caller->name));
	caller->rights = gw_rights_new(gw_role_parse(store_text(res, 0, 2)), store_text(res, 0, 3));
	caller->role = gw_rights_platform(caller->rights);
	(void)snprintf(caller->actor, sizeof(caller->actor), "user:%s", caller->name);
	memcpy(caller->session_sha256, l->digest, sizeof(caller->session_sha256));
	if (store_i64(res, 0, 4, &caller->ends_unix_ms, NULL) != SOT_OK)
		caller->ends_unix_ms = 0;
	sot_hex_encode(l->digest, 8, digest);
	(void)snprintf(caller->credential, sizeof(caller->credential), "session:%s", digest);
}

static void on_session_done(void *self, const store_outcome *outcome)
{
	answer(self, outcome);
}

static void check_session(gw_call *c, sot_str cookie)
{
	lookup *l = c->state = sot_alloc(sizeof(*l));
	store_tx *tx;
	c->state_free = free;
	call_sha256(cookie, l->digest);
	if (recall(c->g->auth, l, &c->caller)) {
		drop_state(c);
		c->after_auth(c);
		return;
	}
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_SESSION_GET, on_session, c);
	store_arg_bytes(tx, (sot_str){(const char *)l->digest, sizeof(l->digest)});
	ask(c, tx, on_session_done);
}

void gw_auth_call(gw_call *c)
{
	sot_str authorization = gw_request_header(c->http, "Authorization");
	sot_str cookie = gw_cookie(gw_request_header(c->http, "Cookie"), GW_COOKIE_NAME);
	SOT_FAILPOINT_HIT("gateway.auth.before_lookup");
	if (authorization.n > 0)
		check_token(c, authorization);
	else if (cookie.n > 0 && cookie.n <= CREDENTIAL_MAX)
		check_session(c, cookie);
	else
		call_problem(c, 401, "unauthenticated",
		    "this needs 'Authorization: Bearer sot_<id>_<secret>' or a log-in at POST "
		    "/v1/sessions");
}
