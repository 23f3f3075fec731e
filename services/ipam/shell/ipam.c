#include "agents.h"
#include "change.h"
#include "seat.h"

#include "sot_log.h"
#include "sot_rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_BYTES = 8 * 1024 * 1024,
	DOWN_PATIENCE_MS = 5000,
	CONNECTIONS = 4,
	LEASE_FIRST_MS = 1000,
	READER_DEADLINE_MS = 60000
};

static void register_metrics(ipam *ip)
{
	ip->m_requests = sot_counter("sot_ipam_requests_total", NULL, "Frames received");
	ip->m_refused = sot_counter("sot_ipam_refused_total", NULL, "Requests refused");
	ip->m_granted = sot_counter("sot_ipam_granted_total", NULL, "Addresses newly granted");
	ip->m_released = sot_counter("sot_ipam_released_total", NULL, "Addresses released");
	ip->m_batches = sot_counter("sot_ipam_batches_total", NULL, "Transactions with requests");
	ip->m_lost = sot_counter(
	    "sot_ipam_batches_lost_total", NULL, "Batches that a second writer made to be run again");
	ip->m_loads = sot_counter("sot_ipam_loads_total", NULL, "Times that all rows were read");
	ip->m_shortened = sot_counter("sot_ipam_cooling_shortened_total", NULL,
	    "Addresses given out before their time because none else was left");
	ip->m_expired = sot_counter(
	    "sot_ipam_leases_expired_total", NULL, "Reservations taken back: never bound, owner gone");
	ip->m_late = sot_counter("sot_ipam_late_total", NULL,
	    "Requests for addresses that came after their asker had closed them, or led no more");
	ip->m_load_ms = sot_gauge("sot_ipam_load_ms", NULL, "How long the last reading took");
	ip->m_queue = sot_gauge("sot_ipam_queue_requests", NULL, "Requests that wait for a batch");
}

void ipam_end_with(ipam *ip, const sot_err *why)
{
	ip->has_failed = true;
	ip->failure = *why;
	reactor_stop(ip->loop);
}

/* A schema that does not fit ends a start; later it is a migration under way, and waited for. */
static void on_database(void *self, bool up, const sot_err *why)
{
	ipam *ip = self;
	if (up) {
		ip->has_been_up = true;
		ip->database_error[0] = '\0';
		sot_log(SOT_INFO, "database.up", "connections=%d", CONNECTIONS);
		/* What was read before may have been changed by a second writer meanwhile. */
		allocator_distrust(ip->allocator);
		reactor_rearm_ms(ip->retry_timer, -1);
		ipam_pump_soon(ip);
		return;
	}
	sot_log_err(SOT_WARN, "database.down", why, "retry=1");
	(void)snprintf(ip->database_error, sizeof(ip->database_error), "%s", why->text);
	if (!ip->has_been_up && why->code == SOT_INVALID)
		ipam_end_with(ip, why);
	else
		reactor_rearm_ms(ip->retry_timer, DOWN_PATIENCE_MS);
}

/* Rows are to be read again, or the database has been away for too long for those who wait. */
static void on_retry(void *self, uint64_t missed)
{
	(void)missed;
	ipam *ip = self;
	if (!store_is_up(ip->store)) {
		allocator_refuse_queued(ip->allocator, SOT_REFUSAL_UNAVAILABLE, ip->database_error);
		ipam_fence_refuse(ip, ip->database_error);
		ipam_send_answers(ip);
		reactor_rearm_ms(ip->retry_timer, DOWN_PATIENCE_MS);
	}
	ipam_pump_soon(ip);
}

static bool is_healthy(void *self, sot_buf *reasons)
{
	ipam *ip = self;
	if (!ip->store) /* stands by */
		return true;
	if (!store_is_up(ip->store))
		sot_buf_printf(reasons, "database: %s\n",
		    ip->database_error[0] ? ip->database_error : "not connected yet");
	else if (!allocator_is_loaded(ip->allocator) && !ip->is_loading &&
	         allocator_batches_out(ip->allocator) == 0)
		sot_buf_add_c(reasons, "addresses are not read yet\n");
	return reasons->n == 0;
}

static void on_drain(void *self)
{
	ipam *ip = self;
	if (ip->store)
		ipam_pump_soon(ip);
	else
		ipam_drained(ip);
}

void ipam_drained(ipam *ip)
{
	if (!ip->seat)
		service_drained(ip->service);
	else if (!ip->is_leaving)
		seat_leave(ip->seat);
	ip->is_leaving = true;
}

static sot_code open_bus(ipam *ip, sot_err *err)
{
	char path[SOT_CONFIG_VALUE_MAX + 16];
	bus_keypair keys;
	(void)snprintf(path, sizeof(path), "%s/ipam.key", ip->config->keys_dir);
	sot_code code = bus_keypair_load(path, &keys, err);
	if (code == SOT_OK)
		code = bus_new(ip->loop, &keys, &ip->bus, err);
	explicit_bzero(&keys, sizeof(keys));
	if (code == SOT_OK)
		code = bus_allow_services(ip->bus, ip->config->keys_dir, err);
	return code;
}

static sot_code listen(ipam *ip, sot_err *err)
{
	sot_code code = bus_publisher_new(
	    ip->bus, "hints", ip->config->hints_endpoint, true, NULL, &ip->hints, err);
	if (code == SOT_OK)
		code = bus_listen(ip->bus, "requests", ip->config->requests_endpoint, ipam_on_frame, ip,
		    &ip->server, err);
	return code;
}

/* A table that is empty when a statement is planned is not so later: lookups by key stay lookups by
 * key. Planning again for every short array, which looks cheaper to the planner than ten rows,
 * costs three times what running it does; compiling a plan costs more too. */
