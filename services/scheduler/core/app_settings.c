/* Settings of an app as values: copied, and as the API and the operation's spec have them. */
#include "rows.h"

#include <stdlib.h>

static char *copy(const char *text)
{
	return text ? sot_strdup(text) : NULL;
}

void app_settings_copy(app_settings *to, const app_settings *from)
{
	*to = *from;
	to->labels = copy(from->labels);
	to->windows = copy(from->windows);
	to->opt_outs = copy(from->opt_outs);
	to->middleware_before = copy(from->middleware_before);
	(void)shared_keep(to->version_before);
}

void app_settings_clear(app_settings *s)
{
	free(s->labels);
	free(s->windows);
	free(s->opt_outs);
	free(s->middleware_before);
	shared_drop(s->version_before);
	*s = (app_settings){0};
}

static void add_list(sot_buf *out, const char *field, const char *words, char separator)
{
	sot_str rest = sot_str_c(words ? words : "");
	bool first = true;

	sot_buf_printf(out, ",\"%s\":[", field);
	while (rest.n > 0) {
		sot_str word = sot_str_cut(rest, separator, &rest);
		sot_buf_add_c(out, first ? "" : ",");
		sot_buf_add_json(out, word);
		first = false;
	}
	sot_buf_add_c(out, "]");
}

void app_settings_json(const app_settings *s, sot_buf *out)
{
	sot_str rest = sot_str_c(s->labels ? s->labels : ""), value;
	bool first = true;

	sot_buf_add_c(out, "{\"labels\":{");
	while (rest.n > 0) {
		sot_str name = sot_str_cut(sot_str_cut(rest, ',', &rest), '=', &value);
		sot_buf_add_c(out, first ? "" : ",");
		sot_buf_add_json(out, name);
		sot_buf_add_c(out, ":");
		sot_buf_add_json(out, value);
		first = false;
	}
	sot_buf_add_c(out, "}");
	add_list(out, "windows", s->windows, ';');
	add_list(out, "optOuts", s->opt_outs, ',');
	sot_buf_printf(out, ",\"keepVersions\":%u,\"keepDays\":%u}", s->keep_versions, s->keep_days);
}
