/* sotalia-init - PID 1 of every instance.
 *
 * Reads /etc/sotalia/instance.env, starts the app as user `app` in a process group of its own,
 * hands signals on, reaps every orphan, and ends with the app's status, so that Docker's restart
 * policy acts. The app is $SOTALIA_COMMAND (through /bin/sh -c), else /usr/libexec/sotalia/start,
 * else nothing: then it waits for SIGTERM. Static; uses nothing of the image but that shell.
 */
#include "environment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024, GRACE_S = 5, EXIT_CANNOT_START = 126 };

static const char instance_file[] = "/etc/sotalia/instance.env";
static const char image_start[] = "/usr/libexec/sotalia/start";

static void complain(const char *what)
{
	fprintf(stderr, "sotalia-init: %s: %s\n", what, strerror(errno));
}

/* The whole file as a text, or NULL. The caller frees it. */
static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd >= 0 ? calloc(1, FILE_MAX + 1) : NULL;
	size_t n = 0;
	while (text && n < FILE_MAX) {
		ssize_t got = read(fd, text + n, FILE_MAX - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

/* What Docker gave (the app's own settings) wins over the file. */
static void load_environment(void)
{
	const char *name = NULL, *value = NULL;
	char *text = read_file(instance_file);
	char *rest = text;
	for (char *line; rest && (line = environment_next_line(&rest)) != NULL;)
		if (environment_split(line, &name, &value) && setenv(name, value, 0) != 0)
			complain("setenv");
	free(text);
}

static bool find_app_account(account *ret)
{
	char *text = read_file("/etc/passwd");
	bool found = text && account_find(text, "app", ret);
	free(text);
	return found;
}

/* The agent makes these folders without knowing the image's accounts. */
static void give_folders(const account *app)
{
	static const char *const folders[] = {"/data/applogs", "/data/appdatas"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct stat now;
		if (lstat(folders[i], &now) != 0 || !S_ISDIR(now.st_mode) || now.st_uid == app->uid)
			continue;
		if (lchown(folders[i], app->uid, app->gid) != 0)
			complain(folders[i]);
	}
}

static void become(const account *app)
{
	if (setgroups(1, &app->gid) != 0 || setgid(app->gid) != 0 || setuid(app->uid) != 0) {
		complain("cannot become user app");
		_exit(EXIT_CANNOT_START);
	}
	(void)setenv("HOME", app->home, 1);
	(void)setenv("USER", "app", 1);
	(void)setenv("LOGNAME", "app", 1);
}

/* In the child. Does not return. */
static void run_app(const char *command, const account *app, const sigset_t *before)
{
	/* The app sees the signals it would see anywhere else. */
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	(void)setpgid(0, 0);
	if (app)
		become(app);
	if (command)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	else
		execl(image_start, image_start, (char *)NULL);
	complain(command ? "/bin/sh" : image_start);
	_exit(EXIT_CANNOT_START);
}

/* The app's pid, 0 when there is nothing to run, -1 when it cannot be started. */
static pid_t start_app(const sigset_t *before)
{
	account app = {0};
	const char *command = getenv("SOTALIA_COMMAND");
	if (command && *command == '\0')
		command = NULL;
	if (!command && access(image_start, X_OK) != 0) {
		fprintf(stderr, "sotalia-init: no SOTALIA_COMMAND and no %s: waiting for SIGTERM\n",
		    image_start);
		return 0;
	}
	bool found = geteuid() == 0 && find_app_account(&app);
	if (found)
		give_folders(&app);
	pid_t child = fork();
	if (child == 0)
		run_app(command, found ? &app : NULL, before);
	if (child < 0)
		complain("fork");
	else
		(void)setpgid(child, child); /* whoever is first */
	return child;
}

/* Reaps all that ended. True, with its wait status, when the app was among them. */
static bool reap(pid_t app, int *ret_status)
{
	bool ended = false;
	int status = 0;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		if (pid == app) {
			*ret_status = status;
			ended = true;
		}
	return ended;
}

static void forward(pid_t app, int signo)
{
	if (kill(-app, signo) != 0 && errno == ESRCH)
		(void)kill(app, signo);
}

/* Waits for signals until the app ended, or SIGTERM without one. Returns the wait status. */
static int serve(pid_t app, const sigset_t *waited)
{
	int status = 0;
	for (;;) {
		int signo = sigwaitinfo(waited, NULL);
		if (signo < 0)
			continue; /* EINTR: SIGCONT after a stop */
		if (signo == SIGCHLD) {
			if (reap(app, &status) && app > 0)
				return status;
		} else if (app > 0) {
			forward(app, signo);
		} else if (signo == SIGTERM || signo == SIGINT) {
			return 0;
		}
	}
}

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What the app left behind gets SIGTERM and a grace period; the kernel kills the rest when PID 1
 * ends, and we do so first when we are not PID 1. */
static void end_the_rest(pid_t app, const sigset_t *waited)
{
	bool all = getpid() == 1;
	int64_t deadline_ms = now_ms() + GRACE_S * 1000;
	if (!all && app <= 0)
		return;
	pid_t rest = all ? -1 : -app;
	(void)kill(rest, SIGTERM);
	for (;;) {
		pid_t pid;
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		int64_t left_ms = deadline_ms - now_ms();
		if (pid < 0 || left_ms <= 0)
			break;
		struct timespec wait = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
		(void)sigtimedwait(waited, NULL, &wait);
	}
	(void)kill(rest, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

int main(void)
{
	static const int handed_on[] = {
	    SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD};
	sigset_t waited, before;
	sigemptyset(&waited);
	for (size_t i = 0; i < sizeof(handed_on) / sizeof(handed_on[0]); i++)
		sigaddset(&waited, handed_on[i]);
	(void)sigprocmask(SIG_BLOCK, &waited, &before);
	if (getpid() != 1)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* under a shell: orphans come to us all the same */

	load_environment();
	pid_t app = start_app(&before);
	if (app < 0)
		return EXIT_CANNOT_START;
	int status = serve(app, &waited);
	end_the_rest(app, &waited);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
