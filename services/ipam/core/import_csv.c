#include "import_csv.h"

#include <stdlib.h>
#include <string.h>

/*
 *   FIELD_START --"--> QUOTED --"--> QUOTE_SEEN --,--> FIELD_START
 *      |  other          ^--"--"------'   | LF: record
 *      v                                  | other: error
 *    PLAIN --,--> FIELD_START             v
 *      | LF: record                     SKIPPED --LF--> FIELD_START of the next record
 */
typedef enum csv_state { FIELD_START, PLAIN, QUOTED, QUOTE_SEEN, SKIPPED } csv_state;

struct csv_reader {
	csv_handlers handlers;
	csv_state state;
	uint32_t line, record_line; /* being read; where the record began */
	size_t mark;                /* bytes of a byte order mark that were seen, 3: decided */
	char text[CSV_RECORD_MAX];
	size_t n;
	bool has_cr;                 /* the last byte of a plain field, or behind a quote, was a CR */
	size_t ends[CSV_FIELDS_MAX]; /* of the fields that are complete */
	size_t count;
};

csv_reader *csv_reader_new(const csv_handlers *handlers)
{
	csv_reader *r = sot_alloc(sizeof(*r));
	r->handlers = *handlers;
	r->line = r->record_line = 1;
	return r;
}

csv_reader *csv_reader_free(csv_reader *r)
{
	free(r);
	return NULL;
}

uint32_t csv_reader_lines(const csv_reader *r)
{
	return r->line - (r->n == 0 && r->count == 0 && r->state == FIELD_START);
}

static void begin_record(csv_reader *r)
{
	r->state = FIELD_START;
	r->n = r->count = 0;
	r->has_cr = false;
	r->record_line = r->line;
}

static void refuse(csv_reader *r, const char *detail)
{
	r->handlers.on_error(r->handlers.self, r->record_line, detail);
	r->state = SKIPPED;
}

static void add(csv_reader *r, char c)
{
	if (r->n == CSV_RECORD_MAX)
		refuse(r, "the line is longer than 8192 bytes; is a quote not closed?");
	else
		r->text[r->n++] = c;
}

static void end_field(csv_reader *r)
{
	if (r->count == CSV_FIELDS_MAX) {
		refuse(r, "the line has more than 64 fields");
		return;
	}
	r->ends[r->count++] = r->n;
	r->state = FIELD_START;
}

static void end_record(csv_reader *r)
{
	sot_str fields[CSV_FIELDS_MAX];
	if (r->state == PLAIN && r->has_cr)
		r->n--;
	bool is_blank = r->count == 0 && r->n == 0 && r->state != QUOTE_SEEN;
	if (!is_blank)
		end_field(r);
	if (r->state == SKIPPED || is_blank)
		return;
	for (size_t i = 0; i < r->count; i++) {
		size_t start = i > 0 ? r->ends[i - 1] : 0;
		fields[i] = (sot_str){r->text + start, r->ends[i] - start};
	}
	r->handlers.on_record(r->handlers.self, r->record_line, fields, r->count);
}

static void take_plain(csv_reader *r, char c)
{
	if (c == ',') {
		end_field(r);
	} else if (c == '"') {
		if (r->state == FIELD_START)
			r->state = QUOTED;
		else
			refuse(r, "a quote in the middle of a field; put the whole field into quotes and write "
			          "quotes in it twice");
	} else {
		r->state = PLAIN;
		add(r, c);
	}
}

static void take_behind_quote(csv_reader *r, char c)
{
	if (c == '"' && !r->has_cr) {
		r->state = QUOTED;
		add(r, c);
	} else if (c == ',' && !r->has_cr) {
		end_field(r);
	} else if (c != '\r' || r->has_cr) {
		refuse(r, "text behind a closing quote; a quote in a field is written twice");
	}
}

static void take(csv_reader *r, char c)
{
	if (c == '\n') {
		bool is_inside = r->state == QUOTED;
		if (is_inside)
			add(r, c);
		else if (r->state != SKIPPED)
			end_record(r);
		r->line++;
		if (!is_inside || r->state == SKIPPED)
			begin_record(r);
		return;
	}
	switch (r->state) {
	case FIELD_START:
	case PLAIN:
		take_plain(r, c);
		break;
	case QUOTED:
		if (c == '"')
			r->state = QUOTE_SEEN;
		else
			add(r, c);
		break;
	case QUOTE_SEEN:
		take_behind_quote(r, c);
		break;
	case SKIPPED:
		break;
	}
	r->has_cr = c == '\r';
}

void csv_reader_feed(csv_reader *r, sot_str chunk)
{
	static const char mark[3] = {'\xef', '\xbb', '\xbf'};
	size_t i = 0;
	for (; i < chunk.n && r->mark < sizeof(mark); i++) {
		if (chunk.p[i] == mark[r->mark]) {
			r->mark++;
			continue;
		}
		/* No mark: what looked like one is text. */
		size_t seen = r->mark;
		r->mark = sizeof(mark);
		for (size_t k = 0; k < seen; k++)
			take(r, mark[k]);
		break;
	}
	for (; i < chunk.n; i++)
		take(r, chunk.p[i]);
}

void csv_reader_end(csv_reader *r)
{
	if (r->state == QUOTED) {
		refuse(r, "a quote is not closed before the end of the file");
	} else if (r->state != SKIPPED && (r->n > 0 || r->count > 0 || r->state == QUOTE_SEEN)) {
		end_record(r);
	} else {
		return;
	}
	r->line++;
	begin_record(r);
}
