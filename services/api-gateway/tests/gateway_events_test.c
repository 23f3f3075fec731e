/* The gateway as a process: events on every way out, waiting, slow clients, a crash in an upload.
 */
#include "harness.h"

#include "sot_file.h"
#include "sot_proto.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static harness h;

static const answer *get(const char *path)
{
	return harness_call(&h, "GET", path, NULL, (sot_str){0});
}

typedef struct reader {
	sot_buf text;
	const char *until; /* the text that is waited for */
	bool found;
} reader;

static void on_sse(void *self, sot_str piece)
{
	reader *r = self;
	sot_buf_add_str(&r->text, piece);
	r->found = r->text.n > 0 && strstr(r->text.p, r->until) != NULL;
}

static void on_sse_end(void *self, const http_reply *reply)
{
	(void)self;
	(void)reply;
}

static http_call *listen_from(reader *r, const char *path, const char *until)
{
	char url[256], authorization[200];
	const char *headers[] = {authorization, NULL};
	http_call *call = NULL;
	sot_err err = {0};
	http_request q = {.method = "GET",
	    .url = url,
	    .headers = headers,
	    .deadline_ms = 60000,
	    .body_max = 1u << 24,
	    .output_fd = -1,
	    .netns_fd = -1,
	    .on_data = on_sse};
	sot_buf_init(&r->text, 1u << 24);
	r->until = until;
	r->found = false;
	(void)snprintf(url, sizeof(url), "%s%s", h.url, path);
	(void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", h.token);
	assert_int_equal(http_client_send(h.http, &q, on_sse_end, r, &call, &err), SOT_OK);
	return call;
}

static void emit(const char *subject)
{
	char sql[512], out[4096];
	(void)snprintf(sql, sizeof(sql),
	    "SELECT core.emit(ARRAY['app.created'], ARRAY['%s'], ARRAY['shop'], ARRAY[''], "
	    "ARRAY['user:ada'], ARRAY[NULL]::uuid[], ARRAY['{\"image\":\"tomcat\"}'])",
	    subject);
	harness_sql(&h, "sot_scheduler", sql, out);
}

static void events_come_as_they_are_committed_and_resume_by_number(void **state)
{
	reader r;
	http_call *call = listen_from(&r, "/v1/events/stream", "\"subject\" : \"second\"");
	const char *id, *rest, *number;
	char path[160], member[64];
	(void)state;
	emit("first");
	emit("second");
	harness_until(&h, &r.found);
	http_call_cancel(call);
	id = strstr(r.text.p, "id: ");
	assert_non_null(id);
	assert_non_null(strstr(r.text.p, "event: app.created"));
	number = strchr(id, '.');
	assert_non_null(number);
	(void)snprintf(member, sizeof(member), "\"sotalianumber\" : %.*s,",
	    (int)strcspn(number + 1, "\n"), number + 1);
	assert_non_null(strstr(r.text.p, member));
	(void)snprintf(
	    path, sizeof(path), "/v1/events/stream?after=%.*s", (int)strcspn(id + 4, "\n"), id + 4);
	sot_buf_clear(&r.text);
	call = listen_from(&r, path, "\"subject\" : \"second\"");
	harness_until(&h, &r.found);
	http_call_cancel(call);
	rest = strstr(r.text.p, "\"subject\" : \"first\"");
	assert_null(rest);
	sot_buf_clear(&r.text);
	assert_true(answer_has(get("/v1/events?after=0&limit=1"), "\"subject\" : \"first\""));
	assert_true(answer_has(get("/v1/events?after=0&limit=1"), "\"sotalianumber\" : 1,"));
}

typedef struct listener {
	bool subscribed, found;
	char sse[128]; /* how the stream begins the event that was waited for */
	unsigned wrong;
} listener;

static void on_published(
    void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap)
{
	listener *l = self;
	struct sot_event e;
	char stream[SOT_UUID_TEXT];
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)identity;
	(void)gap;
	l->subscribed = true;
	if (sot_event_decode(frame, arena, &e, NULL) != SOT_OK || !sot_str_eq(topic, e.kind)) {
		l->wrong++;
	} else if (sot_str_eq_c(e.subject, "on both")) {
		(void)snprintf(l->sse, sizeof(l->sse), "id: %s.%llu\nevent: %.*s\n",
		    sot_uuid_format(e.stream, stream), (unsigned long long)e.number, SOT_ARG(e.kind));
		l->found = true;
	}
	(void)sot_arena_free(arena);
}

