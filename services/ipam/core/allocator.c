#include "allocator_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REREAD_TRIES = 4,    /* after so many lost candidates memory is too old to go on with */
	HOPE_PRICE_MAX = 64, /* batches without new requests, when hope is always disappointed */
};

static void free_all(sot_link *list)
{
	while (!sot_list_empty(list))
		request_free(SOT_CONTAINER(list->next, request, link));
}

/* The batch of the first slot of a request owns it while it is out. */
static bool is_first_of(const batch_slot *slot)
{
	return slot->item == &slot->request->items[0];
}

static void free_batch(allocator *a, batch *b)
{
	sot_list_remove(&b->link);
	a->batches_out--;
	free(b->slots);
	free(b);
}

allocator *allocator_new(uint64_t seed)
{
	allocator *a = sot_alloc(sizeof(*a));
	a->rows_are_distrusted = true;
	sot_list_init(&a->queue);
	sot_list_init(&a->answered);
	sot_list_init(&a->batches);
	a->keys = sot_map_new();
	a->news = sot_map_new();
	a->first_version = a->version = 1;
	sot_rand_seed(&a->rand, seed);
	return a;
}

static void free_news(allocator *a)
{
	sot_map_iter it = {0};
	for (void *news = sot_map_next(a->news, &it, NULL); news;
	     news = sot_map_next(a->news, &it, NULL))
		free(news);
	sot_map_free(a->news);
}

allocator *allocator_free(allocator *a)
{
	if (!a)
		return NULL;
	while (!sot_list_empty(&a->batches)) {
		batch *b = SOT_CONTAINER(a->batches.next, batch, link);
		for (size_t i = b->count; i > 0; i--) {
			if (is_first_of(&b->slots[i - 1]))
				request_free(b->slots[i - 1].request);
		}
		free_batch(a, b);
	}
	free_all(&a->queue);
	free_all(&a->answered);
	plan_free(a->plan);
	plan_free(a->loading);
	free(a->rows_wanted);
	sot_map_free(a->keys);
	free_news(a);
	free(a);
	return NULL;
}

size_t allocator_queued(const allocator *a)
{
	return a->queued;
}

size_t allocator_queued_items(const allocator *a)
{
	return a->queued_items;
}

size_t allocator_batches_out(const allocator *a)
{
	return a->batches_out;
}

void allocator_fence(allocator *a, uint64_t epoch)
{
	if (epoch > a->fence_epoch)
		a->fence_epoch = epoch;
}

static bool is_fenced(const allocator *a, const request *r)
{
	return r->kind == REQUEST_ACQUIRE && r->epoch != 0 && r->epoch < a->fence_epoch;
}

void allocator_set_floor_ms(allocator *a, int64_t floor_ms)
{
	a->floor_ms = floor_ms;
}

uint64_t allocator_take_shortened(allocator *a)
{
	uint64_t count = a->shortened;
	a->shortened = 0;
	return count;
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

static void enqueue(allocator *a, request *r, bool in_front)
{
	sot_list_push(in_front ? a->queue.next : &a->queue, &r->link);
	a->queued++;
	a->queued_items += r->count;
}

static void dequeue(allocator *a, request *r)
{
	sot_list_remove(&r->link);
	a->queued--;
	a->queued_items -= r->count;
}

void allocator_submit(allocator *a, request **r_p)
{
	request *r = SOT_TAKE(*r_p);
	char owner[SOT_UUID_TEXT];
	const request_item *again = request_find_double(r);
	if (r->count == 0)
		answer(a, r);
	else if (r->count > ALLOCATOR_BATCH_MAX)
		refuse(a, r, SOT_REFUSAL_LIMIT, "%zu addresses, at most %d", r->count, ALLOCATOR_BATCH_MAX);
	else if (again)
		refuse(a, r, SOT_REFUSAL_INVALID, "owner %s with interface %u is named twice",
		    sot_uuid_format(again->owner, owner), again->nic);
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
		put_all_back(r);
		refuse(a, r, code, "%s", text);
	}
}

/* ---- failing ---- */

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
	r->is_probe = false;
	for (size_t i = 0; i < kept; i++)
		r->items[i].done = r->items[i].is_fresh = false;
	enqueue(a, r, true);
}

/* What is known of its owners is another leader's to say. */
static void fail_fenced(allocator *a, request *r)
{
	char text[120];
	(void)snprintf(text, sizeof(text),
	    "asked by the leader of epoch %" PRIu64 ", and that of epoch %" PRIu64 " leads", r->epoch,
	    a->fence_epoch);
	put_all_back(r);
	refuse(a, r, SOT_REFUSAL_UNAVAILABLE, "%s", text);
}

