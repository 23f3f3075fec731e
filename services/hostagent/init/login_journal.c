#include "login_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { JOURNAL_MAX = 1024 * 1024, LINE_MAX_N = 1024, TURN_MAX = 64, STAMP_N = 16 };

/* sshd says "Accepted certificate" before it has let anybody in. */
static const char accepted[] = "Accepted publickey for ";

typedef struct session {
	int pid_fd;
	pid_t pid;
} session;

static struct {
	int socket_fd, file_fd, out_fd;
	off_t file_n;
	char path[256];
	session sessions[JOURNAL_SESSIONS_MAX];
	size_t session_count;
	unsigned long lost; /* lines that stderr did not take */
} journal = {.socket_fd = -1, .file_fd = -1, .out_fd = -1};

static long long unix_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void open_file(void)
{
	struct stat st = {0};
	journal.file_fd =
	    open(journal.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	journal.file_n = journal.file_fd >= 0 && fstat(journal.file_fd, &st) == 0 ? st.st_size : 0;
}

static void rotate(void)
{
	char old[sizeof(journal.path) + 2];
	(void)snprintf(old, sizeof(old), "%s.1", journal.path);
	if (rename(journal.path, old) != 0)
		return;
	close(journal.file_fd);
	open_file();
}

/* A line is written whole or, on a full disk, not at all: what was cut off is taken back. */
static void note(const char *line)
{
	size_t n = strlen(line);
	if (journal.file_fd >= 0 && journal.file_n >= JOURNAL_MAX)
		rotate();
	if (journal.file_fd < 0)
		open_file();
	ssize_t written = journal.file_fd >= 0 ? write(journal.file_fd, line, n) : -1;
	if (written == (ssize_t)n) {
		journal.file_n += written;
		return;
	}
	fprintf(stderr, "sotalia-init: %s: %s: %s", journal.path, strerror(errno), line);
	if (written > 0 && ftruncate(journal.file_fd, journal.file_n) != 0)
		journal.file_n += written; /* half a line, which its reader skips */
}

void login_journal_note_drift(const char *path, bool differs)
{
	char line[320];
	(void)snprintf(
	    line, sizeof(line), "%s %lld %.200s\n", differs ? "drift" : "same", unix_ms(), path);
	note(line);
}

static void note_logout(pid_t pid)
{
	char line[64];
	(void)snprintf(line, sizeof(line), "logout %lld %ld\n", unix_ms(), (long)pid);
	note(line);
}

static void note_login(pid_t pid, const char *words)
{
	char line[LINE_MAX_N + 64];
	(void)snprintf(line, sizeof(line), "login %lld %ld %.900s\n", unix_ms(), (long)pid, words);
	note(line);
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0 && journal.session_count < JOURNAL_SESSIONS_MAX)
		journal.sessions[journal.session_count++] = (session){fd, pid};
	else if (fd >= 0)
		close(fd); /* more sessions than sshd's limits let in: its end is noted at the next boot */
	else if (errno == ESRCH)
		note_logout(pid);
}

/* To the instance's log, which may be full: an own description of the pipe does not wait. */
static void say(const char *message)
{
	char line[LINE_MAX_N + 64];
	int n = journal.lost > 0 ? snprintf(line, sizeof(line), "%s (%lu lines before it were lost)\n",
	                               message, journal.lost)
	                         : snprintf(line, sizeof(line), "%s\n", message);
	if (journal.out_fd < 0)
		return;
	if (n > 0 && write(journal.out_fd, line, (size_t)n) == n)
		journal.lost = 0;
	else
		journal.lost++;
}

const char *login_journal_message(
    char *datagram, const char *program, const char **ret_program_line)
{
	char *at = datagram;
	size_t n = strlen(program);
	*ret_program_line = NULL;
	if (*at == '<') {
		char *end = strchr(at, '>');
		at = end && end - at <= 4 ? end + 1 : at;
	}
	/* "Nov 28 17:40:01 ", as libc's syslog() writes it */
	if (strlen(at) > STAMP_N && at[3] == ' ' && at[6] == ' ' && at[9] == ':' && at[12] == ':' &&
	    at[15] == ' ')
		at += STAMP_N;
	for (char *c = at; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (strncmp(at, program, n) == 0 && (at[n] == '[' || at[n] == ':')) {
		const char *text = strstr(at + n, ": ");
		*ret_program_line = text ? text + 2 : NULL;
	}
	return at;
}

static void take_datagram(char *text, const struct ucred *writer)
{
	const char *words = NULL;
	const char *message = login_journal_message(text, "sshd", &words);
	if (writer->uid == 0 && words && strncmp(words, accepted, sizeof(accepted) - 1) == 0)
		note_login(writer->pid, words);
	say(message);
}

static bool take_one(void)
{
	char text[LINE_MAX_N + 1];
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control = {0};
	struct iovec piece = {text, LINE_MAX_N};
	struct msghdr m = {.msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	struct ucred writer = {.uid = (uid_t)-1};
	ssize_t n = recvmsg(journal.socket_fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return false;
	text[n] = '\0';
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&writer, CMSG_DATA(c), sizeof(writer));
	take_datagram(text, &writer);
	return true;
}

static int bind_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && chmod(path, 0666) == 0)
		return fd;
	return -1;
}

bool login_journal_open(const char *socket_path, const char *path)
{
	char line[64];
	(void)snprintf(journal.path, sizeof(journal.path), "%s", path);
	journal.socket_fd = bind_socket(socket_path);
	if (journal.socket_fd < 0) {
		fprintf(stderr, "sotalia-init: %s: %s\n", socket_path, strerror(errno));
		return false;
	}
	journal.out_fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	(void)snprintf(line, sizeof(line), "boot %lld\n", unix_ms());
	note(line);
	return true;
}

size_t login_journal_fds(struct pollfd *fds)
{
	if (journal.socket_fd < 0)
		return 0;
	fds[0] = (struct pollfd){.fd = journal.socket_fd, .events = POLLIN};
	for (size_t i = 0; i < journal.session_count; i++)
		fds[i + 1] = (struct pollfd){.fd = journal.sessions[i].pid_fd, .events = POLLIN};
	return journal.session_count + 1;
}

/* Backwards: the last one takes the place of one that is over. */
static void end_sessions(const struct pollfd *fds, size_t count)
{
	for (size_t i = count; i-- > 1;) {
		if (fds[i].revents == 0)
			continue;
		note_logout(journal.sessions[i - 1].pid);
		close(journal.sessions[i - 1].pid_fd);
		journal.sessions[i - 1] = journal.sessions[--journal.session_count];
	}
}

void login_journal_serve(const struct pollfd *fds, size_t count)
{
	if (count == 0)
		return;
	end_sessions(fds, count);
	for (int i = 0; fds[0].revents != 0 && i < TURN_MAX && take_one(); i++)
		continue;
}
