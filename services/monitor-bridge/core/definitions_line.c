#include "definitions_line.h"

#include <string.h>

sot_code line_complain(const line *l, const char *what, sot_str about)
{
	return sot_fail(
	    l->err, SOT_INVALID, "%s:%u: %s \"%.*s\"", l->file, l->number, what, SOT_ARG(about));
}

static sot_code read_quoted(line *l, sot_str *rest, word *w)
{
	size_t n = 0, i = 1;
	for (; i < rest->n && rest->p[i] != '"'; i++) {
		if (rest->p[i] == '\\' && i + 1 < rest->n)
			i++;
		if (n + 1 >= DEFINITION_WORD_MAX)
			return line_complain(l, "too long:", (sot_str){rest->p, 40});
		w->value[n++] = rest->p[i];
	}
	if (i >= rest->n)
		return line_complain(l, "this text has no closing quote:", *rest);
	w->value[n] = '\0';
	*rest = (sot_str){rest->p + i + 1, rest->n - i - 1};
	if (rest->n > 0 && rest->p[0] != ' ' && rest->p[0] != '\t')
		return line_complain(l, "a blank is missing before", *rest);
	return SOT_OK;
}

static sot_code read_plain(line *l, sot_str *rest, word *w)
{
	size_t n = 0;
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	if (n >= DEFINITION_WORD_MAX)
		return line_complain(l, "too long:", (sot_str){rest->p, 40});
	memcpy(w->value, rest->p, n);
	w->value[n] = '\0';
	*rest = (sot_str){rest->p + n, rest->n - n};
	return SOT_OK;
}

static size_t key_length(sot_str s)
{
	size_t n = 0;
	while (n < s.n && s.p[n] >= 'a' && s.p[n] <= 'z')
		n++;
	return n > 0 && n < s.n && s.p[n] == '=' ? n : 0;
}

sot_code line_split(line *l, sot_str text)
{
	l->count = l->at = 0;
	for (;;) {
		while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t' || text.p[0] == '\r'))
			text = (sot_str){text.p + 1, text.n - 1};
		if (text.n == 0 || text.p[0] == '#')
			return SOT_OK;
		if (l->count == DEFINITION_WORDS_MAX)
			return line_complain(l, "too many words at", text);
		word *w = &l->words[l->count++];
		size_t n = key_length(text);
		w->key = (sot_str){text.p, n};
		w->is_used = false;
		if (n > 0)
			text = (sot_str){text.p + n + 1, text.n - n - 1};
		sot_code code =
		    text.n > 0 && text.p[0] == '"' ? read_quoted(l, &text, w) : read_plain(l, &text, w);
		if (code != SOT_OK)
			return code;
	}
}

const char *line_next_word(line *l)
{
	while (l->at < l->count && l->words[l->at].key.n > 0)
		l->at++;
	if (l->at == l->count)
		return NULL;
	l->words[l->at].is_used = true;
	return l->words[l->at++].value;
}

const char *line_value_of(line *l, const char *key)
{
	for (size_t i = 0; i < l->count; i++) {
		word *w = &l->words[i];
		if (w->is_used || !sot_str_eq_c(w->key, key))
			continue;
		w->is_used = true;
		return w->value;
	}
	return NULL;
}

sot_code line_need(line *l, const char *key, const char **ret)
{
	*ret = line_value_of(l, key);
	if (*ret)
		return SOT_OK;
	return line_complain(l, "this line lacks the key", sot_str_c(key));
}

sot_code line_need_word(line *l, const char *what, const char **ret)
{
	*ret = line_next_word(l);
	if (*ret)
		return SOT_OK;
	return line_complain(l, "this line lacks its", sot_str_c(what));
}

sot_code line_all_used(line *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const word *w = &l->words[i];
		if (!w->is_used)
			return line_complain(
			    l, "this line has no use for", w->key.n > 0 ? w->key : sot_str_c(w->value));
	}
	return SOT_OK;
}