/* Over CURVE, with the gateway's public key and an identity that it knows. */
static void a_subscriber_gets_the_numbers_that_the_stream_has(void **state)
{
	listener l = {0};
	reader r;
	http_call *call;
	bus_subscriber *sub = NULL;
	char path[128], key[BUS_KEY_TEXT];
	sot_err err = {0};
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/api-gateway.pub", h.dir);
	assert_int_equal(bus_public_key_load(path, key, &err), SOT_OK);
	(void)snprintf(path, sizeof(path), "ipc://%s/events", h.dir);
	assert_int_equal(bus_subscriber_new(h.bus, "events", path, false, key, SOT_STR("app."),
	                     on_published, &l, &sub, &err),
	    SOT_OK);
	call = listen_from(&r, "/v1/events/stream", "\"subject\" : \"on both\"");
	/* What is published before the subscription has arrived is lost: ask until something comes. */
	for (int i = 0; i < 200 && !l.subscribed; i++) {
		emit("is anybody there");
		reactor_turn(h.loop, 50);
	}
	assert_true(l.subscribed);
	emit("on both");
	harness_until(&h, &l.found);
	harness_until(&h, &r.found);
	http_call_cancel(call);
	assert_int_equal(l.wrong, 0);
	assert_non_null(strstr(r.text.p, l.sse));
	sot_buf_clear(&r.text);
	(void)bus_subscriber_free(sub);
}

static void a_position_of_another_life_is_reset(void **state)
{
	reader r;
	http_call *call = listen_from(
	    &r, "/v1/events/stream?after=01970000-0000-7000-8000-000000000000.5", "event: reset");
	(void)state;
	harness_until(&h, &r.found);
	http_call_cancel(call);
	sot_buf_clear(&r.text);
}

static void a_position_that_does_not_exist_yet_is_reset(void **state)
{
	reader r;
	http_call *call = listen_from(&r, "/v1/events/stream?after=999999", "event: reset");
	(void)state;
	harness_until(&h, &r.found);
	http_call_cancel(call);
	sot_buf_clear(&r.text);
}

/* Another gateway has numbered an event that this one has not read: no reason to start anew. */
static void a_position_that_another_gateway_gave_is_kept(void **state)
{
	char number[4096], path[128];
	reader r;
	http_call *call;
	(void)state;
	emit("third");
	harness_sql(&h, "sot_gateway", "SELECT core.number_events()", number);
	(void)snprintf(path, sizeof(path), "/v1/events/stream?after=%.20s", number);
	call = listen_from(&r, path, "\"subject\" : \"fourth\"");
	emit("fourth");
	harness_until(&h, &r.found);
	http_call_cancel(call);
	assert_null(strstr(r.text.p, "event: reset"));
	assert_null(strstr(r.text.p, "\"subject\" : \"third\""));
	sot_buf_clear(&r.text);
}

static void an_older_position_than_the_ring_is_read_from_the_database(void **state)
{
	reader r;
	http_call *call;
	(void)state;
	assert_int_equal(kill(h.gateway_pid, SIGTERM), 0);
	assert_int_equal(harness_wait_exit(&h), 0);
	harness_spawn_gateway(&h, NULL);
	call = listen_from(&r, "/v1/events/stream?after=0", "\"subject\" : \"second\"");
	harness_until(&h, &r.found);
	http_call_cancel(call);
	assert_non_null(strstr(r.text.p, "\"subject\" : \"first\""));
	sot_buf_clear(&r.text);
}

