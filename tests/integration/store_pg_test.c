/* store_pg_test - libs/store against a real PostgreSQL (tests/pg.sh): outcomes, faults, drift.
 *
 * A second, plain libpq connection looks at what really is in the database.
 */
#include "pg_control.h"
#include "pg_proxy.h"
#include "sot_failpoint.h"
#include "sot_metrics.h"
#include "sot_rand.h"
#include "store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ADD, LOOK, LOOK_ALL, ECHO_TEXTS, PID, FENCE, BAD_NUMBER, SLOW };

#define COLUMNS(...)                                                                               \
	(const char *const[])                                                                          \
	{                                                                                              \
		__VA_ARGS__                                                                                \
	}
static const store_statement statements[] = {
    {"add", "INSERT INTO t.thing (id, op) VALUES ($1::int8, $2::int8)", 2, 0, NULL},
    {"look", "SELECT id FROM t.thing WHERE op = $1::int8", 1, 1, COLUMNS("id int8")},
    {"look_all", "SELECT count(*) AS n FROM t.thing", 0, 1, COLUMNS("n int8")},
    {"echo_texts", "SELECT u AS text, b AS flag FROM unnest($1::text[], $2::bool[]) AS t(u, b)", 2,
        2, COLUMNS("text text", "flag bool")},
    {"pid", "SELECT pg_backend_pid() AS pid", 0, 1, COLUMNS("pid int4")},
    {"fence", "SELECT t.fence($1::int8)", 1, 0, NULL},
    {"bad_number", "SELECT 1 / $1::int8 AS n", 1, 1, COLUMNS("n int8")},
    {"slow", "SELECT count(*) AS n FROM t.thing, pg_sleep($1::float8)", 1, 1, COLUMNS("n int8")},
};

typedef struct world {
	reactor *loop;
	PGconn *control; /* superuser, straight to the server */
	pg_proxy *proxy;
	store *store;
	char conninfo[256];
	bool up;
	unsigned ups;
	char why[SOT_ERR_TEXT_MAX];
} world;

/* What became of one transaction. */
typedef struct seen {
	unsigned done, row_calls;
	sot_code code;
	char sqlstate[6], constraint[64], why[SOT_ERR_TEXT_MAX];
	int64_t number;
} seen;

static void on_done(void *self, const store_outcome *outcome)
{
	seen *got = self;
	got->done++;
	got->code = outcome->code;
	(void)snprintf(got->sqlstate, sizeof(got->sqlstate), "%s", outcome->sqlstate);
	(void)snprintf(got->constraint, sizeof(got->constraint), "%s", outcome->constraint);
	(void)snprintf(got->why, sizeof(got->why), "%s", outcome->why ? outcome->why->text : "");
}

static void on_number(void *self, const store_result *res)
{
	seen *got = self;
	got->row_calls++;
	if (store_rows(res) > 0)
		assert_int_equal(store_i64(res, 0, 0, &got->number, NULL), SOT_OK);
}

static void on_up(void *self, bool up, const sot_err *why)
{
	world *w = self;
	w->up = up;
	w->ups += up;
	if (why)
		(void)snprintf(w->why, sizeof(w->why), "%s", why->text);
}

static int64_t control(world *w, const char *sql)
{
	return pg_control(w->control, sql);
}

static int64_t count_op(world *w, int64_t op)
{
	char sql[80];
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM t.thing WHERE op = %lld", (long long)op);
	return control(w, sql);
}

