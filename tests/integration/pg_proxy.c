#include "pg_proxy.h"

#include "sot_map.h"
#include "sot_str.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK = 65536, TAIL = 16 };

/* What one side has not taken yet is left for later: the loop of a test also wakes the processes it
 * stopped, so it never waits for one here. Meanwhile nothing is read from the other side. */
typedef struct side {
	int fd; /* -1 when closed */
	reactor_watch *watch;
	sot_buf left;
} side;

typedef struct session {
	sot_link link;
	pg_proxy *proxy;
	side client, server;
	char tail[TAIL]; /* the end of what was seen before, so that a marker may be split */
	size_t tail_n;
	bool commit_passed;
	bool ends; /* with what is left */
} session;

struct pg_proxy {
	reactor *loop;
	char listen_path[108], server_path[108];
	int listener;
	reactor_watch *listen_watch;
	sot_link sessions;
	pg_proxy_cut cut;
	unsigned cuts;
};

static void close_side(side *of)
{
	of->watch = reactor_remove(of->watch);
	if (of->fd >= 0)
		close(of->fd);
	of->fd = -1;
	sot_buf_clear(&of->left);
}

static void close_session(session *s)
{
	close_side(&s->client);
	close_side(&s->server);
	sot_list_remove(&s->link);
	free(s);
}

static void want(const side *of, const side *other)
{
	if (of->watch)
		reactor_want(of->watch,
		    (other->left.n == 0 ? REACTOR_READ : 0) | (of->left.n > 0 ? REACTOR_WRITE : 0));
}

/* Sends what is left as far as it fits, and closes the session when that was its end or the side is
 * gone. */
static void send_left(session *s, side *to)
{
	while (to->left.n > 0) {
		ssize_t wrote = send(to->fd, to->left.p, to->left.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0 && errno == EAGAIN)
			break;
		if (wrote < 0) {
			close_session(s);
			return;
		}
		sot_buf_consume(&to->left, (size_t)wrote);
	}
	if (s->ends && to->left.n == 0) {
		close_session(s);
		return;
	}
	want(&s->client, &s->server);
	want(&s->server, &s->client);
}

static void count_cut(pg_proxy *p)
{
	p->cuts++;
	p->cut = PG_PROXY_PASS;
}

/* Where the message with this end begins in `data`, or -1. `before` bytes of head precede it. */
static ssize_t find(const char *data, size_t n, const char *marker, size_t marker_n, size_t before)
{
	const char *at = memmem(data, n, marker, marker_n);
	if (!at)
		return -1;
	ssize_t from = at - data - (ssize_t)before;
	return from > 0 ? from : 0;
}

/* Parse message: 'P', length, statement name "", query "COMMIT". */
static void from_client(session *s, const char *chunk, size_t n)
{
	char seen[TAIL + CHUNK];
	memcpy(seen, s->tail, s->tail_n);
	memcpy(seen + s->tail_n, chunk, n);
	size_t seen_n = s->tail_n + n;
	ssize_t commit = find(seen, seen_n, "\0COMMIT\0", 8, 5);
	pg_proxy_cut cut = s->proxy->cut;
	if (commit >= 0 && cut == PG_PROXY_CUT_BEFORE) {
		ssize_t new_bytes = commit - (ssize_t)s->tail_n;
		if (new_bytes > 0)
			sot_buf_add(&s->server.left, chunk, (size_t)new_bytes);
		count_cut(s->proxy);
		s->ends = true;
		send_left(s, &s->server);
		return;
	}
	s->commit_passed |= commit >= 0;
	size_t keep = seen_n < TAIL ? seen_n : TAIL;
	memmove(s->tail, seen + seen_n - keep, keep);
	s->tail_n = keep;
	sot_buf_add(&s->server.left, chunk, n);
	if (commit >= 0 && cut == PG_PROXY_CUT_BLIND) {
		count_cut(s->proxy);
		/* The server's side stays, so that it reads and executes what is on its way. */
		close_side(&s->client);
	}
	send_left(s, &s->server);
}

