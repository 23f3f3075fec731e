/* What the readers refuse, and what the model of the server drops. Golden frames and the round trip
 * with the encoder: services/monitor-bridge/core/cat_codec_test.c. */
#include "cat_accept.h"
#include "cat_read.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)
#define NOW (472222 * HOUR + 30 * 60000)

static const char document[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<status>\n"
                               "<extension id=\"System\"><description><![CDATA[s]]></description>\n"
                               "<extensionDetail id=\"LoadAverage\" value=\"1.50\"/>\n"
                               "</extension>\n<extension id=\"b\">"
                               "<extensionDetail id=\"x\" value=\"\"/></extension>\n</status>\n";

static void the_details_of_a_document_come_with_group_and_value(void **state)
{
	(void)state;
	cat_read_detail d;
	size_t at = 0;
	bool bad;
	assert_true(cat_read_next_detail(sot_str_c(document), &at, &d, &bad));
	assert_true(sot_str_eq_c(d.group, "System") && sot_str_eq_c(d.id, "LoadAverage"));
	assert_true(d.value == 1.5);
	assert_true(cat_read_next_detail(sot_str_c(document), &at, &d, &bad));
	assert_true(sot_str_eq_c(d.group, "b") && d.value == 0);
	assert_false(cat_read_next_detail(sot_str_c(document), &at, &d, &bad));
	assert_false(bad);
}

static bool is_refused(const char *xml)
{
	cat_read_detail d;
	size_t at = 0;
	bool bad;
	while (cat_read_next_detail(sot_str_c(xml), &at, &d, &bad))
		;
	return bad;
}

static void a_document_that_the_server_would_throw_away_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "<status>", "<status><os/></status>",
	    "<status><extension id=\"a\"><extensionDetail id=\"x\" "
	    "value=\"nan\"/></extension></status>",
	    "<status><extension id=\"a\"><extensionDetail id=\"x\" "
	    "value=\"1,5\"/></extension></status>",
	    "<status><extension id=\"a\"><extensionDetail id=\"x\" "
	    "value=\"inf\"/></extension></status>",
	    "<status><extension id=\"a\"></status>", "<status></status>x",
	    "<status><extensionDetail id=\"x\" value=\"1\"/></status>"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_true(is_refused(wrong[i]));
	assert_false(is_refused("<status><extension id=\"a\"></extension></status>"));
}

static cat_read_message beat_at(int64_t at_unix_ms)
{
	return (cat_read_message){.letter = 'H',
	    .at_unix_ms = at_unix_ms,
	    .type = SOT_STR("Heartbeat"),
	    .name = SOT_STR("10.1.2.3"),
	    .status = SOT_STR("0"),
	    .data = {document, sizeof(document) - 1}};
}

static cat_verdict judge(
    cat_accept *a, const char *domain, const char *id, cat_read_message *m, int64_t now_unix_ms)
{
	cat_read_tree tree = {.codec = "NT1", .messages = m, .count = 1};
	tree.header[CAT_READ_DOMAIN] = sot_str_c(domain);
	tree.header[CAT_READ_ADDRESS] = SOT_STR("10.1.2.3");
	tree.header[CAT_READ_MESSAGE_ID] = sot_str_c(id);
	return cat_accept_tree(a, &tree, now_unix_ms);
}

static void each_rule_of_the_server_has_its_verdict(void **state)
{
	(void)state;
	SOT_AUTO(cat_accept) a = cat_accept_new();
	cat_read_message m = beat_at(NOW), other;
	assert_int_equal(judge(a, "d", "d-0a010203-472222-1", &m, NOW), CAT_ACCEPTED);
	assert_int_equal(judge(a, "d", "d-0a010203-472222-1", &m, NOW), CAT_ID_TWICE);
	assert_int_equal(judge(a, "d", "d-0a010203-472222-2", &m, NOW), CAT_TWO_IN_A_MINUTE);
	assert_int_equal(judge(a, "paas", "d-0a010203-472222-3", &m, NOW), CAT_DOMAIN_EXCLUDED);
	assert_int_equal(judge(a, "d", "d-0a010203-472221-3", &m, NOW), CAT_BAD_ID);
	assert_int_equal(judge(a, "d", "d-0a0102-472222-3", &m, NOW), CAT_BAD_ID);
	assert_int_equal(judge(a, "d", "d-e-0a010203.12-472222-3", &m, NOW + HOUR), CAT_PERIOD_CLOSED);
	other = m;
	other.name = SOT_STR("\xc3\xa9");
	assert_int_equal(judge(a, "d", "d-0a010203-472222-4", &other, NOW), CAT_BAD_NAME);
	other = m;
	other.data = SOT_STR("<status>");
	assert_int_equal(judge(a, "d", "d-0a010203-472222-5", &other, NOW), CAT_BAD_DOCUMENT);
	other = (cat_read_message){.letter = 'M', .at_unix_ms = NOW, .status = SOT_STR("L")};
	assert_int_equal(judge(a, "d", "d-0a010203-472222-6", &other, NOW), CAT_BAD_METRIC);
	other.status = SOT_STR("S,C");
	other.data = SOT_STR("3,1.5");
	assert_int_equal(judge(a, "d", "d-0a010203-472222-7", &other, NOW), CAT_ACCEPTED);
	assert_true(cat_accept_count(a, CAT_ACCEPTED) == 2);
	static const struct {
		const char *data;
		cat_verdict verdict;
	} aggregates[] = {{"@3;1;12;2,2|7,1", CAT_ACCEPTED}, {"@3;1;12;2,2|7,2", CAT_BAD_AGGREGATE},
	    {"@3;4;12;2,3", CAT_BAD_AGGREGATE}, {"@0;0;0;", CAT_BAD_AGGREGATE},
	    {"@home", CAT_BAD_AGGREGATE}, {"@1;0;1.5;1,1", CAT_BAD_AGGREGATE}};
	for (int i = 0; i < 6; i++) {
		char id[40];
		(void)snprintf(id, sizeof(id), "d-0a010203-472222-%d", 20 + i);
		other = (cat_read_message){
		    .letter = 'A', .at_unix_ms = NOW, .data = sot_str_c(aggregates[i].data)};
		assert_int_equal(judge(a, "d", id, &other, NOW), aggregates[i].verdict);
	}
}

