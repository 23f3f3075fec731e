/* PT1: lines of fields that end in TAB. Times are GMT+8 whatever the machine's zone is: the server
 * reads them so, and drops a tree whose hour is not open.
 */
#include "cat_codec_internal.h"

#include <time.h>

#define SERVER_ZONE_S (8 * 3600)

static void put_time(cat_writer *w, int64_t unix_ms)
{
	time_t seconds = (time_t)(unix_ms / 1000 + SERVER_ZONE_S);
	struct tm parts;
	if (unix_ms < 0 || !gmtime_r(&seconds, &parts)) {
		w->full = true; /* outside of any calendar: such a tree cannot be sent */
		return;
	}
	cat_put_u64(w, (uint64_t)parts.tm_year + 1900, 4);
	cat_put_char(w, '-');
	cat_put_u64(w, (uint64_t)parts.tm_mon + 1, 2);
	cat_put_char(w, '-');
	cat_put_u64(w, (uint64_t)parts.tm_mday, 2);
	cat_put_char(w, ' ');
	cat_put_u64(w, (uint64_t)parts.tm_hour, 2);
	cat_put_char(w, ':');
	cat_put_u64(w, (uint64_t)parts.tm_min, 2);
	cat_put_char(w, ':');
	cat_put_u64(w, (uint64_t)parts.tm_sec, 2);
	cat_put_char(w, '.');
	cat_put_u64(w, (uint64_t)(unix_ms % 1000), 3);
}

static const char *escape_of(char c)
{
	switch (c) {
	case '\t':
		return "\\t";
	case '\r':
		return "\\r";
	case '\n':
		return "\\n";
	case '\\':
		return "\\\\";
	default:
		return NULL;
	}
}

static void put_escaped(cat_writer *w, sot_str s)
{
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		const char *escape = escape_of(s.p[i]);
		if (!escape)
			continue;
		cat_put(w, s.p + from, i - from);
		cat_put_c(w, escape);
		from = i + 1;
	}
	if (s.n > from)
		cat_put(w, s.p + from, s.n - from);
}

static void put_field(cat_writer *w, sot_str s)
{
	put_escaped(w, s);
	cat_put_char(w, '\t');
}

static void put_line_start(
    cat_writer *w, char letter, int64_t at_unix_ms, const cat_message *m, cat_repairs *repairs)
{
	char scratch[CAT_NAME_MAX];
	cat_put_char(w, letter);
	put_time(w, at_unix_ms);
	cat_put_char(w, '\t');
	put_field(w, cat_clean_name(m->type, scratch, &repairs->names_cleaned));
	put_field(w, cat_clean_name(m->name, scratch, &repairs->names_cleaned));
}

static void put_line_end(cat_writer *w, const cat_message *m, cat_repairs *repairs)
{
	put_field(w, cat_cut_status(m->status, repairs));
	if (m->kind == CAT_TRANSACTION) {
		cat_put_u64(w, m->duration_us, 1);
		cat_put_c(w, "us\t");
	}
	cat_put_str(w, cat_data_guard(m, repairs));
	put_field(w, m->data);
	cat_put_char(w, '\n');
}

static void put_message(cat_writer *w, const cat_message *m, cat_repairs *repairs)
{
	static const char letters[] = {[CAT_TRANSACTION] = 'A',
	    [CAT_EVENT] = 'E',
	    [CAT_HEARTBEAT] = 'H',
	    [CAT_METRIC] = 'M',
	    [CAT_TRACE] = 'L'};
	if (m->child_count == 0) {
		put_line_start(w, letters[m->kind], m->at_unix_ms, m, repairs);
		put_line_end(w, m, repairs);
		return;
	}
	put_line_start(w, 't', m->at_unix_ms, m, repairs);
	cat_put_char(w, '\n');
	for (size_t i = 0; i < m->child_count; i++)
		put_message(w, &m->children[i], repairs);
	uint64_t counted = repairs->names_cleaned; /* type and name were counted at the start */
	put_line_start(w, 'T', m->at_unix_ms + (int64_t)(m->duration_us / 1000), m, repairs);
	repairs->names_cleaned = counted;
	put_line_end(w, m, repairs);
}

void cat_pt1_body(
    cat_writer *w, const cat_header *header, const cat_message *root, cat_repairs *repairs)
{
	char scratch[CAT_NAME_MAX];
	sot_str fields[CAT_HEADER_FIELDS];
	cat_put_c(w, "PT1");
	cat_header_fields(header, fields);
	for (size_t i = 0; i < CAT_HEADER_FIELDS; i++) {
		cat_put_char(w, '\t');
		/* Header fields are not escaped: cleaning keeps TAB and LF out of them. */
		sot_str field = cat_clean_name(fields[i], scratch, &repairs->names_cleaned);
		cat_put_str(w, field.n > 0 ? field : SOT_STR("null"));
	}
	cat_put_char(w, '\n');
	put_message(w, root, repairs);
}