/* Fails a request that is in no list. */
static void fail(allocator *a, request *r, sot_refusal code, const char *text)
{
	put_all_back(r);
	if (!r->is_refused)
		(void)snprintf(r->text, sizeof(r->text), "%s", text);
	r->is_refused = true;
	r->code = code;
	undo_or_answer(a, r);
}

static void fail_short(
    allocator *a, request *r, const request_item *item, pick_result why, int64_t now_unix_ms)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 8 * ALLOCATOR_TEXT_MAX);
	describe_refusal(a, r, item, why, now_unix_ms, &text);
	reread_short(a, item, now_unix_ms);
	fail(a, r, why == NO_VLAN ? SOT_REFUSAL_NOT_FOUND : SOT_REFUSAL_BLOCKED,
	    sot_buf_failed(&text) ? "no free address" : text.p);
}

/* ---- batches ---- */

static bool shares_key(const allocator *a, const request *r)
{
	for (size_t i = 0; i < r->count; i++) {
		item_key key = request_key(&r->items[i]);
		if (sot_map_get(a->keys, key.b, sizeof(key.b)))
			return true;
	}
	return false;
}

/* Room was made for all that a batch can hold: the map points into it. */
static void add_to_batch(allocator *a, batch *b, request *r)
{
	for (size_t i = 0; i < r->count; i++) {
		item_key key = request_key(&r->items[i]);
		batch_slot *slot = &b->slots[b->count++];
		*slot = (batch_slot){r, &r->items[i]};
		if (r->kind != REQUEST_ACQUIRE || r->items[i].is_asked)
			sot_map_set(a->keys, key.b, sizeof(key.b), slot);
	}
}

/* Everything that it must have is there. */
static bool is_complete(const request *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (!r->items[i].done && !(r->items[i].is_dispensable && !r->items[i].is_asked))
			return false;
	}
	return true;
}

static void make_probe(request *r)
{
	r->is_probe = true;
	for (size_t i = 0; i < r->count; i++)
		r->items[i].is_asked = !r->items[i].done;
}

/* All that it asks for are addresses that never had a row, for owners it is asked for the first
 * time. */
static bool is_all_new(const request *r)
{
	size_t asked = 0;
	for (size_t i = 0; i < r->count; i++) {
		const request_item *item = &r->items[i];
		if (!item->is_asked)
			continue;
		if (!item->has_pick || item->pick.released_unix_ms != 0)
			return false;
		asked++;
	}
	return asked > 0 && r->tries == 0;
}

static size_t count_asked(const request *r)
{
	size_t asked = 0;
	for (size_t i = 0; i < r->count; i++)
		asked += r->items[i].is_asked;
	return asked;
}

/* Takes the first of the queue into the batch, or ends it. */
static void prepare(allocator *a, batch *b, request *r, int64_t now_unix_ms)
{
	const request_item *item = NULL;
	dequeue(a, r);
	if (is_fenced(a, r)) {
		fail_fenced(a, r);
		return;
	}
	r->is_probe = r->is_new = false;
	pick_result result = r->kind == REQUEST_ACQUIRE ? pick_all(a, r, now_unix_ms, &item) : PICKED;
	if (result != PICKED && r->was_probed) {
		fail_short(a, r, item, result, now_unix_ms);
		return;
	}
	if (result != PICKED) {
		make_probe(r);
	} else if (r->kind == REQUEST_ACQUIRE && is_complete(r)) {
		answer(a, r);
		return;
	}
	r->is_new = b->is_hopeful && r->kind == REQUEST_ACQUIRE && is_all_new(r);
	if (r->is_new)
		b->new_count += count_asked(r);
	if (r->kind == REQUEST_ACQUIRE) {
		b->gives = true;
		b->epoch = r->epoch;
	}
	add_to_batch(a, b, r);
}

static bool may_join(const batch *b, const request *r)
{
	return r->kind != REQUEST_ACQUIRE || !b->gives || r->epoch == b->epoch;
}

batch *allocator_next_batch(allocator *a, int64_t now_unix_ms)
{
	if (allocator_needs_load(a) || sot_list_empty(&a->queue))
		return NULL;
	batch *b = sot_alloc(sizeof(*b));
	sot_list_init(&b->link);
	b->slots = sot_alloc_array(ALLOCATOR_BATCH_MAX, sizeof(*b->slots));
	b->is_hopeful = a->hope_wait == 0;
	a->batches_out++;
	while (
	    !allocator_needs_load(a) && !sot_list_empty(&a->queue) && b->count < ALLOCATOR_BATCH_AIM) {
		request *r = SOT_CONTAINER(a->queue.next, request, link);
		if (b->count + r->count > ALLOCATOR_BATCH_MAX || shares_key(a, r) || !may_join(b, r))
			break;
		prepare(a, b, r, now_unix_ms);
	}
	if (b->count == 0) {
		free_batch(a, b);
		return NULL;
	}
	a->hope_wait -= a->hope_wait > 0;
	sot_list_push(&a->batches, &b->link);
	return b;
}