static void the_hour_closes_three_minutes_late_and_opens_three_early(void **state)
{
	(void)state;
	SOT_AUTO(cat_accept) a = cat_accept_new();
	int64_t begin = 472222 * HOUR;
	cat_read_message m = {.letter = 'E', .at_unix_ms = begin};
	assert_int_equal(judge(a, "d", "d-0a010203-472222-1", &m, begin - 180000), CAT_ACCEPTED);
	assert_int_equal(judge(a, "d", "d-0a010203-472222-2", &m, begin - 180001), CAT_PERIOD_CLOSED);
	assert_int_equal(judge(a, "d", "d-0a010203-472222-3", &m, begin + HOUR + 179999), CAT_ACCEPTED);
	assert_int_equal(
	    judge(a, "d", "d-0a010203-472222-4", &m, begin + HOUR + 180000), CAT_PERIOD_CLOSED);
}

static void the_62nd_heartbeat_of_an_hour_is_dropped(void **state)
{
	(void)state;
	SOT_AUTO(cat_accept) a = cat_accept_new();
	char id[40];
	for (int i = 0; i < 62; i++) {
		/* Two in one minute as well, or there could never be so many. */
		cat_read_message m = beat_at(472222 * HOUR + (i % 60) * 60000);
		(void)snprintf(id, sizeof(id), "d-0a010203-472222-%d", i);
		assert_int_equal(
		    judge(a, "d", id, &m, m.at_unix_ms), i < 61 ? CAT_ACCEPTED : CAT_TOO_MANY_BEATS);
	}
}

static void any_bytes_are_survived(void **state)
{
	(void)state;
	static char frame[512];
	sot_arena *memory = sot_arena_new(16 << 20);
	sot_rand r;
	sot_rand_seed(&r, 11);
	for (int round = 0; round < 30000; round++) {
		static const char *const codecs[] = {"NT1", "PT1", "NM1"};
		size_t n = 8 + (size_t)sot_rand_below(&r, sizeof(frame) - 8);
		cat_read_tree tree;
		sot_rand_fill(&r, frame, n);
		for (size_t i = 4; round % 2 && i < n; i++)
			frame[i] = "tTEHMLA\t\n\\0-: \x01\x02"[(unsigned char)frame[i] % 17];
		memcpy(frame + 4, codecs[round % 3], 3);
		frame[0] = frame[1] = 0;
		frame[2] = (char)((n - 4) >> 8);
		frame[3] = (char)(n - 4);
		sot_arena_reset(memory);
		(void)!cat_read_frame((sot_str){frame, n}, memory, &tree, NULL);
	}
	sot_arena_free(memory);
}

/* A tree of 20,000 levels must not take the reader's stack. */
static void a_tree_that_is_nested_too_deeply_is_refused(void **state)
{
	(void)state;
	SOT_AUTO_BUF frame;
	sot_err err;
	cat_read_tree tree;
	sot_arena *memory = sot_arena_new(64 << 20);
	sot_buf_init(&frame, 1 << 20);
	sot_buf_add(&frame, "\0\0\0\0NT1", 7);
	for (int i = 0; i < CAT_READ_HEADER; i++)
		sot_buf_add_char(&frame, '\0');
	for (int i = 0; i < 20000; i++)
		sot_buf_add(&frame, "t\x01\0\0", 4);
	size_t n = frame.n - 4;
	frame.p[1] = (char)(n >> 16);
	frame.p[2] = (char)(n >> 8);
	frame.p[3] = (char)n;
	assert_int_equal(cat_read_frame(sot_buf_str(&frame), memory, &tree, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "too deeply"));
	sot_arena_free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_details_of_a_document_come_with_group_and_value),
	    cmocka_unit_test(a_document_that_the_server_would_throw_away_is_refused),
	    cmocka_unit_test(each_rule_of_the_server_has_its_verdict),
	    cmocka_unit_test(the_hour_closes_three_minutes_late_and_opens_three_early),
	    cmocka_unit_test(the_62nd_heartbeat_of_an_hour_is_dropped),
	    cmocka_unit_test(any_bytes_are_survived),
	    cmocka_unit_test(a_tree_that_is_nested_too_deeply_is_refused),
	};
	return cmocka_run_group_tests_name("cat_read", tests, NULL, NULL);
}
