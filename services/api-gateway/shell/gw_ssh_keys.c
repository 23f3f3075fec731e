/* Keys that are managed centrally, and revocations: rows; what follows for instances is the
 * document that agents read (gw_ssh_agents.c). Own keys and certificates are everybody's own
 * business, those of others an operator's. */
#include "gw_ssh.h"

#include "gw_sql.h"
#include "gw_text.h"
#include "sot_ssh.h"

#include <stdlib.h>
#include <string.h>

typedef struct new_key {
	ssh_scope scope;
	char account[16], person[64], fingerprint[SOT_SSH_FINGERPRINT_TEXT], comment[201];
	char id[SOT_UUID_TEXT];
	sot_buf line; /* type and base64 alone: no option, no comment */
} new_key;

static void new_key_free(void *state)
{
	new_key *k = state;
	sot_buf_clear(&k->line);
	free(k);
}

/* "" for an operator: anybody's; else the caller's own. */
static const char *only_of(const gw_call *c)
{
	return c->caller.role >= GW_ROLE_OPERATOR ? "" : c->caller.name;
}

static bool may_act_for(gw_call *c, const char *person)
{
	if (strcmp(person, c->caller.name) == 0 || c->caller.role >= GW_ROLE_OPERATOR)
		return true;
	call_problem(c, 403, "denied",
	    "keys and certificates of '%s' are changed by '%s' or an operator", person, person);
	return false;
}

static void on_key_id(void *self, const store_result *res)
{
	new_key *k = self;
	if (store_rows(res) == 1)
		gw_copy_cut(store_text(res, 0, 0), k->id, sizeof(k->id));
}

static void on_key_added(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const new_key *k = c->state;
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 4096);
	if (outcome->code == SOT_CONFLICT) {
		call_problem(c, 409, "conflict", "the key %s may log in to %s as %s already",
		    k->fingerprint, k->scope.name, k->account);
		return;
	}
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	gw_hub_poke(c->g->hub);
	sot_buf_printf(&body, "{\"operation\":null,\"resourceId\":\"%s\",\"replayed\":false}\n", k->id);
	call_json(c, 201, sot_buf_str(&body));
}

static void add_detail(const new_key *k, sot_buf *out)
{
	sot_buf_printf(out,
	    "{\"person\":\"%s\",\"account\":\"%s\",\"scope\":\"%s\",\"fingerprint\":\"%s\"}", k->person,
	    k->account, k->scope.text, k->fingerprint);
}

