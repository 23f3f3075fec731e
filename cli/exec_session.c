#include "exec_session.h"

#include "exec_channel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum {
	INPUT_WINDOW = 64 * 1024, /* bytes sent and not taken yet */
	OUTPUT_MAX = 256 * 1024,
	PIECE = 4096, /* what a pipe that says it is writable takes without waiting (PIPE_BUF) */
	ACK_EVERY = 8192,
	SILENT_MS = 65000,
	LOOK_MS = 5000,
	RETRIES = 60,
	RETRY_MS = 1000,
	PATH_LENGTH_MAX = 128 * 1024
};

typedef struct stream {
	sot_buf waiting;
	int fd; /* -1: nobody reads it any more */
} stream;

typedef struct session {
	const cli_call *call;
	const exec_wish *wish;
	exec_channel *channel;
	char id[64];
	stream out, err;
	uint64_t received, written, acknowledged; /* output, by position */
	uint64_t sent, taken;                     /* input, of this connection */
	bool begun, input_over, input_end_told, over, interrupted;
	int signals, exit_status;
	struct termios before;
	bool is_raw;
} session;

/* ---- the terminal ---- */

static void make_raw(session *x)
{
	struct termios raw;
	if (!x->wish->terminal || !isatty(x->wish->in) || tcgetattr(x->wish->in, &x->before) != 0)
		return;
	raw = x->before;
	cfmakeraw(&raw);
	x->is_raw = tcsetattr(x->wish->in, TCSADRAIN, &raw) == 0;
}

static void restore(session *x)
{
	if (x->is_raw)
		(void)tcsetattr(x->wish->in, TCSADRAIN, &x->before);
	x->is_raw = false;
}

static bool read_size(uint16_t *ret_columns, uint16_t *ret_rows)
{
	struct winsize size = {0};
	for (int fd = 0; fd <= 2; fd++)
		if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
			*ret_columns = size.ws_col < EXEC_SIDE_MAX ? size.ws_col : EXEC_SIDE_MAX;
			*ret_rows = size.ws_row < EXEC_SIDE_MAX ? size.ws_row : EXEC_SIDE_MAX;
			return true;
		}
	return false;
}

/* ---- frames ---- */

static void take_end(session *x, const exec_frame *f)
{
	x->over = true;
	x->exit_status = f->reason == EXEC_EXITED      ? f->status
	                 : f->reason == EXEC_SIGNALLED ? 128 + f->status
	                                               : EXEC_SESSION_BROKEN;
	restore(x);
	if (f->reason == EXEC_REFUSED || f->reason == EXEC_BROKEN)
		cli_say("error: %.*s", (int)f->n, f->data != NULL ? (const char *)f->data : "");
}

static void on_frame(void *self, const exec_frame *f)
{
	session *x = self;
	switch (f->kind) {
	case EXEC_BEGUN:
		x->begun = true;
		x->received = x->acknowledged = f->number;
		x->written = f->number - x->out.waiting.n - x->err.waiting.n;
		(void)snprintf(x->id, sizeof(x->id), "%.*s", (int)f->n, (const char *)f->data);
		break;
	case EXEC_OUTPUT:
		sot_buf_add(&x->out.waiting, f->data, f->n);
		x->received += f->n;
		break;
	case EXEC_ERROR_OUTPUT:
		sot_buf_add(&x->err.waiting, f->data, f->n);
		x->received += f->n;
		break;
	case EXEC_CREDIT:
		x->taken = f->number;
		break;
	case EXEC_END:
		take_end(x, f);
		break;
	default:
		break;
	}
}

static void acknowledge(session *x)
{
	exec_frame f = {.kind = EXEC_CREDIT, .number = x->written};
	if (x->over || x->written <= x->acknowledged ||
	    (x->written - x->acknowledged < ACK_EVERY && x->written < x->received))
		return;
	x->acknowledged = x->written;
	(void)exec_channel_send(x->channel, &f);
}

/* ---- streams ---- */

/* A reader that is gone takes everything, so that the program inside sees a closed pipe's effect
 * only when it is told: by SIGPIPE. */
