/* store_row - the only callers of PQgetvalue: strict readers that name statement, row and column.
 */
#include "store_internal.h"

#include "sot_parse.h"

size_t store_rows(const store_result *res)
{
	return (size_t)PQntuples(res->rows);
}

bool store_is_null(const store_result *res, size_t row, int column)
{
	return PQgetisnull(res->rows, (int)row, column) == 1;
}

sot_str store_text(const store_result *res, size_t row, int column)
{
	if (store_is_null(res, row, column))
		return (sot_str){NULL, 0};
	return (sot_str){
	    PQgetvalue(res->rows, (int)row, column), (size_t)PQgetlength(res->rows, (int)row, column)};
}

/* Puts "statement x, row 3, column address" in front and makes it an internal error: the schema
 * was checked at connect, so a value that cannot be read is a bug. */
static sot_code misread(const store_result *res, size_t row, int column, sot_err *err)
{
	if (!err)
		return SOT_INTERNAL;
	const char *name = PQfname(res->rows, column);
	(void)sot_wrap(
	    err, "statement %s, row %zu, column %s", res->statement->name, row, name ? name : "(none)");
	err->code = SOT_INTERNAL;
	return SOT_INTERNAL;
}

static sot_code value(const store_result *res, size_t row, int column, sot_str *ret, sot_err *err)
{
	if (row >= store_rows(res) || column < 0 || column >= PQnfields(res->rows))
		return sot_fail(err, SOT_INTERNAL, "statement %s has no row %zu with column %d",
		    res->statement->name, row, column);
	if (store_is_null(res, row, column)) {
		(void)sot_fail(err, SOT_INTERNAL, "is NULL");
		return misread(res, row, column, err);
	}
	*ret = store_text(res, row, column);
	return SOT_OK;
}

sot_code store_i64(const store_result *res, size_t row, int column, int64_t *ret, sot_err *err)
{
	sot_str text;
	sot_code code = value(res, row, column, &text, err);
	if (code != SOT_OK)
		return code;
	if (sot_parse_i64(text, INT64_MIN, INT64_MAX, ret, err) != SOT_OK)
		return misread(res, row, column, err);
	return SOT_OK;
}

sot_code store_bool(const store_result *res, size_t row, int column, bool *ret, sot_err *err)
{
	sot_str text;
	sot_code code = value(res, row, column, &text, err);
	if (code != SOT_OK)
		return code;
	if (!sot_str_eq_c(text, "t") && !sot_str_eq_c(text, "f")) {
		(void)sot_fail(err, SOT_INTERNAL, "'%.*s' is not a boolean", SOT_ARG(text));
		return misread(res, row, column, err);
	}
	*ret = text.p[0] == 't';
	return SOT_OK;
}

sot_code store_uuid(const store_result *res, size_t row, int column, sot_uuid *ret, sot_err *err)
{
	sot_str text;
	sot_code code = value(res, row, column, &text, err);
	if (code != SOT_OK)
		return code;
	if (sot_uuid_parse(text, ret, err) != SOT_OK)
		return misread(res, row, column, err);
	return SOT_OK;
}

sot_code store_ipv4(const store_result *res, size_t row, int column, uint32_t *ret, sot_err *err)
{
	sot_str text;
	sot_code code = value(res, row, column, &text, err);
	if (code != SOT_OK)
		return code;
	sot_str prefix;
	sot_str address = sot_str_cut(text, '/', &prefix);
	if (sot_parse_ipv4(address, ret, err) != SOT_OK)
		return misread(res, row, column, err);
	return SOT_OK;
}

sot_code store_ip(const store_result *res, size_t row, int column, sot_ip *ret, sot_err *err)
{
	sot_str text, prefix;
	if (store_is_null(res, row, column)) {
		*ret = (sot_ip){0};
		return SOT_OK;
	}
	sot_code code = value(res, row, column, &text, err);
	if (code != SOT_OK)
		return code;
	sot_str address = sot_str_cut(text, '/', &prefix);
	if (sot_ip_parse(address, ret, err) != SOT_OK)
		return misread(res, row, column, err);
	return SOT_OK;
}
