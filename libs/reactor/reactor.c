#include "reactor_internal.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOGETHER_MS = 500 };

void watch_must(int uv_status, const char *what)
{
	if (uv_status == 0)
		return;
	fprintf(stderr, "reactor: %s: %s\n", what, uv_strerror(uv_status));
	abort();
}

reactor_watch *watch_new(reactor *r, watch_kind kind, void *self)
{
	reactor_watch *w = sot_alloc(sizeof(*w));
	w->r = r;
	w->kind = kind;
	w->self = self;
	w->fd = -1;
	sot_list_init(&w->active);
	sot_list_push(&r->watches, &w->link);
	/* Outside a turn the loop's clock stands still; timers must count from now. */
	if (!r->turning)
		uv_update_time(r->loop);
	return w;
}

/* ---- the turn ---- */

static void on_idle(uv_idle_t *handle)
{
	(void)handle; /* its being active is all: the poll does not block */
}

static void on_turn_limit(uv_timer_t *handle)
{
	reactor *r = handle->data;
	r->limit_passed = true;
}

static void on_prepare(uv_prepare_t *handle)
{
	reactor *r = handle->data;
	/* The limit may pass before the poll begins, when the timers are run: nothing would end it. */
	if (sockets_are_waiting(r) || r->deferred_count > 0 || r->limit_passed) {
		uv_idle_start(&r->keep_turning, on_idle);
	} else {
		uv_idle_stop(&r->keep_turning);
	}
}

static void run_deferred(reactor *r)
{
	size_t count = r->deferred_count; /* what is added meanwhile is for the next turn */
	for (size_t i = 0; i < count; i++) {
		deferred d = r->deferred[i];
		r->deferred[i].fn = NULL;
		if (d.fn)
			d.fn(d.self);
	}
	for (size_t i = count; i < r->deferred_count; i++)
		r->deferred[i - count] = r->deferred[i];
	r->deferred_count -= count;
}

static void on_check(uv_check_t *handle)
{
	reactor *r = handle->data;
	sockets_dispatch(r);
	run_deferred(r);
}

void reactor_defer(reactor *r, void (*fn)(void *self), void *self)
{
	if (r->deferred_count == r->deferred_cap) {
		size_t cap = r->deferred_cap ? r->deferred_cap * 2 : 16;
		r->deferred = sot_grow_array(r->deferred, r->deferred_cap, cap, sizeof(*r->deferred));
		r->deferred_cap = cap;
	}
	r->deferred[r->deferred_count++] = (deferred){fn, self};
}

void reactor_undefer(reactor *r, const void *self)
{
	for (size_t i = 0; i < r->deferred_count; i++)
		if (r->deferred[i].self == self)
			r->deferred[i].fn = NULL;
}

/* ---- life ---- */

sot_code reactor_new(reactor **ret, sot_err *err)
{
	uv_loop_t *loop = sot_alloc(sizeof(*loop));
	int status = uv_loop_init(loop);
	if (status != 0) {
		free(loop);
		return sot_fail_errno(err, SOT_UNAVAILABLE, -status, "cannot make an event loop");
	}
	signal(SIGPIPE, SIG_IGN);
	reactor *r = sot_alloc(sizeof(*r));
	r->loop = loop;
	r->wall = sot_alloc(sizeof(*r->wall));
	r->wall_of_ms = sot_alloc(sizeof(*r->wall_of_ms));
	*r->wall_of_ms = -1;
	sot_list_init(&r->watches);
	sot_list_init(&r->active);
	sot_list_init(&r->children);
	sot_list_init(&r->works);
	uv_prepare_init(loop, &r->prepare);
	uv_idle_init(loop, &r->keep_turning);
	uv_check_init(loop, &r->check);
	uv_timer_init(loop, &r->turn_limit);
	r->prepare.data = r->check.data = r->turn_limit.data = r;
	uv_prepare_start(&r->prepare, on_prepare);
	uv_check_start(&r->check, on_check);
	*ret = r;
	return SOT_OK;
}

static void remove_all(sot_link *list)
{
	for (sot_link *l = list->next; l != list; l = l->next)
		reactor_remove(SOT_CONTAINER(l, reactor_watch, link));
}

