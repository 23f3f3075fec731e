/* sotalia-catdump - prints any CAT stream as JSON lines, one for each frame.
 *
 *   sotalia-catdump [--rules] [FILE]              a captured stream; standard input without FILE
 *   sotalia-catdump [--rules] --listen=[IP:]PORT  plays CAT's receiver until SIGTERM; port 0: any
 *
 * With --rules each line says what a CAT 3.1 server would do with the frame ("verdict"), and at the
 * end the verdicts are counted on standard error. Exit code: 0; 1 when a frame could not be read
 * or, with --rules, would be dropped; 64 for a wrong call.
 */
#include "cat_accept.h"
#include "reactor.h"
#include "sot_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_BYTES (64u * 1024u * 1024u)
#define ARENA_MAX (64u * 1024u * 1024u)
#define READ_BYTES 65536
#define PEERS_MAX 256

typedef struct dump {
	cat_accept *rules; /* NULL: not asked for */
	sot_arena *memory;
	sot_buf line;
	uint64_t frames, unreadable;
} dump;

static void print_error(dump *d, const sot_err *err)
{
	sot_buf_reset(&d->line);
	sot_buf_add_c(&d->line, "{\"error\":");
	sot_buf_add_json(&d->line, sot_str_c(err->text));
	sot_buf_add_char(&d->line, '}');
	d->unreadable++;
	(void)puts(d->line.p);
}

static void print_frame(dump *d, sot_str frame)
{
	cat_read_tree tree;
	sot_err err;
	sot_arena_reset(d->memory);
	sot_buf_reset(&d->line);
	d->frames++;
	if (cat_read_frame(frame, d->memory, &tree, &err) != SOT_OK) {
		print_error(d, &err);
		return;
	}
	cat_read_json(&tree, &d->line);
	if (d->rules) {
		cat_verdict v = cat_accept_tree(d->rules, &tree, sot_wall_now().unix_ms);
		d->line.n--; /* the closing brace */
		sot_buf_printf(&d->line, ",\"verdict\":\"%s\"}", cat_verdict_name(v));
	}
	(void)puts(sot_buf_failed(&d->line) ? "{\"error\":\"a line of more than 64 MB\"}" : d->line.p);
}

/* Prints what is whole and takes it away. SOT_INVALID: the stream cannot be read on. */
static sot_code print_whole(dump *d, sot_buf *stream, sot_err *err)
{
	size_t at = 0, size;
	sot_code code = SOT_OK;
	for (;;) {
		sot_str rest = {stream->p + at, stream->n - at};
		code = stream->n > at ? cat_read_frame_size(rest, &size, err) : SOT_OK;
		if (code != SOT_OK || stream->n == at || size == 0)
			break;
		print_frame(d, (sot_str){rest.p, size});
		at += size;
	}
	sot_buf_consume(stream, at);
	(void)fflush(stdout);
	return code;
}

static void print_end(dump *d, const sot_buf *stream)
{
	sot_err err;
	if (stream->n == 0)
		return;
	(void)sot_fail(
	    &err, SOT_INVALID, "the stream ended inside a frame, behind %zu bytes of it", stream->n);
	print_error(d, &err);
}

static sot_code dump_fd(dump *d, int fd, sot_err *err)
{
	static char piece[READ_BYTES];
	SOT_AUTO_BUF stream;
	sot_buf_init(&stream, CAT_READ_FRAME_MAX + READ_BYTES + 8);
	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sot_fail_errno(err, SOT_INTERNAL, errno, "read");
		if (n == 0)
			break;
		sot_buf_add(&stream, piece, (size_t)n);
		sot_code code = print_whole(d, &stream, err);
		if (code != SOT_OK) {
			print_error(d, err);
			return SOT_OK;
		}
	}
	print_end(d, &stream);
	return SOT_OK;
}

/* ---- playing the receiver ---- */

typedef struct server server;
typedef struct peer {
	server *of;
	int fd; /* -1: free */
	reactor_watch *watch;
	sot_buf stream;
} peer;

struct server {
	reactor *loop;
	dump *dump;
	peer peers[PEERS_MAX];
};

static void drop(peer *p)
{
	p->watch = reactor_remove(p->watch);
	(void)close(p->fd);
	p->fd = -1;
	sot_buf_clear(&p->stream);
}

static void on_peer(void *self, int fd, int events)
{
	static char piece[READ_BYTES];
	peer *p = self;
	sot_err err;
	(void)events;
	ssize_t n = recv(fd, piece, sizeof(piece), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		print_end(p->of->dump, &p->stream);
		(void)fflush(stdout);
		drop(p);
		return;
	}
	sot_buf_add(&p->stream, piece, (size_t)n);
	if (print_whole(p->of->dump, &p->stream, &err) == SOT_OK)
		return;
	print_error(p->of->dump, &err);
	drop(p);
}

