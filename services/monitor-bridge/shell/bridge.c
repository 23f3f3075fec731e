#include "shell/bridge.h"

#include "bus.h"
#include "control.h"
#include "monitor.h"
#include "shell/bridge_metrics.h"
#include "shell/bridge_state.h"
#include "shell/cat_sender.h"
#include "shell/database_feed.h"
#include "shell/host_list.h"
#include "shell/report_intake.h"
#include "shell/router_poll.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 1000
#define DRAIN_MS 2000
#define DRAIN_LOOK_MS 20

struct bridge {
	reactor *loop;
	bridge_config config;
	monitor_options options;
	bridge_state state;
	bus *bus;
	frame_queue *queue;
	monitor *monitor;
	cat_sender *sender;
	report_intake *intake;
	database_feed *feed;
	router_poll *router;
	control *control;
	reactor_watch *tick, *drain;
	void (*on_drained)(void *self);
	void *drained_self;
	sot_mono drain_until;
	bool kick_is_due, hosts_changed;
};

/* ---- hooks of the core ---- */

static void kick(void *self)
{
	bridge *b = self;
	b->kick_is_due = false;
	cat_sender_kick(b->sender);
}

static void on_frame(void *self, sot_str frame, int64_t expires_unix_ms)
{
	bridge *b = self;
	(void)frame_queue_push(b->queue, frame, expires_unix_ms); /* a refused one is counted there */
	if (!b->kick_is_due)
		reactor_defer(b->loop, kick, b);
	b->kick_is_due = true;
}

/* A state that cannot be written costs at worst doubled ids or events after a crash, never service.
 */
static void save_state(bridge *b)
{
	sot_err err;
	if (bridge_state_save(&b->state, &err) != SOT_OK)
		sot_log_err(SOT_ERROR, "state.not_saved", &err, "%s", "");
}

static void on_reserve(void *self, int64_t hour, uint32_t bound)
{
	bridge *b = self;
	bridge_state_reserve(&b->state, hour, bound);
	save_state(b);
}

static void on_minute(void *self, int64_t minute)
{
	bridge *b = self;
	b->state.minute = minute;
	save_state(b);
}

static void on_cursor(void *self, sot_uuid stream, uint64_t event)
{
	bridge *b = self;
	b->state.stream = stream;
	b->state.event = event;
	save_state(b);
}

static void on_new_host(void *self)
{
	((bridge *)self)->hosts_changed = true;
}

static void on_router(void *self, const cat_router_answer *answer)
{
	bridge *b = self;
	sot_log(SOT_INFO, "router.answer", "servers=%zu block=%d form=%s", answer->servers.count,
	    answer->block, answer->is_4x ? "4.x" : "3.x");
	if (answer->servers.count > 0)
		cat_sender_use(b->sender, &answer->servers);
	cat_sender_block(b->sender, answer->block);
}

/* ---- the tick ---- */

static void save_hosts(bridge *b)
{
	sot_err err;
	b->hosts_changed = false;
	if (host_list_save(b->config.state_dir, b->monitor, &err) != SOT_OK)
		sot_log_err(SOT_ERROR, "hosts.not_saved", &err, "%s", "");
}

static void update_metrics(bridge *b)
{
	const bridge_metrics_input in = {.core = monitor_get_counters(b->monitor),
	    .queue = frame_queue_get_stats(b->queue),
	    .sender = cat_sender_get_stats(b->sender),
	    .intake = report_intake_get_stats(b->intake),
	    .machines = monitor_machine_count(b->monitor),
	    .database_up = database_feed_is_up(b->feed)};
	bridge_metrics_update(&in);
}

static void on_tick(void *self, uint64_t missed)
{
	bridge *b = self;
	(void)missed;
	SOT_FAILPOINT_HIT("bridge.tick.before_heartbeats");
	frame_queue_stats queue = frame_queue_get_stats(b->queue);
	const bridge_figures usage = {.produced = monitor_get_counters(b->monitor)->frames,
	    .overflowed = queue.overflowed + queue.expired,
	    .bytes = cat_sender_get_stats(b->sender).bytes};
	monitor_tick(b->monitor, &usage, reactor_wall(b->loop));
	frame_queue_expire(b->queue, reactor_wall(b->loop).unix_ms);
	if (b->hosts_changed)
		save_hosts(b);
	update_metrics(b);
}

