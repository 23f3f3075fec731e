#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME };

typedef struct walk {
	tree_limits limits;
	tree_fn fn;
	void *self;
	dev_t device;
	unsigned entries;
	bool is_over, is_cut;
	char path[PATH_MAX];
} walk;

/* O_NOATIME is refused for files of others to who is not root; then without. */
static int open_folder(int at, const char *name)
{
	int fd = openat(at, name, FOLDER_FLAGS);
	return fd < 0 && errno == EPERM ? openat(at, name, FOLDER_FLAGS & ~O_NOATIME) : fd;
}

static void walk_folder(walk *w, int fd, size_t path_n, unsigned depth);

static void enter(walk *w, int folder_fd, const char *name, size_t path_n, unsigned depth)
{
	if (depth >= w->limits.depth_max) {
		w->is_cut = true;
		return;
	}
	int fd = open_folder(folder_fd, name);
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == w->device)
		walk_folder(w, fd, path_n, depth + 1); /* closes it */
	else if (fd >= 0)
		close(fd);
}

static void visit(walk *w, int fd, const char *name, size_t path_n, unsigned depth)
{
	tree_entry e = {.folder_fd = fd, .name = name, .path = w->path};
	size_t n = strlen(name);
	if (path_n + n + 2 > sizeof(w->path) || fstatat(fd, name, &e.st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    e.st.st_dev != w->device)
		return;
	if (++w->entries > w->limits.entries_max) {
		w->is_cut = w->is_over = true;
		return;
	}
	if (path_n > 0)
		w->path[path_n++] = '/';
	memcpy(w->path + path_n, name, n + 1);
	if (S_ISDIR(e.st.st_mode))
		enter(w, fd, name, path_n + n, depth);
	w->path[path_n + n] = '\0';
	if (!w->is_over && !w->fn(w->self, &e))
		w->is_over = true;
}

static void walk_folder(walk *w, int fd, size_t path_n, unsigned depth)
{
	DIR *folder = fdopendir(fd);
	if (!folder) {
		close(fd);
		return;
	}
	for (const struct dirent *d; !w->is_over && (d = readdir(folder)) != NULL;)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			visit(w, fd, d->d_name, path_n, depth);
	(void)closedir(folder);
}

sot_code tree_walk(const char *root, tree_limits limits, tree_fn fn, void *self, sot_err *err)
{
	walk w = {.limits = limits, .fn = fn, .self = self};
	struct stat st;
	int fd = open_folder(AT_FDCWD, root);
	if (fd < 0 || fstat(fd, &st) != 0) {
		int why = errno;
		if (fd >= 0)
			close(fd);
		return sot_fail_errno(err, SOT_NOT_FOUND, why, "open folder %s", root);
	}
	w.device = st.st_dev;
	walk_folder(&w, fd, 0, 0);
	return w.is_cut ? sot_fail(err, SOT_LIMIT, "%s has more than %u entries or %u levels", root,
	                      limits.entries_max, limits.depth_max)
	                : SOT_OK;
}
