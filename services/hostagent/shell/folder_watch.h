/* folder_watch - in which folders something was written, by inotify. Nothing here waits, and
 * nothing fails: a folder that cannot be watched has no handle, and its owner looks for himself.
 */
#ifndef HOSTAGENT_FOLDER_WATCH_H
#define HOSTAGENT_FOLDER_WATCH_H

#include "sot_mem.h"

typedef struct folder_watch folder_watch;
folder_watch *folder_watch_new(void);
folder_watch *folder_watch_free(folder_watch *w);
SOT_DEFINE_AUTO(folder_watch)

enum { FOLDER_WATCH_NONE = -1 };
/* A handle, or FOLDER_WATCH_NONE: it is not there, or the kernel has no room for another. Watching
 * it twice gives the same handle. */
int folder_watch_add(folder_watch *w, const char *path);
void folder_watch_remove(folder_watch *w, int handle);

/* Calls fn for what happened since the last time; the same folder may come more than once. */
typedef enum folder_change {
	FOLDER_WRITTEN, /* a file of it was written, made, moved or removed */
	FOLDER_GONE,    /* the handle is no more */
	FOLDER_ANY,     /* some changes were lost: each folder may have changed; no handle */
} folder_change;
typedef void (*folder_watch_fn)(void *self, folder_change change, int handle);
void folder_watch_take(folder_watch *w, folder_watch_fn fn, void *self);

#endif