static void on_drain(void *self, uint64_t missed)
{
	bridge *b = self;
	(void)missed;
	cat_sender_kick(b->sender);
	bool is_over = sot_mono_reached(reactor_now(b->loop), b->drain_until);
	if (!is_over && cat_sender_get_stats(b->sender).up && !cat_sender_is_idle(b->sender))
		return;
	b->drain = reactor_remove(b->drain);
	b->on_drained(b->drained_self);
}

void bridge_drain(bridge *b, void (*on_drained)(void *self), void *self)
{
	b->on_drained = on_drained;
	b->drained_self = self;
	sot_log(SOT_INFO, "bridge.drain", "waiting=%zu", frame_queue_get_stats(b->queue).frames);
	b->drain_until = sot_mono_add_ms(reactor_now(b->loop), DRAIN_MS);
	b->drain = reactor_every_ms(b->loop, DRAIN_LOOK_MS, on_drain, b);
}

/* ---- start ---- */

/* The first address of an interface that is up and not loopback; 127.0.0.1 when there is none. */
static uint32_t first_address(void)
{
	struct ifaddrs *list = NULL;
	uint32_t address = INADDR_LOOPBACK;
	if (getifaddrs(&list) != 0)
		return address;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		bool fits = at->ifa_addr && at->ifa_addr->sa_family == AF_INET &&
		            (at->ifa_flags & IFF_UP) && !(at->ifa_flags & IFF_LOOPBACK);
		if (!fits)
			continue;
		struct sockaddr_in in;
		memcpy(&in, at->ifa_addr, sizeof(in));
		address = ntohl(in.sin_addr.s_addr);
		break;
	}
	freeifaddrs(list);
	return address;
}

static sot_code monitor_options_of(const bridge_config *c, monitor_options *ret, sot_err *err)
{
	monitor_options o = {.copy = (unsigned)c->bridge_copy, .machines_max = (size_t)c->machines_max};
	sot_code code = monitor_prefix_check(c->domain_prefix, err);
	if (code == SOT_OK)
		code = sot_str_copy(
		    sot_str_c(c->domain_prefix), o.domain_prefix, sizeof(o.domain_prefix), err);
	if (code == SOT_OK && c->address[0])
		code = sot_parse_ipv4(sot_str_c(c->address), &o.address, err);
	if (code != SOT_OK)
		return code;
	o.instances_by_address = strcmp(c->instance_key, "address") == 0;
	if (!o.instances_by_address && strcmp(c->instance_key, "name") != 0)
		return sot_fail(err, SOT_INVALID, "instance_key must be name or address");
	o.codec = strcmp(c->cat_codec, "pt1") == 0 ? CAT_PT1 : CAT_NT1;
	if (o.codec == CAT_NT1 && strcmp(c->cat_codec, "nt1") != 0)
		return sot_fail(err, SOT_INVALID, "cat_codec must be nt1 or pt1");
	if (o.address == 0)
		o.address = first_address();
	if (gethostname(o.host_name, sizeof(o.host_name) - 1) != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "gethostname");
	*ret = o;
	return SOT_OK;
}

static sot_code start_core(bridge *b, sot_err *err)
{
	const monitor_hooks hooks = {b, on_frame, on_reserve, on_minute};
	sot_code code = monitor_options_of(&b->config, &b->options, err);
	if (code == SOT_OK)
		code = bridge_state_load(b->config.state_dir, &b->state, err);
	if (code != SOT_OK)
		return code;
	b->queue = frame_queue_new((size_t)b->config.queue_bytes, (size_t)b->config.queue_frames);
	b->monitor = monitor_new(&b->options, &hooks);
	for (size_t i = 0; i < CAT_ID_HOURS; i++)
		monitor_restore_ids(b->monitor, b->state.hour[i], b->state.bound[i]);
	monitor_restore_minute(b->monitor, b->state.minute);
	return host_list_load(b->config.state_dir, b->monitor, reactor_wall(b->loop), err);
}

