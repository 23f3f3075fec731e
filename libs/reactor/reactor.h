/* reactor - the one event loop of a process, on libuv (docs/adr/0001-event-loop.md).
 *
 * Single-threaded; every handler runs on the thread that runs reactor_run. Watches may be changed
 * and removed inside any handler: removal is immediate for the caller (no handler of a removed
 * watch is called any more), memory is freed at the end of the turn. One instant per turn.
 * reactor_new ignores SIGPIPE for the whole process: a peer that goes away is an errno here.
 * Running out of file descriptors or epoll watches while a watch is added aborts with a message.
 */
#ifndef REACTOR_H
#define REACTOR_H

#include "sot_mem.h"
#include "sot_time.h"

#include <sys/types.h>

typedef struct reactor reactor;
typedef struct reactor_watch reactor_watch; /* any of the kinds below */

enum { REACTOR_READ = 1, REACTOR_WRITE = 2, REACTOR_ERROR = 4 };

sot_code reactor_new(reactor **ret, sot_err *err) SOT_CHECK;
/* Removes what is left: kills children, waits for work that runs. Their `done` is not called. */
reactor *reactor_free(reactor *r);
/* Runs until reactor_stop. Returns SOT_OK, or why the loop could not run. */
sot_code reactor_run(reactor *r, sot_err *err) SOT_CHECK;
void reactor_stop(reactor *r);
/* One turn; waits for at most timeout_ms (0 = do not wait). For tests. */
void reactor_turn(reactor *r, int64_t timeout_ms);
sot_mono reactor_now(const reactor *r); /* one instant per turn */
sot_wall reactor_wall(const reactor *r);

/* A file descriptor, level-triggered. `events` in the handler is a mask of REACTOR_*. The caller
 * keeps and closes the fd, after reactor_remove. */
typedef void (*reactor_fd_fn)(void *self, int fd, int events);
reactor_watch *reactor_add_fd(reactor *r, int fd, int events, reactor_fd_fn fn, void *self);
void reactor_want(reactor_watch *w, int events); /* changes the interest in place */

/* A ZeroMQ socket (void * from zmq_socket). The handler reads one message, without waiting, and
 * says whether there was one; it is called again in the same or the next turn until there was none,
 * and other watches get their turn in between. */
typedef bool (*reactor_socket_fn)(void *self, void *zmq_socket);
reactor_watch *reactor_add_socket(reactor *r, void *zmq_socket, reactor_socket_fn fn, void *self);
/* To be called after any other call of libzmq on a watched socket (zmq_send, zmq_connect,
 * zmq_disconnect, ZMQ_EVENTS): it may have taken note of messages, of which the descriptor then
 * does not tell. A watch that is NULL is none. */
void reactor_touched(reactor_watch *w);

/* Timers. A repeating one stays on its grid and tells how many ticks were missed. */
typedef void (*reactor_timer_fn)(void *self, uint64_t missed);
reactor_watch *reactor_every_ms(reactor *r, int64_t interval_ms, reactor_timer_fn fn, void *self);
/* As reactor_every_ms, for what is done now and then: intervals of whole half seconds end at
 * instants that all such timers share, so that they wake the process up together. The first tick
 * comes up to half a second early. */
reactor_watch *reactor_together_ms(
    reactor *r, int64_t interval_ms, reactor_timer_fn fn, void *self);
/* One shot; the watch stays (disarmed) after it fired and can be re-armed. */
reactor_watch *reactor_after_ms(reactor *r, int64_t delay_ms, reactor_timer_fn fn, void *self);
void reactor_rearm_ms(reactor_watch *w, int64_t delay_ms); /* -1 disarms */

/* Signals are delivered in the loop. */
typedef void (*reactor_signal_fn)(void *self, int signo);
reactor_watch *reactor_add_signal(reactor *r, int signo, reactor_signal_fn fn, void *self);

/* A child process: fork and exec at once, all fds but stdin/out/err closed, stdout and stderr
 * captured up to output_max bytes each, killed with SIGKILL at the deadline. `done` is called once.
 * argv[0] is an absolute path. env NULL: only a PATH of the system's folders. More output than
 * output_max is read and thrown away. The child leads a process group of its own, which is killed
 * as a whole. exit_status: 0..255, or 256 + signal, or -1 for the deadline. */
typedef struct reactor_child_result {
	int exit_status;
	sot_str out, err_text; /* borrowed for the call */
} reactor_child_result;
typedef void (*reactor_child_fn)(void *self, const reactor_child_result *result);
sot_code reactor_spawn(reactor *r, const char *const *argv, const char *const *env, sot_str input,
    size_t output_max, int64_t deadline_ms, reactor_child_fn done, void *self,
    sot_err *err) SOT_CHECK;

/* Blocking work (file trees, hashing, DNS) on the loop's thread pool; `done` runs in the loop.
 * `work` must touch nothing but its own argument. */
typedef void (*reactor_work_fn)(void *arg);
void reactor_queue_work(reactor *r, reactor_work_fn work, reactor_work_fn done, void *arg);

/* Runs fn once at the end of this turn (after all handlers). For batching. A deferred function that
 * defers again is called at the end of the next turn. */
void reactor_defer(reactor *r, void (*fn)(void *self), void *self);
/* Forgets what was deferred for this self: call it before `self` is freed. */
void reactor_undefer(reactor *r, const void *self);

/* NULL-safe; works for every kind. Returns NULL. */
reactor_watch *reactor_remove(reactor_watch *w);

SOT_DEFINE_AUTO(reactor)

#endif
