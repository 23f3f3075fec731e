/* What is asked of the OpenID provider: its description, its keys, tokens for a code, more claims.
 * Each request has a deadline and a ceiling; what comes is judged by core/gw_jwt and core/gw_oidc.
 */
#include "gw_oidc_visit.h"

#include "gw_jwt.h"
#include "sot_log.h"

#include <sodium.h>
#include <string.h>

#define DEADLINE_MS 10000
#define ANSWER_MAX (256u * 1024)
#define PROVIDER_MS (3600 * 1000)
#define KEYS_MS (600 * 1000)
#define KEYS_AGAIN_MS 5000 /* for a token whose key is not known */
#define HEADER_MAX 2048

void oidc_add(sot_buf *out, const char *name, const char *value)
{
	sot_buf_printf(out, "&%s=", name);
	for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		             (*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL;
		if (plain)
			sot_buf_add_char(out, (char)*p);
		else
			sot_buf_printf(out, "%%%02X", *p);
	}
}

const char *oidc_place(const oidc_visit *v, const char *name)
{
	const char *text = json_string_value(json_object_get(v->o->provider, name));
	return text != NULL ? text : "";
}

/* ---- one request ---- */
/* An error answer; `why`: its code (RFC 6749 5.2), or NULL. */
static void refuse_answer(oidc_visit *v, int status, const char *why)
{
	if (why != NULL && strcmp(why, "invalid_grant") == 0)
		oidc_refuse(v, 403, "expired",
		    "the OpenID provider does not take this code (any more): each is used once, within a "
		    "minute or so; begin again");
	else
		oidc_refuse(v, 503, "provider", "the OpenID provider answered %d (%.100s)%s", status,
		    why != NULL ? why : "no reason",
		    why != NULL && strcmp(why, "invalid_client") == 0
		        ? "; compare oidc_client_id and oidc_client_secret with what it has"
		        : "");
}

static void on_reply(void *self, const http_reply *reply)
{
	oidc_visit *v = self;
	json_t *answer;
	v->asked = NULL;
	if (reply->code != SOT_OK) {
		oidc_refuse(v, 503, "provider", "the OpenID provider does not answer: %s; try again later",
		    reply->why->text);
		return;
	}
	answer = json_loadb(reply->body.p, reply->body.n, JSON_REJECT_DUPLICATES, NULL);
	if (reply->status == 200 && json_is_object(answer)) {
		v->got(v, answer);
		return;
	}
	refuse_answer(v, reply->status, json_string_value(json_object_get(answer, "error")));
	json_decref(answer);
}

static void ask(oidc_visit *v, http_request *q, void (*got)(oidc_visit *v, json_t *answer))
{
	const gateway_config *config = v->o->g->config;
	sot_err err = {0};
	q->deadline_ms = DEADLINE_MS;
	q->body_max = ANSWER_MAX;
	q->output_fd = q->netns_fd = -1;
	q->ca_file = config->oidc_ca[0] != '\0' ? config->oidc_ca : NULL;
	v->got = got;
	if (http_client_send(v->o->g->outside, q, on_reply, v, &v->asked, &err) != SOT_OK)
		oidc_refuse(v, 503, "provider", "the OpenID provider cannot be asked: %s", err.text);
}

static void ask_plainly(oidc_visit *v, const char *url, void (*got)(oidc_visit *v, json_t *answer))
{
	static const char *const headers[] = {"Accept: application/json", NULL};
	http_request q = {.method = "GET", .url = url, .headers = headers};
	ask(v, &q, got);
}

/* ---- the description ---- */
/* A provider over TLS does not send people, codes and secrets anywhere without. */
static bool is_place(const json_t *provider, const char *name, const char *issuer)
{
	const char *text = json_string_value(json_object_get(provider, name));
	const char *scheme = strncmp(issuer, "https://", 8) == 0 ? "https://" : "http";
	return text != NULL && strncmp(text, scheme, strlen(scheme)) == 0;
}

