#include "gw_webhooks.h"

#include "gw_own.h"
#include "gw_sql.h"
#include "gw_text.h"
#include "http_client.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS 1000
#define TRIM_EVERY_MS (600 * 1000)
#define OPEN_MAX 16
#define BATCH_MAX 100
#define DEADLINE_MS 15000
#define LEASE_S 45 /* longer than a call and its two transactions may take */
#define REPLY_MAX 4096

typedef struct delivery {
	struct gw_webhooks *w;
	char name[64], url[512], secret[129], error[256];
	int64_t upto, events;
	bool is_unsealed; /* else `error` says why not */
	sot_buf body;
	http_call *call;
	struct delivery *next;
} delivery;

struct gw_webhooks {
	gateway *g;
	reactor_watch *poll, *trim;
	char holder[SOT_UUID_TEXT];
	bool taking, poked;
	delivery *open, *taken;
	size_t open_count;
	sot_metric *sent, *failed;
};

static void take_next(gw_webhooks *w);

static void drop(delivery *d)
{
	delivery **at = &d->w->open;
	while (*at != NULL && *at != d)
		at = &(*at)->next;
	if (*at == d) {
		*at = d->next;
		d->w->open_count--;
	}
	explicit_bzero(d->secret, sizeof(d->secret));
	sot_buf_clear(&d->body);
	free(d);
}

/* ---- how it went ---- */
static void on_told(void *self, const store_outcome *outcome)
{
	delivery *d = self;
	gw_webhooks *w = d->w;
	if (outcome->code != SOT_OK) /* the lease ends, then it is sent again */
		sot_log_err(SOT_WARN, "webhook.untold", outcome->why, "webhook=%s upto=%lld", d->name,
		    (long long)d->upto);
	drop(d);
	take_next(w);
}

static void tell(delivery *d)
{
	gw_webhooks *w = d->w;
	store_tx *tx = store_begin(w->g->db);
	sot_err err = {0};
	store_query(tx, GW_SQL_WEBHOOK_TRIED, NULL, NULL);
	store_arg_c(tx, d->name);
	store_arg_c(tx, w->holder);
	store_arg_i64(tx, d->upto);
	store_arg_c(tx, d->error);
	store_arg_i64(tx, w->g->config->webhook_give_up_s);
	if (store_commit(&tx, on_told, d, &err) == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "webhook.untold", &err, "webhook=%s", d->name);
	drop(d);
}

static void on_reply(void *self, const http_reply *reply)
{
	delivery *d = self;
	bool taken = reply->code == SOT_OK && reply->status >= 200 && reply->status < 300;
	d->call = NULL;
	if (reply->code != SOT_OK)
		(void)snprintf(d->error, sizeof(d->error), "%s", reply->why->text);
	else if (!taken)
		(void)snprintf(d->error, sizeof(d->error), "it answered %d", reply->status);
	sot_metric_add(taken ? d->w->sent : d->w->failed, taken ? (uint64_t)d->events : 1);
	SOT_FAILPOINT_HIT("gateway.webhook.after_reply");
	tell(d);
}

/* ---- the call ---- */
static void sign(const delivery *d, char ret[160])
{
	uint8_t mac[GW_SHA256_N];
	char hex[2 * GW_SHA256_N + 1];
	long long now = (long long)(sot_wall_now().unix_ms / 1000);
	sot_buf text;
	sot_buf_init(&text, d->body.n + 64);
	sot_buf_printf(&text, "%lld.", now);
	sot_buf_add_str(&text, sot_buf_str(&d->body));
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, d->secret, strlen(d->secret), text.p, text.n, mac) != 0)
		abort(); /* as call_sha256 */
	sot_buf_clear(&text);
	sot_hex_encode(mac, sizeof(mac), hex);
	(void)snprintf(ret, 160, "Sotalia-Signature: t=%lld,v1=%s", now, hex);
}

