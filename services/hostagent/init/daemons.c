#include "daemons.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACK_OFF_FIRST_MS = 1000, BACK_OFF_MAX_MS = 60000, STAYS_UP_MS = 30000 };

typedef struct daemon_entry {
	const char *const *argv;
	const char *needs; /* a file without which it is not started */
	pid_t pid;
	int64_t started_ms, due_ms, back_off_ms;
} daemon_entry;

static const char *const sshd_argv[] = {
    "/usr/sbin/sshd", "-D", "-f", "/etc/ssh/sotalia/sshd_config", NULL};
static const char *const cron_argv[] = {"/usr/sbin/cron", "-f", NULL};
static daemon_entry entries[] = {
    {.argv = sshd_argv, .needs = "/etc/ssh/sotalia/sshd_config"},
    {.argv = cron_argv, .needs = "/etc/crontab"},
};
enum { COUNT = sizeof(entries) / sizeof(entries[0]) };

static bool is_wanted(const daemon_entry *d)
{
	return d->pid == 0 && access(d->argv[0], X_OK) == 0 && access(d->needs, R_OK) == 0;
}

/* In the child. Does not return. */
static void run(const daemon_entry *d, const sigset_t *mask)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char *const environment[] = {path, NULL};
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)setsid();
	execve(d->argv[0], (char *const *)(uintptr_t)d->argv, environment);
	fprintf(stderr, "sotalia-init: %s: %s\n", d->argv[0], strerror(errno));
	_exit(126);
}

static void start(daemon_entry *d, int64_t now_ms, const sigset_t *mask)
{
	pid_t child = fork();
	if (child == 0)
		run(d, mask);
	d->started_ms = now_ms;
	d->pid = child > 0 ? child : 0;
	if (child < 0) {
		fprintf(stderr, "sotalia-init: fork: %s\n", strerror(errno));
		d->due_ms = now_ms + BACK_OFF_MAX_MS;
	}
}

void daemons_start(int64_t now_ms, const sigset_t *mask)
{
	(void)mkdir("/run/sshd", 0755); /* of sshd's unprivileged half; /run may be fresh */
	for (size_t i = 0; i < COUNT; i++)
		if (entries[i].due_ms <= now_ms && is_wanted(&entries[i]))
			start(&entries[i], now_ms, mask);
}

bool daemons_reap(pid_t pid, int status, int64_t now_ms)
{
	for (size_t i = 0; i < COUNT; i++) {
		daemon_entry *d = &entries[i];
		if (d->pid != pid)
			continue;
		bool stayed = now_ms - d->started_ms >= STAYS_UP_MS;
		d->back_off_ms = stayed || d->back_off_ms == 0 ? BACK_OFF_FIRST_MS : d->back_off_ms * 2;
		if (d->back_off_ms > BACK_OFF_MAX_MS)
			d->back_off_ms = BACK_OFF_MAX_MS;
		d->pid = 0;
		d->due_ms = now_ms + d->back_off_ms;
		fprintf(stderr, "sotalia-init: %s ended with %s %d; started again in %lld s\n", d->argv[0],
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		    (long long)d->back_off_ms / 1000);
		return true;
	}
	return false;
}

int daemons_due_ms(int64_t now_ms)
{
	int64_t due = -1;
	for (size_t i = 0; i < COUNT; i++) {
		if (getpid() != 1 || !is_wanted(&entries[i]))
			continue;
		int64_t left = entries[i].due_ms > now_ms ? entries[i].due_ms - now_ms : 0;
		due = due < 0 || left < due ? left : due;
	}
	return (int)due;
}
