/* usage - how full subnets and named pools are, when they will be full, and the partitions of the
 * history.
 *
 *   each minute   MEASURE (rows of a subnet) --level with hysteresis--> KEEP (row, event on a
 * change) each hour     SAMPLE --> SERIES of 14 days --core/forecast--> days left each day
 * partitions of ipam.address_event: the next months are made, old ones dropped
 */
#include "agents.h"

#include "forecast.h"
#include "sot_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_MS = 10000, /* a start has better things to do */
	HOUR_MS = 3600000,
	HISTORY_MS = 24 * HOUR_MS,
	HISTORY_RETRY_MS = 10 * 60000,
	NAME_TEXT = 64,
};

/* Of a subnet, or of a named pool of a VLAN in one family. */
typedef struct measure {
	sot_uuid id;                    /* the subnet, or the VLAN */
	char vlan[33], name[NAME_TEXT]; /* name: the subnet's network, or the pool */
	int64_t family;                 /* of a pool */
	int64_t used, unusable, cooling, size;
	usage_level before, level;
} measure;

typedef struct measure_list {
	measure *at;
	size_t count;
} measure_list;

typedef struct outlook {
	sot_uuid subnet_id;
	char days[32];
} outlook;

typedef struct usage {
	measure_list subnets, pools;
	outlook *outlooks;
	size_t outlooks_count;
	sot_err error;
	int64_t sampled_hour; /* of the unix epoch */
	bool is_out, is_keeping_history;
} usage;

/* ---- forecasts ---- */

static void on_forecast(void *self, const store_outcome *outcome)
{
	agents *a = self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "forecast.not_kept", outcome->why, "%s", "");
	a->usage->is_out = false;
}

static sot_code read_sample(const store_result *res, size_t row, sot_uuid *ret_subnet,
    forecast_sample *ret, int64_t *ret_free, sot_err *err)
{
	sot_code code = store_uuid(res, row, 0, ret_subnet, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 1, &ret->at_unix_ms, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 2, &ret->used, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, ret_free, err);
	return code;
}

static void add_outlook(
    usage *u, sot_uuid subnet_id, const forecast_sample *at, size_t count, int64_t left)
{
	double days = 0;
	outlook *o = &u->outlooks[u->outlooks_count++];
	o->subnet_id = subnet_id;
	o->days[0] = '\0';
	if (forecast_days_left(at, count, left, &days))
		(void)snprintf(o->days, sizeof(o->days), "%.2f", days);
}

/* The samples of a subnet stand together. */
static void on_series(void *self, const store_result *res)
{
	agents *a = self;
	usage *u = a->usage;
	forecast_sample samples[FORECAST_SAMPLES_MAX];
	size_t rows = store_rows(res), count = 0;
	sot_uuid subnet_id = {{0}};
	int64_t left = 0;
	u->outlooks_count = 0;
	u->outlooks = sot_alloc_array(rows + 1, sizeof(*u->outlooks));
	for (size_t row = 0; row < rows && u->error.code == SOT_OK; row++) {
		sot_uuid of;
		forecast_sample sample;
		int64_t left_now = 0;
		if (read_sample(res, row, &of, &sample, &left_now, &u->error) != SOT_OK)
			return;
		if (count > 0 && !sot_uuid_eq(of, subnet_id)) {
			add_outlook(u, subnet_id, samples, count, left);
			count = 0;
		}
		subnet_id = of;
		left = left_now;
		if (count < FORECAST_SAMPLES_MAX)
			samples[count++] = sample;
	}
	if (count > 0)
		add_outlook(u, subnet_id, samples, count, left);
}

static void on_series_read(void *self, const store_outcome *outcome)
{
	agents *a = self;
	usage *u = a->usage;
	u->is_out = false;
	if (outcome->code != SOT_OK || u->error.code != SOT_OK) {
		sot_log_err(SOT_WARN, "forecast.unread", outcome->code != SOT_OK ? outcome->why : &u->error,
		    "%s", "");
	} else if (u->outlooks_count > 0) {
		store_tx *tx = store_begin(a->store);
		store_query(tx, IPAM_SQL_USAGE_FORECAST, NULL, NULL);
		AGENTS_ARRAY(tx, i, u->outlooks_count, store_item_uuid(tx, u->outlooks[i].subnet_id));
		AGENTS_ARRAY(tx, i, u->outlooks_count, store_item_str(tx, sot_str_c(u->outlooks[i].days)));
		u->is_out = agents_commit(a, tx, on_forecast, "forecast");
	}
	free(u->outlooks);
	u->outlooks = NULL;
	u->outlooks_count = 0;
}

