#include "own_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 65536, PATH_SIZE = 512, EVENTS = 4096 };

static const char *const names[] = {"hosts", "hostname", "resolv.conf"};
enum { COUNT = sizeof(names) / sizeof(names[0]) };

typedef struct text {
	char bytes[TEXT_MAX];
	size_t n;
	bool found;
} text;

static struct {
	own_files_places places;
	own_files_fn tell;
	int watch_fd;
	bool differs[COUNT];
} own = {.watch_fd = -1};

static void path_of(char dst[PATH_SIZE], const char *folder, const char *name, const char *ending)
{
	(void)snprintf(dst, PATH_SIZE, "%s/%s%s", folder, name, ending);
}

/* Not found: absent, a link, or longer than any of ours. */
static void read_text(const char *folder, const char *name, text *ret)
{
	char path[PATH_SIZE];
	path_of(path, folder, name, "");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, ret->bytes, sizeof(ret->bytes)) : -1;
	if (fd >= 0)
		close(fd);
	ret->found = n >= 0 && (size_t)n < sizeof(ret->bytes);
	ret->n = ret->found ? (size_t)n : 0;
}

static bool same(const text *a, const text *b)
{
	return a->found == b->found && a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* False with errno when it cannot be; EBUSY: it is a mount of an older start. */
static bool write_text(const char *folder, const char *name, const text *content)
{
	char path[PATH_SIZE], temp[PATH_SIZE];
	path_of(path, folder, name, "");
	path_of(temp, folder, name, ".sotalia-new");
	(void)unlink(temp);
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && write(fd, content->bytes, content->n) == (ssize_t)content->n &&
	          fchmod(fd, 0644) == 0;
	if (fd >= 0)
		close(fd);
	ok = ok && rename(temp, path) == 0;
	int why = errno;
	if (!ok)
		(void)unlink(temp);
	errno = why;
	return ok;
}

static void note(size_t i, bool differs)
{
	char path[PATH_SIZE];
	if (own.differs[i] == differs)
		return;
	own.differs[i] = differs;
	path_of(path, own.places.targets, names[i], "");
	own.tell(path, differs);
}

/* The kept copy is written behind the file: after a crash between, the file equals its master. */
static void take_master(size_t i, const text *master)
{
	if (write_text(own.places.targets, names[i], master)) {
		(void)write_text(own.places.kept, names[i], master);
		note(i, false);
	} else if (errno != EBUSY && errno != EROFS) {
		fprintf(stderr, "sotalia-init: %s/%s: %s\n", own.places.targets, names[i], strerror(errno));
	}
}

static void sync_one(size_t i)
{
	static text master, kept, target; /* PID 1 has one thread */
	read_text(own.places.masters, names[i], &master);
	read_text(own.places.kept, names[i], &kept);
	read_text(own.places.targets, names[i], &target);
	if (!master.found)
		return;
	if (same(&target, &master)) {
		if (!same(&kept, &master))
			(void)write_text(own.places.kept, names[i], &master);
		note(i, false);
	} else if (!kept.found || same(&target, &kept)) {
		take_master(i, &master);
	} else {
		note(i, true);
	}
}

static void drain(void)
{
	char events[EVENTS] __attribute__((aligned(8)));
	while (own.watch_fd >= 0 && read(own.watch_fd, events, sizeof(events)) > 0)
		continue;
}

void own_files_sync(void)
{
	drain();
	for (size_t i = 0; i < COUNT; i++)
		sync_one(i);
}

void own_files_open(const own_files_places *places, own_files_fn tell)
{
	enum { CHANGES = IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE | IN_CREATE };
	char parent[PATH_SIZE];
	own.places = *places;
	own.tell = tell;
	(void)snprintf(parent, sizeof(parent), "%s", places->kept);
	char *slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	(void)mkdir(parent, 0755);
	(void)mkdir(places->kept, 0755);
	own.watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (own.watch_fd < 0 || inotify_add_watch(own.watch_fd, places->targets, CHANGES) < 0)
		fprintf(stderr, "sotalia-init: inotify: %s\n", strerror(errno));
	if (own.watch_fd >= 0)
		(void)inotify_add_watch(own.watch_fd, places->masters, CHANGES);
}

int own_files_fd(void)
{
	return own.watch_fd;
}
