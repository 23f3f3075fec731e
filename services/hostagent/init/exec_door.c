#include "exec_door.h"

#include "exec_frame.h"
#include "exec_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 32, TURN_MAX = 16, CONNECTION = 3, DESCRIPTORS_MAX = 1024 };

static struct {
	int fd;
	pid_t sessions[EXEC_DOOR_SESSIONS_MAX];
} door = {.fd = -1};

bool exec_door_open(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(EXEC_DOOR_NAME));
	memcpy(at.sun_path + 1, EXEC_DOOR_NAME, sizeof(EXEC_DOOR_NAME) - 1);
	door.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (door.fd >= 0 && bind(door.fd, (struct sockaddr *)&at, n) == 0 &&
	    listen(door.fd, BACKLOG) == 0)
		return true;
	fprintf(stderr, "sotalia-init: exec: %s\n", strerror(errno));
	if (door.fd >= 0)
		close(door.fd);
	door.fd = -1;
	return false;
}

int exec_door_fd(void)
{
	return door.fd;
}

static bool is_from_outside(int fd)
{
	struct ucred who = {.pid = -1};
	socklen_t n = sizeof(who);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && who.pid == 0;
}

static void refuse(int fd, const char *why)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	exec_frame end = {
	    .kind = EXEC_END, .reason = EXEC_REFUSED, .data = (const uint8_t *)why, .n = strlen(why)};
	size_t n = exec_frame_write(&end, bytes);
	(void)send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The session keeps the connection and standard error, nothing else of PID 1. */
static void leave_the_rest(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	(void)dup2(fd, CONNECTION);
	if (null >= 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
	}
	if (syscall(SYS_close_range, CONNECTION + 1, ~0u, 0) != 0)
		for (int i = CONNECTION + 1; i < DESCRIPTORS_MAX; i++)
			close(i);
	(void)fcntl(CONNECTION, F_SETFD, FD_CLOEXEC);
}

static pid_t *free_place(void)
{
	for (size_t i = 0; i < EXEC_DOOR_SESSIONS_MAX; i++)
		if (door.sessions[i] == 0)
			return &door.sessions[i];
	return NULL;
}

static void begin(int fd, const sigset_t *mask)
{
	pid_t *place = free_place();
	pid_t child = place ? fork() : -1;
	if (child == 0) {
		leave_the_rest(fd);
		(void)sigprocmask(SIG_SETMASK, mask, NULL);
		_exit(exec_session_serve(CONNECTION));
	}
	if (child > 0)
		*place = child;
	else if (!place)
		refuse(fd, "too many sessions are open in the instance");
	else
		refuse(fd, "the instance has no room for another process (its limit of processes)");
}

void exec_door_serve(const sigset_t *mask)
{
	for (int i = 0; i < TURN_MAX; i++) {
		int fd = accept4(door.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return;
		if (is_from_outside(fd))
			begin(fd, mask);
		close(fd);
	}
}

bool exec_door_reap(pid_t pid)
{
	for (size_t i = 0; i < EXEC_DOOR_SESSIONS_MAX; i++)
		if (door.sessions[i] == pid) {
			door.sessions[i] = 0;
			return true;
		}
	return false;
}
