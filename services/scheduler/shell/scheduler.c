#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

#define TICK_MS 500

static void on_tick(void *self, uint64_t missed)
{
	scheduler *s = self;

	(void)missed;
	if (!s->c || s->draining)
		return;
	controller_tick(s->c, scheduler_now(s));
	if (sot_mono_reached(scheduler_now(s).mono, s->purge_next))
		purge_old(s);
	controller_stats stats = controller_get_stats(s->c);
	sot_metric_set(s->metrics.operations_open, (int64_t)stats.operations_open);
	sot_metric_set(s->metrics.instances, (int64_t)stats.instances);
	sot_metric_set(s->metrics.hosts_online, (int64_t)stats.hosts_online);
	sot_metric_set(s->metrics.starts_in_flight, (int64_t)stats.starts_in_flight);
	sot_metric_set(s->metrics.starts_waiting, (int64_t)stats.starts_waiting);
	sot_metric_set(s->metrics.syncs_waiting, (int64_t)stats.syncs_waiting);
	scheduler_settle(s);
}

static void on_store_up(void *self, bool up, const sot_err *why)
{
	(void)self;
	if (up)
		sot_log(SOT_INFO, "database.up", "%s", "");
	else
		sot_log_err(SOT_WARN, "database.down", why, "%s", "");
}

static void on_first_keys(void *self, bool up, const sot_err *why)
{
	on_store_up(self, up, why);
	if (up)
		load_host_keys(self, 0);
}

static bool health(void *self, sot_buf *reasons)
{
	const scheduler *s = self;
	bool ok = true;

	if (!store_is_up(s->store) || !store_is_up(s->lead_store)) {
		sot_buf_add_c(reasons, "the database does not answer\n");
		ok = false;
	}
	if (!bus_client_is_up(s->ipam)) {
		sot_buf_add_c(reasons, "ipam is not connected; operations that need an address wait\n");
		ok = false;
	}
	return ok;
}

static void open_metrics(shell_metrics *m)
{
	m->leading = sot_gauge("sot_scheduler_leading", NULL, "1 while this process leads");
	m->batches = sot_counter("sot_scheduler_batches_total", NULL, "Committed batches");
	m->batch_ms = sot_histogram_ms("sot_scheduler_batch_ms", NULL, "From sending to the commit");
	m->batches_failed = sot_counter("sot_scheduler_batches_failed_total", NULL, "Not committed");
	m->take_overs = sot_counter("sot_scheduler_take_overs_total", NULL, "Epochs won");
	m->agents_dropped =
	    sot_counter("sot_scheduler_agent_messages_dropped_total", NULL, "To or from agents");
	m->operations_open = sot_gauge("sot_scheduler_operations_open", NULL, "Queued and running");
	m->instances = sot_gauge("sot_scheduler_instances", NULL, "Not retired");
	m->starts_in_flight =
	    sot_gauge("sot_scheduler_starts_in_flight", NULL, "Ordered, and not running or failed yet");
	m->starts_waiting = sot_gauge("sot_scheduler_starts_waiting", NULL, "Wait for a start slot");
	m->syncs_waiting =
	    sot_gauge("sot_scheduler_syncs_waiting", NULL, "Agents that wait for their whole set");
	m->requests_open =
	    sot_gauge("sot_scheduler_requests_open", NULL, "Requests that were not answered yet");
	m->requests_refused = sot_counter("sot_scheduler_requests_refused_slow_total", NULL,
	    "Refused because the database is slow or too many wait");
	m->requests_repeated = sot_counter(
	    "sot_scheduler_requests_repeated_total", NULL, "Sent again while their answer was awaited");
	m->hosts_online = sot_gauge("sot_scheduler_hosts_online", NULL, "Hosts in state online");
	m->batches_refused = sot_counter("sot_scheduler_batches_refused_total", NULL,
	    "Batches that the database refused: memory was wrong, and was read anew");
	m->requests_waiting =
	    sot_gauge("sot_scheduler_requests_waiting", NULL, "Requests that wait for their commit");
	m->reports = sot_counter("sot_scheduler_host_reports_total", NULL, "Reports of hosts");
}

