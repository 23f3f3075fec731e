/* POST /v1/ssh/certificates and /v1/ssh/host-certificates: who may log in where is decided here,
 * once; the instance believes the signature.
 *
 * A certificate is a row (serial, person, scope), an audit row and an event, committed before it is
 * signed: what was signed can be revoked. Its principal names scope and account, so it opens
 * nothing else: inst:<instance id>:<account> or app:<app>:<account>.
 */
#include "gw_ssh.h"

#include "gw_command.h"
#include "gw_sql.h"
#include "gw_ssh_ca.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_rand.h"

#include <stdlib.h>
#include <string.h>

enum { SKEW_S = 60, LINE_MAX_N = 16384, DAY_S = 86400 };

/* ---- rights and scopes ---- */

bool ssh_may(gw_call *c, sot_str account)
{
	const gateway_config *config = c->g->config;
	const char *name =
	    sot_str_eq_c(account, "admin") ? config->ssh_admin_role : config->ssh_readonly_role;
	gw_role needed = gw_role_parse(sot_str_c(name));
	if (c->role >= needed && needed != GW_ROLE_PUBLIC)
		return true;
	call_problem(c, 403, "denied", "%s has role %s there; to log in as %.*s needs %s or higher",
	    c->caller.actor, gw_role_name(c->role), SOT_ARG(account), name);
	return false;
}

static void on_instance(void *self, const store_result *res)
{
	ssh_scope *s = self;
	if (store_rows(res) != 1 || store_uuid(res, 0, 0, &s->id, NULL) != SOT_OK)
		return;
	s->found = true;
	gw_copy_cut(store_text(res, 0, 1), s->name, sizeof(s->name));
	gw_copy_cut(store_text(res, 0, 2), s->app, sizeof(s->app));
	gw_copy_cut(store_text(res, 0, 3), s->host, sizeof(s->host));
	gw_copy_cut(store_text(res, 0, 4), s->address, sizeof(s->address));
	char id[SOT_UUID_TEXT];
	(void)snprintf(s->text, sizeof(s->text), "inst:%s", sot_uuid_format(s->id, id));
}

static void on_app(void *self, const store_result *res)
{
	ssh_scope *s = self;
	if (store_rows(res) != 1)
		return;
	s->found = true;
	gw_copy_cut(store_text(res, 0, 0), s->app, sizeof(s->app));
	(void)snprintf(s->name, sizeof(s->name), "%s", s->app);
	(void)snprintf(s->text, sizeof(s->text), "app:%s", s->app);
}

sot_code ssh_scope_query(gw_call *c, const json_t *body, store_tx *tx, ssh_scope *ret)
{
	sot_str instance = gw_json_text(body, "instance"), app = gw_json_text(body, "app");
	if ((instance.n > 0) == (app.n > 0)) {
		call_problem(c, 400, "invalid", "give one of 'instance' and 'app'");
		return SOT_INVALID;
	}
	gw_copy_cut(instance.n > 0 ? instance : app, ret->asked, sizeof(ret->asked));
	ret->is_app = app.n > 0;
	store_query(tx, ret->is_app ? GW_SQL_SSH_APP : GW_SQL_SSH_INSTANCE,
	    ret->is_app ? on_app : on_instance, ret);
	store_arg_c(tx, ret->asked);
	return SOT_OK;
}

bool ssh_scope_found(gw_call *c, const ssh_scope *s, const store_outcome *outcome)
{
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (!s->found)
		call_problem(
		    c, 404, "not_found", "there is no %s '%s'", s->is_app ? "app" : "instance", s->asked);
	return outcome->code == SOT_OK && s->found;
}

void ssh_audit(gw_call *c, store_tx *tx, const char *action, const char *target, sot_str detail)
{
	store_query(tx, GW_SQL_AUDIT_ADD, NULL, NULL);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
	store_arg_c(tx, action);
	store_arg_c(tx, target);
	store_arg_c(tx, "done");
	store_arg_str(tx, detail);
}

