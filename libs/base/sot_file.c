/* Whole files with bounds; durable replacement. */
#include "sot_file.h"

#include "sot_mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static sot_code read_all(int fd, const char *path, sot_buf *out, sot_err *err)
{
	char part[16384];
	for (;;) {
		ssize_t n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "read %s", path);
		if (n == 0)
			return SOT_OK;
		sot_buf_add(out, part, (size_t)n);
		if (sot_buf_failed(out))
			return sot_fail(err, SOT_LIMIT, "%s is larger than %zu bytes", path, out->max);
	}
}

sot_code sot_file_read(const char *path, sot_buf *out, sot_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sot_fail_errno(
		    err, errno == ENOENT ? SOT_NOT_FOUND : SOT_UNAVAILABLE, errno, "open %s", path);
	sot_code code = read_all(fd, path, out, err);
	(void)close(fd);
	return code;
}

static bool write_all(int fd, sot_str content)
{
	while (content.n) {
		ssize_t n = write(fd, content.p, content.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		content = (sot_str){content.p + n, content.n - (size_t)n};
	}
	return true;
}

/* The folder of `path`, in fresh memory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return sot_strdup(".");
	return sot_strndup((sot_str){path, slash == path ? 1 : (size_t)(slash - path)});
}

static sot_code sync_folder(const char *path, sot_err *err)
{
	char *folder = folder_of(path);
	sot_code code = SOT_OK;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "sync folder %s", folder);
	if (fd >= 0)
		(void)close(fd);
	free(folder);
	return code;
}

static sot_code write_temp(
    const char *temp, sot_str content, unsigned mode, const char *path, sot_err *err)
{
	/* Created private; the wanted mode comes before the name is visible. */
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "create %s", temp);
	bool good = write_all(fd, content) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	int saved = errno;
	if (close(fd) != 0 && good) {
		good = false;
		saved = errno;
	}
	if (good)
		return SOT_OK;
	return sot_fail_errno(err, SOT_UNAVAILABLE, saved, "write %s", path);
}

sot_code sot_file_write(const char *path, sot_str content, unsigned mode, sot_err *err)
{
	size_t size = strlen(path) + 32;
	char *temp = sot_alloc(size);
	/* One process owns a state folder, so a leftover of this name is from an earlier crash. */
	snprintf(temp, size, "%s.tmp.%ld", path, (long)getpid());
	(void)unlink(temp);
	sot_code code = write_temp(temp, content, mode, path, err);
	if (code == SOT_OK && rename(temp, path) != 0)
		code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "rename %s to %s", temp, path);
	if (code == SOT_OK)
		code = sync_folder(path, err);
	else
		(void)unlink(temp);
	free(temp);
	return code;
}

static sot_code make_one(const char *path, unsigned mode, sot_err *err)
{
	struct stat st;
	if (mkdir(path, mode) == 0)
		return SOT_OK;
	int why = errno;
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return SOT_OK;
		why = ENOTDIR;
	}
	return sot_fail_errno(err, SOT_UNAVAILABLE, why, "make folder %s", path);
}

sot_code sot_mkdirs(const char *path, unsigned mode, sot_err *err)
{
	char *part = sot_strdup(path);
	sot_code code = SOT_OK;
	for (char *c = part; code == SOT_OK && *c; c++) {
		if (*c != '/' || c == part)
			continue;
		*c = '\0';
		code = make_one(part, mode, err);
		*c = '/';
	}
	if (code == SOT_OK)
		code = make_one(part, mode, err);
	free(part);
	return code;
}