static void read_series(agents *a)
{
	a->usage->error = (sot_err){0};
	store_tx *tx = store_begin_read(a->store);
	store_query(tx, IPAM_SQL_USAGE_SERIES, on_series, a);
	a->usage->is_out = agents_commit(a, tx, on_series_read, "series");
}

/* ---- measuring ---- */

static void failed(agents *a, const sot_err *why)
{
	sot_metric_add(a->m_usage_failed, 1);
	sot_log_err(SOT_WARN, "usage.not_kept", why, "%s", "");
}

static void on_told(void *self, const store_result *res)
{
	agents *a = self;
	int64_t told = 0;
	if (store_i64(res, 0, 0, &told, NULL) == SOT_OK && told > 0)
		ipam_hint(a->ip);
}

static void on_kept(void *self, const store_outcome *outcome)
{
	agents *a = self;
	usage *u = a->usage;
	u->is_out = false;
	int64_t hour = reactor_wall(a->loop).unix_ms / HOUR_MS;
	if (outcome->code != SOT_OK) {
		failed(a, outcome->why);
		return;
	}
	if (hour == u->sampled_hour)
		return;
	u->sampled_hour = hour;
	read_series(a);
}

static void add_measures(agents *a, store_tx *tx, int statement, const measure_list *list)
{
	const measure *m = list->at;
	size_t n = list->count;
	store_query(tx, statement, on_told, a);
	AGENTS_ARRAY(tx, i, n, store_item_uuid(tx, m[i].id));
	AGENTS_ARRAY(tx, i, n, store_item_str(tx, sot_str_c(usage_level_name(m[i].level))));
	AGENTS_ARRAY(tx, i, n, store_item_i64(tx, m[i].used));
	AGENTS_ARRAY(tx, i, n, store_item_i64(tx, m[i].unusable));
	AGENTS_ARRAY(tx, i, n, store_item_i64(tx, m[i].cooling));
	AGENTS_ARRAY(tx, i, n, store_item_i64(tx, m[i].size));
	AGENTS_ARRAY(tx, i, n, store_item_str(tx, sot_str_c(m[i].vlan)));
	AGENTS_ARRAY(tx, i, n, store_item_str(tx, sot_str_c(m[i].name)));
	AGENTS_ARRAY(tx, i, n, store_item_str(tx, sot_str_c(usage_level_name(m[i].before))));
}

static void keep(agents *a)
{
	usage *u = a->usage;
	const measure_list *pools = &u->pools;
	store_tx *tx = store_begin(a->store);
	add_measures(a, tx, IPAM_SQL_USAGE_KEEP, &u->subnets);
	add_measures(a, tx, IPAM_SQL_POOL_KEEP, pools);
	AGENTS_ARRAY(tx, i, pools->count, store_item_i64(tx, pools->at[i].family));
	if (reactor_wall(a->loop).unix_ms / HOUR_MS != u->sampled_hour)
		store_query(tx, IPAM_SQL_USAGE_SAMPLE, NULL, NULL);
	u->is_out = agents_commit(a, tx, on_kept, "usage");
}

static sot_code read_measure(const store_result *res, size_t row, measure *m, sot_err *err)
{
	(void)snprintf(m->vlan, sizeof(m->vlan), "%.*s", SOT_ARG(store_text(res, row, 1)));
	(void)snprintf(m->name, sizeof(m->name), "%.*s", SOT_ARG(store_text(res, row, 2)));
	sot_code code = store_uuid(res, row, 0, &m->id, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, &m->used, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 4, &m->unusable, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 5, &m->cooling, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 6, &m->size, err);
	if (code == SOT_OK)
		code = usage_level_parse(store_text(res, row, 7), &m->before, err);
	if (code == SOT_OK)
		m->level = usage_level_next(m->before, m->used + m->unusable, m->size);
	return code;
}

