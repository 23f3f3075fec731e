#include "exec_entry.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "inside.h"

enum { WAITING_MAX = 2 * EXEC_WINDOW * EXEC_FRAME_MAX, TURN_MAX = 32, HEAD = 2 };

struct exec_entry {
	int fd;
	reactor_watch *watch;
	exec_entry_events events;
	void *self;
	sot_buf waiting; /* packets with two bytes of length before each */
	bool ends;
};

static sot_code connect_to(int fd, int pid, sot_err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct ucred who = {.pid = -1};
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(EXEC_DOOR_NAME));
	socklen_t who_n = sizeof(who);
	memcpy(at.sun_path + 1, EXEC_DOOR_NAME, sizeof(EXEC_DOOR_NAME) - 1);
	if (connect(fd, (struct sockaddr *)&at, n) != 0)
		return sot_fail(err, SOT_UNAVAILABLE, "%s",
		    errno == EAGAIN
		        ? "the instance does not take another session now; try again"
		        : "the instance cannot be entered: PID 1 of its image is not sotalia-init, or one "
		          "from before exec; rebuild it with a newer image");
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_n) != 0 || who.pid != pid)
		return sot_fail(err, SOT_UNAVAILABLE, "it is not PID 1 of the instance that answers");
	return SOT_OK;
}

static void want(exec_entry *e)
{
	reactor_want(e->watch, REACTOR_READ | (e->waiting.n > 0 ? REACTOR_WRITE : 0));
}

/* True: the packet is gone, or nobody takes it any more (which reading tells). */
static bool send_now(exec_entry *e, const void *bytes, size_t n)
{
	ssize_t sent = send(e->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent >= 0 || (errno != EAGAIN && errno != EINTR && errno != ENOBUFS);
}

static void send_waiting(exec_entry *e)
{
	while (e->waiting.n >= HEAD) {
		const uint8_t *p = (const uint8_t *)e->waiting.p;
		size_t n = (size_t)p[0] << 8 | p[1];
		if (!send_now(e, p + HEAD, n))
			break;
		sot_buf_consume(&e->waiting, HEAD + n);
	}
	want(e);
}

bool exec_entry_send(exec_entry *e, sot_str bytes)
{
	if (e->ends || bytes.n == 0 || bytes.n > EXEC_FRAME_MAX)
		return false;
	if (e->waiting.n == 0 && send_now(e, bytes.p, bytes.n))
		return true;
	char head[HEAD] = {(char)(bytes.n >> 8), (char)bytes.n};
	sot_buf_add(&e->waiting, head, HEAD);
	sot_buf_add_str(&e->waiting, bytes);
	bool taken = !sot_buf_failed(&e->waiting);
	want(e);
	return taken;
}

static void over(exec_entry *e)
{
	e->watch = reactor_remove(e->watch);
	e->events.on_over(e->self);
}

/* One packet. False: none is there, or the connection is over. */
static bool read_one(exec_entry *e)
{
	uint8_t bytes[EXEC_FRAME_MAX + 1];
	exec_frame f;
	ssize_t n = recv(e->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* The other side closed with packets of ours unread (the end of an input that nobody needs any
	 * more). The kernel tells that once, before what had been sent to us: the status of the program
	 * is still to be read. */
	if (n < 0 && errno == ECONNRESET)
		return true;
	if (n <= 0) {
		over(e);
		return false;
	}
	if (exec_frame_parse(bytes, (size_t)n, &f) && !e->ends)
		e->events.on_frame(e->self, &f, (sot_str){(const char *)bytes, (size_t)n});
	return true;
}

static void on_ready(void *self, int fd, int events)
{
	exec_entry *e = self;
	(void)fd;
	if (events & REACTOR_WRITE)
		send_waiting(e);
	for (int i = 0; i < TURN_MAX && read_one(e); i++)
		continue;
}

sot_code exec_entry_open(reactor *r, int pid, const exec_frame *open,
    const exec_entry_events *events, void *self, exec_entry **ret, sot_err *err)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	size_t n = exec_frame_write(open, bytes);
	if (n == 0)
		return sot_fail(err, SOT_INVALID, "the account or the command is too long");
	int netns = inside_open(pid);
	int fd = netns >= 0 ? inside_socket(netns, AF_UNIX, SOCK_SEQPACKET) : -1;
	if (netns >= 0)
		close(netns);
	if (fd < 0)
		return sot_fail(err, SOT_UNAVAILABLE, "the instance does not run");
	sot_code code = connect_to(fd, pid, err);
	if (code != SOT_OK) {
		close(fd);
		return code;
	}
	exec_entry *e = sot_alloc(sizeof(*e));
	e->fd = fd;
	e->events = *events;
	e->self = self;
	sot_buf_init(&e->waiting, WAITING_MAX);
	e->watch = reactor_add_fd(r, fd, REACTOR_READ, on_ready, e);
	(void)exec_entry_send(e, (sot_str){(const char *)bytes, n});
	*ret = e;
	return SOT_OK;
}

void exec_entry_end(exec_entry *e)
{
	if (e->ends)
		return;
	e->ends = true;
	sot_buf_clear(&e->waiting);
	want(e);
	(void)shutdown(e->fd, SHUT_WR);
}

exec_entry *exec_entry_free(exec_entry *e)
{
	if (e) {
		reactor_remove(e->watch);
		close(e->fd);
		sot_buf_clear(&e->waiting);
		free(e);
	}
	return NULL;
}