void ssh_emit(gw_call *c, store_tx *tx, const char *kind, const ssh_scope *scope, sot_str detail)
{
	store_query(tx, GW_SQL_EMIT_ONE, NULL, NULL);
	store_arg_c(tx, kind);
	store_arg_c(tx, scope->name);
	store_arg_c(tx, scope->app);
	store_arg_c(tx, scope->host);
	store_arg_c(tx, c->caller.actor);
	store_arg_str(tx, detail);
}

/* ---- certificates of people ---- */

typedef struct issue {
	ssh_scope scope;
	char account[16], key_id[128], fingerprint[SOT_SSH_FINGERPRINT_TEXT], source[201];
	uint8_t subject[SOT_SSH_PUBLIC_N];
	int64_t minutes, serial;
} issue;

static void on_serial(void *self, const store_result *res)
{
	issue *i = self;
	if (store_rows(res) != 1 || store_i64(res, 0, 0, &i->serial, NULL) != SOT_OK)
		i->serial = 0;
}

static sot_code sign(
    const issue *i, const gw_ssh_ca *ca, int64_t until_unix, sot_buf *out, sot_err *err)
{
	char principal[160];
	(void)snprintf(principal, sizeof(principal), "%s:%s", i->scope.text, i->account);
	sot_str principals[] = {sot_str_c(principal)};
	int64_t now_unix = until_unix - i->minutes * 60;
	sot_ssh_certificate certificate = {.kind = SOT_SSH_USER,
	    .serial = (uint64_t)i->serial,
	    .key_id = sot_str_c(i->key_id),
	    .principals = principals,
	    .principal_count = 1,
	    .valid_after_unix = now_unix - SKEW_S,
	    .valid_before_unix = until_unix,
	    .source_address = sot_str_c(i->source),
	    .permit_pty = true};
	sot_rand_bytes(certificate.nonce, sizeof(certificate.nonce));
	return sot_ssh_certificate_sign(&certificate, i->subject, &ca->user, out, err);
}

static void add_text(sot_buf *out, const char *key, const char *value)
{
	sot_buf_printf(out, ",\"%s\":", key);
	sot_buf_add_json(out, sot_str_c(value));
}