static void send_batch(delivery *d)
{
	char signature[160], name[96];
	const char *headers[] = {"Content-Type: application/cloudevents-batch+json; charset=utf-8",
	    signature, name, "Expect:", NULL};
	sot_err err = {0};
	http_request q = {.method = "POST",
	    .url = d->url,
	    .headers = headers,
	    .body = sot_buf_str(&d->body),
	    .deadline_ms = DEADLINE_MS,
	    .body_max = REPLY_MAX,
	    .output_fd = -1,
	    .netns_fd = -1};
	sign(d, signature);
	(void)snprintf(name, sizeof(name), "Sotalia-Webhook: %s", d->name);
	if (http_client_send(d->w->g->outside, &q, on_reply, d, &d->call, &err) == SOT_OK)
		return;
	(void)snprintf(d->error, sizeof(d->error), "%s", err.text);
	tell(d);
}

/* ---- the next one that has something ---- */
static void on_taken(void *self, const store_result *res)
{
	gw_webhooks *w = self;
	delivery *d;
	sot_err why = {0};
	if (store_rows(res) != 1)
		return;
	d = sot_alloc(sizeof(*d));
	d->w = w;
	sot_buf_init(&d->body, 16u * 1024 * 1024);
	gw_copy_cut(store_text(res, 0, 0), d->name, sizeof(d->name));
	gw_copy_cut(store_text(res, 0, 1), d->url, sizeof(d->url));
	d->is_unsealed = gw_unseal(w->g->seal_key, sot_str_c(d->name), store_text(res, 0, 2), d->secret,
	                     &why) == SOT_OK;
	if (!d->is_unsealed)
		(void)snprintf(d->error, sizeof(d->error), "%s", why.text);
	if (store_i64(res, 0, 3, &d->upto, NULL) != SOT_OK ||
	    store_i64(res, 0, 4, &d->events, NULL) != SOT_OK)
		d->events = d->upto = 0;
	sot_buf_add_str(&d->body, store_text(res, 0, 5));
	w->taken = d;
}

static void on_take_done(void *self, const store_outcome *outcome)
{
	gw_webhooks *w = self;
	delivery *d = w->taken;
	w->taking = false;
	w->taken = NULL;
	if (outcome->code != SOT_OK) {
		sot_log_err(SOT_WARN, "webhook.take", outcome->why, "effect=later");
		if (d != NULL)
			drop(d); /* without a lease that is known to be there nothing is sent */
		return;
	}
	if (d == NULL) {
		if (w->poked)
			take_next(w);
		return;
	}
	d->next = w->open;
	w->open = d;
	w->open_count++;
	if (d->events == 0)
		d->error[0] = '\0'; /* nothing of it fits its filter: nothing to sign */
	if (d->events > 0 && d->is_unsealed)
		send_batch(d);
	else
		tell(d);
	take_next(w);
}

static void take_next(gw_webhooks *w)
{
	store_tx *tx;
	sot_err err = {0};
	if (w->taking || w->open_count >= OPEN_MAX || w->g->draining)
		return;
	w->taking = true;
	w->poked = false;
	tx = store_begin(w->g->db);
	store_query(tx, GW_SQL_WEBHOOK_TAKE, on_taken, w);
	store_arg_c(tx, w->holder);
	store_arg_i64(tx, LEASE_S);
	store_arg_i64(tx, BATCH_MAX);
	if (store_commit(&tx, on_take_done, w, &err) != SOT_OK)
		w->taking = false;
}

void gw_webhooks_poke(gw_webhooks *w)
{
	if (w == NULL)
		return;
	w->poked = true;
	take_next(w);
}

static void on_poll(void *self, uint64_t missed)
{
	gw_webhooks *w = self;
	(void)missed;
	if (store_is_up(w->g->db))
		take_next(w);
}

/* ---- old events ---- */
static void on_trimmed(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "events.trim", outcome->why, "effect=later");
}

