/* batch - reads the rows into the allocator, and writes its batches. */
#include "agents.h"
#include "change.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <string.h>

enum { HINT_REST_MS = 50, LOAD_RETRY_MS = 200 };

static int64_t database_now(const ipam *ip)
{
	return reactor_wall(ip->loop).unix_ms + ip->database_ahead_ms;
}

void ipam_pump_soon(ipam *ip)
{
	reactor_rearm_ms(ip->pump_timer, 0);
}

/* ---- reading everything ---- */

static void on_clock(void *self, const store_result *res)
{
	ipam *ip = self;
	if (store_i64(res, 0, 0, &ip->load_clock_unix_ms, &ip->load_error) == SOT_OK)
		ip->database_ahead_ms = ip->load_clock_unix_ms - reactor_wall(ip->loop).unix_ms;
}

static sot_code read_subnet(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	sot_uuid id;
	int64_t vlan_id = 0;
	network_plan plan = {0};
	sot_code code = store_uuid(res, row, 0, &id, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 2, &vlan_id, err);
	if (code == SOT_OK)
		code = sot_parse_cidr4(store_text(res, row, 3), &plan.network, &plan.prefix, err);
	if (code == SOT_OK)
		code = store_ipv4(res, row, 4, &plan.gateway, err);
	if (code == SOT_OK)
		code = store_ipv4(res, row, 5, &plan.first, err);
	if (code == SOT_OK)
		code = store_ipv4(res, row, 6, &plan.last, err);
	if (code == SOT_OK)
		allocator_load_subnet(ip->allocator, id, store_text(res, row, 1), (uint16_t)vlan_id, &plan);
	return code;
}

static void on_subnets(void *self, const store_result *res)
{
	ipam *ip = self;
	for (size_t row = 0; row < store_rows(res) && ip->load_error.code == SOT_OK; row++)
		(void)read_subnet(ip, res, row, &ip->load_error);
}

static sot_code read_address(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	sot_uuid subnet_id;
	uint32_t address = 0;
	int64_t free_after = 0;
	sot_code code = store_uuid(res, row, 0, &subnet_id, err);
	if (code == SOT_OK)
		code = store_ipv4(res, row, 1, &address, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, &free_after, err);
	if (code == SOT_OK)
		code = allocator_load_address(
		    ip->allocator, subnet_id, address, store_text(res, row, 2), free_after, err);
	return code;
}

static void on_addresses(void *self, const store_result *res)
{
	ipam *ip = self;
	for (size_t row = 0; row < store_rows(res) && ip->load_error.code == SOT_OK; row++)
		(void)read_address(ip, res, row, &ip->load_error);
}

static void on_loaded(void *self, const store_outcome *outcome)
{
	ipam *ip = self;
	ip->is_loading = false;
	const sot_err *why = outcome->code != SOT_OK ? outcome->why : &ip->load_error;
	if (why->code != SOT_OK) {
		allocator_distrust(ip->allocator);
		sot_log_err(SOT_WARN, "addresses.unread", why, "retry_ms=%d", LOAD_RETRY_MS);
		reactor_rearm_ms(ip->retry_timer, LOAD_RETRY_MS);
		return;
	}
	int64_t took_ms = sot_mono_diff_ms(reactor_now(ip->loop), ip->load_began);
	allocator_load_end(ip->allocator);
	sot_metric_add(ip->m_loads, 1);
	sot_log(SOT_DEBUG, "addresses.read", "took_ms=%lld", (long long)took_ms);
	ipam_pump_soon(ip);
}

static void load(ipam *ip)
{
	ip->load_error = (sot_err){0};
	ip->load_began = reactor_now(ip->loop);
	allocator_load_begin(ip->allocator);
	store_tx *tx = store_begin_read(ip->store);
	store_query(tx, IPAM_SQL_CLOCK, on_clock, ip);
	store_query(tx, IPAM_SQL_SUBNETS, on_subnets, ip);
	store_query(tx, IPAM_SQL_ADDRESSES, on_addresses, ip);
	sot_err err = {0};
	if (store_commit(&tx, on_loaded, ip, &err) == SOT_OK) {
		ip->is_loading = true;
		return;
	}
	sot_log_err(SOT_WARN, "addresses.unread", &err, "retry_ms=%d", LOAD_RETRY_MS);
	reactor_rearm_ms(ip->retry_timer, LOAD_RETRY_MS);
}

/* ---- writing a batch ---- */

typedef struct slots {
	const batch_slot *at;
	size_t count;
	request_kind kind;
} slots;