static void on_accept(void *self, int listener, int events)
{
	server *s = self;
	(void)events;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	size_t i = 0;
	while (i < PEERS_MAX && s->peers[i].fd >= 0)
		i++;
	if (i == PEERS_MAX) {
		(void)close(fd);
		return;
	}
	s->peers[i].fd = fd;
	s->peers[i].watch = reactor_add_fd(s->loop, fd, REACTOR_READ, on_peer, &s->peers[i]);
}

static void on_end(void *self, int signo)
{
	(void)signo;
	reactor_stop(self);
}

static sot_code listen_at(const char *text, int *ret_fd, unsigned *ret_port, sot_err *err)
{
	const int on = 1;
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof(at);
	uint32_t address = INADDR_LOOPBACK;
	uint64_t port;
	sot_str port_text, whole = sot_str_c(text), host = sot_str_cut(whole, ':', &port_text);
	if (host.n == whole.n)
		port_text = whole;
	if ((host.n < whole.n && sot_parse_ipv4(host, &address, NULL) != SOT_OK) ||
	    sot_parse_u64(port_text, 0, 65535, &port, NULL) != SOT_OK)
		return sot_fail(err, SOT_INVALID, "--listen=%s: write PORT or IP:PORT", text);
	at.sin_port = htons((uint16_t)port);
	at.sin_addr.s_addr = htonl(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
		int why = errno;
		(void)close(fd);
		return sot_fail_errno(err, SOT_UNAVAILABLE, why, "--listen=%s", text);
	}
	*ret_fd = fd;
	*ret_port = ntohs(at.sin_port);
	return SOT_OK;
}

static sot_code serve(dump *d, const char *place, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	server *s = sot_alloc(sizeof(*s));
	unsigned port = 0;
	int fd = -1;
	sot_code code = reactor_new(&loop, err);
	if (code == SOT_OK)
		code = listen_at(place, &fd, &port, err);
	if (code == SOT_OK) {
		s->loop = loop;
		s->dump = d;
		for (size_t i = 0; i < PEERS_MAX; i++) {
			s->peers[i] = (peer){.of = s, .fd = -1};
			sot_buf_init(&s->peers[i].stream, CAT_READ_FRAME_MAX + READ_BYTES + 8);
		}
		(void)printf("{\"listening\":%u}\n", port);
		(void)fflush(stdout);
		reactor_watch *watch = reactor_add_fd(loop, fd, REACTOR_READ, on_accept, s);
		(void)reactor_add_signal(loop, SIGTERM, on_end, loop);
		(void)reactor_add_signal(loop, SIGINT, on_end, loop);
		code = reactor_run(loop, err);
		reactor_remove(watch);
		for (size_t i = 0; i < PEERS_MAX; i++) {
			if (s->peers[i].fd >= 0)
				drop(&s->peers[i]);
		}
		(void)close(fd);
	}
	free(s);
	return code;
}

/* ---- the call ---- */

static bool tell_verdicts(const dump *d)
{
	bool all_taken = true;
	for (int v = 0; v < CAT_VERDICTS; v++) {
		uint64_t count = cat_accept_count(d->rules, (cat_verdict)v);
		if (count > 0)
			(void)fprintf(stderr, "%s %" PRIu64 "\n", cat_verdict_name((cat_verdict)v), count);
		all_taken &= v == CAT_ACCEPTED || count == 0;
	}
	return all_taken;
}

static sot_code dump_file(dump *d, const char *file, sot_err *err)
{
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0)
		return sot_fail_errno(err, SOT_NOT_FOUND, errno, "%s", file);
	sot_code code = dump_fd(d, fd, err);
	if (file)
		(void)close(fd);
	return code;
}

int main(int argc, char **argv)
{
	static const char listen_key[] = "--listen=";
	const char *place = NULL, *file = NULL;
	bool with_rules = false, is_wrong = false;
	sot_err err;
	dump d = {.frames = 0};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--rules") == 0) {
			with_rules = true;
		} else if (strncmp(argv[i], listen_key, sizeof(listen_key) - 1) == 0) {
			place = argv[i] + sizeof(listen_key) - 1;
		} else if (argv[i][0] == '-' || file) {
			is_wrong = true;
		} else {
			file = argv[i];
		}
	}
	if (is_wrong || (place && file)) {
		(void)fprintf(stderr, "usage: sotalia-catdump [--rules] [FILE | --listen=[IP:]PORT]\n");
		return 64;
	}
	d.memory = sot_arena_new(ARENA_MAX);
	d.rules = with_rules ? cat_accept_new() : NULL;
	sot_buf_init(&d.line, LINE_MAX_BYTES);
	sot_code code = place ? serve(&d, place, &err) : dump_file(&d, file, &err);
	if (code != SOT_OK)
		(void)fprintf(stderr, "sotalia-catdump: %s\n", err.text);
	bool all_taken = !d.rules || tell_verdicts(&d);
	cat_accept_free(d.rules);
	sot_arena_free(d.memory);
	sot_buf_clear(&d.line);
	return code == SOT_OK && d.unreadable == 0 && all_taken ? 0 : 1;
}
