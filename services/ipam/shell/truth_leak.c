/* truth_leak - the collection of addresses whose owners are gone: rows to core/leak, its verdicts
 * to rows, and probes to hosts.
 *
 *   CASES (rows, evidence) --leak_plan--> WRITE (observations, brake, what goes)
 *                                 +-----> PROBERS (hosts that reach the VLAN) --> orders in their
 *                                         next answers --> results in their next reports
 */
#include "agents.h"

#include "sot_failpoint.h"
#include "sot_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBE_PATIENCE_MS = 180000 };

/* A probe that was ordered and is not answered. */
typedef struct open_probe {
	uint16_t vrf;
	sot_ip address;
	sot_uuid host;
	sot_mono ordered;
	unsigned attempts; /* of other hosts, before this one */
	bool is_asked;     /* false: the last one could not; the next run asks another */
} open_probe;

typedef struct probe_key {
	uint8_t b[2 + sizeof(sot_ip)];
} probe_key;

static probe_key key_of(uint16_t vrf, sot_ip address)
{
	probe_key key = {{(uint8_t)(vrf >> 8), (uint8_t)vrf}};
	memcpy(key.b + 2, &address, sizeof(address));
	return key;
}

static open_probe *probe_of(const agents *a, uint16_t vrf, sot_ip address)
{
	probe_key key = key_of(vrf, address);
	return sot_map_get(a->probes, key.b, sizeof(key.b));
}

/* ---- orders ---- */

static void withdraw(agents *a, const open_probe *p)
{
	agent_host *h = sot_map_get_uuid(a->hosts, p->host);
	if (!h)
		return;
	for (size_t i = 0; i < h->orders_count; i++) {
		if (h->orders[i].vrf == p->vrf && sot_ip_eq(h->orders[i].address, p->address)) {
			h->orders[i] = h->orders[--h->orders_count];
			return;
		}
	}
}

static void forget(agents *a, open_probe *p)
{
	probe_key key = key_of(p->vrf, p->address);
	withdraw(a, p);
	(void)sot_map_remove(a->probes, key.b, sizeof(key.b));
	free(p);
}

static void order(agents *a, const leak_case *c, agent_host *h)
{
	probe_key key = key_of(c->vrf, c->address);
	open_probe *p = sot_map_get(a->probes, key.b, sizeof(key.b));
	if (!p) {
		p = sot_alloc(sizeof(*p));
		p->vrf = c->vrf;
		p->address = c->address;
		(void)sot_map_set(a->probes, key.b, sizeof(key.b), p);
	}
	if (!h->orders)
		h->orders = sot_alloc_array(AGENTS_ORDERS_MAX, sizeof(*h->orders));
	p->host = h->id;
	p->ordered = reactor_now(a->loop);
	p->is_asked = true;
	h->orders[h->orders_count++] = (sot_probe_order){c->address, c->vlan_id, c->vrf};
	sot_metric_add(a->m_probes, 1);
}

/* Whether somebody must be asked (anew) about this one. */
static bool is_open_for(agents *a, const leak_case *c)
{
	open_probe *p = probe_of(a, c->vrf, c->address);
	if (!p || !p->is_asked)
		return true;
	if (sot_mono_diff_ms(reactor_now(a->loop), p->ordered) < PROBE_PATIENCE_MS)
		return false;
	withdraw(a, p);
	p->is_asked = false;
	p->attempts++;
	return true;
}

/* The probers of a VLAN stand together, best first; each attempt takes the next one. */
static agent_host *prober(agents *a, const leak_case *c, const store_result *res)
{
	const open_probe *p = probe_of(a, c->vrf, c->address);
	agent_host *usable[16];
	size_t count = 0;
	for (size_t row = 0; row < store_rows(res) && count < 16; row++) {
		sot_uuid vlan, host;
		if (store_uuid(res, row, 0, &vlan, NULL) != SOT_OK ||
		    store_uuid(res, row, 1, &host, NULL) != SOT_OK || !sot_uuid_eq(vlan, c->vlan))
			continue;
		agent_host *h = sot_map_get_uuid(a->hosts, host);
		if (h && h->orders_count < AGENTS_ORDERS_MAX)
			usable[count++] = h;
	}
	return count > 0 ? usable[(p ? p->attempts : 0) % count] : NULL;
}

