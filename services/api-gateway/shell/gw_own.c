#include "gw_own.h"

#include "gw_password.h"
#include "gw_sql.h"
#include "gw_text.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

static void wipe(own_change *ch)
{
	gnutls_memset(ch, 0, sizeof(*ch));
	free(ch);
}

static void own_free(void *state)
{
	own_change *ch = state;
	ch->call = NULL;
	if (!ch->working)
		wipe(ch);
}

own_change *own_begin(gw_call *c, const char *resource)
{
	own_change *ch = sot_alloc(sizeof(*ch));
	ch->call = c;
	(void)snprintf(ch->resource, sizeof(ch->resource), "%s", resource);
	c->state = ch;
	c->state_free = own_free;
	return ch;
}

/* ---- the transaction ---- */
static void on_outcome(void *self, const store_result *res)
{
	gw_call *c = self;
	own_change *ch = c->state;
	if (store_rows(res) != 1)
		return;
	gw_copy_cut(store_text(res, 0, 0), ch->outcome, sizeof(ch->outcome));
	sot_buf_add_str(&c->rows, store_text(res, 0, 1));
}

store_tx *own_call(gw_call *c, int statement)
{
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, statement, on_outcome, c);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
	store_arg_c(tx, c->caller.credential);
	return tx;
}

/* What was done; `item`: the object as it is now, or "" for not yet known. */
static void describe(const own_change *ch, sot_str item, sot_buf *out)
{
	sot_buf_add_c(out, "{\"operation\":null,\"resourceId\":");
	sot_buf_add_json(out, sot_str_c(ch->resource));
	sot_buf_add_c(out, ",\"replayed\":false");
	if (item.n > 2)
		sot_buf_printf(out, ",\"item\":%.*s", SOT_ARG(item));
	if (ch->secret[0] != '\0')
		sot_buf_printf(out, ",\"%s\":\"%s\"", ch->secret_name, ch->secret);
	sot_buf_add_c(out, "}\n");
}

static int done_status(const gw_call *c)
{
	return strcmp(c->match.route->method, "POST") == 0 ? 201 : 200;
}

static void reply_done(gw_call *c, const own_change *ch)
{
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 1024 * 1024);
	describe(ch, sot_buf_str(&c->rows), &body);
	call_json(c, done_status(c), sot_buf_str(&body));
	gnutls_memset(body.p, 0, body.n);
}

static void reply_not_done(gw_call *c, const own_change *ch)
{
	static const struct {
		const char *outcome;
		int status;
		const char *code, *detail;
	} reasons[] = {
	    {"exists", 409, "conflict", "it is there already"},
	    {"missing", 404, "not_found", "there is none, or it is not yours"},
	    {"last_admin", 409, "conflict",
	        "it is the last admin that can log in; make another one first"},
	    {"too_many", 409, "limit", "there are as many as there may be; delete some first"},
	};
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(ch->outcome, reasons[i].outcome) == 0) {
			call_problem(
			    c, reasons[i].status, reasons[i].code, "%s: %s", ch->resource, reasons[i].detail);
			return;
		}
	call_problem(c, 500, "internal", "the database answered '%s'", ch->outcome);
}

static void on_sent(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const own_change *ch = c->state;
	if (outcome->code == SOT_CONFLICT || strncmp(outcome->sqlstate, "23", 2) == 0) {
		call_problem(c, 400, "invalid",
		    "the database refuses a value (%s): names have letters, digits, '.', '_' and '-'",
		    outcome->constraint);
		return;
	}
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	gw_auth_forget_all(c->g->auth);
	gw_hub_poke(c->g->hub);
	if (strcmp(ch->outcome, "done") == 0)
		reply_done(c, ch);
	else
		reply_not_done(c, ch);
}

void own_send(gw_call *c, store_tx *tx)
{
	sot_err err = {0};
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 4096);
	describe(c->state, (sot_str){0}, &body);
	gw_kept_add(c, tx, done_status(c), sot_buf_str(&body), true);
	gnutls_memset(body.p, 0, body.n);
	if (store_commit(&tx, on_sent, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* ---- passwords, on the work queue ---- */
static void hash(void *arg)
{
	own_change *ch = arg;
	ch->fits = gw_password_hash(ch->password, ch->hash, NULL) == SOT_OK;
}

static void check(void *arg)
{
	own_change *ch = arg;
	ch->fits = gw_password_fits(ch->other, ch->hash);
}

static void on_worked(void *arg)
{
	own_change *ch = arg;
	ch->working = false;
	if (ch->call == NULL)
		wipe(ch);
	else
		ch->go_on(ch->call);
}

void own_hash(gw_call *c)
{
	own_change *ch = c->state;
	ch->working = true;
	reactor_queue_work(c->g->loop, hash, on_worked, ch);
}

void own_check(gw_call *c)
{
	own_change *ch = c->state;
	ch->working = true;
	reactor_queue_work(c->g->loop, check, on_worked, ch);
}
