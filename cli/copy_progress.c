#include "copy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { DRAW_EVERY_MS = 200, BYTES_TEXT = 32 };

bool copy_is_contents(const char *path)
{
	size_t n = strlen(path);
	return strcmp(path, ".") == 0 || (n >= 2 && strcmp(path + n - 2, "/.") == 0);
}

sot_str copy_base(const char *path)
{
	size_t n = strlen(path), begin;
	while (n > 0 && path[n - 1] == '/')
		n--;
	begin = n;
	while (begin > 0 && path[begin - 1] != '/')
		begin--;
	sot_str base = {path + begin, n - begin};
	bool is_none = sot_str_eq_c(base, ".") || sot_str_eq_c(base, "..");
	return is_none ? (sot_str){path, 0} : base;
}

const char *copy_clean(const char *text, char *dst, size_t size)
{
	size_t n = 0;
	for (sot_str rest = sot_str_c(text); rest.n > 0 && n + 4 < size;) {
		size_t length = sot_str_utf8_length(rest);
		const unsigned char *c = (const unsigned char *)rest.p;
		/* U+0000 to U+001F, U+007F, and U+0080 to U+009F. */
		bool is_control = length == 0 || c[0] < 0x20 || c[0] == 0x7f ||
		                  (c[0] == 0xc2 && length == 2 && c[1] < 0xa0);
		size_t used = length > 0 ? length : 1;
		if (is_control)
			dst[n++] = '?';
		else
			memcpy(dst + n, rest.p, used);
		n += is_control ? 0 : used;
		rest = (sot_str){rest.p + used, rest.n - used};
	}
	dst[n] = '\0';
	return dst;
}

static void draw(const copy_progress *p)
{
	char bytes[BYTES_TEXT], rate[BYTES_TEXT];
	int64_t ms = sot_mono_diff_ms(p->drawn, p->begun);
	cli_format_bytes((int64_t)p->bytes, bytes, sizeof(bytes));
	cli_format_bytes(ms > 0 ? (int64_t)(p->bytes * 1000 / (uint64_t)ms) : 0, rate, sizeof(rate));
	fprintf(stderr, "\r\033[K%12s  %10s/s  %s", bytes, rate, p->name);
}

void copy_progress_begin(copy_progress *p)
{
	*p = (copy_progress){.is_shown = isatty(STDERR_FILENO), .begun = sot_mono_now()};
	p->drawn = p->begun;
}

void copy_progress_file(copy_progress *p, const char *name)
{
	p->files++;
	if (p->is_shown)
		(void)copy_clean(name, p->name, sizeof(p->name));
}

void copy_progress_add(copy_progress *p, uint64_t bytes)
{
	p->bytes += bytes;
	if (!p->is_shown)
		return;
	sot_mono now = sot_mono_now();
	if (sot_mono_diff_ms(now, p->drawn) < DRAW_EVERY_MS)
		return;
	p->drawn = now;
	draw(p);
}

void copy_progress_end(copy_progress *p)
{
	char bytes[BYTES_TEXT];
	if (!p->is_shown)
		return;
	cli_format_bytes((int64_t)p->bytes, bytes, sizeof(bytes));
	fprintf(stderr, "\r\033[K%llu %s, %s in %.1f s\n", (unsigned long long)p->files,
	    p->files == 1 ? "file" : "files", bytes,
	    (double)sot_mono_diff_ms(sot_mono_now(), p->begun) / 1000.0);
}
