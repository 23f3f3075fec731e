#include "shell/database_feed.h"

#include "bridge_sql.h"
#include "bus_roster.h"
#include "sot_failpoint.h"
#include "sot_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 5000

struct database_feed {
	reactor *loop;
	monitor *monitor;
	store *store;
	database_cursor_fn on_cursor;
	void *self;
	reactor_watch *keys_timer, *events_timer;
	bus_roster *roster;
	bool reading_keys, reading_events;
	bool is_placed; /* stream and event are known to be of this database */
	sot_uuid stream;
	uint64_t event;
	bool more; /* the last read was full: read on at once */
};

/* ---- keys ---- */

static sot_code allow_row(database_feed *f, const store_result *res, size_t row, sot_err *err)
{
	SOT_FAILPOINT("bridge.keys.before_allow", err);
	sot_uuid id;
	bool denied;
	if (store_uuid(res, row, 0, &id, err) != SOT_OK ||
	    store_bool(res, row, 2, &denied, err) != SOT_OK)
		return err->code;
	return denied ? SOT_OK : bus_roster_add_host(f->roster, store_text(res, row, 1), id, err);
}

static void on_keys(void *self, const store_result *res)
{
	database_feed *f = self;
	sot_err err;
	size_t before = bus_roster_count(f->roster);
	bus_roster_begin(f->roster);
	for (size_t row = 0; row < store_rows(res); row++) {
		if (allow_row(f, res, row, &err) != SOT_OK) {
			sot_log_err(SOT_ERROR, "keys.bad_row", &err, "row=%zu", row);
			return; /* denying on half a list would cut hosts that are fine */
		}
	}
	size_t denied = bus_roster_end(f->roster);
	if (denied > 0 || bus_roster_count(f->roster) != before)
		sot_log(SOT_INFO, "keys.changed", "allowed=%zu denied=%zu", bus_roster_count(f->roster),
		    denied);
}

static void on_keys_done(void *self, const store_outcome *outcome)
{
	database_feed *f = self;
	f->reading_keys = false;
	if (outcome->code != SOT_OK)
		sot_log_err(
		    SOT_WARN, "keys.not_read", outcome->why, "allowed=%zu", bus_roster_count(f->roster));
}

static void commit(database_feed *f, store_tx *tx, store_done_fn done, bool *reading)
{
	sot_err err;
	*reading = true;
	if (store_commit(&tx, done, f, &err) == SOT_OK)
		return;
	*reading = false;
	sot_log_err(SOT_WARN, "database.busy", &err, "%s", "");
	store_tx_free(tx);
}

static void read_keys(void *self, uint64_t missed)
{
	database_feed *f = self;
	(void)missed;
	if (f->reading_keys || !store_is_up(f->store))
		return;
	store_tx *tx = store_begin_read(f->store);
	store_query(tx, BRIDGE_SQL_HOST_KEYS, on_keys, f);
	commit(f, tx, on_keys_done, &f->reading_keys);
}

/* ---- events ---- */

enum {
	EVENT_NUMBER,
	EVENT_AT,
	EVENT_KIND,
	EVENT_SUBJECT,
	EVENT_APP,
	EVENT_HOST,
	EVENT_OPERATION,
	EVENT_OPERATION_KIND,
	EVENT_STATE_OLD,
	EVENT_STATE_NEW,
	EVENT_HEALTH_NEW,
	EVENT_ERROR,
	EVENT_REASON
};
#define EVENTS_PER_READ 500

static sot_code take_row(database_feed *f, const store_result *res, size_t row, sot_err *err)
{
	int64_t number;
	monitor_event event = {.kind = store_text(res, row, EVENT_KIND),
	    .subject = store_text(res, row, EVENT_SUBJECT),
	    .app = store_text(res, row, EVENT_APP),
	    .host = store_text(res, row, EVENT_HOST),
	    .operation_kind = store_text(res, row, EVENT_OPERATION_KIND),
	    .state_old = store_text(res, row, EVENT_STATE_OLD),
	    .state_new = store_text(res, row, EVENT_STATE_NEW),
	    .health_new = store_text(res, row, EVENT_HEALTH_NEW),
	    .error = store_text(res, row, EVENT_ERROR),
	    .reason = store_text(res, row, EVENT_REASON)};
	sot_code code = store_i64(res, row, EVENT_NUMBER, &number, err);
	if (code == SOT_OK)
		code = store_i64(res, row, EVENT_AT, &event.at_unix_ms, err);
	if (code == SOT_OK && !store_is_null(res, row, EVENT_OPERATION))
		code = store_uuid(res, row, EVENT_OPERATION, &event.operation_id, err);
	if (code != SOT_OK)
		return code;
	monitor_take_event(f->monitor, &event, reactor_wall(f->loop));
	f->event = (uint64_t)number;
	return SOT_OK;
}

