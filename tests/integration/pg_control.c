#include "pg_control.h"

#include "sot_parse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t number(const char *text)
{
	int64_t value = 0;
	if (sot_parse_i64(sot_str_c(text), INT64_MIN, INT64_MAX, &value, NULL) == SOT_OK)
		return value;
	return 0; /* a text, as of a void function: the caller asked for an effect */
}

PGconn *pg_control_open(void)
{
	char text[300];
	const char *dir = getenv("SOT_PG_DIR");
	if (!dir) {
		print_error("run it inside a scratch database: tests/pg.sh run TEST [ARGS...]\n");
		return NULL;
	}
	(void)snprintf(text, sizeof(text), "host=%s dbname=sotalia user=postgres", dir);
	PGconn *pg = PQconnectdb(text);
	(void)pg_control(pg, "SET client_min_messages = warning");
	return pg;
}

int64_t pg_control(PGconn *pg, const char *sql)
{
	PGresult *res = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(res);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	int64_t value = PQntuples(res) > 0 ? number(PQgetvalue(res, 0, 0)) : 0;
	PQclear(res);
	return value;
}

pid_t pg_control_postmaster(void)
{
	int64_t pid = number(getenv("SOT_PG_PID"));
	assert_true(pid > 1);
	return (pid_t)pid;
}

static bool is_connected(PGconn *pg)
{
	PQreset(pg);
	return PQstatus(pg) == CONNECTION_OK;
}

static bool is_ended(PGconn *pg)
{
	return !PQconsumeInput(pg) || PQstatus(pg) != CONNECTION_OK;
}

PGconn *pg_control_kill(PGconn *pg, reactor *loop)
{
	/* The server ends every session when it has seen the crash of one, and lets nobody in before it
	 * has recovered. Who asked for a session before it has seen the crash would get one, and lose
	 * it. */
	PGconn *witness = pg_control_open();
	pid_t session = PQbackendPID(pg);
	assert_true(session > 1);
	assert_int_equal(kill(session, SIGKILL), 0);
	TURN_UNTIL(loop, is_ended(witness));
	PQfinish(witness);
	TURN_UNTIL(loop, is_connected(pg));
	return pg;
}
