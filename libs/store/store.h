/* store - PostgreSQL for a service: non-blocking libpq in the loop, pipeline mode, named statements
 * that are checked at connect, client-side deadlines, transactions whose outcome is one of done,
 * refused, unknown.
 *
 * One store holds 1..N connections. Work is queued as transactions; each runs on one connection, in
 * one pipeline with one sync. A connection that misses a deadline is closed and replaced (back-off
 * with jitter). On connect: search_path, statement_timeout, lock_timeout and
 * idle_in_transaction_session_timeout are set, jit is off, all statements are PREPAREd and their
 * parameter count and result columns compared with the table; a difference fails the start by name.
 * search_path is "pg_catalog, pg_temp": statements name their schemas.
 */
#ifndef STORE_H
#define STORE_H

#include "reactor.h"
#include "sot_calls.h"
#include "sot_ip.h"
#include "sot_uuid.h"

typedef struct store store;

/* A statement of services/<s>/sql/<name>.sql, built into a table by tools/sqlgen.py:
 *   -- name: host_upsert
 *   -- columns: id uuid, name text          (or "none"; columns of type void need not be named)
 * The enum is <PREFIX>_SQL_<NAME>; the table <prefix>_statements[]. */
typedef struct store_statement {
	const char *name;
	const char *sql;
	int param_count;
	int column_count;
	const char *const *columns; /* "name type" pairs, e.g. "id uuid" */
} store_statement;

typedef struct store_options {
	const char *conninfo; /* libpq keywords; application_name is set by the store */
	const char *service;
	const store_statement *statements;
	size_t statement_count;
	int connections;     /* 1..32 */
	int64_t deadline_ms; /* per transaction, from queueing; default 5000 */
	int64_t queue_max;   /* transactions waiting; past it SOT_LIMIT. Default 10000 */
} store_options;

/* Connects in the background; on_up tells each change between "at least one connection ready" and
 * "none", and while there is none each new reason (why is the last error, NULL when up; SOT_INVALID
 * when a statement does not fit the schema). Work may be queued before: it waits. Transactions are
 * pipelined: up to 64 in flight on a connection. */
typedef void (*store_up_fn)(void *self, bool up, const sot_err *why);
sot_code store_new(reactor *r, const store_options *options, store_up_fn on_up, void *self,
    store **ret, sot_err *err) SOT_CHECK;
store *store_free(store *s); /* open transactions end with SOT_UNAVAILABLE or SOT_UNKNOWN */
bool store_is_up(const store *s);
/* Statements of all stores of this process by name (and "COMMIT"), with how long the server took;
 * those that it refused, by SQLSTATE. Whoever tells of them clears them (call_reports). */
sot_calls *store_calls(void);
/* Blocking: connects once, checks every statement. For start-up and --check. */
sot_code store_check(const store_options *options, sot_err *err) SOT_CHECK;

/* ---- rows ---- */
typedef struct store_result store_result; /* borrowed in the handler */
size_t store_rows(const store_result *res);
bool store_is_null(const store_result *res, size_t row, int column);
sot_str store_text(const store_result *res, size_t row, int column); /* empty for NULL */
/* Strict readers; a NULL or a wrong text is SOT_INTERNAL and names statement, row and column. */
sot_code store_i64(
    const store_result *res, size_t row, int column, int64_t *ret, sot_err *err) SOT_CHECK;
sot_code store_bool(
    const store_result *res, size_t row, int column, bool *ret, sot_err *err) SOT_CHECK;
sot_code store_uuid(
    const store_result *res, size_t row, int column, sot_uuid *ret, sot_err *err) SOT_CHECK;
/* An IPv4 inet (host byte order, prefix ignored) and a macaddr. */
sot_code store_ipv4(
    const store_result *res, size_t row, int column, uint32_t *ret, sot_err *err) SOT_CHECK;
/* An inet of either family (prefix ignored); NULL is none. */
sot_code store_ip(
    const store_result *res, size_t row, int column, sot_ip *ret, sot_err *err) SOT_CHECK;

