/* allocator_load - the allocator's memory of what is in the database. */
#include "allocator_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void allocator_load_begin(allocator *a)
{
	assert(a->batches_out == 0);
	plan_free(a->loading);
	a->loading = plan_new();
	a->is_loaded = false;
}

address_plan *allocator_load_plan(allocator *a)
{
	return a->loading;
}

/* Candidates go back into the pools that are about to move. */
static void drop_candidates(allocator *a)
{
	for (sot_link *l = a->queue.next; l != &a->queue; l = l->next)
		put_all_back(SOT_CONTAINER(l, request, link));
}

void allocator_load_plan_end(allocator *a)
{
	drop_candidates(a);
	plan_finish(a->loading, a->rows_are_distrusted ? NULL : a->plan);
	plan_free(a->plan);
	a->plan = SOT_TAKE(a->loading);
	size_t count = plan_subnet_count(a->plan);
	free(a->rows_wanted);
	a->rows_wanted = sot_alloc_array(count ? count : 1, sizeof(*a->rows_wanted));
	a->rows_wanted_count = 0;
	for (size_t i = 0; i < count; i++) {
		const subnet *s = plan_subnet_at(a->plan, i);
		if (s->needs_rows)
			a->rows_wanted[a->rows_wanted_count++] = s->id;
	}
	/* What changes from here on is seen by the next reading. */
	a->plan_is_stale = a->rows_are_distrusted = false;
}

const sot_uuid *allocator_load_rows_wanted(const allocator *a, size_t *ret_count)
{
	*ret_count = a->rows_wanted_count;
	return a->rows_wanted;
}

/* The subnet whose rows come, and their state. */
static sot_code find_held(const allocator *a, sot_uuid subnet_id, sot_str state, subnet **ret,
    address_state *ret_state, sot_err *err)
{
	*ret = plan_find_subnet(a->plan, subnet_id);
	if (!*ret)
		return sot_fail(err, SOT_INVALID, "an address of a subnet that was not read");
	if (!address_state_parse(state, ret_state) || *ret_state == ADDRESS_COOLING)
		return sot_fail(
		    err, SOT_INVALID, "'%.*s' is no state of an address that is held", SOT_ARG(state));
	return SOT_OK;
}

static void hold(subnet *s, sot_ip address, address_state state)
{
	subnet *part = subnet_part(s, address);
	address_pool_use(part->pool, address);
	part->counts[state]++;
}

sot_code allocator_load_word(allocator *a, sot_uuid subnet_id, sot_str state_word, uint32_t first,
    uint64_t bits, sot_err *err)
{
	address_state state;
	subnet *s = NULL;
	sot_code code = find_held(a, subnet_id, state_word, &s, &state, err);
	for (uint64_t left = bits; code == SOT_OK && left != 0; left &= left - 1)
		hold(s, sot_ip_from_v4(first + (uint32_t)__builtin_ctzll(left)), state);
	return code;
}

sot_code allocator_load_held(
    allocator *a, sot_uuid subnet_id, sot_str state_word, sot_str addresses, sot_err *err)
{
	address_state state;
	subnet *s = NULL;
	sot_str rest = addresses;
	sot_code code = find_held(a, subnet_id, state_word, &s, &state, err);
	while (code == SOT_OK && rest.n > 0) {
		sot_ip address;
		code = sot_ip_parse(sot_str_cut(rest, ' ', &rest), &address, err);
		if (code == SOT_OK)
			hold(s, address, state);
	}
	return code;
}

sot_code allocator_load_cooling(allocator *a, sot_uuid subnet_id, sot_ip address,
    int64_t released_unix_ms, int64_t free_after_unix_ms, sot_err *err)
{
	subnet *s = plan_find_subnet(a->plan, subnet_id);
	if (!s)
		return sot_fail(err, SOT_INVALID, "a cooling address of a subnet that was not read");
	address_pool_cool(subnet_part(s, address)->pool, address, released_unix_ms, free_after_unix_ms);
	return SOT_OK;
}

void allocator_load_end(allocator *a, int64_t now_unix_ms)
{
	for (size_t i = 0; i < a->rows_wanted_count; i++) {
		subnet *s = plan_find_subnet(a->plan, a->rows_wanted[i]);
		s->needs_rows = false;
		s->read_unix_ms = now_unix_ms;
	}
	a->rows_wanted_count = 0;
	a->is_loaded = true;
}

bool allocator_is_loaded(const allocator *a)
{
	return a->is_loaded;
}

bool allocator_needs_load(const allocator *a)
{
	return !a->is_loaded || a->plan_is_stale || a->rows_are_distrusted;
}

void allocator_plan_changed(allocator *a)
{
	a->plan_is_stale = true;
}

void allocator_distrust(allocator *a)
{
	a->rows_are_distrusted = true;
}

const address_plan *allocator_plan(const allocator *a)
{
	return a->plan;
}

/* ---- one row, changed by somebody else ---- */

static subnet *home_of(allocator *a, uint16_t vrf, sot_ip address)
{
	return a->plan ? subnet_part(plan_find_home(a->plan, vrf, address), address) : NULL;
}

void allocator_note_used(allocator *a, uint16_t vrf, sot_ip address, address_state state)
{
	subnet *s = home_of(a, vrf, address);
	if (!s)
		return;
	address_pool_use(s->pool, address);
	s->counts[state]++;
}

void allocator_note_free(allocator *a, uint16_t vrf, sot_ip address)
{
	subnet *s = home_of(a, vrf, address);
	if (s)
		address_pool_release(s->pool, address);
}

void allocator_note_cooling(allocator *a, uint16_t vrf, sot_ip address, address_state before,
    int64_t released_unix_ms, int64_t free_after_unix_ms)
{
	subnet *s = home_of(a, vrf, address);
	if (!s)
		return;
	address_pool_cool(s->pool, address, released_unix_ms, free_after_unix_ms);
	if (before != ADDRESS_COOLING && s->counts[before] > 0)
		s->counts[before]--;
}