static void on_client(void *self, int fd, int events)
{
	session *s = self;
	if (events & REACTOR_WRITE) {
		send_left(s, &s->client);
		return; /* which may have closed it; what there is to read is told again */
	}
	char chunk[CHUNK];
	ssize_t n = read(fd, chunk, sizeof(chunk));
	if (n > 0)
		from_client(s, chunk, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		close_session(s);
}

/* ErrorResponse as of an administrator who ends the server: severity twice, code, message. */
static const char session_end[] = "E\0\0\0\x2b"
                                  "SFATAL\0VFATAL\0C57P01\0Mthe server ends\0";

static void from_server(session *s, const char *chunk, size_t n)
{
	pg_proxy_cut cut = s->proxy->cut;
	/* CommandComplete: 'C', length 11, "COMMIT". */
	static const char commit[] = "C\0\0\0\x0b"
	                             "COMMIT";
	const char *answer = memmem(chunk, n, commit, sizeof(commit));
	bool answered = answer != NULL;
	if (s->client.fd < 0 && answered) {
		close_session(s);
		return;
	}
	if (s->client.fd < 0 || cut == PG_PROXY_HOLD)
		return;
	bool cuts = s->commit_passed && answered;
	if (cuts && cut == PG_PROXY_CUT_AFTER) {
		count_cut(s->proxy);
		close_session(s);
		return;
	}
	if (cuts && cut == PG_PROXY_CUT_BEHIND) {
		count_cut(s->proxy);
		sot_buf_add(&s->client.left, chunk, (size_t)(answer - chunk) + sizeof(commit));
		sot_buf_add(&s->client.left, session_end, sizeof(session_end));
		s->ends = true;
	} else {
		sot_buf_add(&s->client.left, chunk, n);
	}
	send_left(s, &s->client);
}

static void on_server(void *self, int fd, int events)
{
	session *s = self;
	if (events & REACTOR_WRITE) {
		send_left(s, &s->server);
		return;
	}
	char chunk[CHUNK];
	ssize_t n = read(fd, chunk, sizeof(chunk));
	if (n > 0)
		from_server(s, chunk, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		close_session(s);
}

static int unix_socket(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	(void)snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(fd >= 0);
	return fd;
}

static void on_accept(void *self, int fd, int events)
{
	(void)events;
	pg_proxy *p = self;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client < 0)
		return;
	struct sockaddr_un address;
	int server = unix_socket(p->server_path, &address);
	if (connect(server, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(server);
		close(client);
		return;
	}
	session *s = sot_alloc(sizeof(*s));
	s->proxy = p;
	s->client.fd = client;
	s->server.fd = server;
	sot_buf_init(&s->client.left, 2 * CHUNK);
	sot_buf_init(&s->server.left, 2 * CHUNK);
	sot_list_push(&p->sessions, &s->link);
	s->client.watch = reactor_add_fd(p->loop, client, REACTOR_READ, on_client, s);
	s->server.watch = reactor_add_fd(p->loop, server, REACTOR_READ, on_server, s);
}

pg_proxy *pg_proxy_new(reactor *r, const char *listen_dir, const char *server_dir)
{
	pg_proxy *p = sot_alloc(sizeof(*p));
	p->loop = r;
	sot_list_init(&p->sessions);
	(void)mkdir(listen_dir, 0755);
	(void)snprintf(p->listen_path, sizeof(p->listen_path), "%s/.s.PGSQL.5432", listen_dir);
	(void)snprintf(p->server_path, sizeof(p->server_path), "%s/.s.PGSQL.5432", server_dir);
	struct sockaddr_un address;
	p->listener = unix_socket(p->listen_path, &address);
	(void)unlink(p->listen_path);
	int failed =
	    bind(p->listener, (struct sockaddr *)&address, sizeof(address)) || listen(p->listener, 64);
	assert(!failed);
	(void)failed;
	p->listen_watch = reactor_add_fd(r, p->listener, REACTOR_READ, on_accept, p);
	return p;
}

void pg_proxy_set(pg_proxy *p, pg_proxy_cut cut)
{
	p->cut = cut;
}

unsigned pg_proxy_cuts(const pg_proxy *p)
{
	return p->cuts;
}

pg_proxy *pg_proxy_free(pg_proxy *p)
{
	if (!p)
		return NULL;
	while (!sot_list_empty(&p->sessions))
		close_session(SOT_CONTAINER(p->sessions.next, session, link));
	reactor_remove(p->listen_watch);
	close(p->listener);
	(void)unlink(p->listen_path);
	free(p);
	return NULL;
}
