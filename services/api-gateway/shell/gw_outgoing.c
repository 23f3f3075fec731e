/* A change on its way to the service that makes it. */
#include "gateway.h"

#include "gw_sql.h"

#include <stdlib.h>

gw_outgoing *gw_outgoing_free(gw_outgoing *o)
{
	if (o == NULL)
		return NULL;
	sot_buf_clear(&o->frame);
	free(o);
	return NULL;
}

static void send_now(gw_call *c)
{
	const gw_outgoing *o = c->outgoing;
	sot_err err = {0};
	if (gw_peers_ask(c->g->peers, o->to_ipam, o->request_id, sot_buf_str(&o->frame), o->deadline_ms,
	        o->done, c, &err) != SOT_OK)
		call_problem(c, 503, "unavailable", "%s; try again", err.text);
}

static void on_noted(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else
		send_now(c);
}

void outgoing_send(gw_call *c, const gw_outgoing *what)
{
	store_tx *tx;
	sot_err err = {0};
	(void)gw_outgoing_free(c->outgoing);
	c->outgoing = sot_alloc(sizeof(*c->outgoing));
	*c->outgoing = *what;
	if (!(c->match.route->flags & GW_MUTATING)) {
		send_now(c);
		return;
	}
	tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_REQUEST_NOTE, NULL, NULL);
	store_arg_c(tx, c->request_id);
	store_arg_c(tx, c->caller.credential);
	if (store_commit(&tx, on_noted, c, &err) != SOT_OK)
		call_fail(c, &err);
}
