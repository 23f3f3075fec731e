#include "exec_frame.h"

#include <string.h>

static uint16_t u16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint64_t u64_at(const uint8_t *p)
{
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

static void put_u16(uint8_t *p, uint16_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

static void put_u64(uint8_t *p, uint64_t n)
{
	for (int i = 7; i >= 0; i--, n >>= 8)
		p[i] = (uint8_t)n;
}

static bool is_side(uint16_t n)
{
	return n >= 1 && n <= EXEC_SIDE_MAX;
}

/* Cuts the next text with its NUL off; NULL when there is none or it is longer than max. */
static const char *text_at(const uint8_t **at, const uint8_t *end, size_t max)
{
	const char *text = (const char *)*at;
	const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
	if (!nul || (size_t)(nul - *at) > max)
		return NULL;
	*at = nul + 1;
	return text;
}

static bool parse_open(const uint8_t *p, size_t n, exec_frame *f)
{
	const uint8_t *at = p + 5, *end = p + n;
	if (n < 5 || p[0] > 1)
		return false;
	f->terminal = p[0] == 1;
	f->columns = u16_at(p + 1);
	f->rows = u16_at(p + 3);
	if (f->terminal ? !is_side(f->columns) || !is_side(f->rows) : f->columns != 0 || f->rows != 0)
		return false;
	f->account = text_at(&at, end, EXEC_ACCOUNT_MAX);
	f->term = f->account ? text_at(&at, end, EXEC_TERM_MAX) : NULL;
	f->command = f->term ? text_at(&at, end, EXEC_COMMAND_MAX) : NULL;
	return f->command && at == end;
}

static bool parse_end(const uint8_t *p, size_t n, exec_frame *f)
{
	if (n < 2 || n - 2 > EXEC_TEXT_MAX || p[0] < EXEC_EXITED || p[0] > EXEC_BROKEN)
		return false;
	f->reason = (exec_reason)p[0];
	f->status = p[1];
	f->data = p + 2;
	f->n = n - 2;
	return true;
}

static bool parse_payload(const uint8_t *p, size_t n, exec_frame *f)
{
	switch (f->kind) {
	case EXEC_OPEN:
		return parse_open(p, n, f);
	case EXEC_INPUT:
	case EXEC_OUTPUT:
	case EXEC_ERROR_OUTPUT:
		f->data = p;
		f->n = n;
		return n > 0 && n <= EXEC_DATA_MAX;
	case EXEC_INPUT_END:
		return n == 0;
	case EXEC_RESIZE:
		f->columns = n == 4 ? u16_at(p) : 0;
		f->rows = n == 4 ? u16_at(p + 2) : 0;
		return is_side(f->columns) && is_side(f->rows);
	case EXEC_SIGNAL:
		f->signal = n == 1 ? p[0] : 0;
		return f->signal >= 1 && f->signal <= 31;
	case EXEC_CREDIT:
		f->number = n == 8 ? u64_at(p) : 0;
		return n == 8;
	case EXEC_BEGUN:
		f->number = n >= 8 ? u64_at(p) : 0;
		f->data = n >= 8 ? p + 8 : NULL;
		f->n = n >= 8 ? n - 8 : 0;
		return n >= 8 && f->n <= EXEC_TEXT_MAX;
	case EXEC_END:
		return parse_end(p, n, f);
	}
	return false;
}

bool exec_frame_parse(const void *bytes, size_t n, exec_frame *ret)
{
	const uint8_t *p = bytes;
	if (n < 1 || n > EXEC_FRAME_MAX || p[0] < EXEC_OPEN || p[0] > EXEC_END)
		return false;
	exec_frame f = {.kind = (exec_kind)p[0]};
	if (!parse_payload(p + 1, n - 1, &f))
		return false;
	*ret = f;
	return true;
}

static size_t put_text(uint8_t *dst, size_t at, const char *text, size_t max)
{
	size_t n = text ? strnlen(text, max + 1) : 0;
	if (at == 0 || n > max)
		return 0;
	memcpy(dst + at, text ? text : "", n);
	dst[at + n] = 0;
	return at + n + 1;
}

static size_t write_open(const exec_frame *f, uint8_t *dst)
{
	dst[1] = f->terminal;
	put_u16(dst + 2, f->columns);
	put_u16(dst + 4, f->rows);
	size_t at = put_text(dst, 6, f->account, EXEC_ACCOUNT_MAX);
	at = put_text(dst, at, f->term, EXEC_TERM_MAX);
	return put_text(dst, at, f->command, EXEC_COMMAND_MAX);
}

static size_t write_bytes(const exec_frame *f, uint8_t *dst, size_t at, size_t max)
{
	if (f->n > max)
		return 0;
	if (f->n > 0)
		memcpy(dst + at, f->data, f->n);
	return at + f->n;
}

static size_t write_payload(const exec_frame *f, uint8_t *dst)
{
	switch (f->kind) {
	case EXEC_OPEN:
		return write_open(f, dst);
	case EXEC_INPUT:
	case EXEC_OUTPUT:
	case EXEC_ERROR_OUTPUT:
		return write_bytes(f, dst, 1, EXEC_DATA_MAX);
	case EXEC_INPUT_END:
		return 1;
	case EXEC_RESIZE:
		put_u16(dst + 1, f->columns);
		put_u16(dst + 3, f->rows);
		return 5;
	case EXEC_SIGNAL:
		dst[1] = f->signal;
		return 2;
	case EXEC_CREDIT:
		put_u64(dst + 1, f->number);
		return 9;
	case EXEC_BEGUN:
		put_u64(dst + 1, f->number);
		return write_bytes(f, dst, 9, EXEC_TEXT_MAX);
	case EXEC_END:
		dst[1] = (uint8_t)f->reason;
		dst[2] = f->status;
		return write_bytes(f, dst, 3, EXEC_TEXT_MAX);
	}
	return 0;
}

size_t exec_frame_write(const exec_frame *f, uint8_t dst[EXEC_FRAME_MAX])
{
	exec_frame again;
	dst[0] = (uint8_t)f->kind;
	size_t n = write_payload(f, dst);
	return n > 0 && exec_frame_parse(dst, n, &again) ? n : 0;
}

bool exec_kind_is_data(exec_kind kind)
{
	return kind == EXEC_INPUT || kind == EXEC_OUTPUT || kind == EXEC_ERROR_OUTPUT;
}

bool exec_window_grant(exec_window *w, uint64_t frames)
{
	if (frames > EXEC_WINDOW || w->left + frames > EXEC_WINDOW)
		return false;
	w->left += (unsigned)frames;
	return true;
}

bool exec_window_take(exec_window *w)
{
	if (w->left == 0)
		return false;
	w->left--;
	return true;
}