reactor *reactor_free(reactor *r)
{
	if (!r)
		return NULL;
	assert(!r->turning); /* never inside a handler: use reactor_stop */
	r->freeing = true;
	children_abandon(r);
	works_cancel(r);
	remove_all(&r->watches);
	uv_close((uv_handle_t *)&r->prepare, NULL);
	uv_close((uv_handle_t *)&r->keep_turning, NULL);
	uv_close((uv_handle_t *)&r->check, NULL);
	uv_close((uv_handle_t *)&r->turn_limit, NULL);
	uv_run(r->loop, UV_RUN_DEFAULT); /* ends when all is closed and no work runs */
	watch_must(uv_loop_close(r->loop), "closing the loop");
	free(r->loop);
	free(r->deferred);
	free(r->wall);
	free(r->wall_of_ms);
	free(r);
	return NULL;
}

sot_code reactor_run(reactor *r, sot_err *err)
{
	if (r->turning)
		return sot_fail(err, SOT_CONFLICT, "the event loop runs already");
	r->turning = true;
	while (!r->stopping)
		uv_run(r->loop, UV_RUN_DEFAULT);
	r->turning = r->stopping = false;
	return SOT_OK;
}

void reactor_stop(reactor *r)
{
	r->stopping = true;
	uv_stop(r->loop);
}

