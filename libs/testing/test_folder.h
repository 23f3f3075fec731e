/* Folders that tests make for themselves. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

/* Removes `path` and all below it; links are removed, not followed. 0, or -1 with errno of the
 * first entry that could not be removed. */
int test_folder_remove(const char *path);

#endif
