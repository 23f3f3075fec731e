#include "field_changes.h"

static void begin(sot_buf *out, const char *field)
{
	sot_buf_printf(out, "%s\"%s\":[", out->n > 0 ? "," : "", field);
}

void field_changes_str(sot_buf *out, const char *field, sot_str before, sot_str after)
{
	if (sot_str_eq(before, after))
		return;
	begin(out, field);
	sot_buf_add_json(out, before);
	sot_buf_add_char(out, ',');
	sot_buf_add_json(out, after);
	sot_buf_add_char(out, ']');
}

void field_changes_i64(sot_buf *out, const char *field, int64_t before, int64_t after)
{
	if (before == after)
		return;
	begin(out, field);
	sot_buf_printf(out, "%lld,%lld]", (long long)before, (long long)after);
}

void field_changes_bool(sot_buf *out, const char *field, bool before, bool after)
{
	if (before == after)
		return;
	begin(out, field);
	sot_buf_add_c(out, after ? "false,true]" : "true,false]");
}
