/* A lexical walk over JSON that may be broken: bounds before the parser, and places in errors. */
#include "gw_json_scan.h"

#include <string.h>

typedef struct level {
	bool is_array, expects_key;
	size_t index;
	sot_str key; /* without quotes, escapes kept */
} level;

typedef struct walk {
	sot_str text;
	size_t at, values;
	size_t depth; /* levels in use; may pass the bound by one when that is the fault */
	level levels[GW_JSON_DEPTH_MAX + 1];
} walk;

static size_t string_end(sot_str text, size_t at) /* behind the closing quote, or the end */
{
	for (at++; at < text.n; at++) {
		if (text.p[at] == '\\')
			at++;
		else if (text.p[at] == '"')
			return at + 1;
	}
	return text.n;
}

static void take_string(walk *w)
{
	size_t begin = w->at;
	level *top = w->depth > 0 ? &w->levels[w->depth - 1] : NULL;
	w->at = string_end(w->text, begin);
	if (top != NULL && top->expects_key && w->at > begin + 1)
		top->key = (sot_str){w->text.p + begin + 1, w->at - begin - 2};
	else
		w->values++;
}

static void take_comma(walk *w)
{
	level *top = w->depth > 0 ? &w->levels[w->depth - 1] : NULL;
	w->values++;
	w->at++;
	if (top == NULL)
		return;
	top->expects_key = !top->is_array;
	top->index++;
}

/* One token; false when the nesting bound is passed. */
static bool take(walk *w)
{
	char c = w->text.p[w->at];
	switch (c) {
	case '"':
		take_string(w);
		return true;
	case '[':
	case '{':
		w->values++;
		if (w->depth == GW_JSON_DEPTH_MAX)
			return false;
		w->levels[w->depth++] = (level){.is_array = c == '[', .expects_key = c == '{'};
		break;
	case ']':
	case '}':
		w->depth -= w->depth > 0;
		break;
	case ',':
		take_comma(w);
		return true;
	case ':':
		if (w->depth > 0)
			w->levels[w->depth - 1].expects_key = false;
		break;
	default:
		break;
	}
	w->at++;
	return true;
}

static void add_segment(sot_buf *out, const level *l)
{
	if (l->is_array) {
		sot_buf_printf(out, "/%zu", l->index);
		return;
	}
	if (l->key.p == NULL)
		return;
	sot_buf_add_char(out, '/');
	for (size_t i = 0; i < l->key.n; i++) {
		char c = l->key.p[i];
		if (c == '~' || c == '/')
			sot_buf_add_c(out, c == '~' ? "~0" : "~1");
		else
			sot_buf_add_char(out, c >= 0x20 && c < 0x7f ? c : '?');
	}
}

static void write_pointer(const walk *w, char ret[GW_JSON_POINTER_MAX])
{
	sot_buf out;
	sot_buf_init(&out, GW_JSON_POINTER_MAX - 1);
	for (size_t i = 0; i < w->depth; i++)
		add_segment(&out, &w->levels[i]);
	ret[0] = '\0';
	if (!sot_buf_failed(&out) && out.n > 0)
		memcpy(ret, out.p, out.n + 1);
	sot_buf_clear(&out);
}

void gw_json_pointer_at(sot_str text, size_t offset, char ret[GW_JSON_POINTER_MAX])
{
	walk w = {.text = text};
	if (offset < text.n)
		w.text.n = offset;
	while (w.at < w.text.n && take(&w))
		;
	write_pointer(&w, ret);
}

sot_code gw_json_precheck(sot_str text, gw_json_error *ret)
{
	walk w = {.text = text};
	while (w.at < text.n) {
		if (!take(&w)) {
			write_pointer(&w, ret->pointer);
			return sot_fail_text(ret, "nested deeper than %d levels", GW_JSON_DEPTH_MAX);
		}
		if (w.values > GW_JSON_VALUES_MAX) {
			write_pointer(&w, ret->pointer);
			return sot_fail_text(ret, "more than %d values", GW_JSON_VALUES_MAX);
		}
	}
	return SOT_OK;
}
