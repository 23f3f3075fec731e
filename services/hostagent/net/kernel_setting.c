#include "kernel_setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_setting(const char *path, int flags)
{
	char full[128];
	int n = snprintf(full, sizeof(full), "/proc/sys/%s", path);
	if (n < 0 || (size_t)n >= sizeof(full)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(full, flags | O_CLOEXEC);
}

sot_code kernel_setting_write(const char *path, const char *value, sot_err *err)
{
	int fd = open_setting(path, O_WRONLY);
	if (fd < 0)
		return sot_fail_errno(
		    err, errno == ENOENT ? SOT_NOT_FOUND : SOT_UNAVAILABLE, errno, "/proc/sys/%s", path);
	size_t n = strlen(value);
	ssize_t written = write(fd, value, n);
	int why = errno;
	close(fd);
	if (written < 0 || (size_t)written != n)
		return sot_fail_errno(err, SOT_UNAVAILABLE, why, "/proc/sys/%s", path);
	return SOT_OK;
}

bool kernel_setting_differs(const char *path, const char *value)
{
	char now[64];
	int fd = open_setting(path, O_RDONLY);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, now, sizeof(now) - 1);
	close(fd);
	size_t want = strlen(value);
	return n > 0 && !((size_t)n > want && strncmp(now, value, want) == 0 && now[want] == '\n');
}

void kernel_setting_ipv6(const char *link, const char *key, const char *value)
{
	char path[96];
	(void)snprintf(path, sizeof(path), "net/ipv6/conf/%s/%s", link, key);
	sot_code ignored = kernel_setting_write(path, value, NULL); /* no IPv6: nothing to set */
	(void)ignored;
}
