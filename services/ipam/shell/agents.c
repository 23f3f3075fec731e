#include "agents.h"

#include "sot_failpoint.h"
#include "sot_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_BYTES = 4 * 1024 * 1024,
	DEADLINE_MS = 30000,
	STORE_QUEUE_MAX = 1000,
	SWEEP_MS = 1000,
	PROBE_REPORT_MS = 2000,       /* a host that was asked to probe reports soon */
	QUARANTINE_REPORT_MS = 10000, /* and every host while all are awaited */
};

char *agents_mac(sot_mac mac, char dst[static AGENTS_MAC_TEXT])
{
	static const sot_mac none;
	dst[0] = '\0';
	if (memcmp(&mac, &none, sizeof(mac)) != 0)
		(void)snprintf(dst, AGENTS_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac.b[0], mac.b[1],
		    mac.b[2], mac.b[3], mac.b[4], mac.b[5]);
	return dst;
}

bool agents_commit(agents *a, store_tx *tx, store_done_fn done, const char *what)
{
	sot_err err = {0};
	if (store_commit(&tx, done, a, &err) == SOT_OK)
		return true;
	sot_log_err(SOT_WARN, "truth.not_asked", &err, "what=%s", what);
	return false;
}

/* ---- hosts and their answers ---- */

agent_host *agents_host(agents *a, sot_uuid id)
{
	agent_host *h = sot_map_get_uuid(a->hosts, id);
	if (!h) {
		h = sot_alloc(sizeof(*h));
		h->id = id;
		sot_list_init(&h->link);
		sot_map_set_uuid(a->hosts, id, h);
		sot_metric_set(a->m_hosts, (int64_t)sot_map_count(a->hosts));
	}
	return h;
}

static void send_frame(agents *a, const bus_peer *to)
{
	sot_err err = {0};
	SOT_FAILPOINT_HIT("ipam.report_ack.before_send");
	if (bus_send(a->server, to, sot_buf_str(&a->frame), &err) != SOT_OK)
		sot_log_err(SOT_DEBUG, "answer.undelivered", &err, "peer=%s", to->identity);
}

static uint32_t next_report_ms(const agents *a, size_t orders)
{
	int64_t next = a->config->report_interval_s * 1000;
	if (a->is_quarantined && next > QUARANTINE_REPORT_MS)
		next = QUARANTINE_REPORT_MS;
	if (orders > 0 && next > PROBE_REPORT_MS)
		next = PROBE_REPORT_MS;
	return (uint32_t)next;
}

static void send_ack(agents *a, const bus_peer *to, uint64_t request_id, const agent_host *h)
{
	sot_err err = {0};
	size_t orders = h ? h->orders_count : 0;
	sot_address_report_ack ack = {.request_id = request_id,
	    .next_report_ms = next_report_ms(a, orders),
	    .probes = h ? h->orders : NULL,
	    .probes_count = orders};
	sot_buf_reset(&a->frame);
	if (sot_address_report_ack_encode(&ack, &a->frame, &err) == SOT_OK)
		send_frame(a, to);
	else
		sot_log_err(SOT_ERROR, "answer.unencodable", &err, "peer=%s", to->identity);
}

void agents_ack(agents *a, const agent_host *h, agent_reply *reply)
{
	if (reply->request_id != 0)
		send_ack(a, &reply->to, reply->request_id, h);
	reply->request_id = 0;
}

static void refuse(
    agents *a, const bus_peer *to, uint64_t request_id, sot_refusal code, const char *text)
{
	sot_err err = {0};
	sot_refused refused = {.request_id = request_id, .code = code, .text = sot_str_c(text)};
	sot_metric_add(a->m_refused, 1);
	sot_buf_reset(&a->frame);
	if (sot_refused_encode(&refused, &a->frame, &err) == SOT_OK)
		send_frame(a, to);
	else
		sot_log_err(SOT_ERROR, "answer.unencodable", &err, "peer=%s", to->identity);
}

void agents_refuse(agents *a, agent_reply *reply, sot_refusal code, const char *text)
{
	if (reply->request_id != 0)
		refuse(a, &reply->to, reply->request_id, code, text);
	reply->request_id = 0;
}

/* ---- what is told at once: strangers ---- */

static void on_told(void *self, const store_outcome *outcome)
{
	agents *a = self;
	if (outcome->code == SOT_OK) {
		ipam_hint(a->ip);
		return;
	}
	sot_metric_add(a->m_urgent_lost, 1);
	sot_log_err(SOT_WARN, "strangers.not_told", outcome->why, "%s", "");
}

