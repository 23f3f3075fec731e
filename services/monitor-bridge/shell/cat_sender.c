#include "shell/cat_sender.h"

#include "cat_message.h"
#include "shell/platform_clock.h"
#include "shell/trouble.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACK_OFF_FIRST_MS 500
#define BACK_OFF_LAST_MS 30000
/* Also TCP_USER_TIMEOUT: a server with a small window that takes under some 50 kB/s counts as one
 * that takes nothing (the kernel probes a window in which its next segment has no room, and gives
 * up so); at 80 kB/s it is kept. Either is far below what a CAT server takes. */
#define STALL_MS 10000
#define SHUN_MS 300000 /* a server that took no bytes is not climbed back to for so long */
#define WRITE_BYTES (256u * 1024u)
#define WRITES_PER_TURN 8

/*   OFF --use--> CONNECTING --made--> UP --lost--> CONNECTING (next server)
 *                    |  none left                      ^
 *                    +-------> WAITING (back-off) -----+                                        */
typedef enum sender_state { SENDER_OFF, SENDER_CONNECTING, SENDER_UP, SENDER_WAITING } sender_state;

/* One socket on its way to one server. */
typedef struct attempt {
	int fd; /* -1: none */
	reactor_watch *watch;
	size_t index; /* of the server */
} attempt;

struct cat_sender {
	reactor *loop;
	frame_queue *queue;
	cat_sender_options options;
	cat_server_list servers;
	sender_state state;
	bool block;
	attempt main;               /* CONNECTING and UP */
	attempt probe;              /* to a better server while UP */
	reactor_watch *timer;       /* connect time-out, back-off, stall */
	reactor_watch *probe_timer; /* time-out of the probe */
	reactor_watch *climb_timer;
	int64_t back_off_ms;
	size_t next;                          /* where the next round of attempts begins */
	sot_mono shun_until[CAT_SERVERS_MAX]; /* by index; the past: not shunned */
	bool busy;                            /* something waited at the last look */
	sot_mono progress_at;                 /* of a byte taken, or of the begin of being busy */
	char rest[CAT_FRAME_MAX];             /* of a frame that the socket took in part */
	size_t rest_at, rest_n;
	sot_rand rand;
	cat_sender_stats stats;
};

static void try_server(cat_sender *s, size_t index);
static void write_some(cat_sender *s);

/* ---- sockets ---- */

static void drop_attempt(attempt *a)
{
	a->watch = reactor_remove(a->watch);
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
}

static void set_options(int fd)
{
	const int on = 1;
	const unsigned user_timeout_ms = STALL_MS;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
}

/* A socket whose connection is under way (or made); the caller closes it. */
static sot_code begin_connect(const cat_server *server, int *ret_fd, sot_err *err)
{
	SOT_FAILPOINT("bridge.cat.before_connect", err);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(server->port)};
	to.sin_addr.s_addr = htonl(server->address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "socket");
	set_options(fd);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
		int why = errno;
		(void)close(fd);
		return sot_fail_errno(err, SOT_UNAVAILABLE, why, "connect");
	}
	*ret_fd = fd;
	return SOT_OK;
}

static int connect_result(int fd)
{
	int why = 0;
	socklen_t n = sizeof(why);
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &n) == 0 ? why : errno;
}

static void name_server(const cat_server *server, char dst[static 24])
{
	char address[16];
	(void)snprintf(dst, 24, "%s:%u", sot_format_ipv4(server->address, address), server->port);
}

/* ---- life of the connection ---- */

static void forget_rest(cat_sender *s)
{
	if (s->rest_n > 0)
		s->stats.frames_cut++;
	s->rest_at = s->rest_n = 0;
}

static void close_all(cat_sender *s)
{
	drop_attempt(&s->main);
	drop_attempt(&s->probe);
	reactor_rearm_ms(s->timer, -1);
	reactor_rearm_ms(s->probe_timer, -1);
	reactor_rearm_ms(s->climb_timer, -1);
	forget_rest(s);
	s->stats.up = false;
	s->stats.server[0] = '\0';
	s->state = SENDER_OFF;
}

