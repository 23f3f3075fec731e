/* ZeroMQ sockets in the loop.
 *
 * ZMQ_FD is readable while libzmq has something to tell that no call on the socket has looked at
 * yet; a zmq_send may look, and then messages wait of which the descriptor does not tell. So the
 * descriptor only wakes the loop, and what was touched since it was last found empty is asked for
 * ZMQ_EVENTS before the loop sleeps (sockets_are_waiting). Each such question is two system calls,
 * so nobody else is asked: a turn costs nothing for sockets on which nothing happens.
 *
 * The pass after the sleep (sockets_dispatch) reads those that had messages then or were woken
 * since, until libzmq says that there is none: it has looked at everything then. A pass gives each
 * socket a bounded number of calls, and who has more comes last in the next: a flooded socket
 * starves neither its neighbours nor the timers.
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

static void activate(reactor_watch *w)
{
	if (!w->removed && sot_list_empty(&w->active))
		sot_list_push(&w->r->active, &w->active);
}

bool sockets_are_waiting(reactor *r)
{
	for (sot_link *l = r->active.next, *next; l != &r->active; l = next) {
		reactor_watch *w = SOT_CONTAINER(l, reactor_watch, active);
		next = l->next;
		w->maybe_ready |= w->is_touched && is_readable(w);
		w->is_touched = false;
		if (!w->maybe_ready)
			sot_list_remove(l);
	}
	return !sot_list_empty(&r->active);
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
	if (!w)
		return;
	w->is_touched = true;
	activate(w);
}

void sockets_dispatch(reactor *r)
{
	/* What becomes active meanwhile has to wait for the next pass, or a handler that re-registers
	 * its socket would keep this pass for itself. What still holds messages comes last then. */
	sot_link pass;
	sot_list_init(&pass);
	while (!sot_list_empty(&r->active)) {
		sot_link *first = r->active.next;
		sot_list_remove(first);
		sot_list_push(&pass, first);
	}
	while (!sot_list_empty(&pass)) {
		reactor_watch *w = SOT_CONTAINER(pass.next, reactor_watch, active);
		sot_list_remove(&w->active);
		if (w->maybe_ready)
			read_some(w);
		if (w->is_touched)
			activate(w);
	}
}

static void on_wake(uv_poll_t *handle, int status, int events)
{
	(void)status;
	(void)events; /* the check phase of this turn reads the socket */
	reactor_watch *w = handle->data;
	w->maybe_ready = true;
	activate(w);
}

reactor_watch *reactor_add_socket(reactor *r, void *zmq_socket, reactor_socket_fn fn, void *self)
{
	reactor_watch *w = watch_new(r, WATCH_SOCKET, self);
	w->zmq_socket = zmq_socket;
	w->fn.socket = fn;
	reactor_touched(w); /* nobody knows what was done before */
	size_t size = sizeof(w->fd);
	int rc = zmq_getsockopt(zmq_socket, ZMQ_FD, &w->fd, &size);
	watch_must(rc == 0 ? 0 : UV_EINVAL, "reading ZMQ_FD");
	watch_must(uv_poll_init(r->loop, &w->uv.poll, w->fd), "watching a ZeroMQ socket");
	w->uv.poll.data = w;
	watch_must(uv_poll_start(&w->uv.poll, UV_READABLE, on_wake), "watching a ZeroMQ socket");
	return w;
}
