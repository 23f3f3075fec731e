/* What agents ask and tell: GET /v1/ssh/document (authorities, revocations, keys: the same for all
 * hosts) and POST /v1/ssh/logins. */
#include "gw_ssh.h"

#include "gw_sql.h"
#include "gw_ssh_ca.h"
#include "gw_text.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_MAX = 16 * 1024 * 1024, REVOKED_MAX = 100000, VERSION_TEXT = 64 };

/* ---- the document ---- */

typedef struct document {
	char have[VERSION_TEXT], version[VERSION_TEXT]; /* "<number>-<digest of the authorities>" */
	char ca_digest[17];
	sot_buf cas; /* "userCa":[...],"hostCa":[...] */
	sot_buf body;
	int64_t number;
	bool found;
} document;

static void document_free(void *state)
{
	document *d = state;
	sot_buf_clear(&d->cas);
	sot_buf_clear(&d->body);
	free(d);
}

/* The arrays are of this program's own statement; what breaks the form is an error of it. */
static bool read_revoked(sot_str serials, sot_str fingerprints, sot_ssh_krl *krl)
{
	json_t *numbers = json_loadb(serials.p, serials.n, 0, NULL);
	json_t *texts = json_loadb(fingerprints.p, fingerprints.n, 0, NULL);
	size_t n = json_array_size(numbers), m = json_array_size(texts);
	bool ok =
	    json_is_array(numbers) && json_is_array(texts) && n <= REVOKED_MAX && m <= REVOKED_MAX;
	uint64_t *serial = sot_alloc_array(n + 1, sizeof(*serial));
	uint8_t(*digest)[SOT_SSH_FINGERPRINT_N] = sot_alloc_array(m + 1, sizeof(*digest));
	for (size_t i = 0; ok && i < n; i++)
		serial[i] = (uint64_t)json_integer_value(json_array_get(numbers, i));
	for (size_t i = 0; ok && i < m; i++)
		ok = sot_ssh_fingerprint_parse(
		         sot_str_c(json_string_value(json_array_get(texts, i))), digest[i], NULL) == SOT_OK;
	json_decref(numbers);
	json_decref(texts);
	krl->serials = serial;
	krl->serial_count = ok ? n : 0;
	krl->fingerprints = (const uint8_t(*)[SOT_SSH_FINGERPRINT_N])digest;
	krl->fingerprint_count = ok ? m : 0;
	return ok;
}

static void add_base64(sot_buf *out, sot_str bytes)
{
	size_t size = sodium_base64_encoded_len(bytes.n, sodium_base64_VARIANT_ORIGINAL);
	char *text = sot_alloc(size);
	(void)sodium_bin2base64(
	    text, size, (const unsigned char *)bytes.p, bytes.n, sodium_base64_VARIANT_ORIGINAL);
	sot_buf_add_c(out, text);
	free(text);
}

static void on_document(void *self, const store_result *res)
{
	gw_call *c = self;
	document *d = c->state;
	sot_ssh_krl krl = {.made_unix = reactor_wall(c->g->loop).unix_ms / 1000};
	SOT_AUTO_BUF bytes;
	sot_buf_init(&bytes, DOCUMENT_MAX);
	if (store_rows(res) != 1 || store_i64(res, 0, 0, &d->number, NULL) != SOT_OK)
		return;
	krl.version = (uint64_t)d->number;
	d->found = read_revoked(store_text(res, 0, 1), store_text(res, 0, 2), &krl);
	sot_ssh_krl_render(&krl, &bytes);
	(void)snprintf(d->version, sizeof(d->version), "%lld-%s", (long long)d->number, d->ca_digest);
	sot_buf_printf(
	    &d->body, "{\"version\":\"%s\",%.*s,\"krl\":\"", d->version, (int)d->cas.n, d->cas.p);
	add_base64(&d->body, sot_buf_str(&bytes));
	sot_buf_printf(&d->body,
	    "\",\"revokedSerials\":%.*s,\"revokedFingerprints\":%.*s,\"keys\":%.*s}\n",
	    SOT_ARG(store_text(res, 0, 1)), SOT_ARG(store_text(res, 0, 2)),
	    SOT_ARG(store_text(res, 0, 3)));
	free((void *)(uintptr_t)krl.serials);
	free((void *)(uintptr_t)krl.fingerprints);
}

static void on_document_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const document *d = c->state;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (!d->found || sot_buf_failed(&d->body))
		call_problem(c, 500, "limit", "the ssh document is longer than %d bytes or %d revocations",
		    (int)DOCUMENT_MAX, (int)REVOKED_MAX);
	else
		call_json(c, 200, sot_buf_str(&d->body));
}

static void on_version(void *self, const store_result *res)
{
	document *d = self;
	if (store_rows(res) == 1 && store_i64(res, 0, 0, &d->number, NULL) == SOT_OK)
		(void)snprintf(
		    d->version, sizeof(d->version), "%lld-%s", (long long)d->number, d->ca_digest);
}

