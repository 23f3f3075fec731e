#include "shell/database_feed.h"

#include "bridge_sql.h"
#include "call_reports.h"
#include "host_keys.h"
#include "shell/platform_clock.h"
#include "sot_failpoint.h"
#include "sot_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 5000
#define EVENTS_PER_READ 500
#define CALL_REPORTS_PER_READ 100

struct database_feed {
	reactor *loop;
	monitor *monitor;
	store *store;
	void (*on_up)(void *self, bool up);
	void *self;
	reactor_watch *keys_timer, *events_timer, *gauges_timer;
	bus_roster *roster;
	host_keys_stamp keys_stamp;
	bool reading_keys, reading_events, reading_gauges, reading_calls;
	call_reports *call_reports; /* of our own statements */
	bool more;                  /* the last read was full: read on at once */
	uint64_t lag;
	platform_figures platform; /* of the read that runs */
	pool_figures *pools;
	size_t pool_count;
};

/* ---- keys ---- */

static void on_keys(void *self, const store_result *res)
{
	database_feed *f = self;
	size_t before = bus_roster_count(f->roster), denied = 0;
	SOT_FAILPOINT_HIT("bridge.keys.before_allow");
	if (host_keys_take(f->roster, &f->keys_stamp, res, &denied) &&
	    (denied > 0 || bus_roster_count(f->roster) != before))
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
	store_arg_c(tx, f->keys_stamp.text);
	commit(f, tx, on_keys_done, &f->reading_keys);
}

/* ---- events ---- */

enum {
	EVENT_AT,
	EVENT_KIND,
	EVENT_SUBJECT,
	EVENT_APP,
	EVENT_HOST,
	EVENT_ACTOR,
	EVENT_OPERATION,
	EVENT_FIELDS,
	EVENT_STEPS
};

static sot_code take_row(database_feed *f, const store_result *res, size_t row, sot_err *err)
{
	monitor_event event = {.kind = store_text(res, row, EVENT_KIND),
	    .subject = store_text(res, row, EVENT_SUBJECT),
	    .app = store_text(res, row, EVENT_APP),
	    .host = store_text(res, row, EVENT_HOST),
	    .actor = store_text(res, row, EVENT_ACTOR),
	    .fields = store_text(res, row, EVENT_FIELDS),
	    .steps = store_text(res, row, EVENT_STEPS)};
	sot_code code = store_i64(res, row, EVENT_AT, &event.at_unix_ms, err);
	if (code == SOT_OK && !store_is_null(res, row, EVENT_OPERATION))
		code = store_uuid(res, row, EVENT_OPERATION, &event.operation_id, err);
	if (code == SOT_OK)
		monitor_take_event(f->monitor, &event, platform_wall(f->loop));
	return code;
}

static void on_events(void *self, const store_result *res)
{
	database_feed *f = self;
	sot_err err;
	for (size_t row = 0; row < store_rows(res); row++) {
		if (take_row(f, res, row, &err) != SOT_OK)
			sot_log_err(SOT_ERROR, "events.bad_row", &err, "row=%zu", row);
	}
	f->more = store_rows(res) == EVENTS_PER_READ;
}

static void on_lag(void *self, const store_result *res)
{
	database_feed *f = self;
	int64_t events = 0;
	sot_err err;
	if (store_rows(res) == 1 && store_i64(res, 0, 0, &events, &err) == SOT_OK && events >= 0)
		f->lag = (uint64_t)events;
}

static void read_events(void *self, uint64_t missed);

static void on_events_done(void *self, const store_outcome *outcome)
{
	database_feed *f = self;
	f->reading_events = false;
	if (outcome->code != SOT_OK) {
		sot_log_err(SOT_WARN, "events.not_read", outcome->why, "%s", "");
		return;
	}
	if (f->more)
		read_events(f, 0);
}

static void read_events(void *self, uint64_t missed)
{
	database_feed *f = self;
	(void)missed;
	if (f->reading_events || !store_is_up(f->store) || !monitor_leads(f->monitor))
		return;
	SOT_FAILPOINT_HIT("bridge.events.before_read");
	f->more = false;
	store_tx *tx = store_begin(f->store);
	store_query(tx, BRIDGE_SQL_TAKE_EVENTS, on_events, f);
	store_arg_i64(tx, EVENTS_PER_READ);
	store_query(tx, BRIDGE_SQL_LAG, on_lag, f);
	commit(f, tx, on_events_done, &f->reading_events);
}

/* ---- the platform's own figures ---- */

static sot_code take_counts(
    const store_result *res, size_t row, uint64_t *const *dst, size_t count, sot_err *err)
{
	for (size_t i = 0; i < count; i++) {
		int64_t value;
		sot_code code = store_i64(res, row, (int)i, &value, err);
		if (code != SOT_OK)
			return code;
		*dst[i] = value > 0 ? (uint64_t)value : 0;
	}
	return SOT_OK;
}

static void on_platform(void *self, const store_result *res)
{
	database_feed *f = self;
	sot_err err;
	platform_figures p = {.agents_alive = 0};
	uint64_t *const members[] = {&p.agents_alive, &p.agents_lost, &p.hosts, &p.cpu_booked_milli,
	    &p.cpu_bookable_milli, &p.memory_booked_bytes, &p.memory_bookable_bytes, &p.instances,
	    &p.instances_running, &p.instances_bad, &p.operations_open, &p.scheduler_leads,
	    &p.scheduler_epoch, &p.archive_age_s, &p.backup_age_s};
	if (store_rows(res) == 1 &&
	    take_counts(res, 0, members, sizeof(members) / sizeof(*members), &err) == SOT_OK)
		f->platform = p;
}

