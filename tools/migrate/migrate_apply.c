#include "migrate_apply.h"

#include "sot_parse.h"
#include "sot_time.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOCK_TRIES = 12, SHA256_HEX = 65 };

/* The number is "sotalia" in ASCII: one key for all versions of this tool. */
static const char lock_sql[] = "SELECT pg_advisory_lock(32492051893904737)";
static const char session_sql[] = "SET lock_timeout = '5s'; SET client_min_messages = warning;"
                                  " SET search_path = pg_catalog, pg_temp";
static const char bootstrap_sql[] =
    "CREATE SCHEMA IF NOT EXISTS core;"
    "CREATE TABLE IF NOT EXISTS core.schema_migration ("
    " number integer PRIMARY KEY CHECK (number > 0), name text NOT NULL,"
    " sha256 text NOT NULL CHECK (length(sha256) = 64),"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp(), took_ms bigint NOT NULL)";

static void finish_connection(PGconn **pg)
{
	PQfinish(*pg);
}
static void clear_result(PGresult **res)
{
	PQclear(*res);
}
#define AUTO_RESULT __attribute__((cleanup(clear_result))) PGresult *

static sot_code judge(PGconn *pg, const PGresult *res, const char *what, sot_err *err)
{
	ExecStatusType status = PQresultStatus(res);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return SOT_OK;
	const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	sot_code code = sqlstate && strcmp(sqlstate, "55P03") == 0 ? SOT_UNAVAILABLE : SOT_INVALID;
	const char *position = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
	return sot_fail(err, code, "%s: %s %s%s%s", what, sqlstate ? sqlstate : "",
	    primary ? primary : PQerrorMessage(pg), position ? ", at character " : "",
	    position ? position : "");
}

static sot_code execute(PGconn *pg, const char *sql, const char *what, sot_err *err)
{
	AUTO_RESULT res = PQexec(pg, sql);
	return judge(pg, res, what, err);
}

static sot_code take_lock(PGconn *pg, sot_err *err)
{
	for (int attempt = 1;; attempt++) {
		sot_err why = {0};
		sot_code code = execute(pg, lock_sql, "waiting for another sotalia-migrate", &why);
		if (code != SOT_UNAVAILABLE || attempt == LOCK_TRIES) {
			if (code != SOT_OK && err)
				*err = why;
			return code;
		}
		printf("waiting: another sotalia-migrate holds the lock (%d of %d)\n", attempt, LOCK_TRIES);
		(void)fflush(stdout);
	}
}

/* SHA-256 by the server: it has one, and this tool needs no crypto library. */
static sot_code checksum(PGconn *pg, const migration *m, char ret[SHA256_HEX], sot_err *err)
{
	const char *values[] = {m->sql.p};
	const int lengths[] = {(int)m->sql.n}, binary[] = {1};
	AUTO_RESULT res = PQexecParams(
	    pg, "SELECT encode(sha256($1::bytea), 'hex')", 1, NULL, values, lengths, binary, 0);
	sot_code code = judge(pg, res, "checksum", err);
	if (code == SOT_OK)
		(void)snprintf(ret, SHA256_HEX, "%s", PQgetvalue(res, 0, 0));
	return code;
}

static migration *find_number(migration_list *list, uint64_t number)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].number == number)
			return &list->items[i];
	return NULL;
}

/* Compares one applied row (number, name, sha256) with the folder. */
static sot_code check_applied(
    PGconn *pg, migration_list *list, const PGresult *rows, int row, sot_err *err)
{
	const char *name = PQgetvalue(rows, row, 1);
	uint64_t number = 0;
	char sha256[SHA256_HEX];
	sot_code code =
	    sot_parse_u64(sot_str_c(PQgetvalue(rows, row, 0)), 1, MIGRATIONS_MAX, &number, err);
	migration *m = code == SOT_OK ? find_number(list, number) : NULL;
	if (code != SOT_OK)
		return code;
	if (m == NULL)
		return sot_fail(err, SOT_INVALID,
		    "%s is applied, but is not in the folder: this program is older than the database",
		    name);
	code = checksum(pg, m, sha256, err);
	if (code == SOT_OK && strcmp(sha256, PQgetvalue(rows, row, 2)) != 0)
		code = sot_fail(err, SOT_INVALID,
		    "%s was changed after it was applied (as %s): put it back, and write a new migration",
		    m->name, name);
	m->is_applied = true;
	return code;
}

/* Marks what the database has already. */
static sot_code find_applied(PGconn *pg, migration_list *list, sot_err *err)
{
	AUTO_RESULT table = PQexec(pg, "SELECT to_regclass('core.schema_migration') IS NOT NULL");
	sot_code code = judge(pg, table, "looking for core.schema_migration", err);
	if (code != SOT_OK || PQgetvalue(table, 0, 0)[0] == 'f')
		return code;
	AUTO_RESULT rows =
	    PQexec(pg, "SELECT number, name, sha256 FROM core.schema_migration ORDER BY number");
	code = judge(pg, rows, "reading core.schema_migration", err);
	for (int row = 0; code == SOT_OK && row < PQntuples(rows); row++)
		code = check_applied(pg, list, rows, row, err);
	return code;
}

