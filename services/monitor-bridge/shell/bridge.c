#include "shell/bridge.h"

#include "bus.h"
#include "control.h"
#include "http_client.h"
#include "monitor.h"
#include "shell/alterations.h"
#include "shell/bridge_metrics.h"
#include "shell/bridge_options.h"
#include "shell/bridge_state.h"
#include "shell/cat_sender.h"
#include "shell/database_feed.h"
#include "shell/host_list.h"
#include "shell/platform_clock.h"
#include "shell/report_intake.h"
#include "shell/requests.h"
#include "shell/router_poll.h"
#include "shell/scrape.h"
#include "shell/share_feed.h"
#include "shell/trouble.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 1000
#define DRAIN_MS 2000
#define DRAIN_LOOK_MS 20

struct bridge {
	reactor *loop;
	bridge_config config;
	monitor_options options;
	bridge_metrics_form metrics_form;
	definitions *definitions;
	bridge_state state;
	bus *bus;
	frame_queue *queue;
	monitor *monitor;
	cat_sender *sender;
	report_intake *intake;
	database_feed *feed;
	share_feed *share;
	requests *requests;
	http_client *http;
	router_poll *router;
	alterations *alterations;
	scrape *scrape;
	control *control;
	cat_server_list servers;
	cat_router_answer answer; /* of the router, the last */
	bool has_answer;
	reactor_watch *tick, *drain;
	void (*on_drained)(void *self);
	void *drained_self;
	sot_mono drain_until;
	bool kick_is_due, hosts_changed, has_left;
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
	requests_note_frame(b->requests, frame);
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

static void on_deploy(void *self, const monitor_deploy *deploy)
{
	bridge *b = self;
	if (b->alterations)
		alterations_tell(b->alterations, deploy);
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
	b->answer = *answer;
	b->has_answer = true;
	monitor_set_sample(b->monitor, answer->sample);
	if (b->metrics_form == METRICS_AUTO)
		monitor_set_bags(b->monitor, answer->is_4x);
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
	    .alterations = alterations_get_stats(b->alterations),
	    .machines = monitor_machine_count(b->monitor),
	    .owned = monitor_owned_count(b->monitor),
	    .lag = database_feed_lag(b->feed),
	    .leads = monitor_leads(b->monitor),
	    .clock_correction_ms = platform_clock_correction_ms(),
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
	monitor_tick(b->monitor, &usage, platform_wall(b->loop));
	frame_queue_expire(b->queue, platform_wall(b->loop).unix_ms);
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
	bool is_idle = cat_sender_is_idle(b->sender) || !cat_sender_get_stats(b->sender).up;
	if (!is_over && !(is_idle && b->has_left))
		return;
	b->drain = reactor_remove(b->drain);
	b->on_drained(b->drained_self);
}

static void on_left(void *self)
{
	((bridge *)self)->has_left = true;
}

void bridge_drain(bridge *b, void (*on_drained)(void *self), void *self)
{
	b->on_drained = on_drained;
	b->drained_self = self;
	sot_log(SOT_INFO, "bridge.drain", "waiting=%zu", frame_queue_get_stats(b->queue).frames);
	b->drain_until = sot_mono_add_ms(reactor_now(b->loop), DRAIN_MS);
	share_feed_leave(b->share, on_left, b);
	b->drain = reactor_every_ms(b->loop, DRAIN_LOOK_MS, on_drain, b);
}

/* ---- what `sotalia monitor status` shows ---- */

static void put_servers(const bridge *b, sot_buf *out)
{
	const cat_server_list *list =
	    b->has_answer && b->answer.servers.count > 0 ? &b->answer.servers : &b->servers;
	char address[16];
	sot_buf_add_c(out, "\"servers\":[");
	for (size_t i = 0; i < list->count; i++)
		sot_buf_printf(out, "%s\"%s:%u\"", i > 0 ? "," : "",
		    sot_format_ipv4(list->items[i].address, address), list->items[i].port);
	sot_buf_add_char(out, ']');
}

static void put_domains(const bridge *b, sot_buf *out)
{
	const char *prefix = b->options.domain_prefix;
	sot_buf_printf(out,
	    "\"domains\":{\"hosts\":\"%s-agent\",\"instances\":\"%s-%s\",\"controller\":\"%s-"
	    "controller\"},",
	    prefix, prefix, b->options.domain_per_app ? "<app>" : "instance", prefix);
}

static void on_status(void *self, sot_buf *out)
{
	bridge *b = self;
	const monitor_counters *core = monitor_get_counters(b->monitor);
	cat_sender_stats cat = cat_sender_get_stats(b->sender);
	frame_queue_stats queue = frame_queue_get_stats(b->queue);
	sot_buf_printf(out, "{\"version\":\"%s\",\"leads\":%s,\"reports\":\"%s\",", SOT_VERSION,
	    monitor_leads(b->monitor) ? "true" : "false", report_intake_endpoint(b->intake));
	put_domains(b, out);
	sot_buf_printf(
	    out, "\"cat\":{\"up\":%s,\"server\":\"%s\",", cat.up ? "true" : "false", cat.server);
	put_servers(b, out);
	sot_buf_printf(out,
	    ",\"router\":\"%s\",\"blocked\":%s,\"sample\":%.2f,\"framesSent\":%" PRIu64
	    ",\"bytesSent\":%" PRIu64 "},",
	    !b->has_answer    ? "none"
	    : b->answer.is_4x ? "4.x"
	                      : "3.x",
	    b->has_answer && b->answer.block ? "true" : "false", b->has_answer ? b->answer.sample : 1.0,
	    cat.frames, cat.bytes);
	sot_buf_printf(out,
	    "\"machines\":{\"known\":%zu,\"own\":%zu},\"queue\":{\"frames\":%zu,\"bytes\":%zu},"
	    "\"made\":{\"frames\":%" PRIu64 ",\"heartbeats\":%" PRIu64 ",\"metrics\":%" PRIu64
	    ",\"events\":%" PRIu64 "},",
	    monitor_machine_count(b->monitor), monitor_owned_count(b->monitor), queue.frames,
	    queue.bytes, core->frames, core->heartbeats, core->metrics, core->events);
	sot_buf_printf(out,
	    "\"lost\":{\"closedHour\":%" PRIu64 ",\"hourLimit\":%" PRIu64 ",\"tooLarge\":%" PRIu64
	    ",\"ids\":%" PRIu64 ",\"undecided\":%" PRIu64 ",\"late\":%" PRIu64 ",\"queueFull\":%" PRIu64
	    ",\"expired\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"reports\":%" PRIu64 "},\"trouble\":",
	    core->dropped_closed_hour, core->dropped_hour_limit, core->dropped_too_large,
	    core->dropped_ids, core->dropped_undecided, core->dropped_late, queue.overflowed,
	    queue.expired, cat.frames_cut, report_intake_get_stats(b->intake).missed);
	trouble_render(out);
	sot_buf_add_char(out, '}');
}

/* ---- start ---- */

static sot_code start_core(bridge *b, sot_err *err)
{
	const monitor_hooks hooks = {b, on_frame, on_reserve, on_minute, on_deploy};
	sot_code code = bridge_options_of(&b->config, &b->options, err);
	if (code == SOT_OK)
		code = bridge_metrics_form_of(&b->config, &b->metrics_form, err);
	if (code == SOT_OK)
		code = bridge_definitions_load(b->config.definitions, &b->definitions, err);
	b->options.definitions = b->definitions;
	if (code == SOT_OK)
		code = bridge_state_load(b->config.state_dir, &b->state, err);
	if (code != SOT_OK)
		return code;
	b->queue = frame_queue_new((size_t)b->config.queue_bytes, (size_t)b->config.queue_frames);
	b->monitor = monitor_new(&b->options, &hooks);
	monitor_set_bags(b->monitor, b->metrics_form == METRICS_BAG);
	for (size_t i = 0; i < CAT_ID_HOURS; i++)
		monitor_restore_ids(b->monitor, b->state.hour[i], b->state.bound[i]);
	monitor_restore_minute(b->monitor, b->state.minute);
	return host_list_load(b->config.state_dir, b->monitor, platform_wall(b->loop), err);
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
	const router_poll_options router = {.urls = c->cat_router,
	    .domain = domain,
	    .host_name = b->options.host_name,
	    .address = b->options.address,
	    .interval_ms = c->router_interval_ms};
	b->servers = servers;
	code = http_client_new(b->loop, &b->http, err);
	if (code == SOT_OK)
		code = router_poll_new(b->loop, b->http, &router, on_router, b, &b->router, err);
	if (code == SOT_OK && c->cat_alterations)
		code = alterations_new(b->loop, b->http, c->cat_router, b->options.host_name,
		    b->options.address, c->cat_zone_minutes, &b->alterations, err);
	return code;
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

static void on_database(void *self, bool up)
{
	share_feed_database(((bridge *)self)->share, up);
}

static void on_joined(void *self)
{
	bridge *b = self;
	monitor_boot(b->monitor, platform_wall(b->loop));
}

static sot_code start_feed(bridge *b, sot_err *err)
{
	const bridge_config *c = &b->config;
	const database_feed_options options = {.conninfo = c->database,
	    .keys_interval_ms = c->keys_interval_ms,
	    .events_interval_ms = c->events_interval_ms,
	    .gauges_interval_ms = c->gauges_interval_ms};
	const share_feed_options place = {
	    .name = c->bridge_name[0] ? c->bridge_name : b->options.host_name,
	    .address = b->options.address,
	    .lease_ms = c->lease_ms,
	    .interval_ms = c->share_interval_ms};
	const share_feed_hooks hooks = {b, on_status, on_joined};
	if (c->share_interval_ms * 3 > c->lease_ms)
		return sot_fail(err, SOT_INVALID,
		    "lease_ms must be at least three times share_interval_ms, or a lease lapses by itself");
	sot_code code =
	    database_feed_new(b->loop, b->bus, b->monitor, &options, on_database, b, &b->feed, err);
	if (code == SOT_OK)
		b->share =
		    share_feed_new(b->loop, database_feed_store(b->feed), b->monitor, &place, &hooks);
	if (code == SOT_OK)
		b->requests =
		    requests_new(b->loop, database_feed_store(b->feed), b->monitor, b->sender, place.name);
	return code;
}

static void on_scrape(void *self, sot_buf *out)
{
	bridge *b = self;
	static const char end[] = "# EOF\n";
	update_metrics(b);
	sot_metrics_render(out);
	/* The registry closes its text; ours goes on. */
	if (!sot_buf_failed(out) && out->n >= sizeof(end) - 1)
		out->n -= sizeof(end) - 1;
	monitor_render(b->monitor, platform_wall(b->loop), out);
}

static bool health(void *self, sot_buf *reasons)
{
	const bridge *b = self;
	/* CAT being away is what the bridge is there to bear: a metric tells, health does not. */
	bool database_up = database_feed_is_up(b->feed), replaced = share_feed_is_replaced(b->share);
	if (replaced)
		sot_buf_add_c(reasons, "another process runs under this bridge's name: nothing is sent\n");
	if (!database_up)
		sot_buf_add_c(reasons, "the database does not answer: no new hosts, no events\n");
	return database_up && !replaced;
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
	if (code == SOT_OK)
		code = scrape_new(r, b->config.metrics_listen, on_scrape, b, &b->scrape, err);
	if (code != SOT_OK)
		return code;
	b->tick = reactor_every_ms(r, TICK_MS, on_tick, b);
	sot_log(SOT_INFO, "bridge.up", "reports=%s metrics_port=%u", report_intake_endpoint(b->intake),
	    scrape_port(b->scrape));
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
	scrape_free(b->scrape);
	requests_free(b->requests);
	share_feed_free(b->share);
	database_feed_free(b->feed);
	report_intake_free(b->intake);
	router_poll_free(b->router);
	http_client_free(b->http);
	alterations_free(b->alterations);
	cat_sender_free(b->sender);
	bus_free(b->bus);
	monitor_free(b->monitor);
	definitions_free(b->definitions);
	frame_queue_free(b->queue);
	explicit_bzero(&b->config, sizeof(b->config));
	free(b);
	return NULL;
}