static void lose(session *x, stream *s)
{
	exec_frame f = {.kind = EXEC_SIGNAL, .signal = SIGPIPE};
	s->fd = -1;
	if (x->channel != NULL)
		(void)exec_channel_send(x->channel, &f);
}

static void write_piece(session *x, stream *s)
{
	size_t n = s->waiting.n < PIECE ? s->waiting.n : PIECE;
	ssize_t written = s->fd < 0 ? (ssize_t)n : write(s->fd, s->waiting.p, n);
	if (written < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (written < 0) {
		lose(x, s);
		written = (ssize_t)n;
	}
	sot_buf_consume(&s->waiting, (size_t)written);
	x->written += (uint64_t)written;
}

static void read_input(session *x)
{
	uint8_t bytes[EXEC_DATA_MAX];
	uint64_t room = INPUT_WINDOW - (x->sent - x->taken);
	ssize_t n = read(x->wish->in, bytes, room < sizeof(bytes) ? (size_t)room : sizeof(bytes));
	exec_frame f = {.kind = EXEC_INPUT, .data = bytes, .n = n > 0 ? (size_t)n : 0};
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	x->input_over = n <= 0;
	x->sent += f.n;
	if (n > 0)
		(void)exec_channel_send(x->channel, &f);
}

static void tell_input_end(session *x)
{
	exec_frame f = {.kind = EXEC_INPUT_END};
	if (!x->input_over || x->input_end_told)
		return;
	x->input_end_told = true;
	(void)exec_channel_send(x->channel, &f);
}

/* The first one is the program's; a second interrupt ends this one. */
static bool take_signals(session *x)
{
	struct signalfd_siginfo got;
	exec_frame f = {.kind = EXEC_RESIZE};
	while (read(x->signals, &got, sizeof(got)) == sizeof(got)) {
		if (got.ssi_signo == SIGWINCH) {
			if (x->wish->terminal && read_size(&f.columns, &f.rows))
				(void)exec_channel_send(x->channel, &f);
			continue;
		}
		exec_frame signal_frame = {.kind = EXEC_SIGNAL, .signal = (uint8_t)got.ssi_signo};
		(void)exec_channel_send(x->channel, &signal_frame);
		if (x->wish->terminal || (x->interrupted && got.ssi_signo == SIGINT)) {
			x->exit_status = 128 + (int)got.ssi_signo;
			return false;
		}
		x->interrupted = true;
	}
	return true;
}

/* ---- one connection ---- */

/* False: it was cut, or a signal ends this program (then x->over is set). */
static bool turn(session *x)
{
	bool reads = x->begun && !x->input_over && x->sent - x->taken < INPUT_WINDOW;
	bool has_out = x->out.waiting.n > 0, has_err = x->err.waiting.n > 0;
	short wanted = (short)(POLLIN | (exec_channel_wants_write(x->channel) ? POLLOUT : 0));
	struct pollfd fds[5] = {{.fd = exec_channel_fd(x->channel), .events = wanted},
	    {.fd = x->signals, .events = POLLIN}, {.fd = reads ? x->wish->in : -1, .events = POLLIN},
	    {.fd = has_out ? x->out.fd : -1, .events = POLLOUT},
	    {.fd = has_err ? x->err.fd : -1, .events = POLLOUT}};
	bool lost_reader = (has_out && x->out.fd < 0) || (has_err && x->err.fd < 0);
	if (poll(fds, 5, lost_reader ? 0 : LOOK_MS) < 0)
		return true;
	if (fds[1].revents != 0 && !take_signals(x)) {
		x->over = true;
		return false;
	}
	if (fds[2].revents != 0)
		read_input(x);
	if (has_out && (fds[3].revents != 0 || x->out.fd < 0))
		write_piece(x, &x->out);
	if (has_err && (fds[4].revents != 0 || x->err.fd < 0))
		write_piece(x, &x->err);
	if (x->begun)
		tell_input_end(x);
	acknowledge(x);
	bool lives = fds[0].revents == 0 || exec_channel_receive(x->channel);
	return exec_channel_flush(x->channel) && lives &&
	       exec_channel_silent_ms(x->channel) < SILENT_MS;
}

static void write_all_of(session *x, stream *s)
{
	while (s->waiting.n > 0) {
		struct pollfd one = {.fd = s->fd, .events = POLLOUT};
		if (s->fd >= 0 && poll(&one, 1, -1) < 0 && errno != EINTR)
			return;
		write_piece(x, s);
	}
}

/* What came before the end is still written. */
static void write_rest(session *x)
{
	write_all_of(x, &x->out);
	write_all_of(x, &x->err);
}

/* A terminal's session is kept by the gateway for a while. */
static bool come_back(session *x)
{
	char path[160];
	if (!x->wish->terminal || !x->begun)
		return false;
	cli_say("\r\nthe connection was cut; trying again");
	for (int i = 0; i < RETRIES; i++) {
		(void)snprintf(
		    path, sizeof(path), "/v1/exec/%s?after=%llu", x->id, (unsigned long long)x->received);
		x->begun = x->input_end_told = false;
		x->sent = x->taken = 0;
		cli_exit result = exec_channel_open(x->call, path, true, on_frame, x, &x->channel);
		if (result == CLI_OK)
			return true;
		if (result != CLI_UNREACHABLE)
			return false; /* the gateway is there, and has no such session */
		(void)poll(NULL, 0, RETRY_MS);
	}
	return false;
}

static void serve(session *x)
{
	for (;;) {
		while (!x->over && turn(x))
			continue;
		x->channel = exec_channel_free(x->channel);
		if (x->over || !come_back(x))
			break;
	}
	restore(x);
	if (x->over)
		write_rest(x);
	else
		cli_say("error: the connection to %s was lost", x->call->url);
}

/* ---- the whole ---- */

static void add_parameter(sot_buf *path, const char *name, const char *value)
{
	char *escaped = cli_escape(value);
	sot_buf_printf(path, "&%s=%s", name, escaped);
	free(escaped);
}

static void add_path(const exec_wish *wish, sot_buf *out)
{
	const char *term = getenv("TERM");
	uint16_t columns = 80, rows = 24;
	char *path = cli_path("/v1/instances/%s/exec", &wish->instance, 1);
	sot_buf_printf(out, "%s?account=%s", path, wish->account != NULL ? wish->account : "admin");
	free(path);
	if (wish->terminal && read_size(&columns, &rows))
		sot_buf_printf(out, "&columns=%u&rows=%u", columns, rows);
	if (wish->terminal)
		sot_buf_add_c(out, "&terminal=true");
	if (wish->terminal && term != NULL)
		add_parameter(out, "term", term);
	if (wish->command[0] != '\0')
		add_parameter(out, "command", wish->command);
	sot_buf_add_char(out, '\0');
}

/* Signals are read from a descriptor, but for those that stop this program. */
static int open_signals(void)
{
	static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		sigaddset(&set, handled[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

cli_exit exec_session_run(const cli_call *call, const exec_wish *wish, int *ret_status)
{
	session x = {.call = call,
	    .wish = wish,
	    .out.fd = wish->out,
	    .err.fd = wish->err,
	    .input_over = !wish->interactive,
	    /* Without input a terminal gets no end of it: ctrl-D is not typed for nobody. */
	    .input_end_told = !wish->interactive && wish->terminal,
	    .exit_status = EXEC_SESSION_BROKEN};
	SOT_AUTO_BUF path;
	sot_buf_init(&path, PATH_LENGTH_MAX);
	add_path(wish, &path);
	sot_buf_init(&x.out.waiting, OUTPUT_MAX);
	sot_buf_init(&x.err.waiting, OUTPUT_MAX);
	cli_exit result = exec_channel_open(call, path.p, false, on_frame, &x, &x.channel);
	if (result == CLI_OK) {
		x.signals = open_signals();
		make_raw(&x);
		serve(&x);
		close(x.signals);
		*ret_status = x.exit_status;
	}
	sot_buf_clear(&x.out.waiting);
	sot_buf_clear(&x.err.waiting);
	return result;
}
