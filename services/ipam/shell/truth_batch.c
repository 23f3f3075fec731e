/* truth_batch - complete reports of many hosts, compared and written together.
 *
 *   waiting --> COMPARE (one snapshot: differences only) --> judged by core/truth
 *      ^           --> WRITE (findings, suspects, sightings, reports) --> acknowledged
 *      +--- a second writer was faster, or one report spoils it: again, fewer at a time
 */
#include "agents.h"

#include "sot_failpoint.h"
#include "sot_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 3 };

static void compare(agents *a);

/* ---- the queue ---- */

void truth_batch_add(agents *a, agent_host *h, truth_report *report)
{
	if (h->waiting) {
		a->queued_addresses -= h->waiting->used_count;
		truth_report_free(h->waiting);
	} else {
		sot_list_push(&a->queue, &h->link);
		a->queued++;
	}
	h->waiting = report;
	a->queued_addresses += report->used_count;
	sot_metric_set(a->m_queue, (int64_t)a->queued);
}

/* Moves hosts from the queue into the batch. */
static void take(agents *a)
{
	truth_batch *b = &a->batch;
	size_t addresses = 0;
	b->count = 0;
	while (!sot_list_empty(&a->queue) && b->count < b->limit) {
		agent_host *h = SOT_CONTAINER(a->queue.next, agent_host, link);
		if (b->count > 0 && addresses + h->waiting->used_count > AGENTS_BATCH_ADDRESSES)
			break;
		sot_list_remove(&h->link);
		h->out = SOT_TAKE(h->waiting);
		h->out_reply = h->waiting_reply;
		h->waiting_reply = (agent_reply){.request_id = 0};
		h->slot = b->count;
		b->hosts[b->count++] = h;
		addresses += h->out->used_count;
		a->queued--;
		a->queued_addresses -= h->out->used_count;
	}
	sot_metric_set(a->m_queue, (int64_t)a->queued);
}

static void clear_results(truth_batch *b)
{
	free(b->findings);
	free(b->seen);
	b->findings = b->seen = NULL;
	b->findings_count = b->seen_count = 0;
	b->has_hosts = false;
	b->ahead[0] = '\0';
	b->error = (sot_err){0};
}

static void finish(agents *a)
{
	truth_batch *b = &a->batch;
	for (size_t i = 0; i < b->count; i++)
		b->hosts[i]->out = truth_report_free(b->hosts[i]->out);
	clear_results(b);
	b->count = 0;
	b->is_out = false;
	truth_batch_pump(a);
}

/* Everybody who waits hears why; what a host repeats counts as new. */
static void give_up(agents *a, const char *why)
{
	truth_batch *b = &a->batch;
	for (size_t i = 0; i < b->count; i++) {
		agent_host *h = b->hosts[i];
		truth_book_lost(a->book, h->id);
		agents_refuse(a, &h->out_reply, SOT_REFUSAL_UNAVAILABLE, why);
	}
	b->limit = AGENTS_BATCH_HOSTS;
	finish(a);
}

/* Puts them back into the queue, in front, to be taken fewer at a time. */
static void split(agents *a)
{
	truth_batch *b = &a->batch;
	for (size_t i = b->count; i-- > 0;) {
		agent_host *h = b->hosts[i];
		if (h->waiting) { /* that one overtakes it */
			agents_ack(a, h, &h->out_reply);
			h->out = truth_report_free(h->out);
			continue;
		}
		h->waiting = SOT_TAKE(h->out);
		h->waiting_reply = h->out_reply;
		sot_list_push(a->queue.next, &h->link); /* before the first */
		a->queued++;
		a->queued_addresses += h->waiting->used_count;
	}
	b->count = 0;
	b->limit = 1;
	finish(a);
}

