#include "exec_session.h"

#include "exec_program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPEN_MS = 10000, GRACE_MS = 1000, ROUND_MS = 50, INPUT_MAX = EXEC_WINDOW * EXEC_DATA_MAX };

typedef struct session {
	int fd, signals;
	exec_program program;
	bool terminal;
	/* Input that the program has not taken; frame sizes, for the credit that is given back. */
	uint8_t input[INPUT_MAX];
	size_t input_n, sizes[EXEC_WINDOW], frame_count;
	bool input_ends;
	exec_window output; /* frames that may be sent */
	bool program_ended, cut;
	int status;
} session;

static session s; /* the process serves one */

/* ---- frames out ---- */

static bool send_frame(const exec_frame *f)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	size_t n = exec_frame_write(f, bytes);
	ssize_t sent;
	do
		sent = send(s.fd, bytes, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	s.cut = s.cut || sent != (ssize_t)n;
	return !s.cut;
}

static void send_end(exec_reason reason, int status, const char *text)
{
	exec_frame f = {.kind = EXEC_END,
	    .reason = reason,
	    .status = (uint8_t)status,
	    .data = (const uint8_t *)text,
	    .n = strlen(text)};
	(void)send_frame(&f);
}

static void give_credit(unsigned frames)
{
	exec_frame f = {.kind = EXEC_CREDIT, .number = frames};
	if (frames > 0)
		(void)send_frame(&f);
}

/* ---- output ---- */

/* One frame of what can be read. False: nothing now; the descriptor is closed at its end. */
static bool send_output(int *fd, exec_kind kind)
{
	static uint8_t bytes[EXEC_DATA_MAX];
	if (*fd < 0 || s.output.left == 0 || s.cut)
		return false;
	ssize_t n = read(*fd, bytes, sizeof(bytes));
	if (n > 0) {
		exec_frame f = {.kind = kind, .data = bytes, .n = (size_t)n};
		return exec_window_take(&s.output) && send_frame(&f);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		if (!s.terminal)
			close(*fd);
		*fd = -1; /* a terminal's descriptor is kept open for the program's end */
	}
	return false;
}

/* ---- input ---- */

static void drop_input(void)
{
	s.input_n = 0;
	give_credit((unsigned)s.frame_count);
	s.frame_count = 0;
}

static void taken(size_t n)
{
	unsigned frames = 0;
	memmove(s.input, s.input + n, s.input_n - n);
	s.input_n -= n;
	while (s.frame_count > 0 && n >= s.sizes[0]) {
		n -= s.sizes[0];
		s.frame_count--;
		memmove(s.sizes, s.sizes + 1, s.frame_count * sizeof(s.sizes[0]));
		frames++;
	}
	if (s.frame_count > 0)
		s.sizes[0] -= n;
	give_credit(frames);
}

/* The end of the input: a pipe is closed; to a terminal ctrl-D is typed. */
static void end_input(void)
{
	static const char end_of_file = 4;
	s.input_ends = false;
	if (s.terminal) {
		ssize_t ignored = write(s.program.input, &end_of_file, 1);
		(void)ignored;
		return;
	}
	close(s.program.input);
	s.program.input = -1;
}

static void feed(void)
{
	if (s.program.input < 0) {
		drop_input();
		return;
	}
	ssize_t n = s.input_n > 0 ? write(s.program.input, s.input, s.input_n) : 0;
	if (n > 0)
		taken((size_t)n);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		if (!s.terminal)
			close(s.program.input);
		s.program.input = s.terminal ? s.program.input : -1;
		drop_input();
	}
	if (s.input_ends && s.input_n == 0 && s.program.input >= 0)
		end_input();
}

static bool take_input(const exec_frame *f)
{
	if (s.frame_count == EXEC_WINDOW || s.input_n + f->n > INPUT_MAX)
		return false;
	memcpy(s.input + s.input_n, f->data, f->n);
	s.input_n += f->n;
	s.sizes[s.frame_count++] = f->n;
	feed();
	return true;
}

/* ---- frames in ---- */

static void send_signal(int signo)
{
	pid_t group = s.terminal ? tcgetpgrp(s.program.input) : s.program.pid;
	(void)kill(-(group > 0 ? group : s.program.pid), signo);
}

/* False: the other side does not keep to the agreement. */
static bool take_frame(const exec_frame *f)
{
	switch (f->kind) {
	case EXEC_INPUT:
		return !s.input_ends && take_input(f);
	case EXEC_INPUT_END:
		s.input_ends = true;
		feed();
		return true;
	case EXEC_RESIZE:
		if (s.terminal)
			exec_program_resize(&s.program, f->columns, f->rows);
		return true;
	case EXEC_SIGNAL:
		send_signal(f->signal);
		return true;
	case EXEC_CREDIT:
		return exec_window_grant(&s.output, f->number);
	default:
		return false;
	}
}

