/* The daemon's side of gw_http: sockets, TLS, the loop. */
#include "gw_http_internal.h"

#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEM_MAX (256u * 1024)
#define SWEEP_MS 1000
#define LAST_HEAD_MS 1000

/* In one run the library reads or sends one buffer of each connection, and says by a wait of 0 that
 * there is more. So it runs again within the turn, and goes on in the next one, after everybody
 * else: a timer that arms itself with 0 would rest a millisecond for each buffer. What the library
 * does without a call of ours (sending a long answer) is not seen: so many runs of that kind, then
 * that rest, lest a wait of 0 with nothing behind it has the loop spin. */
enum { RUNS_PER_TURN = 32, QUIET_RUNS = 16 };

/* The library's own deadline must be read again after every run: its epoll set is edge-triggered,
 * and what it could not finish is only said there. */
static void run(gw_http *h)
{
	unsigned quiet = 0;
	for (unsigned k = 0; k < RUNS_PER_TURN && quiet < QUIET_RUNS; k++) {
		MHD_UNSIGNED_LONG_LONG wait_ms = 0;
		uint64_t calls = h->calls;
		h->running = true;
		(void)MHD_run(h->daemon);
		h->running = false;
		if (MHD_get_timeout(h->daemon, &wait_ms) != MHD_YES) {
			reactor_rearm_ms(h->timer, -1);
			return;
		}
		if (wait_ms > 0) {
			reactor_rearm_ms(h->timer, wait_ms > 60000 ? 60000 : (int64_t)wait_ms);
			return;
		}
		quiet = calls == h->calls ? quiet + 1 : 0;
	}
	if (quiet < QUIET_RUNS) {
		gw_http_schedule(h);
		return;
	}
	sot_metric_add(h->rests, 1);
	reactor_rearm_ms(h->timer, 0);
}

static void on_readable(void *self, int fd, int events)
{
	(void)fd;
	(void)events;
	run(self);
}

static void on_timer(void *self, uint64_t missed)
{
	(void)missed;
	run(self);
}

static void run_scheduled(void *self)
{
	gw_http *h = self;
	h->run_scheduled = false;
	run(h);
}

void gw_http_schedule(gw_http *h)
{
	if (h->run_scheduled || h->ending)
		return;
	h->run_scheduled = true;
	reactor_defer(h->loop, run_scheduled, h);
}

void gw_http_resume(gw_request *q)
{
	if (!q->suspended)
		return;
	q->suspended = false;
	MHD_resume_connection(q->connection);
	gw_http_schedule(q->http);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *size, void **con_cls)
{
	gw_http *h = cls;
	(void)connection;
	(void)url;
	h->calls++;
	return gw_request_step(*con_cls, method, version, data, size);
}

/* ---- slow heads: the library's timeout starts anew with each byte, so a client that sends one
 * byte now and then would hold a connection for ever ---- */
static void await_head(gw_http *h, gw_connection *k, int64_t within_ms)
{
	if (k->awaits_head)
		sot_list_remove(&k->link);
	k->awaits_head = true;
	k->deadline = sot_mono_add_ms(sot_mono_now(), within_ms);
	sot_list_push(&h->heads, &k->link);
}

static void stop_awaiting(gw_connection *k)
{
	if (k->awaits_head)
		sot_list_remove(&k->link);
	k->awaits_head = false;
}

static gw_connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

void gw_http_head_complete(struct MHD_Connection *connection)
{
	gw_connection *k = connection_of(connection);
	if (k != NULL)
		stop_awaiting(k);
}

/* The same for bodies and answers: each byte starts the library's timeout anew. */
static void sweep_requests(gw_http *h)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	for (sot_link *l = h->requests.next; l != &h->requests; l = l->next) {
		gw_request *q = SOT_CONTAINER(l, gw_request, link);
		gw_connection *k;
		if (!gw_request_is_slow(q) || (k = connection_of(q->connection)) == NULL)
			continue;
		/* What the kernel holds for whoever does not read it is thrown away too. */
		(void)setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		(void)shutdown(k->fd, SHUT_RDWR);
		sot_metric_add(q->phase == PHASE_SENT ? h->slow_answers : h->slow_bodies, 1);
	}
}

/* The library owns the connection; a shut-down socket makes it end the connection by itself. */
static void on_sweep(void *self, uint64_t missed)
{
	gw_http *h = self;
	sot_mono now = sot_mono_now();
	sot_link *next;
	(void)missed;
	sweep_requests(h);
	for (sot_link *l = h->heads.next; l != &h->heads; l = next) {
		gw_connection *k = SOT_CONTAINER(l, gw_connection, link);
		next = l->next;
		if (!sot_mono_reached(now, k->deadline))
			continue;
		stop_awaiting(k);
		(void)shutdown(k->fd, SHUT_RDWR);
		sot_metric_add(h->slow_heads, 1);
	}
}

/* A connection that is kept may rest for the idle timeout; its next head then has the usual time,
 * counted from its first line when that comes early. */
