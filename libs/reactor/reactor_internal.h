/* reactor_internal - what the files of libs/reactor share. Not for users of the library. */
#ifndef REACTOR_INTERNAL_H
#define REACTOR_INTERNAL_H

#include "reactor.h"
#include "sot_map.h"

#include <uv.h>

typedef struct deferred {
	void (*fn)(void *self); /* NULL once forgotten */
	void *self;
} deferred;

struct reactor {
	uv_loop_t *loop;
	uv_prepare_t prepare;   /* before the loop sleeps: does any socket or deferred call wait? */
	uv_idle_t keep_turning; /* active while something waits: the poll then does not block */
	uv_check_t check;       /* after the poll: sockets, then deferred calls */
	uv_timer_t turn_limit;  /* how long reactor_turn may wait */
	sot_link watches;
	sot_link active; /* sockets that are touched or maybe ready, in the order of the next pass */
	sot_link children, works;
	deferred *deferred;
	size_t deferred_count, deferred_cap;
	sot_wall *wall; /* the wall clock at `wall_of_ms` of the loop's clock */
	int64_t *wall_of_ms;
	bool turning, stopping, freeing;
	reactor_watch *timer; /* whose handler runs */
	bool limit_passed;    /* turn_limit fired in this turn */
};

typedef enum watch_kind { WATCH_FD, WATCH_SOCKET, WATCH_TIMER, WATCH_SIGNAL } watch_kind;

struct reactor_watch {
	union {
		uv_handle_t any;
		uv_poll_t poll;
		uv_timer_t timer;
		uv_signal_t signal;
	} uv;
	reactor *r;
	sot_link link;
	watch_kind kind;
	bool removed; /* uv_close was called; memory goes at the end of the turn */
	void *self;
	union {
		reactor_fd_fn fd;
		reactor_socket_fn socket;
		reactor_timer_fn timer;
		reactor_signal_fn signal;
	} fn;
	int fd, events;      /* WATCH_FD */
	void *zmq_socket;    /* WATCH_SOCKET */
	sot_link active;     /* WATCH_SOCKET: in reactor.active, while one of these is true: */
	bool maybe_ready;    /* look at it in this turn's pass */
	bool is_touched;     /* its descriptor may not tell of what it holds */
	int64_t interval_ms; /* WATCH_TIMER; 0 = one shot */
	int64_t due_ms;      /* on the loop's clock */
	bool is_soon;        /* WATCH_TIMER: due at the end of this turn, a deferred call */
};

/* A new watch, its uv handle not yet initialised. */
reactor_watch *watch_new(reactor *r, watch_kind kind, void *self);
/* Aborts with the reason when a libuv call that adds a watch failed. */
void watch_must(int uv_status, const char *what);

/* Does any socket hold a message that its descriptor will not tell of? */
bool sockets_are_waiting(reactor *r);
/* One pass over the active sockets, each for a bounded number of handler calls. */
void sockets_dispatch(reactor *r);

/* Kills and reaps what still runs, without calling `done`. */
void children_abandon(reactor *r);
/* Cancels queued work; what runs is waited for by the loop. */
void works_cancel(reactor *r);

#endif
