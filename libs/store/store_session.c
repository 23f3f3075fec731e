/* store_session - how a session with PostgreSQL begins: parameters of the connection, settings,
 * and the comparison of every statement with the live schema. The blocking check and the loop share
 * it. */
#include "store_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_ANSWERS = 1 };

static const char settings_sql[] =
    "SELECT set_config('search_path', 'pg_catalog, pg_temp', false),"
    " set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),"
    " set_config('idle_in_transaction_session_timeout', $3, false),"
    /* A service's statements are short: compiling one takes longer than running it ever does. */
    " set_config('jit', 'off', false)";

PGconn *store_session_start(const char *conninfo, const char *service)
{
	char application[64];
	(void)snprintf(application, sizeof(application), "sotalia-%s", service);
	/* What comes after dbname overrides the conninfo string. */
	const char *const keywords[] = {"tcp_user_timeout", "keepalives_idle", "keepalives_interval",
	    "keepalives_count", "dbname", "application_name", "client_encoding", NULL};
	const char *const values[] = {"10000", "10", "5", "3", conninfo, application, "UTF8", NULL};
	return PQconnectStartParams(keywords, values, 1);
}

static void one_line(const char *text, char *dst, size_t dst_size)
{
	size_t n = 0;
	for (; *text && n + 1 < dst_size; text++)
		dst[n++] = *text == '\n' || *text == '\t' ? ' ' : *text;
	while (n > 0 && dst[n - 1] == ' ')
		n--;
	dst[n] = '\0';
}

void store_pg_text(const PGconn *pg, char *dst, size_t dst_size)
{
	one_line(PQerrorMessage(pg), dst, dst_size);
	if (dst[0] == '\0')
		(void)snprintf(dst, dst_size, "connection closed");
}

void store_result_text(const PGresult *res, char *dst, size_t dst_size)
{
	const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	char text[512];
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", sqlstate ? sqlstate : "", sqlstate ? " " : "",
	    primary ? primary : PQresultErrorMessage(res), detail ? ": " : "", detail ? detail : "");
	one_line(text, dst, dst_size);
}

size_t store_session_answers(size_t statement_count)
{
	return SETTINGS_ANSWERS + 2 * statement_count;
}

sot_code store_session_send(PGconn *pg, const store_statement *statements, size_t statement_count,
    int64_t deadline_ms, sot_err *err)
{
	char deadline[24], lock[24];
	(void)snprintf(deadline, sizeof(deadline), "%" PRId64, deadline_ms);
	(void)snprintf(lock, sizeof(lock), "%" PRId64, deadline_ms / 2 > 0 ? deadline_ms / 2 : 1);
	const char *const values[] = {deadline, lock, deadline};
	bool sent = PQsendQueryParams(pg, settings_sql, 3, NULL, values, NULL, NULL, 0) == 1;
	for (size_t i = 0; sent && i < statement_count; i++)
		sent = PQsendPrepare(pg, statements[i].name, statements[i].sql, 0, NULL) == 1 &&
		       PQsendDescribePrepared(pg, statements[i].name) == 1;
	if (!sent || PQpipelineSync(pg) != 1) {
		char text[160];
		store_pg_text(pg, text, sizeof(text));
		return sot_fail(err, SOT_UNAVAILABLE, "preparing statements: %s", text);
	}
	return SOT_OK;
}

/* Types by their fixed OIDs (pg_type.dat; they never change between versions), in the spelling of
 * sql/ files; `other` is the spelling of the standard. */
static const struct {
	Oid oid;
	const char *name, *other;
} types[] = {
    {16, "bool", "boolean"},
    {17, "bytea", NULL},
    {19, "name", NULL},
    {20, "int8", "bigint"},
    {21, "int2", "smallint"},
    {23, "int4", "integer"},
    {25, "text", NULL},
    {26, "oid", NULL},
    {114, "json", NULL},
    {650, "cidr", NULL},
    {700, "float4", "real"},
    {701, "float8", "double precision"},
    {829, "macaddr", NULL},
    {869, "inet", NULL},
    {1000, "bool[]", "boolean[]"},
    {1001, "bytea[]", NULL},
    {1005, "int2[]", "smallint[]"},
    {1007, "int4[]", "integer[]"},
    {1009, "text[]", NULL},
    {1016, "int8[]", "bigint[]"},
    {1041, "inet[]", NULL},
    {1043, "varchar", "character varying"},
    {1082, "date", NULL},
    {1114, "timestamp", "timestamp without time zone"},
    {1184, "timestamptz", "timestamp with time zone"},
    {1186, "interval", NULL},
    {1700, "numeric", NULL},
    {2278, "void", NULL},
    {2950, "uuid", NULL},
    {2951, "uuid[]", NULL},
    {3802, "jsonb", NULL},
    {5069, "xid8", NULL},
};

