/* tree - walks a folder that a tenant may change meanwhile. Every step is an openat of one name
 * that follows no link, below a descriptor that is held: whatever is renamed, swapped or linked
 * while the walk runs, it never leaves the tree it began in. Blocking; for the loop's thread pool.
 */
#ifndef HOSTAGENT_TREE_H
#define HOSTAGENT_TREE_H

#include "sot_err.h"

#include <stdbool.h>
#include <sys/stat.h>

typedef struct tree_entry {
	int folder_fd;    /* where it is; unlinkat(folder_fd, name) is safe */
	const char *name; /* one name, no slash */
	const char *path; /* below the root, for messages and patterns */
	struct stat st;   /* of the entry itself, never of what a link names */
} tree_entry;

/* Folders come after what is in them. False ends the walk. */
typedef bool (*tree_fn)(void *self, const tree_entry *e);

typedef struct tree_limits {
	unsigned entries_max, depth_max;
} tree_limits;

/* Other file systems mounted inside are left out. SOT_NOT_FOUND when `root` is no folder (or a link
 * to one); SOT_LIMIT when a limit ended the walk, after what was within it. */
sot_code tree_walk(
    const char *root, tree_limits limits, tree_fn fn, void *self, sot_err *err) SOT_CHECK;

#endif