static void waiting_for_an_operation_ends_with_it(void **state)
{
	char id[SOT_UUID_TEXT], sql[900], out[4096], path[128];
	const answer *a;
	(void)state;
	(void)sot_uuid_format(h.operation_id, id);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO scheduler.operation (id, kind, target, actor, idempotency_key, "
	    "request_sha256, "
	    "resource_id, spec, state, created_at, updated_at) VALUES ('%s', 'app_scale', 'shop', "
	    "'token:ada', 'k', '\\x00', '%s', '{}', 'running', now(), now())",
	    id, id);
	harness_sql(&h, "sot_scheduler", sql, out);
	(void)snprintf(path, sizeof(path), "/v1/operations/%s?wait=100ms", id);
	a = get(path);
	assert_int_equal(a->status, 200);
	assert_true(answer_has(a, "\"running\""));
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE scheduler.operation SET state = 'done', finished_at = now() WHERE id = '%s'", id);
	harness_sql(&h, "sot_scheduler", sql, out);
	(void)snprintf(path, sizeof(path), "/v1/operations/%s?wait=30s", id);
	assert_true(answer_has(get(path), "\"done\""));
	assert_int_equal(get("/v1/operations/nonsense")->status, 404);
}

/* True when the peer has closed; else one more byte of a head that never ends has been sent. */
static bool trickle(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;
	if (poll(&p, 1, 100) == 1)
		return read(fd, &byte, 1) <= 0;
	return send(fd, "x", 1, MSG_NOSIGNAL) != 1;
}

static void a_head_that_trickles_is_cut_off_and_a_stream_is_not(void **state)
{
	static const char head[] = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ";
	sot_mono deadline;
	reader r;
	http_call *call;
	bool closed = false;
	int fd;
	(void)state;
	assert_int_equal(kill(h.gateway_pid, SIGTERM), 0);
	assert_int_equal(harness_wait_exit(&h), 0);
	h.head_deadline_ms = 1000;
	harness_spawn_gateway(&h, NULL);
	call = listen_from(&r, "/v1/events/stream", "\"subject\" : \"behind the trickle\"");
	fd = harness_connect(&h);
	assert_int_equal(write(fd, head, sizeof(head) - 1), sizeof(head) - 1);
	deadline = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	while (!closed && !sot_mono_reached(sot_mono_now(), deadline)) {
		closed = trickle(fd);
		reactor_turn(h.loop, 0);
	}
	(void)close(fd);
	assert_true(closed);
	assert_true(answer_has(get("/metrics"), "sot_gateway_slow_heads_total 1\n"));
	emit("behind the trickle");
	harness_until(&h, &r.found);
	http_call_cancel(call);
	sot_buf_clear(&r.text);
	h.head_deadline_ms = 0;
}