static void got_provider(oidc_visit *v, json_t *answer)
{
	gw_oidc *o = v->o;
	const char *issuer = o->g->config->oidc_issuer;
	const char *said = json_string_value(json_object_get(answer, "issuer"));
	if (said == NULL || strcmp(said, issuer) != 0) {
		oidc_refuse(v, 503, "provider",
		    "the OpenID provider calls itself '%.200s'; oidc_issuer must be exactly that",
		    said != NULL ? said : "");
		json_decref(answer);
		return;
	}
	if (!is_place(answer, "authorization_endpoint", issuer) ||
	    !is_place(answer, "token_endpoint", issuer) || !is_place(answer, "jwks_uri", issuer)) {
		oidc_refuse(v, 503, "provider",
		    "the OpenID provider does not say where to log in, to get tokens and its keys");
		json_decref(answer);
		return;
	}
	json_decref(o->provider);
	o->provider = answer;
	o->provider_until = sot_mono_add_ms(reactor_now(o->g->loop), PROVIDER_MS);
	v->next(v);
}

void oidc_meet(oidc_visit *v)
{
	char url[600];
	if (v->o->provider != NULL &&
	    !sot_mono_reached(reactor_now(v->o->g->loop), v->o->provider_until)) {
		v->next(v);
		return;
	}
	const char *issuer = v->o->g->config->oidc_issuer;
	size_t n = strlen(issuer);
	(void)snprintf(url, sizeof(url), "%.*s/.well-known/openid-configuration",
	    (int)(issuer[n - 1] == '/' ? n - 1 : n), issuer);
	ask_plainly(v, url, got_provider);
}

/* ---- claims ---- */
static void got_info(oidc_visit *v, json_t *answer)
{
	const json_t *subject = json_object_get(v->claims, "sub");
	bool is_same = json_equal(subject, json_object_get(answer, "sub")) == 1;
	if (is_same)
		(void)json_object_update_missing(v->claims, answer);
	json_decref(answer);
	if (is_same)
		v->next(v);
	else
		oidc_refuse(v, 503, "provider", "the OpenID provider told of another person");
}

/* The token may leave out what the provider tells when it is asked (userinfo). */
static void complete(oidc_visit *v)
{
	const gateway_config *config = v->o->g->config;
	char authorization[HEADER_MAX];
	const char *headers[] = {authorization, "Accept: application/json", NULL};
	bool is_whole = gw_oidc_claim(v->claims, config->oidc_name_claim) != NULL &&
	                gw_oidc_claim(v->claims, config->oidc_groups_claim) != NULL;
	http_request q = {
	    .method = "GET", .url = oidc_place(v, "userinfo_endpoint"), .headers = headers};
	int n = snprintf(authorization, sizeof(authorization), "Authorization: Bearer %.*s",
	    SOT_ARG(sot_buf_str(&v->access_token)));
	if (is_whole || v->access_token.n == 0 || n >= (int)sizeof(authorization) ||
	    !is_place(v->o->provider, "userinfo_endpoint", config->oidc_issuer))
		v->next(v);
	else
		ask(v, &q, got_info);
	sodium_memzero(authorization, sizeof(authorization));
}

static void got_keys(oidc_visit *v, json_t *answer);

static void check(oidc_visit *v)
{
	gw_oidc *o = v->o;
	gw_oidc_expected expected = {.issuer = o->g->config->oidc_issuer,
	    .client = o->g->config->oidc_client_id,
	    .nonce = v->secrets.nonce,
	    .now_unix_s = reactor_wall(o->g->loop).unix_ms / 1000};
	sot_mono now = reactor_now(o->g->loop);
	sot_err err = {0};
	bool known = o->keys != NULL && !sot_mono_reached(now, o->keys_until);
	sot_code code = SOT_NOT_FOUND;
	if (known)
		code = gw_jwt_verify(sot_buf_str(&v->id_token), o->keys, &v->claims, &err);
	if (code == SOT_NOT_FOUND && !v->asked_keys_again &&
	    (!known || sot_mono_reached(now, o->keys_again))) {
		v->asked_keys_again = true;
		ask_plainly(v, oidc_place(v, "jwks_uri"), got_keys);
		return;
	}
	if (code == SOT_OK)
		code = gw_oidc_check_claims(v->claims, &expected, &err);
	if (code == SOT_OK)
		complete(v);
	else
		oidc_refuse(v, 403, "token", "what the OpenID provider says is refused: %s", err.text);
}