static void wait_and_retry(cat_sender *s)
{
	int64_t jitter = (int64_t)sot_rand_below(&s->rand, (uint64_t)s->back_off_ms / 4 + 1);
	s->state = SENDER_WAITING;
	reactor_rearm_ms(s->timer, s->back_off_ms + jitter);
	s->back_off_ms = s->back_off_ms * 2 < BACK_OFF_LAST_MS ? s->back_off_ms * 2 : BACK_OFF_LAST_MS;
}

static void attempt_failed(cat_sender *s, size_t index, const char *why)
{
	char server[24];
	name_server(&s->servers.items[index], server);
	s->stats.connect_failures++;
	sot_log(SOT_WARN, "cat.connect_failed", "server=%s why=\"%s\"", server, why);
	trouble_note(platform_wall(s->loop), "CAT server %s: %s", server, why);
	drop_attempt(&s->main);
	size_t following = (index + 1) % s->servers.count;
	if (following != s->next) {
		try_server(s, following);
	} else {
		s->next = 0;
		wait_and_retry(s);
	}
}

/* The next one is tried first: the one that was lost may accept again and still be of no use. */
static void lost(cat_sender *s, const char *why)
{
	s->next = (s->main.index + 1) % s->servers.count;
	s->stats.losses++;
	sot_log(SOT_WARN, "cat.lost", "server=%s why=\"%s\" waiting=%zu", s->stats.server, why,
	    frame_queue_get_stats(s->queue).frames);
	trouble_note(platform_wall(s->loop), "connection to CAT server %s: %s", s->stats.server, why);
	close_all(s);
	wait_and_retry(s);
}

static bool has_something(const cat_sender *s)
{
	return s->rest_n > 0 || frame_queue_get_stats(s->queue).frames > 0;
}

static void arm_write(cat_sender *s)
{
	bool more = has_something(s);
	if (more && !s->busy)
		s->progress_at = reactor_now(s->loop);
	s->busy = more;
	int64_t left_ms = STALL_MS - sot_mono_diff_ms(reactor_now(s->loop), s->progress_at);
	reactor_want(s->main.watch, more ? REACTOR_READ | REACTOR_WRITE : REACTOR_READ);
	reactor_rearm_ms(s->timer, !more ? -1 : left_ms > 0 ? left_ms : 1);
}

static void went_up(cat_sender *s)
{
	s->state = SENDER_UP;
	s->back_off_ms = BACK_OFF_FIRST_MS;
	s->progress_at = reactor_now(s->loop);
	s->busy = false;
	s->stats.up = true;
	s->stats.connects++;
	name_server(&s->servers.items[s->main.index], s->stats.server);
	sot_log(SOT_INFO, "cat.up", "server=%s waiting=%zu", s->stats.server,
	    frame_queue_get_stats(s->queue).frames);
	reactor_rearm_ms(s->climb_timer, s->main.index > 0 ? s->options.climb_interval_ms : -1);
	reactor_rearm_ms(s->timer, -1);
	write_some(s);
}

/* ---- writing ---- */

/* The kernel gives up at STALL_MS as we do; whoever is first, that server is of no use for now. */
static void broke(cat_sender *s, int why)
{
	bool takes_nothing = why == ETIMEDOUT;
	if (takes_nothing)
		s->shun_until[s->main.index] = sot_mono_add_ms(reactor_now(s->loop), SHUN_MS);
	lost(s, takes_nothing ? "takes no bytes" : why ? strerror(why) : "closed by the server");
}

static bool write_failed(cat_sender *s, ssize_t n)
{
	if (n >= 0 || errno == EAGAIN || errno == EINTR)
		return false;
	broke(s, errno);
	return true;
}

/* True when the whole rest is out. */
static bool write_rest(cat_sender *s)
{
	ssize_t n = send(s->main.fd, s->rest + s->rest_at, s->rest_n, MSG_NOSIGNAL);
	if (write_failed(s, n) || n <= 0)
		return false;
	s->stats.bytes += (uint64_t)n;
	s->rest_at += (size_t)n;
	s->rest_n -= (size_t)n;
	s->progress_at = reactor_now(s->loop);
	if (s->rest_n > 0)
		return false;
	s->rest_at = 0;
	s->stats.frames++;
	return true;
}

