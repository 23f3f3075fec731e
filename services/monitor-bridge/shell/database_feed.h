/* database_feed - what the bridge reads from PostgreSQL, by polling: the hosts' keys for the allow
 * list, and the platform's events by number. The database being away costs nothing but news.
 */
#ifndef MONITOR_DATABASE_FEED_H
#define MONITOR_DATABASE_FEED_H

#include "bus.h"
#include "monitor.h"
#include "store.h"

typedef struct database_feed_options {
	const char *conninfo;
	int64_t keys_interval_ms, events_interval_ms;
	/* Where to go on; a zero stream begins at the newest event. */
	sot_uuid stream;
	uint64_t event;
} database_feed_options;

typedef struct database_feed database_feed;
/* on_cursor is told after events were handed to the core: store it. All are borrowed. */
typedef void (*database_cursor_fn)(void *self, sot_uuid stream, uint64_t event);
sot_code database_feed_new(reactor *r, bus *b, monitor *m, const database_feed_options *options,
    database_cursor_fn on_cursor, void *self, database_feed **ret, sot_err *err) SOT_CHECK;
database_feed *database_feed_free(database_feed *f);
bool database_feed_is_up(const database_feed *f);
SOT_DEFINE_AUTO(database_feed)

#endif
