/* sotalia-init - PID 1 of every instance.
 *
 * Reads /etc/sotalia/instance.env, starts the daemons that the image has (sshd, cron) and the app
 * as user `app` in a process group of its own, hands signals on, reaps every orphan, keeps the
 * journal of log-ins, lets the host's agent in (exec_door.h), and ends with the app's status, so
 * that Docker's restart policy acts. The app is $SOTALIA_COMMAND (through /bin/sh -c), else
 * /usr/libexec/sotalia/start, else nothing: then it waits for SIGTERM. Static; uses nothing of the
 * image but that shell.
 *
 * Called as `reboot` or `poweroff` (links in the images) it asks PID 1 for the end of the instance,
 * as on a machine: everything gets SIGTERM and a grace, then PID 1 ends, and Docker starts the same
 * container again. There is no way to stay down from inside; that is `sotalia instance stop`.
 */
#include "daemons.h"
#include "environment_file.h"
#include "exec_door.h"
#include "login_journal.h"
#include "own_files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024, GRACE_S = 5, EXIT_CANNOT_START = 126 };

static const char instance_file[] = "/etc/sotalia/instance.env";
static const char image_start[] = "/usr/libexec/sotalia/start";
static const char image_stop[] = "/usr/libexec/sotalia/stop";

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

/* A file system of a container has no list of who is logged in; sshd fills it when it is there. */
static void make_log_in_lists(void)
{
	static const char *const lists[] = {"/run/utmp", "/var/log/wtmp"};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		int fd = open(lists[i], O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd >= 0)
			close(fd);
	}
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
static void run(
    const char *command, const char *program, const account *app, const sigset_t *before)
{
	/* The app sees the signals it would see anywhere else. */
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	(void)setpgid(0, 0);
	if (app)
		become(app);
	if (command)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	else
		execl(program, program, (char *)NULL);
	complain(command ? "/bin/sh" : program);
	_exit(EXIT_CANNOT_START);
}

/* `command` by the shell, else the program of the image, as user `app`, in a process group of its
 * own. -1 when it cannot be started. */
static pid_t start(const char *command, const char *program, const sigset_t *before)
{
	account app = {0};
	bool found = geteuid() == 0 && find_app_account(&app);
	if (found)
		give_folders(&app);
	pid_t child = fork();
	if (child == 0)
		run(command, program, found ? &app : NULL, before);
	if (child < 0)
		complain("fork");
	else
		(void)setpgid(child, child); /* whoever is first */
	return child;
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* What the app or its image wants done before it is told to stop; 0 when that is nothing. */
static pid_t start_hook(const sigset_t *before)
{
	const char *command = setting("SOTALIA_STOP_COMMAND");
	if (!command && access(image_stop, X_OK) != 0)
		return 0;
	pid_t hook = start(command, image_stop, before);
	return hook > 0 ? hook : 0;
}

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The app's pid, 0 when there is nothing to run, -1 when it cannot be started. */
static pid_t start_app(const sigset_t *before)
{
	const char *command = setting("SOTALIA_COMMAND");
	if (command || access(image_start, X_OK) == 0)
		return start(command, image_start, before);
	fprintf(
	    stderr, "sotalia-init: no SOTALIA_COMMAND and no %s: waiting for SIGTERM\n", image_start);
	return 0;
}

typedef struct children {
	pid_t app;  /* 0: there is none */
	pid_t hook; /* what runs before the app is told to stop; 0: nothing */
	int status; /* of the app, when it ended */
} children;

static void forward(pid_t app, int signo)
{
	if (kill(-app, signo) != 0 && errno == ESRCH)
		(void)kill(app, signo);
}

/* Reaps all that ended. True when the app was among them. The end of the hook is the app's turn. */
static bool reap(children *c)
{
	bool ended = false;
	int status = 0;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid == c->app) {
			c->status = status;
			ended = true;
		} else if (pid == c->hook) {
			c->hook = 0;
			forward(c->app, SIGTERM);
		} else if (!exec_door_reap(pid)) {
			(void)daemons_reap(pid, status, now_ms());
		}
	}
	return ended;
}

/* The first SIGTERM starts the hook, if there is one; a second one does not wait for it. */
static void terminate(children *c, const sigset_t *before)
{
	bool is_first = c->hook == 0;
	if (is_first)
		c->hook = start_hook(before);
	if (!is_first || c->hook == 0)
		forward(c->app, SIGTERM);
}

/* One signal. True: the app ended, or SIGTERM came without one, or a reboot is asked for (SIGINT to
 * PID 1, as the kernel says ctrl-alt-del). */
static bool take_signal(int signo, children *c, const sigset_t *before)
{
	bool is_reboot = signo == SIGINT && getpid() == 1;
	bool is_end = is_reboot || (c->app <= 0 && (signo == SIGTERM || signo == SIGINT));
	if (is_end || (signo == SIGCHLD && reap(c) && c->app > 0))
		return true;
	if (signo == SIGTERM && c->app > 0)
		terminate(c, before);
	else if (signo != SIGCHLD && c->app > 0)
		forward(c->app, signo);
	return false;
}

/* Waits for signals, lines of log and ends of sessions, until the end. */
static void serve(children *c, const sigset_t *waited, const sigset_t *before)
{
	struct pollfd fds[3 + JOURNAL_FDS_MAX];
	struct signalfd_siginfo got;
	int signals = signalfd(-1, waited, SFD_CLOEXEC | SFD_NONBLOCK);
	for (;;) {
		if (getpid() == 1)
			daemons_start(now_ms(), before);
		fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = own_files_fd(), .events = POLLIN};
		fds[2] = (struct pollfd){.fd = exec_door_fd(), .events = POLLIN};
		size_t count = login_journal_fds(fds + 3);
		if (poll(fds, 3 + count, daemons_due_ms(now_ms())) < 0)
			continue; /* EINTR: SIGCONT after a stop */
		login_journal_serve(fds + 3, count);
		if (fds[2].revents != 0)
			exec_door_serve(before);
		if (fds[1].revents != 0)
			own_files_sync();
		while (read(signals, &got, sizeof(got)) == sizeof(got))
			if (take_signal((int)got.ssi_signo, c, before))
				return;
	}
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

/* PID 1 is this program too; only root may signal it. */
static int ask_for_reboot(void)
{
	sync();
	if (kill(1, SIGINT) == 0)
		return 0;
	complain("reboot");
	return 1;
}

static void make_it_a_machine(void)
{
	static const own_files_places places = {
	    .masters = "/etc/sotalia/files", .kept = "/var/lib/sotalia/files", .targets = "/etc"};
	make_log_in_lists();
	(void)exec_door_open();
	(void)login_journal_open("/dev/log", "/var/log/sotalia/logins");
	own_files_open(&places, login_journal_note_drift);
	own_files_sync();
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
	name = name ? name + 1 : argc > 0 ? argv[0] : "";
	if (getpid() != 1 && (strcmp(name, "reboot") == 0 || strcmp(name, "poweroff") == 0))
		return ask_for_reboot();
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
	if (getpid() == 1)
		make_it_a_machine();
	children c = {.app = start_app(&before)};
	if (c.app < 0)
		return EXIT_CANNOT_START;
	serve(&c, &waited, &before);
	end_the_rest(c.app, &waited);
	return WIFSIGNALED(c.status) ? 128 + WTERMSIG(c.status) : WEXITSTATUS(c.status);
}