/* True when the socket took all that was offered. */
static bool write_queue(cat_sender *s)
{
	struct iovec pieces[2];
	int count = frame_queue_peek(s->queue, WRITE_BYTES, platform_wall(s->loop).unix_ms, pieces);
	if (count == 0)
		return false;
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
	size_t offered = pieces[0].iov_len + (count > 1 ? pieces[1].iov_len : 0);
	ssize_t n = sendmsg(s->main.fd, &message, MSG_NOSIGNAL);
	if (write_failed(s, n) || n <= 0)
		return false;
	size_t before = frame_queue_get_stats(s->queue).frames;
	s->stats.bytes += (uint64_t)n;
	s->progress_at = reactor_now(s->loop);
	frame_queue_take(s->queue, (size_t)n, s->rest, &s->rest_n);
	s->stats.frames += before - frame_queue_get_stats(s->queue).frames - (s->rest_n > 0);
	return (size_t)n == offered;
}

static void write_some(cat_sender *s)
{
	SOT_FAILPOINT_HIT("bridge.cat.before_write");
	bool room = s->rest_n == 0 || write_rest(s);
	for (int i = 0; room && s->state == SENDER_UP && i < WRITES_PER_TURN; i++)
		room = write_queue(s);
	if (s->state == SENDER_UP)
		arm_write(s);
}

/* CAT never writes: anything to read is an end (*ret_why 0) or an error. */
static bool peer_left(int fd, int *ret_why)
{
	char nothing[256];
	ssize_t n = recv(fd, nothing, sizeof(nothing), MSG_DONTWAIT);
	*ret_why = n < 0 ? errno : 0;
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* ---- handlers ---- */

static void on_main(void *self, int fd, int events)
{
	cat_sender *s = self;
	int why;
	if (s->state == SENDER_CONNECTING) {
		why = connect_result(fd);
		if (why) {
			attempt_failed(s, s->main.index, strerror(why));
		} else {
			went_up(s);
		}
		return;
	}
	if ((events & (REACTOR_READ | REACTOR_ERROR)) && peer_left(fd, &why)) {
		broke(s, why);
		return;
	}
	if (events & REACTOR_WRITE)
		write_some(s);
}

static void try_server(cat_sender *s, size_t index)
{
	sot_err err;
	s->state = SENDER_CONNECTING;
	s->main.index = index;
	if (begin_connect(&s->servers.items[index], &s->main.fd, &err) != SOT_OK) {
		s->main.fd = -1;
		attempt_failed(s, index, err.text);
		return;
	}
	s->main.watch = reactor_add_fd(s->loop, s->main.fd, REACTOR_WRITE, on_main, s);
	reactor_rearm_ms(s->timer, s->options.connect_timeout_ms);
}

/* Whether the server has answered. A loop that was held up (a busy machine, a paused one) runs its
 * timers before it looks at sockets: that we are late is not the server's fault. */
static bool has_answered(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLOUT};
	return poll(&look, 1, 0) > 0;
}

/* As above: it may take bytes that nobody offered for so long. */
static void give_up_if_stalled(cat_sender *s)
{
	write_some(s);
	if (s->state == SENDER_UP && has_something(s) &&
	    sot_mono_diff_ms(reactor_now(s->loop), s->progress_at) >= STALL_MS)
		broke(s, ETIMEDOUT);
}

static void on_timer(void *self, uint64_t missed)
{
	cat_sender *s = self;
	(void)missed;
	if (s->state == SENDER_WAITING) {
		try_server(s, s->next);
	} else if (s->state == SENDER_CONNECTING && has_answered(s->main.fd)) {
		on_main(s, s->main.fd, REACTOR_WRITE);
	} else if (s->state == SENDER_CONNECTING) {
		attempt_failed(s, s->main.index, "no answer in time");
	} else if (s->state == SENDER_UP && has_something(s)) {
		give_up_if_stalled(s);
	}
}

/* ---- back to a better server ---- */

static void probe_next(cat_sender *s, size_t index);

