/* ZeroMQ sockets in the loop.
 *
 * ZMQ_FD is readable while libzmq has something to tell that no call on the socket has looked at
 * yet; a zmq_send may look, and then messages wait of which the descriptor does not tell. So the
 * descriptor only wakes the loop, and what was touched since it was last found empty is asked for
 * ZMQ_EVENTS before the loop sleeps (sockets_are_waiting). Each such question is two system calls,
 * so nobody else is asked. The pass after the sleep (sockets_dispatch) reads those that had messages
 * then or were woken since, until libzmq says that there is none: it has looked at everything then.
 * A pass gives each socket a bounded number of calls and begins with another socket each time, so a
 * flooded socket starves neither its neighbours nor the timers.
 */
#include "reactor_internal.h"

#include <zmq.h>

enum { CALLS_PER_PASS = 32 };

static bool is_readable(const reactor_watch *w)
{
	int events = 0;
	size_t size = sizeof(events);
	/* Fails with ETERM only while the context ends: then there is nothing to read. */
	if (zmq_getsockopt(w->zmq_socket, ZMQ_EVENTS, &events, &size) != 0)
		return false;
	return (events & ZMQ_POLLIN) != 0;
}

bool sockets_are_waiting(reactor *r)
{
	bool any = false;
	for (sot_link *l = r->sockets.next; l != &r->sockets; l = l->next) {
		reactor_watch *w = SOT_CONTAINER(l, reactor_watch, link);
		if (w->removed)
			continue;
		w->maybe_ready |= w->is_touched && is_readable(w);
		w->is_touched = false;
		any |= w->maybe_ready; /* no early end: what was touched is to be woken by its descriptor */
	}
	return any;
}

static void read_some(reactor_watch *w)
{
	bool came = true;
	w->maybe_ready = false;
	for (int n = 0; came && n < CALLS_PER_PASS && !w->removed; n++)
		came = w->fn.socket(w->self, w->zmq_socket);
	w->is_touched = came;
}

void reactor_touched(reactor_watch *w)
{
	if (w)
		w->is_touched = true;
}

void sockets_dispatch(reactor *r)
{
	/* What handlers add comes at the tail and has to wait for the next pass, or a handler that
	 * re-registers its socket would keep this pass for itself. */
	const sot_link *last = r->sockets.prev;
	for (sot_link *l = &r->sockets; l != last;) {
		l = l->next;
		reactor_watch *w = SOT_CONTAINER(l, reactor_watch, link);
		if (w->maybe_ready)
			read_some(w);
	}
	if (!sot_list_empty(&r->sockets)) {
		sot_link *first = r->sockets.next;
		sot_list_remove(first);
		sot_list_push(&r->sockets, first);
	}
}

static void on_wake(uv_poll_t *handle, int status, int events)
{
	(void)status;
	(void)events; /* the check phase of this turn reads ZMQ_EVENTS */
	reactor_watch *w = handle->data;
	w->maybe_ready = true;
}

reactor_watch *reactor_add_socket(reactor *r, void *zmq_socket, reactor_socket_fn fn, void *self)
{
	reactor_watch *w = watch_new(r, WATCH_SOCKET, &r->sockets, self);
	w->zmq_socket = zmq_socket;
	w->fn.socket = fn;
	w->is_touched = true; /* nobody knows what was done before */
	size_t size = sizeof(w->fd);
	int rc = zmq_getsockopt(zmq_socket, ZMQ_FD, &w->fd, &size);
	watch_must(rc == 0 ? 0 : UV_EINVAL, "reading ZMQ_FD");
	watch_must(uv_poll_init(r->loop, &w->uv.poll, w->fd), "watching a ZeroMQ socket");
	w->uv.poll.data = w;
	watch_must(uv_poll_start(&w->uv.poll, UV_READABLE, on_wake), "watching a ZeroMQ socket");
	return w;
}
