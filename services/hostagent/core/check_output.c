#include "check_output.h"

#include <stdio.h>
#include <string.h>

void check_output_add(check_output *o, const void *bytes, size_t n)
{
	const char *p = bytes;
	if (n > CHECK_OUTPUT_MAX) {
		p += n - CHECK_OUTPUT_MAX;
		n = CHECK_OUTPUT_MAX;
	}
	size_t drop = o->n + n > CHECK_OUTPUT_MAX ? o->n + n - CHECK_OUTPUT_MAX : 0;
	memmove(o->bytes, o->bytes + drop, o->n - drop);
	o->n -= drop;
	memcpy(o->bytes + o->n, p, n);
	o->n += n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Appends one character, or what stands for it; false when it does not fit. */
static bool add(char *dst, size_t *at, const char *p, size_t n)
{
	if (*at + n >= CHECK_REASON_MAX)
		return false;
	memcpy(dst + *at, p, n);
	*at += n;
	dst[*at] = '\0';
	return true;
}

void check_output_reason(const check_output *o, const char *what, char dst[static CHECK_REASON_MAX])
{
	sot_str rest = {o->bytes, o->n};
	(void)snprintf(dst, CHECK_REASON_MAX, "%.80s", what);
	size_t at = strlen(dst);
	while (rest.n > 0 && is_blank(rest.p[rest.n - 1]))
		rest.n--;
	while (rest.n > 0 && (is_blank(*rest.p) || ((unsigned char)*rest.p & 0xc0) == 0x80))
		rest = (sot_str){rest.p + 1, rest.n - 1}; /* a character that was cut in two, too */
	bool fits = rest.n == 0 || add(dst, &at, ": ", 2);
	while (fits && rest.n > 0) {
		size_t n = sot_str_utf8_length(rest);
		unsigned char c = (unsigned char)*rest.p;
		bool control =
		    c < 0x20 || c == 0x7f || (n == 2 && c == 0xc2 && (unsigned char)rest.p[1] < 0xa0);
		if (c == '\n')
			fits = add(dst, &at, " | ", 3);
		else if (n == 0 || control)
			fits = add(dst, &at, "?", 1);
		else
			fits = add(dst, &at, rest.p, n);
		n = n > 0 ? n : 1;
		rest = (sot_str){rest.p + n, rest.n - n};
	}
}
