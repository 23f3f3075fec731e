/* Tests of import_csv: RFC 4180 with its corners, errors by line, and the same records whatever the
 * chunks. */
#include "import_csv.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Records as text: "line|field|field\n", errors as "line!detail\n". */
typedef struct seen {
	sot_buf text;
} seen;

static void on_record(void *self, uint32_t line, const sot_str *fields, size_t count)
{
	seen *s = self;
	sot_buf_printf(&s->text, "%u", line);
	for (size_t i = 0; i < count; i++) {
		sot_buf_add_char(&s->text, '|');
		sot_buf_add_str(&s->text, fields[i]);
	}
	sot_buf_add_char(&s->text, '\n');
}

static void on_error(void *self, uint32_t line, const char *detail)
{
	seen *s = self;
	sot_buf_printf(&s->text, "%u!%s\n", line, detail);
}

/* Fed in chunks of `chunk` bytes. */
static uint32_t read_all(seen *s, sot_str file, size_t chunk)
{
	SOT_AUTO(csv_reader)
	reader = csv_reader_new(&(csv_handlers){on_record, on_error, s});
	for (size_t at = 0; at < file.n; at += chunk)
		csv_reader_feed(reader, (sot_str){file.p + at, file.n - at < chunk ? file.n - at : chunk});
	csv_reader_end(reader);
	return csv_reader_lines(reader);
}

static void assert_reads(sot_str file, uint32_t lines, const char *expected)
{
	for (size_t chunk = 1; chunk < 9; chunk++) {
		seen s = {0};
		sot_buf_init(&s.text, 1u << 20);
		uint32_t count = read_all(&s, file, chunk);
		assert_string_equal(s.text.n > 0 ? s.text.p : "", expected);
		assert_int_equal(count, lines);
		sot_buf_clear(&s.text);
	}
}

static void lines_and_quotes_are_read_as_rfc_4180_has_them(void **state)
{
	(void)state;
	assert_reads(SOT_STR(""), 0, "");
	assert_reads(SOT_STR("a,b\r\nc,d\n"), 2, "1|a|b\n2|c|d\n");
	assert_reads(SOT_STR("a,b"), 1, "1|a|b\n");
	assert_reads(SOT_STR("a,\n,b\n"), 2, "1|a|\n2||b\n");
	assert_reads(SOT_STR("\xef\xbb\xbf"
	                     "a,b\r\n"),
	    1, "1|a|b\n");
	assert_reads(SOT_STR("\xef\xbb"
	                     "a\n"),
	    1,
	    "1|\xef\xbb"
	    "a\n");
	assert_reads(SOT_STR("\"a,\"\"b\"\"\",c\r\n\"\",d\n"), 2, "1|a,\"b\"|c\n2||d\n");
	assert_reads(SOT_STR("\"a\nb\",c\nd\n"), 3, "1|a\nb|c\n3|d\n");
	assert_reads(SOT_STR("a\n\n\r\nb\n"), 4, "1|a\n4|b\n");
	assert_reads(SOT_STR("a\"\n"), 1,
	    "1!a quote in the middle of a field; put the whole field into quotes and write quotes in "
	    "it "
	    "twice\n");
}

static void a_wrong_line_is_told_and_the_next_one_is_read(void **state)
{
	(void)state;
	assert_reads(SOT_STR("a\n\"b\"c,d\ne\n"), 3,
	    "1|a\n2!text behind a closing quote; a quote in a field is written twice\n3|e\n");
	assert_reads(
	    SOT_STR("a\n\"b\nc"), 3, "1|a\n2!a quote is not closed before the end of the file\n");
	SOT_AUTO_BUF file;
	sot_buf_init(&file, 1u << 20);
	sot_buf_add_c(&file, "a\n");
	for (int i = 0; i < CSV_RECORD_MAX + 1; i++)
		sot_buf_add_char(&file, 'x');
	sot_buf_add_c(&file, "\nb\n");
	for (int i = 0; i < CSV_FIELDS_MAX; i++)
		sot_buf_add_char(&file, ',');
	sot_buf_add_c(&file, "\nc\n");
	assert_reads(sot_buf_str(&file), 5,
	    "1|a\n2!the line is longer than 8192 bytes; is a quote not closed?\n3|b\n"
	    "4!the line has more than 64 fields\n5|c\n");
}

/* A random table is written with random quoting and read back in random chunks. */
static void what_was_written_is_read_back(void **state)
{
	(void)state;
	const char *text = getenv("SOT_SEED");
	uint64_t seed = 20261123;
	sot_rand r;
	if (text)
		assert_int_equal(sot_parse_u64(sot_str_c(text), 0, UINT64_MAX, &seed, NULL), SOT_OK);
	sot_rand_seed(&r, seed);
	for (int round = 0; round < 2000; round++) {
		SOT_AUTO_BUF file;
		SOT_AUTO_BUF expected;
		sot_buf_init(&file, 1u << 20);
		sot_buf_init(&expected, 1u << 20);
		uint32_t line = 1;
		for (uint64_t row = sot_rand_below(&r, 5); row > 0; row--) {
			uint32_t own = line++;
			sot_buf_printf(&expected, "%u", own);
			for (uint64_t field = 1 + sot_rand_below(&r, 4), i = 0; i < field; i++) {
				static const char alphabet[] = "ab,\"\n\r ";
				bool quoted = sot_rand_below(&r, 2) || i == 0;
				sot_buf_add_c(&file, i > 0 ? "," : "");
				sot_buf_add_c(&file, quoted ? "\"" : "");
				sot_buf_add_char(&expected, '|');
				for (uint64_t n = sot_rand_below(&r, 5); n > 0; n--) {
					char c = alphabet[sot_rand_below(&r, quoted ? 7 : 2)];
					sot_buf_add_c(&file, c == '"' ? "\"" : "");
					sot_buf_add_char(&file, c);
					sot_buf_add_char(&expected, c);
					line += c == '\n';
				}
				sot_buf_add_c(&file, quoted ? "\"" : "");
			}
			sot_buf_add_c(&file, sot_rand_below(&r, 2) ? "\r\n" : "\n");
			sot_buf_add_char(&expected, '\n');
		}
		seen s = {0};
		sot_buf_init(&s.text, 1u << 20);
		(void)read_all(&s, sot_buf_str(&file), 1 + sot_rand_below(&r, 20));
		if (!sot_str_eq(sot_buf_str(&s.text), sot_buf_str(&expected)))
			fail_msg("seed %llu round %d: <%s> gave <%s>", (unsigned long long)seed, round, file.p,
			    s.text.p);
		sot_buf_clear(&s.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_and_quotes_are_read_as_rfc_4180_has_them),
	    cmocka_unit_test(a_wrong_line_is_told_and_the_next_one_is_read),
	    cmocka_unit_test(what_was_written_is_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