static void got_keys(oidc_visit *v, json_t *answer)
{
	gw_oidc *o = v->o;
	sot_mono now = reactor_now(o->g->loop);
	json_decref(o->keys);
	o->keys = answer;
	o->keys_until = sot_mono_add_ms(now, KEYS_MS);
	o->keys_again = sot_mono_add_ms(now, KEYS_AGAIN_MS);
	check(v);
}

/* ---- a code for tokens ---- */
static void got_tokens(oidc_visit *v, json_t *answer)
{
	const char *id = json_string_value(json_object_get(answer, "id_token"));
	const char *access = json_string_value(json_object_get(answer, "access_token"));
	if (id != NULL)
		sot_buf_add_c(&v->id_token, id);
	if (access != NULL)
		sot_buf_add_c(&v->access_token, access);
	json_decref(answer);
	if (v->id_token.n == 0)
		oidc_refuse(v, 503, "provider",
		    "the OpenID provider gave no id_token; 'openid' must be among oidc_scopes");
	else
		check(v);
}

/* RFC 6749 2.3.1: both are form-encoded before they are one text. */
static void add_secret(const gateway_config *config, char header[HEADER_MAX])
{
	static const char prefix[] = "Authorization: Basic ";
	SOT_AUTO_BUF pair;
	SOT_AUTO_BUF secret;
	sot_buf_init(&pair, 4096);
	sot_buf_init(&secret, 4096);
	oidc_add(&pair, "i", config->oidc_client_id);
	oidc_add(&secret, "s", config->oidc_client_secret);
	sot_buf_consume(&pair, 3);
	sot_buf_add_char(&pair, ':');
	sot_buf_add(&pair, secret.p + 3, secret.n - 3);
	header[0] = '\0';
	if (sodium_base64_encoded_len(pair.n, sodium_base64_VARIANT_ORIGINAL) + sizeof(prefix) <=
	    HEADER_MAX) {
		memcpy(header, prefix, sizeof(prefix));
		(void)sodium_bin2base64(header + sizeof(prefix) - 1, HEADER_MAX - sizeof(prefix),
		    (const unsigned char *)pair.p, pair.n, sodium_base64_VARIANT_ORIGINAL);
	}
	sodium_memzero(pair.p, pair.n);
	sodium_memzero(secret.p, secret.n);
}

void oidc_redeem(oidc_visit *v)
{
	const gateway_config *config = v->o->g->config;
	char secret[HEADER_MAX] = "";
	const char *headers[] = {"Content-Type: application/x-www-form-urlencoded",
	    "Accept: application/json", secret, NULL};
	SOT_AUTO_BUF form;
	sot_buf_init(&form, 16384);
	sot_buf_add_c(&form, "grant_type=authorization_code");
	sot_buf_add_char(&v->code, '\0');
	oidc_add(&form, "code", v->code.p);
	oidc_add(&form, "redirect_uri", config->oidc_redirect);
	oidc_add(&form, "client_id", config->oidc_client_id);
	oidc_add(&form, "code_verifier", v->secrets.verifier);
	if (config->oidc_client_secret[0] != '\0')
		add_secret(config, secret);
	else
		headers[2] = NULL;
	http_request q = {.method = "POST",
	    .url = oidc_place(v, "token_endpoint"),
	    .headers = headers,
	    .body = sot_buf_str(&form)};
	ask(v, &q, got_tokens);
	sodium_memzero(secret, sizeof(secret));
}