void reactor_turn(reactor *r, int64_t timeout_ms)
{
	assert(!r->turning);
	r->limit_passed = false;
	uv_update_time(r->loop);
	if (timeout_ms > 0)
		uv_timer_start(&r->turn_limit, on_turn_limit, (uint64_t)timeout_ms, 0);
	r->turning = true;
	uv_run(r->loop, timeout_ms > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	r->turning = false;
	uv_timer_stop(&r->turn_limit);
	r->limit_passed = false;
}

sot_mono reactor_now(const reactor *r)
{
	if (!r->turning)
		uv_update_time(r->loop);
	return (sot_mono){(int64_t)uv_now(r->loop)};
}

sot_wall reactor_wall(const reactor *r)
{
	int64_t now_ms = reactor_now(r).ms;
	if (now_ms != *r->wall_of_ms) {
		*r->wall_of_ms = now_ms;
		*r->wall = sot_wall_now();
	}
	return *r->wall;
}

/* ---- file descriptors ---- */

static int to_uv(int events)
{
	return ((events & REACTOR_READ) ? UV_READABLE : 0) |
	       ((events & REACTOR_WRITE) ? UV_WRITABLE : 0);
}

static void on_fd(uv_poll_t *handle, int status, int uv_events)
{
	reactor_watch *w = handle->data;
	int events = ((uv_events & UV_READABLE) ? REACTOR_READ : 0) |
	             ((uv_events & UV_WRITABLE) ? REACTOR_WRITE : 0);
	/* POLLERR: libuv has stopped the handle. The owner finds the cause by reading or writing, so it
	 * is told of both; the interest is put back, as the watch is level-triggered. */
	if (status < 0)
		events = REACTOR_ERROR | (w->events & (REACTOR_READ | REACTOR_WRITE));
	w->fn.fd(w->self, w->fd, events);
	if (status < 0 && !w->removed)
		reactor_want(w, w->events);
}

reactor_watch *reactor_add_fd(reactor *r, int fd, int events, reactor_fd_fn fn, void *self)
{
	reactor_watch *w = watch_new(r, WATCH_FD, self);
	w->fd = fd;
	w->fn.fd = fn;
	watch_must(uv_poll_init(r->loop, &w->uv.poll, fd), "watching a file descriptor");
	w->uv.poll.data = w;
	reactor_want(w, events);
	return w;
}

void reactor_want(reactor_watch *w, int events)
{
	assert(w->kind == WATCH_FD && !w->removed);
	w->events = events;
	int uv_events = to_uv(events);
	int status =
	    uv_events ? uv_poll_start(&w->uv.poll, uv_events, on_fd) : uv_poll_stop(&w->uv.poll);
	watch_must(status, "changing the interest in a file descriptor");
}

/* ---- timers ---- */

static void run_timer(reactor_watch *w)
{
	uint64_t missed = 0;
	if (w->interval_ms > 0) {
		int64_t late_ms = (int64_t)uv_now(w->r->loop) - w->due_ms;
		missed = (uint64_t)(late_ms / w->interval_ms);
		int64_t next_in_ms = w->interval_ms - late_ms % w->interval_ms;
		reactor_rearm_ms(w, next_in_ms); /* before the handler, which may re-arm or remove it */
	}
	reactor *r = w->r;
	r->timer = w;
	w->fn.timer(w->self, missed);
	r->timer = NULL;
}

static void on_timer(uv_timer_t *handle)
{
	run_timer(handle->data);
}

static void on_soon(void *self)
{
	reactor_watch *w = self;
	w->is_soon = false;
	run_timer(w);
}

static void forget_soon(reactor_watch *w)
{
	if (w->is_soon)
		reactor_undefer(w->r, w);
	w->is_soon = false;
}

static reactor_watch *add_timer(
    reactor *r, int64_t delay_ms, int64_t interval_ms, reactor_timer_fn fn, void *self)
{
	reactor_watch *w = watch_new(r, WATCH_TIMER, self);
	w->fn.timer = fn;
	w->interval_ms = interval_ms;
	uv_timer_init(r->loop, &w->uv.timer);
	w->uv.timer.data = w;
	reactor_rearm_ms(w, delay_ms);
	return w;
}

reactor_watch *reactor_every_ms(reactor *r, int64_t interval_ms, reactor_timer_fn fn, void *self)
{
	assert(interval_ms > 0);
	return add_timer(r, interval_ms, interval_ms, fn, self);
}

reactor_watch *reactor_together_ms(reactor *r, int64_t interval_ms, reactor_timer_fn fn, void *self)
{
	assert(interval_ms > 0);
	bool is_whole = interval_ms % TOGETHER_MS == 0;
	int64_t early_ms = is_whole ? (reactor_now(r).ms + interval_ms) % TOGETHER_MS : 0;
	return add_timer(r, interval_ms - early_ms, interval_ms, fn, self);
}

reactor_watch *reactor_after_ms(reactor *r, int64_t delay_ms, reactor_timer_fn fn, void *self)
{
	return add_timer(r, delay_ms, 0, fn, self);
}

void reactor_rearm_ms(reactor_watch *w, int64_t delay_ms)
{
	assert(w->kind == WATCH_TIMER && !w->removed);
	forget_soon(w);
	if (delay_ms < 0) {
		uv_timer_stop(&w->uv.timer);
		return;
	}
	/* libuv runs a timer that is due at once in the same pass: a handler that re-arms itself with 0
	 * would never let go of the loop, and one that has nothing to do yet would never rest. What it
	 * arms besides is due in this turn: a millisecond would be paid by every transaction that is
	 * begun in a timer's handler. */
	bool is_soon = delay_ms == 0 && w->r->timer && w->r->timer != w;
	if (delay_ms == 0 && w->r->timer == w)
		delay_ms = 1;
	w->due_ms = reactor_now(w->r).ms + delay_ms;
	if (is_soon) {
		uv_timer_stop(&w->uv.timer);
		w->is_soon = true;
		reactor_defer(w->r, on_soon, w);
		return;
	}
	watch_must(uv_timer_start(&w->uv.timer, on_timer, (uint64_t)delay_ms, 0), "arming a timer");
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int signo)
{
	reactor_watch *w = handle->data;
	if (!w->removed)
		w->fn.signal(w->self, signo);
}

reactor_watch *reactor_add_signal(reactor *r, int signo, reactor_signal_fn fn, void *self)
{
	reactor_watch *w = watch_new(r, WATCH_SIGNAL, self);
	w->fn.signal = fn;
	watch_must(uv_signal_init(r->loop, &w->uv.signal), "preparing for a signal");
	w->uv.signal.data = w;
	watch_must(uv_signal_start(&w->uv.signal, on_signal, signo), "waiting for a signal");
	return w;
}

/* ---- removal, in two phases ---- */

static void on_closed(uv_handle_t *handle)
{
	reactor_watch *w = handle->data;
	sot_list_remove(&w->link);
	free(w);
}

reactor_watch *reactor_remove(reactor_watch *w)
{
	if (!w || w->removed)
		return NULL;
	w->removed = true;
	sot_list_remove(&w->active);
	forget_soon(w);
	/* uv_close stops the handle at once (a closed fd may be reused by the caller right away); the
	 * list keeps the watch until the end of the turn, so passes over it stay valid. */
	uv_close(&w->uv.any, on_closed);
	return NULL;
}
