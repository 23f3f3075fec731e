/* cat_writer - appends to a fixed buffer and remembers when it did not fit. Pure.
 *
 * After an overflow all further appends do nothing; the caller checks `full` once at the end.
 */
#ifndef MONITOR_CAT_WRITER_H
#define MONITOR_CAT_WRITER_H

#include "sot_str.h"

#include <string.h>

typedef struct cat_writer {
	char *p;
	size_t n, size;
	bool full;
} cat_writer;

static inline cat_writer cat_writer_on(char *p, size_t size)
{
	return (cat_writer){.p = p, .size = size};
}
static inline void cat_put(cat_writer *w, const void *p, size_t n)
{
	if (w->full || n > w->size - w->n) {
		w->full = true;
		return;
	}
	if (n > 0)
		memcpy(w->p + w->n, p, n);
	w->n += n;
}
static inline void cat_put_char(cat_writer *w, char c)
{
	cat_put(w, &c, 1);
}
static inline void cat_put_str(cat_writer *w, sot_str s)
{
	cat_put(w, s.p, s.n);
}
static inline void cat_put_c(cat_writer *w, const char *c)
{
	cat_put(w, c, strlen(c));
}
/* Decimal digits, at least `width` of them (zero-padded); no locale is involved. */
static inline void cat_put_u64(cat_writer *w, uint64_t v, unsigned width)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0 && at > 0);
	while (sizeof(digits) - at < width && at > 0)
		digits[--at] = '0';
	cat_put(w, digits + at, sizeof(digits) - at);
}

#endif
