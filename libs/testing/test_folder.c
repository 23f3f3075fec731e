#include "test_folder.h"

#include <ftw.h>
#include <stdio.h>
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
