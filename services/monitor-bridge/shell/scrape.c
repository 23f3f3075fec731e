#include "shell/scrape.h"

#include "sot_log.h"
#include "sot_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 8
#define HEAD_MAX 8192
#define BODY_MAX (256u * 1024u * 1024u)
#define DEADLINE_MS 10000

typedef struct client {
	scrape *of;
	int fd; /* -1: free */
	reactor_watch *watch, *deadline;
	char head[HEAD_MAX];
	size_t head_n;
	sot_buf out;
	size_t out_at;
	bool is_answering;
} client;

struct scrape {
	reactor *loop;
	int fd;
	reactor_watch *watch;
	unsigned port;
	scrape_fill_fn fill;
	void *self;
	client clients[CLIENTS_MAX];
};

static void drop(client *c)
{
	c->watch = reactor_remove(c->watch);
	reactor_rearm_ms(c->deadline, -1);
	(void)close(c->fd);
	c->fd = -1;
	c->head_n = c->out_at = 0;
	c->is_answering = false;
	sot_buf_clear(&c->out);
}

static void write_some(client *c)
{
	while (c->out_at < c->out.n) {
		ssize_t n = send(c->fd, c->out.p + c->out_at, c->out.n - c->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		c->out_at += (size_t)n;
	}
	drop(c);
}

static void answer(client *c, const char *status, const char *type, sot_str body)
{
	sot_buf_printf(&c->out,
	    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
	    status, type, body.n);
	sot_buf_add_str(&c->out, body);
	c->is_answering = true;
	if (sot_buf_failed(&c->out)) {
		drop(c);
		return;
	}
	reactor_want(c->watch, REACTOR_WRITE);
	write_some(c);
}

static void answer_metrics(client *c)
{
	SOT_AUTO_BUF body;
	sot_buf_init(&body, BODY_MAX);
	c->of->fill(c->of->self, &body);
	sot_buf_add_c(&body, "# EOF\n");
	if (sot_buf_failed(&body)) {
		answer(c, "500 Internal Server Error", "text/plain",
		    SOT_STR("more than 256 MB of figures: scrape more bridges, or show fewer metrics\n"));
		return;
	}
	answer(c, "200 OK", "application/openmetrics-text; version=1.0.0; charset=utf-8",
	    sot_buf_str(&body));
}

static void handle(client *c)
{
	sot_str rest = {c->head, c->head_n};
	sot_str method = sot_str_cut(rest, ' ', &rest);
	sot_str target = sot_str_cut(rest, ' ', &rest);
	sot_str query, path = sot_str_cut(target, '?', &query);
	if (!sot_str_eq_c(method, "GET")) {
		answer(c, "405 Method Not Allowed", "text/plain", SOT_STR("only GET\n"));
	} else if (sot_str_eq_c(path, "/metrics")) {
		answer_metrics(c);
	} else {
		answer(c, "404 Not Found", "text/plain", SOT_STR("only /metrics is served here\n"));
	}
}

static void on_client(void *self, int fd, int events)
{
	client *c = self;
	if (c->is_answering) {
		if (events & (REACTOR_WRITE | REACTOR_ERROR))
			write_some(c);
		return;
	}
	ssize_t n = recv(fd, c->head + c->head_n, sizeof(c->head) - c->head_n, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->head_n += (size_t)n;
	if (memmem(c->head, c->head_n, "\r\n\r\n", 4)) {
		handle(c);
	} else if (c->head_n == sizeof(c->head)) {
		answer(c, "431 Request Header Fields Too Large", "text/plain", SOT_STR("too long\n"));
	}
}

static void on_deadline(void *self, uint64_t missed)
{
	client *c = self;
	(void)missed;
	if (c->fd >= 0)
		drop(c);
}

static void on_accept(void *self, int listener, int events)
{
	scrape *s = self;
	(void)events;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	size_t i = 0;
	while (i < CLIENTS_MAX && s->clients[i].fd >= 0)
		i++;
	if (i == CLIENTS_MAX) {
		(void)close(fd);
		return;
	}
	client *c = &s->clients[i];
	c->fd = fd;
	c->watch = reactor_add_fd(s->loop, fd, REACTOR_READ, on_client, c);
	reactor_rearm_ms(c->deadline, DEADLINE_MS);
}

static sot_code parse_place(const char *text, struct sockaddr_in *ret, sot_err *err)
{
	sot_str port_text;
	uint32_t address;
	uint64_t port;
	sot_str host = sot_str_cut(sot_str_c(text), ':', &port_text);
	if (sot_parse_ipv4(host, &address, NULL) != SOT_OK ||
	    sot_parse_u64(port_text, 0, 65535, &port, NULL) != SOT_OK)
		return sot_fail(err, SOT_INVALID,
		    "metrics_listen: \"%s\" is no IPv4 address and port such as 10.0.0.1:7232", text);
	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	ret->sin_addr.s_addr = htonl(address);
	return SOT_OK;
}

static sot_code open_listener(scrape *s, const char *listen_at, sot_err *err)
{
	const int on = 1;
	struct sockaddr_in at;
	socklen_t n = sizeof(at);
	sot_code code = parse_place(listen_at, &at, err);
	if (code != SOT_OK)
		return code;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "socket");
	(void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s->fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(s->fd, 16) != 0 ||
	    getsockname(s->fd, (struct sockaddr *)&at, &n) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "metrics_listen %s", listen_at);
	s->port = ntohs(at.sin_port);
	return SOT_OK;
}

sot_code scrape_new(
    reactor *r, const char *listen_at, scrape_fill_fn fill, void *self, scrape **ret, sot_err *err)
{
	if (!listen_at[0]) {
		*ret = NULL;
		return SOT_OK;
	}
	SOT_AUTO(scrape) s = sot_alloc(sizeof(*s));
	s->loop = r;
	s->fd = -1;
	s->fill = fill;
	s->self = self;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		client *c = &s->clients[i];
		c->of = s;
		c->fd = -1;
		sot_buf_init(&c->out, BODY_MAX + HEAD_MAX);
		c->deadline = reactor_after_ms(r, -1, on_deadline, c);
	}
	sot_code code = open_listener(s, listen_at, err);
	if (code != SOT_OK)
		return code;
	s->watch = reactor_add_fd(r, s->fd, REACTOR_READ, on_accept, s);
	*ret = SOT_TAKE(s);
	return SOT_OK;
}

scrape *scrape_free(scrape *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		client *c = &s->clients[i];
		if (c->fd >= 0)
			drop(c);
		reactor_remove(c->deadline);
	}
	reactor_remove(s->watch);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s);
	return NULL;
}

unsigned scrape_port(const scrape *s)
{
	return s ? s->port : 0;
}