static bool type_is(Oid oid, sot_str declared, char *ret_actual, size_t actual_size)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].oid != oid)
			continue;
		(void)snprintf(ret_actual, actual_size, "%s", types[i].name);
		return sot_str_eq_c(declared, types[i].name) ||
		       (types[i].other && sot_str_eq_c(declared, types[i].other));
	}
	(void)snprintf(ret_actual, actual_size, "type oid %u", oid);
	return false;
}

/* A statement that returns nothing to read: no column, or only results of void functions. */
static bool has_nothing_to_read(const PGresult *res)
{
	for (int column = 0; column < PQnfields(res); column++) {
		if (PQftype(res, column) != 2278)
			return false;
	}
	return true;
}

static sot_code compare(const store_statement *statement, const PGresult *res, sot_err *err)
{
	if (PQnparams(res) != statement->param_count)
		return sot_fail(err, SOT_INVALID, "statement %s takes %d parameters, %d are declared",
		    statement->name, PQnparams(res), statement->param_count);
	if (statement->column_count == 0 && has_nothing_to_read(res))
		return SOT_OK;
	if (PQnfields(res) != statement->column_count)
		return sot_fail(err, SOT_INVALID, "statement %s returns %d columns, %d are declared",
		    statement->name, PQnfields(res), statement->column_count);
	for (int column = 0; column < statement->column_count; column++) {
		sot_str type;
		sot_str name = sot_str_cut(sot_str_c(statement->columns[column]), ' ', &type);
		char actual[32];
		bool same_type = type_is(PQftype(res, column), type, actual, sizeof(actual));
		if (!same_type || !sot_str_eq_c(name, PQfname(res, column)))
			return sot_fail(err, SOT_INVALID,
			    "statement %s, column %d is '%s %s', declared is '%s': the schema and this program "
			    "do not belong together, run sotalia-migrate",
			    statement->name, column + 1, PQfname(res, column), actual,
			    statement->columns[column]);
	}
	return SOT_OK;
}

static sot_code refuse(const char *what, const char *name, const PGresult *res, sot_err *err)
{
	const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	char text[180];
	store_result_text(res, text, sizeof(text));
	/* A statement that was cut off by its deadline is no schema of another version. */
	return sot_fail(
	    err, sqlstate ? store_code_of(sqlstate) : SOT_INVALID, "%s%s: %s", what, name, text);
}

static bool is_description(size_t index)
{
	return index >= SETTINGS_ANSWERS && (index - SETTINGS_ANSWERS) % 2 == 1;
}

sot_code store_session_accept(
    const store_statement *statements, size_t index, const PGresult *res, sot_err *err)
{
	ExecStatusType status = PQresultStatus(res);
	if (index < SETTINGS_ANSWERS)
		return status == PGRES_TUPLES_OK ? SOT_OK : refuse("session settings", "", res, err);
	const store_statement *statement = &statements[(index - SETTINGS_ANSWERS) / 2];
	if (status != PGRES_COMMAND_OK)
		return refuse("statement ", statement->name, res, err);
	return is_description(index) ? compare(statement, res, err) : SOT_OK;
}

void store_session_keep_types(store *s, size_t index, const PGresult *res)
{
	size_t statement = (index - SETTINGS_ANSWERS) / 2;
	if (!is_description(index))
		return;
	int count = PQnparams(res);
	Oid *found = sot_alloc_array((size_t)count + 1, sizeof(*found));
	for (int i = 0; i < count; i++)
		found[i] = PQparamtype(res, i);
	free(s->param_types[statement]);
	s->param_types[statement] = found;
}
