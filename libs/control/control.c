/* The control socket: accept, one line, one reply. */
#include "control.h"
#include "sot_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 16,
	CLIENT_DEADLINE_MS = 5000,
	LINE_MAX_BYTES = 1024,
	REPLY_MAX_BYTES = 4 * 1024 * 1024,
	ACCEPT_PAUSE_MS = 1000,
};

typedef struct client {
	sot_link link;
	control *c;
	int fd;
	reactor_watch *watch, *deadline;
	sot_buf line, reply;
	size_t replied;
	bool answered;
} client;

struct control {
	reactor *r;
	int fd;
	reactor_watch *watch, *pause;
	const char *service;
	control_health_fn health;
	void *self;
	sot_link clients;
	size_t client_count;
	struct sockaddr_un address;
};

/* ---- one client ---- */

static void client_free(client *k)
{
	reactor_remove(k->watch);
	reactor_remove(k->deadline);
	close(k->fd);
	sot_buf_clear(&k->line);
	sot_buf_clear(&k->reply);
	sot_list_remove(&k->link);
	k->c->client_count--;
	free(k);
}

static void on_client_deadline(void *self, uint64_t missed)
{
	(void)missed;
	client_free(self);
}

static void write_reply(client *k)
{
	while (k->replied < k->reply.n) {
		ssize_t n = send(k->fd, k->reply.p + k->replied, k->reply.n - k->replied, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			reactor_want(k->watch, REACTOR_WRITE);
			return;
		}
		if (n < 0)
			break;
		k->replied += (size_t)n;
	}
	client_free(k);
}

static void answer(client *k, sot_str line)
{
	k->answered = true;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	control_answer(k->c->service, k->c->health, k->c->self, line, &k->reply);
	if (sot_buf_failed(&k->reply)) {
		sot_buf_reset(&k->reply);
		sot_buf_add_c(&k->reply, "error: the reply is too large\n");
	}
	write_reply(k);
}

static void read_line(client *k)
{
	char piece[256];
	ssize_t n = recv(k->fd, piece, sizeof(piece), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_free(k);
		return;
	}
	/* A line that is too long is read to its end all the same: closing with unread bytes would
	 * throw the reply away. The deadline bounds that. */
	bool ends = n == 0 || memchr(piece, '\n', (size_t)n) != NULL;
	sot_buf_add(&k->line, piece, (size_t)n);
	if (!ends)
		return;
	if (sot_buf_failed(&k->line)) {
		answer(k, SOT_STR("(more than 1024 bytes)"));
		return;
	}
	sot_str rest = sot_buf_str(&k->line);
	answer(k, sot_str_cut(rest, '\n', &rest));
}

static void on_client(void *self, int fd, int events)
{
	(void)fd;
	(void)events;
	client *k = self;
	if (k->answered)
		write_reply(k);
	else
		read_line(k);
}

/* ---- the listener ---- */

static void on_pause_over(void *self, uint64_t missed)
{
	(void)missed;
	control *c = self;
	reactor_want(c->watch, REACTOR_READ);
}

static void on_connection(void *self, int fd, int events)
{
	(void)events;
	control *c = self;
	int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client_fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
		reactor_want(c->watch, 0); /* it stays readable: do not spin until there is room */
		reactor_rearm_ms(c->pause, ACCEPT_PAUSE_MS);
	}
	if (client_fd < 0)
		return;
	if (c->client_count >= CLIENTS_MAX) {
		close(client_fd);
		return;
	}
	client *k = sot_alloc(sizeof(*k));
	k->c = c;
	k->fd = client_fd;
	sot_buf_init(&k->line, LINE_MAX_BYTES);
	sot_buf_init(&k->reply, REPLY_MAX_BYTES);
	k->watch = reactor_add_fd(c->r, client_fd, REACTOR_READ, on_client, k);
	k->deadline = reactor_after_ms(c->r, CLIENT_DEADLINE_MS, on_client_deadline, k);
	sot_list_push(&c->clients, &k->link);
	c->client_count++;
}

/* Removes the socket of a process that is gone; SOT_CONFLICT when somebody answers there. */
static sot_code clear_the_way(const struct sockaddr_un *address, sot_err *err)
{
	struct stat st;
	if (lstat(address->sun_path, &st) != 0)
		return SOT_OK; /* bind says what else may be wrong */
	if (!S_ISSOCK(st.st_mode))
		return sot_fail(err, SOT_CONFLICT,
		    "%s is in the way: it is not a socket; remove it, or "
		    "set control_socket to another path",
		    address->sun_path);
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = connect(probe, (const struct sockaddr *)address, sizeof(*address));
	int refused = rc != 0 && errno == ECONNREFUSED;
	if (probe >= 0)
		close(probe);
	if (!refused)
		return sot_fail(err, SOT_CONFLICT, "another process listens on %s", address->sun_path);
	unlink(address->sun_path);
	return SOT_OK;
}

static sot_code bind_socket(control *c, sot_err *err)
{
	const struct sockaddr *address = (const struct sockaddr *)&c->address;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "cannot make the control socket");
	/* Linux takes the mode of the file from the socket: there is no moment of 0777. */
	if (fchmod(c->fd, 0600) != 0 || bind(c->fd, address, sizeof(c->address)) != 0)
		return sot_fail_errno(
		    err, SOT_UNAVAILABLE, errno, "control socket %s", c->address.sun_path);
	if (listen(c->fd, CLIENTS_MAX) != 0)
		return sot_fail_errno(
		    err, SOT_UNAVAILABLE, errno, "control socket %s", c->address.sun_path);
	return SOT_OK;
}

sot_code control_listen(reactor *r, const char *path, const char *service, control_health_fn health,
    void *self, control **ret, sot_err *err)
{
	*ret = NULL;
	if (!path || !*path)
		return SOT_OK;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	sot_code code = sot_str_copy(sot_str_c(path), address.sun_path, sizeof(address.sun_path), err);
	if (code != SOT_OK)
		return sot_wrap(err, "control_socket %s", path);
	code = clear_the_way(&address, err);
	if (code != SOT_OK)
		return code;
	control *c = sot_alloc(sizeof(*c));
	*c = (control){.r = r, .service = service, .health = health, .self = self, .address = address};
	sot_list_init(&c->clients);
	code = bind_socket(c, err);
	if (code != SOT_OK) {
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return code;
	}
	c->pause = reactor_after_ms(r, -1, on_pause_over, c);
	c->watch = reactor_add_fd(r, c->fd, REACTOR_READ, on_connection, c);
	*ret = c;
	return SOT_OK;
}

control *control_free(control *c)
{
	if (!c)
		return NULL;
	while (!sot_list_empty(&c->clients))
		client_free(SOT_CONTAINER(c->clients.next, client, link));
	reactor_remove(c->watch);
	reactor_remove(c->pause);
	close(c->fd);
	unlink(c->address.sun_path);
	free(c);
	return NULL;
}
