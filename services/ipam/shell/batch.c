/* batch - writes the allocator's batches: one transaction each, answers after its commit. */
#include "agents.h"
#include "batch_events.h"
#include "change.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	HINT_REST_MS = 50,
	BATCHES_MAX = 2,        /* in the database at a time */
	SECOND_BATCH_MIN = 256, /* while one is out, another one must be worth its commit */
};

void ipam_pump_soon(ipam *ip)
{
	reactor_rearm_ms(ip->pump_timer, 0);
}

/* A batch that is out. */
typedef struct outgoing {
	ipam *ip;
	batch *batch;
	uint64_t new_given, new_generation; /* what was said of its new requests */
	uint64_t fence;                     /* leaders before this epoch got nothing */
	sot_err error;                      /* the first row that could not be read */
} outgoing;

/* ---- rows that come back ---- */

/* The columns that all answers begin with: owner, nic, address, subnet. */
static sot_code read_head(const store_result *res, size_t row, sot_uuid *ret_owner,
    uint8_t *ret_nic, sot_ip *ret_address, sot_uuid *ret_subnet, sot_err *err)
{
	int64_t nic = 0;
	sot_code code = store_uuid(res, row, 0, ret_owner, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 1, &nic, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 2, ret_address, err);
	if (code == SOT_OK && !store_is_null(res, row, 3))
		code = store_uuid(res, row, 3, ret_subnet, err);
	if (code == SOT_OK)
		*ret_nic = (uint8_t)nic;
	return code;
}

static sot_code read_held(outgoing *o, const store_result *res, size_t row, bool may_be_fresh)
{
	row_held held = {0};
	int64_t generation = 0;
	sot_code code =
	    read_head(res, row, &held.owner, &held.nic, &held.address, &held.subnet_id, &o->error);
	if (code == SOT_OK)
		code = store_i64(res, row, 4, &generation, &o->error);
	if (code == SOT_OK && may_be_fresh)
		code = store_bool(res, row, 5, &held.is_fresh, &o->error);
	held.generation = (uint64_t)generation;
	if (code == SOT_OK)
		code = allocator_held(o->ip->allocator, &held, &o->error);
	if (code == SOT_OK)
		sot_metric_add(o->ip->m_granted, held.is_fresh);
	return code;
}

static void on_acquired_new(void *self, const store_result *res)
{
	outgoing *o = self;
	int64_t given = 0, generation = 0, fence = 0;
	if (store_i64(res, 0, 0, &given, &o->error) != SOT_OK ||
	    store_i64(res, 0, 1, &generation, &o->error) != SOT_OK ||
	    store_i64(res, 0, 2, &fence, &o->error) != SOT_OK)
		return;
	o->fence = (uint64_t)fence;
	o->new_given += (uint64_t)given;
	o->new_generation = (uint64_t)generation;
}

/* The row without an owner is the fence's. */
static sot_code read_acquired(outgoing *o, const store_result *res, size_t row)
{
	int64_t fence = 0;
	if (!store_is_null(res, row, 0))
		return read_held(o, res, row, true);
	sot_code code = store_i64(res, row, 4, &fence, &o->error);
	o->fence = (uint64_t)fence;
	return code;
}

static void on_acquired(void *self, const store_result *res)
{
	outgoing *o = self;
	for (size_t row = 0; row < store_rows(res); row++) {
		if (read_acquired(o, res, row) != SOT_OK)
			return;
	}
}

static sot_code read_cooled(outgoing *o, const store_result *res, size_t row)
{
	sot_uuid subnet_id;
	sot_ip address;
	int64_t released = 0, free_after = 0;
	sot_code code = store_ip(res, row, 2, &address, &o->error);
	if (code == SOT_OK)
		code = store_uuid(res, row, 3, &subnet_id, &o->error);
	if (code == SOT_OK)
		code = store_i64(res, row, 5, &released, &o->error);
	if (code == SOT_OK)
		code = store_i64(res, row, 6, &free_after, &o->error);
	if (code == SOT_OK)
		allocator_offered(o->ip->allocator, o->batch, subnet_id, address, released, free_after);
	return code;
}

