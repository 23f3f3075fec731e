/* database_feed - what the bridge reads from PostgreSQL, by polling: the hosts' keys for the allow
 * list, the platform's own figures, and, when this bridge leads, the platform's events. Each event
 * is given out once: the database moves the cursor in the transaction that hands it over. The
 * database being away costs nothing but news.
 */
#ifndef MONITOR_DATABASE_FEED_H
#define MONITOR_DATABASE_FEED_H

#include "bus.h"
#include "monitor.h"
#include "store.h"

typedef struct database_feed_options {
	const char *conninfo;
	int64_t keys_interval_ms, events_interval_ms, gauges_interval_ms;
} database_feed_options;

typedef struct database_feed database_feed;
/* All are borrowed. on_up is told when the database comes and goes. */
sot_code database_feed_new(reactor *r, bus *b, monitor *m, const database_feed_options *options,
    void (*on_up)(void *self, bool up), void *self, database_feed **ret, sot_err *err) SOT_CHECK;
database_feed *database_feed_free(database_feed *f);
bool database_feed_is_up(const database_feed *f);
/* Events that wait to be told, as of the last look. */
uint64_t database_feed_lag(const database_feed *f);
/* For others that ask the same database. */
store *database_feed_store(database_feed *f);
SOT_DEFINE_AUTO(database_feed)

#endif