typedef void (*item_fn)(store_tx *tx, size_t slot, const request *r, const request_item *item);

static void add_array(store_tx *tx, const slots *s, item_fn fn)
{
	store_arg_array_begin(tx);
	for (size_t i = 0; i < s->count; i++) {
		if (s->at[i].request->kind == s->kind)
			fn(tx, i, s->at[i].request, s->at[i].item);
	}
	store_arg_array_end(tx);
}

#define ITEM(name)                                                                                 \
	static void name(store_tx *tx, size_t slot, const request *r, const request_item *item)
ITEM(add_slot)
{
	(void)r;
	(void)item;
	store_item_i64(tx, (int64_t)slot);
}
ITEM(add_owner)
{
	(void)slot;
	(void)r;
	store_item_uuid(tx, item->owner);
}
ITEM(add_nic)
{
	(void)slot;
	(void)r;
	store_item_i64(tx, item->nic);
}
ITEM(add_generation)
{
	(void)slot;
	(void)r;
	store_item_i64(tx, (int64_t)item->generation);
}
ITEM(add_host)
{
	(void)slot;
	(void)r;
	store_item_uuid(tx, item->host);
}
ITEM(add_candidate)
{
	(void)slot;
	(void)r;
	if (item->has_pick)
		store_item_ipv4(tx, item->pick.address);
	else
		store_item_null(tx);
}
ITEM(add_candidate_subnet)
{
	(void)slot;
	(void)r;
	if (item->has_pick)
		store_item_uuid(tx, item->pick_from->id);
	else
		store_item_null(tx);
}
ITEM(add_actor)
{
	(void)slot;
	(void)item;
	store_item_str(tx, sot_str_c(r->actor));
}
ITEM(add_operation)
{
	(void)slot;
	(void)item;
	if (sot_uuid_is_zero(r->operation_id))
		store_item_null(tx);
	else
		store_item_uuid(tx, r->operation_id);
}

static void on_held(void *self, const store_result *res)
{
	ipam *ip = self;
	sot_err *err = &ip->batch_error;
	for (size_t row = 0; row < store_rows(res); row++) {
		int64_t slot = 0, generation = 0;
		uint32_t address = 0;
		sot_uuid subnet_id;
		bool is_fresh = false;
		if (store_i64(res, row, 0, &slot, err) != SOT_OK ||
		    store_ipv4(res, row, 1, &address, err) != SOT_OK ||
		    store_uuid(res, row, 2, &subnet_id, err) != SOT_OK ||
		    store_i64(res, row, 3, &generation, err) != SOT_OK ||
		    store_bool(res, row, 4, &is_fresh, err) != SOT_OK ||
		    allocator_held(ip->allocator, (size_t)slot, address, subnet_id, (uint64_t)generation,
		        is_fresh, err) != SOT_OK)
			return;
		sot_metric_add(ip->m_granted, is_fresh);
	}
}

static void changed(ipam *ip, const store_result *res, bool is_release)
{
	sot_err *err = &ip->batch_error;
	for (size_t row = 0; row < store_rows(res); row++) {
		int64_t slot = 0, free_after = 0;
		uint32_t address = 0;
		if (store_i64(res, row, 0, &slot, err) != SOT_OK ||
		    store_ipv4(res, row, 1, &address, err) != SOT_OK ||
		    (is_release && store_i64(res, row, 2, &free_after, err) != SOT_OK) ||
		    allocator_changed(ip->allocator, (size_t)slot, address, free_after, err) != SOT_OK)
			return;
		sot_metric_add(ip->m_released, is_release);
	}
}

static void on_released(void *self, const store_result *res)
{
	changed(self, res, true);
}

static void on_bound(void *self, const store_result *res)
{
	changed(self, res, false);
}

static bool has_kind(slots *s, request_kind kind)
{
	s->kind = kind;
	for (size_t i = 0; i < s->count; i++) {
		if (s->at[i].request->kind == kind)
			return true;
	}
	return false;
}

static void add_refs(store_tx *tx, const slots *s)
{
	add_array(tx, s, add_slot);
	add_array(tx, s, add_owner);
	add_array(tx, s, add_nic);
}