static void on_probers(void *self, const store_result *res)
{
	agents *a = self;
	for (size_t i = 0; i < a->cases_count; i++) {
		const leak_case *c = &a->cases[i];
		if (!c->wants_probe || !is_open_for(a, c))
			continue;
		agent_host *h = prober(a, c, res);
		if (h)
			order(a, c, h);
	}
}

/* ---- results ---- */

static void on_results_written(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "probes.not_kept", outcome->why, "%s", "");
}

typedef struct evidence {
	uint16_t vrf;
	sot_ip address;
	char text[100];
} evidence;

static void add_evidence(store_tx *tx, int statement, const evidence *at, size_t count)
{
	if (count == 0)
		return;
	store_query(tx, statement, NULL, NULL);
	AGENTS_ARRAY(tx, i, count, store_item_i64(tx, at[i].vrf));
	AGENTS_ARRAY(tx, i, count, store_item_ip(tx, at[i].address));
	AGENTS_ARRAY(tx, i, count, store_item_str(tx, sot_str_c(at[i].text)));
}

/* True when somebody answered. */
static bool describe(const agent_host *h, const sot_probe_result *r, evidence *ret)
{
	char mac[AGENTS_MAC_TEXT], host[SOT_UUID_TEXT];
	ret->vrf = r->vrf;
	ret->address = r->address;
	bool is_answered = agents_mac(r->mac, mac)[0] != '\0';
	(void)snprintf(ret->text, sizeof(ret->text), "%s answered a probe of host %s",
	    is_answered ? mac : "nobody", sot_uuid_format(h->id, host));
	return is_answered;
}

void truth_leak_results(agents *a, agent_host *h, const sot_probe_result *at, size_t count)
{
	size_t seen_count = 0, silent_count = 0;
	evidence *seen = sot_alloc_array(count, sizeof(*seen));
	evidence *silent = sot_alloc_array(count, sizeof(*silent));
	sot_metric_add(a->m_probe_results, count);
	for (size_t i = 0; i < count; i++) {
		open_probe *p = probe_of(a, at[i].vrf, at[i].address);
		evidence e;
		if (!p || !p->is_asked || !sot_uuid_eq(p->host, h->id)) {
			sot_metric_add(a->m_probes_ignored, 1);
		} else if (!at[i].done) {
			withdraw(a, p);
			p->is_asked = false;
			p->attempts++;
		} else {
			if (describe(h, &at[i], &e))
				seen[seen_count++] = e;
			else
				silent[silent_count++] = e;
			forget(a, p);
		}
	}
	if (seen_count + silent_count > 0) {
		store_tx *tx = store_begin(a->store);
		add_evidence(tx, IPAM_SQL_TRUTH_SEEN, seen, seen_count);
		add_evidence(tx, IPAM_SQL_TRUTH_SILENT, silent, silent_count);
		(void)agents_commit(a, tx, on_results_written, "probes");
	}
	free(seen);
	free(silent);
}

/* ---- a run ---- */

static sot_code read_evidence(const store_result *res, size_t row, leak_case *c, sot_err *err)
{
	int64_t observations = 0;
	sot_code code = store_i64(res, row, 10, &c->report_taken_unix_ms, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 11, &c->report_received_unix_ms, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 12, &observations, err);
	c->observations = (unsigned)observations;
	if (code == SOT_OK)
		code = store_i64(res, row, 13, &c->first_unix_ms, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 14, &c->last_unix_ms, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 15, &c->silent_unix_ms, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 16, &c->seen_unix_ms, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 17, &c->is_released, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 19, &c->is_suspect, err);
	return code;
}

