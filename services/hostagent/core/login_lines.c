#include "login_lines.h"

#include <string.h>

#include "sot_parse.h"

#define SERIAL_MAX 9007199254740992ull /* what JSON numbers hold exactly */

/* The words behind "Accepted publickey for", split at spaces. */
typedef struct words {
	sot_str rest;
} words;

static sot_str next(words *w)
{
	return sot_str_cut(w->rest, ' ', &w->rest);
}

static bool next_is(words *w, const char *expected)
{
	return sot_str_eq_c(next(w), expected);
}

static bool is_plain(sot_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return s.n > 0;
}

static bool copy_plain(sot_str s, char *dst, size_t size)
{
	return is_plain(s) && sot_str_copy(s, dst, size, NULL) == SOT_OK;
}

/* "ID li/0190... (serial 7) CA ED25519 SHA256:..." */
static bool read_certificate(words *w, login_line *l)
{
	if (!next_is(w, "ID") || !copy_plain(next(w), l->key_id, sizeof(l->key_id)) ||
	    !next_is(w, "(serial"))
		return false;
	sot_str number = next(w);
	return number.n > 1 && number.p[number.n - 1] == ')' &&
	       sot_parse_u64((sot_str){number.p, number.n - 1}, 0, SERIAL_MAX, &l->serial, NULL) ==
	           SOT_OK;
}

/* "Accepted publickey for admin from 10.66.0.1 port 40222 ssh2: ED25519-CERT SHA256:... ID ..." */
static bool read_accepted(sot_str text, login_line *l)
{
	words w = {text};
	uint64_t port = 0;
	if (!next_is(&w, "Accepted") || !next_is(&w, "publickey") || !next_is(&w, "for") ||
	    !copy_plain(next(&w), l->account, sizeof(l->account)) || !next_is(&w, "from") ||
	    !copy_plain(next(&w), l->address, sizeof(l->address)) || !next_is(&w, "port") ||
	    sot_parse_u64(next(&w), 1, UINT16_MAX, &port, NULL) != SOT_OK || !next_is(&w, "ssh2:"))
		return false;
	l->port = (uint16_t)port;
	sot_str type = next(&w);
	bool is_certificate = type.n > 5 && memcmp(type.p + type.n - 5, "-CERT", 5) == 0;
	return copy_plain(next(&w), l->fingerprint, sizeof(l->fingerprint)) &&
	       (!is_certificate || read_certificate(&w, l));
}

bool login_line_parse(sot_str line, login_line *ret)
{
	login_line l = {.kind = LOGIN_BOOT};
	words w = {line};
	sot_str kind = next(&w);
	if (sot_str_eq_c(kind, "login"))
		l.kind = LOGIN_BEGINS;
	else if (sot_str_eq_c(kind, "logout"))
		l.kind = LOGIN_ENDS;
	else if (sot_str_eq_c(kind, "drift"))
		l.kind = LOGIN_DRIFT;
	else if (sot_str_eq_c(kind, "same"))
		l.kind = LOGIN_SAME;
	else if (!sot_str_eq_c(kind, "boot"))
		return false;
	if (sot_parse_i64(next(&w), 0, (int64_t)SERIAL_MAX, &l.at_unix_ms, NULL) != SOT_OK)
		return false;
	if (l.kind == LOGIN_DRIFT || l.kind == LOGIN_SAME) {
		if (!copy_plain(w.rest, l.path, sizeof(l.path)))
			return false;
		*ret = l;
		return true;
	}
	if (l.kind != LOGIN_BOOT && sot_parse_i64(next(&w), 1, INT32_MAX, &l.pid, NULL) != SOT_OK)
		return false;
	if (l.kind == LOGIN_BEGINS ? !read_accepted(w.rest, &l) : w.rest.n > 0)
		return false;
	*ret = l;
	return true;
}

static void drop(login_sessions *s, int64_t pid)
{
	for (size_t i = s->count; i-- > 0;)
		if (s->open[i].pid == pid)
			s->open[i] = s->open[--s->count];
}

void login_sessions_take(login_sessions *s, const login_line *line)
{
	if (line->kind == LOGIN_BOOT) {
		s->count = 0;
		return;
	}
	if (line->kind != LOGIN_BEGINS && line->kind != LOGIN_ENDS)
		return;
	drop(s, line->pid); /* a pid is given anew only after its process has ended */
	if (line->kind == LOGIN_BEGINS && s->count < LOGIN_SESSIONS_MAX)
		s->open[s->count++] = *line;
}