static void on_key_scope(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	new_key *k = c->state;
	store_tx *tx;
	sot_err err = {0};
	SOT_AUTO_BUF detail;
	sot_buf_init(&detail, 4096);
	if (!ssh_scope_found(c, &k->scope, outcome))
		return;
	add_detail(k, &detail);
	tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_SSH_KEY_ADD, on_key_id, k);
	store_arg_c(tx, k->person);
	store_arg_c(tx, k->scope.text);
	store_arg_c(tx, k->account);
	store_arg_str(tx, sot_buf_str(&k->line));
	store_arg_c(tx, k->fingerprint);
	store_arg_c(tx, k->comment);
	ssh_audit(c, tx, "ssh.key.add", k->scope.name, sot_buf_str(&detail));
	ssh_emit(c, tx, "ssh.key.added", &k->scope, sot_buf_str(&detail));
	if (store_commit(&tx, on_key_added, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* The comment may hold anything, so it is kept apart from the line that sshd reads. */
static sot_code read_key(gw_call *c, const json_t *body, new_key *k)
{
	sot_ssh_public key;
	uint8_t digest[SOT_SSH_FINGERPRINT_N];
	sot_str line = gw_json_text(body, "publicKey"), rest;
	sot_err err = {0};
	gw_problem p = {.status = 400, .code = "invalid", .pointer = SOT_STR("/publicKey")};
	if (sot_ssh_public_parse(line, &key, &err) != SOT_OK) {
		p.detail = sot_str_c(err.text);
		call_problem_full(c, &p);
		return SOT_INVALID;
	}
	sot_ssh_fingerprint(&key, digest);
	(void)sot_ssh_fingerprint_text(digest, k->fingerprint);
	gw_copy_cut(key.comment, k->comment, sizeof(k->comment));
	(void)sot_str_cut(line, ' ', &rest);
	rest = sot_str_cut(rest, ' ', &(sot_str){0});
	while (rest.n > 0 && (rest.p[rest.n - 1] == '\n' || rest.p[rest.n - 1] == '\r'))
		rest.n--;
	sot_buf_printf(&k->line, "%s %.*s", key.type, SOT_ARG(rest));
	return SOT_OK;
}

static void begin_key(gw_call *c, const json_t *body)
{
	new_key *k = c->state = sot_alloc(sizeof(*k));
	sot_str person = gw_json_text(body, "person");
	sot_err err = {0};
	store_tx *tx;
	c->state_free = new_key_free;
	sot_buf_init(&k->line, 8192);
	gw_copy_cut(gw_json_text(body, "account"), k->account, sizeof(k->account));
	gw_copy_cut(person.n > 0 ? person : sot_str_c(c->caller.name), k->person, sizeof(k->person));
	if (!may_act_for(c, k->person) || !ssh_may(c, sot_str_c(k->account)) ||
	    read_key(c, body, k) != SOT_OK)
		return;
	tx = store_begin_read(c->g->db);
	if (ssh_scope_query(c, body, tx, &k->scope) != SOT_OK)
		(void)store_tx_free(tx);
	else if (store_commit(&tx, on_key_scope, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_ssh_key_add(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	begin_key(c, body);
	json_decref(body);
}

/* ---- an end of keys and certificates ---- */

/* Counts what a statement has ended. */
static void on_ended(void *self, const store_result *res)
{
	int64_t *count = self;
	*count += (int64_t)store_rows(res);
}

typedef struct ending {
	int64_t certificates, keys, sessions;
	char what[96]; /* person, serial or id of a key: what is said when there was nothing */
} ending;

static void reply_ended(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const ending *e = c->state;
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 1024);
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (e->certificates + e->keys + e->sessions == 0) {
		call_problem(c, 404, "not_found",
		    "%s has no certificate, key or session that is valid and yours to end", e->what);
		return;
	}
	gw_hub_poke(c->g->hub);
	sot_buf_printf(&body, "{\"certificates\":%lld,\"keys\":%lld,\"sessions\":%lld}\n",
	    (long long)e->certificates, (long long)e->keys, (long long)e->sessions);
	call_json(c, 200, sot_buf_str(&body));
}

/* Only what was really ended is told. */
static void audit_ending(gw_call *c, store_tx *tx, const char *action, const char *what)
{
	store_query(tx, GW_SQL_SSH_AUDIT_ENDED, NULL, NULL);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
	store_arg_c(tx, action);
	store_arg_c(tx, what);
	store_arg_c(tx, "done");
	store_arg_c(tx, "{}");
	store_query(tx, GW_SQL_SSH_EMIT_ENDED, NULL, NULL);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, what);
}

void serve_ssh_key_remove(gw_call *c)
{
	ending *e = c->state = sot_alloc(sizeof(*e));
	sot_uuid id;
	sot_err err = {0};
	store_tx *tx;
	c->state_free = free;
	if (sot_uuid_parse(sot_str_c(c->match.params[0]), &id, NULL) != SOT_OK) {
		call_problem(c, 404, "not_found", "'%s' is no key's id", c->match.params[0]);
		return;
	}
	(void)snprintf(e->what, sizeof(e->what), "key %.60s", c->match.params[0]);
	tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_SSH_KEY_REMOVE, on_ended, &e->keys);
	store_arg_uuid(tx, id);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, only_of(c));
	audit_ending(c, tx, "ssh.key.remove", c->match.params[0]);
	if (store_commit(&tx, reply_ended, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void begin_revoke(gw_call *c, const json_t *body)
{
	ending *e = c->state = sot_alloc(sizeof(*e));
	int64_t serial = gw_json_int(body, "serial", 0);
	char person[64];
	sot_err err = {0};
	store_tx *tx;
	c->state_free = free;
	gw_copy_cut(gw_json_text(body, "person"), person, sizeof(person));
	if ((person[0] != '\0') == (serial > 0)) {
		call_problem(c, 400, "invalid", "give one of 'person' and 'serial'");
		return;
	}
	if (person[0] != '\0' && !may_act_for(c, person))
		return;
	if (serial > 0)
		(void)snprintf(e->what, sizeof(e->what), "certificate %lld", (long long)serial);
	else
		(void)snprintf(e->what, sizeof(e->what), "%s", person);
	tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_SSH_REVOKE_CERTIFICATES, on_ended, &e->certificates);
	store_arg_c(tx, person);
	store_arg_i64(tx, serial);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, only_of(c));
	if (person[0] != '\0') {
		store_query(tx, GW_SQL_SSH_REVOKE_KEYS, on_ended, &e->keys);
		store_arg_c(tx, person);
		store_arg_c(tx, c->caller.actor);
		store_query(tx, GW_SQL_EXEC_REVOKE, on_ended, &e->sessions);
		store_arg_c(tx, person);
	}
	audit_ending(c, tx, "ssh.revoke", e->what);
	if (store_commit(&tx, reply_ended, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_ssh_revoke(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	begin_revoke(c, body);
	json_decref(body);
}
