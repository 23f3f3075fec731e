/* Tables for people, JSON for programs. */
#include "cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CELL_MAX 256
#define COLUMNS_MAX 16

void cli_say(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

void cli_print(const sot_buf *text)
{
	if (text->n > 0)
		(void)fwrite(text->p, 1, text->n, stdout);
	(void)fflush(stdout);
}

bool cli_is_data(const cli_call *call)
{
	return call->output == CLI_JSON || call->output == CLI_YAML;
}

void cli_write_data(const cli_call *call, const json_t *value, FILE *file)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 256u * 1024 * 1024);
	if (call->output == CLI_YAML) {
		cli_yaml(value, &text);
		(void)fwrite(text.p, 1, text.n, file);
	} else {
		(void)json_dumpf(value, file, JSON_INDENT(2) | JSON_ENCODE_ANY);
		(void)fputc('\n', file);
	}
	(void)fflush(file);
}

void cli_print_data(const cli_call *call, const json_t *value)
{
	cli_write_data(call, value, stdout);
}

const json_t *cli_at(const json_t *object, const char *path)
{
	sot_str rest = sot_str_c(path);
	while (object != NULL && rest.n > 0) {
		sot_str name = sot_str_cut(rest, '.', &rest);
		char key[64];
		if (sot_str_copy(name, key, sizeof(key), NULL) != SOT_OK)
			return NULL;
		object = json_object_get(object, key);
	}
	return object;
}

const char *cli_text_at(const json_t *object, const char *path)
{
	const char *text = json_string_value(cli_at(object, path));
	return text != NULL ? text : "";
}

void cli_format_bytes(int64_t bytes, char *dst, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1024 && unit < 5) {
		value /= 1024;
		unit++;
	}
	if (value < 10 && value != (double)(int64_t)value)
		(void)snprintf(dst, size, "%.1f %s", value, units[unit]);
	else
		(void)snprintf(dst, size, "%.0f %s", value, units[unit]);
}

/* "2026-11-22T08:49:33.120Z" or with +00:00: how long ago. */
static void format_age(const char *text, int64_t now_unix, char *dst)
{
	struct tm tm = {0};
	int64_t s;
	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
		(void)snprintf(dst, CELL_MAX, "%s", text[0] != '\0' ? text : "-");
		return;
	}
	s = now_unix - (int64_t)timegm(&tm);
	if (s < 0)
		s = 0;
	if (s < 120)
		(void)snprintf(dst, CELL_MAX, "%" PRId64 "s", s);
	else if (s < 7200)
		(void)snprintf(dst, CELL_MAX, "%" PRId64 "m", s / 60);
	else if (s < 48 * 3600)
		(void)snprintf(dst, CELL_MAX, "%" PRId64 "h", s / 3600);
	else
		(void)snprintf(dst, CELL_MAX, "%" PRId64 "d", s / 86400);
}