static void on_probe(void *self, int fd, int events)
{
	cat_sender *s = self;
	size_t index = s->probe.index;
	(void)events;
	reactor_rearm_ms(s->probe_timer, -1);
	if (connect_result(fd) != 0) {
		drop_attempt(&s->probe);
		probe_next(s, index + 1);
		return;
	}
	if (s->rest_n > 0) { /* in the middle of a frame: the next round will do */
		drop_attempt(&s->probe);
		reactor_rearm_ms(s->climb_timer, s->options.climb_interval_ms);
		return;
	}
	s->probe.watch = reactor_remove(s->probe.watch);
	drop_attempt(&s->main);
	s->main = (attempt){.fd = s->probe.fd, .index = index};
	s->probe.fd = -1;
	s->main.watch = reactor_add_fd(s->loop, s->main.fd, REACTOR_READ, on_main, s);
	went_up(s);
}

static void probe_next(cat_sender *s, size_t index)
{
	sot_err err;
	for (; index < s->main.index; index++) {
		if (!sot_mono_reached(reactor_now(s->loop), s->shun_until[index]))
			continue;
		if (begin_connect(&s->servers.items[index], &s->probe.fd, &err) != SOT_OK)
			continue;
		s->probe.index = index;
		s->probe.watch = reactor_add_fd(s->loop, s->probe.fd, REACTOR_WRITE, on_probe, s);
		reactor_rearm_ms(s->probe_timer, s->options.connect_timeout_ms);
		return;
	}
	s->probe.fd = -1;
	reactor_rearm_ms(s->climb_timer, s->options.climb_interval_ms);
}

static void on_probe_timer(void *self, uint64_t missed)
{
	cat_sender *s = self;
	size_t index = s->probe.index;
	(void)missed;
	if (has_answered(s->probe.fd)) {
		on_probe(s, s->probe.fd, REACTOR_WRITE);
		return;
	}
	drop_attempt(&s->probe);
	if (s->state == SENDER_UP)
		probe_next(s, index + 1);
}

static void on_climb(void *self, uint64_t missed)
{
	cat_sender *s = self;
	(void)missed;
	if (s->state == SENDER_UP && s->probe.fd < 0)
		probe_next(s, 0);
}

/* ---- public ---- */

cat_sender *cat_sender_new(reactor *r, frame_queue *queue, const cat_sender_options *options)
{
	cat_sender *s = sot_alloc(sizeof(*s));
	uint64_t seed;
	s->loop = r;
	s->queue = queue;
	s->options = *options;
	s->main.fd = s->probe.fd = -1;
	s->back_off_ms = BACK_OFF_FIRST_MS;
	sot_rand_bytes(&seed, sizeof(seed));
	sot_rand_seed(&s->rand, seed);
	s->timer = reactor_after_ms(r, -1, on_timer, s);
	s->probe_timer = reactor_after_ms(r, -1, on_probe_timer, s);
	s->climb_timer = reactor_after_ms(r, -1, on_climb, s);
	return s;
}

cat_sender *cat_sender_free(cat_sender *s)
{
	if (!s)
		return NULL;
	drop_attempt(&s->main);
	drop_attempt(&s->probe);
	reactor_remove(s->timer);
	reactor_remove(s->probe_timer);
	reactor_remove(s->climb_timer);
	free(s);
	return NULL;
}

static void start(cat_sender *s)
{
	close_all(s);
	s->back_off_ms = BACK_OFF_FIRST_MS;
	s->next = 0;
	memset(s->shun_until, 0, sizeof(s->shun_until));
	if (!s->block && s->servers.count > 0)
		try_server(s, 0);
}

void cat_sender_use(cat_sender *s, const cat_server_list *servers)
{
	if (cat_server_list_eq(&s->servers, servers))
		return;
	s->servers = *servers;
	start(s);
}

void cat_sender_block(cat_sender *s, bool block)
{
	if (s->block == block)
		return;
	s->block = block;
	start(s);
}

void cat_sender_kick(cat_sender *s)
{
	if (s->state == SENDER_UP)
		write_some(s);
}

bool cat_sender_is_idle(const cat_sender *s)
{
	return !has_something(s);
}

cat_sender_stats cat_sender_get_stats(const cat_sender *s)
{
	return s->stats;
}