static void begin_next(gw_http *h, struct MHD_Connection *connection)
{
	gw_connection *k = connection_of(connection);
	(void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, h->idle_timeout_s);
	if (k != NULL) {
		k->has_line = false;
		k->is_kept = true;
		await_head(h, k,
		    h->quiet ? LAST_HEAD_MS : (int64_t)h->idle_timeout_s * 1000 + h->head_deadline_ms);
	}
}

static void hasten(gw_connection *k, int64_t within_ms)
{
	sot_mono sooner = sot_mono_add_ms(sot_mono_now(), within_ms);
	if (k->awaits_head && sot_mono_reached(k->deadline, sooner))
		k->deadline = sooner;
}

/* The first line is there: from now on the rest has the usual time. */
static void hasten_head(gw_http *h, struct MHD_Connection *connection)
{
	gw_connection *k = connection_of(connection);
	if (k == NULL)
		return;
	k->has_line = true;
	hasten(k, h->head_deadline_ms);
}

/* Called with the request line, before the headers: the request object begins here. */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *connection)
{
	hasten_head(cls, connection);
	return gw_request_new(cls, connection, uri);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
    enum MHD_RequestTerminationCode why)
{
	gw_http *h = cls;
	gw_request *q = *con_cls;
	if (q == NULL)
		return;
	if (q->data != NULL)
		h->events.on_end(h->self, q);
	*con_cls = gw_request_free(q);
	if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK && !h->ending)
		begin_next(h, connection);
}

/* Small frames (events, problem documents) must not wait for the peer's delayed ACK. */
static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode what)
{
	gw_http *h = cls;
	const union MHD_ConnectionInfo *info;
	const int on = 1;
	gw_connection *k = *socket_context;
	if (what != MHD_CONNECTION_NOTIFY_STARTED) {
		if (k != NULL)
			stop_awaiting(k);
		free(k);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info == NULL)
		return;
	(void)setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*socket_context = k = sot_alloc(sizeof(*k));
	k->fd = info->connect_fd;
	await_head(h, k, h->quiet ? LAST_HEAD_MS : h->head_deadline_ms);
}

/* Percent escapes are decoded by this program, strictly (gw_percent_decode). */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *s)
{
	(void)cls;
	(void)connection;
	return strlen(s);
}

static void log_library(void *cls, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
static void log_library(void *cls, const char *fmt, va_list args)
{
	char text[200];
	(void)cls;
	(void)vsnprintf(text, sizeof(text), fmt, args);
	sot_log(SOT_DEBUG, "http.library", "text=\"%s\"", text);
}

static sot_code parse_listen(const char *text, struct sockaddr_in *ret, sot_err *err)
{
	sot_str port_text, host = sot_str_cut(sot_str_c(text), ':', &port_text);
	uint32_t address = 0;
	uint64_t port = 0;
	if (sot_parse_ipv4(host, &address, NULL) != SOT_OK ||
	    sot_parse_u64(port_text, 0, 65535, &port, NULL) != SOT_OK)
		return sot_fail(
		    err, SOT_INVALID, "listen = %s is not an address such as 127.0.0.1:7443", text);
	*ret = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(address)}};
	return SOT_OK;
}

static sot_code listen_on(gw_http *h, const char *text, int *ret_fd, sot_err *err)
{
	struct sockaddr_in a;
	socklen_t a_n = sizeof(a);
	char host[INET_ADDRSTRLEN];
	const int on = 1;
	int fd;
	if (parse_listen(text, &a, err) != SOT_OK)
		return SOT_INVALID;
	SOT_FAILPOINT("gateway.http.before_listen", err);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 512) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &a_n) != 0) {
		int why = errno;
		(void)close(fd);
		return sot_fail_errno(err, SOT_UNAVAILABLE, why, "listen on %s", text);
	}
	(void)inet_ntop(AF_INET, &a.sin_addr, host, sizeof(host));
	(void)snprintf(h->address, sizeof(h->address), "%s:%u", host, (unsigned)ntohs(a.sin_port));
	*ret_fd = fd;
	return SOT_OK;
}

static sot_code read_pem(const char *path, char **ret, sot_err *err)
{
	sot_buf text;
	sot_code code;
	sot_buf_init(&text, PEM_MAX);
	code = sot_file_read(path, &text, err);
	if (code == SOT_OK)
		*ret = sot_strndup(sot_buf_str(&text));
	sot_buf_clear(&text);
	return code;
}

static sot_code start(gw_http *h, const gw_http_options *o, int fd, sot_err *err)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[4] = {{MHD_OPTION_END, 0, NULL}};
	if (h->cert != NULL) {
		flags |= MHD_USE_TLS;
		tls[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, h->cert};
		tls[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, h->key};
		tls[2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
		    (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"};
		tls[3] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	}
	h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, h, MHD_OPTION_EXTERNAL_LOGGER,
	    log_library, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_ARRAY, tls,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections_max,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)o->connections_per_address_max,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)o->connection_memory_bytes,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->idle_timeout_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_URI_LOG_CALLBACK, on_request_line, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_UNESCAPE_CALLBACK,
	    keep_escapes, NULL, MHD_OPTION_END);
	if (h->daemon == NULL) {
		(void)close(fd);
		return sot_fail(err, SOT_INVALID,
		    "the HTTP server did not start; check that tls_cert and tls_key belong together");
	}
	return SOT_OK;
}

