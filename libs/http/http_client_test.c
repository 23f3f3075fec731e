/* http_client against a small real server: TCP, unix socket or another network namespace, in the
 * same loop, with a script for each test. */
#include "http_client.h"
#include "http_test_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 60000 };

/* ---- one test ---- */

typedef struct fixture {
	reactor *r;
	http_client *c;
	server s;
	int done, status, pieces;
	sot_code code;
	char why[SOT_ERR_TEXT_MAX], body[4096];
	size_t body_n, streamed;
	http_call *call;
	bool cancel_at_first_piece, send_at_first_piece, free_client_when_done;
} fixture;

static int setup(void **state)
{
	fixture *f = sot_alloc(sizeof(*f));
	sot_err err;
	assert_int_equal(reactor_new(&f->r, &err), SOT_OK);
	assert_int_equal(http_client_new(f->r, &f->c, &err), SOT_OK);
	uint16_t port;
	int fd = bind_tcp(&port);
	serve(&f->s, f->r, fd);
	snprintf(f->s.url, sizeof(f->s.url), "http://127.0.0.1:%d/thing", port);
	f->s.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture *f = *state;
	http_client_free(f->c);
	reactor_remove(f->s.watch);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (f->s.connections[i].fd >= 0)
			connection_close(&f->s.connections[i]);
	close(f->s.fd);
	reactor_free(f->r);
	free(f);
	return 0;
}

static void on_done(void *self, const http_reply *reply)
{
	fixture *f = self;
	f->done++;
	f->code = reply->code;
	f->status = reply->status;
	f->body_n = reply->body.n;
	if (reply->body.n < sizeof(f->body))
		assert_int_equal(sot_str_copy(reply->body, f->body, sizeof(f->body), NULL), SOT_OK);
	assert_int_equal(reply->code == SOT_OK, reply->why == NULL);
	if (reply->why)
		snprintf(f->why, sizeof(f->why), "%s", reply->why->text);
	if (f->free_client_when_done)
		f->c = http_client_free(f->c);
}

static http_request request_to(const fixture *f)
{
	return (http_request){.method = "GET",
	    .url = f->s.url,
	    .deadline_ms = LONG_MS,
	    .body_max = 1000,
	    .output_fd = -1,
	    .netns_fd = -1};
}

static void send_it(fixture *f, const http_request *q)
{
	sot_err err;
	assert_int_equal(http_client_send(f->c, q, on_done, f, &f->call, &err), SOT_OK);
	assert_int_equal(f->done, 0); /* never inside the call */
}

static void run(fixture *f, const http_request *q)
{
	send_it(f, q);
	while (f->done == 0)
		reactor_turn(f->r, 1000);
	assert_int_equal(f->done, 1);
}

static void a_reply_comes_back_with_its_status_and_body(void **state)
{
	fixture *f = *state;
	http_request q = request_to(f);
	run(f, &q);
	assert_int_equal(f->code, SOT_OK);
	assert_int_equal(f->status, 200);
	assert_string_equal(f->body, "hello");
	assert_non_null(strstr(f->s.last_request, "GET /thing HTTP/1.1\r\n"));
}

