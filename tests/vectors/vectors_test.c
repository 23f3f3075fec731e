/* The codecs against frames that were encoded by another program (tools/protogen_vectors.py), and
 * against small frames written by hand. */
#include "sot_file.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_MAX (1024u * 1024u)

/* The bytes of a .hex file: '#' begins a comment line. */
static void read_vector(const char *name, sot_buf *out)
{
	char path[512];
	sot_err err = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, SOT_WIRE_FRAME_MAX);
	snprintf(path, sizeof(path), "%s/%s.hex", VECTORS_DIR, name);
	if (sot_file_read(path, &text, &err) != SOT_OK)
		fail_msg("%s (run tools/protogen.py --vectors)", err.text);
	sot_str rest = sot_buf_str(&text);
	while (rest.n) {
		char bytes[128];
		sot_str line = sot_str_cut(rest, '\n', &rest);
		if (sot_str_starts(line, "#"))
			continue;
		assert_true(line.n / 2 <= sizeof(bytes));
		assert_int_equal(sot_hex_decode(line, bytes, line.n / 2, NULL), SOT_OK);
		sot_buf_add(out, bytes, line.n / 2);
	}
}

static void check_vector(const sot_wire_struct *type)
{
	SOT_AUTO(sot_arena) arena = sot_arena_new(ARENA_MAX);
	SOT_AUTO_BUF frame;
	SOT_AUTO_BUF again;
	sot_err err = {0};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_buf_init(&again, SOT_WIRE_FRAME_MAX);
	read_vector(type->name, &frame);
	void *message = sot_arena_alloc(arena, type->size);
	if (sot_wire_decode(type, sot_buf_str(&frame), arena, message, &err) != SOT_OK)
		fail_msg("%s: %s", type->name, err.text);
	assert_int_equal(sot_wire_encode(type, message, &again, &err), SOT_OK);
	if (!sot_str_eq(sot_buf_str(&frame), sot_buf_str(&again)))
		fail_msg("%s is not written as its golden vector says", type->name);
}

static void every_message_reads_and_writes_its_golden_vector(void **state)
{
	(void)state;
	for (size_t i = 0; i < SOT_PROTO_MESSAGE_COUNT; i++)
		check_vector(sot_proto_messages[i]);
}

static void the_vector_of_app_create_has_these_values(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) arena = sot_arena_new(ARENA_MAX);
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	read_vector("app_create", &frame);
	sot_app_create m;
	assert_int_equal(sot_app_create_decode(sot_buf_str(&frame), arena, &m, NULL), SOT_OK);
	assert_true(m.request_id == UINT64_MAX);
	assert_true(sot_str_eq_c(m.name, "name-6"));
	assert_true(sot_str_eq_c(m.image, "image 7 é"));
	assert_int_equal(m.context.request_sha256.n, 32);
	assert_int_equal(m.health.kind, SOT_HEALTH_CHECK_NONE + 0);
	assert_int_equal(m.env_count, 2);
	assert_true(sot_str_eq_c(m.env[1].name, "name 14 é"));
	assert_int_equal(m.count, 10000);
}

static sot_code decode_ping(const char *hex, uint64_t *ret_request_id, sot_err *err)
{
	char bytes[64];
	sot_ping m = {0};
	SOT_AUTO(sot_arena) arena = sot_arena_new(ARENA_MAX);
	size_t n = strlen(hex) / 2;
	assert_int_equal(sot_hex_decode(sot_str_c(hex), bytes, n, NULL), SOT_OK);
	sot_code code = sot_ping_decode((sot_str){bytes, n}, arena, &m, err);
	*ret_request_id = m.request_id;
	return code;
}

static void a_ping_is_four_bytes(void **state)
{
	(void)state;
	uint64_t id;
	assert_int_equal(decode_ping("93010307", &id, NULL), SOT_OK);
	assert_true(id == 7);
}

static void unknown_trailing_fields_are_ignored(void **state)
{
	(void)state;
	uint64_t id;
	assert_int_equal(decode_ping("95010307c09101", &id, NULL), SOT_OK);
	assert_true(id == 7);
}

/* As an agent from before a field sends it: one element less, of one byte. */
static void drop_last(sot_buf *frame)
{
	assert_true(
	    (uint8_t)frame->p[0] == 0xdc && (uint8_t)frame->p[2] > 0); /* array of 2 bytes' length */
	frame->p[2]--;
	frame->n--;
}

