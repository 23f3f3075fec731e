#include "gw_filter.h"

#include <stdio.h>
#include <string.h>

bool gw_filter_is_empty(const gw_filter *f)
{
	return f->kinds[0] == '\0' && f->app[0] == '\0' && f->host[0] == '\0';
}

static bool takes(sot_str wanted, sot_str kind)
{
	if (wanted.n > 1 && wanted.p[wanted.n - 1] == '*' && wanted.p[wanted.n - 2] == '.')
		return kind.n >= wanted.n - 1 && memcmp(kind.p, wanted.p, wanted.n - 1) == 0;
	return sot_str_eq(wanted, kind);
}

static bool takes_kind(const gw_filter *f, sot_str kind)
{
	sot_str rest = sot_str_c(f->kinds);
	while (rest.n > 0)
		if (takes(sot_str_cut(rest, ',', &rest), kind))
			return true;
	return f->kinds[0] == '\0';
}

/* PostgreSQL writes `"name" : "value"`; a quote inside of a value is escaped, so this text is no
 * other member's value. Names of apps and hosts hold nothing that JSON escapes. */
static bool has_member(sot_str sse, const char *name, const char *value)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "\"%s\" : \"%s\"", name, value);
	return value[0] == '\0' || memmem(sse.p, sse.n, text, (size_t)n) != NULL;
}

bool gw_filter_fits(const gw_filter *f, sot_str sse)
{
	sot_str rest = sse, line;
	if (gw_filter_is_empty(f))
		return true;
	(void)sot_str_cut(rest, '\n', &rest);
	line = sot_str_cut(rest, '\n', &rest);
	return line.n > 7 && takes_kind(f, (sot_str){line.p + 7, line.n - 7}) &&
	       has_member(rest, "sotaliaapp", f->app) && has_member(rest, "sotaliahost", f->host);
}
