/* Idempotency-Key of what the gateway itself does: the first request with a key is carried out, its
 * answer is kept for 24 hours and given again. A refusal is not kept: nothing was done, and the key
 * is free again before the client hears of it, so that it may send the mended request at once.
 *
 * The key is claimed before the handler runs. Changes by gw_own keep an answer in the transaction
 * of the change, so that a client that was cut off, or a gateway that died, finds it done; what
 * other handlers answer is kept right after. Kept answers may hold a token that is shown once: they
 * are sealed (core/gw_seal). What scheduler and ipam do has its keys there.
 */
#include "gateway.h"

#include "gw_sql.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_rand.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX (1024u * 1024)
#define OPEN_RETRY_S 2

struct gw_kept {
	char key[129], holder[33], owner[240];
	char outcome[16];
	int64_t status;
	sot_buf body;    /* of the first answer, sealed */
	gw_reply *reply; /* waits for what is kept */
	gw_call_fn then;
};

gw_kept *gw_kept_free(gw_kept *k)
{
	if (k == NULL)
		return NULL;
	if (k->body.p != NULL)
		gnutls_memset(k->body.p, 0, k->body.n);
	sot_buf_clear(&k->body);
	(void)gw_reply_free(k->reply);
	free(k);
	return NULL;
}

sot_code call_key(gw_call *c, sot_str *ret)
{
	sot_str given = gw_request_header(c->http, "Idempotency-Key");
	bool right = given.n <= 128;
	for (size_t i = 0; i < given.n && right; i++)
		right = given.p[i] >= 0x20 && given.p[i] < 0x7f;
	*ret = given;
	if (right)
		return SOT_OK;
	call_problem(c, 400, "invalid", "Idempotency-Key must be 1 to 128 printable ASCII characters");
	return SOT_INVALID;
}

/* ---- the claim ---- */
static void on_claimed(void *self, const store_result *res)
{
	gw_kept *k = ((gw_call *)self)->kept;
	if (store_rows(res) != 1 || store_i64(res, 0, 1, &k->status, NULL) != SOT_OK)
		return;
	gw_copy_cut(store_text(res, 0, 0), k->outcome, sizeof(k->outcome));
	sot_buf_add_str(&k->body, store_text(res, 0, 2));
}

/* The kept body, with what says that it is one. */
static void answer_again(gw_call *c, gw_kept *k)
{
	static const char fresh[] = "\"replayed\":false";
	sot_err err = {0};
	SOT_AUTO_BUF body;
	sot_buf_init(&body, KEPT_MAX);
	if (gw_unseal_long(c->g->seal_key, sot_str_c(k->owner), sot_buf_str(&k->body), &body, &err) !=
	    SOT_OK) {
		call_problem(c, 409, "conflict",
		    "this was done already, but the answer was sealed with another key than this gateway "
		    "has; look at what there is");
		return;
	}
	char *at = body.n > 0 ? memmem(body.p, body.n, fresh, sizeof(fresh) - 1) : NULL;
	if (at != NULL)
		memcpy(at + sizeof(fresh) - 1 - 5, "true ", 5);
	call_json_with(c, (int)k->status, sot_buf_str(&body), "Idempotent-Replayed", "true");
	gnutls_memset(body.p, 0, body.n);
}

static void on_claim_done(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	gw_kept *k = c->kept;
	bool is_new = strcmp(k->outcome, "new") == 0;
	gw_problem open = {.status = 409,
	    .code = "conflict",
	    .retry_after_s = OPEN_RETRY_S,
	    .detail =
	        SOT_STR("the first request with this Idempotency-Key is being carried out; repeat "
	                "it in a moment")};
	if (outcome->code == SOT_OK && is_new) {
		k->then(c);
		return;
	}
	c->kept = NULL; /* another try's: nothing of it is kept or dropped */
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (strcmp(k->outcome, "kept") == 0)
		answer_again(c, k);
	else if (strcmp(k->outcome, "differs") == 0)
		call_problem(c, 422, "key_reused",
		    "this Idempotency-Key was used for another request; a new request needs a new key");
	else
		call_problem_full(c, &open);
	(void)gw_kept_free(k);
}

