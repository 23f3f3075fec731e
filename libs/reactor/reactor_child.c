/* Child processes: posix_spawn with every descriptor above 2 closed in the child, a pidfd for the
 * exit, pipes with a ceiling for the output, and a deadline.
 *
 * posix_spawn instead of uv_spawn, because uv_spawn leaves open whatever some library opened
 * without O_CLOEXEC. The input is a memory file, not a pipe: it needs no watch, and the
 * child may seek in it.
 */
#include "reactor_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* After SIGKILL a child may still hang in the kernel (a dead disk); its owner is told after this.
 */
enum { KILL_GRACE_MS = 2000, READS_PER_WAKE = 16, LAST_READS = 64 };

typedef struct child_pipe {
	int fd; /* our end, -1 when closed */
	reactor_watch *watch;
	sot_buf kept;
} child_pipe;

typedef struct child {
	sot_link link;
	reactor *r;
	pid_t pid;
	int pidfd;
	reactor_watch *exit_watch, *deadline;
	child_pipe out, err;
	bool killed, reported;
	reactor_child_fn done;
	void *self;
} child;

static void pipe_close(child_pipe *p)
{
	p->watch = reactor_remove(p->watch);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void child_free(child *c)
{
	pipe_close(&c->out);
	pipe_close(&c->err);
	c->exit_watch = reactor_remove(c->exit_watch);
	c->deadline = reactor_remove(c->deadline);
	if (c->pidfd >= 0)
		close(c->pidfd);
	sot_buf_clear(&c->out.kept);
	sot_buf_clear(&c->err.kept);
	sot_list_remove(&c->link);
	free(c);
}

/* Reads what is there, keeps what fits. Closes at the end of file. */
static void pipe_read(child_pipe *p, int reads)
{
	char piece[16384];
	while (p->fd >= 0 && reads-- > 0) {
		ssize_t n = read(p->fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			pipe_close(p);
			return;
		}
		size_t room = p->kept.max - p->kept.n;
		sot_buf_add(&p->kept, piece, (size_t)n < room ? (size_t)n : room);
	}
}

static void on_pipe(void *self, int fd, int events)
{
	(void)fd;
	(void)events;
	pipe_read(self, READS_PER_WAKE);
}

static void report(child *c, int exit_status)
{
	if (c->reported)
		return;
	c->reported = true;
	reactor_child_result result = {
	    .exit_status = exit_status,
	    .out = sot_buf_str(&c->out.kept),
	    .err_text = sot_buf_str(&c->err.kept),
	};
	c->done(c->self, &result);
}

static int exit_status_of(const child *c, int wait_status)
{
	if (c->killed)
		return -1;
	return WIFSIGNALED(wait_status) ? 256 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static void on_exit_ready(void *self, int fd, int events)
{
	(void)fd;
	(void)events;
	child *c = self;
	int wait_status = 0;
	pid_t pid = waitpid(c->pid, &wait_status, WNOHANG);
	if (pid == 0 || (pid < 0 && errno == EINTR))
		return;
	/* What the child wrote is in the pipes now. Their end is not waited for: a grandchild may hold
	 * them open, or even go on writing, so the reads are bounded by what a full pipe holds. */
	pipe_read(&c->out, LAST_READS);
	pipe_read(&c->err, LAST_READS);
	report(c, exit_status_of(c, wait_status));
	child_free(c);
}

static void on_deadline(void *self, uint64_t missed)
{
	(void)missed;
	child *c = self;
	if (c->killed) {
		report(c, -1); /* it does not die; it is reaped when it does */
		return;
	}
	c->killed = true;
	if (kill(-c->pid, SIGKILL) != 0)
		kill(c->pid, SIGKILL);
	reactor_rearm_ms(c->deadline, KILL_GRACE_MS);
}

void children_abandon(reactor *r)
{
	while (!sot_list_empty(&r->children)) {
		child *c = SOT_CONTAINER(r->children.next, child, link);
		if (kill(-c->pid, SIGKILL) != 0)
			kill(c->pid, SIGKILL);
		struct pollfd gone = {.fd = c->pidfd, .events = POLLIN};
		(void)poll(&gone, 1, KILL_GRACE_MS);
		(void)waitpid(c->pid, NULL, WNOHANG);
		child_free(c);
	}
}

/* ---- start ---- */

/* A descriptor from which the child reads `input`. */
static sot_code open_input(sot_str input, int *ret_fd, sot_err *err)
{
	int fd =
	    input.n == 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "cannot make a child's input");
	size_t written = 0;
	while (written < input.n) {
		ssize_t n = write(fd, input.p + written, input.n - written);
		if (n < 0 && errno != EINTR) {
			sot_code code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "a child's input");
			close(fd);
			return code;
		}
		written += n > 0 ? (size_t)n : 0;
	}
	if (input.n > 0)
		(void)lseek(fd, 0, SEEK_SET); /* a memory file can always be rewound */
	*ret_fd = fd;
	return SOT_OK;
}

