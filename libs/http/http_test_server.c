#include "http_test_server.h"
#include "sot_parse.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

void connection_close(connection *k)
{
	k->watch = reactor_remove(k->watch);
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
	sot_buf_clear(&k->in);
}

static void send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
		if (sent < 0)
			return; /* the client may have had enough */
		p += sent;
		n -= (size_t)sent;
	}
}

/* Whole when as many bytes follow the head as its Content-Length says. */
static bool is_whole(const sot_buf *in)
{
	const char *end = in->n > 0 ? strstr(in->p, "\r\n\r\n") : NULL;
	if (!end)
		return false;
	const char *length = strstr(in->p, "Content-Length: ");
	uint64_t declared = 0;
	if (length && length < end) {
		sot_str digits = {length + 16, strcspn(length + 16, "\r")};
		assert_int_equal(sot_parse_u64(digits, 0, 1 << 20, &declared, NULL), SOT_OK);
	}
	return in->n >= (size_t)(end + 4 - in->p) + declared;
}

static void on_readable(void *self, int fd, int events)
{
	(void)events;
	connection *k = self;
	server *s = k->s;
	char piece[4096];
	ssize_t n = read(fd, piece, sizeof(piece));
	if (n <= 0) {
		connection_close(k);
		return;
	}
	sot_buf_add(&k->in, piece, (size_t)n);
	if (!is_whole(&k->in))
		return;
	s->requests++;
	snprintf(s->last_request, sizeof(s->last_request), "%s", k->in.p);
	sot_buf_reset(&k->in);
	if (!s->answer)
		return;
	send_all(fd, s->answer, strlen(s->answer));
	char *filler = sot_alloc(s->filler + 1);
	memset(filler, 'x', s->filler);
	send_all(fd, filler, s->filler);
	free(filler);
	if (s->closes)
		connection_close(k);
}

static void on_accept(void *self, int fd, int events)
{
	(void)events;
	server *s = self;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(client >= 0 && s->accepted < CONNECTIONS_MAX);
	connection *k = &s->connections[s->accepted++];
	k->s = s;
	k->fd = client;
	sot_buf_init(&k->in, 1 << 20);
	k->watch = reactor_add_fd(s->r, client, REACTOR_READ, on_readable, k);
	/* libuv made it non-blocking; the answers of these tests fit the socket's buffer or are cut. */
}

int bind_tcp(uint16_t *ret_port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

void serve(server *s, reactor *r, int fd)
{
	assert_int_equal(listen(fd, 8), 0);
	s->r = r;
	s->fd = fd;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		s->connections[i].fd = -1;
	s->watch = reactor_add_fd(r, fd, REACTOR_READ, on_accept, s);
}