static void tell_strangers(agents *a, const agent_host *h, const sot_stranger *at, size_t count)
{
	size_t n = 0;
	batch_finding *findings = sot_alloc_array(count, sizeof(*findings));
	for (size_t i = 0; i < count; i++) {
		if (sot_ip_is_none(at[i].address))
			continue;
		batch_finding *f = &findings[n++];
		f->host = h->id;
		f->vrf = at[i].vrf;
		f->address = at[i].address;
		f->kind = "conflict";
		(void)agents_mac(at[i].mac, f->mac);
		(void)snprintf(f->detail, sizeof(f->detail), "%s",
		    at[i].sighting == SOT_STRANGER_SIGHTING_PROBE ? "probe" : "passive");
	}
	sot_metric_add(a->m_strangers, n);
	if (n > 0) {
		store_tx *tx = store_begin(a->store);
		truth_add_findings(a, tx, findings, n, NULL);
		if (!agents_commit(a, tx, on_told, "strangers"))
			sot_metric_add(a->m_urgent_lost, 1);
	}
	free(findings);
}

/* ---- reports ---- */

/* Entries that name no address tell nothing and would spoil the statement. */
static void drop_unusable(agents *a, truth_report *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->used_count; i++) {
		if (!sot_ip_is_none(r->used[i].address))
			r->used[n++] = r->used[i];
	}
	sot_metric_add(a->m_unusable, r->used_count - n);
	r->used_count = n;
}

static void take_complete(agents *a, agent_host *h, agent_reply reply, truth_report *report)
{
	drop_unusable(a, report);
	if (h->waiting) {
		sot_metric_add(a->m_superseded, 1);
		agents_ack(a, h, &h->waiting_reply);
	}
	h->waiting_reply = reply;
	truth_batch_add(a, h, report);
	truth_batch_pump(a);
}

static void take_part(agents *a, const bus_peer *from, agent_host *h, const sot_address_report *m)
{
	truth_part part = TRUTH_PART_STALE;
	truth_report *report = NULL;
	sot_err err = {0};
	sot_code code = truth_book_add(a->book, h->id, m, reactor_now(a->loop), &part, &report, &err);
	if (code != SOT_OK) {
		sot_log_err(SOT_WARN, "report.refused", &err, "peer=%s", from->identity);
		refuse(a, from, m->request_id, code == SOT_LIMIT ? SOT_REFUSAL_LIMIT : SOT_REFUSAL_INVALID,
		    err.text);
		return;
	}
	sot_metric_set(a->m_pending, (int64_t)(truth_book_pending(a->book) + a->queued_addresses));
	sot_metric_add(a->m_stale, part == TRUTH_PART_STALE);
	const agent_reply reply = {.to = *from, .request_id = m->request_id};
	if (part == TRUTH_PART_COMPLETE)
		take_complete(a, h, reply, report);
	else if (part == TRUTH_PART_REPEATED && h->waiting)
		h->waiting_reply = reply;
	else if (part == TRUTH_PART_REPEATED && h->out)
		h->out_reply = reply;
	else
		send_ack(a, from, m->request_id, part == TRUTH_PART_REPEATED ? h : NULL);
}

static const char *why_not_now(const agents *a)
{
	if (a->ip->service && service_is_draining(a->ip->service))
		return "ipam is stopping; report again";
	if (!store_is_up(a->store))
		return "ipam is not connected to the database";
	return NULL;
}

static void on_report(void *self, const void *from_p, const sot_address_report *m)
{
	agents *a = self;
	const bus_peer *from = from_p;
	sot_uuid id;
	sot_metric_add(a->m_parts, 1);
	if (!bus_host_of(from->identity, &id)) {
		refuse(a, from, m->request_id, SOT_REFUSAL_DENIED, "only hosts may report");
		return;
	}
	const char *why = why_not_now(a);
	if (why) {
		refuse(a, from, m->request_id, SOT_REFUSAL_UNAVAILABLE, why);
		return;
	}
	if (m->epoch > INT64_MAX || m->assignment_generation > INT64_MAX) {
		refuse(a, from, m->request_id, SOT_REFUSAL_INVALID,
		    "an epoch or generation of more than 63 bits does not exist");
		return;
	}
	agent_host *h = agents_host(a, id);
	if (m->strangers_count > 0)
		tell_strangers(a, h, m->strangers, m->strangers_count);
	if (m->probes_count > 0)
		truth_leak_results(a, h, m->probes, m->probes_count);
	take_part(a, from, h, m);
}

static void on_ping(void *self, const void *from, const sot_ping *m)
{
	agents *a = self;
	sot_pong pong = {.request_id = m->request_id};
	sot_buf_reset(&a->frame);
	if (sot_pong_encode(&pong, &a->frame, NULL) == SOT_OK)
		send_frame(a, from);
}