static void a_field_that_came_later_may_be_left_out_and_no_other(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) arena = sot_arena_new(ARENA_MAX);
	SOT_AUTO_BUF frame;
	sot_host_report m;
	sot_err err = {0};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	read_vector("host_report", &frame);
	assert_int_equal(sot_host_report_decode(sot_buf_str(&frame), arena, &m, &err), SOT_OK);
	m.disk_busy_permille = 0;
	m.docker_failures_count = 0;
	sot_buf_reset(&frame);
	assert_int_equal(sot_host_report_encode(&m, &frame, &err), SOT_OK);
	drop_last(&frame);
	m.disk_busy_permille = 1;
	assert_int_equal(sot_host_report_decode(sot_buf_str(&frame), arena, &m, &err), SOT_OK);
	assert_int_equal(m.disk_busy_permille, 0);
	drop_last(&frame);
	assert_int_equal(sot_host_report_decode(sot_buf_str(&frame), arena, &m, &err), SOT_INVALID);
	assert_string_equal(err.text, "host_report.docker_failures: missing");
}

static void check_refused(const char *hex, const char *text)
{
	sot_err err = {0};
	uint64_t id;
	assert_int_equal(decode_ping(hex, &id, &err), SOT_INVALID);
	assert_string_equal(err.text, text);
	assert_true(id == 0);
}

static void errors_name_the_message_and_the_field(void **state)
{
	(void)state;
	check_refused("920103", "ping.request_id: missing");
	check_refused(
	    "930103ff", "ping.request_id: a negative integer where an unsigned integer belongs");
	check_refused("930103a0", "ping.request_id: a string where an unsigned integer belongs");
	check_refused("93020307", "ping: version 2 is not spoken here, only 1");
	check_refused("93010407", "ping: message id 4, not 3");
	check_refused("9101", "ping: not [version, message id, fields...]");
	check_refused("05", "ping: an unsigned integer where an array belongs");
}

static void errors_name_the_place_in_a_list_of_structs(void **state)
{
	(void)state;
	sot_address_want wants[2] = {{.vlan = SOT_STR("default")}, {.vlan = SOT_STR("bad\x01name")}};
	sot_addresses_acquire m = {.actor = SOT_STR("svc:scheduler"), .wants = wants, .wants_count = 2};
	SOT_AUTO_BUF out;
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	sot_buf_add_c(&out, "before");
	sot_err err = {0};
	assert_int_equal(sot_addresses_acquire_encode(&m, &out, &err), SOT_INVALID);
	assert_string_equal(
	    err.text, "addresses_acquire.wants[1].vlan: not UTF-8, or with control characters");
	assert_true(sot_str_eq_c(sot_buf_str(&out), "before"));
}

static void a_buffer_that_is_too_small_is_a_limit_and_not_a_frame(void **state)
{
	(void)state;
	sot_ping m = {.request_id = UINT64_MAX};
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 4);
	sot_err err = {0};
	assert_int_equal(sot_ping_encode(&m, &out, &err), SOT_LIMIT);
	assert_int_equal(out.n, 0);
}

static void an_arena_that_is_too_small_is_a_limit(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) arena = sot_arena_new(64);
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	read_vector("app_create", &frame);
	sot_app_create m;
	sot_err err = {0};
	assert_int_equal(sot_app_create_decode(sot_buf_str(&frame), arena, &m, &err), SOT_LIMIT);
}

static void names_of_enums_are_found_and_others_are_not(void **state)
{
	(void)state;
	assert_int_equal(sot_health_find(SOT_STR("unhealthy")), SOT_HEALTH_UNHEALTHY);
	assert_int_equal(sot_health_find(SOT_STR("unhealth")), -1);
	assert_string_equal(sot_health_name((sot_health)77), "?");
	assert_string_equal(sot_event_kind_name(SOT_EVENT_KIND_INSTANCE_STATE), "instance.state");
}

/* A frame by hand against one message type. */
static void check_frame(
    const sot_wire_struct *type, sot_str frame, sot_code expected, const char *text)
{
	SOT_AUTO(sot_arena) arena = sot_arena_new(ARENA_MAX);
	sot_err err = {0};
	void *message = sot_arena_alloc(arena, type->size);
	assert_int_equal(sot_wire_decode(type, frame, arena, message, &err), expected);
	if (expected != SOT_OK)
		assert_string_equal(err.text, text);
}