static sot_code read_case(const store_result *res, size_t row, leak_case *c, sot_err *err)
{
	int64_t vrf = 0, vlan_id = 0, generation = 0, size = 0;
	sot_code code = store_i64(res, row, 0, &vrf, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 1, &vlan_id, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 2, &c->address, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, &generation, err);
	if (code == SOT_OK)
		code = store_uuid(res, row, 4, &c->subnet, err);
	if (code == SOT_OK)
		code = store_uuid(res, row, 5, &c->vlan, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 6, &size, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 7, &c->row_updated_unix_ms, err);
	if (code == SOT_OK)
		code = store_uuid(res, row, 8, &c->host, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 9, &c->host_exists, err);
	c->vrf = (uint16_t)vrf;
	c->vlan_id = (uint16_t)vlan_id;
	c->generation = (uint64_t)generation;
	c->subnet_size = (uint64_t)size;
	return code == SOT_OK ? read_evidence(res, row, c, err) : code;
}

static void on_cases(void *self, const store_result *res)
{
	agents *a = self;
	int64_t clock = 0;
	a->cases_count = store_rows(res);
	a->cases = sot_alloc_array(a->cases_count + 1, sizeof(*a->cases));
	for (size_t row = 0; row < a->cases_count && a->leak_error.code == SOT_OK; row++)
		(void)read_case(res, row, &a->cases[row], &a->leak_error);
	sot_code code = a->leak_error.code;
	if (a->cases_count > 0 && code == SOT_OK)
		code = store_i64(res, 0, 18, &clock, &a->leak_error);
	const leak_rules rules = {.interval_ms = a->config->leak_interval_s * 1000,
	    .margin_ms = a->config->report_margin_ms,
	    .is_braked = a->is_braked};
	if (code == SOT_OK)
		leak_plan(a->cases, a->cases_count, &rules, clock, &a->leak_totals);
}

static void end_run(agents *a)
{
	free(a->cases);
	a->cases = NULL;
	a->cases_count = 0;
	a->leak_is_out = false;
}

static void on_collected(void *self, const store_result *res)
{
	agents *a = self;
	for (size_t row = 0; row < store_rows(res); row++) {
		bool is_freed = sot_str_eq_c(store_text(res, row, 0), "cooling");
		sot_metric_add(is_freed ? a->m_leaked : a->m_leak_suspects, 1);
		sot_log(SOT_INFO, "address.leak", "address=%.*s state=%.*s",
		    SOT_ARG(store_text(res, row, 1)), SOT_ARG(store_text(res, row, 0)));
	}
	if (store_rows(res) > 0) {
		ipam_reload(a->ip);
		ipam_hint(a->ip);
	}
}

static void on_probers_read(void *self, const store_outcome *outcome)
{
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "leaks.no_probers", outcome->why, "%s", "");
	end_run(self);
}

static void on_run_written(void *self, const store_outcome *outcome)
{
	agents *a = self;
	bool wants_probe = false;
	for (size_t i = 0; i < a->cases_count; i++)
		wants_probe |= a->cases[i].wants_probe;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "leaks.not_kept", outcome->why, "cases=%zu", a->cases_count);
	if (outcome->code == SOT_OK && a->leak_totals.brakes)
		truth_guard_read(a, 0);
	if (outcome->code != SOT_OK || !wants_probe) {
		end_run(a);
		return;
	}
	store_tx *tx = store_begin_read(a->store);
	store_query(tx, IPAM_SQL_LEAK_PROBERS, on_probers, a);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < a->cases_count; i++) {
		if (a->cases[i].wants_probe)
			store_item_uuid(tx, a->cases[i].vlan);
	}
	store_arg_array_end(tx);
	if (!agents_commit(a, tx, on_probers_read, "probers"))
		end_run(a);
}

/* Arrays of vrf and address of the cases with this verdict. */
#define CASES(tx, a, wanted, add)                                                                  \
	do {                                                                                           \
		store_arg_array_begin(tx);                                                                 \
		for (const leak_case *c = (a)->cases; c < (a)->cases + (a)->cases_count; c++) {            \
			if (wanted)                                                                            \
				add;                                                                               \
		}                                                                                          \
		store_arg_array_end(tx);                                                                   \
	} while (0)