static sot_code start_cat(bridge *b, sot_err *err)
{
	const bridge_config *c = &b->config;
	const cat_sender_options options = {c->connect_timeout_ms, c->climb_interval_ms};
	cat_server_list servers;
	char domain[MONITOR_PREFIX_MAX + 16];
	sot_code code = cat_server_list_parse(sot_str_c(c->cat_servers), &servers, err);
	if (code != SOT_OK) {
		(void)sot_wrap(err, "cat_servers");
		return code;
	}
	if (servers.count == 0 && !c->cat_router[0])
		sot_log(SOT_WARN, "cat.none",
		    "help=\"set cat_servers or cat_router: nothing is sent until then\"");
	b->sender = cat_sender_new(b->loop, b->queue, &options);
	cat_sender_use(b->sender, &servers);
	(void)snprintf(domain, sizeof(domain), "%s-controller", b->options.domain_prefix);
	return router_poll_new(b->loop, c->cat_router, domain, b->options.address,
	    c->router_interval_ms, on_router, b, &b->router, err);
}

static sot_code start_bus(bridge *b, sot_err *err)
{
	bus_keypair keys;
	char path[SOT_CONFIG_VALUE_MAX + 32];
	(void)snprintf(path, sizeof(path), "%s/monitor-bridge.key", b->config.keys_dir);
	sot_code code = bus_keypair_load(path, &keys, err);
	if (code == SOT_OK)
		code = bus_new(b->loop, &keys, &b->bus, err);
	explicit_bzero(&keys, sizeof(keys));
	if (code == SOT_OK)
		code = report_intake_new(b->bus, b->config.reports_endpoint, b->monitor, b->loop,
		    on_new_host, b, &b->intake, err);
	return code;
}

static sot_code start_feed(bridge *b, sot_err *err)
{
	const database_feed_options options = {.conninfo = b->config.database,
	    .keys_interval_ms = b->config.keys_interval_ms,
	    .events_interval_ms = b->config.events_interval_ms,
	    .stream = b->state.stream,
	    .event = b->state.event};
	return database_feed_new(b->loop, b->bus, b->monitor, &options, on_cursor, b, &b->feed, err);
}

static bool health(void *self, sot_buf *reasons)
{
	const bridge *b = self;
	/* CAT being away is what the bridge is there to bear: a metric tells, health does not. */
	bool database_up = database_feed_is_up(b->feed);
	if (!database_up)
		sot_buf_add_c(reasons, "the database does not answer: no new hosts, no events\n");
	return database_up;
}

sot_code bridge_new(reactor *r, const bridge_config *config, bridge **ret, sot_err *err)
{
	SOT_AUTO(bridge) b = sot_alloc(sizeof(*b));
	b->loop = r;
	b->config = *config;
	sot_code code = start_core(b, err);
	if (code == SOT_OK)
		code = start_cat(b, err);
	if (code == SOT_OK)
		code = start_bus(b, err);
	if (code == SOT_OK)
		code = start_feed(b, err);
	if (code == SOT_OK)
		code = control_listen(
		    r, b->config.control_socket, "monitor-bridge", health, b, &b->control, err);
	if (code != SOT_OK)
		return code;
	b->tick = reactor_every_ms(r, TICK_MS, on_tick, b);
	monitor_boot(b->monitor, reactor_wall(r));
	sot_log(SOT_INFO, "bridge.up", "reports=%s", report_intake_endpoint(b->intake));
	*ret = SOT_TAKE(b);
	return SOT_OK;
}

bridge *bridge_free(bridge *b)
{
	if (!b)
		return NULL;
	reactor_remove(b->tick);
	reactor_remove(b->drain);
	control_free(b->control);
	database_feed_free(b->feed);
	report_intake_free(b->intake);
	router_poll_free(b->router);
	cat_sender_free(b->sender);
	bus_free(b->bus);
	monitor_free(b->monitor);
	frame_queue_free(b->queue);
	explicit_bzero(&b->config, sizeof(b->config));
	free(b);
	return NULL;
}
