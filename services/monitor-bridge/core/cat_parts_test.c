/* Periods, ids, heartbeats, router answers and the queue: the small parts. */
#include "cat_heartbeat.h"
#include "cat_id.h"
#include "cat_period.h"
#include "cat_router.h"
#include "frame_queue.h"
#include "sot_rand.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HOUR 472222
#define HOUR_MS (HOUR * CAT_HOUR_MS)
#define MINUTE_MS 60000

/* ---- periods ---- */

static void the_current_hour_is_open_and_its_neighbours_for_three_minutes(void **state)
{
	(void)state;
	assert_true(cat_period_is_open(HOUR_MS, HOUR_MS + 59 * MINUTE_MS));
	assert_true(cat_period_is_open(HOUR_MS - 1, HOUR_MS + 3 * MINUTE_MS - 1));
	assert_false(cat_period_is_open(HOUR_MS - 1, HOUR_MS + 3 * MINUTE_MS));
	assert_true(cat_period_is_open(HOUR_MS, HOUR_MS - 3 * MINUTE_MS));
	assert_false(cat_period_is_open(HOUR_MS, HOUR_MS - 3 * MINUTE_MS - 1));
	assert_false(cat_period_is_open(HOUR_MS - 2 * CAT_HOUR_MS, HOUR_MS));
}

static void a_tree_is_welcome_until_three_minutes_after_its_hour(void **state)
{
	(void)state;
	int64_t end = cat_period_end_unix_ms(HOUR_MS + 5);
	assert_true(cat_period_is_open(HOUR_MS + 5, end - 1));
	assert_false(cat_period_is_open(HOUR_MS + 5, end));
}

/* ---- ids ---- */

static uint32_t next_of(cat_reservation *r, cat_sequence *s, int64_t hour, bool *ret_grew)
{
	uint32_t sequence;
	sot_err err;
	if (cat_id_next(r, s, hour, &sequence, ret_grew, &err) != SOT_OK)
		fail_msg("%s", err.text);
	return sequence;
}

static void ids_count_from_zero_in_each_hour_and_have_the_servers_form(void **state)
{
	(void)state;
	cat_reservation r = {0};
	cat_sequence s = {0};
	bool grew;
	char text[CAT_ID_MAX];
	assert_int_equal(next_of(&r, &s, HOUR, &grew), 0);
	assert_true(grew);
	assert_int_equal(next_of(&r, &s, HOUR, &grew), 1);
	assert_false(grew);
	assert_int_equal(next_of(&r, &s, HOUR + 1, &grew), 0);
	assert_int_equal(next_of(&r, &s, HOUR, &grew), 2);
	(void)cat_id_format(SOT_STR("sotalia-agent"), 0x0a010203, 0, HOUR, 1, text);
	assert_string_equal(text, "sotalia-agent-0a010203-472222-1");
	(void)cat_id_format(SOT_STR("sotalia-agent"), 0x0a010203, 2, HOUR, 1, text);
	assert_string_equal(text, "sotalia-agent-0a010203.2-472222-1");
}

static void no_id_is_used_twice_over_restarts_whenever_they_happen(void **state)
{
	(void)state;
	static bool used[200000];
	uint32_t stored = 0; /* what is on disk */
	sot_rand rand;
	sot_rand_seed(&rand, 42);
	memset(used, 0, sizeof(used));
	for (int life = 0; life < 50; life++) {
		cat_reservation r = {0};
		cat_sequence s = {0};
		cat_reservation_restore(&r, HOUR, stored);
		for (uint64_t n = sot_rand_below(&rand, 2500); n > 0; n--) {
			bool grew;
			uint32_t sequence = next_of(&r, &s, HOUR, &grew);
			if (grew)
				stored = sequence + CAT_ID_HEADROOM;
			assert_true(sequence < sizeof(used) && !used[sequence]);
			used[sequence] = true;
		}
	}
}

static void an_hour_that_is_past_or_used_up_gives_no_id(void **state)
{
	(void)state;
	cat_reservation r = {0};
	cat_sequence s = {.hour = {HOUR, 0}, .next = {CAT_ID_SEQUENCE_MAX, 0}};
	uint32_t sequence = 7;
	bool grew;
	assert_int_equal(HOUR % 2, 0);
	assert_int_equal(cat_id_next(&r, &s, HOUR, &sequence, &grew, NULL), SOT_LIMIT);
	assert_int_equal(cat_id_next(&r, &s, HOUR - 2, &sequence, &grew, NULL), SOT_INVALID);
	assert_int_equal(sequence, 7);
}