static void an_unsigned_number_above_the_signed_range_is_no_negative_one(void **state)
{
	(void)state;
	check_frame(&sot_outbox_hint_type, SOT_STR("\x93\x01\x05\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
	    SOT_OK, "");
	check_frame(&sot_outbox_hint_type, SOT_STR("\x93\x01\x05\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
	    SOT_INVALID, "outbox_hint.committed_unix_ms: 9223372036854775808 is too large");
}

static void an_id_has_sixteen_bytes(void **state)
{
	(void)state;
	check_frame(&sot_address_want_type,
	    SOT_STR("\x94\xc4\x10"
	            "0123456789abcdef\x00\xa1x\x00"),
	    SOT_OK, "");
	check_frame(&sot_address_want_type,
	    SOT_STR("\x94\xc4\x0f"
	            "0123456789abcde\x00\xa1x\x00"),
	    SOT_INVALID, "address_want.owner: 15 bytes, not 16");
	check_frame(&sot_address_want_type,
	    SOT_STR("\x94\xc4\x11"
	            "0123456789abcdefg\x00\xa1x\x00"),
	    SOT_INVALID, "address_want.owner: 17 bytes, not 16");
}

static void a_list_holds_its_maximum_and_no_more(void **state)
{
	(void)state;
	static const uint8_t digest[32] = {0};
	sot_str tags[33];
	for (size_t i = 0; i < 33; i++)
		tags[i] = SOT_STR("ssd");
	sot_host_register m = {.context = {.actor = SOT_STR("user:a"),
	                           .idempotency_key = SOT_STR("k"),
	                           .request_sha256 = {(const char *)digest, 32}},
	    .name = SOT_STR("host-1"),
	    .az = SOT_STR("az1"),
	    .rack = SOT_STR("r1"),
	    .public_key = SOT_STR("0123456789012345678901234567890123456789"),
	    .tags = tags,
	    .tags_count = 32};
	SOT_AUTO_BUF out;
	sot_err err = {0};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_host_register_encode(&m, &out, &err), SOT_OK);
	m.tags_count = 33;
	assert_int_equal(sot_host_register_encode(&m, &out, &err), SOT_INVALID);
	assert_string_equal(err.text, "host_register.tags: 33 items, at most 32 are allowed");
}

typedef struct heard {
	int pings, creates;
	uint64_t request_id;
	const void *from;
} heard;

static void on_ping(void *self, const void *from, const sot_ping *m)
{
	heard *h = self;
	h->pings++;
	h->request_id = m->request_id;
	h->from = from;
}

static void dispatch_calls_the_handler_of_the_message_and_of_no_other(void **state)
{
	(void)state;
	static const sot_scheduler_handlers handlers = {.ping = on_ping};
	heard h = {0};
	SOT_AUTO(sot_arena) arena = sot_arena_new(ARENA_MAX);
	sot_err err = {0};
	const void *peer = "peer";
	sot_str ping = SOT_STR("\x93\x01\x03\x2a"), pong = SOT_STR("\x93\x01\x04\x2a");
	sot_str cancel = SOT_STR("\x93\x01\x6d\x2a"), odd = SOT_STR("\x93\x01\x7f\x2a");
	assert_int_equal(sot_scheduler_dispatch(&handlers, &h, peer, ping, arena, &err), SOT_OK);
	assert_int_equal(h.pings, 1);
	assert_true(h.request_id == 42 && h.from == peer);
	assert_int_equal(sot_scheduler_dispatch(&handlers, &h, peer, pong, arena, &err), SOT_NOT_FOUND);
	assert_string_equal(err.text, "message pong is not answered here");
	assert_int_equal(
	    sot_scheduler_dispatch(&handlers, &h, peer, cancel, arena, &err), SOT_NOT_FOUND);
	assert_int_equal(sot_scheduler_dispatch(&handlers, &h, peer, odd, arena, &err), SOT_NOT_FOUND);
	assert_string_equal(err.text, "message id 127 is unknown");
	assert_int_equal(h.pings, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_message_reads_and_writes_its_golden_vector),
	    cmocka_unit_test(the_vector_of_app_create_has_these_values),
	    cmocka_unit_test(a_ping_is_four_bytes),
	    cmocka_unit_test(unknown_trailing_fields_are_ignored),
	    cmocka_unit_test(a_field_that_came_later_may_be_left_out_and_no_other),
	    cmocka_unit_test(errors_name_the_message_and_the_field),
	    cmocka_unit_test(errors_name_the_place_in_a_list_of_structs),
	    cmocka_unit_test(a_buffer_that_is_too_small_is_a_limit_and_not_a_frame),
	    cmocka_unit_test(an_arena_that_is_too_small_is_a_limit),
	    cmocka_unit_test(an_unsigned_number_above_the_signed_range_is_no_negative_one),
	    cmocka_unit_test(an_id_has_sixteen_bytes),
	    cmocka_unit_test(a_list_holds_its_maximum_and_no_more),
	    cmocka_unit_test(names_of_enums_are_found_and_others_are_not),
	    cmocka_unit_test(dispatch_calls_the_handler_of_the_message_and_of_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