static void failed(agents *a, const store_outcome *outcome)
{
	truth_batch *b = &a->batch;
	const sot_err *why = outcome->code != SOT_OK ? outcome->why : &b->error;
	bool is_race = outcome->code == SOT_CONFLICT || strncmp(outcome->sqlstate, "40", 2) == 0 ||
	               outcome->code == SOT_UNKNOWN;
	sot_metric_add(a->m_failed, 1);
	sot_log_err(SOT_WARN, "reports.failed", why, "hosts=%zu tries=%u", b->count, b->tries);
	if (is_race && b->tries < TRIES_MAX) {
		clear_results(b);
		compare(a);
	} else if (outcome->code == SOT_UNAVAILABLE || b->count <= 1) {
		give_up(a, why->text);
	} else {
		split(a);
	}
}

/* ---- write ---- */

static void on_findings(void *self, const store_result *res)
{
	agents *a = self;
	for (size_t row = 0; row < store_rows(res); row++) {
		int64_t fresh = 0;
		if (store_i64(res, row, 1, &fresh, NULL) == SOT_OK)
			sot_metric_add(a->m_findings, (uint64_t)fresh);
	}
}

void truth_add_findings(
    agents *a, store_tx *tx, const batch_finding *at, size_t count, const truth_batch *complete)
{
	store_query(tx, IPAM_SQL_TRUTH_FINDINGS, on_findings, a);
	AGENTS_ARRAY(tx, i, count, store_item_uuid(tx, at[i].host));
	AGENTS_ARRAY(tx, i, count, store_item_i64(tx, at[i].vrf));
	AGENTS_ARRAY(tx, i, count, store_item_ip(tx, at[i].address));
	AGENTS_ARRAY(tx, i, count, store_item_str(tx, sot_str_c(at[i].kind)));
	store_arg_array_begin(tx);
	for (size_t i = 0; i < count; i++) {
		if (sot_uuid_is_zero(at[i].owner))
			store_item_null(tx);
		else
			store_item_uuid(tx, at[i].owner);
	}
	store_arg_array_end(tx);
	AGENTS_ARRAY(tx, i, count, store_item_str(tx, sot_str_c(at[i].mac)));
	AGENTS_ARRAY(tx, i, count, store_item_str(tx, sot_str_c(at[i].detail)));
	size_t hosts = complete ? complete->count : 0;
	AGENTS_ARRAY(tx, i, hosts, store_item_uuid(tx, complete->hosts[i]->id));
}

/* They may not be picked any more. One that was cooling stands in the queue of a pool. */
static void on_suspects(void *self, const store_result *res)
{
	agents *a = self;
	sot_metric_add(a->m_suspects, store_rows(res));
	for (size_t row = 0; row < store_rows(res); row++) {
		int64_t vrf = 0;
		sot_ip address;
		bool is_fresh = false;
		if (store_i64(res, row, 0, &vrf, NULL) == SOT_OK &&
		    store_ip(res, row, 1, &address, NULL) == SOT_OK &&
		    store_bool(res, row, 2, &is_fresh, NULL) == SOT_OK && is_fresh)
			allocator_note_used(a->ip->allocator, (uint16_t)vrf, address, ADDRESS_SUSPECT);
		else
			ipam_reload(a->ip);
	}
}

static void add_suspects(agents *a, store_tx *tx)
{
	truth_batch *b = &a->batch;
	size_t n = 0;
	batch_finding *s = sot_alloc_array(b->findings_count + 1, sizeof(*s));
	for (size_t i = 0; i < b->findings_count; i++) {
		if (b->findings[i].needs_suspect)
			s[n++] = b->findings[i];
	}
	if (n > 0) {
		store_query(tx, IPAM_SQL_TRUTH_SUSPECTS, on_suspects, a);
		AGENTS_ARRAY(tx, i, n, store_item_uuid(tx, s[i].host));
		AGENTS_ARRAY(tx, i, n, store_item_i64(tx, s[i].vrf));
		AGENTS_ARRAY(tx, i, n, store_item_ip(tx, s[i].address));
		AGENTS_ARRAY(tx, i, n, store_item_uuid(tx, s[i].owner));
		AGENTS_ARRAY(tx, i, n, store_item_str(tx, sot_str_c(s[i].mac)));
		AGENTS_ARRAY(tx, i, n, store_item_i64(tx, s[i].taken_unix_ms));
	}
	free(s);
}