static void name_holder(scheduler *s)
{
	char host[128] = "unknown";

	if (s->config->instance[0]) {
		memcpy(s->holder, s->config->instance, sizeof(s->holder));
		return;
	}
	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(s->holder, sizeof(s->holder), "%s-%ld", host, (long)getpid());
}

/* As ipam's: a table that is empty when a statement is planned is not so later, and planning anew
 * for a short array costs more than running it. */
static const char planner_options[] =
    "options='-c plan_cache_mode=force_generic_plan -c enable_seqscan=off'";

static sot_code open_stores(scheduler *s, sot_err *err)
{
	char conninfo[SOT_CONFIG_VALUE_MAX + sizeof(planner_options) + 1];
	(void)snprintf(conninfo, sizeof(conninfo), "%s %s", planner_options, s->config->database);
	store_options options = {
	    .conninfo = conninfo,
	    .service = "scheduler",
	    .statements = scheduler_statements,
	    .statement_count = SCHEDULER_STATEMENT_COUNT,
	    .connections = (int)s->config->database_connections,
	    .deadline_ms = s->config->commit_deadline_ms,
	};
	sot_code code = store_new(s->r, &options, on_first_keys, s, &s->store, err);

	if (code != SOT_OK)
		return code;
	s->call_reports = call_reports_new(s->r, s->store, SCHEDULER_SQL_REPORT_CALLS, "scheduler");
	options.connections = 1;
	options.deadline_ms = s->config->lease_ms;
	return store_new(s->r, &options, on_store_up, s, &s->lead_store, err);
}

static sot_code open_bus(scheduler *s, sot_err *err)
{
	char path[SOT_CONFIG_VALUE_MAX + 32], ipam_key[BUS_KEY_TEXT];
	bus_keypair keys;
	sot_code code;

	(void)snprintf(path, sizeof(path), "%s/scheduler.key", s->config->keys_dir);
	if ((code = bus_keypair_load(path, &keys, err)) != SOT_OK ||
	    (code = bus_new(s->r, &keys, &s->bus, err)) != SOT_OK ||
	    (code = bus_allow_services(s->bus, s->config->keys_dir, err)) != SOT_OK)
		return code;
	(void)snprintf(path, sizeof(path), "%s/ipam.pub", s->config->keys_dir);
	if ((code = bus_public_key_load(path, ipam_key, err)) != SOT_OK)
		return code;
	code = bus_connect(
	    s->bus, "ipam", s->config->ipam_endpoint, ipam_key, NULL, NULL, s, &s->ipam, err);
	if (code == SOT_OK)
		bus_client_bundle(s->ipam); /* a wave asks for many apps */
	return code;
}

static sot_code open_sockets(scheduler *s, sot_err *err)
{
	const scheduler_config *c = s->config;
	sot_code code =
	    bus_listen(s->bus, "requests", c->requests_endpoint, intake_request, s, &s->requests, err);

	if (code == SOT_OK)
		code = bus_listen(s->bus, "agents", c->agents_endpoint, intake_agent, s, &s->agents, err);
	if (code == SOT_OK)
		code = bus_subscriber_new(s->bus, "reports", c->reports_endpoint, true, NULL,
		    SOT_STR("report"), intake_report, s, &s->reports, err);
	if (code == SOT_OK)
		code = bus_publisher_new(s->bus, "hints", c->hints_endpoint, true, NULL, &s->hints, err);
	if (code == SOT_OK)
		code = control_listen(s->r, c->control_socket, "scheduler", health, s, &s->control, err);
	return code;
}

static void start_timers(scheduler *s)
{
	s->lead_timer = reactor_every_ms(s->r, s->config->renew_ms, leadership_tick, s);
	s->lease_timer = reactor_after_ms(s->r, -1, leadership_tick, s);
	s->tick_timer = reactor_every_ms(s->r, TICK_MS, on_tick, s);
	s->keys_timer = reactor_every_ms(s->r, s->config->keys_interval_ms, load_host_keys, s);
	s->wave_alarm = reactor_alarm_new(s->r, pipeline_settle, s);
	s->hint_timer = reactor_after_ms(s->r, 1, effects_hint, s);
	reactor_rearm_ms(s->hint_timer, -1);
	leadership_tick(s, 0);
}

