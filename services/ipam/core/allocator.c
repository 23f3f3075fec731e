#include "allocator_internal.h"

#include "sot_parse.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- requests ---- */

request *request_new(request_kind kind, size_t count)
{
	request *r = sot_alloc(sizeof(*r));
	sot_list_init(&r->link);
	r->kind = kind;
	r->count = count;
	r->items = sot_alloc_array(count ? count : 1, sizeof(*r->items));
	return r;
}

request *request_free(request *r)
{
	if (!r)
		return NULL;
	sot_list_remove(&r->link);
	free(r->items);
	free(r);
	return NULL;
}

static void free_all(sot_link *list)
{
	while (!sot_list_empty(list))
		request_free(SOT_CONTAINER(list->next, request, link));
}

allocator *allocator_new(void)
{
	allocator *a = sot_alloc(sizeof(*a));
	a->wants_load = true;
	sot_list_init(&a->queue);
	sot_list_init(&a->answered);
	a->slots = sot_alloc_array(ALLOCATOR_BATCH_MAX, sizeof(*a->slots));
	a->keys = sot_map_new();
	return a;
}

/* Requests of a batch that is out hang on their slots alone. */
static void free_batch(allocator *a)
{
	for (size_t i = 0; i < a->slot_count; i++) {
		request *r = a->slots[i].request;
		if (a->slots[i].item == &r->items[r->count - 1])
			request_free(r);
	}
	a->slot_count = 0;
}

allocator *allocator_free(allocator *a)
{
	if (!a)
		return NULL;
	free_batch(a);
	free_all(&a->queue);
	free_all(&a->answered);
	allocator_drop_subnets(a);
	free(a->subnets);
	free(a->slots);
	sot_map_free(a->keys);
	free(a);
	return NULL;
}

size_t allocator_queued(const allocator *a)
{
	return a->queued;
}

static void answer(allocator *a, request *r)
{
	sot_list_remove(&r->link);
	sot_list_push(&a->answered, &r->link);
}

static void refuse(allocator *a, request *r, sot_refusal code, const char *fmt, ...)
    SOT_PRINTF(4, 5);
static void refuse(allocator *a, request *r, sot_refusal code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(r->text, sizeof(r->text), fmt, args);
	va_end(args);
	r->is_refused = true;
	r->code = code;
	answer(a, r);
}

request *allocator_take_answer(allocator *a)
{
	if (sot_list_empty(&a->answered))
		return NULL;
	request *r = SOT_CONTAINER(a->answered.next, request, link);
	sot_list_remove(&r->link);
	return r;
}

typedef struct item_key {
	uint8_t b[17];
} item_key;

static item_key key_of(const request_item *item)
{
	item_key key;
	memcpy(key.b, item->owner.b, 16);
	key.b[16] = item->nic;
	return key;
}