static void add_reports(agents *a, store_tx *tx)
{
	const truth_batch *b = &a->batch;
	sot_mono now = reactor_now(a->loop);
	store_query(tx, IPAM_SQL_TRUTH_REPORTED, NULL, NULL);
	AGENTS_ARRAY(tx, i, b->count, store_item_uuid(tx, b->hosts[i]->id));
	AGENTS_ARRAY(tx, i, b->count, store_item_str(tx, sot_str_c(b->hosts[i]->out->boot_id)));
	AGENTS_ARRAY(tx, i, b->count, store_item_i64(tx, b->evidence[i].taken_unix_ms));
	AGENTS_ARRAY(
	    tx, i, b->count, store_item_i64(tx, sot_mono_diff_ms(now, b->hosts[i]->out->began)));
	AGENTS_ARRAY(tx, i, b->count, store_item_i64(tx, (int64_t)b->evidence[i].generation));
	AGENTS_ARRAY(tx, i, b->count, store_item_i64(tx, (int64_t)b->hosts[i]->out->epoch));
	AGENTS_ARRAY(tx, i, b->count, store_item_i64(tx, (int64_t)b->hosts[i]->out->used_count));
}

static void on_written(void *self, const store_outcome *outcome)
{
	agents *a = self;
	truth_batch *b = &a->batch;
	if (outcome->code != SOT_OK) {
		failed(a, outcome);
		return;
	}
	sot_metric_add(a->m_reports, b->count);
	sot_metric_add(a->m_batches, 1);
	sot_metric_observe_ms(a->m_batch_ms, sot_mono_diff_ms(reactor_now(a->loop), b->began));
	if (b->findings_count > 0)
		ipam_hint(a->ip);
	for (size_t i = 0; i < b->count; i++)
		agents_ack(a, b->hosts[i], &b->hosts[i]->out_reply);
	b->limit = b->limit * 2 > AGENTS_BATCH_HOSTS ? AGENTS_BATCH_HOSTS : b->limit * 2;
	if (a->is_quarantined)
		truth_guard_read(a, 0);
	ipam_pump_soon(a->ip);
	finish(a);
}

static void write_results(agents *a)
{
	truth_batch *b = &a->batch;
	SOT_FAILPOINT_HIT("ipam.reports.before_write");
	store_tx *tx = store_begin(a->store);
	/* In one transaction with the report that proves it: a kept report proves nothing more. */
	if (b->ahead[0] != '\0' && !a->is_quarantined)
		truth_guard_engage(a, tx, b->ahead, false);
	truth_add_findings(a, tx, b->findings, b->findings_count, b);
	add_suspects(a, tx);
	if (b->seen_count > 0) {
		store_query(tx, IPAM_SQL_TRUTH_SEEN, NULL, NULL);
		AGENTS_ARRAY(tx, i, b->seen_count, store_item_i64(tx, b->seen[i].vrf));
		AGENTS_ARRAY(tx, i, b->seen_count, store_item_ip(tx, b->seen[i].address));
		AGENTS_ARRAY(tx, i, b->seen_count, store_item_str(tx, sot_str_c(b->seen[i].detail)));
	}
	add_reports(a, tx);
	if (!agents_commit(a, tx, on_written, "reports"))
		give_up(a, "the database's queue is full; report again");
}

/* ---- compare ---- */

/* What the database believes of a host, beside what the host says. */
static sot_code read_host(agents *a, const store_result *res, size_t row, sot_err *err)
{
	truth_batch *b = &a->batch;
	sot_uuid id;
	int64_t generation = 0, known = 0, epoch = 0, clock = 0;
	sot_code code = store_uuid(res, row, 0, &id, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 1, &generation, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 2, &known, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, &epoch, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 4, &clock, err);
	agent_host *h = code == SOT_OK ? sot_map_get_uuid(a->hosts, id) : NULL;
	if (!h || !h->out)
		return code;
	int64_t arrived = clock - sot_mono_diff_ms(reactor_now(a->loop), h->out->began);
	int64_t taken = h->out->taken_unix_ms;
	truth_evidence *e = &b->evidence[h->slot];
	*e = (truth_evidence){.taken_unix_ms = taken < arrived ? taken : arrived,
	    .margin_ms = a->config->report_margin_ms,
	    .generation = h->out->assignment_generation,
	    .generation_wanted = (uint64_t)(generation > known ? generation : known)};
	if (b->ahead[0] == '\0')
		(void)truth_host_is_ahead(h->out->epoch, (uint64_t)epoch, e, b->ahead);
	e->generation_wanted = (uint64_t)generation;
	return SOT_OK;
}