/* ---- transactions ---- */
typedef struct store_tx store_tx;
/* Called once for each statement with its result, in order, but only after the whole transaction
 * has committed (results of a rolled-back transaction are never shown). */
typedef void (*store_rows_fn)(void *self, const store_result *res);
/* Called once at the end. code:
 *   SOT_OK        committed
 *   SOT_CONFLICT  a constraint refused it (why: SQLSTATE 23xxx; constraint = its name)
 *   SOT_DENIED    fenced: SQLSTATE SOT01, raised by core.fence()
 *   SOT_INVALID   any other definite refusal (SQLSTATE in why)
 *   SOT_UNAVAILABLE  not executed, try again (no connection, deadline before sending, and SQLSTATE
 *                 40xxx, 53xxx, 57xxx, 58xxx, 25006 read-only, 55P03 lock timeout; a read's lost
 * answer) SOT_UNKNOWN   sent, and the answer was lost: read back by operation id */
typedef struct store_outcome {
	sot_code code;
	const sot_err *why; /* NULL when SOT_OK */
	char sqlstate[6];
	const char *constraint; /* "" when none */
} store_outcome;
typedef void (*store_done_fn)(void *self, const store_outcome *outcome);

/* Builds one transaction. Read-only ones (begin_read) need no BEGIN/COMMIT for one statement, see
 * one snapshot in several, and are retried by the store once after a lost connection. */
store_tx *store_begin(store *s);
store_tx *store_begin_read(store *s);
/* Of this transaction instead of the store's (store_options), from queueing. The server's own
 * limits stay the session's: a statement that may take longer is preceded by one that allows it.
 * What is queued behind it, or goes out behind it, is given up no earlier than it. */
void store_set_deadline_ms(store_tx *tx, int64_t deadline_ms);
/* Parameters are copied. Fluent use: store_query, then one store_arg_* per $n. */
void store_query(store_tx *tx, int statement, store_rows_fn on_rows, void *self);
void store_arg_null(store_tx *tx);
void store_arg_str(store_tx *tx, sot_str s);
void store_arg_c(store_tx *tx, const char *c);
void store_arg_i64(store_tx *tx, int64_t v);
void store_arg_bool(store_tx *tx, bool v);
void store_arg_double(store_tx *tx, double v);
void store_arg_uuid(store_tx *tx, sot_uuid v);
void store_arg_ipv4(store_tx *tx, uint32_t v);
void store_arg_ip(store_tx *tx, sot_ip v);         /* none is NULL */
void store_arg_bytes(store_tx *tx, sot_str bytes); /* bytea, as \x hex */
/* Array parameters for unnest: open, add items in order (NULL with store_item_null), close. They go
 * out in binary where all items are of the parameter's type (str for text, i64 for any integer),
 * which costs the server a fraction of reading a text; anything else goes as text and is cast. */
void store_arg_array_begin(store_tx *tx);
void store_item_str(store_tx *tx, sot_str s);
void store_item_i64(store_tx *tx, int64_t v);
void store_item_bool(store_tx *tx, bool v);
void store_item_uuid(store_tx *tx, sot_uuid v);
void store_item_ipv4(store_tx *tx, uint32_t v);
void store_item_ip(store_tx *tx, sot_ip v); /* none is NULL */
void store_item_mac(store_tx *tx, const uint8_t mac[6]);
void store_item_null(store_tx *tx);
void store_arg_array_end(store_tx *tx);
/* Queues it and takes it (also on failure; then `done` is never called). `done` is called exactly
 * once, never inside this call. SOT_INVALID: a text holds a NUL byte. SOT_INTERNAL: a statement has
 * not got its number of parameters. SOT_LIMIT: the queue is full. */
sot_code store_commit(store_tx **tx_p, store_done_fn done, void *self, sot_err *err) SOT_CHECK;
/* What is queued goes out now, not at the end of this turn: when there is more to do in it. */
void store_send(store *s);
store_tx *store_tx_free(store_tx *tx); /* gives up a transaction that was not committed */
/* Forgets: neither rows nor done are called for open transactions with this `self` in commit. */
void store_forget(store *s, void *self);

SOT_DEFINE_AUTO(store)

#endif