static void open_store(world *w, const char *conninfo, int connections, int64_t deadline_ms)
{
	const store_options options = {.conninfo = conninfo,
	    .service = "test",
	    .statements = statements,
	    .statement_count = sizeof(statements) / sizeof(statements[0]),
	    .connections = connections,
	    .deadline_ms = deadline_ms};
	sot_err err = {0};
	if (store_new(w->loop, &options, on_up, w, &w->store, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	const char *dir = getenv("SOT_PG_DIR");
	PGconn *pg = pg_control_open();
	if (!pg)
		return -1;
	world *w = sot_alloc(sizeof(*w));
	sot_err err = {0};
	if (reactor_new(&w->loop, &err) != SOT_OK)
		return -1;
	char proxy_dir[200];
	w->control = pg;
	(void)control(w, "DROP SCHEMA IF EXISTS t CASCADE");
	(void)control(w, "CREATE SCHEMA t");
	(void)control(w, "CREATE TABLE t.thing (id int8 CONSTRAINT thing_id PRIMARY KEY, op int8)");
	(void)control(w,
	    "CREATE FUNCTION t.fence(p int8) RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
	    "IF p < 2 THEN RAISE EXCEPTION 'fenced' USING ERRCODE = 'SOT01'; END IF; END $$");
	(void)control(w, "GRANT USAGE ON SCHEMA t TO sot_ipam");
	(void)control(w, "GRANT ALL ON t.thing TO sot_ipam");
	(void)snprintf(proxy_dir, sizeof(proxy_dir), "%s/proxy", dir);
	w->proxy = pg_proxy_new(w->loop, proxy_dir, dir);
	(void)snprintf(
	    w->conninfo, sizeof(w->conninfo), "host=%s dbname=sotalia user=sot_ipam", proxy_dir);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world *w = *state;
	store_free(w->store);
	pg_proxy_free(w->proxy);
	reactor_free(w->loop);
	PQfinish(w->control);
	free(w);
	return 0;
}

static void must_commit(store_tx *tx, seen *got)
{
	sot_err err = {0};
	if (store_commit(&tx, on_done, got, &err) != SOT_OK)
		fail_msg("%s", err.text);
	assert_null(tx);
	assert_int_equal(got->done, 0);
}

static void send_add(world *w, int64_t id, int64_t op, seen *got)
{
	store_tx *tx = store_begin(w->store);
	store_query(tx, ADD, NULL, NULL);
	store_arg_i64(tx, id);
	store_arg_i64(tx, op);
	must_commit(tx, got);
}

static void send_number(world *w, int statement, seen *got)
{
	store_tx *tx = store_begin_read(w->store);
	store_query(tx, statement, on_number, got);
	must_commit(tx, got);
}

static int64_t backend_pid(world *w)
{
	seen got = {0};
	send_number(w, PID, &got);
	TURN_UNTIL(w->loop, got.done);
	assert_int_equal(got.code, SOT_OK);
	return got.number;
}

static void committed_rows_are_there_and_shown_after_the_commit(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	seen got = {0};
	store_tx *tx = store_begin(w->store);
	store_query(tx, ADD, NULL, NULL);
	store_arg_i64(tx, 1);
	store_arg_i64(tx, 11);
	store_query(tx, LOOK, on_number, &got);
	store_arg_i64(tx, 11);
	must_commit(tx, &got);
	TURN_UNTIL(w->loop, got.done);
	assert_int_equal(got.code, SOT_OK);
	assert_int_equal(got.row_calls, 1);
	assert_int_equal(got.number, 1);
	assert_int_equal(count_op(w, 11), 1);
}

static void a_rolled_back_transaction_shows_no_row_and_names_the_constraint(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	(void)control(w, "INSERT INTO t.thing VALUES (7, 0)");
	seen got = {0}, after = {0};
	store_tx *tx = store_begin(w->store);
	store_query(tx, LOOK_ALL, on_number, &got);
	store_query(tx, ADD, on_number, &got);
	store_arg_i64(tx, 7);
	store_arg_i64(tx, 12);
	must_commit(tx, &got);
	send_add(w, 8, 13, &after); /* in the pipeline behind the failed one: must not suffer */
	TURN_UNTIL(w->loop, got.done && after.done);
	assert_int_equal(got.code, SOT_CONFLICT);
	assert_string_equal(got.sqlstate, "23505");
	assert_string_equal(got.constraint, "thing_id");
	assert_non_null(strstr(got.why, "statement add"));
	assert_int_equal(got.row_calls, 0);
	assert_int_equal(after.code, SOT_OK);
	assert_int_equal(count_op(w, 12), 0);
	assert_int_equal(count_op(w, 13), 1);
}

static void a_fenced_leader_is_denied_and_other_errors_are_invalid(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	seen fenced = {0}, divided = {0};
	store_tx *tx = store_begin(w->store);
	store_query(tx, FENCE, NULL, NULL);
	store_arg_i64(tx, 1);
	store_query(tx, ADD, NULL, NULL);
	store_arg_i64(tx, 20);
	store_arg_i64(tx, 20);
	must_commit(tx, &fenced);
	tx = store_begin(w->store);
	store_query(tx, BAD_NUMBER, NULL, NULL);
	store_arg_i64(tx, 0);
	must_commit(tx, &divided);
	TURN_UNTIL(w->loop, fenced.done && divided.done);
	assert_int_equal(fenced.code, SOT_DENIED);
	assert_string_equal(fenced.sqlstate, "SOT01");
	assert_int_equal(divided.code, SOT_INVALID);
	assert_string_equal(divided.sqlstate, "22012");
	assert_int_equal(count_op(w, 20), 0);
}

static void on_texts(void *self, const store_result *res)
{
	const char *const *wanted = self;
	for (size_t row = 0; row < store_rows(res); row++) {
		bool flag;
		assert_int_equal(store_is_null(res, row, 0), wanted[row] == NULL);
		if (wanted[row])
			assert_true(sot_str_eq_c(store_text(res, row, 0), wanted[row]));
		assert_int_equal(store_bool(res, row, 1, &flag, NULL), SOT_OK);
		assert_int_equal(flag, row % 2 == 0);
	}
	assert_int_equal(store_rows(res), 8);
}

static void any_text_survives_an_array_parameter(void **state)
{
	static const char *const texts[] = {
	    "plain", "", "NULL", "a,b{c}d", "say \"\\\"\\\\", " \t\n", "\xc3\xa4\xe2\x82\xac", NULL};
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	seen got = {0};
	store_tx *tx = store_begin_read(w->store);
	store_query(tx, ECHO_TEXTS, on_texts, (void *)(uintptr_t)texts);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < 7; i++)
		store_item_str(tx, sot_str_c(texts[i]));
	store_item_null(tx);
	store_arg_array_end(tx);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < 8; i++)
		store_item_bool(tx, i % 2 == 0);
	store_arg_array_end(tx);
	must_commit(tx, &got);
	TURN_UNTIL(w->loop, got.done);
	assert_string_equal(got.why, "");
	assert_int_equal(got.code, SOT_OK);
}

