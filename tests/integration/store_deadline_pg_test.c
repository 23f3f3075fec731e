/* store_deadline_pg_test - a transaction of libs/store that is given more time than its store, and
 * a statement that is cut off while it is prepared, on a real PostgreSQL (tests/pg.sh). */
#include "pg_control.h"
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOW, ALLOW, STORE_DEADLINE_MS = 300 };
static const char *const columns[] = {"n text"};
static const store_statement statements[] = {
    {"slow", "SELECT 'awake' AS n FROM pg_sleep($1::float8)", 1, 1, columns},
    {"allow", "SELECT set_config('statement_timeout', $1, true) AS n", 1, 1, columns},
};

typedef struct seen {
	bool done;
	sot_code code;
	unsigned rows;
} seen;

static void on_rows(void *self, const store_result *res)
{
	((seen *)self)->rows += (unsigned)store_rows(res);
}

static void on_done(void *self, const store_outcome *outcome)
{
	seen *got = self;
	got->done = true;
	got->code = outcome->code;
}

static void on_up(void *self, bool up, const sot_err *why)
{
	(void)self;
	if (!up && why && why->code == SOT_INVALID)
		fail_msg("%s", why->text);
}

/* A statement of one second; `patience_ms` 0: what the store gives. */
static seen sleep_a_second(reactor *loop, store *s, int64_t patience_ms)
{
	char text[24];
	seen got = {0};
	sot_err err = {0};
	store_tx *tx = store_begin_read(s);
	(void)snprintf(text, sizeof(text), "%lld", (long long)patience_ms);
	if (patience_ms > 0) {
		store_set_deadline_ms(tx, patience_ms);
		store_query(tx, ALLOW, NULL, NULL);
		store_arg_c(tx, text);
	}
	store_query(tx, SLOW, on_rows, &got);
	store_arg_double(tx, 1.0);
	assert_int_equal(store_commit(&tx, on_done, &got, &err), SOT_OK);
	while (!got.done)
		reactor_turn(loop, 50);
	return got;
}

static void a_transaction_may_be_given_more_time_than_its_store_has(void **state)
{
	char conninfo[256];
	sot_err err = {0};
	reactor *loop = NULL;
	store *s = NULL;
	(void)state;
	PGconn *pg = pg_control_open();
	assert_non_null(pg);
	PQfinish(pg);
	(void)snprintf(
	    conninfo, sizeof(conninfo), "host=%s dbname=sotalia user=sot_ipam", getenv("SOT_PG_DIR"));
	const store_options options = {.conninfo = conninfo,
	    .service = "test",
	    .statements = statements,
	    .statement_count = sizeof(statements) / sizeof(statements[0]),
	    .connections = 1,
	    .deadline_ms = STORE_DEADLINE_MS};
	assert_int_equal(reactor_new(&loop, &err), SOT_OK);
	assert_int_equal(store_new(loop, &options, on_up, NULL, &s, &err), SOT_OK);
	while (!store_is_up(s))
		reactor_turn(loop, 50);
	assert_int_not_equal(sleep_a_second(loop, s, 0).code, SOT_OK);
	while (!store_is_up(s))
		reactor_turn(loop, 50);
	seen patient = sleep_a_second(loop, s, 60000);
	assert_int_equal(patient.code, SOT_OK);
	assert_int_equal(patient.rows, 1);
	store_free(s);
	reactor_free(loop);
}

static void a_statement_that_a_lock_holds_up_at_first_is_no_drift(void **state)
{
	static const char *const tables_columns[] = {"n int4"};
	static const store_statement of_a_table = {
	    "of_a_table", "SELECT n FROM t.locked", 0, 1, tables_columns};
	char conninfo[256];
	sot_err err = {0};
	(void)state;
	PGconn *pg = pg_control_open();
	assert_non_null(pg);
	(void)snprintf(
	    conninfo, sizeof(conninfo), "host=%s dbname=sotalia user=sot_ipam", getenv("SOT_PG_DIR"));
	const store_options options = {.conninfo = conninfo,
	    .service = "test",
	    .statements = &of_a_table,
	    .statement_count = 1,
	    .connections = 1,
	    .deadline_ms = STORE_DEADLINE_MS};
	(void)pg_control(pg, "CREATE SCHEMA t");
	(void)pg_control(pg, "GRANT USAGE ON SCHEMA t TO sot_ipam");
	(void)pg_control(pg, "CREATE TABLE t.locked (n int4)");
	(void)pg_control(pg, "GRANT SELECT ON t.locked TO sot_ipam");
	(void)pg_control(pg, "BEGIN");
	(void)pg_control(pg, "LOCK TABLE t.locked IN ACCESS EXCLUSIVE MODE");
	assert_int_equal(store_check(&options, &err), SOT_UNAVAILABLE);
	assert_non_null(strstr(err.text, "of_a_table: 5")); /* the server says so */
	(void)pg_control(pg, "ROLLBACK");
	assert_int_equal(store_check(&options, &err), SOT_OK);
	PQfinish(pg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_transaction_may_be_given_more_time_than_its_store_has),
	    cmocka_unit_test(a_statement_that_a_lock_holds_up_at_first_is_no_drift),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