static void on_frame(void *self, const bus_peer *from, sot_str frame)
{
	static const sot_ipam_agent_handlers handlers = {.address_report = on_report, .ping = on_ping};
	agents *a = self;
	sot_err err = {0};
	sot_wire_head head = {0};
	sot_arena_reset(a->arena);
	sot_code code = sot_wire_peek(frame, &head, &err);
	if (code == SOT_OK)
		code = sot_ipam_agent_dispatch(&handlers, a, from, frame, a->arena, &err);
	if (code == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "frame.refused", &err, "peer=%s", from->identity);
	refuse(a, from, head.request_id, SOT_REFUSAL_INVALID, err.text);
}

/* ---- keys ---- */

static void on_keys(void *self, const store_result *res)
{
	agents *a = self;
	(void)host_keys_take(a->roster, &a->keys_stamp, res, NULL);
}

static void on_keys_done(void *self, const store_outcome *outcome)
{
	agents *a = self;
	a->is_reading_keys = false;
	if (outcome->code != SOT_OK)
		sot_log_err(
		    SOT_WARN, "keys.not_read", outcome->why, "allowed=%zu", bus_roster_count(a->roster));
}

static void read_keys(void *self, uint64_t missed)
{
	agents *a = self;
	(void)missed;
	if (a->is_reading_keys || !store_is_up(a->store))
		return;
	store_tx *tx = store_begin_read(a->store);
	store_query(tx, IPAM_SQL_HOST_KEYS, on_keys, a);
	store_arg_c(tx, a->keys_stamp.text);
	a->is_reading_keys = agents_commit(a, tx, on_keys_done, "keys");
}

/* ---- life ---- */

static void on_sweep(void *self, uint64_t missed)
{
	agents *a = self;
	(void)missed;
	size_t dropped = truth_book_expire(a->book, reactor_now(a->loop));
	if (dropped > 0)
		sot_log(SOT_WARN, "reports.expired", "count=%zu", dropped);
	sot_metric_add(a->m_expired, dropped);
	sot_metric_set(a->m_pending, (int64_t)(truth_book_pending(a->book) + a->queued_addresses));
	truth_batch_pump(a);
}

static void on_database(void *self, bool up, const sot_err *why)
{
	agents *a = self;
	if (!up) {
		sot_log_err(SOT_DEBUG, "truth.database_down", why, "%s", "");
		truth_guard_lost_database(a);
		return;
	}
	truth_guard_read(a, 0);
	read_keys(a, 0);
	truth_batch_pump(a);
}

static void register_report_metrics(agents *a)
{
	a->m_parts = sot_counter("sot_ipam_report_parts_total", NULL, "Parts of reports received");
	a->m_reports = sot_counter("sot_ipam_reports_total", NULL, "Complete reports committed");
	a->m_refused = sot_counter("sot_ipam_reports_refused_total", NULL, "Parts of reports refused");
	a->m_expired = sot_counter(
	    "sot_ipam_reports_expired_total", NULL, "Reports of which a part did not come in time");
	a->m_stale = sot_counter(
	    "sot_ipam_report_parts_stale_total", NULL, "Parts of reports already overtaken");
	a->m_superseded = sot_counter("sot_ipam_reports_superseded_total", NULL,
	    "Reports overtaken by a newer one before they were compared");
	a->m_unusable = sot_counter(
	    "sot_ipam_report_entries_unusable_total", NULL, "Entries of reports that name no address");
	a->m_queue = sot_gauge("sot_ipam_reports_queue", NULL, "Complete reports that wait");
	a->m_pending = sot_gauge("sot_ipam_report_addresses_pending", NULL,
	    "Addresses of reports that are not compared yet");
	a->m_batches = sot_counter("sot_ipam_report_batches_total", NULL, "Transactions with reports");
	a->m_batch_ms =
	    sot_histogram_ms("sot_ipam_report_batch_ms", NULL, "From comparing a batch to its commit");
	a->m_failed = sot_counter(
	    "sot_ipam_report_batches_failed_total", NULL, "Transactions with reports that failed");
	a->m_findings = sot_counter("sot_ipam_findings_total", NULL, "New findings");
	a->m_suspects =
	    sot_counter("sot_ipam_suspects_total", NULL, "Addresses in use that became suspect");
	a->m_strangers = sot_counter("sot_ipam_strangers_total", NULL, "Sightings of strangers");
	a->m_urgent_lost = sot_counter(
	    "sot_ipam_strangers_lost_total", NULL, "Times that strangers could not be told at once");
	a->m_hosts = sot_gauge("sot_ipam_hosts", NULL, "Hosts that reported since the start");
}

