#include "ipam_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neighbours.h"
#include "report_clock.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "uplink.h"
#include "used.h"

enum {
	IPAMS_MAX = 8,
	PART_MAX = 1000,
	PARTS_MAX = 100,
	ANSWER_MS = 20000,
	ARENA_MAX = 1024 * 1024
};

typedef struct ipam_connection {
	ipam_link *l;
	bus_client *client;
	char endpoint[200];
} ipam_connection;

/* One report, from the look at the host to the acknowledgement of its last part. */
typedef struct report {
	sot_address_report m; /* what all parts share */
	used_look look;
	size_t part, parts;
	uint32_t next_report_ms; /* as the last ack said */
} report;

struct ipam_link {
	agent *a;
	ipam_connection connections[IPAMS_MAX];
	size_t connection_count, current;
	char server_key[BUS_KEY_TEXT];
	report_clock clock;
	reactor_watch *timer;
	report report;
	sot_stranger strangers[STRANGERS_MAX];
	sot_probe_result results[PROBE_ORDERS_MAX];
	probe_orders *orders;
	uint64_t reports; /* begun since the start */
	uint64_t bindings_seen;
	sot_arena *arena;
	sot_code setup_code;
	sot_err setup_err;
	sot_metric *told, *failed, *used, *unwired, *strange;
};

static void send_part(ipam_link *l);

static void rearm(ipam_link *l)
{
	int64_t wait_ms = report_clock_wait_ms(&l->clock, reactor_now(l->a->loop));
	reactor_rearm_ms(l->timer, wait_ms == INT64_MAX || l->connection_count == 0 ? -1 : wait_ms);
}

static void end_report(ipam_link *l, const sot_err *why)
{
	bool ok = why == NULL;
	sot_metric_add(ok ? l->told : l->failed, 1);
	if (ok)
		probe_orders_told(l->orders, l->report.m.report);
	else
		sot_log_err(SOT_WARN, "ipam.report", why, "endpoint=%s part=%zu of=%zu",
		    l->connections[l->current].endpoint, l->report.part, l->report.parts);
	if (!ok)
		l->current = (l->current + 1) % l->connection_count;
	used_look_clear(&l->report.look);
	report_clock_end(&l->clock, ok, l->report.next_report_ms, reactor_now(l->a->loop));
	rearm(l);
}

/* ---- answers ---- */

static void on_ack(void *self, const void *from, const sot_address_report_ack *m)
{
	ipam_link *l = self;
	(void)from;
	l->report.next_report_ms = m->next_report_ms;
	for (size_t i = 0; i < m->probes_count; i++)
		probe_orders_add(l->orders, &m->probes[i]);
	if (m->probes_count > 0)
		agent_pump(l->a);
	l->report.part++;
	if (l->report.part < l->report.parts)
		send_part(l);
	else
		end_report(l, NULL);
}

static void on_refused(void *self, const void *from, const sot_refused *m)
{
	sot_err why = {0};
	(void)from;
	(void)sot_fail(&why, SOT_UNAVAILABLE, "refused: %.*s", m->text.n > 200 ? 200 : (int)m->text.n,
	    m->text.p ? m->text.p : "");
	end_report(self, &why);
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_ipam_agent_replies handlers = {
	    .address_report_ack = on_ack, .refused = on_refused};
	ipam_link *l = self;
	sot_err err = {0};
	if (code != SOT_OK) {
		end_report(l, why);
		return;
	}
	sot_arena_reset(l->arena);
	if (sot_ipam_agent_dispatch_reply(&handlers, l, NULL, frame, l->arena, &err) != SOT_OK)
		end_report(l, &err);
}

/* ---- a report ---- */

static void send_part(ipam_link *l)
{
	report *r = &l->report;
	ipam_connection *c = &l->connections[l->current];
	size_t from = r->part * PART_MAX, left = r->look.used_count - from;
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_report m = r->m;
	m.request_id = bus_next_request_id(l->a->bus);
	m.part = (uint16_t)r->part;
	m.parts = (uint16_t)r->parts;
	m.used = r->look.used ? r->look.used + from : NULL;
	m.used_count = left < PART_MAX ? left : PART_MAX;
	if (r->part > 0)
		m.strangers_count = m.probes_count = 0;
	sot_code code = sot_address_report_encode(&m, &frame, &err);
	if (code == SOT_OK)
		code =
		    bus_request(c->client, m.request_id, sot_buf_str(&frame), ANSWER_MS, on_reply, l, &err);
	if (code != SOT_OK)
		end_report(l, &err);
}

static void look(void *arg)
{
	used_look_now(&((ipam_link *)arg)->report.look);
}

static void after_look(void *arg)
{
	ipam_link *l = arg;
	report *r = &l->report;
	l->a->steps_in_flight--;
	agent_pump(l->a);
	if (r->look.code != SOT_OK) {
		end_report(l, &r->look.err);
		return;
	}
	if (r->look.used_count > (size_t)PART_MAX * PARTS_MAX)
		r->look.used_count = (size_t)PART_MAX * PARTS_MAX;
	r->parts = (r->look.used_count + PART_MAX - 1) / PART_MAX;
	r->parts = r->parts > 0 ? r->parts : 1;
	sot_metric_set(l->used, (int64_t)r->look.used_count);
	sot_metric_set(l->unwired, (int64_t)r->look.unwired);
	r->m.strangers = l->strangers;
	r->m.strangers_count = strangers_list(l->a->strangers, l->strangers, STRANGERS_MAX);
	sot_metric_set(l->strange, (int64_t)r->m.strangers_count);
	r->m.probes = l->results;
	r->m.probes_count = probe_orders_results(l->orders, r->m.report, l->results);
	send_part(l);
}