static void on_events(void *self, const store_result *res)
{
	database_feed *f = self;
	sot_err err;
	for (size_t row = 0; row < store_rows(res); row++) {
		if (take_row(f, res, row, &err) != SOT_OK)
			sot_log_err(
			    SOT_ERROR, "events.bad_row", &err, "after=%llu", (unsigned long long)f->event);
	}
	f->more = store_rows(res) == EVENTS_PER_READ;
	if (store_rows(res) > 0)
		f->on_cursor(f->self, f->stream, f->event);
}

static void on_start(void *self, const store_result *res)
{
	database_feed *f = self;
	sot_err err;
	sot_uuid stream;
	int64_t last;
	if (store_rows(res) != 1 || store_uuid(res, 0, 0, &stream, &err) != SOT_OK ||
	    store_i64(res, 0, 1, &last, &err) != SOT_OK) {
		sot_log(SOT_ERROR, "events.no_start", "rows=%zu", store_rows(res));
		return;
	}
	/* A new stream is a new or a restored database: its past was reported, or is too old. */
	if (!sot_uuid_eq(stream, f->stream) || f->event > (uint64_t)last) {
		f->stream = stream;
		f->event = (uint64_t)last;
		f->on_cursor(f->self, f->stream, f->event);
	}
	f->is_placed = true;
}

static void read_events(void *self, uint64_t missed);

static void on_events_done(void *self, const store_outcome *outcome)
{
	database_feed *f = self;
	f->reading_events = false;
	if (outcome->code != SOT_OK) {
		sot_log_err(
		    SOT_WARN, "events.not_read", outcome->why, "after=%llu", (unsigned long long)f->event);
		f->is_placed = false; /* it may be another database by the time it answers again */
		return;
	}
	if (f->more)
		read_events(f, 0);
}

static void read_events(void *self, uint64_t missed)
{
	database_feed *f = self;
	(void)missed;
	if (f->reading_events || !store_is_up(f->store))
		return;
	SOT_FAILPOINT_HIT("bridge.events.before_read");
	f->more = false;
	store_tx *tx = store_begin_read(f->store);
	if (f->is_placed) {
		store_query(tx, BRIDGE_SQL_EVENTS, on_events, f);
		store_arg_uuid(tx, f->stream);
		store_arg_i64(tx, (int64_t)f->event);
	} else {
		store_query(tx, BRIDGE_SQL_EVENT_START, on_start, f);
	}
	commit(f, tx, on_events_done, &f->reading_events);
}

/* ---- life ---- */

static void on_up(void *self, bool up, const sot_err *why)
{
	database_feed *f = self;
	if (!up) {
		sot_log_err(SOT_WARN, "database.down", why, "%s", "");
		f->is_placed = false;
		return;
	}
	sot_log(SOT_INFO, "database.up", "%s", "");
	read_keys(f, 0);
	read_events(f, 0);
}

sot_code database_feed_new(reactor *r, bus *b, monitor *m, const database_feed_options *options,
    database_cursor_fn on_cursor, void *self, database_feed **ret, sot_err *err)
{
	SOT_AUTO(database_feed) f = sot_alloc(sizeof(*f));
	const store_options with = {.conninfo = options->conninfo,
	    .service = "monitor-bridge",
	    .statements = bridge_statements,
	    .statement_count = BRIDGE_STATEMENT_COUNT,
	    .connections = 1,
	    .deadline_ms = DEADLINE_MS,
	    .queue_max = 16};
	f->loop = r;
	f->monitor = m;
	f->on_cursor = on_cursor;
	f->self = self;
	f->stream = options->stream;
	f->event = options->event;
	f->roster = bus_roster_new(b);
	sot_code code = store_new(r, &with, on_up, f, &f->store, err);
	if (code != SOT_OK)
		return code;
	f->keys_timer = reactor_every_ms(r, options->keys_interval_ms, read_keys, f);
	f->events_timer = reactor_every_ms(r, options->events_interval_ms, read_events, f);
	*ret = SOT_TAKE(f);
	return SOT_OK;
}

database_feed *database_feed_free(database_feed *f)
{
	if (!f)
		return NULL;
	reactor_remove(f->keys_timer);
	reactor_remove(f->events_timer);
	if (f->store)
		store_forget(f->store, f);
	store_free(f->store);
	bus_roster_free(f->roster);
	free(f);
	return NULL;
}

bool database_feed_is_up(const database_feed *f)
{
	return store_is_up(f->store);
}