static void read_frame(void)
{
	uint8_t bytes[EXEC_FRAME_MAX + 1];
	exec_frame f;
	ssize_t n = recv(s.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	s.cut = n <= 0 || !exec_frame_parse(bytes, (size_t)n, &f) || !take_frame(&f);
}

/* ---- the end of what was started ---- */

static void read_signals(void)
{
	struct signalfd_siginfo got;
	int status = 0;
	while (read(s.signals, &got, sizeof(got)) == sizeof(got))
		continue;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		if (pid == s.program.pid) {
			s.program_ended = true;
			s.status = status;
		}
}

/* The digits at the beginning of a text of the kernel's. */
static pid_t number_at(const char *text)
{
	pid_t n = 0;
	for (; *text >= '0' && *text <= '9' && n < 100000000; text++)
		n = n * 10 + (*text - '0');
	return n;
}

/* Children of this process, by /proc: the orphans of the program are among them. */
static void kill_children(int signo)
{
	char path[64], text[512];
	DIR *dir = opendir("/proc");
	for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", e->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
		if (fd >= 0)
			close(fd);
		text[n > 0 ? n : 0] = '\0';
		const char *name_end = strrchr(text, ')');
		if (name_end && strlen(name_end) > 4 && number_at(name_end + 4) == getpid())
			(void)kill(number_at(e->d_name), signo);
	}
	if (dir)
		(void)closedir(dir);
}

/* Nothing of a session that was cut goes on: what is left of it falls to this process, until there
 * is nothing. */
static void end_all(void)
{
	int left_ms = GRACE_MS, round_ms = ROUND_MS;
	struct signalfd_siginfo got;
	pid_t pid;
	(void)kill(-s.program.pid, SIGHUP);
	if (s.terminal)
		close(s.program.input); /* hangs it up */
	for (;; left_ms -= round_ms) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		if (pid < 0)
			return;
		if (left_ms <= 0) {
			(void)kill(-s.program.pid, SIGKILL);
			kill_children(SIGKILL);
			round_ms = round_ms < GRACE_MS ? round_ms * 2 : round_ms;
		}
		struct pollfd signals = {.fd = s.signals, .events = POLLIN};
		(void)poll(&signals, 1, round_ms);
		while (read(s.signals, &got, sizeof(got)) == sizeof(got))
			continue;
	}
}

/* What the program wrote before it ended is still in the pipes; who else holds them is not waited
 * for. */
static bool drain(void)
{
	bool more = send_output(&s.program.output, EXEC_OUTPUT);
	more = send_output(&s.program.error_output, EXEC_ERROR_OUTPUT) || more;
	return more;
}

static bool has_output_left(void)
{
	struct pollfd fds[2] = {{.fd = s.program.output, .events = POLLIN},
	    {.fd = s.program.error_output, .events = POLLIN}};
	return s.output.left == 0 && poll(fds, 2, 0) > 0 &&
	       ((fds[0].revents | fds[1].revents) & POLLIN);
}

static void turn(void)
{
	bool has_credit = s.output.left > 0;
	struct pollfd fds[5] = {{.fd = s.fd, .events = POLLIN}, {.fd = s.signals, .events = POLLIN},
	    {.fd = has_credit ? s.program.output : -1, .events = POLLIN},
	    {.fd = has_credit ? s.program.error_output : -1, .events = POLLIN},
	    {.fd = s.input_n > 0 ? s.program.input : -1, .events = POLLOUT}};
	if (poll(fds, 5, -1) < 0)
		return;
	if (fds[0].revents)
		read_frame();
	if (fds[1].revents)
		read_signals();
	if (fds[4].revents)
		feed();
	if (fds[2].revents)
		(void)send_output(&s.program.output, EXEC_OUTPUT);
	if (fds[3].revents)
		(void)send_output(&s.program.error_output, EXEC_ERROR_OUTPUT);
}

static int serve(void)
{
	while (!s.cut) {
		if (s.program_ended) {
			while (drain())
				continue;
			if (!has_output_left())
				break;
		}
		turn();
	}
	if (s.cut) {
		end_all();
		return 1;
	}
	if (WIFSIGNALED(s.status))
		send_end(EXEC_SIGNALLED, WTERMSIG(s.status), "");
	else
		send_end(EXEC_EXITED, WEXITSTATUS(s.status), "");
	return 0;
}

static bool read_open(uint8_t bytes[EXEC_FRAME_MAX + 1], exec_frame *ret)
{
	struct pollfd connection = {.fd = s.fd, .events = POLLIN};
	if (poll(&connection, 1, OPEN_MS) != 1)
		return false;
	ssize_t n = recv(s.fd, bytes, EXEC_FRAME_MAX + 1, 0);
	return n > 0 && exec_frame_parse(bytes, (size_t)n, ret) && ret->kind == EXEC_OPEN;
}

int exec_session_serve(int fd)
{
	static uint8_t bytes[EXEC_FRAME_MAX + 1];
	exec_frame open, begun = {.kind = EXEC_BEGUN};
	const char *why = NULL;
	sigset_t children;
	s.fd = fd;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &children, NULL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_NAME, "sotalia-exec");
	s.signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signals < 0 || !read_open(bytes, &open))
		return 1;
	s.terminal = open.terminal;
	if (!exec_program_start(&open, &s.program, &why)) {
		send_end(EXEC_REFUSED, 0, why);
		return 1;
	}
	(void)send_frame(&begun);
	give_credit(EXEC_WINDOW);
	return serve();
}
