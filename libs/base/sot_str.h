/* sot_str and sot_buf - views of bytes, and bounded buffers.
 *
 * A view borrows; a buffer owns and never grows past the maximum given at its init. Pure.
 */
#ifndef SOT_STR_H
#define SOT_STR_H

#include "sot_err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes, not terminated by NUL. {NULL, 0} is the empty view. */
typedef struct sot_str {
	const char *p;
	size_t n;
} sot_str;

#define SOT_STR(literal) ((sot_str){(literal), sizeof(literal) - 1})
/* For printf: "%.*s", SOT_ARG(s) */
#define SOT_ARG(s) (int)(s).n, (s).p ? (s).p : ""

sot_str sot_str_c(const char *c);      /* NULL gives the empty view */
bool sot_str_eq(sot_str a, sot_str b); /* not constant time */
bool sot_str_eq_c(sot_str a, const char *c);
bool sot_str_starts(sot_str s, const char *prefix);
/* Cuts `s` at the first `sep`: returns the head, leaves the tail in *rest (empty when no sep). */
sot_str sot_str_cut(sot_str s, char sep, sot_str *rest);
bool sot_str_is_utf8(sot_str s); /* valid UTF-8 without NUL */
/* Bytes of the first character (1..4); 0 when `s` is empty or does not begin with valid UTF-8. */
size_t sot_str_utf8_length(sot_str s);
/* A number for these bytes, another one for others but for chance (FNV-1a); never 0. To see that
 * something changed, not against somebody who wants two to be alike. */
uint64_t sot_str_mark(sot_str s);
/* Copies into `dst` with a NUL. SOT_LIMIT when it does not fit, then dst is untouched. */
sot_code sot_str_copy(sot_str s, char *dst, size_t dst_size, sot_err *err) SOT_CHECK;

/* An owned, growing buffer with a ceiling. After a failed append the buffer is empty, its memory
 * freed, and it stays failed until sot_buf_reset: a caller may append many times and check once
 * with sot_buf_failed. The bytes are always followed by a NUL (not counted in n). */
typedef struct sot_buf {
	char *p;
	size_t n, cap, max;
	bool failed;
} sot_buf;

void sot_buf_init(sot_buf *b, size_t max_bytes);
void sot_buf_clear(sot_buf *b); /* frees; usable again, with the same maximum, not failed */
void sot_buf_reset(sot_buf *b); /* empties, keeps the memory */
bool sot_buf_failed(const sot_buf *b);
void sot_buf_add(sot_buf *b, const void *p, size_t n);
void sot_buf_add_str(sot_buf *b, sot_str s);
void sot_buf_add_c(sot_buf *b, const char *c);
void sot_buf_add_char(sot_buf *b, char c);
void sot_buf_printf(sot_buf *b, const char *fmt, ...) SOT_PRINTF(2, 3);
void sot_buf_consume(sot_buf *b, size_t n); /* drops n bytes from the front */
sot_str sot_buf_str(const sot_buf *b);      /* a view of the content, until the next change */
/* A JSON string literal with quotes; invalid UTF-8 becomes U+FFFD. */
void sot_buf_add_json(sot_buf *b, sot_str s);

#endif