static void a_sequence_belongs_to_domain_and_address_and_is_kept_while_its_hours_are_open(
    void **state)
{
	(void)state;
	SOT_AUTO(cat_sequences) all = cat_sequences_new(3);
	cat_reservation r = {0};
	bool grew;
	cat_sequence *s = cat_sequences_get(all, 1, 7);
	assert_int_equal(next_of(&r, s, HOUR, &grew), 0);
	assert_ptr_equal(cat_sequences_get(all, 1, 7), s);
	assert_ptr_not_equal(cat_sequences_get(all, 2, 7), s);
	assert_ptr_not_equal(cat_sequences_get(all, 1, 8), s);
	assert_null(cat_sequences_get(all, 1, 9));
	cat_sequences_forget(all, HOUR + 2); /* the two that gave no number go */
	assert_ptr_equal(cat_sequences_get(all, 1, 7), s);
	assert_int_equal(next_of(&r, s, HOUR, &grew), 1);
	assert_non_null(cat_sequences_get(all, 1, 9));
	cat_sequences_forget(all, HOUR + 3);
	assert_int_equal(next_of(&r, cat_sequences_get(all, 1, 7), HOUR + 1, &grew), 0);
}

/* ---- heartbeats ---- */

static void numbers_are_plain_and_what_is_not_a_number_is_left_out(void **state)
{
	(void)state;
	char buffer[2048];
	cat_heartbeat h;
	sot_str xml;
	sot_err err;
	cat_heartbeat_begin(&h, buffer, sizeof(buffer));
	cat_heartbeat_group(&h, "g:1", "a]]>b");
	cat_heartbeat_value(&h, "a", 12.505);
	cat_heartbeat_value(&h, "b", -0.25);
	cat_heartbeat_value(&h, "c", (double)NAN);
	cat_heartbeat_value(&h, "d", (double)INFINITY);
	cat_heartbeat_value(&h, "e", 1e300);
	cat_heartbeat_count(&h, "/data Free", UINT64_MAX);
	assert_int_equal(cat_heartbeat_end(&h, &xml, &err), SOT_OK);
	assert_int_equal(h.values_left_out, 2);
	assert_int_equal(h.ids_cleaned, 2);
	static const char expected[] =
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<status>\n"
	    "<extension id=\"g_1\"><description><![CDATA[a___b]]></description>\n"
	    "<extensionDetail id=\"a\" value=\"12.51\"/>\n"
	    "<extensionDetail id=\"b\" value=\"-0.25\"/>\n"
	    "<extensionDetail id=\"e\" value=\"1000000000000000.00\"/>\n"
	    "<extensionDetail id=\"/data Free\" value=\"18446744073709551615\"/>\n"
	    "</extension>\n</status>\n";
	assert_int_equal(xml.n, sizeof(expected) - 1);
	assert_memory_equal(xml.p, expected, xml.n);
}

static void a_heartbeat_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	char buffer[100];
	cat_heartbeat h;
	sot_str xml;
	cat_heartbeat_begin(&h, buffer, sizeof(buffer));
	cat_heartbeat_group(&h, "group", "a group with a long description");
	assert_int_equal(cat_heartbeat_end(&h, &xml, NULL), SOT_LIMIT);
}

/* ---- router ---- */

static cat_router_answer parse_router(const char *body)
{
	cat_router_answer answer;
	sot_err err;
	if (cat_router_parse(sot_str_c(body), &answer, &err) != SOT_OK)
		fail_msg("%s: %s", body, err.text);
	return answer;
}

static void all_four_router_forms_name_the_same_servers(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "{\"kvs\":{\"startTransactionTypes\":\"Cache.;Squirrel.\",\"block\":\"false\","
	    "\"routers\":\"10.0.0.1:2280;10.0.0.2:2281;\",\"sample\":\"1.0\"}}",
	    "<?xml version=\"1.0\"?>\n<property-config><property id=\"block\" value=\"false\"/>"
	    "<property id=\"routers\" value=\"10.0.0.1:2280;10.0.0.2:2281;\"/></property-config>",
	    "10.0.0.1:2280;10.0.0.2:2281;\r\n",
	    "{block=false, routers=10.0.0.1:2280;10.0.0.2:2281;, sample=1.0}",
	};
	for (size_t i = 0; i < 4; i++) {
		cat_router_answer answer = parse_router(bodies[i]);
		assert_int_equal(answer.servers.count, 2);
		assert_true(answer.servers.items[0].address == 0x0a000001);
		assert_int_equal(answer.servers.items[1].port, 2281);
		assert_false(answer.block);
		assert_true(answer.sample > 0.999);
		assert_int_equal(answer.is_4x, i == 3);
	}
}

