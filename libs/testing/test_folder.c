#include "test_folder.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define OPEN_FOLDERS_MAX 16

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

int test_folder_remove(const char *path)
{
	return nftw(path, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}

int test_folder_put(const char *folder, const char *name, const char *bytes, size_t n)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700); /* it may be there: fopen tells of every other failure */
		*slash = '/';
	}
	FILE *file = fopen(path, "we");
	if (!file)
		return -1;
	size_t written = fwrite(bytes, 1, n, file);
	return fclose(file) == 0 && written == n ? 0 : -1;
}