/* Our end of the pipe does not block, the child's end does. */
static sot_code open_pipe(child_pipe *p, int *ret_child_end, sot_err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "cannot make a pipe for a child");
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	p->fd = ends[0];
	*ret_child_end = ends[1];
	return SOT_OK;
}

static int spawn_with(
    pid_t *ret_pid, const char *const *argv, const char *const *env, const int stdio[3])
{
	static const char *const plain_env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	int failed = 0;
	for (int fd = 0; fd < 3 && !failed; fd++)
		failed = posix_spawn_file_actions_adddup2(&actions, stdio[fd], fd);
	if (!failed)
		failed = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	/* posix_spawn's prototype lacks the const that exec promises. */
	if (!failed)
		failed = posix_spawn(ret_pid, argv[0], &actions, &attributes, (char *const *)(void *)argv,
		    (char *const *)(void *)(env ? env : plain_env));
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static sot_code start(
    child *c, const char *const *argv, const char *const *env, sot_str input, sot_err *err)
{
	int stdio[3] = {-1, -1, -1};
	sot_code code = open_input(input, &stdio[0], err);
	if (code == SOT_OK)
		code = open_pipe(&c->out, &stdio[1], err);
	if (code == SOT_OK)
		code = open_pipe(&c->err, &stdio[2], err);
	if (code == SOT_OK) {
		int failed = spawn_with(&c->pid, argv, env, stdio);
		if (failed)
			code = sot_fail_errno(err, failed == ENOENT ? SOT_NOT_FOUND : SOT_UNAVAILABLE, failed,
			    "cannot start %s", argv[0]);
	}
	for (int i = 0; i < 3; i++)
		if (stdio[i] >= 0)
			close(stdio[i]);
	if (code != SOT_OK)
		return code;
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0) {
		code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "cannot watch %s", argv[0]);
		kill(-c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	return code;
}

sot_code reactor_spawn(reactor *r, const char *const *argv, const char *const *env, sot_str input,
    size_t output_max, int64_t deadline_ms, reactor_child_fn done, void *self, sot_err *err)
{
	if (!argv[0] || argv[0][0] != '/')
		return sot_fail(err, SOT_INVALID, "a program to start needs an absolute path, not \"%s\"",
		    argv[0] ? argv[0] : "");
	child *c = sot_alloc(sizeof(*c));
	c->r = r;
	c->done = done;
	c->self = self;
	c->pidfd = c->out.fd = c->err.fd = -1;
	sot_list_push(&r->children, &c->link);
	sot_buf_init(&c->out.kept, output_max);
	sot_buf_init(&c->err.kept, output_max);
	sot_code code = start(c, argv, env, input, err);
	if (code != SOT_OK) {
		child_free(c);
		return code;
	}
	c->exit_watch = reactor_add_fd(r, c->pidfd, REACTOR_READ, on_exit_ready, c);
	c->out.watch = reactor_add_fd(r, c->out.fd, REACTOR_READ, on_pipe, &c->out);
	c->err.watch = reactor_add_fd(r, c->err.fd, REACTOR_READ, on_pipe, &c->err);
	c->deadline = reactor_after_ms(r, deadline_ms, on_deadline, c);
	return SOT_OK;
}