/* Three kinds of rows: see sql/probe.sql. What is held comes first, so that nothing is offered to
 * who holds something. */
static void on_probed(void *self, const store_result *res)
{
	outgoing *o = self;
	sot_code code = SOT_OK;
	for (size_t row = 0; code == SOT_OK && row < store_rows(res); row++) {
		if (store_is_null(res, row, 2))
			allocator_plan_seen(o->ip->allocator, store_text(res, row, 7));
		else if (store_is_null(res, row, 0))
			code = read_cooled(o, res, row);
		else
			code = read_held(o, res, row, false);
	}
}

static sot_code read_change(outgoing *o, const store_result *res, size_t row, bool is_release)
{
	row_change told = {0};
	sot_code code =
	    read_head(res, row, &told.owner, &told.nic, &told.address, &told.subnet_id, &o->error);
	if (code == SOT_OK && !address_state_parse(store_text(res, row, 4), &told.before))
		code = sot_fail(&o->error, SOT_INTERNAL, "an unknown state of an address");
	if (code == SOT_OK && is_release)
		code = store_i64(res, row, 5, &told.released_unix_ms, &o->error);
	if (code == SOT_OK && is_release)
		code = store_i64(res, row, 6, &told.free_after_unix_ms, &o->error);
	if (code == SOT_OK)
		code = allocator_changed(o->ip->allocator, &told, &o->error);
	if (code == SOT_OK && is_release) {
		ipam_saw_database_clock(o->ip, told.released_unix_ms);
		sot_metric_add(o->ip->m_released, 1);
	}
	return code;
}

static void on_released(void *self, const store_result *res)
{
	outgoing *o = self;
	for (size_t row = 0; row < store_rows(res); row++) {
		if (read_change(o, res, row, true) != SOT_OK)
			return;
	}
}

static void on_changed(void *self, const store_result *res)
{
	outgoing *o = self;
	for (size_t row = 0; row < store_rows(res); row++) {
		if (read_change(o, res, row, false) != SOT_OK)
			return;
	}
}

/* ---- parameters ---- */

/* The slots of one statement: of one kind, and of one actor, who is a single parameter. */
typedef struct selection {
	const batch *batch;
	request_kind kind;
	bool is_new, is_probe;
	const char *actor;
} selection;

typedef void (*item_fn)(store_tx *tx, const request *r, const request_item *item);

static bool is_selected(const selection *s, const batch_slot *slot)
{
	const request *r = slot->request;
	if (r->kind != s->kind || r->is_new != s->is_new || r->is_probe != s->is_probe)
		return false;
	if (r->kind == REQUEST_ACQUIRE && (!slot->item->is_asked || slot->item->done))
		return false;
	return s->is_probe || strcmp(r->actor, s->actor) == 0;
}

static void add_array(store_tx *tx, const selection *s, item_fn fn)
{
	store_arg_array_begin(tx);
	for (size_t i = 0; i < s->batch->count; i++) {
		const batch_slot *slot = &s->batch->slots[i];
		if (is_selected(s, slot))
			fn(tx, slot->request, slot->item);
	}
	store_arg_array_end(tx);
}

#define ITEM(name)                                                                                 \
	static void name(store_tx *tx, __attribute__((unused)) const request *r,                       \
	    __attribute__((unused)) const request_item *item)
ITEM(add_owner)
{
	store_item_uuid(tx, item->owner);
}
ITEM(add_nic)
{
	store_item_i64(tx, item->nic);
}
ITEM(add_family)
{
	store_item_i64(tx, item->is_v6 ? 6 : 4);
}
ITEM(add_address)
{
	store_item_ip(tx, item->address);
}
ITEM(add_generation)
{
	store_item_i64(tx, (int64_t)item->generation);
}
ITEM(add_host)
{
	store_item_uuid(tx, item->host);
}
ITEM(add_mac)
{
	store_item_mac(tx, item->mac.b);
}
ITEM(add_candidate)
{
	if (item->has_pick)
		store_item_ip(tx, item->pick.address);
	else
		store_item_null(tx);
}
ITEM(add_candidate_vrf)
{
	store_item_i64(tx, item->has_pick ? item->pick_from->vlan->vrf : 0);
}
ITEM(add_candidate_subnet)
{
	if (item->has_pick)
		store_item_uuid(tx, item->pick_from->id);
	else
		store_item_null(tx);
}
ITEM(add_candidate_mac)
{
	if (item->has_pick && !item->is_v6)
		store_item_mac(tx, ipam_mac_of(item->pick.address).b);
	else
		store_item_null(tx);
}
ITEM(add_operation)
{
	if (sot_uuid_is_zero(r->operation_id))
		store_item_null(tx);
	else
		store_item_uuid(tx, r->operation_id);
}