sot_code gw_http_new(reactor *r, const gw_http_options *options, const gw_http_events *events,
    void *self, gw_http **ret, sot_err *err)
{
	SOT_AUTO(gw_http) h = sot_alloc(sizeof(*h));
	const union MHD_DaemonInfo *info;
	int fd = -1;
	h->loop = r;
	h->events = *events;
	h->self = self;
	sot_list_init(&h->requests);
	sot_list_init(&h->heads);
	h->head_deadline_ms = options->head_deadline_ms;
	h->idle_timeout_s = (unsigned)options->idle_timeout_s;
	h->body_idle_timeout_s = (unsigned)options->body_idle_timeout_s;
	h->rests = sot_counter("sot_gateway_http_rests_total", NULL,
	    "Milliseconds rested because the HTTP library had more to do than could be seen to move");
	h->pace_bytes_per_s = options->pace_bytes_per_s;
	h->slow_bodies = sot_counter("sot_gateway_slow_bodies_total", NULL,
	    "Connections closed because a request's body came too slowly");
	h->slow_answers = sot_counter("sot_gateway_slow_answers_total", NULL,
	    "Connections closed because a client read its answer too slowly");
	h->slow_heads = sot_counter("sot_gateway_slow_heads_total", NULL,
	    "Connections closed because a request's head was not complete in time");
	if ((options->tls_cert[0] != '\0' && read_pem(options->tls_cert, &h->cert, err) != SOT_OK) ||
	    (options->tls_cert[0] != '\0' && read_pem(options->tls_key, &h->key, err) != SOT_OK))
		return sot_wrap(err, "TLS");
	if (listen_on(h, options->listen, &fd, err) != SOT_OK || start(h, options, fd, err) != SOT_OK)
		return err != NULL ? err->code : SOT_UNAVAILABLE;
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL)
		return sot_fail(err, SOT_INTERNAL, "the HTTP library has no epoll descriptor");
	h->timer = reactor_after_ms(r, 0, on_timer, h);
	h->sweep = reactor_every_ms(r, SWEEP_MS, on_sweep, h);
	h->readable = reactor_add_fd(r, info->epoll_fd, REACTOR_READ, on_readable, h);
	*ret = SOT_TAKE(h);
	return SOT_OK;
}

const char *gw_http_address(const gw_http *h)
{
	return h->address;
}

size_t gw_http_open_requests(const gw_http *h)
{
	return h->open;
}

bool gw_http_is_drained(const gw_http *h)
{
	return h->open == 0 && sot_list_empty(&h->heads);
}

void gw_http_leave(gw_http *h)
{
	h->leaving = true;
}

/* Who is connected for the kernel already would be reset when the socket closes. */
static void accept_the_last(gw_http *h, int listen_fd)
{
	for (;;) {
		struct sockaddr_in peer;
		socklen_t peer_n = sizeof(peer);
		int fd =
		    accept4(listen_fd, (struct sockaddr *)&peer, &peer_n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return;
		(void)MHD_add_connection(h->daemon, fd, (struct sockaddr *)&peer, peer_n);
	}
}

static bool has_bytes(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void gw_http_quiesce(gw_http *h)
{
	int fd = MHD_quiesce_daemon(h->daemon);
	sot_link *next;
	h->quiet = true;
	for (sot_link *l = h->heads.next; l != &h->heads; l = next) {
		gw_connection *k = SOT_CONTAINER(l, gw_connection, link);
		next = l->next;
		if (k->has_line || has_bytes(k->fd))
			continue; /* a request comes: it is answered */
		if (!k->is_kept) {
			hasten(k, LAST_HEAD_MS);
			continue;
		}
		stop_awaiting(k);
		(void)shutdown(k->fd, SHUT_RDWR);
	}
	if (fd >= 0) { /* these have said nothing yet because nobody has let them in */
		accept_the_last(h, fd);
		(void)close(fd);
	}
	gw_http_schedule(h);
}

gw_http *gw_http_free(gw_http *h)
{
	if (h == NULL)
		return NULL;
	h->ending = true;
	for (sot_link *l = h->requests.next; h->daemon != NULL && l != &h->requests; l = l->next)
		gw_http_resume(SOT_CONTAINER(l, gw_request, link));
	reactor_remove(h->readable);
	reactor_remove(h->timer);
	reactor_remove(h->sweep);
	if (h->daemon != NULL) {
		(void)MHD_run(h->daemon); /* takes the resumed ones back: the library stops only then */
		MHD_stop_daemon(h->daemon);
	}
	free(h->cert);
	free(h->key);
	free(h);
	return NULL;
}