static bool goes(const leak_case *c)
{
	return c->verdict == LEAK_FREE || c->verdict == LEAK_SUSPECT;
}

static void add_verdicts(agents *a, store_tx *tx)
{
	if (a->leak_totals.free + a->leak_totals.suspect > 0) {
		store_query(tx, IPAM_SQL_LEAK_COLLECT, on_collected, a);
		CASES(tx, a, goes(c), store_item_i64(tx, c->vrf));
		CASES(tx, a, goes(c), store_item_ip(tx, c->address));
		CASES(tx, a, goes(c), store_item_i64(tx, (int64_t)c->generation));
		CASES(tx, a, goes(c),
		    store_item_str(tx, sot_str_c(c->verdict == LEAK_FREE ? "cooling" : "suspect")));
		CASES(tx, a, goes(c), store_item_str(tx, sot_str_c(c->why)));
		store_arg_i64(tx, a->config->cooling_s);
	}
	if (a->leak_totals.brakes) {
		sot_log(SOT_WARN, "brake.engaged", "reason=\"%s\"", a->leak_totals.reason);
		store_query(tx, IPAM_SQL_LEAK_BRAKE, NULL, NULL);
		CASES(tx, a, c->verdict == LEAK_HELD, store_item_i64(tx, c->vrf));
		CASES(tx, a, c->verdict == LEAK_HELD, store_item_ip(tx, c->address));
		store_arg_c(tx, a->leak_totals.reason);
	}
}

static void on_cases_read(void *self, const store_outcome *outcome)
{
	agents *a = self;
	if (outcome->code != SOT_OK || a->leak_error.code != SOT_OK) {
		sot_log_err(SOT_WARN, "leaks.unread",
		    outcome->code != SOT_OK ? outcome->why : &a->leak_error, "%s", "");
		end_run(a);
		return;
	}
	sot_metric_set(a->m_leaks, (int64_t)a->cases_count);
	SOT_FAILPOINT_HIT("ipam.leaks.before_write");
	store_tx *tx = store_begin(a->store);
	store_query(tx, IPAM_SQL_LEAK_OBSERVE, NULL, NULL);
	CASES(tx, a, c->observe && !goes(c), store_item_i64(tx, c->vrf));
	CASES(tx, a, c->observe && !goes(c), store_item_ip(tx, c->address));
	CASES(tx, a, c->observe && !goes(c), store_item_i64(tx, (int64_t)c->generation));
	CASES(tx, a, c->observe && !goes(c), store_item_bool(tx, c->begins_anew));
	add_verdicts(a, tx);
	if (!agents_commit(a, tx, on_run_written, "leaks"))
		end_run(a);
}

/* Orders that nobody answered, of what may be no leak any more. */
static void sweep_orders(agents *a)
{
	sot_map_iter it = {0};
	for (open_probe *p = sot_map_next(a->probes, &it, NULL); p;
	     p = sot_map_next(a->probes, &it, NULL)) {
		if (sot_mono_diff_ms(reactor_now(a->loop), p->ordered) > 2 * PROBE_PATIENCE_MS)
			forget(a, p);
	}
}

void truth_leak_run(void *self, uint64_t missed)
{
	agents *a = self;
	(void)missed;
	sweep_orders(a);
	/* In quarantine nothing is a leak: the rows are older than the world. */
	if (a->leak_is_out || !a->is_settled || a->is_quarantined || !store_is_up(a->store))
		return;
	a->leak_error = (sot_err){0};
	store_tx *tx = store_begin_read(a->store);
	store_query(tx, IPAM_SQL_LEAK_CASES, on_cases, a);
	a->leak_is_out = agents_commit(a, tx, on_cases_read, "leaks");
}

void truth_leak_free(agents *a)
{
	sot_map_iter it = {0};
	for (open_probe *p = sot_map_next(a->probes, &it, NULL); p;
	     p = sot_map_next(a->probes, &it, NULL))
		free(p);
	sot_map_free(a->probes);
	free(a->cases);
}
