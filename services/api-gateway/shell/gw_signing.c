/* Whose signatures of packages count, and which apps must have them. */
#include "gateway.h"

#include "gw_minisign.h"
#include "gw_sql.h"
#include "gw_text.h"

#include <stdlib.h>

typedef struct signing {
	char id[64], target[80];
	const char *action;
} signing;

static void audit(gw_call *c, store_tx *tx, const signing *s, sot_str detail)
{
	store_query(tx, GW_SQL_AUDIT_ADD, NULL, NULL);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
	store_arg_c(tx, s->action);
	store_arg_c(tx, s->target);
	store_arg_c(tx, "done");
	store_arg_str(tx, detail);
}

static void on_id(void *self, const store_result *res)
{
	signing *s = self;
	if (store_rows(res) == 1)
		gw_copy_cut(store_text(res, 0, 0), s->id, sizeof(s->id));
}

static void on_done(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const signing *s = c->state;
	bool is_new = c->match.route->id == GW_ROUTE_signing_key_add;
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 4096);
	if (outcome->code == SOT_CONFLICT) {
		call_problem(c, 409, "conflict", "this key is registered for that app already");
		return;
	}
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (s->id[0] == '\0') {
		call_problem(c, 404, "not_found", "there is no '%s'", c->match.params[0]);
		return;
	}
	sot_buf_add_c(&body, "{\"operation\":null,\"resourceId\":");
	sot_buf_add_json(&body, sot_str_c(s->id));
	sot_buf_add_c(&body, ",\"replayed\":false}\n");
	call_json(c, is_new ? 201 : 200, sot_buf_str(&body));
}

static signing *signing_new(gw_call *c, const char *action, sot_str target)
{
	signing *s = c->state = sot_alloc(sizeof(*s));
	c->state_free = free;
	s->action = action;
	gw_copy_cut(target, s->target, sizeof(s->target));
	return s;
}

static void commit(gw_call *c, store_tx *tx)
{
	sot_err err = {0};
	if (store_commit(&tx, on_done, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_signing_key_add(gw_call *c)
{
	json_t *body;
	gw_minisign_key key;
	sot_err err = {0};
	gw_problem p = {.status = 400, .code = "invalid", .pointer = SOT_STR("/publicKey")};
	SOT_AUTO_BUF detail;
	sot_buf_init(&detail, 4096);
	if (call_body(c, &body) != SOT_OK)
		return;
	if (gw_minisign_key_parse(gw_json_text(body, "publicKey"), &key, &err) != SOT_OK) {
		p.detail = sot_str_c(err.text);
		call_problem_full(c, &p);
		json_decref(body);
		return;
	}
	signing *s = signing_new(c, "signing-key.add", sot_str_c(key.id));
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_SIGNING_KEY_ADD, on_id, s);
	store_arg_str(tx, gw_json_text(body, "app"));
	store_arg_c(tx, key.id);
	store_arg_c(tx, key.text);
	store_arg_str(tx, gw_json_text(body, "comment"));
	store_arg_c(tx, c->caller.actor);
	sot_buf_add_c(&detail, "{\"app\":");
	sot_buf_add_json(&detail, gw_json_text(body, "app"));
	sot_buf_add_c(&detail, "}");
	audit(c, tx, s, sot_buf_str(&detail));
	json_decref(body);
	commit(c, tx);
}

void serve_signing_key_remove(gw_call *c)
{
	signing *s = signing_new(c, "signing-key.remove", sot_str_c(c->match.params[0]));
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_SIGNING_KEY_REMOVE, on_id, s);
	store_arg_c(tx, c->match.params[0]);
	audit(c, tx, s, SOT_STR("{}"));
	commit(c, tx);
}

void serve_signing_policy_set(gw_call *c)
{
	json_t *body;
	SOT_AUTO_BUF detail;
	sot_buf_init(&detail, 4096);
	if (call_body(c, &body) != SOT_OK)
		return;
	signing *s = signing_new(c, "signing-policy.set", sot_str_c(c->match.params[0]));
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_SIGNING_POLICY_SET, on_id, s);
	store_arg_c(tx, c->match.params[0]);
	store_arg_str(tx, gw_json_text(body, "policy"));
	store_arg_c(tx, c->caller.actor);
	sot_buf_add_c(&detail, "{\"policy\":");
	sot_buf_add_json(&detail, gw_json_text(body, "policy"));
	sot_buf_add_c(&detail, "}");
	audit(c, tx, s, sot_buf_str(&detail));
	json_decref(body);
	commit(c, tx);
}