static void gather(const agent *a, used_look *look_at)
{
	sot_map_iter it = {0};
	*look_at = (used_look){.state_dir = a->config->state_dir};
	look_at->bindings = sot_alloc_array(reconcile_count(a->reconcile) + 1, sizeof(binding));
	for (const instance *i; (i = reconcile_iterate(a->reconcile, &it)) != NULL;)
		look_at->binding_count += instance_binding(i, &look_at->bindings[look_at->binding_count]);
}

/* What is told is at least as new as what stands in the head. */
static void begin_report(ipam_link *l)
{
	agent *a = l->a;
	l->report = (report){.m = {.boot_id = sot_str_c(a->boot_id),
	                         .report = ++l->reports,
	                         .taken_unix_ms = reactor_wall(a->loop).unix_ms,
	                         .assignment_generation = desired_generation(a->desired),
	                         .epoch = desired_epoch(a->desired)}};
	gather(a, &l->report.look);
	a->steps_in_flight++; /* a drain waits for it */
	reactor_queue_work(a->loop, look, after_look, l);
}

static bool find_connection(ipam_link *l)
{
	for (size_t i = 0; i < l->connection_count; i++) {
		size_t at = (l->current + i) % l->connection_count;
		if (bus_client_is_up(l->connections[at].client)) {
			l->current = at;
			return true;
		}
	}
	return false;
}

static bool reach(const void *self, uint16_t vlan_id)
{
	return neighbours_reach(((const agent *)self)->neighbours, vlan_id);
}

void ipam_link_pump(ipam_link *l)
{
	agent *a = l->a;
	sot_mono now = reactor_now(a->loop);
	uint64_t changes = reconcile_binding_changes(a->reconcile);
	bool is_new = probe_orders_advance(l->orders, a->probes, reach, a, now);
	if (is_new || changes != l->bindings_seen)
		report_clock_touch(&l->clock);
	l->bindings_seen = changes;
	if (!find_connection(l)) {
		reactor_rearm_ms(l->timer, -1); /* until one is up */
		return;
	}
	if (!a->draining && report_clock_begin(&l->clock, now))
		begin_report(l);
	if (!a->draining)
		rearm(l);
}

static void on_timer(void *self, uint64_t missed)
{
	(void)missed;
	ipam_link_pump(self);
}

void ipam_link_changed(ipam_link *l)
{
	report_clock_touch(&l->clock);
	agent_pump(l->a);
}

/* ---- connection ---- */

static void on_up(void *self, bool up)
{
	ipam_connection *c = self;
	sot_log(SOT_INFO, up ? "ipam.up" : "ipam.down", "endpoint=%s", c->endpoint);
	if (up)
		ipam_link_changed(c->l);
}

static void add_connection(void *self, const char *endpoint)
{
	ipam_link *l = self;
	char path[PLAN_PATH_MAX];
	if (l->setup_code != SOT_OK || l->connection_count == IPAMS_MAX)
		return;
	ipam_connection *c = &l->connections[l->connection_count];
	c->l = l;
	(void)snprintf(c->endpoint, sizeof(c->endpoint), "%s", endpoint);
	(void)snprintf(path, sizeof(path), "%s/ipam.pub", l->a->config->keys_dir);
	l->setup_code = bus_public_key_load(path, l->server_key, &l->setup_err);
	if (l->setup_code == SOT_OK)
		l->setup_code = bus_connect(
		    l->a->bus, "ipam", endpoint, l->server_key, NULL, on_up, c, &c->client, &l->setup_err);
	if (l->setup_code == SOT_OK)
		l->connection_count++;
}

static void make_metrics(ipam_link *l)
{
	l->told = sot_counter("sot_hostagent_address_reports_total", "result=\"ok\"",
	    "Reports of wired addresses to ipam.");
	l->failed = sot_counter("sot_hostagent_address_reports_total", "result=\"failed\"",
	    "Reports of wired addresses to ipam.");
	l->used = sot_gauge("sot_hostagent_addresses", NULL, "Addresses in the last report.");
	l->unwired = sot_gauge("sot_hostagent_instances_unwired", NULL,
	    "Instances that run but are not connected as their record says.");
	l->strange = sot_gauge(
	    "sot_hostagent_strangers", NULL, "Strangers on addresses of instances, last 10 minutes.");
}

sot_code ipam_link_new(agent *a, ipam_link **ret, sot_err *err)
{
	ipam_link *l = sot_alloc(sizeof(*l));
	l->a = a;
	l->arena = sot_arena_new(ARENA_MAX);
	l->orders = probe_orders_new();
	report_clock_init(&l->clock, reactor_now(a->loop));
	make_metrics(l);
	uplink_each_endpoint(a->config->ipam_endpoints, add_connection, l);
	if (l->setup_code != SOT_OK) {
		sot_code code = l->setup_code;
		if (err)
			*err = l->setup_err;
		ipam_link_free(l);
		return code;
	}
	l->timer = reactor_after_ms(a->loop, 0, on_timer, l);
	*ret = l;
	return SOT_OK;
}

ipam_link *ipam_link_free(ipam_link *l)
{
	if (l) {
		for (size_t i = 0; i < l->connection_count; i++)
			l->connections[i].client = bus_client_free(l->connections[i].client);
		reactor_remove(l->timer);
		used_look_clear(&l->report.look);
		l->orders = probe_orders_free(l->orders);
		sot_arena_free(l->arena);
		free(l);
	}
	return NULL;
}
