/* GET /v1/operations/{id}?wait=30s: answers when the operation has ended, or when the wait is over.
 * Events wake it; what it says is always read from the database. */
#include "gateway.h"

#include "gw_sql.h"
#include "gw_text.h"
#include "sot_failpoint.h"

#include <stdlib.h>

#define WAIT_MAX_MS 60000

typedef struct waiting {
	gw_call *call;
	sot_uuid id;
	sot_mono until;
	reactor_watch *timer;
	bool asking, news, found, ended;
} waiting;

static void waiting_free(void *state)
{
	waiting *w = state;
	reactor_remove(w->timer);
	free(w);
}

static void ask(waiting *w);

static void on_row(void *self, const store_result *res)
{
	gw_call *c = self;
	waiting *w = c->state;
	sot_str state;
	if (store_rows(res) != 1)
		return;
	w->found = true;
	sot_buf_add_str(&c->rows, store_text(res, 0, 0));
	sot_buf_add_char(&c->rows, '\n');
	state = store_text(res, 0, 1);
	w->ended = !sot_str_eq_c(state, "queued") && !sot_str_eq_c(state, "running");
}

static void on_done(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	waiting *w = c->state;
	int64_t left_ms = sot_mono_diff_ms(w->until, reactor_now(c->g->loop));
	w->asking = false;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (!w->found)
		call_problem(c, 404, "not_found", "there is no operation %s", c->match.params[0]);
	else if (w->ended || left_ms <= 0)
		call_json(c, 200, sot_buf_str(&c->rows));
	else if (w->news)
		ask(w);
	else
		reactor_rearm_ms(w->timer, left_ms);
}

static void ask(waiting *w)
{
	gw_call *c = w->call;
	store_tx *tx = store_begin_read(c->g->db);
	sot_err err = {0};
	w->asking = true;
	w->news = false;
	sot_buf_reset(&c->rows);
	store_query(tx, GW_SQL_OPERATION_GET, on_row, c);
	store_arg_uuid(tx, w->id);
	if (store_commit(&tx, on_done, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void on_news(void *self)
{
	gw_call *c = self;
	waiting *w = c->state;
	w->news = true;
	if (!w->asking)
		ask(w);
}

static void on_timer(void *self, uint64_t missed)
{
	waiting *w = self;
	(void)missed;
	if (!w->asking)
		ask(w);
}

void serve_operation_get(gw_call *c)
{
	char text[16];
	int64_t wait_ms = 0;
	sot_uuid id;
	sot_err err = {0};
	waiting *w;
	if (call_query(c, "wait", text, sizeof(text)) != SOT_OK)
		return;
	if (text[0] != '\0' &&
	    gw_duration_parse(sot_str_c(text), WAIT_MAX_MS, &wait_ms, &err) != SOT_OK) {
		call_problem(c, 400, "invalid", "query parameter 'wait' must be %s", err.text);
		return;
	}
	if (sot_uuid_parse(sot_str_c(c->match.params[0]), &id, NULL) != SOT_OK) {
		call_problem(c, 404, "not_found", "'%s' is no operation's id", c->match.params[0]);
		return;
	}
	w = c->state = sot_alloc(sizeof(*w));
	c->state_free = waiting_free;
	w->call = c;
	w->id = id;
	w->until = sot_mono_add_ms(reactor_now(c->g->loop), wait_ms);
	w->timer = reactor_after_ms(c->g->loop, wait_ms, on_timer, w);
	reactor_rearm_ms(w->timer, -1);
	SOT_FAILPOINT_HIT("gateway.wait.before_watch");
	/* Watch first, then read: what happens in between is not missed. */
	if (wait_ms > 0)
		gw_hub_watch(c->g->hub, id, on_news, c);
	ask(w);
}