static void killed_after_the_rename_the_same_upload_succeeds_again(void **state)
{
	http_request q = {.method = "PUT",
	    .deadline_ms = 10000,
	    .body_max = 65536,
	    .output_fd = -1,
	    .netns_fd = -1,
	    .body = SOT_STR("the same bytes")};
	char url[160], authorization[200];
	const char *headers[] = {authorization, NULL};
	sot_err err = {0};
	reader r;
	(void)state;
	assert_int_equal(kill(h.gateway_pid, SIGTERM), 0);
	assert_int_equal(harness_wait_exit(&h), 0);
	harness_spawn_gateway(&h, "gateway.upload.after_rename=crash");
	(void)snprintf(url, sizeof(url), "%s/v1/apps/shop/versions/v9?file=a.war", h.url);
	(void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", h.token);
	q.url = url;
	q.headers = headers;
	assert_int_equal(http_client_send(h.http, &q, on_sse_end, &r, NULL, &err), SOT_OK);
	for (int i = 0; i < 40; i++)
		reactor_turn(h.loop, 25);
	assert_int_equal(harness_wait_exit(&h), 256 + 9);
	harness_spawn_gateway(&h, NULL);
	assert_int_equal(harness_call(&h, "PUT", "/v1/apps/shop/versions/v9?file=a.war", NULL,
	                     SOT_STR("the same bytes"))
	                     ->status,
	    202);
}

/* A file of blobs_dir whose name is 64 times the digit. */
static void put_blob(char digit, bool old, char path[160])
{
	const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	char name[65];
	sot_err err = {0};
	memset(name, digit, 64);
	name[64] = '\0';
	(void)snprintf(path, 160, "%s/blobs/%s", h.dir, name);
	assert_int_equal(sot_file_write(path, SOT_STR("x"), 0640, &err), SOT_OK);
	if (old)
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void old_blobs_without_a_version_are_swept_and_no_others(void **state)
{
	char orphan[160], registered[160], young[160], none[4096];
	sot_mono deadline;
	(void)state;
	assert_int_equal(kill(h.gateway_pid, SIGTERM), 0);
	assert_int_equal(harness_wait_exit(&h), 0);
	put_blob('a', true, orphan);
	put_blob('b', true, registered);
	put_blob('c', false, young);
	harness_add_app(&h, "kept");
	harness_sql(&h, "sot_scheduler",
	    "INSERT INTO scheduler.app_version (app_id, version, sha256, size_bytes, file_name, "
	    "created_by, created_at) SELECT id, 'v1', decode(repeat('b', 64), 'hex'), 1, 'a.war', "
	    "'user:ada', now() FROM scheduler.app WHERE name = 'kept'",
	    none);
	/* A registration that was refused left this one: its row keeps nothing. */
	harness_sql(&h, "sot_gateway",
	    "INSERT INTO gateway.blob (sha256, size_bytes, created_by, created_at) VALUES "
	    "(decode(repeat('a', 64), 'hex'), 1, 'user:ada', now() - interval '2 days')",
	    none);
	harness_spawn_gateway(&h, NULL);
	deadline = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	while (!answer_has(get("/metrics"), "sot_gateway_orphans_total 1\n"))
		assert_false(sot_mono_reached(sot_mono_now(), deadline));
	assert_int_equal(access(orphan, F_OK), -1);
	assert_int_equal(access(registered, F_OK), 0);
	for (none[0] = '\0'; strcmp(none, "0") != 0;) { /* the row goes last */
		harness_sql(&h, "sot_gateway",
		    "SELECT count(*) FROM gateway.blob WHERE sha256 = decode(repeat('a', 64), 'hex')",
		    none);
		assert_false(sot_mono_reached(sot_mono_now(), deadline));
	}
	assert_int_equal(access(young, F_OK), 0);
}

/* The whole answer to a change, with its headers. */
static void scale_raw(char reply[2048])
{
	char request[512];
	int n = snprintf(request, sizeof(request),
	    "POST /v1/apps/shop/scale HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	    "Authorization: Bearer %s\r\nContent-Length: 11\r\n\r\n{\"count\":1}",
	    h.token);
	harness_raw(&h, (sot_str){request, (size_t)n}, reply);
}

static void a_change_that_is_held_back_says_when_to_come_again(void **state)
{
	char reply[2048];
	(void)state;
	h.retry_after_ms = 6500;
	h.refuse_with = SOT_REFUSAL_UNAVAILABLE;
	scale_raw(reply);
	assert_memory_equal(reply, "HTTP/1.1 503 ", 13);
	assert_non_null(strstr(reply, "\r\nRetry-After: 7\r\n")); /* whole seconds, not too early */
	h.refuse_with = SOT_REFUSAL_LIMIT;
	scale_raw(reply); /* a limit that passes */
	assert_memory_equal(reply, "HTTP/1.1 429 ", 13);
	assert_non_null(strstr(reply, "\r\nRetry-After: 7\r\n"));
	h.retry_after_ms = 0;
	scale_raw(reply); /* one that does not */
	assert_memory_equal(reply, "HTTP/1.1 409 ", 13);
	assert_null(strstr(reply, "Retry-After"));
	h.refuse_with = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_change_that_is_held_back_says_when_to_come_again),
	    cmocka_unit_test(events_come_as_they_are_committed_and_resume_by_number),
	    cmocka_unit_test(a_subscriber_gets_the_numbers_that_the_stream_has),
	    cmocka_unit_test(a_position_of_another_life_is_reset),
	    cmocka_unit_test(a_position_that_does_not_exist_yet_is_reset),
	    cmocka_unit_test(a_position_that_another_gateway_gave_is_kept),
	    cmocka_unit_test(an_older_position_than_the_ring_is_read_from_the_database),
	    cmocka_unit_test(waiting_for_an_operation_ends_with_it),
	    cmocka_unit_test(a_head_that_trickles_is_cut_off_and_a_stream_is_not),
	    cmocka_unit_test(killed_after_the_rename_the_same_upload_succeeds_again),
	    cmocka_unit_test(old_blobs_without_a_version_are_swept_and_no_others),
	};
	int failed;
	harness_start(&h, NULL, false);
	harness_add_app(&h, "shop");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