static void a_text_with_a_nul_or_a_wrong_parameter_count_is_refused_at_once(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	sot_err err = {0};
	store_tx *tx = store_begin(w->store);
	store_query(tx, ADD, NULL, NULL);
	store_arg_str(tx, SOT_STR("1\0002"));
	store_arg_i64(tx, 1);
	assert_int_equal(store_commit(&tx, on_done, NULL, &err), SOT_INVALID);
	tx = store_begin(w->store);
	store_query(tx, ADD, NULL, NULL);
	store_arg_i64(tx, 1);
	assert_int_equal(store_commit(&tx, on_done, NULL, &err), SOT_INTERNAL);
	assert_non_null(strstr(err.text, "statement add takes 2 parameters, got 1"));
}

static void a_thousand_queued_transactions_run_in_the_pipeline(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 2, 30000);
	static seen got[1000];
	memset(got, 0, sizeof(got));
	for (int i = 0; i < 1000; i++)
		send_add(w, 1000 + i, i % 10 == 9 ? 30 : 31, &got[i]);
	seen doubled = {0};
	send_add(w, 1000, 32, &doubled); /* a refusal in the midst of them */
	for (int i = 0; i < 1000; i++)
		TURN_UNTIL(w->loop, got[i].done);
	TURN_UNTIL(w->loop, doubled.done);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(got[i].code, SOT_OK);
		assert_int_equal(got[i].done, 1);
	}
	assert_int_equal(doubled.code, SOT_CONFLICT);
	assert_int_equal(count_op(w, 30) + count_op(w, 31), 1000);
}