static void digest_of(gw_call *c, uint8_t ret[GW_SHA256_N])
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, GW_JSON_BODY_MAX + 16384);
	sot_buf_add_str(&text, gw_request_method(c->http));
	sot_buf_add_char(&text, ' ');
	sot_buf_add_str(&text, gw_request_target(c->http));
	sot_buf_add_char(&text, '\n');
	sot_buf_add_str(&text, gw_request_body(c->http));
	call_sha256(sot_buf_str(&text), ret);
	gnutls_memset(text.p, 0, text.n); /* passwords are among them */
}

void gw_kept_claim(gw_call *c, gw_call_fn then)
{
	sot_str key;
	uint8_t digest[GW_SHA256_N];
	sot_err err = {0};
	if (!(c->match.route->flags & GW_KEPT)) {
		then(c);
		return;
	}
	if (call_key(c, &key) != SOT_OK)
		return;
	if (key.n == 0) {
		then(c);
		return;
	}
	gw_kept *k = c->kept = sot_alloc(sizeof(*k));
	k->then = then;
	sot_buf_init(&k->body, 2 * KEPT_MAX);
	gw_copy_cut(key, k->key, sizeof(k->key));
	call_random_hex(k->holder, 16);
	(void)snprintf(k->owner, sizeof(k->owner), "kept %s %s", c->caller.actor, k->key);
	digest_of(c, digest);
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_KEY_CLAIM, on_claimed, c);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, k->key);
	store_arg_bytes(tx, (sot_str){(const char *)digest, sizeof(digest)});
	store_arg_c(tx, k->holder);
	if (store_commit(&tx, on_claim_done, c, &err) != SOT_OK) {
		c->kept = gw_kept_free(k);
		call_fail(c, &err);
	}
}

/* ---- the answer ---- */
void gw_kept_add(gw_call *c, store_tx *tx, int status, sot_str body, bool if_changed)
{
	const gw_kept *k = c->kept;
	uint8_t nonce[GW_SEAL_NONCE_N];
	SOT_AUTO_BUF sealed;
	sot_buf_init(&sealed, 2 * KEPT_MAX);
	if (k == NULL)
		return;
	sot_rand_bytes(nonce, sizeof(nonce));
	gw_seal_long(c->g->seal_key, nonce, sot_str_c(k->owner), body, &sealed);
	store_query(tx, GW_SQL_KEY_KEEP, NULL, NULL);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, k->key);
	store_arg_c(tx, k->holder);
	store_arg_i64(tx, status);
	store_arg_str(tx, sot_buf_str(&sealed));
	store_arg_bool(tx, if_changed);
	store_arg_c(tx, c->request_id);
}

static void on_told(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "answer.kept", outcome->why, "effect=not_kept");
}

static void on_kept(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	gw_kept *k = c->kept;
	c->kept = NULL;
	on_told(c, outcome);
	call_reply(c, &k->reply);
	(void)gw_kept_free(k);
}

bool gw_kept_takes(gw_call *c, int status, sot_str body, gw_reply **reply_p)
{
	gw_kept *k = c->kept;
	bool keeps = status < 300 && body.n <= KEPT_MAX / 2;
	/* Nobody should wait for a database that is down to hear that it is down. */
	bool waits = status < 500;
	store_tx *tx;
	sot_err err = {0};
	if (k == NULL)
		return false;
	tx = store_begin(c->g->db);
	if (keeps) {
		SOT_FAILPOINT_HIT("gateway.kept.before_keep");
		gw_kept_add(c, tx, status, body, false);
	} else {
		store_query(tx, GW_SQL_KEY_DROP, NULL, NULL);
		store_arg_c(tx, c->caller.actor);
		store_arg_c(tx, k->key);
		store_arg_c(tx, k->holder);
	}
	if (store_commit(&tx, waits ? on_kept : on_told, waits ? (void *)c : c->g, &err) != SOT_OK) {
		sot_log_err(SOT_WARN, "answer.kept", &err, "effect=not_kept");
		waits = false;
	}
	if (waits) {
		k->reply = *reply_p;
		*reply_p = NULL;
	} else {
		c->kept = gw_kept_free(k);
	}
	return waits;
}
