/* What operators ask of the bridges to CAT: a row that one of them answers within a minute or so.
 */
#include "gateway.h"

#include "gw_json.h"
#include "gw_sql.h"
#include "gw_text.h"

#include <stdlib.h>

typedef struct question {
	char kind[8], argument[65];
	char id[SOT_UUID_TEXT];
} question;

static void on_id(void *self, const store_result *res)
{
	question *q = self;
	if (store_rows(res) == 1)
		gw_copy_cut(store_text(res, 0, 0), q->id, sizeof(q->id));
}

static void on_asked(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const question *q = c->state;
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 4096);
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	sot_buf_printf(&body, "{\"operation\":null,\"resourceId\":\"%s\",\"replayed\":false}\n", q->id);
	call_json(c, 201, sot_buf_str(&body));
}

static void audit(gw_call *c, store_tx *tx, const question *q)
{
	store_query(tx, GW_SQL_AUDIT_ADD, NULL, NULL);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
	store_arg_c(tx, "monitor.ask");
	store_arg_c(tx, q->kind);
	store_arg_c(tx, "done");
	store_arg_c(tx, "{}");
}

void serve_monitor_ask(gw_call *c)
{
	json_t *body;
	sot_err err = {0};
	if (call_body(c, &body) != SOT_OK)
		return;
	question *q = c->state = sot_alloc(sizeof(*q));
	c->state_free = free;
	gw_copy_cut(gw_json_text(body, "kind"), q->kind, sizeof(q->kind));
	gw_copy_cut(gw_json_text(body, "argument"), q->argument, sizeof(q->argument));
	json_decref(body);
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_MONITOR_ASK, on_id, q);
	store_arg_c(tx, q->kind);
	store_arg_c(tx, q->argument);
	audit(c, tx, q);
	if (store_commit(&tx, on_asked, c, &err) != SOT_OK)
		call_fail(c, &err);
}