static void every_refusal_in_a_full_pipeline_hits_only_its_own_transaction(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 30000);
	static seen got[300];
	memset(got, 0, sizeof(got));
	for (int i = 0; i < 300; i++)
		send_add(w, i % 3 == 2 ? 2000 : 2000 + i, 33, &got[i]);
	for (int i = 0; i < 300; i++)
		TURN_UNTIL(w->loop, got[i].done);
	for (int i = 0; i < 300; i++)
		assert_int_equal(got[i].code, i % 3 == 2 ? SOT_CONFLICT : SOT_OK);
	assert_int_equal(count_op(w, 33), 200);
}

static void one_cut(world *w, int64_t op, pg_proxy_cut cut, unsigned counts[3])
{
	seen got = {0};
	unsigned cuts = pg_proxy_cuts(w->proxy);
	TURN_UNTIL(w->loop, w->up);
	pg_proxy_set(w->proxy, cut);
	send_add(w, 100000 + op, op, &got);
	TURN_UNTIL(w->loop, got.done);
	assert_int_equal(pg_proxy_cuts(w->proxy), cuts + 1);
	assert_int_equal(got.code, SOT_UNKNOWN);
	assert_non_null(strstr(got.why, "COMMIT was sent"));
	/* The server has the COMMIT and nobody who waits for it: it commits when it gets there. */
	if (cut == PG_PROXY_CUT_BLIND)
		TURN_UNTIL(w->loop, count_op(w, op) == 1);
	int64_t rows = count_op(w, op);
	assert_true(rows == 0 || rows == 1);
	if (cut == PG_PROXY_CUT_BEFORE)
		assert_int_equal(rows, 0);
	if (cut == PG_PROXY_CUT_AFTER)
		assert_int_equal(rows, 1);
	counts[rows]++;
	/* L5: read back through the store, then write again only what is missing. */
	seen back = {.number = -1};
	store_tx *tx = store_begin_read(w->store);
	store_query(tx, LOOK, on_number, &back);
	store_arg_i64(tx, op);
	must_commit(tx, &back);
	TURN_UNTIL(w->loop, back.done);
	assert_int_equal(back.code, SOT_OK);
	assert_int_equal(back.number >= 0, rows);
	counts[2]++;
}

static void a_cut_around_commit_is_unknown_and_the_read_back_tells(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	unsigned counts[3] = {0};
	for (int64_t i = 0; i < 150; i++) {
		static const pg_proxy_cut cuts[] = {
		    PG_PROXY_CUT_BEFORE, PG_PROXY_CUT_AFTER, PG_PROXY_CUT_BLIND};
		one_cut(w, 500 + i, cuts[i % 3], counts);
	}
	assert_int_equal(counts[0], 50);
	assert_int_equal(counts[1], 100);
	assert_int_equal(counts[2], 150);
	assert_int_equal(w->ups, 151); /* connected anew, and prepared anew, after every cut */
	seen got = {0};                /* behind the answer to COMMIT nothing is unknown */
	pg_proxy_set(w->proxy, PG_PROXY_CUT_BEHIND);
	send_add(w, 700, 700, &got);
	TURN_UNTIL(w->loop, got.done && w->ups == 152);
	assert_int_equal(got.code, SOT_OK);
}

static void a_killed_backend_before_commit_changes_nothing(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	int64_t pid = backend_pid(w);
	seen got = {0};
	store_tx *tx = store_begin(w->store);
	store_query(tx, ADD, NULL, NULL);
	store_arg_i64(tx, 40);
	store_arg_i64(tx, 40);
	store_query(tx, SLOW, NULL, NULL); /* waits inside the transaction, before its COMMIT */
	store_arg_double(tx, 30);
	must_commit(tx, &got);
	char sql[160];
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM pg_stat_activity WHERE pid = %lld AND wait_event = 'PgSleep'",
	    (long long)pid);
	TURN_UNTIL(w->loop, control(w, sql) == 1);
	(void)snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%lld)", (long long)pid);
	(void)control(w, sql);
	TURN_UNTIL(w->loop, got.done);
	assert_int_equal(got.code, SOT_UNAVAILABLE);
	assert_string_equal(got.sqlstate, "57P01");
	assert_int_equal(count_op(w, 40), 0);
	assert_true(backend_pid(w) != pid);
}