static void block_and_sample_are_read_and_the_port_has_a_default(void **state)
{
	(void)state;
	cat_router_answer answer = parse_router("{sample=0.5, block=true, routers=10.0.0.9}");
	assert_true(answer.block);
	assert_true(fabs(answer.sample - 0.5) < 0.001);
	assert_int_equal(answer.servers.items[0].port, CAT_PORT);
	assert_true(parse_router("{\"kvs\":{\"block\":\"true\"}}").block);
	/* A value that reads like a key is not one. */
	answer = parse_router("{\"kvs\":{\"x\":\"routers\",\"routers\" : \"10.0.0.3;\"}}");
	assert_true(answer.servers.items[0].address == 0x0a000003);
}

static void an_answer_that_names_no_server_is_refused(void **state)
{
	(void)state;
	static const char *const bodies[] = {"", "<html>500 error</html>", "{}",
	    "{\"kvs\":{\"routers\":\"", "{\"kvs\":{\"routers\":\"\"}}", "not a server",
	    "10.0.0.1:99999;", "10.0.0.1:x;", "{routers=}",
	    "<property id=\"routers\" value=\"10.0.0.1"};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		cat_router_answer answer = {.sample = 7};
		assert_int_equal(cat_router_parse(sot_str_c(bodies[i]), &answer, NULL), SOT_INVALID);
		assert_true(answer.sample > 6.9);
	}
}

static void any_bytes_are_survived_by_the_router_parser(void **state)
{
	(void)state;
	static const char alphabet[] = "{}<>\"'=:;, \\routersblock10.2/propty idvalue";
	sot_rand r;
	char body[200];
	cat_router_answer none;
	assert_int_equal(cat_router_parse((sot_str){NULL, 0}, &none, NULL), SOT_INVALID);
	sot_rand_seed(&r, 7);
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)sot_rand_below(&r, sizeof(body));
		cat_router_answer answer;
		for (size_t i = 0; i < n; i++)
			body[i] = alphabet[sot_rand_below(&r, sizeof(alphabet) - 1)];
		if (cat_router_parse((sot_str){body, n}, &answer, NULL) == SOT_OK)
			assert_true(answer.block || answer.servers.count > 0);
	}
}

/* ---- queue ---- */

static void push_text(frame_queue *q, const char *text, int64_t expires)
{
	assert_true(frame_queue_push(q, sot_str_c(text), expires));
}

static void assert_front(frame_queue *q, const char *expected)
{
	struct iovec pieces[2];
	char got[64];
	size_t n = 0;
	int count = frame_queue_peek(q, sizeof(got), 0, pieces);
	for (int i = 0; i < count; i++) {
		memcpy(got + n, pieces[i].iov_base, pieces[i].iov_len);
		n += pieces[i].iov_len;
	}
	got[n] = '\0';
	assert_string_equal(got, expected);
}

static void a_full_queue_drops_its_oldest_frames_and_counts_them(void **state)
{
	(void)state;
	frame_queue *q = frame_queue_new(10, 3);
	push_text(q, "aaaa", 100);
	push_text(q, "bbbb", 100);
	push_text(q, "cccc", 100);
	assert_front(q, "bbbbcccc");
	push_text(q, "d", 100);
	push_text(q, "e", 100);
	assert_front(q, "ccccde");
	assert_int_equal(frame_queue_get_stats(q).overflowed, 2);
	assert_false(frame_queue_push(q, SOT_STR("larger than the ring"), 100));
	assert_int_equal(frame_queue_get_stats(q).overflowed, 3);
	frame_queue_free(q);
}

static void expired_frames_leave_and_a_cut_frame_leaves_whole(void **state)
{
	(void)state;
	frame_queue *q = frame_queue_new(16, 8);
	char rest[16];
	size_t rest_n;
	push_text(q, "old", 50);
	push_text(q, "first", 100);
	push_text(q, "second", 100);
	frame_queue_expire(q, 50);
	assert_int_equal(frame_queue_get_stats(q).expired, 1);
	frame_queue_take(q, 7, rest, &rest_n);
	assert_int_equal(rest_n, 4);
	assert_memory_equal(rest, "cond", 4);
	assert_int_equal(frame_queue_get_stats(q).frames, 0);
	frame_queue_free(q);
}

