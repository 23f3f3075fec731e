/* sotalia-view - gives instances that run their view of the host's resources: those that were
 * started while LXCFS was away, and all of them after LXCFS was started again, because the files of
 * the LXCFS before answer no more (docs/adr/0012-true-resource-view.md).
 *
 *   sotalia-view DIR [PID]...
 *   view 0:57 | away TEXT           of the LXCFS in DIR, first line
 *   PID bound | PID failed TEXT     one line for each PID 1
 *
 * The files are cloned as detached mounts out here, and moved onto the folder inside: no path of a
 * tenant's is followed beyond a /proc and a /sys that are checked to be the kernel's.
 */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "sot_file.h"
#include "sot_mem.h"
#include "sot_parse.h"

enum { PROBE_MS = 2000, MOUNTINFO_MAX = 1024 * 1024, STALE_MAX = 16 };

/* The host's own, held open: inside an instance's mounts there is no other way to them. */
typedef struct host {
	int mounts; /* namespace */
	int proc;   /* folder */
} host;

typedef struct target {
	const host *host;
	const char *pid;
	sot_str device; /* of the LXCFS that answers */
} target;

typedef struct clones {
	int fd[VIEW_FILES_MAX]; /* detached mounts; -1: this LXCFS lacks it */
} clones;

static void close_clones(clones *c)
{
	for (size_t i = 0; i < VIEW_FILES_MAX; i++)
		if (c->fd[i] >= 0)
			close(c->fd[i]);
}

static int clone_read_only(const char *path)
{
	struct mount_attr attributes = {
	    .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (fd >= 0 && mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static sot_code clone_files(const char *dir, clones *ret, sot_err *err)
{
	char path[4096];
	for (size_t i = 0; i < VIEW_FILES_MAX; i++)
		ret->fd[i] = -1;
	for (size_t i = 0; i < VIEW_FILES_MAX; i++) {
		if (!view_has(dir, &view_files[i]))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, view_files[i].name);
		ret->fd[i] = clone_read_only(path);
		if (ret->fd[i] < 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "clone the mount of %.200s", path);
	}
	return SOT_OK;
}

/* A folder of the kernel's own file system, in the namespace that we are in. */
static int open_kernel_folder(const char *name)
{
	struct statfs fs;
	char path[64];
	(void)snprintf(path, sizeof(path), "/%s", name);
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstatfs(fd, &fs) == 0 &&
	    (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC))
		return fd;
	if (fd >= 0)
		close(fd);
	errno = ENOTDIR;
	return -1;
}

/* Which LXCFS lies on `path` in the mounts of the instance, as the host's /proc tells them. */
static sot_str device_at(const target *t, const char *path, sot_buf *text)
{
	char name[64], piece[4096];
	sot_buf_init(text, MOUNTINFO_MAX);
	(void)snprintf(name, sizeof(name), "%s/mountinfo", t->pid);
	int fd = openat(t->host->proc, name, O_RDONLY | O_CLOEXEC);
	for (ssize_t n; fd >= 0 && (n = read(fd, piece, sizeof(piece))) > 0;)
		sot_buf_add(text, piece, (size_t)n);
	if (fd >= 0)
		close(fd);
	return view_device(sot_buf_str(text), path);
}

/* False when the present LXCFS lies there already. What an earlier one left is taken away; its
 * files answer no more, so they are never looked into. */
static sot_code make_room(const target *t, const char *path, bool *ret_is_free, sot_err *err)
{
	for (int i = 0; i < STALE_MAX; i++) {
		SOT_AUTO_BUF text;
		sot_str device = device_at(t, path, &text);
		*ret_is_free = device.n == 0;
		if (device.n == 0 || sot_str_eq(device, t->device))
			return SOT_OK;
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "unmount the old %s", path);
	}
	return sot_fail(err, SOT_LIMIT, "more than %d old views lie on %s", STALE_MAX, path);
}

static sot_code put(const target *t, int clone, const view_file *file, sot_err *err)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/%s", file->name);
	bool is_free = false;
	sot_code code = make_room(t, path, &is_free, err);
	if (code != SOT_OK || !is_free)
		return code;
	int folder = open_kernel_folder(file->folder);
	if (folder < 0)
		return sot_fail(err, SOT_INVALID, "/%s inside is not the kernel's", file->folder);
	int moved = move_mount(clone, "", folder, file->last, MOVE_MOUNT_F_EMPTY_PATH);
	int why = errno;
	close(folder);
	return moved == 0 ? SOT_OK : sot_fail_errno(err, SOT_UNAVAILABLE, why, "mount onto %s", path);
}

