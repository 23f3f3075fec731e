#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

enum { ANSWERS = 0, NO_ANSWER = 1, NOT_MOUNTED = 2 };

const view_file view_files[VIEW_FILES_MAX + 1] = {
    {"proc/cpuinfo", "proc", "cpuinfo"},
    {"proc/meminfo", "proc", "meminfo"},
    {"proc/stat", "proc", "stat"},
    {"proc/uptime", "proc", "uptime"},
    {"proc/loadavg", "proc", "loadavg"},
    {"proc/diskstats", "proc", "diskstats"},
    {"proc/swaps", "proc", "swaps"},
    {"sys/devices/system/cpu", "sys/devices/system", "cpu"},
    {NULL, NULL, NULL},
};

/* In a child: whatever it hangs on, it can be left behind. */
static int read_one(const char *dir)
{
	char path[PATH_MAX], byte;
	struct statfs fs;
	int n = snprintf(path, sizeof(path), "%s/proc/uptime", dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return NOT_MOUNTED;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? NOT_MOUNTED : NO_ANSWER;
	if (fstatfs(fd, &fs) != 0 || fs.f_type != FUSE_SUPER_MAGIC)
		return NOT_MOUNTED;
	return read(fd, &byte, 1) == 1 ? ANSWERS : NO_ANSWER;
}

/* The status that `pid` ended with, or NO_ANSWER when it took too long and was killed. A read from
 * FUSE can be killed; should it not die all the same, it is nobody's to wait for. */
static int end_of(pid_t pid, int deadline_ms)
{
	int status = 0;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd one = {.fd = fd, .events = POLLIN};
	int ready = fd < 0 ? -1 : poll(&one, 1, deadline_ms);
	if (fd >= 0)
		close(fd);
	if (ready != 1)
		(void)kill(pid, SIGKILL);
	pid_t got = waitpid(pid, &status, ready == 1 ? 0 : WNOHANG);
	return ready == 1 && got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : NO_ANSWER;
}

sot_code view_probe(const char *dir, int deadline_ms, sot_err *err)
{
	pid_t pid = fork();
	if (pid < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "fork");
	if (pid == 0)
		_exit(read_one(dir));
	switch (end_of(pid, deadline_ms)) {
	case ANSWERS:
		return SOT_OK;
	case NOT_MOUNTED:
		return sot_fail(err, SOT_NOT_FOUND,
		    "no LXCFS is mounted on %.200s; start lxcfs (systemctl start lxcfs)", dir);
	default:
		return sot_fail(err, SOT_UNAVAILABLE,
		    "the LXCFS on %.200s does not answer; start it again (systemctl restart lxcfs)", dir);
	}
}

bool view_has(const char *dir, const view_file *file)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, file->name);
	return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

/* 36 35 98:0 /root /mount/point options - type source super-options */
sot_str view_device(sot_str mountinfo, const char *path)
{
	sot_str found = {0};
	while (mountinfo.n > 0) {
		sot_str rest, line = sot_str_cut(mountinfo, '\n', &mountinfo);
		(void)sot_str_cut(line, ' ', &rest);
		(void)sot_str_cut(rest, ' ', &rest);
		sot_str device = sot_str_cut(rest, ' ', &rest);
		(void)sot_str_cut(rest, ' ', &rest);
		if (!sot_str_eq_c(sot_str_cut(rest, ' ', &rest), path))
			continue;
		bool is_ours = rest.n > 0 && memmem(rest.p, rest.n, " - fuse.lxcfs ", 14) != NULL;
		found = is_ours ? device : (sot_str){0};
	}
	return found;
}
