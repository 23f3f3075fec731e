#include "folder_watch.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { PIECE = 4096, PIECES_MAX = 64 /* at a time: who writes without end is heard next time */ };

struct folder_watch {
	int fd; /* -1: the kernel gave none */
};

folder_watch *folder_watch_new(void)
{
	folder_watch *w = sot_alloc(sizeof(*w));
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return w;
}

folder_watch *folder_watch_free(folder_watch *w)
{
	if (w) {
		if (w->fd >= 0)
			close(w->fd);
		free(w);
	}
	return NULL;
}

int folder_watch_add(folder_watch *w, const char *path)
{
	const uint32_t events =
	    IN_MODIFY | IN_CREATE | IN_MOVE | IN_DELETE | IN_ONLYDIR | IN_DONT_FOLLOW;
	int handle = w->fd >= 0 ? inotify_add_watch(w->fd, path, events) : -1;
	return handle >= 0 ? handle : FOLDER_WATCH_NONE;
}

void folder_watch_remove(folder_watch *w, int handle)
{
	if (handle != FOLDER_WATCH_NONE)
		(void)inotify_rm_watch(w->fd, handle);
}

static void tell(const struct inotify_event *e, folder_watch_fn fn, void *self)
{
	if (e->mask & IN_Q_OVERFLOW)
		fn(self, FOLDER_ANY, FOLDER_WATCH_NONE);
	else if (e->mask & IN_IGNORED)
		fn(self, FOLDER_GONE, e->wd);
	else
		fn(self, FOLDER_WRITTEN, e->wd);
}

void folder_watch_take(folder_watch *w, folder_watch_fn fn, void *self)
{
	_Alignas(struct inotify_event) char piece[PIECE];
	for (unsigned i = 0; w->fd >= 0 && i < PIECES_MAX; i++) {
		ssize_t n = read(w->fd, piece, sizeof(piece));
		if (n <= 0)
			return;
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e =
			    (const struct inotify_event *)(const void *)(piece + at);
			tell(e, fn, self);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}