/* Back to the front of the queue. */
static void try_again(allocator *a, request *r)
{
	if (++r->tries > ALLOCATOR_TRIES_MAX)
		fail(a, r, SOT_REFUSAL_UNAVAILABLE, "other writers were faster too often; try again");
	else
		enqueue(a, r, true);
}

/* A candidate that did not come back is somebody's: whoever wrote it may write the next ones too.
 */
static bool drop_lost(allocator *a, request *r)
{
	bool any = false;
	for (size_t i = 0; i < r->count; i++) {
		request_item *item = &r->items[i];
		if (!item->has_pick)
			continue;
		item->has_pick = false;
		any = true;
		address_pool_jump(item->pick_from->pool, sot_rand_u64(&a->rand));
		if (r->tries % REREAD_TRIES == REREAD_TRIES - 1) {
			subnet_distrust(item->pick_from);
			a->plan_is_stale = true;
		}
	}
	return any;
}

/* Of one VLAN, whichever of its pools is asked for: what is held stays when a pool is cut
 * otherwise, or the owner asks for another one. */
static bool is_of_vlan(const char *wanted, const plan_vlan *v)
{
	size_t n = strlen(v->name);
	return strncmp(wanted, v->name, n) == 0 && (wanted[n] == '\0' || wanted[n] == '/');
}

/* What an owner holds in another VLAN than it asks for stays there: who asks has mixed them up. */
static bool is_elsewhere(allocator *a, const request *r, char *text, size_t text_size)
{
	for (size_t i = 0; i < r->count; i++) {
		const request_item *item = &r->items[i];
		const subnet *in = item->done ? plan_find_subnet(a->plan, item->subnet_id) : NULL;
		if (!in || is_of_vlan(item->vlan, in->vlan))
			continue;
		char owner[SOT_UUID_TEXT], address[SOT_IP_TEXT];
		(void)snprintf(text, text_size,
		    "owner %s holds %s of VLAN %s on interface %u and cannot get another one of VLAN %s",
		    sot_uuid_format(item->owner, owner), sot_ip_format(item->address, address),
		    in->vlan->name, item->nic, item->vlan);
		return true;
	}
	return false;
}

/* A dispensable item that was only looked for and is not held is not missed. */
static void give_up_dispensable(request *r)
{
	for (size_t i = 0; i < r->count; i++) {
		request_item *item = &r->items[i];
		if (item->is_dispensable && !item->done && !item->has_pick)
			item->is_asked = false;
	}
}

static void end_committed(allocator *a, request *r)
{
	char text[300];
	if (r->kind != REQUEST_ACQUIRE) {
		answer(a, r);
		return;
	}
	if (is_fenced(a, r)) {
		fail_fenced(a, r);
		return;
	}
	if (is_elsewhere(a, r, text, sizeof(text))) {
		(void)drop_lost(a, r);
		fail(a, r, SOT_REFUSAL_CONFLICT, text);
		return;
	}
	if (!r->is_probe)
		give_up_dispensable(r);
	if (is_complete(r)) {
		answer(a, r);
		return;
	}
	r->was_probed = r->is_probe;
	if (!r->is_probe)
		(void)drop_lost(a, r);
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

static void forget_keys(allocator *a, const batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		item_key key = request_key(b->slots[i].item);
		if (sot_map_get(a->keys, key.b, sizeof(key.b)) == &b->slots[i])
			(void)sot_map_remove(a->keys, key.b, sizeof(key.b));
	}
}

/* A disappointed batch was for nothing: where every one would be, one in HOPE_PRICE_MAX is. */
static void learn(allocator *a, const batch *b, sot_code outcome)
{
	if (b->new_count == 0)
		return;
	if (outcome == SOT_OK) {
		a->hope_price /= 2;
	} else if (outcome == SOT_CONFLICT) {
		a->hope_price = a->hope_price ? a->hope_price * 2 : 1;
		if (a->hope_price > HOPE_PRICE_MAX)
			a->hope_price = HOPE_PRICE_MAX;
		a->hope_wait = a->hope_price;
	}
}

void allocator_end_batch(allocator *a, batch *b, sot_code outcome, const char *why)
{
	forget_keys(a, b);
	learn(a, b, outcome);
	/* From the last to the first: each goes to the front of the queue. */
	for (size_t i = b->count; i > 0; i--) {
		if (is_first_of(&b->slots[i - 1]))
			end_one(a, b->slots[i - 1].request, outcome, why);
	}
	free_batch(a, b);
}