static store_tx *build(ipam *ip, slots *s)
{
	store_tx *tx = store_begin(ip->store);
	if (has_kind(s, REQUEST_RELEASE)) {
		store_query(tx, IPAM_SQL_RELEASE, on_released, ip);
		add_refs(tx, s);
		add_array(tx, s, add_generation);
		add_array(tx, s, add_actor);
		add_array(tx, s, add_operation);
		store_arg_i64(tx, ip->config->cooling_s);
	}
	if (has_kind(s, REQUEST_BIND)) {
		store_query(tx, IPAM_SQL_BIND, on_bound, ip);
		add_refs(tx, s);
		add_array(tx, s, add_generation);
		add_array(tx, s, add_host);
		add_array(tx, s, add_actor);
		add_array(tx, s, add_operation);
	}
	if (has_kind(s, REQUEST_ACQUIRE)) {
		store_query(tx, IPAM_SQL_ACQUIRE, on_held, ip);
		add_refs(tx, s);
		add_array(tx, s, add_candidate);
		add_array(tx, s, add_candidate_subnet);
		add_array(tx, s, add_actor);
		add_array(tx, s, add_operation);
	}
	return tx;
}

/* Deadlocks and serialization failures of two writers are theirs to repeat, like a lost key. */
static sot_code verdict(const ipam *ip, const store_outcome *outcome)
{
	if (outcome->code == SOT_OK && ip->batch_error.code != SOT_OK)
		return SOT_UNKNOWN; /* committed, but not understood: read it */
	if (strncmp(outcome->sqlstate, "40", 2) == 0)
		return SOT_CONFLICT;
	return outcome->code;
}

static void on_batch(void *self, const store_outcome *outcome)
{
	ipam *ip = self;
	ip->batch_is_out = false;
	sot_code code = verdict(ip, outcome);
	if (code == SOT_OK) {
		ipam_hint(ip);
	} else if (code == SOT_CONFLICT) {
		sot_metric_add(ip->m_lost, 1);
		allocator_distrust(ip->allocator);
	} else {
		sot_log_err(SOT_WARN, "batch.failed", outcome->why ? outcome->why : &ip->batch_error,
		    "sqlstate=\"%s\"", outcome->sqlstate);
	}
	allocator_end_batch(ip->allocator, code, outcome->why ? outcome->why->text : "");
	ipam_send_answers(ip);
	ipam_pump_soon(ip);
}

static void commit_batch(ipam *ip, const batch_slot *at, size_t count)
{
	slots s = {.at = at, .count = count};
	sot_err err = {0};
	ip->batch_error = (sot_err){0};
	store_tx *tx = build(ip, &s);
	if (store_commit(&tx, on_batch, ip, &err) == SOT_OK) {
		ip->batch_is_out = true;
		sot_metric_add(ip->m_batches, 1);
		return;
	}
	sot_log_err(SOT_ERROR, "batch.failed", &err, "items=%zu", count);
	allocator_end_batch(ip->allocator, SOT_UNAVAILABLE, err.text);
	ipam_send_answers(ip);
}

void ipam_on_pump(void *self, uint64_t missed)
{
	(void)missed;
	ipam *ip = self;
	sot_metric_set(ip->m_queue, (int64_t)allocator_queued(ip->allocator));
	if (ip->batch_is_out || ip->is_loading || !agents_are_settled(ip->agents))
		return;
	if (allocator_needs_load(ip->allocator) && store_is_up(ip->store)) {
		load(ip);
		return;
	}
	const batch_slot *at;
	size_t count = allocator_next_batch(ip->allocator, database_now(ip), &at);
	ipam_send_answers(ip);
	if (count > 0)
		commit_batch(ip, at, count);
	else if (allocator_needs_load(ip->allocator) && store_is_up(ip->store))
		load(ip);
	bool is_idle = !ip->batch_is_out && allocator_queued(ip->allocator) == 0;
	if (is_idle && !change_is_any_open(ip) && ip->service && service_is_draining(ip->service))
		service_drained(ip->service);
}

/* ---- hints ---- */

static void publish_hint(ipam *ip)
{
	sot_outbox_hint hint = {.committed_unix_ms = reactor_wall(ip->loop).unix_ms};
	sot_buf_reset(&ip->frame);
	if (sot_outbox_hint_encode(&hint, &ip->frame, NULL) == SOT_OK)
		bus_publish(ip->hints, SOT_STR("outbox"), sot_buf_str(&ip->frame));
	ip->hint_is_due = false;
	ip->hint_rests = true;
	reactor_rearm_ms(ip->hint_timer, HINT_REST_MS);
}

void ipam_hint(ipam *ip)
{
	if (ip->hint_rests)
		ip->hint_is_due = true;
	else
		publish_hint(ip);
}

void ipam_on_hint_rested(void *self, uint64_t missed)
{
	(void)missed;
	ipam *ip = self;
	ip->hint_rests = false;
	if (ip->hint_is_due)
		publish_hint(ip);
}
