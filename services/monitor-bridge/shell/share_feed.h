/* share_feed - our place among the bridges: renews our lease in the database and hands the view of
 * all bridges to the core. While the database cannot be asked the core is told so.
 */
#ifndef MONITOR_SHARE_FEED_H
#define MONITOR_SHARE_FEED_H

#include "monitor.h"
#include "store.h"

typedef struct share_feed_options {
	const char *name; /* of this bridge, its own for ever */
	uint32_t address;
	int64_t lease_ms, interval_ms;
} share_feed_options;

typedef struct share_feed_hooks {
	void *self;
	void (*status)(void *self, sot_buf *out); /* a JSON object to be kept beside the lease */
	void (*joined)(void *self);               /* our number is known: once */
} share_feed_hooks;

typedef struct share_feed share_feed;
/* `s`, `m` are borrowed. */
share_feed *share_feed_new(reactor *r, store *s, monitor *m, const share_feed_options *options,
    const share_feed_hooks *hooks);
share_feed *share_feed_free(share_feed *f);
SOT_DEFINE_AUTO(share_feed)
/* The database came or went. */
void share_feed_database(share_feed *f, bool up);
/* Gives our place up, so that others need not wait; `done` is called once. */
void share_feed_leave(share_feed *f, void (*done)(void *self), void *self);
/* Another process runs under our name: this one sends nothing any more. */
bool share_feed_is_replaced(const share_feed *f);

#endif