/* The usual answer, to every host every few seconds: nothing new. */
static void on_version_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const document *d = c->state;
	store_tx *tx;
	sot_err err = {0};
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (strcmp(d->have, d->version) == 0) {
		gw_reply *reply = gw_reply_bytes(304, NULL, (sot_str){0});
		sot_metric_add(c->g->answers[3], 1);
		call_reply(c, &reply);
		return;
	}
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_SSH_DOCUMENT, on_document, c);
	if (store_commit(&tx, on_document_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static sot_code read_authorities(gw_call *c, document *d, sot_err *err)
{
	gw_ssh_ca ca;
	uint8_t digest[GW_SHA256_N];
	sot_code code = gw_ssh_ca_load(c->g->config->ssh_dir, &ca, err);
	if (code == SOT_OK) {
		sot_buf_add_c(&d->cas, "\"userCa\":");
		gw_ssh_ca_json(&ca.user_lines, &d->cas);
		sot_buf_add_c(&d->cas, ",\"hostCa\":");
		gw_ssh_ca_json(&ca.host_lines, &d->cas);
		call_sha256(sot_buf_str(&d->cas), digest);
		sot_hex_encode(digest, 8, d->ca_digest);
	}
	gw_ssh_ca_clear(&ca);
	return code;
}

void serve_ssh_document_get(gw_call *c)
{
	document *d = c->state = sot_alloc(sizeof(*d));
	store_tx *tx;
	sot_err err = {0};
	c->state_free = document_free;
	sot_buf_init(&d->cas, 1024 * 1024);
	sot_buf_init(&d->body, DOCUMENT_MAX);
	if (call_query(c, "have", d->have, sizeof(d->have)) != SOT_OK)
		return;
	if (read_authorities(c, d, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_SSH_VERSION, on_version, d);
	if (store_commit(&tx, on_version_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* ---- log-ins ---- */

typedef struct report {
	int64_t news, known, foreign;
} report;

static void on_result(void *self, const store_result *res)
{
	report *r = self;
	int64_t result = 0;
	if (store_rows(res) != 1 || store_i64(res, 0, 0, &result, NULL) != SOT_OK)
		return;
	*(result > 0 ? &r->news : result == 0 ? &r->known : &r->foreign) += 1;
}

static void on_reported(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const report *r = c->state;
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 256);
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (r->foreign > 0)
		sot_log(SOT_WARN, "ssh.foreign_logins", "caller=%s count=%lld effect=dropped",
		    c->caller.actor, (long long)r->foreign);
	if (r->news > 0)
		gw_hub_poke(c->g->hub);
	sot_buf_printf(&body, "{\"new\":%lld,\"known\":%lld,\"foreign\":%lld}\n", (long long)r->news,
	    (long long)r->known, (long long)r->foreign);
	call_json(c, 200, sot_buf_str(&body));
}

static void add_drift(gw_call *c, store_tx *tx, const json_t *item, sot_uuid instance)
{
	store_query(tx, GW_SQL_NOTE_DRIFT, on_result, c->state);
	store_arg_c(tx, c->caller.name);
	store_arg_uuid(tx, instance);
	store_arg_i64(tx, gw_json_int(item, "atUnixMs", 0));
	store_arg_str(tx, gw_json_text(item, "path"));
	store_arg_bool(tx, sot_str_eq_c(gw_json_text(item, "kind"), "drift"));
}

static void add_login(gw_call *c, store_tx *tx, const json_t *item, sot_uuid instance)
{
	sot_str kind = gw_json_text(item, "kind");
	bool is_login = sot_str_eq_c(kind, "login");
	store_query(tx, is_login ? GW_SQL_SSH_LOGIN : GW_SQL_SSH_LOGOUT, on_result, c->state);
	store_arg_c(tx, c->caller.name);
	store_arg_uuid(tx, instance);
	store_arg_i64(tx, gw_json_int(item, "atUnixMs", 0));
	store_arg_i64(tx, sot_str_eq_c(kind, "boot") ? 0 : gw_json_int(item, "pid", 0));
	if (!is_login)
		return;
	store_arg_str(tx, gw_json_text(item, "account"));
	store_arg_str(tx, gw_json_text(item, "address"));
	store_arg_i64(tx, gw_json_int(item, "port", 0));
	store_arg_str(tx, gw_json_text(item, "keyId"));
	store_arg_i64(tx, gw_json_int(item, "serial", 0));
	store_arg_str(tx, gw_json_text(item, "fingerprint"));
}

static void begin_report(gw_call *c, const json_t *body)
{
	const json_t *list = json_object_get(body, "logins");
	store_tx *tx = store_begin(c->g->db);
	sot_err err = {0};
	c->state = sot_alloc(sizeof(report));
	c->state_free = free;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		sot_uuid instance;
		if (sot_uuid_parse(gw_json_text(item, "instance"), &instance, &err) != SOT_OK) {
			(void)store_tx_free(tx);
			call_fail(c, &err);
			return;
		}
		if (gw_json_text(item, "path").n > 0)
			add_drift(c, tx, item, instance);
		else
			add_login(c, tx, item, instance);
	}
	if (store_commit(&tx, on_reported, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_ssh_logins_report(gw_call *c)
{
	json_t *body;
	if (!ssh_is_agent(c) || call_body(c, &body) != SOT_OK)
		return;
	begin_report(c, body);
	json_decref(body);
}
