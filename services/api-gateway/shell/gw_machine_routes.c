/* Machines on their way into service: what is asked becomes one call of a function of the database,
 * which changes everything or nothing and answers with JSON; what stands against it is a member
 * "problem" or "errors" of that answer. */
#include "gateway.h"

#include "gw_hub.h"
#include "gw_json.h"
#include "gw_machine_routes.h"
#include "gw_machines.h"
#include "gw_sql.h"
#include "sot_log.h"

#include <stdlib.h>
#include <string.h>

#define CLAIM_LIMIT 50
#define SWEEP_EVERY_MS 5000

static void on_answer(void *self, const store_result *res)
{
	gw_call *c = self;
	if (store_rows(res) == 1)
		sot_buf_add_str(&c->rows, store_text(res, 0, 0));
}

static void answer_errors(gw_call *c, const json_t *errors)
{
	char *text = json_dumps(errors, JSON_COMPACT);
	char detail[96];
	gw_problem p = {.status = 422, .code = "invalid"};
	size_t n = json_array_size(errors);
	(void)snprintf(detail, sizeof(detail), "%zu %s wrong, nothing was imported; see errors", n,
	    n == 1 ? "line is" : "lines are");
	p.detail = sot_str_c(detail);
	p.errors_json = sot_str_c(text);
	call_problem_full(c, &p);
	free(text);
}

void machine_answer_problem(gw_call *c, const json_t *answer)
{
	static const struct {
		const char *code;
		int status;
	} known[] = {{"unauthorized", 401}, {"forbidden", 403}, {"pending", 409}};
	sot_str code = gw_json_text(answer, "code"), problem = gw_json_text(answer, "problem");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (sot_str_eq_c(code, known[i].code)) {
			call_problem(c, known[i].status, known[i].code, "%.*s", SOT_ARG(problem));
			return;
		}
	}
	call_problem(c, 409, "conflict", "%.*s", SOT_ARG(problem));
}

static void on_done(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (c->rows.n == 0) {
		call_problem(c, 404, "not_found", "there is no open run %s", c->match.params[0]);
		return;
	}
	json_t *answer = json_loadb(c->rows.p, c->rows.n, 0, NULL);
	gw_hub_poke(c->g->hub);
	if (json_object_get(answer, "errors") != NULL) {
		answer_errors(c, json_object_get(answer, "errors"));
	} else if (json_object_get(answer, "problem") != NULL) {
		machine_answer_problem(c, answer);
	} else {
		sot_buf_add_char(&c->rows, '\n');
		call_json(c, 200, sot_buf_str(&c->rows));
	}
	json_decref(answer);
}

static void add_caller(gw_call *c, store_tx *tx)
{
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, gw_request_peer(c->http));
	store_arg_c(tx, c->request_id);
}

/* A member of the body as JSON text; "[]" when it is not there. */
static void add_list(store_tx *tx, const json_t *body, const char *name)
{
	json_t *list = json_object_get(body, name);
	char *text = list != NULL ? json_dumps(list, JSON_COMPACT) : strdup("[]");
	store_arg_c(tx, text);
	free(text);
}

static void finish(gw_call *c, store_tx **tx_p)
{
	sot_err err = {0};
	if (store_commit(tx_p, on_done, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void import_rows(gw_call *c, const json_t *body, const gw_machines *m)
{
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_MACHINE_IMPORT, on_answer, c);
	add_caller(c, tx);
	store_arg_bool(tx, gw_json_bool(body, "dryRun", false));
	store_arg_str(tx, sot_buf_str(&m->rows));
	finish(c, &tx);
}

void serve_machine_import(gw_call *c)
{
	json_t *body;
	gw_machines m;
	if (call_body(c, &body) != SOT_OK)
		return;
	sot_str csv = gw_json_text(body, "csv"), inventory = gw_json_text(body, "inventory");
	if ((csv.n > 0) == (inventory.n > 0)) {
		call_problem(c, 422, "invalid", "give the machines as csv, or as inventory");
		json_decref(body);
		return;
	}
	gw_machines_init(&m);
	if (csv.n > 0)
		gw_machines_read(csv, &m);
	else
		gw_machines_read_inventory(inventory, gw_json_text(body, "group"), &m);
	if (m.error_count > 0) {
		json_t *errors = json_loadb(m.errors.p, m.errors.n, 0, NULL);
		answer_errors(c, errors);
		json_decref(errors);
	} else {
		import_rows(c, body, &m);
	}
	gw_machines_clear(&m);
	json_decref(body);
}

void serve_machine_retry(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_MACHINE_RETRY, on_answer, c);
	add_caller(c, tx);
	add_list(tx, body, "names");
	store_arg_bool(tx, gw_json_bool(body, "newSshKey", false));
	finish(c, &tx);
	json_decref(body);
}

void serve_machine_claim(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_MACHINE_CLAIM, on_answer, c);
	store_arg_c(tx, c->caller.actor);
	store_arg_str(tx, gw_json_text(body, "runner"));
	add_list(tx, body, "names");
	store_arg_i64(tx, gw_json_int(body, "limit", CLAIM_LIMIT));
	store_arg_i64(tx, gw_json_int(body, "leaseSeconds", 0));
	store_arg_bool(tx, gw_json_bool(body, "own", false));
	finish(c, &tx);
	json_decref(body);
}

