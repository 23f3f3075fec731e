#include "gw_fields.h"

#include "sot_mem.h"

#include <string.h>

#define FIELDS_MAX 32

typedef struct selection {
	sot_str text;
	size_t at;
	sot_str names[FIELDS_MAX];
	bool seen[FIELDS_MAX];
	size_t count;
} selection;

/* ---- a walk over JSON that the database made ---- */
static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static char here(selection *s)
{
	while (s->at < s->text.n && is_space(s->text.p[s->at]))
		s->at++;
	return s->at < s->text.n ? s->text.p[s->at] : '\0';
}

static void skip_string(selection *s)
{
	for (s->at++; s->at < s->text.n && s->text.p[s->at] != '"'; s->at++)
		if (s->text.p[s->at] == '\\')
			s->at++;
	s->at++;
}

/* Up to the comma or bracket that ends it. */
static sot_str take_value(selection *s)
{
	size_t begin, depth = 0;
	(void)here(s);
	begin = s->at;
	while (s->at < s->text.n) {
		char c = s->text.p[s->at];
		bool closes = c == '}' || c == ']';
		if (depth == 0 && (c == ',' || closes))
			break;
		depth += c == '{' || c == '[';
		depth -= closes;
		if (c == '"')
			skip_string(s);
		else
			s->at++;
	}
	s->at = s->at < s->text.n ? s->at : s->text.n;
	return (sot_str){s->text.p + begin, s->at - begin};
}

static sot_str take_key(selection *s) /* without its quotes */
{
	size_t begin;
	(void)here(s);
	begin = s->at + 1;
	skip_string(s);
	sot_str key = {s->text.p + begin, s->at - begin - 1};
	if (here(s) == ':')
		s->at++;
	return key;
}

/* ---- the choice ---- */
static bool is_wanted(selection *s, sot_str key)
{
	for (size_t i = 0; i < s->count; i++)
		if (sot_str_eq(s->names[i], key))
			return s->seen[i] = true;
	return false;
}

static void select_members(selection *s, sot_buf *out)
{
	bool first = true;
	s->at++; /* { */
	sot_buf_add_char(out, '{');
	while (here(s) == '"') {
		sot_str key = take_key(s), value = take_value(s);
		if (is_wanted(s, key)) {
			sot_buf_printf(out, "%s\"%.*s\":%.*s", first ? "" : ",", SOT_ARG(key), SOT_ARG(value));
			first = false;
		}
		if (here(s) == ',')
			s->at++;
	}
	s->at++; /* } */
	sot_buf_add_char(out, '}');
}

static sot_code read_names(selection *s, sot_str fields, sot_err *err)
{
	while (fields.n > 0) {
		if (s->count == FIELDS_MAX)
			return sot_fail(err, SOT_INVALID, "more than %d names", FIELDS_MAX);
		s->names[s->count] = sot_str_cut(fields, ',', &fields);
		if (s->names[s->count++].n == 0)
			return sot_fail(err, SOT_INVALID, "write names with commas between, as in name,state");
	}
	return SOT_OK;
}

static sot_code complain(selection *s, sot_str name, sot_err *err)
{
	SOT_AUTO_BUF known;
	sot_buf_init(&known, 4096);
	s->at = strlen("{\"items\":[");
	if (here(s) == '{')
		s->at++;
	while (here(s) == '"') {
		sot_str key = take_key(s);
		(void)take_value(s);
		sot_buf_printf(&known, "%s%.*s", known.n > 0 ? ", " : "", SOT_ARG(key));
		if (here(s) == ',')
			s->at++;
	}
	return sot_fail(err, SOT_INVALID, "no item has '%.*s'; they have %.*s", SOT_ARG(name),
	    SOT_ARG(sot_buf_str(&known)));
}

sot_code gw_fields_select(sot_str list, sot_str fields, sot_buf *out, sot_err *err)
{
	static const char head[] = "{\"items\":[";
	selection s = {.text = list, .at = sizeof(head) - 1};
	size_t items = 0;
	if (!sot_str_starts(list, head))
		return sot_fail(err, SOT_INVALID, "this answer is no list");
	if (read_names(&s, fields, err) != SOT_OK)
		return SOT_INVALID;
	sot_buf_add_c(out, head);
	while (here(&s) == '{') {
		if (items++ > 0)
			sot_buf_add_char(out, ',');
		select_members(&s, out);
		if (here(&s) == ',')
			s.at++;
	}
	s.at = s.at < list.n ? s.at : list.n;
	sot_buf_add_str(out, (sot_str){list.p + s.at, list.n - s.at});
	for (size_t i = 0; i < s.count && items > 0; i++)
		if (!s.seen[i])
			return complain(&s, s.names[i], err);
	return SOT_OK;
}

/* ---- selectors ---- */
static size_t word_n(sot_str s)
{
	size_t n = 0;
	while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || (s.p[n] >= 'A' && s.p[n] <= 'Z') ||
	                      (s.p[n] >= '0' && s.p[n] <= '9') || memchr("._/-", s.p[n], 4) != NULL))
		n++;
	return n;
}

static sot_str skip(sot_str s, size_t n)
{
	return (sot_str){s.p + n, s.n - n};
}

static bool is_requirement(sot_str s)
{
	bool is_absent = sot_str_starts(s, "!");
	size_t name_n = word_n(s = skip(s, is_absent ? 1 : 0));
	s = skip(s, name_n);
	if (name_n == 0 || s.n == 0 || is_absent)
		return name_n > 0 && s.n == 0;
	if (s.p[0] == '!')
		s = skip(s, 1);
	return s.n > 0 && s.p[0] == '=' && word_n(skip(s, 1)) == s.n - 1;
}

bool gw_selector_is_right(sot_str selector)
{
	bool more = selector.n > 0;
	while (more) {
		more = memchr(selector.p, ',', selector.n) != NULL;
		if (!is_requirement(sot_str_cut(selector, ',', &selector)) || (more && selector.n == 0))
			return false;
	}
	return true;
}
