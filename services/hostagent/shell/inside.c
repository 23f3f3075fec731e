#include "inside.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* This process's own network namespace, open as long as it lives. Opened before a thread is ever in
 * another one: /proc/self tells where the main thread is now. */
static struct {
	int fd;
	ino_t inode;
} home = {.fd = -1};

static void open_home(void)
{
	struct stat st;
	home.fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home.fd < 0 || fstat(home.fd, &st) != 0)
		abort(); /* /proc is not mounted: nothing of the agent would work */
	home.inode = st.st_ino;
}

int inside_own(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, open_home);
	return home.fd;
}

int inside_open(int pid)
{
	char path[64];
	struct stat inner;
	(void)inside_own();
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &inner) != 0 || inner.st_ino == home.inode)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool enter(int fd)
{
	return setns(fd, CLONE_NEWNET) == 0;
}

static void return_home(void)
{
	if (!enter(inside_own()))
		abort(); /* in a tenant's network nothing of this process may go on */
}

/* Tried once, so that who it leads to is known, whatever happens to the number of the pid. */
static bool leads_to_another_network(int way)
{
	struct stat inner;
	(void)inside_own();
	if (!enter(way))
		return false;
	bool is_other = stat("/proc/thread-self/ns/net", &inner) == 0 && inner.st_ino != home.inode;
	return_home();
	return is_other;
}

int inside_way(int pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0 && !leads_to_another_network(fd)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int make(int into, int family, int type, int protocol)
{
	int fd = -1;
	(void)inside_own();
	if (enter(into)) {
		fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
		return_home();
	}
	return fd;
}

int inside_socket(int fd, int family, int type)
{
	return make(fd, family, type, 0);
}

int inside_netlink(int fd, int protocol)
{
	return make(fd, AF_NETLINK, SOCK_RAW, protocol);
}