/* The run of the path; SOT_INVALID was answered. */
static sot_code add_run(gw_call *c, store_tx *tx)
{
	sot_uuid run;
	sot_err err = {0};
	if (sot_uuid_parse(sot_str_c(c->match.params[0]), &run, &err) != SOT_OK) {
		call_problem(c, 404, "not_found", "there is no run %s", c->match.params[0]);
		return SOT_INVALID;
	}
	store_arg_uuid(tx, run);
	return SOT_OK;
}

void serve_machine_tell(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_MACHINE_TELL, on_answer, c);
	if (add_run(c, tx) != SOT_OK) {
		(void)store_tx_free(tx);
	} else {
		store_arg_i64(tx, gw_json_int(body, "leaseSeconds", 0));
		add_list(tx, body, "lines");
		finish(c, &tx);
	}
	json_decref(body);
}

void serve_machine_ssh_keys(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_MACHINE_SSH_KEYS, on_answer, c);
	if (add_run(c, tx) != SOT_OK) {
		(void)store_tx_free(tx);
	} else {
		add_list(tx, body, "keys");
		finish(c, &tx);
	}
	json_decref(body);
}

void serve_machine_run_end(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_MACHINE_RUN_END, on_answer, c);
	if (add_run(c, tx) != SOT_OK) {
		(void)store_tx_free(tx);
	} else {
		store_arg_str(tx, gw_json_text(body, "error"));
		finish(c, &tx);
	}
	json_decref(body);
}

void serve_enrolment_create(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_ENROLMENT_ADD, on_answer, c);
	add_caller(c, tx);
	store_arg_str(tx, gw_json_text(body, "machine"));
	store_arg_i64(tx, gw_json_int(body, "minutes", 15));
	store_arg_bool(tx, gw_json_bool(body, "byHand", false));
	finish(c, &tx);
	json_decref(body);
}

static void decide(gw_call *c, const char *action, sot_str reason)
{
	store_tx *tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_HOST_KEY_DECIDE, on_answer, c);
	add_caller(c, tx);
	store_arg_c(tx, c->match.params[0]);
	store_arg_c(tx, action);
	store_arg_str(tx, reason);
	finish(c, &tx);
}

void serve_host_key_approve(gw_call *c)
{
	decide(c, "approve", SOT_STR(""));
}

void serve_host_key_revoke(gw_call *c)
{
	json_t *body;
	if (call_body(c, &body) != SOT_OK)
		return;
	decide(c, "revoke", gw_json_text(body, "reason"));
	json_decref(body);
}

/* ---- runners that are gone ---- */
static void on_swept_row(void *self, const store_result *res)
{
	gateway *g = self;
	int64_t failed = 0;
	if (store_i64(res, 0, 0, &failed, NULL) != SOT_OK || failed == 0)
		return;
	sot_log(SOT_WARN, "machines.runner_gone", "failed=%lld", (long long)failed);
	gw_hub_poke(g->hub);
}

static void on_swept(void *self, const store_outcome *outcome)
{
	gateway *g = self;
	g->is_sweeping_machines = false;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "machines.sweep", outcome->why, "effect=later");
}

static void on_sweep(void *self, uint64_t missed)
{
	gateway *g = self;
	sot_err err = {0};
	(void)missed;
	if (g->is_sweeping_machines || !store_is_up(g->db))
		return;
	store_tx *tx = store_begin(g->db);
	store_query(tx, GW_SQL_MACHINE_SWEEP, on_swept_row, g);
	g->is_sweeping_machines = store_commit(&tx, on_swept, g, &err) == SOT_OK;
}

void machine_watch_start(gateway *g)
{
	g->machine_watch = reactor_every_ms(g->loop, SWEEP_EVERY_MS, on_sweep, g);
}

void machine_watch_stop(gateway *g)
{
	reactor_remove(g->machine_watch);
	g->machine_watch = NULL;
}
