/* store_check - connects once, blocking, and compares every statement with the schema. For start-up
 * and --check, where there is no loop yet. */
#include "store_internal.h"

#include <poll.h>

static void finish(PGconn **pg)
{
	PQfinish(*pg);
}

static sot_code pg_failed(const PGconn *pg, const char *what, sot_err *err)
{
	char text[180];
	store_pg_text(pg, text, sizeof(text));
	return sot_fail(err, SOT_UNAVAILABLE, "%s: %s", what, text);
}

static sot_code wait_fd(const PGconn *pg, short events, sot_mono deadline, sot_err *err)
{
	int64_t left_ms = sot_mono_diff_ms(deadline, sot_mono_now());
	struct pollfd fd = {.fd = PQsocket(pg), .events = events};
	if (left_ms <= 0 || poll(&fd, 1, (int)left_ms) == 0)
		return sot_fail(err, SOT_UNAVAILABLE, "the database did not answer within %d ms",
		    STORE_CONNECT_DEADLINE_MS);
	return SOT_OK; /* an interrupted or failed poll shows at the next call of libpq */
}

static sot_code establish(PGconn *pg, sot_mono deadline, sot_err *err)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	while (next != PGRES_POLLING_OK) {
		if (next == PGRES_POLLING_FAILED || PQstatus(pg) == CONNECTION_BAD)
			return pg_failed(pg, "connecting to the database", err);
		sot_code code =
		    wait_fd(pg, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, err);
		if (code != SOT_OK)
			return code;
		next = PQconnectPoll(pg);
	}
	if (PQsetnonblocking(pg, 1) != 0 || PQenterPipelineMode(pg) != 1)
		return pg_failed(pg, "pipeline mode", err);
	return SOT_OK;
}

/* Waits until the next result can be had without blocking, sending what is still to be sent. */
static sot_code wait_result(PGconn *pg, sot_mono deadline, sot_err *err)
{
	while (PQisBusy(pg)) {
		int left = PQflush(pg);
		if (left < 0)
			return pg_failed(pg, "preparing statements", err);
		sot_code code = wait_fd(pg, (short)(left == 1 ? POLLIN | POLLOUT : POLLIN), deadline, err);
		if (code != SOT_OK)
			return code;
		if (PQconsumeInput(pg) != 1)
			return pg_failed(pg, "preparing statements", err);
	}
	return SOT_OK;
}

static sot_code compare_all(
    PGconn *pg, const store_options *options, sot_mono deadline, sot_err *err)
{
	size_t answers = store_session_answers(options->statement_count);
	for (size_t i = 0; i < answers;) {
		sot_code code = wait_result(pg, deadline, err);
		if (code != SOT_OK)
			return code;
		PGresult *res = PQgetResult(pg);
		if (!res && PQstatus(pg) == CONNECTION_BAD)
			return pg_failed(pg, "preparing statements", err);
		if (!res)
			continue;
		code = store_session_accept(options->statements, i++, res, err);
		PQclear(res);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

sot_code store_check(const store_options *options, sot_err *err)
{
	PGconn *pg __attribute__((cleanup(finish))) =
	    store_session_start(options->conninfo, options->service);
	if (!pg)
		return sot_fail(err, SOT_UNAVAILABLE, "connecting to the database: out of memory");
	sot_mono deadline = sot_mono_add_ms(sot_mono_now(), STORE_CONNECT_DEADLINE_MS);
	sot_code code = establish(pg, deadline, err);
	int64_t deadline_ms = options->deadline_ms ? options->deadline_ms : 5000;
	if (code == SOT_OK)
		code =
		    store_session_send(pg, options->statements, options->statement_count, deadline_ms, err);
	if (code == SOT_OK)
		code = compare_all(pg, options, deadline, err);
	return code;
}