static void method_headers_and_body_are_sent_as_given(void **state)
{
	fixture *f = *state;
	http_request q = request_to(f);
	const char *headers[] = {"X-Colour: blue", "Content-Type: application/json", NULL};
	q.method = "PUT";
	q.headers = headers;
	q.body = SOT_STR("{\"a\":1}");
	run(f, &q);
	assert_non_null(strstr(f->s.last_request, "PUT /thing HTTP/1.1\r\n"));
	assert_non_null(strstr(f->s.last_request, "\r\nX-Colour: blue\r\n"));
	assert_non_null(strstr(f->s.last_request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(f->s.last_request, "\r\n\r\n{\"a\":1}"));
	assert_null(strstr(f->s.last_request, "Expect:"));
}

static void a_post_without_a_body_says_so(void **state)
{
	fixture *f = *state;
	http_request q = request_to(f);
	q.method = "POST";
	run(f, &q);
	assert_non_null(strstr(f->s.last_request, "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(f->s.last_request, "form-urlencoded"));
}

static void connections_are_reused(void **state)
{
	fixture *f = *state;
	http_request q = request_to(f);
	for (int i = 0; i < 3; i++, f->done = 0)
		run(f, &q);
	assert_int_equal(f->s.requests, 3);
	assert_int_equal(f->s.accepted, 1);
}

static void an_error_status_is_a_full_reply(void **state)
{
	fixture *f = *state;
	f->s.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
	http_request q = request_to(f);
	run(f, &q);
	assert_int_equal(f->code, SOT_OK);
	assert_int_equal(f->status, 404);
	assert_string_equal(f->body, "no");
}

static void a_redirect_is_not_followed(void **state)
{
	fixture *f = *state;
	f->s.answer = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";
	http_request q = request_to(f);
	run(f, &q);
	assert_int_equal(f->status, 302);
	assert_int_equal(f->s.requests, 1);
}

static void a_refused_port_is_unavailable(void **state)
{
	fixture *f = *state;
	uint16_t port;
	int fd = bind_tcp(&port); /* bound and not listening: nobody else can take it */
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	http_request q = request_to(f);
	q.url = url;
	run(f, &q);
	close(fd);
	assert_int_equal(f->code, SOT_UNAVAILABLE);
	assert_non_null(strstr(f->why, url));
}

static void a_server_that_hangs_is_given_up_at_the_deadline(void **state)
{
	fixture *f = *state;
	f->s.answer = NULL;
	http_request q = request_to(f);
	q.deadline_ms = 150;
	run(f, &q);
	assert_int_equal(f->code, SOT_UNAVAILABLE);
	assert_int_equal(f->s.requests, 1);
}

static void a_reply_that_breaks_off_is_unavailable(void **state)
{
	fixture *f = *state;
	f->s.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
	f->s.closes = true;
	http_request q = request_to(f);
	run(f, &q);
	assert_int_equal(f->code, SOT_UNAVAILABLE);
}

static void a_body_over_the_ceiling_is_refused_declared_or_not(void **state)
{
	fixture *f = *state;
	f->s.answer = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n";
	f->s.filler = 1001;
	http_request q = request_to(f);
	run(f, &q);
	assert_int_equal(f->code, SOT_LIMIT);
	f->done = 0;
	f->s.answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
	f->s.closes = true;
	run(f, &q);
	assert_int_equal(f->code, SOT_LIMIT);
	f->done = 0;
	f->s.filler = 1000;
	run(f, &q);
	assert_int_equal(f->code, SOT_OK);
	assert_int_equal(f->body_n, 1000);
}

static void other_protocols_and_broken_urls_are_invalid(void **state)
{
	fixture *f = *state;
	static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "http://", "::"};
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++, f->done = 0) {
		http_request q = request_to(f);
		q.url = urls[i];
		run(f, &q);
		assert_int_equal(f->code, SOT_INVALID);
	}
}

static void requests_without_a_deadline_or_with_a_split_header_are_refused_at_once(void **state)
{
	fixture *f = *state;
	http_request q = request_to(f);
	q.deadline_ms = 0;
	assert_int_equal(http_client_send(f->c, &q, on_done, f, NULL, NULL), SOT_INVALID);
	q = request_to(f);
	const char *headers[] = {"X-A: b\r\nX-Smuggled: c", NULL};
	q.headers = headers;
	assert_int_equal(http_client_send(f->c, &q, on_done, f, NULL, NULL), SOT_INVALID);
	assert_int_equal(f->done, 0);
}

static void a_download_goes_to_the_file(void **state)
{
	fixture *f = *state;
	int fd = memfd_create("download", MFD_CLOEXEC);
	http_request q = request_to(f);
	q.output_fd = fd;
	run(f, &q);
	char content[16] = "";
	assert_int_equal(pread(fd, content, sizeof(content), 0), 5);
	assert_string_equal(content, "hello");
	assert_int_equal(f->body_n, 0);
	close(fd);
}

static void a_file_that_cannot_be_written_ends_the_download(void **state)
{
	fixture *f = *state;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	http_request q = request_to(f);
	q.output_fd = fd;
	run(f, &q);
	close(fd);
	assert_int_equal(f->code, SOT_UNAVAILABLE);
	assert_non_null(strstr(f->why, strerror(ENOSPC)));
}

/* ---- streaming and cancelling ---- */

static void on_piece(void *self, sot_str piece)
{
	fixture *f = self;
	f->streamed += piece.n;
	if (f->pieces++ > 0)
		return;
	if (f->cancel_at_first_piece)
		http_call_cancel(f->call);
	if (f->send_at_first_piece) {
		http_request q = request_to(f);
		assert_int_equal(http_client_send(f->c, &q, on_done, f, NULL, NULL), SOT_OK);
	}
}

static void a_streamed_reply_comes_in_pieces_without_a_bound(void **state)
{
	fixture *f = *state;
	f->s.answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
	f->s.filler = 20000;
	f->s.closes = true;
	http_request q = request_to(f);
	q.on_data = on_piece;
	q.body_max = 0;
	run(f, &q);
	assert_int_equal(f->code, SOT_OK);
	assert_int_equal(f->streamed, 20000);
}

static void a_call_cancelled_while_it_streams_is_not_heard_of_again(void **state)
{
	fixture *f = *state;
	f->s.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nbegin";
	f->cancel_at_first_piece = true;
	http_request q = request_to(f);
	q.on_data = on_piece;
	q.body_max = 0;
	send_it(f, &q);
	while (f->pieces == 0)
		reactor_turn(f->r, 1000);
	for (int i = 0; i < 20; i++)
		reactor_turn(f->r, 1);
	assert_int_equal(f->pieces, 1);
	assert_int_equal(f->done, 0);
}

static void a_request_may_be_sent_while_another_streams(void **state)
{
	fixture *f = *state;
	f->send_at_first_piece = true;
	http_request q = request_to(f);
	q.on_data = on_piece;
	send_it(f, &q);
	while (f->done < 2)
		reactor_turn(f->r, 1000);
	assert_int_equal(f->s.requests, 2);
	assert_int_equal(f->code, SOT_OK);
}

static void a_call_may_be_cancelled_at_any_time_before_its_end(void **state)
{
	fixture *f = *state;
	http_request q = request_to(f);
	for (int turns = 0; turns < 6; turns++) {
		send_it(f, &q);
		for (int i = 0; i < turns && f->done == 0; i++)
			reactor_turn(f->r, 0);
		if (f->done == 0)
			http_call_cancel(f->call);
		int before = f->done;
		for (int i = 0; i < 10; i++)
			reactor_turn(f->r, 1);
		assert_int_equal(f->done, before);
		f->done = 0;
	}
}

static void the_client_may_be_freed_where_a_reply_is_handled(void **state)
{
	fixture *f = *state;
	f->free_client_when_done = true;
	http_request q = request_to(f);
	run(f, &q);
	assert_string_equal(f->body, "hello");
	assert_null(f->c);
}

static void freeing_the_client_drops_open_requests(void **state)
{
	fixture *f = *state;
	f->s.answer = NULL;
	http_request q = request_to(f);
	send_it(f, &q);
	while (f->s.requests == 0)
		reactor_turn(f->r, 1000);
	f->c = http_client_free(f->c);
	for (int i = 0; i < 5; i++)
		reactor_turn(f->r, 1);
	assert_int_equal(f->done, 0);
}

/* ---- other ways to the server ---- */

static void a_unix_socket_is_reached(void **state)
{
	fixture *f = *state;
	char path[] = "/tmp/http_client_test.XXXXXX";
	assert_non_null(mkdtemp(path));
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/socket", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	reactor_remove(f->s.watch);
	close(f->s.fd);
	serve(&f->s, f->r, fd);
	http_request q = request_to(f);
	q.url = "http://docker/v1.41/info";
	q.unix_socket = a.sun_path;
	run(f, &q);
	unlink(a.sun_path);
	rmdir(path);
	assert_int_equal(f->code, SOT_OK);
	assert_non_null(strstr(f->s.last_request, "GET /v1.41/info HTTP/1.1\r\nHost: docker\r\n"));
}

typedef struct other_network {
	int netns_fd, listen_fd;
	uint16_t port;
} other_network;

/* A thread of its own, so that this process stays where it is. */
static void *make_network(void *arg)
{
	other_network *n = arg;
	n->netns_fd = -1;
	if (unshare(CLONE_NEWNET) != 0)
		return NULL;
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	n->listen_fd = bind_tcp(&n->port);
	assert_int_equal(ioctl(n->listen_fd, SIOCSIFFLAGS, &up), 0);
	n->netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return NULL;
}

static ino_t own_network(void)
{
	struct stat st;
	assert_int_equal(stat("/proc/thread-self/ns/net", &st), 0);
	return st.st_ino;
}

static void another_network_namespace_is_reached_and_left_again(void **state)
{
	fixture *f = *state;
	other_network n = {0};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, make_network, &n), 0);
	pthread_join(thread, NULL);
	if (n.netns_fd < 0)
		skip(); /* needs CAP_SYS_ADMIN */
	reactor_remove(f->s.watch);
	close(f->s.fd);
	serve(&f->s, f->r, n.listen_fd);
	ino_t home = own_network();
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", n.port);
	http_request q = request_to(f);
	q.url = url;
	q.netns_fd = n.netns_fd;
	for (int i = 0; i < 2; i++, f->done = 0) {
		run(f, &q);
		assert_int_equal(f->code, SOT_OK);
		assert_true(own_network() == home);
	}
	assert_int_equal(f->s.accepted, 2); /* such a connection is not pooled */
	q.netns_fd = -1;
	run(f, &q);
	assert_int_equal(f->code, SOT_UNAVAILABLE);
	close(n.netns_fd);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(a_reply_comes_back_with_its_status_and_body),
	    HTTP_TEST(method_headers_and_body_are_sent_as_given),
	    HTTP_TEST(a_post_without_a_body_says_so),
	    HTTP_TEST(connections_are_reused),
	    HTTP_TEST(an_error_status_is_a_full_reply),
	    HTTP_TEST(a_redirect_is_not_followed),
	    HTTP_TEST(a_refused_port_is_unavailable),
	    HTTP_TEST(a_server_that_hangs_is_given_up_at_the_deadline),
	    HTTP_TEST(a_reply_that_breaks_off_is_unavailable),
	    HTTP_TEST(a_body_over_the_ceiling_is_refused_declared_or_not),
	    HTTP_TEST(other_protocols_and_broken_urls_are_invalid),
	    HTTP_TEST(requests_without_a_deadline_or_with_a_split_header_are_refused_at_once),
	    HTTP_TEST(a_download_goes_to_the_file),
	    HTTP_TEST(a_file_that_cannot_be_written_ends_the_download),
	    HTTP_TEST(a_streamed_reply_comes_in_pieces_without_a_bound),
	    HTTP_TEST(a_call_cancelled_while_it_streams_is_not_heard_of_again),
	    HTTP_TEST(a_request_may_be_sent_while_another_streams),
	    HTTP_TEST(a_call_may_be_cancelled_at_any_time_before_its_end),
	    HTTP_TEST(the_client_may_be_freed_where_a_reply_is_handled),
	    HTTP_TEST(freeing_the_client_drops_open_requests),
	    HTTP_TEST(a_unix_socket_is_reached),
	    HTTP_TEST(another_network_namespace_is_reached_and_left_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
