/* RFC 6455: the examples of its text, and two ends that talk over a pair of byte queues. */
#include "websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct end {
	sot_buf in; /* what the other side wrote */
	struct end *other;
	char last[65536];
	size_t last_n, count;
} end;

static ssize_t take(void *self, void *dst, size_t n)
{
	end *e = self;
	n = n < e->in.n ? n : e->in.n;
	memcpy(dst, e->in.p ? e->in.p : "", n);
	sot_buf_consume(&e->in, n);
	return (ssize_t)n;
}

static ssize_t give(void *self, const void *src, size_t n)
{
	end *e = self;
	sot_buf_add(&e->other->in, src, n);
	return (ssize_t)n;
}

static void on_message(void *self, sot_str m)
{
	end *e = self;
	memcpy(e->last, m.p ? m.p : "", m.n);
	e->last_n = m.n;
	e->count++;
}

static const websocket_events events = {.read = take, .write = give, .on_message = on_message};
static end server_end, client_end;

static int setup(void **state)
{
	(void)state;
	server_end = (end){.other = &client_end};
	client_end = (end){.other = &server_end};
	sot_buf_init(&server_end.in, 1 << 20);
	sot_buf_init(&client_end.in, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sot_buf_clear(&server_end.in);
	sot_buf_clear(&client_end.in);
	return 0;
}

static bool feed(websocket *w, const char *bytes, size_t n)
{
	bool more;
	sot_buf_add(&server_end.in, bytes, n);
	bool lives = websocket_receive(w, &more);
	return lives;
}

static void the_key_of_the_rfc_is_answered(void **state)
{
	char accept[WEBSOCKET_ACCEPT_TEXT], key[WEBSOCKET_KEY_TEXT];
	(void)state;
	assert_true(websocket_accept(SOT_STR("dGhlIHNhbXBsZSBub25jZQ=="), accept));
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_false(websocket_accept(SOT_STR("dGhlIHNhbXBsZSBub25jZQ="), accept));
	assert_false(websocket_accept(SOT_STR("dGhlIHNhbXBsZSBub25jZ(=="), accept));
	assert_false(websocket_accept((sot_str){0}, accept));
	websocket_make_key(key);
	assert_true(websocket_accept(sot_str_c(key), accept));
}

/* RFC 6455, 5.7, with the binary opcode. */
static void the_frames_of_the_rfc_are_read(void **state)
{
	SOT_AUTO(websocket) w = websocket_new(true, 65536, &events, &server_end);
	(void)state;
	assert_true(feed(w, "\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11)); /* masked "Hello" */
	assert_int_equal(server_end.count, 1);
	assert_int_equal(server_end.last_n, 5);
	assert_memory_equal(server_end.last, "Hello", 5);
	/* in two fragments, with a ping between them, byte by byte */
	const char pieces[] = "\x02\x83\x37\xfa\x21\x3d\x7f\x9f\x4d"
	                      "\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
	                      "\x80\x82\x3d\x37\xfa\x21\x51\x58";
	for (size_t i = 0; i < sizeof(pieces) - 1; i++)
		assert_true(feed(w, pieces + i, 1));
	assert_int_equal(server_end.count, 2);
	assert_memory_equal(server_end.last, "Hello", 5);
	assert_true(websocket_flush(w)); /* the pong, not masked: it is a server's */
	assert_int_equal(client_end.in.n, 7);
	assert_memory_equal(client_end.in.p, "\x8a\x05Hello", 7);
}

static void what_breaks_the_protocol_ends_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
	    {"\x82\x05Hello", 7},                                 /* a client that does not mask */
	    {"\xc2\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11}, /* a reserved bit */
	    {"\x83\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11}, /* a reserved opcode */
	    {"\x09\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11}, /* a ping in fragments */
	    {"\x80\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11}, /* a fragment of nothing */
	    {"\x82\xff\x80\0\0\0\0\0\0\0\x37\xfa\x21\x3d", 14},   /* a length of 2^63 */
	    {"\x82\xff\0\0\0\0\0\1\0\1\x37\xfa\x21\x3dx", 15},    /* longer than is taken */
	    {"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11}, /* a text */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		SOT_AUTO(websocket) w = websocket_new(true, 65536, &events, &server_end);
		bool lives = feed(w, bad[i].bytes, bad[i].n);
		lives = websocket_flush(w) && lives;
		bool more;
		/* wslay waits for the answer to its close; nothing but that is read any more */
		(void)websocket_receive(w, &more);
		assert_int_equal(server_end.count, 0);
		if (lives && client_end.in.p[0] != (char)0x88)
			fail_msg("case %zu is taken", i);
		sot_buf_reset(&server_end.in);
		sot_buf_reset(&client_end.in);
	}
}

static void two_ends_talk_and_part(void **state)
{
	SOT_AUTO(websocket) server = websocket_new(true, 65536, &events, &server_end);
	SOT_AUTO(websocket) client = websocket_new(false, 65536, &events, &client_end);
	static char large[40000];
	bool more, client_lives = true, server_lives = true;
	(void)state;
	memset(large, 'x', sizeof(large));
	assert_true(websocket_send(client, large, sizeof(large)));
	assert_true(websocket_queued(client) >= sizeof(large));
	assert_true(websocket_flush(client));
	assert_int_equal(websocket_queued(client), 0);
	assert_true(websocket_receive(server, &more));
	assert_int_equal(server_end.last_n, sizeof(large));
	assert_memory_equal(server_end.last, large, sizeof(large));
	assert_true(
	    websocket_ping(server) && websocket_send(server, "a", 1) && websocket_flush(server));
	assert_true(websocket_receive(client, &more) && websocket_flush(client));
	assert_int_equal(client_end.count, 1);
	(void)websocket_heard(server);
	assert_false(websocket_heard(server));
	assert_true(websocket_receive(server, &more));
	assert_true(websocket_heard(server)); /* the pong */
	assert_true(websocket_send(server, "the last", 8));
	websocket_close(server, 1000, "done");
	for (int i = 0; i < 4; i++) {
		server_lives = websocket_flush(server) && server_lives;
		client_lives = websocket_receive(client, &more) && client_lives;
		client_lives = websocket_flush(client) && client_lives;
		server_lives = websocket_receive(server, &more) && server_lives;
	}
	assert_false(server_lives);
	assert_false(client_lives);
	assert_memory_equal(client_end.last, "the last", 8); /* the close did not overtake it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_key_of_the_rfc_is_answered, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_frames_of_the_rfc_are_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        what_breaks_the_protocol_ends_the_connection, setup, teardown),
	    cmocka_unit_test_setup_teardown(two_ends_talk_and_part, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
