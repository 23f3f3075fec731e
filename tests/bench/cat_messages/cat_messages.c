/* cat_messages - how many CAT messages a second one core makes and hands to a socket.
 *
 *   cat_messages [SECONDS_PER_ROUND]
 *
 * A message is one frame: a transaction with one child event, a new id each. Each goes the bridge's
 * whole way: id, encoder, bounded queue, gathered write to a loopback connection whose other end
 * only reads (a process of its own). In the same run, over the same kind of connection:
 *   - one write a frame of the same size, encoded before: what a client without batching reaches
 *     (the peer of cat.messages_per_s; CAT's own C client is not in Debian). The two take turns,
 * and cat.ratio_c_client is the middle one of the ratios of neighbours (.._per_core: by the
 * sender's processor time): what else the machine does meets both alike;
 *   - writes of 256 KB: the connection's ceiling.
 */
#include "../bench.h"
#include "cat_codec.h"
#include "cat_id.h"
#include "definitions.h"
#include "frame_queue.h"
#include "sot_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WRITE_BYTES (256u * 1024u)
#define BATCH 256 /* frames between two writes, as a turn of the loop collects them */
#define PAIRS 11  /* turns of the two that are compared */
#define AT_UNIX_MS INT64_C(1700000000123)

typedef struct wire {
	int fd;
	pid_t reader;
	uint64_t bytes;
} wire;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static _Noreturn void read_all(int listener)
{
	static char nothing[1 << 20];
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = accept(listener, NULL, NULL);
	while (fd >= 0 && read(fd, nothing, sizeof(nothing)) > 0)
		;
	_exit(fd >= 0 ? 0 : 1);
}

