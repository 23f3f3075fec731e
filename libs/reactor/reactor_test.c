/* The three trials that any event loop of Sotalia must pass (signals, starvation, timer grid), and
 * the promises of reactor.h: removal anywhere, level-triggering, deferred calls, the work queue. */
#include "reactor.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

/* Long enough that only a hang reaches it. */
enum { HANG_MS = 20000 };

static reactor *make(void)
{
	reactor *r = NULL;
	sot_err err;
	assert_int_equal(reactor_new(&r, &err), SOT_OK);
	return r;
}

static void turns(reactor *r, int count)
{
	for (int i = 0; i < count; i++)
		reactor_turn(r, 0);
}

/* ---- trial 1 ---- */

typedef struct signal_trial {
	reactor *r;
	int seen;
} signal_trial;

static void count_signal(void *self, int signo)
{
	signal_trial *t = self;
	assert_int_equal(signo, SIGUSR1);
	if (++t->seen == 20)
		reactor_stop(t->r);
}

static void twenty_signals_are_delivered_and_do_not_end_the_loop(void **state)
{
	(void)state;
	sot_err err;
	SOT_AUTO(reactor) r = make();
	signal_trial t = {.r = r};
	reactor_add_signal(r, SIGUSR1, count_signal, &t);
	for (int i = 0; i < 20; i++)
		kill(getpid(), SIGUSR1);
	assert_int_equal(reactor_run(r, &err), SOT_OK);
	assert_int_equal(t.seen, 20);
}

/* ---- trial 2 ---- */

typedef struct socket_pair {
	void *near, *far;
	reactor_watch *watch;
	int calls;
} socket_pair;

typedef struct starvation_trial {
	reactor *r;
	void *context;
	socket_pair greedy, modest;
	int greedy_calls_when_modest_was_done;
} starvation_trial;

static void pair_open(void *context, socket_pair *p, const char *endpoint)
{
	p->near = zmq_socket(context, ZMQ_PAIR);
	p->far = zmq_socket(context, ZMQ_PAIR);
	int no_limit = 0;
	zmq_setsockopt(p->near, ZMQ_RCVHWM, &no_limit, sizeof(no_limit));
	zmq_setsockopt(p->far, ZMQ_SNDHWM, &no_limit, sizeof(no_limit));
	assert_int_equal(zmq_bind(p->near, endpoint), 0);
	assert_int_equal(zmq_connect(p->far, endpoint), 0);
}

static void pair_close(socket_pair *p)
{
	reactor_remove(p->watch);
	zmq_close(p->near);
	zmq_close(p->far);
}

static void pair_send(socket_pair *p, int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(zmq_send(p->far, "x", 1, 0), 1);
}

static bool receive_one(void *zmq_socket)
{
	char byte;
	return zmq_recv(zmq_socket, &byte, 1, ZMQ_DONTWAIT) == 1;
}

static bool greedy_read(void *self, void *zmq_socket)
{
	starvation_trial *t = self;
	if (!receive_one(zmq_socket))
		return false;
	t->greedy.calls++;
	reactor_remove(t->greedy.watch);
	t->greedy.watch = reactor_add_socket(t->r, zmq_socket, greedy_read, t);
	return true;
}

static bool modest_read(void *self, void *zmq_socket)
{
	starvation_trial *t = self;
	if (!receive_one(zmq_socket))
		return false;
	if (++t->modest.calls == 10)
		t->greedy_calls_when_modest_was_done = t->greedy.calls;
	return true;
}

static void a_socket_that_re_registers_itself_does_not_starve_another(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	starvation_trial t = {.r = r, .context = zmq_ctx_new()};
	pair_open(t.context, &t.greedy, "inproc://greedy");
	pair_open(t.context, &t.modest, "inproc://modest");
	pair_send(&t.greedy, 1000);
	pair_send(&t.modest, 10);
	t.greedy.watch = reactor_add_socket(r, t.greedy.near, greedy_read, &t);
	t.modest.watch = reactor_add_socket(r, t.modest.near, modest_read, &t);
	for (int i = 0; i < 2000 && t.greedy.calls < 1000; i++)
		reactor_turn(r, 0);
	assert_int_equal(t.greedy.calls, 1000);
	assert_int_equal(t.modest.calls, 10);
	assert_in_range(t.greedy_calls_when_modest_was_done, 0, 100);
	pair_close(&t.greedy);
	pair_close(&t.modest);
	zmq_ctx_term(t.context);
}

typedef struct flood {
	socket_pair *pair;
	int timer_calls;
	int calls_at_first_timer;
} flood;

