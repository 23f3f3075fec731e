/* GET /v1/instances/{name}/inside and /v1/hosts/{name}/packages: the scheduler relays to the host's
 * agent, which looks. */
#include "gw_relay.h"

#include "gw_sql.h"
#include "sot_proto.h"

#include <jansson.h>

/* ---- packages: what the database knows of each digest is put beside it ---- */

static void on_named(void *self, const store_result *res)
{
	gw_call *c = self;
	if (store_rows(res) == 1)
		sot_buf_add_str(&c->rows, store_text(res, 0, 0));
}

static void on_all_named(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (outcome->code == SOT_OK)
		call_json(c, 200, sot_buf_str(&c->rows));
	else
		call_store_failed(c, outcome);
}

static void name_packages(gw_call *c, sot_str text)
{
	sot_err err = {0};
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_HOST_PACKAGES, on_named, c);
	store_arg_str(tx, text);
	if (store_commit(&tx, on_all_named, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* ---- the answer of the agent ---- */

static void answer(gw_call *c, sot_str text)
{
	/* Should it be no object, nothing is passed on as if it were. */
	json_t *seen = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
	bool is_host = c->match.route->id == GW_ROUTE_host_packages;
	if (is_host && json_is_array(json_object_get(seen, "packages")))
		name_packages(c, text);
	else if (!is_host && json_is_array(json_object_get(seen, "processes")) &&
	         json_is_array(json_object_get(seen, "mounts")))
		call_json(c, 200, text);
	else
		call_problem(c, 503, "unavailable", "the host's agent gave no look that can be read");
	json_decref(seen);
}

static bool take(gw_call *c, sot_str frame, sot_arena *arena)
{
	struct sot_inside inside;
	if (sot_inside_decode(frame, arena, &inside, NULL) != SOT_OK)
		return false;
	answer(c, inside.text);
	return true;
}

static void ask(gw_call *c, sot_str instance, sot_str host)
{
	static const gw_relay relay = {"nothing was seen", SOT_MSG_INSIDE, take};
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	struct sot_inside_read m = {bus_next_request_id(c->g->bus), instance, host};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_inside_read_encode(&m, &frame, &err) != SOT_OK)
		call_problem(c, 400, "invalid", "%s", err.text);
	else
		gw_relay_ask(c, &relay, m.request_id, sot_buf_str(&frame));
}

void serve_instance_inside(gw_call *c)
{
	ask(c, sot_str_c(c->match.params[0]), (sot_str){0});
}

void serve_host_packages(gw_call *c)
{
	ask(c, (sot_str){0}, sot_str_c(c->match.params[0]));
}
