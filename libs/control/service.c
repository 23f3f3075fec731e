#include "service.h"
#include "sot_failpoint.h"
#include "sot_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { DRAIN_MS = 10000, WATCHDOG_MS = 5000, LOOKS = 5 };

/* Shared by the loop and the watchdog's thread: `beats` is atomic, the rest is under the lock. */
typedef struct watchdog {
	pthread_t thread;
	pid_t loop; /* the thread that is watched */
	pthread_mutex_t lock;
	pthread_cond_t ended_or_not;
	bool ended;
	int64_t look_ms, limit_ms;
	atomic_ulong beats;
	bool is_supervised; /* the supervisor wants WATCHDOG=1 */
} watchdog;

struct service {
	reactor *r;
	service_options options;
	reactor_watch *term, *interrupt, *drain_deadline, *beat;
	bool draining;
	bool tells_supervisor; /* it wants WATCHDOG=1, and no thread of ours judges the loop */
	watchdog *watchdog;
};

/* ---- the supervisor ---- */

/* A datagram to $NOTIFY_SOCKET. A supervisor that does not listen is no reason to fail.
 * Source: sd_notify(3), "Notes" */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	size_t n = strlen(path);
	memcpy(address.sun_path, path, n);
	if (*path == '@')
		address.sun_path[0] = '\0'; /* an abstract name */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

void service_ready(service *s)
{
	(void)s;
	notify("READY=1");
}

/* ---- the watchdog ---- */

static bool wait_for_end(watchdog *w)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t ns = until.tv_nsec + w->look_ms * 1000000;
	until.tv_sec += (time_t)(ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	pthread_mutex_lock(&w->lock);
	int rc = 0;
	while (!w->ended && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&w->ended_or_not, &w->lock, &until);
	bool ended = w->ended;
	pthread_mutex_unlock(&w->lock);
	return ended;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One small file of the watched thread in /proc, NUL at its end; "" when it cannot be read. */
static void read_of_loop(const watchdog *w, const char *file, char *text, size_t size)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/%s", (int)w->loop, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : 0;
	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

typedef struct progress {
	int64_t now_ms, ran_ms, waited_ms; /* on a processor; for a processor */
	char state;                        /* R runs or waits for a processor, D waits for a disk */
} progress;

static int64_t next_ns_as_ms(sot_str *rest)
{
	uint64_t ns = 0;
	sot_str word = sot_str_cut(*rest, ' ', rest);
	return sot_parse_u64(word, 0, INT64_MAX, &ns, NULL) == SOT_OK ? (int64_t)(ns / 1000000) : 0;
}

/* What a kernel does not tell is 0: then a thread that does not run is taken to sleep.
 * Source: proc(5), /proc/pid/stat, field 3; Documentation/scheduler/sched-stats.rst */
static progress look_at_loop(const watchdog *w)
{
	char text[512];
	progress p = {.now_ms = now_ms(), .state = 'S'};
	read_of_loop(w, "schedstat", text, sizeof(text));
	sot_str rest = sot_str_c(text);
	p.ran_ms = next_ns_as_ms(&rest);
	p.waited_ms = next_ns_as_ms(&rest);
	read_of_loop(w, "stat", text, sizeof(text));
	const char *name_end = strrchr(text, ')');
	if (name_end && name_end[1] == ' ')
		p.state = name_end[2];
	return p;
}

/* The loop's own part of the time between two looks: of a thread that wants to run what it ran, of
 * one that sleeps the time in which it did not wait for a processor, but at most one look (the
 * process may have been stopped). While it waits for a disk nothing is: no abort would reach it. */
static int64_t own_ms(const watchdog *w, const progress *before, const progress *now)
{
	int64_t ran = now->ran_ms - before->ran_ms;
	int64_t slept = now->now_ms - before->now_ms - (now->waited_ms - before->waited_ms);
	if (now->state == 'D')
		return 0;
	if (now->state != 'R' && slept > ran)
		ran = slept;
	return ran < w->look_ms ? ran : w->look_ms;
}

static void *watch_beats(void *arg)
{
	watchdog *w = arg;
	unsigned long last = atomic_load(&w->beats);
	int64_t silent_ms = 0;
	progress before = look_at_loop(w);
	while (!wait_for_end(w)) {
		unsigned long beats = atomic_load(&w->beats);
		progress now = look_at_loop(w);
		silent_ms = beats == last ? silent_ms + own_ms(w, &before, &now) : 0;
		before = now;
		last = beats;
		if (silent_ms >= w->limit_ms) {
			fprintf(stderr, "watchdog: the event loop has not turned for %lld ms, aborting\n",
			    (long long)w->limit_ms);
			abort();
		}
		if (w->is_supervised)
			notify("WATCHDOG=1");
	}
	return NULL;
}

static sot_code watchdog_start(int64_t limit_ms, watchdog **ret, sot_err *err)
{
	watchdog *w = sot_alloc(sizeof(*w));
	w->loop = gettid();
	w->limit_ms = limit_ms;
	w->is_supervised = getenv("WATCHDOG_USEC") != NULL;
	w->look_ms = limit_ms / LOOKS > 0 ? limit_ms / LOOKS : 1;
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&w->ended_or_not, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&w->lock, NULL);
	sigset_t all, before; /* signals belong to the loop's thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&w->thread, NULL, watch_beats, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		free(w);
		return sot_fail_errno(err, SOT_UNAVAILABLE, failed, "cannot start the watchdog");
	}
	*ret = w;
	return SOT_OK;
}

static void watchdog_end(watchdog *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_signal(&w->ended_or_not);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->ended_or_not);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void on_beat(void *self, uint64_t missed)
{
	(void)missed;
	service *s = self;
	SOT_FAILPOINT_HIT("service.loop.beat"); /* hang: the watchdog must end the process */
	if (s->watchdog)
		atomic_fetch_add(&s->watchdog->beats, 1);
	if (s->tells_supervisor)
		notify("WATCHDOG=1");
}