static void read_measures(usage *u, const store_result *res, measure_list *list)
{
	list->count = store_rows(res);
	list->at = sot_alloc_array(list->count + 1, sizeof(*list->at));
	for (size_t row = 0; row < list->count && u->error.code == SOT_OK; row++)
		(void)read_measure(res, row, &list->at[row], &u->error);
}

static void on_subnets(void *self, const store_result *res)
{
	agents *a = self;
	read_measures(a->usage, res, &a->usage->subnets);
}

static void on_pools(void *self, const store_result *res)
{
	agents *a = self;
	usage *u = a->usage;
	read_measures(u, res, &u->pools);
	for (size_t row = 0; row < u->pools.count && u->error.code == SOT_OK; row++) {
		if (store_i64(res, row, 8, &u->pools.at[row].family, &u->error) != SOT_OK)
			return;
	}
}

static void forget_measures(measure_list *list)
{
	free(list->at);
	*list = (measure_list){0};
}

static void on_measured(void *self, const store_outcome *outcome)
{
	agents *a = self;
	usage *u = a->usage;
	u->is_out = false;
	if (outcome->code != SOT_OK || u->error.code != SOT_OK)
		failed(a, outcome->code != SOT_OK ? outcome->why : &u->error);
	else
		keep(a);
	forget_measures(&u->subnets);
	forget_measures(&u->pools);
}

static void run_measure(void *self, uint64_t missed)
{
	agents *a = self;
	(void)missed;
	reactor_rearm_ms(a->usage_timer, a->config->usage_interval_s * 1000);
	if (a->usage->is_out || !store_is_up(a->store))
		return;
	a->usage->error = (sot_err){0};
	store_tx *tx = store_begin_read(a->store);
	store_query(tx, IPAM_SQL_USAGE_MEASURE, on_subnets, a);
	store_query(tx, IPAM_SQL_POOL_MEASURE, on_pools, a);
	a->usage->is_out = agents_commit(a, tx, on_measured, "usage");
}

/* ---- history ---- */

static void on_history(void *self, const store_outcome *outcome)
{
	agents *a = self;
	a->usage->is_keeping_history = false;
	if (outcome->code == SOT_OK) {
		reactor_rearm_ms(a->history_timer, HISTORY_MS);
		return;
	}
	sot_metric_add(a->m_history_failed, 1);
	sot_log_err(SOT_WARN, "history.not_kept", outcome->why, "retry_ms=%d", HISTORY_RETRY_MS);
	reactor_rearm_ms(a->history_timer, HISTORY_RETRY_MS);
}

static void keep_history(void *self, uint64_t missed)
{
	agents *a = self;
	(void)missed;
	if (a->usage->is_keeping_history)
		return;
	if (!store_is_up(a->store)) {
		reactor_rearm_ms(a->history_timer, FIRST_MS);
		return;
	}
	store_tx *tx = store_begin(a->store);
	store_query(tx, IPAM_SQL_HISTORY_KEEP, NULL, NULL);
	store_arg_i64(tx, a->config->history_days);
	a->usage->is_keeping_history = agents_commit(a, tx, on_history, "history");
}

/* ---- life ---- */

void usage_open(agents *a)
{
	int64_t first_ms = a->config->usage_interval_s * 1000;
	if (first_ms > FIRST_MS)
		first_ms = FIRST_MS;
	a->usage = sot_alloc(sizeof(*a->usage));
	a->usage->sampled_hour = -1;
	a->usage_timer = reactor_after_ms(a->loop, first_ms, run_measure, a);
	a->history_timer = reactor_after_ms(a->loop, first_ms, keep_history, a);
}

void usage_free(agents *a)
{
	reactor_remove(a->usage_timer);
	reactor_remove(a->history_timer);
	if (!a->usage)
		return;
	forget_measures(&a->usage->subnets);
	forget_measures(&a->usage->pools);
	free(a->usage->outlooks);
	free(a->usage);
}
