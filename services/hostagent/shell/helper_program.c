#include "helper_program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void helper_program_find(const char *name, char path[static PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
	if (folder + strlen(name) < PATH_MAX)
		(void)snprintf(path + folder, PATH_MAX - folder, "%s", name);
	if (access(path, X_OK) != 0)
		(void)snprintf(path, PATH_MAX, "/usr/libexec/sotalia/%s", name);
}