/* ---- signals and the drain ---- */

static void on_drain_deadline(void *self, uint64_t missed)
{
	(void)missed;
	service_drained(self);
}

static void on_end_signal(void *self, int signo)
{
	(void)signo;
	service *s = self;
	if (s->draining || !s->options.drain) {
		s->draining = true;
		service_drained(s);
		return;
	}
	s->draining = true;
	notify("STOPPING=1");
	reactor_rearm_ms(s->drain_deadline, s->options.drain_deadline_ms);
	s->options.drain(s->options.self);
}

void service_drained(service *s)
{
	reactor_stop(s->r);
}

bool service_is_draining(const service *s)
{
	return s->draining;
}

/* ---- life ---- */

sot_code service_new(reactor *r, const service_options *options, service **ret, sot_err *err)
{
	service *s = sot_alloc(sizeof(*s));
	s->r = r;
	s->options = *options;
	if (s->options.drain_deadline_ms == 0)
		s->options.drain_deadline_ms = DRAIN_MS;
	if (s->options.watchdog_ms == 0)
		s->options.watchdog_ms = WATCHDOG_MS;
	int64_t limit_ms = s->options.watchdog_ms;
	if (limit_ms > 0) {
		sot_code code = watchdog_start(limit_ms, &s->watchdog, err);
		if (code != SOT_OK) {
			free(s);
			return code;
		}
	}
	signal(SIGHUP, SIG_IGN);
	s->tells_supervisor = !s->watchdog && getenv("WATCHDOG_USEC") != NULL;
	s->term = reactor_add_signal(r, SIGTERM, on_end_signal, s);
	s->interrupt = reactor_add_signal(r, SIGINT, on_end_signal, s);
	s->drain_deadline = reactor_after_ms(r, -1, on_drain_deadline, s);
	/* Twice as often as the watchdog looks, so that each look finds a beat. */
	int64_t beat_ms = limit_ms > 0 ? limit_ms / LOOKS / 2 : WATCHDOG_MS / LOOKS;
	s->beat = reactor_together_ms(r, beat_ms > 0 ? beat_ms : 1, on_beat, s);
	*ret = s;
	return SOT_OK;
}

service *service_free(service *s)
{
	if (!s)
		return NULL;
	watchdog_end(s->watchdog);
	reactor_remove(s->term);
	reactor_remove(s->interrupt);
	reactor_remove(s->drain_deadline);
	reactor_remove(s->beat);
	free(s);
	return NULL;
}