/* ---- statements ---- */

/* A leader commits, and waits for the disk, before anybody hears of what it was given; its commit
 * is later in the same log, so that neither is durable without this one (docs/adr/0044). What is
 * asked by somebody else, or done beside, waits for itself. */
static bool only_gives_to_leader(const batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->slots[i].request->kind != REQUEST_ACQUIRE)
			return false;
	}
	return b->epoch != 0;
}

static void add_acquire(outgoing *o, store_tx *tx, const selection *s)
{
	store_query(tx, IPAM_SQL_ACQUIRE, on_acquired, o);
	add_array(tx, s, add_owner);
	add_array(tx, s, add_nic);
	add_array(tx, s, add_family);
	add_array(tx, s, add_candidate);
	add_array(tx, s, add_candidate_vrf);
	add_array(tx, s, add_candidate_subnet);
	add_array(tx, s, add_candidate_mac);
	add_array(tx, s, add_operation);
	store_arg_c(tx, s->actor);
	store_arg_i64(tx, o->ip->config->lease_s);
	store_arg_i64(tx, IPAM_COOLING_FLOOR_S);
	store_arg_i64(tx, (int64_t)o->batch->epoch);
	store_arg_bool(tx, only_gives_to_leader(o->batch));
}

static void add_events(store_tx *tx, const selection *s)
{
	reservation_events events = {0};
	for (size_t i = 0; i < s->batch->count; i++) {
		const batch_slot *slot = &s->batch->slots[i];
		if (is_selected(s, slot))
			reservation_events_add(
			    &events, slot->request->operation_id, slot->item->pick.address, slot->item->owner);
	}
	reservation_events_args(&events, tx);
	reservation_events_clear(&events);
}

static void add_acquire_new(outgoing *o, store_tx *tx, const selection *s)
{
	store_query(tx, IPAM_SQL_ACQUIRE_NEW, on_acquired_new, o);
	add_array(tx, s, add_owner);
	add_array(tx, s, add_nic);
	add_array(tx, s, add_candidate);
	add_array(tx, s, add_candidate_vrf);
	add_array(tx, s, add_candidate_subnet);
	add_array(tx, s, add_candidate_mac);
	add_array(tx, s, add_operation);
	store_arg_c(tx, s->actor);
	store_arg_i64(tx, o->ip->config->lease_s);
	store_arg_i64(tx, (int64_t)o->batch->epoch);
	store_arg_bool(tx, only_gives_to_leader(o->batch));
	add_events(tx, s);
}

static void add_refs(store_tx *tx, const selection *s)
{
	add_array(tx, s, add_owner);
	add_array(tx, s, add_nic);
	add_array(tx, s, add_address);
	add_array(tx, s, add_generation);
}

static void add_statement(outgoing *o, store_tx *tx, const selection *s)
{
	switch (s->kind) {
	case REQUEST_ACQUIRE:
		if (s->is_new)
			add_acquire_new(o, tx, s);
		else
			add_acquire(o, tx, s);
		break;
	case REQUEST_RELEASE:
		store_query(tx, IPAM_SQL_RELEASE, on_released, o);
		add_refs(tx, s);
		add_array(tx, s, add_operation);
		store_arg_c(tx, s->actor);
		store_arg_i64(tx, o->ip->config->cooling_s);
		break;
	case REQUEST_BIND:
		store_query(tx, IPAM_SQL_BIND, on_changed, o);
		add_refs(tx, s);
		add_array(tx, s, add_host);
		add_array(tx, s, add_operation);
		store_arg_c(tx, s->actor);
		break;
	case REQUEST_CONFLICT:
		store_query(tx, IPAM_SQL_CONFLICT, on_changed, o);
		add_refs(tx, s);
		add_array(tx, s, add_host);
		add_array(tx, s, add_mac);
		add_array(tx, s, add_operation);
		store_arg_c(tx, s->actor);
		break;
	}
}