static void register_guard_metrics(agents *a)
{
	a->m_quarantine = sot_gauge("sot_ipam_quarantine", NULL, "1: nothing is given out");
	a->m_awaited =
	    sot_gauge("sot_ipam_quarantine_awaited_hosts", NULL, "Hosts whose report is awaited");
	a->m_brake = sot_gauge("sot_ipam_leak_brake", NULL, "1: the collection of leaks has stopped");
	a->m_leaks = sot_gauge("sot_ipam_leaks", NULL, "Addresses whose owners are gone");
	a->m_leaked = sot_counter("sot_ipam_leaked_total", NULL, "Leaked addresses collected");
	a->m_leak_suspects =
	    sot_counter("sot_ipam_leak_suspects_total", NULL, "Leaked addresses that became suspect");
	a->m_probes = sot_counter("sot_ipam_probes_total", NULL, "Probes that hosts were asked for");
	a->m_probe_results = sot_counter("sot_ipam_probe_results_total", NULL, "Results of probes");
	a->m_probes_ignored = sot_counter(
	    "sot_ipam_probe_results_ignored_total", NULL, "Results of probes that nobody asked for");
	a->m_usage_failed =
	    sot_counter("sot_ipam_usage_failed_total", NULL, "Times that use was not measured");
	a->m_history_failed = sot_counter(
	    "sot_ipam_history_failed_total", NULL, "Times that history's partitions were not kept");
}

static sot_code open_store(agents *a, sot_err *err)
{
	const store_options options = {.conninfo = a->config->database,
	    .service = "ipam-truth",
	    .statements = ipam_statements,
	    .statement_count = IPAM_STATEMENT_COUNT,
	    .connections = 1,
	    .deadline_ms = DEADLINE_MS,
	    .queue_max = STORE_QUEUE_MAX};
	return store_new(a->loop, &options, on_database, a, &a->store, err);
}

static void start_timers(agents *a)
{
	int64_t leak_ms = a->config->leak_interval_s * 1000 / 3;
	a->keys_timer = reactor_every_ms(a->loop, a->config->keys_interval_ms, read_keys, a);
	a->sweep_timer = reactor_every_ms(a->loop, SWEEP_MS, on_sweep, a);
	a->guard_timer = reactor_every_ms(a->loop, SWEEP_MS, truth_guard_read, a);
	a->leak_timer = reactor_every_ms(a->loop,
	    leak_ms > 300000 ? 300000
	    : leak_ms < 250  ? 250
	                     : leak_ms,
	    truth_leak_run, a);
}

sot_code agents_new(ipam *ip, agents **ret, sot_err *err)
{
	SOT_AUTO(agents) a = sot_alloc(sizeof(*a));
	a->ip = ip;
	a->loop = ip->loop;
	a->config = ip->config;
	a->book = truth_book_new(AGENTS_PENDING_MAX);
	a->arena = sot_arena_new(ARENA_BYTES);
	a->hosts = sot_map_new();
	a->probes = sot_map_new();
	sot_list_init(&a->queue);
	sot_buf_init(&a->frame, SOT_WIRE_FRAME_MAX);
	a->batch.limit = AGENTS_BATCH_HOSTS;
	a->roster = bus_roster_new(ip->bus);
	register_report_metrics(a);
	register_guard_metrics(a);
	usage_open(a);
	sot_code code = truth_guard_open(a, err);
	if (code == SOT_OK)
		code = open_store(a, err);
	if (code == SOT_OK)
		code =
		    bus_listen(ip->bus, "agents", a->config->agents_endpoint, on_frame, a, &a->server, err);
	if (code != SOT_OK)
		return code;
	start_timers(a);
	*ret = SOT_TAKE(a);
	return SOT_OK;
}

bool agents_are_settled(const agents *a)
{
	return a->is_settled;
}

agents *agents_free(agents *a)
{
	if (!a)
		return NULL;
	reactor_remove(a->keys_timer);
	reactor_remove(a->sweep_timer);
	reactor_remove(a->guard_timer);
	reactor_remove(a->leak_timer);
	bus_server_free(a->server);
	if (a->store)
		store_forget(a->store, a);
	store_free(a->store);
	usage_free(a);
	truth_leak_free(a);
	truth_guard_free(a);
	truth_batch_free(a);
	bus_roster_free(a->roster);
	truth_book_free(a->book);
	sot_map_free(a->hosts);
	sot_arena_free(a->arena);
	sot_buf_clear(&a->frame);
	free(a);
	return NULL;
}