static void on_trim(void *self, uint64_t missed)
{
	gw_webhooks *w = self;
	store_tx *tx;
	sot_err err = {0};
	(void)missed;
	if (!store_is_up(w->g->db))
		return;
	tx = store_begin(w->g->db);
	store_query(tx, GW_SQL_EVENTS_TRIM, NULL, NULL);
	store_arg_i64(tx, w->g->config->events_keep_days);
	if (store_commit(&tx, on_trimmed, w, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "events.trim", &err, "effect=later");
}

/* ---- life ---- */
gw_webhooks *gw_webhooks_new(gateway *g)
{
	gw_webhooks *w = sot_alloc(sizeof(*w));
	uint8_t entropy[16];
	w->g = g;
	sot_rand_bytes(entropy, sizeof(entropy));
	(void)sot_uuid_format(sot_uuid_v7(sot_wall_now(), entropy), w->holder);
	w->sent = sot_counter("sot_gateway_webhook_events_total", NULL, "Events that webhooks took");
	w->failed = sot_counter("sot_gateway_webhook_failures_total", NULL, "Calls that took nothing");
	w->poll = reactor_every_ms(g->loop, POLL_MS, on_poll, w);
	w->trim = reactor_every_ms(g->loop, TRIM_EVERY_MS, on_trim, w);
	return w;
}

gw_webhooks *gw_webhooks_free(gw_webhooks *w)
{
	if (w == NULL)
		return NULL;
	reactor_remove(w->poll);
	reactor_remove(w->trim);
	if (w->g->db != NULL)
		store_forget(w->g->db, w);
	while (w->open != NULL) {
		if (w->open->call != NULL)
			http_call_cancel(w->open->call);
		if (w->g->db != NULL)
			store_forget(w->g->db, w->open);
		drop(w->open);
	}
	free(w);
	return NULL;
}

/* ---- the routes ---- */
static void write_webhook(gw_call *c, const json_t *body)
{
	own_change *ch = own_begin(c, "");
	sot_str secret = gw_json_text(body, "secret");
	uint8_t nonce[GW_SEAL_NONCE_N];
	char sealed[GW_SEAL_TEXT_MAX];
	size_t i;
	json_t *kind;
	ch->secret_name = "secret";
	gw_copy_cut(gw_json_text(body, "name"), ch->resource, sizeof(ch->resource));
	if (secret.n > 0)
		gw_copy_cut(secret, ch->secret, sizeof(ch->secret));
	else
		call_random_hex(ch->secret, 32);
	sot_rand_bytes(nonce, sizeof(nonce));
	gw_seal(c->g->seal_key, nonce, sot_str_c(ch->resource), sot_str_c(ch->secret), sealed);
	store_tx *tx = own_call(c, GW_SQL_WEBHOOK_CREATE);
	store_arg_c(tx, ch->resource);
	store_arg_str(tx, gw_json_text(body, "url"));
	store_arg_c(tx, sealed);
	store_arg_array_begin(tx);
	json_array_foreach(json_object_get(body, "kinds"), i, kind)
	    store_item_str(tx, sot_str_c(json_string_value(kind)));
	store_arg_array_end(tx);
	store_arg_str(tx, gw_json_text(body, "app"));
	store_arg_str(tx, gw_json_text(body, "host"));
	store_arg_str(tx, gw_json_text(body, "changed"));
	if (secret.n > 0)
		ch->secret[0] = '\0'; /* the caller knows it */
	own_send(c, tx);
}

void serve_webhook_create(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	write_webhook(c, body);
	json_decref(body);
}

void serve_webhook_update(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	(void)own_begin(c, c->match.params[0]);
	const json_t *paused = json_object_get(body, "paused");
	store_tx *tx = own_call(c, GW_SQL_WEBHOOK_UPDATE);
	store_arg_c(tx, c->match.params[0]);
	store_arg_c(tx, paused == NULL ? "" : json_is_true(paused) ? "true" : "false");
	store_arg_i64(tx, gw_json_int(body, "after", -1));
	own_send(c, tx);
	json_decref(body);
}

void serve_webhook_delete(gw_call *c)
{
	(void)own_begin(c, c->match.params[0]);
	store_tx *tx = own_call(c, GW_SQL_WEBHOOK_DELETE);
	store_arg_c(tx, c->match.params[0]);
	own_send(c, tx);
}

void serve_dead_letter_send(gw_call *c)
{
	uint64_t first = 0;
	if (sot_parse_u64(sot_str_c(c->match.params[1]), 1, INT64_MAX, &first, NULL) != SOT_OK) {
		call_problem(c, 404, "not_found", "'%s' is no number of an event", c->match.params[1]);
		return;
	}
	(void)own_begin(c, c->match.params[0]);
	store_tx *tx = own_call(c, GW_SQL_DEAD_LETTER_SEND);
	store_arg_c(tx, c->match.params[0]);
	store_arg_i64(tx, (int64_t)first);
	own_send(c, tx);
}
