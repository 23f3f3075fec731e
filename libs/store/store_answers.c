/* store_answers - what the answers of the server mean: the rules of store_outcome.
 *
 * A result with status OK is not a commit: only the answer to COMMIT is (and for a read of one
 * statement the sync). A definite error says that nothing happened; a lost answer after COMMIT was
 * sent says nothing at all.
 */
#include "store_internal.h"

#include "sot_failpoint.h"

#include <stdio.h>
#include <string.h>

static sot_code lost(const store_connection *c, sot_err *err)
{
	char text[180];
	store_pg_text(c->pg, text, sizeof(text));
	return sot_fail(err, SOT_UNAVAILABLE, "connection to the database lost: %s", text);
}

static bool class_is(const char *sqlstate, const char *class)
{
	return strncmp(sqlstate, class, strlen(class)) == 0;
}

sot_code store_code_of(const char *sqlstate)
{
	static const char *const transient[] = {"08", "25006", "40", "53", "55P03", "57", "58"};
	if (strcmp(sqlstate, "SOT01") == 0)
		return SOT_DENIED;
	if (class_is(sqlstate, "23"))
		return SOT_CONFLICT;
	if (strcmp(sqlstate, "40003") == 0)
		return SOT_UNKNOWN;
	for (size_t i = 0; i < sizeof(transient) / sizeof(transient[0]); i++) {
		if (class_is(sqlstate, transient[i]))
			return SOT_UNAVAILABLE;
	}
	return SOT_INVALID;
}

static const char *statement_name(const store_connection *c, const store_tx *tx, size_t answer)
{
	size_t first = tx->own_block ? 1 : 0;
	if (answer < first)
		return "BEGIN";
	if (answer - first < tx->query_count)
		return c->store->statements[tx->queries[answer - first].statement].name;
	return "COMMIT"; /* or the end of the session, right behind the answer to it */
}

static void record_failure(
    const store_connection *c, store_tx *tx, size_t answer, const PGresult *res)
{
	const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
	char text[180];
	store_result_text(res, text, sizeof(text));
	tx->failed = true;
	(void)snprintf(tx->outcome.sqlstate, sizeof(tx->outcome.sqlstate), "%s", sqlstate);
	(void)snprintf(tx->constraint, sizeof(tx->constraint), "%s", constraint ? constraint : "");
	(void)sot_fail(
	    &tx->why, store_code_of(sqlstate), "statement %s: %s", statement_name(c, tx, answer), text);
}

/* The server answers one statement after the other: it began with this one when it was sent, or
 * when the one before was done. */
static void note_call(store_connection *c, const store_tx *tx, size_t answer, const PGresult *res)
{
	int64_t now_us = sot_mono_us_now();
	int64_t begun_us = tx->sent_us > c->free_at_us ? tx->sent_us : c->free_at_us;
	const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	sot_str name = sot_str_c(statement_name(c, tx, answer));
	c->free_at_us = now_us;
	if (tx->own_block && answer == 0)
		return; /* BEGIN */
	if (PQresultStatus(res) != PGRES_FATAL_ERROR) {
		sot_calls_note(c->store->calls, name, now_us - begun_us);
	} else if (sqlstate && !tx->bounced) {
		char status[16];
		(void)snprintf(status, sizeof(status), "sql-%.5s", sqlstate);
		sot_calls_note_failure(c->store->calls, name, now_us - begun_us, status, sot_wall_now());
	}
}

/* FATAL and PANIC end the session. The server's answers come in order, so when the head waits for
 * a statement before COMMIT, COMMIT was not reached; when it waits for COMMIT, who knows. */
static sot_code take_error(
    store_connection *c, store_tx *tx, size_t answer, const PGresult *res, sot_err *err)
{
	const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (!sqlstate)
		return lost(c, err);
	bool fatal = severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
	bool at_commit = tx->own_block && answer == tx->query_count + 1;
	if (c->rolling_back && answer == 0 && strcmp(sqlstate, "25P02") == 0)
		tx->bounced = true;
	else if (!(fatal && at_commit) && !tx->committed)
		record_failure(c, tx, answer, res);
	if (!fatal)
		return SOT_OK;
	char text[180];
	store_result_text(res, text, sizeof(text));
	return sot_fail(err, SOT_UNAVAILABLE, "the database ended the connection: %s", text);
}

static sot_code after_commit(sot_err *err)
{
	SOT_FAILPOINT("store.tx.after_commit", err);
	return SOT_OK;
}

static sot_code take_success(store_tx *tx, size_t answer, PGresult *res, sot_err *err)
{
	size_t first = tx->own_block ? 1 : 0;
	if (answer >= first && answer - first < tx->query_count) {
		tx->queries[answer - first].result = res;
		return SOT_OK;
	}
	/* COMMIT of a failed block answers ROLLBACK, with status OK. */
	bool is_commit = answer > 0;
	bool committed = is_commit && strcmp(PQcmdStatus(res), "COMMIT") == 0;
	PQclear(res);
	if (!is_commit)
		return SOT_OK;
	if (!committed) {
		tx->failed = true;
		(void)sot_fail(&tx->why, SOT_INTERNAL, "COMMIT was answered by ROLLBACK");
		return SOT_OK;
	}
	if (!tx->read_only && after_commit(err) != SOT_OK)
		return SOT_UNAVAILABLE;
	tx->committed = true;
	return SOT_OK;
}

