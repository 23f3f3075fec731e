#include "session_end.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sot_file.h"
#include "sot_mem.h"
#include "sot_parse.h"

enum { STATUS_MAX = 16384, PROCESSES_MAX = 4096 };

typedef struct process {
	int pid, parent, inner_pid;
	bool is_sshd, condemned;
} process;

typedef struct processes {
	process items[PROCESSES_MAX];
	size_t count;
} processes;

/* The number of a line "Key:\t1\t2": the last one. */
static int last_number(sot_str status, const char *key)
{
	uint64_t n = 0;
	for (sot_str rest = status; rest.n > 0;) {
		sot_str line = sot_str_cut(rest, '\n', &rest);
		if (!sot_str_starts(line, key))
			continue;
		const char *tab = memrchr(line.p, '\t', line.n);
		sot_str number =
		    tab ? (sot_str){tab + 1, (size_t)(line.p + line.n - tab) - 1} : (sot_str){0};
		return sot_parse_u64(number, 0, INT32_MAX, &n, NULL) == SOT_OK ? (int)n : -1;
	}
	return -1;
}

static bool same_namespace(int pid, const struct stat *wanted)
{
	char path[64];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat(path, &st) == 0 && st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino;
}

static bool read_process(int pid, process *ret)
{
	char path[64];
	SOT_AUTO_BUF status;
	sot_buf_init(&status, STATUS_MAX);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (sot_file_read(path, &status, NULL) != SOT_OK)
		return false;
	sot_str text = sot_buf_str(&status);
	*ret = (process){.pid = pid,
	    .parent = last_number(text, "PPid:"),
	    .inner_pid = last_number(text, "NSpid:"),
	    .is_sshd = sot_str_starts(text, "Name:\tsshd\n")};
	return true;
}

/* Every process of the namespace; those of other instances are not even read. */
static void list(processes *all, const struct stat *namespace)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	uint64_t pid = 0;
	while (dir && (entry = readdir(dir)) != NULL && all->count < PROCESSES_MAX)
		if (sot_parse_u64(sot_str_c(entry->d_name), 1, INT32_MAX, &pid, NULL) == SOT_OK &&
		    same_namespace((int)pid, namespace) && read_process((int)pid, &all->items[all->count]))
			all->count++;
	if (dir)
		(void)closedir(dir);
}

/* Descendants of the condemned, until there are no new ones. */
static void condemn_children(processes *all)
{
	for (bool found = true; found;) {
		found = false;
		for (size_t i = 0; i < all->count; i++)
			for (size_t k = 0; !all->items[i].condemned && k < all->count; k++)
				if (all->items[k].condemned && all->items[i].parent == all->items[k].pid)
					found = all->items[i].condemned = true;
	}
}

/* The pid may have been given anew since it was listed: the namespace is asked once more behind the
 * pidfd, so that only a process of this instance can be hit. */
static bool kill_one(const process *p, const struct stat *namespace)
{
	int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	bool hit = fd >= 0 && same_namespace(p->pid, namespace) &&
	           syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
	if (fd >= 0)
		close(fd);
	return hit;
}

size_t session_end(int init_pid, int64_t inner_pid)
{
	char path[64];
	struct stat namespace, own;
	size_t killed = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", init_pid);
	if (inner_pid <= 1 || stat(path, &namespace) != 0 || stat("/proc/self/ns/pid", &own) != 0 ||
	    (own.st_dev == namespace.st_dev && own.st_ino == namespace.st_ino))
		return 0;
	processes *all = sot_alloc(sizeof(*all));
	list(all, &namespace);
	for (size_t i = 0; i < all->count; i++)
		all->items[i].condemned = all->items[i].inner_pid == inner_pid && all->items[i].is_sshd;
	condemn_children(all);
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].condemned && kill_one(&all->items[i], &namespace))
			killed++;
	free(all);
	return killed;
}