static void a_read_is_repeated_once_after_a_lost_connection(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 10000);
	int64_t pid = backend_pid(w);
	(void)kill((pid_t)pid, SIGSTOP); /* so that the read is in flight when the backend dies */
	seen got = {0};
	send_number(w, PID, &got);
	reactor_turn(w->loop, 0);
	reactor_turn(w->loop, 0);
	pg_proxy_set(w->proxy, PG_PROXY_PASS);
	(void)kill((pid_t)pid, SIGKILL);
	TURN_UNTIL(w->loop, got.done);
	assert_int_equal(got.code, SOT_OK);
	assert_true(got.number != pid);
	/* A killed backend makes the server restart: the control connection is gone as well. */
	TURN_UNTIL(w->loop, (PQreset(w->control), PQstatus(w->control) == CONNECTION_OK));
}

static void a_frozen_server_ends_in_the_deadline_and_comes_back(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 400);
	int64_t pid = backend_pid(w);
	pid_t postmaster = pg_control_postmaster();
	assert_int_equal(kill(postmaster, SIGSTOP), 0);
	assert_int_equal(kill((pid_t)pid, SIGSTOP), 0);
	seen written = {0}, queued = {0};
	send_add(w, 50, 50, &written);
	TURN_UNTIL(w->loop, written.done);
	send_add(w, 51, 51, &queued);
	TURN_UNTIL(w->loop, queued.done);
	assert_int_equal(kill(postmaster, SIGCONT), 0);
	assert_int_equal(kill((pid_t)pid, SIGCONT), 0);
	assert_int_equal(written.code, SOT_UNKNOWN);
	assert_non_null(strstr(written.why, "400 ms"));
	assert_int_equal(queued.code, SOT_UNAVAILABLE); /* no connection: never sent */
	assert_non_null(strstr(queued.why, "not sent"));
	TURN_UNTIL(w->loop, w->ups == 2);
	assert_true(backend_pid(w) != pid);
	assert_int_equal(count_op(w, 51), 0);
}

static void an_injected_failure_around_commit_has_the_outcome_of_a_real_one(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	TURN_UNTIL(w->loop, w->up);
	seen before = {0}, after = {0};
	sot_err err = {0};
	assert_int_equal(sot_failpoint_set("store.tx.before_commit", "error:1", &err), SOT_OK);
	send_add(w, 60, 60, &before);
	TURN_UNTIL(w->loop, before.done);
	assert_int_equal(before.code, SOT_UNAVAILABLE);
	assert_int_equal(count_op(w, 60), 0);
	assert_int_equal(sot_failpoint_set("store.tx.after_commit", "error:1", &err), SOT_OK);
	send_add(w, 61, 61, &after);
	TURN_UNTIL(w->loop, after.done);
	assert_int_equal(after.code, SOT_UNKNOWN);
	assert_int_equal(count_op(w, 61), 1);
}

static void drift_of_the_schema_is_named(void **state)
{
	world *w = *state;
	(void)control(w, "ALTER TABLE t.thing ALTER id TYPE int4");
	const store_options options = {.conninfo = w->conninfo,
	    .service = "test",
	    .statements = statements,
	    .statement_count = 2,
	    .connections = 1};
	open_store(w, w->conninfo, 1, 5000);
	TURN_UNTIL(w->loop, w->why[0]);
	assert_non_null(strstr(w->why, "statement look, column 1 is 'id int4', declared is 'id int8'"));
	assert_int_equal(w->ups, 0);
	sot_err err = {0};
	char direct[256];
	(void)snprintf(
	    direct, sizeof(direct), "host=%s dbname=sotalia user=sot_ipam", getenv("SOT_PG_DIR"));
	store_options blocking = options;
	blocking.conninfo = direct;
	assert_int_equal(store_check(&blocking, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "statement look"));
	(void)control(w, "ALTER TABLE t.thing ALTER id TYPE int8");
	assert_int_equal(store_check(&blocking, &err), SOT_OK);
	TURN_UNTIL(w->loop, w->up); /* mended while it tried */
	(void)control(w, "ALTER TABLE t.thing DROP op");
	assert_int_equal(store_check(&blocking, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "statement add: 42703"));
}

