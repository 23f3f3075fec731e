/* GET /v1/instances/{name}/logs: the name becomes an id, the scheduler relays to the agent. */
#include "gw_relay.h"

#include "gw_sql.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <stdlib.h>

typedef struct wanted {
	sot_uuid id;
	bool found;
	uint32_t tail;
	uint64_t since_ns;
	bool timed;
} wanted;

static bool take(gw_call *c, sot_str frame, sot_arena *arena)
{
	struct sot_logs logs;
	if (sot_logs_decode(frame, arena, &logs, NULL) != SOT_OK)
		return false;
	gw_reply *reply = gw_reply_bytes(200, "text/plain; charset=utf-8", logs.text);
	gw_reply_header(reply, "X-Truncated", logs.truncated ? "true" : "false");
	gw_reply_header(reply, "Cache-Control", "no-store");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
	return true;
}

static void on_row(void *self, const store_result *res)
{
	gw_call *c = self;
	wanted *w = c->state;
	w->found = store_rows(res) == 1 && store_uuid(res, 0, 1, &w->id, NULL) == SOT_OK;
}

static void on_found(void *self, const store_outcome *outcome)
{
	static const gw_relay relay = {"no log lines", SOT_MSG_LOGS, take};
	gw_call *c = self;
	const wanted *w = c->state;
	struct sot_logs_read m = {
	    .instance_id = w->id, .tail = w->tail, .since_unix_ns = w->since_ns, .timed = w->timed};
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (!w->found) {
		call_problem(c, 404, "not_found", "there is no instance '%s'", c->match.params[0]);
		return;
	}
	m.request_id = bus_next_request_id(c->g->bus);
	if (sot_logs_read_encode(&m, &frame, &err) != SOT_OK)
		call_problem(c, 400, "invalid", "%s", err.text);
	else
		gw_relay_ask(c, &relay, m.request_id, sot_buf_str(&frame));
}

static bool read_window(gw_call *c, wanted *w)
{
	char after[40], times[8];
	sot_err err = {0};
	if (call_query(c, "after", after, sizeof(after)) != SOT_OK ||
	    call_query(c, "timestamps", times, sizeof(times)) != SOT_OK)
		return false;
	if (times[0] != '\0' && sot_parse_bool(sot_str_c(times), &w->timed, NULL) != SOT_OK) {
		call_problem(c, 400, "invalid", "query parameter 'timestamps' must be true or false");
		return false;
	}
	if (after[0] == '\0')
		return true;
	if (sot_parse_time_ns(sot_str_c(after), &w->since_ns, &err) != SOT_OK) {
		call_problem(c, 400, "invalid", "query parameter 'after': %s", err.text);
		return false;
	}
	w->since_ns++;
	return true;
}

void serve_instance_logs(gw_call *c)
{
	char text[16];
	uint64_t tail = 200;
	wanted *w;
	store_tx *tx;
	sot_err err = {0};
	if (call_query(c, "tail", text, sizeof(text)) != SOT_OK)
		return;
	if (text[0] != '\0' && sot_parse_u64(sot_str_c(text), 1, 2000, &tail, NULL) != SOT_OK) {
		call_problem(c, 400, "invalid", "query parameter 'tail' must be 1 to 2000");
		return;
	}
	w = c->state = sot_alloc(sizeof(*w));
	c->state_free = free;
	w->tail = (uint32_t)tail;
	if (!read_window(c, w))
		return;
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_INSTANCE_GET, on_row, c);
	store_arg_c(tx, c->match.params[0]);
	if (store_commit(&tx, on_found, c, &err) != SOT_OK)
		call_fail(c, &err);
}