static sot_code end_tx(store_connection *c, store_tx *tx, sot_err *err)
{
	sot_list_remove(&tx->link);
	c->inflight_count--;
	if (tx->bounced) {
		sot_list_push(&c->bounced, &tx->link);
		return SOT_OK;
	}
	bool began = tx->began;
	bool commit_answered = tx->commit_answered;
	if (tx->failed)
		store_tx_settle(tx, tx->why.code, &tx->why);
	else
		store_tx_settle(tx, SOT_OK, NULL);
	bool block_is_open = tx->failed && began && !commit_answered;
	store_finish(c->store, tx);
	return block_is_open ? store_connection_roll_back(c, err) : SOT_OK;
}

/* One answer for the oldest transaction in flight. Takes `res`. */
static sot_code take_answer(store_connection *c, store_tx *tx, PGresult *res, sot_err *err)
{
	ExecStatusType status = PQresultStatus(res);
	size_t answer = tx->answers;
	sot_code code = SOT_OK;
	if (status == PGRES_PIPELINE_SYNC) {
		PQclear(res);
		return end_tx(c, tx, err);
	}
	tx->answers++;
	if (status != PGRES_PIPELINE_ABORTED)
		note_call(c, tx, answer, res);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		tx->began |= tx->own_block && answer == 0;
		tx->commit_answered |= tx->own_block && answer == tx->query_count + 1;
		return take_success(tx, answer, res, err);
	}
	if (status == PGRES_FATAL_ERROR) {
		tx->commit_answered |= tx->own_block && answer == tx->query_count + 1;
		code = take_error(c, tx, answer, res, err);
	} else if (status != PGRES_PIPELINE_ABORTED) {
		code = sot_fail(err, SOT_UNAVAILABLE, "statement %s: unexpected answer %s",
		    statement_name(c, tx, answer), PQresStatus(status));
	}
	PQclear(res);
	return code;
}

static sot_code take_rollback(store_connection *c, PGresult *res, sot_err *err)
{
	ExecStatusType status = PQresultStatus(res);
	PQclear(res);
	if (status == PGRES_PIPELINE_SYNC) {
		c->rolling_back = false;
		store_requeue(c->store, &c->bounced);
		return SOT_OK;
	}
	return status == PGRES_COMMAND_OK ? SOT_OK : lost(c, err);
}

static sot_code take_setup(store_connection *c, PGresult *res, sot_err *err)
{
	store *s = c->store;
	sot_code code = SOT_OK;
	if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
		c->state = STORE_READY;
		c->attempts = 0;
		reactor_rearm_ms(c->timer, -1);
		store_set_up(s);
	} else if (PQresultStatus(res) == PGRES_FATAL_ERROR &&
	           !PQresultErrorField(res, PG_DIAG_SQLSTATE)) {
		code = lost(c, err);
	} else {
		code = store_session_accept(s->statements, c->setup_answers, res, err);
		if (code == SOT_OK)
			store_session_keep_types(s, c->setup_answers, res);
		c->setup_answers++;
	}
	PQclear(res);
	return code;
}

static bool expects_answers(const store_connection *c)
{
	return c->state == STORE_SETUP || c->inflight_count > 0 || c->rolling_back;
}

static sot_code take(store_connection *c, PGresult *res, sot_err *err)
{
	if (c->state == STORE_SETUP)
		return take_setup(c, res, err);
	if (c->inflight_count > 0)
		return take_answer(c, SOT_CONTAINER(c->inflight.next, store_tx, link), res, err);
	return take_rollback(c, res, err);
}

sot_code store_connection_read(store_connection *c, sot_err *err)
{
	/* Even after a failed read, what came before it is in libpq's buffer and is read first: it may
	 * hold the answer to a COMMIT. */
	bool readable = PQconsumeInput(c->pg) == 1;
	int empty = 0;
	while (expects_answers(c) && !PQisBusy(c->pg)) {
		PGresult *res = PQgetResult(c->pg);
		if (!res) {
			/* libpq puts one NULL between the results of two commands. */
			if (++empty > 1)
				break;
			continue;
		}
		empty = 0;
		sot_code code = take(c, res, err);
		if (code != SOT_OK)
			return code;
	}
	if (!readable || PQstatus(c->pg) == CONNECTION_BAD)
		return lost(c, err);
	return SOT_OK;
}

void store_tx_lost(store_tx *tx, const sot_err *why)
{
	sot_err reason = *why;
	if (tx->failed) {
		store_tx_settle(tx, tx->why.code, &tx->why);
	} else if (tx->committed) {
		store_tx_settle(tx, SOT_OK, NULL);
	} else if (tx->commit_sent && !tx->read_only) {
		(void)sot_wrap(&reason, "COMMIT was sent, its answer did not come");
		reason.code = SOT_UNKNOWN;
		store_tx_settle(tx, SOT_UNKNOWN, &reason);
	} else {
		reason.code = SOT_UNAVAILABLE;
		store_tx_settle(tx, SOT_UNAVAILABLE, &reason);
	}
}