static void reply_certificate(gw_call *c, const issue *i, const gw_ssh_ca *ca)
{
	int64_t until_unix = reactor_wall(c->g->loop).unix_ms / 1000 + i->minutes * 60;
	char until[25], id[SOT_UUID_TEXT];
	SOT_AUTO_BUF line, body;
	sot_err err = {0};
	sot_buf_init(&line, LINE_MAX_N);
	sot_buf_init(&body, 4 * LINE_MAX_N);
	if (sign(i, ca, until_unix, &line, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	sot_buf_printf(&body, "{\"serial\":%lld", (long long)i->serial);
	sot_buf_add_c(&body, ",\"certificate\":");
	sot_buf_add_json(&body, sot_buf_str(&line));
	add_text(&body, "keyId", i->key_id);
	add_text(&body, "scope", i->scope.text);
	add_text(&body, "account", i->account);
	add_text(&body, "validUntil", sot_wall_format((sot_wall){until_unix * 1000}, until));
	sot_buf_add_c(&body, ",\"hostCa\":");
	gw_ssh_ca_json(&ca->host_lines, &body);
	if (!i->scope.is_app) {
		add_text(&body, "instance", i->scope.name);
		add_text(&body, "instanceId", sot_uuid_format(i->scope.id, id));
		add_text(&body, "address", i->scope.address);
	}
	sot_buf_add_c(&body, "}\n");
	call_json(c, 201, sot_buf_str(&body));
}

static void on_issued(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const issue *i = c->state;
	gw_ssh_ca ca;
	sot_err err = {0};
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	gw_hub_poke(c->g->hub);
	SOT_FAILPOINT_HIT("gateway.ssh.before_sign");
	if (gw_ssh_ca_load(c->g->config->ssh_dir, &ca, &err) != SOT_OK)
		call_fail(c, &err);
	else
		reply_certificate(c, i, &ca);
	gw_ssh_ca_clear(&ca);
}

static void on_scope(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	issue *i = c->state;
	store_tx *tx;
	sot_err err = {0};
	SOT_AUTO_BUF detail;
	sot_buf_init(&detail, 4096);
	if (!ssh_scope_found(c, &i->scope, outcome))
		return;
	sot_buf_printf(&detail,
	    "{\"keyId\":\"%s\",\"account\":\"%s\",\"scope\":\"%s\",\"fingerprint\":\"%s\","
	    "\"minutes\":%lld}",
	    i->key_id, i->account, i->scope.text, i->fingerprint, (long long)i->minutes);
	tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_SSH_CERTIFICATE_ADD, on_serial, i);
	store_arg_c(tx, c->caller.name);
	store_arg_c(tx, i->key_id);
	store_arg_c(tx, i->scope.text);
	store_arg_c(tx, i->account);
	store_arg_c(tx, i->fingerprint);
	store_arg_i64(tx, i->minutes);
	ssh_audit(c, tx, "ssh.certificate", i->scope.name, sot_buf_str(&detail));
	ssh_emit(c, tx, "ssh.certificate", &i->scope, sot_buf_str(&detail));
	if (store_commit(&tx, on_issued, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static sot_code read_subject(gw_call *c, const json_t *body, uint8_t subject[SOT_SSH_PUBLIC_N],
    char fingerprint[static SOT_SSH_FINGERPRINT_TEXT])
{
	sot_ssh_public key;
	uint8_t digest[SOT_SSH_FINGERPRINT_N];
	sot_err err = {0};
	gw_problem p = {.status = 400, .code = "invalid", .pointer = SOT_STR("/publicKey")};
	if (sot_ssh_public_parse(gw_json_text(body, "publicKey"), &key, &err) == SOT_OK &&
	    sot_ssh_public_ed25519(&key, subject, &err) == SOT_OK) {
		sot_ssh_fingerprint(&key, digest);
		(void)sot_ssh_fingerprint_text(digest, fingerprint);
		return SOT_OK;
	}
	p.detail = sot_str_c(err.text);
	call_problem_full(c, &p);
	return SOT_INVALID;
}

static void begin_issue(gw_call *c, const json_t *body)
{
	issue *i = c->state = sot_alloc(sizeof(*i));
	sot_err err = {0};
	store_tx *tx;
	c->state_free = free;
	gw_copy_cut(gw_json_text(body, "account"), i->account, sizeof(i->account));
	gw_copy_cut(gw_json_text(body, "sourceAddress"), i->source, sizeof(i->source));
	i->minutes = gw_json_int(body, "minutes", c->g->config->ssh_minutes);
	(void)snprintf(i->key_id, sizeof(i->key_id), "%s/%s", c->caller.name, c->request_id);
	if (read_subject(c, body, i->subject, i->fingerprint) != SOT_OK ||
	    !ssh_may(c, sot_str_c(i->account)))
		return;
	tx = store_begin_read(c->g->db);
	if (ssh_scope_query(c, body, tx, &i->scope) != SOT_OK)
		(void)store_tx_free(tx);
	else if (store_commit(&tx, on_scope, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* Whether there is a key to sign with is asked first: nothing is written for one that cannot be. */
void serve_ssh_certificate_issue(gw_call *c)
{
	json_t *body;
	gw_ssh_ca ca;
	sot_err err = {0};
	if (call_body(c, &body) != SOT_OK)
		return;
	if (gw_ssh_ca_load(c->g->config->ssh_dir, &ca, &err) == SOT_OK)
		begin_issue(c, body);
	else
		call_fail(c, &err);
	gw_ssh_ca_clear(&ca);
	json_decref(body);
}

/* ---- certificates of instances ---- */

typedef struct host_issue {
	sot_uuid id;
	bool found;
	char name[64], address[64];
	uint8_t subject[SOT_SSH_PUBLIC_N];
} host_issue;

static void on_host_instance(void *self, const store_result *res)
{
	host_issue *h = self;
	if (store_rows(res) != 1)
		return;
	h->found = true;
	gw_copy_cut(store_text(res, 0, 0), h->name, sizeof(h->name));
	gw_copy_cut(store_text(res, 0, 2), h->address, sizeof(h->address));
}

static sot_code sign_host(
    gw_call *c, const host_issue *h, const gw_ssh_ca *ca, sot_buf *out, sot_err *err)
{
	char id[SOT_UUID_TEXT];
	int64_t now_unix = reactor_wall(c->g->loop).unix_ms / 1000;
	sot_str principals[] = {
	    sot_str_c(h->name), sot_str_c(sot_uuid_format(h->id, id)), sot_str_c(h->address)};
	sot_ssh_certificate certificate = {.kind = SOT_SSH_HOST,
	    .key_id = sot_str_c(h->name),
	    .principals = principals,
	    .principal_count = h->address[0] != '\0' ? 3 : 2,
	    .valid_after_unix = now_unix - DAY_S, /* clocks of clients differ more than hosts' */
	    .valid_before_unix = now_unix + c->g->config->ssh_host_days * DAY_S};
	sot_rand_bytes(certificate.nonce, sizeof(certificate.nonce));
	return sot_ssh_certificate_sign(&certificate, h->subject, &ca->host, out, err);
}

static void reply_host_certificate(gw_call *c, const host_issue *h)
{
	gw_ssh_ca ca;
	SOT_AUTO_BUF line, body;
	sot_err err = {0};
	sot_buf_init(&line, LINE_MAX_N);
	sot_buf_init(&body, 2 * LINE_MAX_N);
	sot_code code = gw_ssh_ca_load(c->g->config->ssh_dir, &ca, &err);
	if (code == SOT_OK)
		code = sign_host(c, h, &ca, &line, &err);
	gw_ssh_ca_clear(&ca);
	if (code != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	sot_log(SOT_INFO, "ssh.host_certificate", "instance=%s caller=%s", h->name, c->caller.actor);
	sot_buf_add_c(&body, "{\"certificate\":");
	sot_buf_add_json(&body, sot_buf_str(&line));
	sot_buf_add_c(&body, "}\n");
	call_json(c, 201, sot_buf_str(&body));
}

static void on_host_instance_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const host_issue *h = c->state;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (!h->found)
		call_problem(c, 404, "not_found", "the instance is not one of %s", c->caller.actor);
	else
		reply_host_certificate(c, h);
}

bool ssh_is_agent(gw_call *c)
{
	if (c->caller.role == GW_ROLE_AGENT)
		return true;
	call_problem(c, 403, "denied", "this is for the agents of hosts, by their fetch token");
	return false;
}

static void begin_host(gw_call *c, const json_t *body)
{
	host_issue *h = c->state = sot_alloc(sizeof(*h));
	char fingerprint[SOT_SSH_FINGERPRINT_TEXT];
	sot_err err = {0};
	store_tx *tx;
	c->state_free = free;
	if (read_subject(c, body, h->subject, fingerprint) != SOT_OK)
		return;
	if (sot_uuid_parse(gw_json_text(body, "instance"), &h->id, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_SSH_HOST_INSTANCE, on_host_instance, h);
	store_arg_uuid(tx, h->id);
	store_arg_c(tx, c->caller.name);
	if (store_commit(&tx, on_host_instance_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_ssh_host_certificate(gw_call *c)
{
	json_t *body;
	if (!ssh_is_agent(c) || call_body(c, &body) != SOT_OK)
		return;
	begin_host(c, body);
	json_decref(body);
}