static sot_code put_all(const target *t, const clones *c, sot_err *err)
{
	for (size_t i = 0; i < VIEW_FILES_MAX; i++) {
		sot_code code = c->fd[i] < 0 ? SOT_OK : put(t, c->fd[i], &view_files[i], err);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

static bool is_same_namespace(int a, int b)
{
	struct stat x, y;
	return fstat(a, &x) != 0 || fstat(b, &y) != 0 || (x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static sot_code bind_in(const target *t, int ns, const char *dir, sot_err *err)
{
	clones c;
	if (is_same_namespace(t->host->mounts, ns))
		return sot_fail(err, SOT_INVALID, "it shares the host's mounts");
	sot_code code = clone_files(dir, &c, err);
	if (code == SOT_OK && setns(ns, CLONE_NEWNS) != 0)
		code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "enter its mount namespace");
	if (code == SOT_OK)
		code = put_all(t, &c, err);
	close_clones(&c);
	return code;
}

/* False when the way back to the host's mounts is lost: then nothing more can be done. */
static bool serve(const host *h, const char *pid_text, const char *dir, sot_str device)
{
	target t = {h, pid_text, device};
	sot_err err = {0};
	char path[64];
	uint64_t pid = 0;
	sot_code code = sot_parse_u64(sot_str_c(pid_text), 1, 1 << 30, &pid, &err);
	(void)snprintf(path, sizeof(path), "/proc/%llu/ns/mnt", (unsigned long long)pid);
	int ns = code == SOT_OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (code == SOT_OK && ns < 0)
		code = sot_fail_errno(&err, SOT_NOT_FOUND, errno, "open %s", path);
	if (code == SOT_OK)
		code = bind_in(&t, ns, dir, &err);
	if (ns >= 0)
		close(ns);
	printf("%s %s%s\n", pid_text, code == SOT_OK ? "bound" : "failed ", err.text);
	return setns(h->mounts, CLONE_NEWNS) == 0;
}

/* Of the LXCFS on `dir`, which answers: the kernel has it at hand, and need not write down all
 * mounts of a host with a hundred instances. Before Linux 5.8 it did not say what a mount point is.
 */
static sot_code find_device(const char *dir, sot_buf *text, sot_str *ret, sot_err *err)
{
	struct statx st;
	int why = statx(AT_FDCWD, dir, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &st);
	if (why == 0 && (st.stx_attributes & st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)) {
		sot_buf_printf(text, "%u:%u", st.stx_dev_major, st.stx_dev_minor);
		*ret = sot_buf_str(text);
		return SOT_OK;
	}
	sot_code code = sot_file_read("/proc/self/mountinfo", text, err);
	*ret = code == SOT_OK ? view_device(sot_buf_str(text), dir) : (sot_str){0};
	return code;
}

/* The device is a view of `text`. */
static sot_code tell_view(const char *dir, sot_buf *text, sot_str *ret_device)
{
	sot_err err = {0};
	sot_str device = {0};
	sot_code code = view_probe(dir, PROBE_MS, &err);
	if (code == SOT_OK)
		code = find_device(dir, text, &device, &err);
	if (code == SOT_OK && device.n == 0)
		code = sot_fail(&err, SOT_NOT_FOUND, "no LXCFS is mounted on %.200s", dir);
	if (code == SOT_OK)
		printf("view %.*s\n", SOT_ARG(device));
	else
		printf("away %s\n", err.text);
	*ret_device = device;
	return code;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: sotalia-view DIR [PID]...\n");
		return 2;
	}
	SOT_AUTO_BUF text;
	sot_str device;
	sot_buf_init(&text, MOUNTINFO_MAX);
	if (tell_view(argv[1], &text, &device) != SOT_OK)
		return 0;
	host h = {.mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC),
	    .proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
	if (h.mounts < 0 || h.proc < 0)
		return 1;
	for (int i = 2; i < argc; i++)
		if (!serve(&h, argv[i], argv[1], device))
			return 1;
	return fflush(stdout) == 0 ? 0 : 1;
}