/* A tree of the hour that closes first may stand behind one of the next hour. */
static void an_expired_frame_behind_others_is_not_sent(void **state)
{
	(void)state;
	frame_queue *q = frame_queue_new(64, 8);
	struct iovec pieces[2];
	char rest[16];
	size_t rest_n;
	push_text(q, "later", 100);
	push_text(q, "sooner", 50);
	push_text(q, "last", 100);
	assert_int_equal(frame_queue_peek(q, 64, 60, pieces), 1);
	assert_int_equal(pieces[0].iov_len, 5);
	frame_queue_take(q, 5, rest, &rest_n);
	assert_int_equal(frame_queue_peek(q, 64, 60, pieces), 1);
	assert_memory_equal(pieces[0].iov_base, "last", 4);
	assert_int_equal(frame_queue_get_stats(q).expired, 1);
	frame_queue_free(q);
}

static void the_queue_gives_back_what_was_pushed_in_order_whatever_is_written_at_once(void **state)
{
	(void)state;
	frame_queue *q = frame_queue_new(1000, 50);
	sot_rand r;
	char in[100], got[200], rest[100];
	uint8_t next_in = 0, next_out = 0;
	sot_rand_seed(&r, 99);
	for (int round = 0; round < 50000; round++) {
		size_t n = 1 + (size_t)sot_rand_below(&r, sizeof(in));
		frame_queue_stats stats = frame_queue_get_stats(q);
		if (stats.bytes + n <= 1000 && stats.frames < 50) {
			for (size_t i = 0; i < n; i++)
				in[i] = (char)next_in++;
			assert_true(frame_queue_push(q, (sot_str){in, n}, 1));
		}
		struct iovec pieces[2];
		size_t have = 0, rest_n;
		int count = frame_queue_peek(q, 100, 0, pieces);
		for (int i = 0; i < count; i++) {
			memcpy(got + have, pieces[i].iov_base, pieces[i].iov_len);
			have += pieces[i].iov_len;
		}
		size_t written = (size_t)sot_rand_below(&r, have + 1);
		frame_queue_take(q, written, rest, &rest_n);
		for (size_t i = 0; i < written; i++)
			assert_int_equal((uint8_t)got[i], next_out++);
		for (size_t i = 0; i < rest_n; i++)
			assert_int_equal((uint8_t)rest[i], next_out++);
	}
	assert_int_equal(frame_queue_get_stats(q).overflowed, 0);
	frame_queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_current_hour_is_open_and_its_neighbours_for_three_minutes),
	    cmocka_unit_test(a_tree_is_welcome_until_three_minutes_after_its_hour),
	    cmocka_unit_test(ids_count_from_zero_in_each_hour_and_have_the_servers_form),
	    cmocka_unit_test(no_id_is_used_twice_over_restarts_whenever_they_happen),
	    cmocka_unit_test(an_hour_that_is_past_or_used_up_gives_no_id),
	    cmocka_unit_test(
	        a_sequence_belongs_to_domain_and_address_and_is_kept_while_its_hours_are_open),
	    cmocka_unit_test(numbers_are_plain_and_what_is_not_a_number_is_left_out),
	    cmocka_unit_test(a_heartbeat_that_does_not_fit_is_refused),
	    cmocka_unit_test(all_four_router_forms_name_the_same_servers),
	    cmocka_unit_test(block_and_sample_are_read_and_the_port_has_a_default),
	    cmocka_unit_test(an_answer_that_names_no_server_is_refused),
	    cmocka_unit_test(any_bytes_are_survived_by_the_router_parser),
	    cmocka_unit_test(a_full_queue_drops_its_oldest_frames_and_counts_them),
	    cmocka_unit_test(expired_frames_leave_and_a_cut_frame_leaves_whole),
	    cmocka_unit_test(an_expired_frame_behind_others_is_not_sent),
	    cmocka_unit_test(the_queue_gives_back_what_was_pushed_in_order_whatever_is_written_at_once),
	};
	return cmocka_run_group_tests_name("cat_parts", tests, NULL, NULL);
}