sot_code scheduler_new(reactor *r, const scheduler_config *config, scheduler **ret, sot_err *err)
{
	SOT_AUTO(scheduler) s = sot_alloc(sizeof(scheduler));

	s->r = r;
	s->config = config;
	s->peers = sot_map_new();
	sot_list_init(&s->ipam_calls);
	sot_list_init(&s->wave.waiting);
	open_metrics(&s->metrics);
	pressure_forget(s);
	name_holder(s);
	sot_code code = open_stores(s, err);
	if (code == SOT_OK)
		code = open_bus(s, err);
	if (code == SOT_OK)
		code = open_sockets(s, err);
	if (code != SOT_OK)
		return code;
	start_timers(s);
	sot_log(SOT_INFO, "standby", "holder=%s requests=%s agents=%s", s->holder,
	    bus_server_endpoint(s->requests), bus_server_endpoint(s->agents));
	*ret = SOT_TAKE(s);
	return SOT_OK;
}

/* ---- drain ---- */

static void on_resigned(void *self, const store_outcome *outcome)
{
	scheduler *s = self;

	(void)outcome;
	s->drained(s->drained_self);
}

static void resign_and_end(void *self)
{
	scheduler *s = self;
	uint64_t epoch = s->epoch;
	sot_err err;

	leadership_lose(s, false, "this process ends");
	if (epoch == 0 || !store_is_up(s->lead_store)) {
		s->drained(s->drained_self);
		return;
	}
	store_tx *tx = store_begin(s->lead_store);
	store_query(tx, SCHEDULER_SQL_RESIGN, NULL, NULL);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_c(tx, s->holder);
	store_arg_i64(tx, (int64_t)epoch);
	if (store_commit(&tx, on_resigned, s, &err) != SOT_OK)
		s->drained(s->drained_self);
}

static void wait_for_batch(void *self, uint64_t missed)
{
	scheduler *s = self;

	(void)missed;
	if (s->inflight)
		return;
	s->tick_timer = reactor_remove(s->tick_timer);
	resign_and_end(s);
}

void scheduler_drain(scheduler *s, void (*drained)(void *self), void *self)
{
	s->draining = true;
	s->drained = drained;
	s->drained_self = self;
	s->lead_timer = reactor_remove(s->lead_timer);
	s->lease_timer = reactor_remove(s->lease_timer);
	s->tick_timer = reactor_remove(s->tick_timer);
	/* The batch in flight, if any, ends by its deadline; its effects still go out. */
	s->tick_timer = reactor_every_ms(s->r, 20, wait_for_batch, s);
}

static void free_values(sot_map *map)
{
	sot_map_iter it = {0};
	void *value;

	while (map && (value = sot_map_next(map, &it, NULL)))
		free(value);
	sot_map_free(map);
}

scheduler *scheduler_free(scheduler *s)
{
	if (!s)
		return NULL;
	reactor_remove(s->lead_timer);
	reactor_remove(s->lease_timer);
	reactor_remove(s->tick_timer);
	reactor_remove(s->keys_timer);
	reactor_remove(s->hint_timer);
	reactor_alarm_free(s->wave_alarm);
	control_free(s->control);
	effects_forget(s);
	pipeline_forget(s);
	s->load = load_free(s->load);
	call_reports_free(s->call_reports);
	if (s->store)
		store_forget(s->store, s);
	if (s->lead_store)
		store_forget(s->lead_store, s);
	controller_free(s->c);
	time_zones_free(s);
	store_free(s->store);
	store_free(s->lead_store);
	bus_free(s->bus);
	sot_map_free(s->pressure.waiting);
	free_values(s->peers);
	free(s);
	return NULL;
}