static const char planner_options[] =
    "options='-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off'";

/* Only told in words: the other connections say whether the database is there. */
static void on_reader(void *self, bool up, const sot_err *why)
{
	(void)self;
	if (!up)
		sot_log_err(SOT_DEBUG, "reader.down", why, "retry=1");
}

static sot_code open_store(ipam *ip, sot_err *err)
{
	char conninfo[SOT_CONFIG_VALUE_MAX + sizeof(planner_options) + 1];
	(void)snprintf(conninfo, sizeof(conninfo), "%s %s", planner_options, ip->config->database);
	store_options options = {.conninfo = conninfo,
	    .service = "ipam",
	    .statements = ipam_statements,
	    .statement_count = IPAM_STATEMENT_COUNT,
	    .connections = CONNECTIONS,
	    .deadline_ms = ip->config->database_deadline_ms};
	sot_code code = store_new(ip->loop, &options, on_database, ip, &ip->store, err);
	if (code == SOT_OK)
		ip->call_reports = call_reports_new(ip->loop, ip->store, IPAM_SQL_REPORT_CALLS, "ipam");
	/* Reading a million rows takes its time: it has a connection and a deadline of its own. */
	options.connections = 1;
	options.deadline_ms = READER_DEADLINE_MS;
	if (code == SOT_OK)
		code = store_new(ip->loop, &options, on_reader, ip, &ip->reader, err);
	return code;
}

/* Versions go on from life to life, as long as the clock does. */
static allocator *make_allocator(const ipam *ip)
{
	uint64_t seed = 0;
	sot_rand_bytes(&seed, sizeof(seed));
	allocator *a = allocator_new(seed);
	allocator_set_version(a, (uint64_t)reactor_wall(ip->loop).unix_ms * 1000);
	allocator_set_floor_ms(a, (int64_t)IPAM_COOLING_FLOOR_S * 1000);
	return a;
}

/* All that serving wants: rows, memory, sockets. */
static sot_code open_all(ipam *ip, sot_err *err)
{
	reactor *loop = ip->loop;
	ip->allocator = make_allocator(ip);
	ip->pump_timer = reactor_after_ms(loop, -1, ipam_on_pump, ip);
	ip->hint_timer = reactor_after_ms(loop, -1, ipam_on_hint_rested, ip);
	ip->retry_timer = reactor_after_ms(loop, -1, on_retry, ip);
	ip->lease_timer = reactor_after_ms(loop, LEASE_FIRST_MS, ipam_on_lease_timer, ip);
	sot_code code = open_store(ip, err);
	if (code == SOT_OK)
		code = listen(ip, err);
	if (code == SOT_OK)
		code = agents_new(ip, &ip->agents, err);
	if (code == SOT_OK)
		sot_log(SOT_INFO, "service.serves", "requests=%s hints=%s", bus_server_endpoint(ip->server),
		    bus_publisher_endpoint(ip->hints));
	return code;
}

void ipam_serve(ipam *ip)
{
	sot_err err = {0};
	if (open_all(ip, &err) != SOT_OK)
		ipam_end_with(ip, &err);
}

sot_code ipam_new(reactor *loop, const ipam_config *config, ipam **ret, sot_err *err)
{
	SOT_AUTO(ipam) ip = sot_alloc(sizeof(*ip));
	ip->loop = loop;
	ip->config = config;
	ip->arena = sot_arena_new(ARENA_BYTES);
	ip->open = sot_map_new();
	sot_list_init(&ip->changes);
	sot_buf_init(&ip->frame, SOT_WIRE_FRAME_MAX);
	register_metrics(ip);
	sot_code code = open_bus(ip, err);
	if (code == SOT_OK)
		code =
		    control_listen(loop, config->control_socket, "ipam", is_healthy, ip, &ip->control, err);
	if (code == SOT_OK)
		code = config->instance[0] ? seat_new(ip, &ip->seat, err) : open_all(ip, err);
	const service_options options = {.drain = on_drain, .self = ip};
	if (code == SOT_OK)
		code = service_new(loop, &options, &ip->service, err);
	if (code == SOT_OK)
		*ret = SOT_TAKE(ip);
	return code;
}

sot_code ipam_run(ipam *ip, sot_err *err)
{
	sot_log(SOT_INFO, "service.ready", "instance=%s", ip->config->instance);
	service_ready(ip->service);
	sot_code code = reactor_run(ip->loop, err);
	if (code == SOT_OK && ip->has_failed) {
		code = ip->failure.code;
		*err = ip->failure;
	}
	return code;
}

ipam *ipam_free(ipam *ip)
{
	if (!ip)
		return NULL;
	service_free(ip->service);
	control_free(ip->control);
	seat_free(ip->seat);
	agents_free(ip->agents);
	/* Ends what is open in the database: its callbacks still need the rest. */
	ip->service = NULL;
	call_reports_free(ip->call_reports);
	store_free(ip->reader);
	store_free(ip->store);
	change_free_all(ip);
	free(ip->fence);
	reactor_remove(ip->pump_timer);
	reactor_remove(ip->hint_timer);
	reactor_remove(ip->retry_timer);
	reactor_remove(ip->lease_timer);
	bus_server_free(ip->server);
	bus_publisher_free(ip->hints);
	bus_free(ip->bus);
	allocator_free(ip->allocator);
	sot_map_iter it = {0};
	for (void *client = sot_map_next(ip->open, &it, NULL); client;
	     client = sot_map_next(ip->open, &it, NULL))
		free(client);
	sot_map_free(ip->open);
	sot_arena_free(ip->arena);
	sot_buf_clear(&ip->frame);
	free(ip);
	return NULL;
}