/* Whether an (owner, nic) is named twice; the index of the second goes to *ret. */
static bool has_double(const request *r, size_t *ret)
{
	SOT_AUTO(sot_map) seen = sot_map_new();
	for (size_t i = 0; i < r->count; i++) {
		item_key key = key_of(&r->items[i]);
		if (sot_map_set(seen, key.b, sizeof(key.b), &r->items[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static void enqueue(allocator *a, request *r, bool in_front)
{
	sot_list_push(in_front ? a->queue.next : &a->queue, &r->link);
	a->queued++;
}

static void dequeue(allocator *a, request *r)
{
	sot_list_remove(&r->link);
	a->queued--;
}

void allocator_submit(allocator *a, request **r_p)
{
	request *r = SOT_TAKE(*r_p);
	size_t index = 0;
	r->loads_seen = a->loads;
	if (r->count == 0)
		answer(a, r);
	else if (r->count > ALLOCATOR_BATCH_MAX)
		refuse(a, r, SOT_REFUSAL_LIMIT, "%zu items, at most %d", r->count, ALLOCATOR_BATCH_MAX);
	else if (has_double(r, &index))
		refuse(
		    a, r, SOT_REFUSAL_INVALID, "item %zu names an owner and nic that came before", index);
	else if (a->queued >= ALLOCATOR_QUEUE_MAX)
		refuse(a, r, SOT_REFUSAL_LIMIT, "%zu requests wait already", a->queued);
	else
		enqueue(a, r, false);
}

void allocator_refuse_queued(allocator *a, sot_refusal code, const char *text)
{
	while (!sot_list_empty(&a->queue)) {
		request *r = SOT_CONTAINER(a->queue.next, request, link);
		dequeue(a, r);
		refuse(a, r, code, "%s", text);
	}
}

/* ---- picking ---- */

static void put_back(request_item *item)
{
	if (item->has_pick)
		address_pool_put_back(item->pick_from->pool, item->pick);
	item->has_pick = false;
}

static void put_all_back(request *r)
{
	for (size_t i = 0; i < r->count; i++)
		put_back(&r->items[i]);
}

typedef enum pick_result { PICKED, NO_NETWORK, NO_ADDRESS } pick_result;

static pick_result pick_item(allocator *a, request_item *item, int64_t now_unix_ms)
{
	bool known = false;
	for (size_t i = 0; i < a->subnet_count; i++) {
		subnet *s = a->subnets[i];
		if (strcmp(s->network, item->network) != 0)
			continue;
		known = true;
		if (!address_pool_pick(s->pool, now_unix_ms, &item->pick))
			continue;
		item->has_pick = true;
		item->pick_from = s;
		return PICKED;
	}
	return known ? NO_ADDRESS : NO_NETWORK;
}

/* A candidate for each want that is still open, or for none. */
static pick_result pick_all(
    allocator *a, request *r, int64_t now_unix_ms, const request_item **ret_short)
{
	for (size_t i = 0; i < r->count; i++) {
		request_item *item = &r->items[i];
		pick_result result = item->done ? PICKED : pick_item(a, item, now_unix_ms);
		if (result == PICKED)
			continue;
		put_all_back(r);
		*ret_short = item;
		return result;
	}
	return PICKED;
}

/* ---- refusing for want of an address ---- */

static void describe_shortage(
    const allocator *a, const request *r, const char *network, int64_t now_unix_ms, sot_buf *out)
{
	size_t wanted = 0;
	for (size_t i = 0; i < r->count; i++)
		wanted += strcmp(r->items[i].network, network) == 0;
	sot_buf_printf(out, "network %s has no free address for %zu wanted; tried:", network, wanted);
	for (size_t i = 0; i < a->subnet_count; i++) {
		const subnet *s = a->subnets[i];
		if (strcmp(s->network, network) != 0 || out->n > ALLOCATOR_TEXT_MAX - 250)
			continue;
		char base[16];
		sot_buf_printf(out, " %s/%u (%u addresses: %u free, %u used, %zu cooling, %u unusable",
		    sot_format_ipv4(s->plan.network, base), s->plan.prefix, address_pool_size(s->pool),
		    address_pool_free_count(s->pool), s->used, address_pool_cooling_count(s->pool),
		    s->unusable);
		int64_t wait_ms = address_pool_next_cooled_unix_ms(s->pool) - now_unix_ms;
		if (address_pool_cooling_count(s->pool) > 0)
			sot_buf_printf(out, ", the next is free in %lld s",
			    (long long)(wait_ms > 0 ? (wait_ms + 999) / 1000 : 0));
		sot_buf_add_char(out, ')');
	}
	sot_buf_add_c(out, ". Retire instances or add a subnet.");
}

/* What it got before goes back before it is refused: all or none. */
static void undo_or_answer(allocator *a, request *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->count; i++) {
		if (r->items[i].is_fresh)
			r->items[kept++] = r->items[i];
	}
	if (kept == 0) {
		answer(a, r);
		return;
	}
	r->count = kept;
	r->kind = REQUEST_RELEASE;
	r->is_undoing = true;
	for (size_t i = 0; i < kept; i++)
		r->items[i].done = r->items[i].is_fresh = false;
	enqueue(a, r, true);
}

/* Fails a request that is in no list. */
static void fail(allocator *a, request *r, sot_refusal code, const char *text)
{
	put_all_back(r);
	(void)snprintf(r->text, sizeof(r->text), "%s", text);
	r->is_refused = true;
	r->code = code;
	undo_or_answer(a, r);
}

static void fail_short(allocator *a, request *r, const char *network, int64_t now_unix_ms)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 8 * ALLOCATOR_TEXT_MAX);
	describe_shortage(a, r, network, now_unix_ms, &text);
	fail(a, r, SOT_REFUSAL_BLOCKED, sot_buf_failed(&text) ? "no free address" : text.p);
}

/* ---- batches ---- */

static bool shares_key(const allocator *a, const request *r)
{
	for (size_t i = 0; i < r->count; i++) {
		item_key key = key_of(&r->items[i]);
		if (sot_map_get(a->keys, key.b, sizeof(key.b)))
			return true;
	}
	return false;
}

static void add_to_batch(allocator *a, request *r)
{
	for (size_t i = 0; i < r->count; i++) {
		item_key key = key_of(&r->items[i]);
		sot_map_set(a->keys, key.b, sizeof(key.b), r);
		a->slots[a->slot_count++] = (batch_slot){r, &r->items[i]};
	}
}

/* Prepares the first of the queue. False: the batch ends before it (it must be read first). */
static bool prepare(allocator *a, request *r, int64_t now_unix_ms)
{
	const request_item *short_of = NULL;
	pick_result result =
	    r->kind == REQUEST_ACQUIRE ? pick_all(a, r, now_unix_ms, &short_of) : PICKED;
	if (result == PICKED) {
		r->is_probe = false;
	} else if (r->loads_seen == a->loads) {
		/* Nothing was read since it came: perhaps there is one by now. */
		a->wants_load = true;
		return false;
	} else if (result == NO_NETWORK) {
		dequeue(a, r);
		char text[100];
		(void)snprintf(text, sizeof(text), "there is no network %s", short_of->network);
		fail(a, r, SOT_REFUSAL_NOT_FOUND, text);
		return true;
	} else if (r->is_probe) {
		/* The probe has said that not all of it is held already. */
		dequeue(a, r);
		fail_short(a, r, short_of->network, now_unix_ms);
		return true;
	} else {
		r->is_probe = true;
	}
	dequeue(a, r);
	add_to_batch(a, r);
	return true;
}

size_t allocator_next_batch(allocator *a, int64_t now_unix_ms, const batch_slot **ret)
{
	assert(a->slot_count == 0);
	sot_map_free(a->keys);
	a->keys = sot_map_new();
	while (!allocator_needs_load(a) && !sot_list_empty(&a->queue)) {
		request *r = SOT_CONTAINER(a->queue.next, request, link);
		if (a->slot_count + r->count > ALLOCATOR_BATCH_MAX || shares_key(a, r))
			break;
		if (!prepare(a, r, now_unix_ms))
			break;
	}
	*ret = a->slots;
	return a->slot_count;
}

sot_code allocator_held(allocator *a, size_t slot, uint32_t address, sot_uuid subnet_id,
    uint64_t generation, bool is_fresh, sot_err *err)
{
	if (slot >= a->slot_count || a->slots[slot].request->kind != REQUEST_ACQUIRE)
		return sot_fail(err, SOT_INTERNAL, "slot %zu is not an acquire of this batch", slot);
	request_item *item = a->slots[slot].item;
	subnet *in = allocator_find_subnet(a, subnet_id);
	if (!in) {
		a->wants_load = true;
		return SOT_OK;
	}
	item->prefix = in->plan.prefix;
	item->gateway = in->plan.gateway;
	item->vlan_id = in->vlan_id;
	if (item->has_pick && item->pick.address == address)
		item->has_pick = false; /* it is used now */
	else
		put_back(item);
	item->done = true;
	item->is_fresh |= is_fresh;
	in->used += is_fresh;
	item->address = address;
	item->generation = generation;
	return SOT_OK;
}

sot_code allocator_changed(
    allocator *a, size_t slot, uint32_t address, int64_t free_after_unix_ms, sot_err *err)
{
	if (slot >= a->slot_count || a->slots[slot].request->kind == REQUEST_ACQUIRE)
		return sot_fail(err, SOT_INTERNAL, "slot %zu is not a change of this batch", slot);
	a->slots[slot].item->done = true;
	if (a->slots[slot].request->kind != REQUEST_RELEASE)
		return SOT_OK;
	for (size_t i = 0; i < a->subnet_count; i++) {
		const network_plan *plan = &a->subnets[i]->plan;
		if (address <= plan->network || address >= network_plan_broadcast(plan))
			continue;
		address_pool_cool(a->subnets[i]->pool, address, free_after_unix_ms);
		a->subnets[i]->used -= a->subnets[i]->used > 0;
	}
	return SOT_OK;
}

/* Back to the front, in the order in which they came. What was not held is forgotten. */
static void try_again(allocator *a, request *r)
{
	if (++r->tries > ALLOCATOR_TRIES_MAX)
		fail(a, r, SOT_REFUSAL_UNAVAILABLE, "other writers were faster too often; try again");
	else
		enqueue(a, r, true);
}

static void end_committed(allocator *a, request *r)
{
	bool all_done = true;
	for (size_t i = 0; i < r->count; i++) {
		r->items[i].has_pick = false; /* a candidate that did not come back is somebody's */
		all_done &= r->items[i].done;
	}
	if (r->kind != REQUEST_ACQUIRE || all_done) {
		answer(a, r);
		return;
	}
	/* A second writer has been there: its rows make the next candidates better ones. */
	a->wants_load |= !r->is_probe;
	try_again(a, r);
}

static void end_one(allocator *a, request *r, sot_code outcome, const char *why)
{
	if (outcome == SOT_OK) {
		end_committed(a, r);
		return;
	}
	put_all_back(r);
	if (outcome == SOT_CONFLICT || outcome == SOT_UNKNOWN) {
		try_again(a, r);
	} else if (r->is_undoing) {
		/* What it got stays with its owner, who will be given the same when it asks again. */
		answer(a, r);
	} else {
		fail(a, r, SOT_REFUSAL_UNAVAILABLE, why);
	}
}

void allocator_end_batch(allocator *a, sot_code outcome, const char *why)
{
	size_t count = a->slot_count;
	a->slot_count = 0;
	/* From the last to the first: each goes to the front of the queue. */
	for (size_t i = count; i > 0; i--) {
		request *r = a->slots[i - 1].request;
		if (a->slots[i - 1].item == &r->items[0])
			end_one(a, r, outcome, why);
	}
	if (outcome == SOT_UNKNOWN)
		allocator_distrust(a);
}
