/* POST /v1/enrol: a machine shows a one-time token and the key that it made. The database says
 * whether it may have it (unknown, used or late token, cloned key or machine-id, an approval that
 * is awaited); then the scheduler registers the host, and the answer is that of POST /v1/hosts.
 * Repeated with the same key it is answered again: an answer that was lost costs nothing. */
#include "gw_hub.h"
#include "gw_json.h"
#include "gw_machine_routes.h"
#include "gw_sql.h"

#include <stdio.h>

static void on_answer(void *self, const store_result *res)
{
	gw_call *c = self;
	if (store_rows(res) == 1)
		sot_buf_add_str(&c->rows, store_text(res, 0, 0));
}

static void register_host(gw_call *c, const json_t *answer)
{
	static const char *const members[] = {"name", "az", "rack", "publicKey", "tags"};
	json_t *body = json_object();
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		(void)json_object_set(body, members[i], json_object_get(answer, members[i]));
	(void)snprintf(c->caller.actor, sizeof(c->caller.actor), "host:%.*s",
	    SOT_ARG(gw_json_text(answer, "name")));
	sot_buf_reset(&c->rows);
	command_register(c, body);
	json_decref(body);
}

static void on_judged(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	json_t *answer;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	answer = json_loadb(c->rows.p, c->rows.n, 0, NULL);
	if (json_object_get(answer, "problem") != NULL)
		machine_answer_problem(c, answer);
	else
		register_host(c, answer);
	json_decref(answer);
}

void serve_enrol(gw_call *c)
{
	json_t *body;
	sot_err err = {0};
	store_tx *tx;
	if (call_body(c, &body) != SOT_OK)
		return;
	tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_ENROL, on_answer, c);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
	store_arg_str(tx, gw_json_text(body, "token"));
	store_arg_str(tx, gw_json_text(body, "publicKey"));
	store_arg_str(tx, gw_json_text(body, "machineId"));
	if (store_commit(&tx, on_judged, c, &err) != SOT_OK)
		call_fail(c, &err);
	json_decref(body);
}