static wire wire_open(void)
{
	wire w = {.bytes = 0};
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t n = sizeof(address);
	const int on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &n) != 0)
		die("listen");
	w.reader = fork();
	if (w.reader < 0)
		die("fork");
	if (w.reader == 0)
		read_all(listener);
	(void)close(listener);
	w.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w.fd < 0 || connect(w.fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect");
	(void)setsockopt(w.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return w;
}

static void wire_close(wire *w)
{
	(void)close(w->fd);
	(void)waitpid(w->reader, NULL, 0);
}

static size_t wire_send(wire *w, const struct iovec *pieces, int count)
{
	struct msghdr message = {
	    .msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = (size_t)count};
	ssize_t n = sendmsg(w->fd, &message, MSG_NOSIGNAL);
	if (n < 0 && errno != EINTR)
		die("send");
	w->bytes += n > 0 ? (uint64_t)n : 0;
	return n > 0 ? (size_t)n : 0;
}

static void wire_send_all(wire *w, char *p, size_t n)
{
	while (n > 0) {
		struct iovec piece = {p, n};
		size_t sent = wire_send(w, &piece, 1);
		p += sent;
		n -= sent;
	}
}

/* ---- the bridge's way ---- */

typedef struct maker {
	cat_reservation reservation;
	cat_sequence sequence;
	cat_repairs repairs;
	frame_queue *queue;
	bool heartbeats; /* whole status documents instead of small trees */
	definitions *definitions;
	char frame[CAT_FRAME_MAX];
	char rest[CAT_FRAME_MAX];
	char xml[16384];
} maker;

static void make_id(maker *m, int64_t at_unix_ms, char dst[static CAT_ID_MAX], sot_str *ret)
{
	uint32_t sequence;
	bool grew;
	int64_t hour = at_unix_ms / 3600000;
	while (cat_id_next(&m->reservation, &m->sequence, hour, &sequence, &grew, NULL) != SOT_OK) {
		m->sequence = (cat_sequence){{0}, {0}}; /* 50 million in a run: begin the hour anew */
		m->reservation = (cat_reservation){{0}, {0}, {0}};
	}
	*ret = cat_id_format(SOT_STR("sotalia-instance"), 0x0a42000b, 0, hour, sequence, dst);
}

static cat_message child_of(maker *m)
{
	cat_message child = {.kind = CAT_EVENT,
	    .at_unix_ms = AT_UNIX_MS,
	    .type = SOT_STR("Step"),
	    .name = SOT_STR("pull-image"),
	    .status = CAT_SUCCESS,
	    .data = SOT_STR("instance=shop-default-01")};
	if (m->heartbeats) {
		static const instance_figures figures = {.running = true,
		    .cpu_used_milli = 321,
		    .cpu_limit_milli = 1000,
		    .memory_rss_bytes = 123456789,
		    .memory_limit_bytes = 268435456,
		    .uptime_s = 86400};
		cat_heartbeat document;
		cat_heartbeat_begin(&document, m->xml, sizeof(m->xml));
		const definition_figures shown = {.figures = &figures};
		definitions_heartbeat(m->definitions, FIGURE_INSTANCE, &shown, &document);
		child.kind = CAT_HEARTBEAT;
		child.type = SOT_STR("Heartbeat");
		if (cat_heartbeat_end(&document, &child.data, NULL) != SOT_OK)
			abort();
	}
	return child;
}

static size_t make_frame(maker *m)
{
	char id[CAT_ID_MAX];
	size_t size;
	cat_header header = {.domain = SOT_STR("sotalia-instance"),
	    .host_name = SOT_STR("shop-default-01"),
	    .address = SOT_STR("shop-default-01"),
	    .thread_group = SOT_STR("sotalia"),
	    .thread_id = SOT_STR("1"),
	    .thread_name = SOT_STR("monitor-bridge")};
	make_id(m, AT_UNIX_MS, id, &header.message_id);
	cat_message child = child_of(m);
	const cat_message root = {.kind = CAT_TRANSACTION,
	    .at_unix_ms = AT_UNIX_MS,
	    .type = SOT_STR("Sotalia.Op"),
	    .name = SOT_STR("deploy"),
	    .status = CAT_SUCCESS,
	    .data = SOT_STR("op=42&app=shop&host=node-1"),
	    .duration_us = 1500000,
	    .children = &child,
	    .child_count = 1};
	if (cat_encode(CAT_NT1, &header, &root, m->frame, sizeof(m->frame), &size, &m->repairs, NULL) !=
	    SOT_OK)
		abort();
	return size;
}

static void flush_queue(maker *m, wire *w)
{
	struct iovec pieces[2];
	int count;
	while ((count = frame_queue_peek(m->queue, WRITE_BYTES, 0, pieces)) > 0) {
		size_t rest;
		frame_queue_take(m->queue, wire_send(w, pieces, count), m->rest, &rest);
		if (rest > 0)
			wire_send_all(w, m->rest, rest);
	}
}

static double cpu_seconds(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* *ret_per_core: frames by processor time of this process, which a busy machine does not touch; the
 * reader is another process. */
static double bridge_round(bool heartbeats, double seconds, size_t *ret_size, double *ret_per_core)
{
	maker *m = sot_alloc(sizeof(*m));
	wire w = wire_open();
	uint64_t frames = 0;
	int64_t begin = bench_now_ns(), now = begin;
	double cpu_begin = cpu_seconds();
	m->heartbeats = heartbeats;
	m->definitions = definitions_new();
	if (definitions_parse(m->definitions, "default.def", definitions_default(), NULL) != SOT_OK)
		abort();
	m->queue = frame_queue_new(16 << 20, 65536);
	while ((double)(now - begin) < seconds * 1e9) {
		for (int i = 0; i < BATCH; i++) {
			*ret_size = make_frame(m);
			(void)frame_queue_push(m->queue, (sot_str){m->frame, *ret_size}, INT64_MAX);
		}
		flush_queue(m, &w);
		frames += BATCH;
		now = bench_now_ns();
	}
	*ret_per_core = (double)frames / (cpu_seconds() - cpu_begin);
	if (frame_queue_get_stats(m->queue).overflowed > 0)
		abort(); /* dropped frames must not count as sent */
	frame_queue_free(m->queue);
	definitions_free(m->definitions);
	free(m);
	wire_close(&w);
	return (double)frames * 1e9 / (double)(now - begin);
}

/* ---- raw writes ---- */

/* Writes of `size` bytes; returns frames of `frame_size` a second, *ret_per_core as above. */
static double raw_round(size_t size, size_t frame_size, double seconds, double *ret_per_core)
{
	wire w = wire_open();
	char *bytes = sot_alloc(size);
	int64_t begin = bench_now_ns(), now = begin;
	double cpu_begin = cpu_seconds();
	while ((double)(now - begin) < seconds * 1e9) {
		for (int i = 0; i < 16; i++)
			wire_send_all(&w, bytes, size);
		now = bench_now_ns();
	}
	*ret_per_core = (double)w.bytes / (double)frame_size / (cpu_seconds() - cpu_begin);
	wire_close(&w);
	free(bytes);
	return (double)w.bytes / (double)frame_size * 1e9 / (double)(now - begin);
}

/* ---- the two beside each other ---- */

typedef struct turns {
	double made, single, per_core; /* middle ones */
	double ratio, wall_ratio;
	size_t size;
} turns;

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double middle(double values[static PAIRS])
{
	qsort(values, PAIRS, sizeof(values[0]), by_value);
	return values[PAIRS / 2];
}

static turns take_turns(double seconds)
{
	double made[PAIRS], single[PAIRS], per_core[PAIRS], ratio[PAIRS], wall[PAIRS];
	turns t;
	for (int i = 0; i < PAIRS; i++) {
		double other;
		made[i] = bridge_round(false, seconds / PAIRS, &t.size, &per_core[i]);
		single[i] = raw_round(t.size, t.size, seconds / PAIRS, &other);
		ratio[i] = per_core[i] / other;
		wall[i] = made[i] / single[i];
	}
	t.made = middle(made);
	t.single = middle(single);
	t.per_core = middle(per_core);
	t.ratio = middle(ratio);
	t.wall_ratio = middle(wall);
	return t;
}

int main(int argc, char **argv)
{
	uint64_t seconds = 2;
	size_t heartbeat_size;
	sot_err err;
	if (argc > 1 && sot_parse_u64(sot_str_c(argv[1]), 1, 600, &seconds, &err) != SOT_OK) {
		(void)fprintf(stderr, "cat_messages: seconds: %s\n", err.text);
		return 64;
	}
	bench *b = bench_new("cat_messages");
	double heartbeats_per_core, bulk_per_core;
	turns t = take_turns((double)seconds * 2);
	double heartbeats = bridge_round(true, (double)seconds, &heartbeat_size, &heartbeats_per_core);
	double bulk = raw_round(WRITE_BYTES, t.size, (double)seconds, &bulk_per_core);
	bench_figure(b, "cat.messages_per_s", t.made, "messages/s", ">= 200000", t.single);
	bench_figure(b, "cat.messages_per_core_s", t.per_core, "messages/s", ">= 200000", BENCH_NONE);
	bench_figure(b, "cat.ratio_c_client", t.wall_ratio, "ratio", ">= 1.5", 1.0);
	bench_figure(b, "cat.ratio_c_client_per_core", t.ratio, "ratio", NULL, 1.0);
	bench_figure(b, "cat.heartbeats_per_s", heartbeats, "messages/s", NULL, BENCH_NONE);
	bench_figure(
	    b, "cat.heartbeats_per_core_s", heartbeats_per_core, "messages/s", NULL, BENCH_NONE);
	bench_figure(b, "cat.heartbeat_bytes", (double)heartbeat_size, "bytes", NULL, BENCH_NONE);
	bench_figure(b, "cat.raw_bulk_per_s", bulk, "messages/s", NULL, BENCH_NONE);
	bench_figure(b, "cat.message_bytes", (double)t.size, "bytes", NULL, BENCH_NONE);
	sot_code code = bench_write(b, &err);
	bench_free(b);
	if (code != SOT_OK) {
		(void)fprintf(stderr, "cat_messages: %s\n", err.text);
		return 1;
	}
	return 0;
}