static sot_code take_pool(const store_result *res, size_t row, pool_figures *p, sot_err *err)
{
	uint64_t *const members[] = {&p->size, &p->used, &p->cooling, &p->unusable};
	sot_code code = sot_str_copy(store_text(res, row, 0), p->name, sizeof(p->name), err);
	for (size_t i = 0; code == SOT_OK && i < sizeof(members) / sizeof(*members); i++) {
		int64_t value;
		code = store_i64(res, row, (int)i + 1, &value, err);
		if (code == SOT_OK)
			*members[i] = value > 0 ? (uint64_t)value : 0;
	}
	return code;
}

static void on_pools(void *self, const store_result *res)
{
	database_feed *f = self;
	sot_err err;
	free(f->pools);
	f->pools = sot_alloc_array(store_rows(res) + 1, sizeof(*f->pools));
	f->pool_count = 0;
	for (size_t row = 0; row < store_rows(res); row++) {
		if (take_pool(res, row, &f->pools[f->pool_count], &err) == SOT_OK) {
			f->pool_count++;
		} else {
			sot_log_err(SOT_ERROR, "gauges.bad_pool", &err, "row=%zu", row);
		}
	}
}

static void on_gauges_done(void *self, const store_outcome *outcome)
{
	database_feed *f = self;
	f->reading_gauges = false;
	if (outcome->code != SOT_OK) {
		sot_log_err(SOT_WARN, "gauges.not_read", outcome->why, "%s", "");
		return;
	}
	monitor_take_platform(
	    f->monitor, &f->platform, f->pools, f->pool_count, platform_wall(f->loop));
}

/* ---- calls of services ---- */

/* A service that the database sees on its own machine, or over IPv6, is shown on our page. */
static uint32_t at_home(sot_ip address)
{
	uint32_t v4 = address.family == 4 ? sot_ip_v4(address) : 0;
	return v4 >> 24 == 127 ? 0 : v4;
}

static void on_calls(void *self, const store_result *res)
{
	database_feed *f = self;
	sot_err err;
	for (size_t row = 0; row < store_rows(res); row++) {
		sot_ip address = {0};
		if (store_ip(res, row, 1, &address, &err) != SOT_OK)
			sot_log_err(SOT_ERROR, "calls.bad_row", &err, "row=%zu", row);
		monitor_service_calls(
		    f->monitor, store_text(res, row, 2), at_home(address), platform_wall(f->loop));
	}
}

static void on_calls_done(void *self, const store_outcome *outcome)
{
	database_feed *f = self;
	f->reading_calls = false;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "calls.not_read", outcome->why, "%s", "");
}

static void read_calls(database_feed *f)
{
	if (f->reading_calls || !monitor_leads(f->monitor))
		return;
	store_tx *tx = store_begin(f->store);
	store_query(tx, BRIDGE_SQL_TAKE_CALLS, on_calls, f);
	store_arg_i64(tx, CALL_REPORTS_PER_READ);
	commit(f, tx, on_calls_done, &f->reading_calls);
}

static void read_gauges(void *self, uint64_t missed)
{
	database_feed *f = self;
	(void)missed;
	if (store_is_up(f->store))
		read_calls(f);
	if (f->reading_gauges || !store_is_up(f->store))
		return;
	store_tx *tx = store_begin_read(f->store);
	store_query(tx, BRIDGE_SQL_PLATFORM, on_platform, f);
	store_query(tx, BRIDGE_SQL_POOLS, on_pools, f);
	commit(f, tx, on_gauges_done, &f->reading_gauges);
}

/* ---- life ---- */

static void on_up(void *self, bool up, const sot_err *why)
{
	database_feed *f = self;
	if (!up) {
		sot_log_err(SOT_WARN, "database.down", why, "%s", "");
		f->on_up(f->self, false);
		return;
	}
	sot_log(SOT_INFO, "database.up", "%s", "");
	read_keys(f, 0);
	read_gauges(f, 0);
	f->on_up(f->self, true);
}

sot_code database_feed_new(reactor *r, bus *b, monitor *m, const database_feed_options *options,
    void (*on_database_up)(void *self, bool up), void *self, database_feed **ret, sot_err *err)
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
	f->on_up = on_database_up;
	f->self = self;
	f->roster = bus_roster_new(b);
	sot_code code = store_new(r, &with, on_up, f, &f->store, err);
	if (code != SOT_OK)
		return code;
	f->call_reports = call_reports_new(r, f->store, BRIDGE_SQL_REPORT_CALLS, "monitor-bridge");
	f->keys_timer = reactor_every_ms(r, options->keys_interval_ms, read_keys, f);
	f->events_timer = reactor_every_ms(r, options->events_interval_ms, read_events, f);
	f->gauges_timer = reactor_every_ms(r, options->gauges_interval_ms, read_gauges, f);
	*ret = SOT_TAKE(f);
	return SOT_OK;
}

database_feed *database_feed_free(database_feed *f)
{
	if (!f)
		return NULL;
	reactor_remove(f->keys_timer);
	reactor_remove(f->events_timer);
	reactor_remove(f->gauges_timer);
	call_reports_free(f->call_reports);
	if (f->store)
		store_forget(f->store, f);
	store_free(f->store);
	bus_roster_free(f->roster);
	free(f->pools);
	free(f);
	return NULL;
}

bool database_feed_is_up(const database_feed *f)
{
	return store_is_up(f->store);
}

uint64_t database_feed_lag(const database_feed *f)
{
	return f->lag;
}

store *database_feed_store(database_feed *f)
{
	return f->store;
}