static bool flood_read(void *self, void *zmq_socket)
{
	flood *f = self;
	if (!receive_one(zmq_socket))
		return false;
	f->pair->calls++;
	assert_int_equal(zmq_send(f->pair->far, "x", 1, 0), 1); /* never runs dry */
	return true;
}

static void flood_timer(void *self, uint64_t missed)
{
	(void)missed;
	flood *f = self;
	if (f->timer_calls++ == 0)
		f->calls_at_first_timer = f->pair->calls;
}

static void a_flooded_socket_does_not_starve_timers(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	void *context = zmq_ctx_new();
	socket_pair p = {0};
	pair_open(context, &p, "inproc://flood");
	pair_send(&p, 100);
	flood f = {.pair = &p};
	p.watch = reactor_add_socket(r, p.near, flood_read, &f);
	reactor_watch *timer = reactor_every_ms(r, 1, flood_timer, &f);
	for (int i = 0; i < 1000000 && f.timer_calls < 3; i++)
		reactor_turn(r, 0);
	assert_int_equal(f.timer_calls, 3);
	assert_true(p.calls > 100);
	reactor_remove(timer);
	pair_close(&p);
	zmq_ctx_term(context);
}

typedef struct edge_trial {
	reactor *r;
	bool received, hung;
} edge_trial;

static bool stop_on_message(void *self, void *zmq_socket)
{
	edge_trial *t = self;
	if (!receive_one(zmq_socket))
		return false;
	t->received = true;
	reactor_stop(t->r);
	return true;
}

static void stop_hung(void *self, uint64_t missed)
{
	(void)missed;
	edge_trial *t = self;
	t->hung = true;
	reactor_stop(t->r);
}

static void a_message_whose_edge_was_eaten_still_wakes_the_loop(void **state)
{
	(void)state;
	sot_err err;
	SOT_AUTO(reactor) r = make();
	void *context = zmq_ctx_new();
	socket_pair p = {0};
	pair_open(context, &p, "inproc://edge");
	edge_trial t = {.r = r};
	p.watch = reactor_add_socket(r, p.near, stop_on_message, &t);
	turns(r, 3);
	pair_send(&p, 1);
	int events = 0;
	size_t size = sizeof(events);
	assert_int_equal(zmq_getsockopt(p.near, ZMQ_EVENTS, &events, &size), 0); /* eats the edge */
	assert_true(events & ZMQ_POLLIN);
	reactor_touched(p.watch);
	reactor_after_ms(r, HANG_MS, stop_hung, &t);
	assert_int_equal(reactor_run(r, &err), SOT_OK);
	assert_true(t.received);
	assert_false(t.hung);
	pair_close(&p);
	zmq_ctx_term(context);
}

typedef struct fd_trial {
	reactor *r;
	reactor_watch *greedy, *modest;
	int greedy_calls, modest_calls;
} fd_trial;

static void read_byte(int fd)
{
	char byte;
	assert_int_equal(read(fd, &byte, 1), 1);
}

static void greedy_fd(void *self, int fd, int events)
{
	(void)events;
	fd_trial *t = self;
	read_byte(fd);
	t->greedy_calls++;
	reactor_remove(t->greedy);
	t->greedy = reactor_add_fd(t->r, fd, REACTOR_READ, greedy_fd, t);
}

static void modest_fd(void *self, int fd, int events)
{
	(void)events;
	fd_trial *t = self;
	read_byte(fd);
	t->modest_calls++;
}