static void on_hosts(void *self, const store_result *res)
{
	agents *a = self;
	truth_batch *b = &a->batch;
	for (size_t row = 0; row < store_rows(res) && b->error.code == SOT_OK; row++)
		(void)read_host(a, res, row, &b->error);
	b->has_hosts = store_rows(res) == b->count;
}

static const char *kind_of(truth_verdict verdict)
{
	switch (verdict) {
	case TRUTH_FOREIGN:
		return "foreign";
	case TRUTH_MISSING:
		return "missing";
	case TRUTH_MOVED:
		return "moved";
	case TRUTH_UNDECIDED:
		return "keep";
	case TRUTH_FINE:
		break;
	}
	return NULL;
}

static void add_seen(truth_batch *b, const truth_difference *d)
{
	char host[SOT_UUID_TEXT];
	batch_finding *seen = &b->seen[b->seen_count++];
	seen->vrf = d->vrf;
	seen->address = d->address;
	(void)snprintf(seen->detail, sizeof(seen->detail), "host %s reports it in use",
	    sot_uuid_format(d->host, host));
}

static void take_difference(agents *a, const truth_difference *d, sot_str mac, bool is_leak)
{
	truth_batch *b = &a->batch;
	const agent_host *h = sot_map_get_uuid(a->hosts, d->host);
	if (!h || !h->out)
		return;
	if (is_leak)
		add_seen(b, d);
	const truth_evidence *e = &b->evidence[h->slot];
	batch_finding *f = &b->findings[b->findings_count];
	truth_verdict verdict = truth_judge(d, e, f->detail);
	f->kind = kind_of(verdict);
	if (!f->kind)
		return;
	f->host = d->host;
	f->owner = verdict == TRUTH_FOREIGN ? d->instance : d->owner;
	f->vrf = d->vrf;
	f->address = d->address;
	f->taken_unix_ms = e->taken_unix_ms - e->margin_ms;
	f->needs_suspect = verdict == TRUTH_FOREIGN && truth_needs_suspect(d);
	(void)snprintf(f->mac, sizeof(f->mac), "%.*s", SOT_ARG(mac));
	b->findings_count++;
}

static sot_code read_difference(
    const store_result *res, size_t row, truth_difference *d, bool *ret_is_leak, sot_err *err)
{
	int64_t vrf = 0;
	sot_code code = store_uuid(res, row, 0, &d->host, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 1, &vrf, err);
	d->vrf = (uint16_t)vrf;
	if (code == SOT_OK)
		code = store_ip(res, row, 2, &d->address, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 3, &d->is_reported, err);
	if (code == SOT_OK)
		code = store_uuid(res, row, 4, &d->instance, err);
	if (code == SOT_OK)
		code = truth_state_parse(store_text(res, row, 6), &d->state, err);
	if (code == SOT_OK)
		code = store_uuid(res, row, 7, &d->owner, err);
	if (code == SOT_OK)
		code = store_uuid(res, row, 8, &d->row_host, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 9, &d->row_updated_unix_ms, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 10, &d->owner_is_live, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 11, &d->owner_should_run, err);
	if (code == SOT_OK)
		code = store_uuid(res, row, 12, &d->owner_host, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 13, ret_is_leak, err);
	return code;
}

static size_t strangers_of(const truth_batch *b)
{
	size_t n = 0;
	for (size_t i = 0; i < b->count; i++)
		n += b->hosts[i]->out->strangers_count;
	return n;
}

