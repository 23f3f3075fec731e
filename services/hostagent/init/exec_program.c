#include "exec_program.h"

#include "environment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024, GROUPS_MAX = 64, TTY_GROUP = 5, EXIT_CANNOT_START = 126 };

static const char readonly_program[] = "/usr/libexec/sotalia/sotalia-readonly";
static const char usual_path[] = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/* Who the program runs as. */
typedef struct person {
	account account;
	gid_t groups[GROUPS_MAX];
	size_t group_count;
} person;

/* The three descriptors of the program's own side. */
typedef struct far_side {
	int input, output, error_output;
} far_side;

/* The whole file as a text, or NULL. The caller frees it. */
static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd >= 0 ? calloc(1, FILE_MAX + 1) : NULL;
	ssize_t got = 1;
	for (size_t n = 0; text && got > 0 && n < FILE_MAX; n += (size_t)got) {
		got = read(fd, text + n, FILE_MAX - n);
		if (got < 0)
			break;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static bool find_person(const char *name, person *ret)
{
	char *passwd = read_file("/etc/passwd"), *group = read_file("/etc/group");
	bool found = passwd && account_find(passwd, name, &ret->account);
	if (found && group)
		ret->group_count = account_groups(group, name, ret->account.gid, ret->groups, GROUPS_MAX);
	free(passwd);
	free(group);
	return found;
}

/* Health checks run as the app does: in an image without that account as PID 1 itself. */
static bool is_app(const char *name)
{
	return strcmp(name, "app") == 0;
}

static bool become(const person *who)
{
	return setgroups(who->group_count, who->groups) == 0 && setgid(who->account.gid) == 0 &&
	       setuid(who->account.uid) == 0;
}

static void set_environment(const exec_frame *open, const person *who)
{
	const account *a = &who->account;
	if (!is_app(open->account)) {
		(void)clearenv();
		(void)setenv("PATH", usual_path, 1);
		(void)setenv("LANG", "C.UTF-8", 1);
	}
	(void)setenv("HOME", a->home, 1);
	(void)setenv("USER", open->account, 1);
	(void)setenv("LOGNAME", open->account, 1);
	(void)setenv("SHELL", a->shell[0] ? a->shell : "/bin/sh", 1);
	if (open->terminal)
		(void)setenv("TERM", open->term[0] ? open->term : "xterm-256color", 1);
	if (chdir(a->home) != 0 && chdir("/") != 0)
		_exit(EXIT_CANNOT_START);
}

static void run(const exec_frame *open, const person *who)
{
	const char *shell = who->account.shell[0] ? who->account.shell : "/bin/sh";
	const char *base = strrchr(shell, '/');
	char login_name[sizeof(who->account.shell) + 1];
	(void)snprintf(login_name, sizeof(login_name), "-%s", base ? base + 1 : shell);
	if (strcmp(open->account, "readonly") == 0) {
		if (open->command[0])
			(void)setenv("SSH_ORIGINAL_COMMAND", open->command, 1);
		execl(readonly_program, readonly_program, (char *)NULL);
	} else if (is_app(open->account)) {
		execl("/bin/sh", "sh", "-c", open->command, (char *)NULL);
	} else if (open->command[0]) {
		execl(shell, base ? base + 1 : shell, "-c", open->command, (char *)NULL);
	} else {
		execl(shell, login_name, (char *)NULL);
	}
}

/* In the child. Does not return. */
static void become_program(const exec_frame *open, const person *who, const far_side *own)
{
	static const int usual[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGTSTP};
	sigset_t none;
	sigemptyset(&none);
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		(void)signal(usual[i], SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	if (open->terminal)
		(void)ioctl(own->input, TIOCSCTTY, 0);
	(void)dup2(own->input, STDIN_FILENO);
	(void)dup2(own->output, STDOUT_FILENO);
	(void)dup2(own->error_output, STDERR_FILENO);
	if (who->group_count > 0 && !become(who)) {
		fprintf(stderr, "sotalia-init: cannot become %s: %s\n", open->account, strerror(errno));
		_exit(EXIT_CANNOT_START);
	}
	set_environment(open, who);
	run(open, who);
	fprintf(stderr, "sotalia-init: the program cannot be started: %s\n", strerror(errno));
	_exit(EXIT_CANNOT_START);
}

/* As sshd leaves it: the person's own, others of the group tty may write to it. */
static bool open_terminal(
    const exec_frame *open_frame, const person *who, exec_program *p, far_side *far)
{
	char name[64];
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 || ptsname_r(fd, name, sizeof(name)) != 0) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	p->input = p->output = fd;
	exec_program_resize(p, open_frame->columns, open_frame->rows);
	far->input = far->output = far->error_output = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return far->input >= 0 && fchown(far->input, who->account.uid, TTY_GROUP) == 0 &&
	       fchmod(far->input, 0620) == 0;
}

static bool one_pipe(int *near, int *far, bool is_input)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*near = ends[is_input ? 1 : 0];
	*far = ends[is_input ? 0 : 1];
	return fcntl(*near, F_SETFL, O_NONBLOCK) == 0;
}

static bool open_pipes(exec_program *p, far_side *far)
{
	return one_pipe(&p->input, &far->input, true) && one_pipe(&p->output, &far->output, false) &&
	       one_pipe(&p->error_output, &far->error_output, false);
}

static void close_far(const far_side *far, bool terminal)
{
	if (far->input >= 0)
		close(far->input);
	if (!terminal && far->output >= 0)
		close(far->output);
	if (!terminal && far->error_output >= 0)
		close(far->error_output);
}

bool exec_program_start(const exec_frame *open, exec_program *ret, const char **ret_why)
{
	person who = {.account = {.home = "/", .shell = "/bin/sh"}};
	far_side far = {-1, -1, -1};
	*ret = (exec_program){.pid = -1, .input = -1, .output = -1, .error_output = -1};
	*ret_why = "the image has no such account; images on Sotalia's base have admin and readonly";
	if (!find_person(open->account, &who) && !is_app(open->account))
		return false;
	*ret_why = "no terminal could be made in the instance";
	if (open->terminal && !open_terminal(open, &who, ret, &far))
		return false;
	*ret_why = "no pipes could be made in the instance (its limit of open files)";
	if (!open->terminal && !open_pipes(ret, &far))
		return false;
	ret->pid = fork();
	if (ret->pid == 0)
		become_program(open, &who, &far);
	close_far(&far, open->terminal);
	*ret_why = "the instance has no room for another process (its limit of processes)";
	return ret->pid > 0;
}

void exec_program_resize(const exec_program *p, uint16_t columns, uint16_t rows)
{
	struct winsize size = {.ws_col = columns, .ws_row = rows};
	(void)ioctl(p->input, TIOCSWINSZ, &size);
}