static sot_code record(PGconn *pg, const migration *m, int64_t took_ms, sot_err *err)
{
	char number[16], took[24], sha256[SHA256_HEX];
	sot_code code = checksum(pg, m, sha256, err);
	if (code != SOT_OK)
		return code;
	(void)snprintf(number, sizeof(number), "%u", m->number);
	(void)snprintf(took, sizeof(took), "%lld", (long long)took_ms);
	const char *values[] = {number, m->name, sha256, took};
	AUTO_RESULT res = PQexecParams(pg,
	    "INSERT INTO core.schema_migration (number, name, sha256, took_ms) VALUES ($1, $2, $3, $4)",
	    4, NULL, values, NULL, NULL, 0);
	return judge(pg, res, "recording it", err);
}

static sot_code try_one(PGconn *pg, const migration *m, sot_err *err)
{
	sot_mono start = sot_mono_now();
	sot_code code = execute(pg, "BEGIN", "BEGIN", err);
	if (code == SOT_OK)
		code = execute(pg, m->sql.p, m->name, err);
	if (code == SOT_OK && PQtransactionStatus(pg) != PQTRANS_INTRANS)
		code = sot_fail(
		    err, SOT_INVALID, "%s ends its transaction: leave BEGIN and COMMIT out", m->name);
	if (code == SOT_OK)
		code = record(pg, m, sot_mono_diff_ms(sot_mono_now(), start), err);
	if (code == SOT_OK)
		code = execute(pg, "COMMIT", m->name, err);
	if (code != SOT_OK)
		(void)execute(pg, "ROLLBACK", "ROLLBACK", NULL);
	return code;
}

/* A migration that waits for a lock stops everybody behind it: it gives up after 5 s and tries
 * again. */
static sot_code apply_one(PGconn *pg, const migration *m, sot_err *err)
{
	sot_code code = SOT_UNAVAILABLE;
	sot_err why = {0};
	for (int attempt = 1; code == SOT_UNAVAILABLE && attempt <= LOCK_TRIES; attempt++) {
		if (attempt > 1)
			printf("again: %s (%d of %d): %s\n", m->name, attempt, LOCK_TRIES, why.text);
		(void)fflush(stdout);
		code = try_one(pg, m, &why);
	}
	if (code != SOT_OK && err)
		*err = why;
	return code;
}

static sot_code run(PGconn *pg, const migrate_options *options, migration_list *list, sot_err *err)
{
	bool has_work = false;
	sot_code code = find_applied(pg, list, err);
	if (code == SOT_OK && !options->plan_only)
		code = execute(pg, bootstrap_sql, "making core.schema_migration", err);
	for (size_t i = 0; code == SOT_OK && i < list->count; i++) {
		const migration *m = &list->items[i];
		if (m->is_applied)
			continue;
		has_work = true;
		printf("%s %zu/%zu %s\n", options->plan_only ? "would apply" : "applying", i + 1,
		    list->count, m->name);
		(void)fflush(stdout);
		if (!options->plan_only)
			code = apply_one(pg, m, err);
	}
	if (code == SOT_OK && !has_work)
		printf("up to date: %zu migrations, the last is %s\n", list->count,
		    list->items[list->count - 1].name);
	return code;
}

#define AUTO_CONNECTION __attribute__((cleanup(finish_connection))) PGconn *
static sot_code open_database(const migrate_options *options, PGconn **ret, sot_err *err)
{
	const char *const keywords[] = {"connect_timeout", "dbname", "application_name", NULL};
	const char *const values[] = {"10", options->conninfo, "sotalia-migrate", NULL};
	*ret = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(*ret) != CONNECTION_OK)
		return sot_fail(
		    err, SOT_UNAVAILABLE, "connecting to the database: %s", PQerrorMessage(*ret));
	return execute(*ret, session_sql, "session settings", err);
}

sot_code migrate_apply(const migrate_options *options, migration_list *list, sot_err *err)
{
	AUTO_CONNECTION pg = NULL;
	sot_code code = open_database(options, &pg, err);
	if (code == SOT_OK && !options->plan_only)
		code = take_lock(pg, err);
	return code == SOT_OK ? run(pg, options, list, err) : code;
}

/* A service that is connected keeps in memory what the old life of the data told it. */
static sot_code refuse_services(PGconn *pg, sot_err *err)
{
	AUTO_RESULT res = PQexec(pg,
	    "SELECT string_agg(DISTINCT usename, ', ') FROM pg_stat_activity WHERE datname = "
	    "current_database() AND usename IN ('sot_scheduler', 'sot_ipam', 'sot_gateway', "
	    "'sot_bridge')");
	sot_code code = judge(pg, res, "looking for services", err);
	if (code == SOT_OK && PQgetisnull(res, 0, 0) == 0)
		return sot_fail(err, SOT_INVALID,
		    "services are connected (%s): stop all of them, on all machines, then say it again",
		    PQgetvalue(res, 0, 0));
	return code;
}

sot_code migrate_restored(const migrate_options *options, sot_err *err)
{
	AUTO_CONNECTION pg = NULL;
	sot_code code = open_database(options, &pg, err);
	if (code == SOT_OK)
		code = take_lock(pg, err);
	if (code == SOT_OK)
		code = refuse_services(pg, err);
	if (code != SOT_OK)
		return code;
	AUTO_RESULT res = PQexec(pg, "SELECT core.restored()");
	code = judge(pg, res, "core.restored", err);
	if (code == SOT_OK)
		printf("a new life of the data: event stream %s\n", PQgetvalue(res, 0, 0));
	return code;
}