static void on_differences(void *self, const store_result *res)
{
	agents *a = self;
	truth_batch *b = &a->batch;
	size_t rows = store_rows(res);
	b->findings = sot_alloc_array(rows + strangers_of(b) + 1, sizeof(*b->findings));
	b->seen = sot_alloc_array(rows + 1, sizeof(*b->seen));
	for (size_t row = 0; row < rows && b->error.code == SOT_OK; row++) {
		truth_difference d = {.vrf = 0};
		bool is_leak = false;
		if (read_difference(res, row, &d, &is_leak, &b->error) == SOT_OK)
			take_difference(a, &d, store_text(res, row, 5), is_leak);
	}
}

/* A stranger stands as long as its host tells of it: told at once already, kept here. */
static void add_strangers(truth_batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const truth_report *r = b->hosts[i]->out;
		for (size_t k = 0; k < r->strangers_count; k++) {
			if (sot_ip_is_none(r->strangers[k].address))
				continue;
			batch_finding *f = &b->findings[b->findings_count++];
			f->host = r->host;
			f->vrf = r->strangers[k].vrf;
			f->address = r->strangers[k].address;
			f->kind = "conflict";
			(void)agents_mac(r->strangers[k].mac, f->mac);
			(void)snprintf(f->detail, sizeof(f->detail), "%s",
			    r->strangers[k].sighting == SOT_STRANGER_SIGHTING_PROBE ? "probe" : "passive");
		}
	}
}

static void on_compared(void *self, const store_outcome *outcome)
{
	agents *a = self;
	truth_batch *b = &a->batch;
	if (outcome->code == SOT_OK && b->error.code == SOT_OK && !b->has_hosts)
		(void)sot_fail(&b->error, SOT_INTERNAL, "hosts of a batch are not told");
	if (outcome->code != SOT_OK || b->error.code != SOT_OK) {
		failed(a, outcome);
		return;
	}
	add_strangers(b);
	write_results(a);
}

/* `add` says the reported address `u` of host `h`. */
#define USED_ARRAY(tx, b, add)                                                                     \
	do {                                                                                           \
		store_arg_array_begin(tx);                                                                 \
		for (size_t i = 0; i < (b)->count; i++) {                                                  \
			const truth_report *h = (b)->hosts[i]->out;                                            \
			for (const sot_used_address *u = h->used; u < h->used + h->used_count; u++)            \
				add;                                                                               \
		}                                                                                          \
		store_arg_array_end(tx);                                                                   \
	} while (0)

static void compare(agents *a)
{
	truth_batch *b = &a->batch;
	char mac[AGENTS_MAC_TEXT];
	b->tries++;
	store_tx *tx = store_begin_read(a->store);
	store_query(tx, IPAM_SQL_TRUTH_HOSTS, on_hosts, a);
	AGENTS_ARRAY(tx, i, b->count, store_item_uuid(tx, b->hosts[i]->id));
	store_query(tx, IPAM_SQL_TRUTH_COMPARE, on_differences, a);
	USED_ARRAY(tx, b, store_item_uuid(tx, h->host));
	USED_ARRAY(tx, b, store_item_i64(tx, u->vrf));
	USED_ARRAY(tx, b, store_item_ip(tx, u->address));
	USED_ARRAY(tx, b, store_item_uuid(tx, u->instance_id));
	USED_ARRAY(tx, b, store_item_str(tx, sot_str_c(agents_mac(u->mac, mac))));
	AGENTS_ARRAY(tx, i, b->count, store_item_uuid(tx, b->hosts[i]->id));
	if (!agents_commit(a, tx, on_compared, "differences"))
		give_up(a, "the database's queue is full; report again");
}

void truth_batch_pump(agents *a)
{
	truth_batch *b = &a->batch;
	if (b->is_out || !a->is_settled || !store_is_up(a->store) || sot_list_empty(&a->queue))
		return;
	take(a);
	clear_results(b);
	b->is_out = true;
	b->tries = 0;
	b->began = reactor_now(a->loop);
	compare(a);
}

void truth_batch_free(agents *a)
{
	sot_map_iter it = {0};
	for (agent_host *h = sot_map_next(a->hosts, &it, NULL); h;
	     h = sot_map_next(a->hosts, &it, NULL)) {
		truth_report_free(h->waiting);
		truth_report_free(h->out);
		free(h->orders);
		free(h);
	}
	clear_results(&a->batch);
}
