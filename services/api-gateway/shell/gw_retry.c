/* POST /v1/operations/{id}/retry: what did not end well is read from the rows of the ended
 * operation, which never change again; the scheduler makes a new operation of it. */
#include "gateway.h"

#include "gw_command.h"
#include "gw_sql.h"
#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>

typedef struct retry {
	gw_retry what;
	char kind[33], app[31], version[65], host[64], state[16], thing[65];
	bool found;
	sot_code code; /* of reading the row */
	sot_err err;
} retry;

static void retry_free(void *state)
{
	retry *r = state;
	free(r->what.targets);
	free(r);
}

static void read_targets(retry *r, sot_str list)
{
	sot_str one;
	if (list.n == 0)
		return;
	r->what.targets = sot_alloc_array(list.n / 36 + 1, sizeof(*r->what.targets));
	while (list.n > 0 && r->code == SOT_OK) {
		one = sot_str_cut(list, ',', &list);
		r->code = sot_uuid_parse(one, &r->what.targets[r->what.target_count++], &r->err);
	}
}

static void read_text(retry *r, sot_str text, char *dst, size_t size, sot_str *ret)
{
	if (r->code == SOT_OK)
		r->code = sot_str_copy(text, dst, size, &r->err);
	*ret = sot_str_c(dst);
}

static int64_t read_number(retry *r, const store_result *res, int column)
{
	int64_t value = 0;
	if (r->code == SOT_OK)
		r->code = store_i64(res, 0, column, &value, &r->err);
	return value;
}

/* As the scheduler wrote it: what it leaves out is the default. */
static void read_strategy(retry *r, sot_str text)
{
	json_t *strategy = json_loadb(text.p, text.n, 0, NULL);
	r->what.strategy = command_strategy(strategy);
	json_decref(strategy);
}

static void on_row(void *self, const store_result *res)
{
	retry *r = ((gw_call *)self)->state;
	sot_str state;
	if (store_rows(res) != 1)
		return;
	r->found = true;
	read_text(r, store_text(res, 0, 0), r->kind, sizeof(r->kind), &r->what.kind);
	read_text(r, store_text(res, 0, 1), r->app, sizeof(r->app), &r->what.app);
	read_text(r, store_text(res, 0, 2), r->version, sizeof(r->version), &r->what.version);
	read_text(r, store_text(res, 0, 3), r->state, sizeof(r->state), &state);
	r->what.count = (uint32_t)read_number(r, res, 4);
	r->what.parallel = (uint16_t)read_number(r, res, 5);
	r->what.failures_max = (uint16_t)read_number(r, res, 6);
	read_targets(r, store_text(res, 0, 7));
	read_text(r, store_text(res, 0, 8), r->host, sizeof(r->host), &r->what.host);
	read_strategy(r, store_text(res, 0, 9));
	read_text(r, store_text(res, 0, 10), r->thing, sizeof(r->thing), &r->what.thing);
}

static void on_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const retry *r = c->state;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (!r->found)
		call_problem(c, 404, "not_found", "there is no operation %s", c->match.params[0]);
	else if (r->code != SOT_OK)
		call_problem(c, 500, "internal", "the operation's row cannot be read: %s", r->err.text);
	else if (strcmp(r->state, "done") == 0)
		call_problem(c, 409, "conflict", "the operation is done: nothing of it failed");
	else
		command_retry(c, &r->what);
}

void serve_operation_retry(gw_call *c)
{
	store_tx *tx;
	sot_err err = {0};
	retry *r = sot_alloc(sizeof(*r));
	c->state = r;
	c->state_free = retry_free;
	if (sot_uuid_parse(sot_str_c(c->match.params[0]), &r->what.operation_id, NULL) != SOT_OK) {
		call_problem(c, 404, "not_found", "'%s' is no operation's id", c->match.params[0]);
		return;
	}
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_OPERATION_RETRY, on_row, c);
	store_arg_uuid(tx, r->what.operation_id);
	if (store_commit(&tx, on_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}