/* The subnets that a probe is about: open ones, of the family that is short. */
static void add_short_subnets(ipam *ip, store_tx *tx, const batch *b, size_t *ret_wanted)
{
	const address_plan *now = allocator_plan(ip->allocator);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < plan_subnet_count(now); i++) {
		const subnet *s = plan_subnet_at(now, i);
		size_t wanted = 0;
		for (size_t k = 0; s->is_open && k < b->count; k++)
			wanted += b->slots[k].request->is_probe && b->slots[k].item->is_v6 == subnet_is_v6(s) &&
			          subnet_is_of(s, b->slots[k].item->vlan);
		if (wanted > 0)
			store_item_uuid(tx, s->id);
		if (wanted > 0 && s->part_count > 0) /* the first may all be of other pools */
			wanted = ALLOCATOR_BATCH_MAX;
		if (wanted > *ret_wanted)
			*ret_wanted = wanted;
	}
	store_arg_array_end(tx);
}

static void add_probes(outgoing *o, store_tx *tx)
{
	selection s = {.batch = o->batch, .kind = REQUEST_ACQUIRE, .is_probe = true};
	size_t wanted = 1;
	store_query(tx, IPAM_SQL_PROBE, on_probed, o);
	add_array(tx, &s, add_owner);
	add_array(tx, &s, add_nic);
	add_array(tx, &s, add_family);
	add_short_subnets(o->ip, tx, o->batch, &wanted);
	store_arg_i64(tx, (int64_t)wanted);
	store_arg_i64(tx, IPAM_COOLING_FLOOR_S);
}

/* Whether a request before this one has the same kind and actor: its statement has both. */
static bool was_added(const batch *b, size_t slot)
{
	const request *r = b->slots[slot].request;
	for (size_t i = slot; i > 0; i--) {
		const request *other = b->slots[i - 1].request;
		if (other->kind == r->kind && other->is_new == r->is_new &&
		    other->is_probe == r->is_probe && strcmp(other->actor, r->actor) == 0)
			return true;
	}
	return false;
}

static bool has_probe(const batch *b, bool *ret_has_others)
{
	bool has = false;
	*ret_has_others = false;
	for (size_t i = 0; i < b->count; i++) {
		has |= b->slots[i].request->is_probe;
		*ret_has_others |= !b->slots[i].request->is_probe;
	}
	return has;
}

/* Releases before binds before acquires: all batches take their locks in one order. */
static store_tx *build(outgoing *o)
{
	static const request_kind order[] = {
	    REQUEST_RELEASE, REQUEST_CONFLICT, REQUEST_BIND, REQUEST_ACQUIRE};
	const batch *b = o->batch;
	bool has_others = false;
	bool probes = has_probe(b, &has_others);
	store_tx *tx = has_others ? store_begin(o->ip->store) : store_begin_read(o->ip->store);
	for (size_t k = 0; has_others && k < sizeof(order) / sizeof(order[0]); k++) {
		for (size_t i = 0; i < b->count; i++) {
			const request *r = b->slots[i].request;
			selection s = {.batch = b, .kind = order[k], .is_new = r->is_new, .actor = r->actor};
			if (r->kind == order[k] && !r->is_probe && !was_added(b, i))
				add_statement(o, tx, &s);
		}
	}
	if (probes)
		add_probes(o, tx);
	return tx;
}

