/* Folders that tests make for themselves. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <stddef.h>

/* Removes `path` and all below it; links are removed, not followed. 0, or -1 with errno of the
 * first entry that could not be removed. */
int test_folder_remove(const char *path);
/* Writes the file `name` (a path below `folder`) anew, with these n bytes; folders that lack on the
 * way are made. 0, or -1 with errno. */
int test_folder_put(const char *folder, const char *name, const char *bytes, size_t n);

#endif