static void a_file_descriptor_that_re_registers_itself_does_not_starve_another(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	int greedy[2], modest[2];
	assert_int_equal(pipe(greedy) | pipe(modest), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(write(greedy[1], "x", 1), 1);
	assert_int_equal(write(modest[1], "0123456789", 10), 10);
	fd_trial t = {.r = r};
	t.greedy = reactor_add_fd(r, greedy[0], REACTOR_READ, greedy_fd, &t);
	t.modest = reactor_add_fd(r, modest[0], REACTOR_READ, modest_fd, &t);
	turns(r, 50);
	assert_int_equal(t.modest_calls, 10);
	assert_in_range(t.greedy_calls, 40, 1000);
	reactor_remove(t.greedy);
	reactor_remove(t.modest);
	turns(r, 1);
	close(greedy[0]), close(greedy[1]), close(modest[0]), close(modest[1]);
}

/* ---- trial 3 ---- */

typedef struct grid_trial {
	reactor *r;
	sot_mono start;
	uint64_t calls, missed, most_missed;
} grid_trial;

static void spin_ms(int64_t duration_ms)
{
	sot_mono until = sot_mono_add_ms(sot_mono_now(), duration_ms);
	while (!sot_mono_reached(sot_mono_now(), until))
		;
}

static void on_grid(void *self, uint64_t missed)
{
	grid_trial *t = self;
	t->calls++;
	t->missed += missed;
	if (missed > t->most_missed)
		t->most_missed = missed;
	/* Every tick up to now was either called or told as missed: no burst, no drift. Exact on any
	 * machine, as it is the loop's own clock that is asked. */
	int64_t elapsed_ms = sot_mono_diff_ms(reactor_now(t->r), t->start);
	assert_int_equal(t->calls + t->missed, elapsed_ms / 50);
	if (t->calls == 3)
		spin_ms(500);
	if (t->calls == 7)
		reactor_stop(t->r);
}

static void a_blocked_timer_makes_one_call_tells_the_missed_and_stays_on_its_grid(void **state)
{
	(void)state;
	sot_err err;
	SOT_AUTO(reactor) r = make();
	grid_trial t = {.r = r};
	reactor_every_ms(r, 50, on_grid, &t);
	t.start = reactor_now(r);
	assert_int_equal(reactor_run(r, &err), SOT_OK);
	assert_int_equal(t.calls, 7);
	assert_true(t.most_missed >= 9);
}

/* ---- removal ---- */

enum { KINDS = 4 };

typedef struct removal {
	reactor_watch *first, *second;
	int calls;
} removal;

static void remove_both(removal *m)
{
	m->calls++;
	m->first = reactor_remove(m->first);
	m->second = reactor_remove(m->second);
}

static void remove_in_fd(void *self, int fd, int events)
{
	(void)fd;
	(void)events;
	remove_both(self);
}

static bool remove_in_socket(void *self, void *zmq_socket)
{
	(void)zmq_socket;
	remove_both(self);
	return true;
}

static void remove_in_timer(void *self, uint64_t missed)
{
	(void)missed;
	remove_both(self);
}

static void remove_in_signal(void *self, int signo)
{
	(void)signo;
	remove_both(self);
}

static reactor_watch *add_ready(
    reactor *r, int kind, int signo, int fd, void *zmq_socket, removal *m)
{
	switch (kind) {
	case 0:
		return reactor_add_fd(r, fd, REACTOR_READ, remove_in_fd, m);
	case 1:
		return reactor_add_socket(r, zmq_socket, remove_in_socket, m);
	case 2:
		return reactor_after_ms(r, 0, remove_in_timer, m);
	default:
		return reactor_add_signal(r, signo, remove_in_signal, m);
	}
}

static void removal_inside_any_handler_silences_any_watch_at_once(void **state)
{
	(void)state;
	static const int signals[2] = {SIGUSR1, SIGUSR2};
	for (int pair = 0; pair < KINDS * KINDS; pair++) {
		void *context = zmq_ctx_new();
		SOT_AUTO(reactor) r = make();
		int fds[2][2];
		socket_pair sockets[2] = {{0}};
		for (int i = 0; i < 2; i++) {
			assert_int_equal(pipe(fds[i]), 0);
			assert_int_equal(write(fds[i][1], "x", 1), 1);
			pair_open(context, &sockets[i], i == 0 ? "inproc://first" : "inproc://second");
			pair_send(&sockets[i], 1);
		}
		removal m = {0};
		m.first = add_ready(r, pair / KINDS, signals[0], fds[0][0], sockets[0].near, &m);
		m.second = add_ready(r, pair % KINDS, signals[1], fds[1][0], sockets[1].near, &m);
		if (pair / KINDS == 3)
			kill(getpid(), signals[0]);
		if (pair % KINDS == 3)
			kill(getpid(), signals[1]);
		turns(r, 5);
		assert_int_equal(m.calls, 1);
		for (int i = 0; i < 2; i++) {
			pair_close(&sockets[i]);
			close(fds[i][0]);
			close(fds[i][1]);
		}
		zmq_ctx_term(context);
	}
}

/* ---- file descriptors ---- */

typedef struct fd_seen {
	int calls, events;
} fd_seen;

static void see_fd(void *self, int fd, int events)
{
	(void)fd;
	fd_seen *s = self;
	s->calls++;
	s->events |= events;
}

static void interest_in_a_file_descriptor_is_level_triggered_and_changes_in_place(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	fd_seen seen = {0};
	reactor_watch *w = reactor_add_fd(r, fds[0], REACTOR_READ, see_fd, &seen);
	turns(r, 3);
	assert_int_equal(seen.calls, 3);
	assert_int_equal(seen.events, REACTOR_READ);
	reactor_want(w, 0);
	turns(r, 3);
	assert_int_equal(seen.calls, 3);
	reactor_want(w, REACTOR_WRITE);
	turns(r, 1);
	assert_int_equal(seen.events, REACTOR_READ | REACTOR_WRITE);
	reactor_remove(w);
	turns(r, 1);
	close(fds[0]), close(fds[1]);
}

static void an_error_on_a_file_descriptor_is_told_again_until_it_is_dealt_with(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	close(ends[0]); /* the writing end of a pipe nobody reads: POLLERR */
	fd_seen seen = {0};
	reactor_watch *w = reactor_add_fd(r, ends[1], REACTOR_WRITE, see_fd, &seen);
	turns(r, 4);
	assert_true(seen.calls >= 4);
	assert_true(seen.events & REACTOR_WRITE);
	reactor_remove(w);
	turns(r, 1);
	close(ends[1]);
}

/* ---- deferred calls ---- */

typedef struct defer_trial {
	reactor *r;
	int runs, again;
} defer_trial;

static void count_deferred(void *self)
{
	defer_trial *t = self;
	t->runs++;
	if (t->again-- > 0)
		reactor_defer(t->r, count_deferred, t);
}

static void a_deferred_call_runs_once_and_one_that_defers_again_runs_next_turn(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	defer_trial t = {.r = r, .again = 1};
	reactor_defer(r, count_deferred, &t);
	reactor_turn(r, HANG_MS); /* does not wait */
	assert_int_equal(t.runs, 1);
	reactor_turn(r, HANG_MS);
	assert_int_equal(t.runs, 2);
	turns(r, 3);
	assert_int_equal(t.runs, 2);
}

static void what_was_deferred_for_a_dead_object_is_forgotten(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	defer_trial kept = {.r = r}, dropped = {.r = r};
	reactor_defer(r, count_deferred, &dropped);
	reactor_defer(r, count_deferred, &kept);
	reactor_undefer(r, &dropped);
	turns(r, 2);
	assert_int_equal(kept.runs, 1);
	assert_int_equal(dropped.runs, 0);
}

/* ---- work ---- */

typedef struct sum_work {
	reactor *r;
	int worked, ended;
} sum_work;

static void do_work(void *arg)
{
	sum_work *w = arg;
	w->worked++;
}

static void end_work(void *arg)
{
	sum_work *w = arg;
	w->ended++;
	reactor_stop(w->r);
}

static void work_runs_on_the_pool_and_ends_in_the_loop(void **state)
{
	(void)state;
	sot_err err;
	SOT_AUTO(reactor) r = make();
	sum_work w = {.r = r};
	reactor_queue_work(r, do_work, end_work, &w);
	assert_int_equal(w.ended, 0);
	assert_int_equal(reactor_run(r, &err), SOT_OK);
	assert_int_equal(w.worked, 1);
	assert_int_equal(w.ended, 1);
}

static void freeing_a_reactor_does_not_end_queued_work(void **state)
{
	(void)state;
	sum_work works[64] = {{0}};
	reactor *r = make();
	for (int i = 0; i < 64; i++)
		reactor_queue_work(r, do_work, end_work, &works[i]);
	assert_null(reactor_free(r));
	for (int i = 0; i < 64; i++)
		assert_int_equal(works[i].ended, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(twenty_signals_are_delivered_and_do_not_end_the_loop),
	    cmocka_unit_test(a_socket_that_re_registers_itself_does_not_starve_another),
	    cmocka_unit_test(a_flooded_socket_does_not_starve_timers),
	    cmocka_unit_test(a_message_whose_edge_was_eaten_still_wakes_the_loop),
	    cmocka_unit_test(a_file_descriptor_that_re_registers_itself_does_not_starve_another),
	    cmocka_unit_test(a_blocked_timer_makes_one_call_tells_the_missed_and_stays_on_its_grid),
	    cmocka_unit_test(removal_inside_any_handler_silences_any_watch_at_once),
	    cmocka_unit_test(interest_in_a_file_descriptor_is_level_triggered_and_changes_in_place),
	    cmocka_unit_test(an_error_on_a_file_descriptor_is_told_again_until_it_is_dealt_with),
	    cmocka_unit_test(a_deferred_call_runs_once_and_one_that_defers_again_runs_next_turn),
	    cmocka_unit_test(what_was_deferred_for_a_dead_object_is_forgotten),
	    cmocka_unit_test(work_runs_on_the_pool_and_ends_in_the_loop),
	    cmocka_unit_test(freeing_a_reactor_does_not_end_queued_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