static void format_plain(const json_t *v, char *dst)
{
	switch (v != NULL ? json_typeof(v) : JSON_NULL) {
	case JSON_STRING:
		(void)snprintf(dst, CELL_MAX, "%s", json_string_value(v));
		break;
	case JSON_INTEGER:
		(void)snprintf(dst, CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		(void)snprintf(dst, CELL_MAX, "%s", json_is_true(v) ? "yes" : "no");
		break;
	default:
		dst[0] = '\0';
		break;
	}
	if (dst[0] == '\0')
		(void)snprintf(dst, CELL_MAX, "-");
	/* A name from the network must not move the cursor of a terminal. */
	for (char *p = dst; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

static void format_list(const json_t *list, char *dst)
{
	size_t n = 0;
	dst[0] = '\0';
	for (size_t i = 0; i < json_array_size(list) && n < CELL_MAX; i++) {
		const json_t *item = json_array_get(list, i);
		const char *gap = i > 0 ? " " : "";
		int more = json_is_object(item) ? snprintf(dst + n, CELL_MAX - n, "%s%s:%s", gap,
		                                      cli_text_at(item, "kind"), cli_text_at(item, "name"))
		                                : snprintf(dst + n, CELL_MAX - n, "%s%s", gap,
		                                      json_is_string(item) ? json_string_value(item) : "?");
		n += more > 0 ? (size_t)more : 0;
	}
	if (dst[0] == '\0')
		(void)snprintf(dst, CELL_MAX, "-");
}

static void format_cell(const cli_column *c, const json_t *item, int64_t now_unix, char *dst)
{
	const json_t *v = cli_at(item, c->path);
	if (c->format == CLI_BYTES && json_is_integer(v)) {
		cli_format_bytes(json_integer_value(v), dst, CELL_MAX);
	} else if (c->format == CLI_CPU && json_is_integer(v)) {
		(void)snprintf(dst, CELL_MAX, "%g", (double)json_integer_value(v) / 1000);
	} else if (c->format == CLI_AGE && json_is_string(v)) {
		format_age(json_string_value(v), now_unix, dst);
	} else if (c->format == CLI_STATE && json_is_string(cli_at(item, "unknownSince"))) {
		char age[CELL_MAX];
		format_age(cli_text_at(item, "unknownSince"), now_unix, age);
		(void)snprintf(dst, CELL_MAX, "unknown %.32s", age);
	} else if (c->format == CLI_LIST && json_is_array(v)) {
		format_list(v, dst);
	} else if (c->format == CLI_DAYS && json_is_number(v)) {
		(void)snprintf(dst, CELL_MAX, "%.0fd", json_number_value(v));
	} else if (c->format == CLI_MS && json_is_number(v)) {
		(void)snprintf(dst, CELL_MAX, "%.1fs", json_number_value(v) / 1000);
	} else if (c->format == CLI_REAL && json_is_number(v)) {
		(void)snprintf(dst, CELL_MAX, "%.4f", json_number_value(v));
	} else if (c->format == CLI_PROGRESS && json_is_object(v)) {
		(void)snprintf(dst, CELL_MAX, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
		    json_integer_value(json_object_get(v, "done")),
		    json_integer_value(json_object_get(v, "total")));
	} else {
		format_plain(v, dst);
	}
}

/* What a cell takes on the screen: UTF-8 continuation bytes take nothing. */
static size_t width_of(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

typedef struct widths {
	const cli_column *shown[COLUMNS_MAX];
	size_t width[COLUMNS_MAX], count;
} widths;

static void measure(
    widths *w, const cli_column *columns, const json_t *items, bool wide, int64_t now_unix)
{
	char cell[CELL_MAX];
	for (; columns->title != NULL && w->count < COLUMNS_MAX; columns++) {
		size_t widest = strlen(columns->title);
		if (columns->wide && !wide)
			continue;
		for (size_t i = 0; i < json_array_size(items); i++) {
			format_cell(columns, json_array_get(items, i), now_unix, cell);
			if (width_of(cell) > widest)
				widest = width_of(cell);
		}
		w->shown[w->count] = columns;
		w->width[w->count++] = widest;
	}
}

static void add_cell(const widths *w, size_t column, const char *text, sot_buf *out)
{
	bool last = column + 1 == w->count;
	sot_buf_add_c(out, text);
	for (size_t n = width_of(text); !last && n < w->width[column] + 2; n++)
		sot_buf_add_char(out, ' ');
	if (last)
		sot_buf_add_char(out, '\n');
}

void cli_table(
    const cli_column *columns, const json_t *items, bool wide, int64_t now_unix, sot_buf *out)
{
	widths w = {.count = 0};
	char cell[CELL_MAX];
	measure(&w, columns, items, wide, now_unix);
	for (size_t c = 0; c < w.count; c++)
		add_cell(&w, c, w.shown[c]->title, out);
	for (size_t i = 0; i < json_array_size(items); i++) {
		for (size_t c = 0; c < w.count; c++) {
			format_cell(w.shown[c], json_array_get(items, i), now_unix, cell);
			add_cell(&w, c, cell, out);
		}
	}
}

/* ---- CSV ---- */
/* RFC 4180 section 2: quoted when a comma, a quote or a line end is in it, quotes doubled. */
static void add_csv(const char *text, sot_buf *out)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		sot_buf_add_c(out, text);
		return;
	}
	sot_buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			sot_buf_add_char(out, '"');
		sot_buf_add_char(out, *text);
	}
	sot_buf_add_char(out, '"');
}

static void add_csv_value(const json_t *v, sot_buf *out)
{
	char *text = NULL;
	if (json_is_string(v)) {
		add_csv(json_string_value(v), out);
	} else if (v != NULL && !json_is_null(v)) {
		text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		add_csv(text, out);
	}
	free(text);
}

void cli_csv(const cli_column *columns, const json_t *items, sot_buf *out)
{
	for (const cli_column *c = columns; c->title != NULL; c++) {
		if (c != columns)
			sot_buf_add_char(out, ',');
		add_csv(c->path, out);
	}
	sot_buf_add_c(out, "\r\n");
	for (size_t i = 0; i < json_array_size(items); i++) {
		for (const cli_column *c = columns; c->title != NULL; c++) {
			if (c != columns)
				sot_buf_add_char(out, ',');
			add_csv_value(cli_at(json_array_get(items, i), c->path), out);
		}
		sot_buf_add_c(out, "\r\n");
	}
}