static void closing_or_forgetting_ends_every_transaction_as_promised(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	TURN_UNTIL(w->loop, w->up);
	seen flying = {0}, queued = {0}, forgotten = {0};
	pg_proxy_set(w->proxy, PG_PROXY_HOLD);
	send_add(w, 70, 70, &flying);
	send_add(w, 71, 71, &forgotten);
	TURN_UNTIL(w->loop, count_op(w, 71) == 1);
	store_forget(w->store, &forgotten);
	send_add(w, 72, 72, &queued);
	w->store = store_free(w->store);
	assert_int_equal(flying.code, SOT_UNKNOWN);
	assert_int_equal(queued.code, SOT_UNAVAILABLE);
	assert_int_equal(forgotten.done, 0);
	assert_int_equal(flying.done + queued.done, 2);
}

static void free_in_callback(void *self, const store_outcome *outcome)
{
	world *w = self;
	assert_int_equal(outcome->code, SOT_OK);
	w->store = store_free(w->store);
}

static void a_callback_may_close_the_store(void **state)
{
	world *w = *state;
	open_store(w, w->conninfo, 1, 5000);
	seen other = {0};
	store_tx *tx = store_begin(w->store);
	store_query(tx, LOOK_ALL, NULL, NULL);
	assert_int_equal(store_commit(&tx, free_in_callback, w, NULL), SOT_OK);
	send_add(w, 80, 80, &other);
	TURN_UNTIL(w->loop, !w->store);
	assert_int_equal(other.done, 1);
}

static void the_queue_is_bounded(void **state)
{
	world *w = *state;
	const store_options options = {.conninfo = "host=/nonexistent",
	    .service = "test",
	    .statements = statements,
	    .statement_count = 3,
	    .connections = 1,
	    .deadline_ms = 100,
	    .queue_max = 2};
	sot_err err = {0};
	assert_int_equal(store_new(w->loop, &options, on_up, w, &w->store, &err), SOT_OK);
	seen got[2] = {{0}};
	send_number(w, LOOK_ALL, &got[0]);
	send_number(w, LOOK_ALL, &got[1]);
	store_tx *tx = store_begin_read(w->store);
	store_query(tx, LOOK_ALL, NULL, NULL);
	assert_int_equal(store_commit(&tx, on_done, NULL, &err), SOT_LIMIT);
	TURN_UNTIL(w->loop, got[0].done && got[1].done);
	assert_int_equal(got[0].code, SOT_UNAVAILABLE);
	assert_non_null(strstr(got[0].why, "/nonexistent"));
}

#define PG_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PG_TEST(committed_rows_are_there_and_shown_after_the_commit),
	    PG_TEST(a_rolled_back_transaction_shows_no_row_and_names_the_constraint),
	    PG_TEST(a_fenced_leader_is_denied_and_other_errors_are_invalid),
	    PG_TEST(any_text_survives_an_array_parameter),
	    PG_TEST(a_text_with_a_nul_or_a_wrong_parameter_count_is_refused_at_once),
	    PG_TEST(a_thousand_queued_transactions_run_in_the_pipeline),
	    PG_TEST(every_refusal_in_a_full_pipeline_hits_only_its_own_transaction),
	    PG_TEST(a_cut_around_commit_is_unknown_and_the_read_back_tells),
	    PG_TEST(a_killed_backend_before_commit_changes_nothing),
	    PG_TEST(a_read_is_repeated_once_after_a_lost_connection),
	    PG_TEST(a_frozen_server_ends_in_the_deadline_and_comes_back),
	    PG_TEST(an_injected_failure_around_commit_has_the_outcome_of_a_real_one),
	    PG_TEST(drift_of_the_schema_is_named),
	    PG_TEST(closing_or_forgetting_ends_every_transaction_as_promised),
	    PG_TEST(a_callback_may_close_the_store),
	    PG_TEST(the_queue_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