/* The statement of new requests makes all of their rows, or fails; or none before the fence. */
static void take_new(outgoing *o)
{
	if (o->batch->epoch != 0 && o->batch->epoch < o->fence) {
		allocator_fence(o->ip->allocator, o->fence);
		return;
	}
	if (o->new_given != o->batch->new_count) {
		(void)sot_fail(&o->error, SOT_INTERNAL, "%" PRIu64 " of %zu new addresses were given",
		    o->new_given, o->batch->new_count);
		return;
	}
	allocator_given(o->batch, o->new_generation);
	sot_metric_add(o->ip->m_granted, o->new_given);
}

/* Deadlocks and serialization failures of two writers are theirs to repeat, like a lost key. */
static sot_code verdict(ipam *ip, outgoing *o, const store_outcome *outcome)
{
	if (outcome->code == SOT_OK && o->error.code == SOT_OK)
		take_new(o);
	if (outcome->code == SOT_OK && o->error.code != SOT_OK) {
		sot_log_err(SOT_ERROR, "batch.unread", &o->error, "items=%zu", o->batch->count);
		allocator_distrust(ip->allocator);
		return SOT_UNKNOWN;
	}
	if (strncmp(outcome->sqlstate, "40", 2) == 0)
		return SOT_CONFLICT;
	return outcome->code;
}

static void on_batch(void *self, const store_outcome *outcome)
{
	outgoing *o = self;
	ipam *ip = o->ip;
	sot_code code = verdict(ip, o, outcome);
	if (code == SOT_OK)
		ipam_hint(ip);
	else if (code == SOT_CONFLICT)
		sot_metric_add(ip->m_lost, 1);
	else if (outcome->why)
		sot_log_err(SOT_WARN, "batch.failed", outcome->why, "sqlstate=\"%s\"", outcome->sqlstate);
	allocator_end_batch(
	    ip->allocator, o->batch, code, outcome->why ? outcome->why->text : o->error.text);
	free(o);
	sot_metric_add(ip->m_shortened, allocator_take_shortened(ip->allocator));
	ipam_send_answers(ip);
	ipam_pump_soon(ip);
}

static void commit_batch(ipam *ip, batch *b)
{
	outgoing *o = sot_alloc(sizeof(*o));
	sot_err err = {0};
	*o = (outgoing){.ip = ip, .batch = b};
	store_tx *tx = build(o);
	if (store_commit(&tx, on_batch, o, &err) == SOT_OK) {
		sot_metric_add(ip->m_batches, 1);
		return;
	}
	sot_log_err(SOT_ERROR, "batch.failed", &err, "items=%zu", b->count);
	allocator_end_batch(ip->allocator, b, SOT_UNAVAILABLE, err.text);
	free(o);
	ipam_send_answers(ip);
}

/* ---- the pump ---- */

static bool may_send(const ipam *ip)
{
	size_t out = allocator_batches_out(ip->allocator);
	return out == 0 ||
	       (out < BATCHES_MAX && allocator_queued_items(ip->allocator) >= SECOND_BATCH_MIN);
}

static void pump(ipam *ip)
{
	while (may_send(ip)) {
		batch *b = allocator_next_batch(ip->allocator, ipam_database_now(ip));
		ipam_send_answers(ip);
		if (!b)
			return;
		commit_batch(ip, b);
	}
}

void ipam_on_pump(void *self, uint64_t missed)
{
	(void)missed;
	ipam *ip = self;
	ip->gathers = false;
	sot_metric_set(ip->m_queue, (int64_t)allocator_queued(ip->allocator));
	if (ip->is_loading || !agents_are_settled(ip->agents))
		return;
	if (!ipam_fence_is_due(ip))
		pump(ip);
	/* What is out may be told apart only with the memory it was made of. */
	bool is_quiet = allocator_batches_out(ip->allocator) == 0;
	if (is_quiet && !ipam_fence_is_out(ip) && allocator_needs_load(ip->allocator) &&
	    store_is_up(ip->store)) {
		ipam_load(ip);
		return;
	}
	bool is_idle = is_quiet && !ip->fence && allocator_queued(ip->allocator) == 0;
	if (is_idle && !change_is_any_open(ip) && ip->service && service_is_draining(ip->service))
		ipam_drained(ip);
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
