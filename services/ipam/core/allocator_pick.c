/* allocator_pick - candidates for the wants of a request, and the words when there is none. */
#include "allocator_internal.h"

#include <inttypes.h>
#include <string.h>

static void put_back(request_item *item)
{
	if (item->has_pick)
		address_pool_put_back(item->pick_from->pool, item->pick);
	item->has_pick = false;
}

void put_all_back(request *r)
{
	for (size_t i = 0; i < r->count; i++)
		put_back(&r->items[i]);
}

static bool serves(const subnet *s, bool is_v6)
{
	return s->is_open && subnet_is_v6(s) == is_v6;
}

static bool can_give(const subnet *s, int64_t now_unix_ms)
{
	return address_pool_free_count(s->pool) > 0 ||
	       (address_pool_cooling_count(s->pool) > 0 &&
	           address_pool_next_cooled_unix_ms(s->pool) <= now_unix_ms);
}

/* Smooth weighted round robin among those of the lowest rank that can give one. */
static subnet *choose_subnet(const plan_vlan *v, bool is_v6, int64_t now_unix_ms)
{
	subnet *best = NULL;
	int64_t total = 0;
	for (size_t i = 0; i < v->subnet_count; i++) {
		subnet *s = v->subnets[i];
		if (best && s->rank != best->rank)
			break;
		if (!serves(s, is_v6) || !can_give(s, now_unix_ms))
			continue;
		s->credit += s->weight;
		total += s->weight;
		if (!best || s->credit > best->credit)
			best = s;
	}
	if (best)
		best->credit -= total;
	return best;
}

/* The one whose first cooling address was released before all others. */
static subnet *choose_coldest(const plan_vlan *v, bool is_v6)
{
	subnet *best = NULL;
	for (size_t i = 0; i < v->subnet_count; i++) {
		subnet *s = v->subnets[i];
		if (!serves(s, is_v6) || address_pool_cooling_count(s->pool) == 0)
			continue;
		if (!best || address_pool_oldest_unix_ms(s->pool) < address_pool_oldest_unix_ms(best->pool))
			best = s;
	}
	return best;
}

static bool pick_one(const allocator *a, const plan_vlan *v, int64_t now_unix_ms, bool may_be_early,
    request_item *item)
{
	subnet *from = choose_subnet(v, item->is_v6, now_unix_ms);
	item->is_early = false;
	if (from) {
		item->has_pick = address_pool_pick(from->pool, now_unix_ms, &item->pick);
	} else if (may_be_early) {
		from = choose_coldest(v, item->is_v6);
		item->has_pick = item->is_early =
		    from && address_pool_pick_early(from->pool, now_unix_ms - a->floor_ms, &item->pick);
	}
	item->pick_from = from;
	return item->has_pick;
}

static pick_result pick_item(allocator *a, request_item *item, int64_t now_unix_ms)
{
	const plan_vlan *v = plan_find_vlan(a->plan, sot_str_c(item->vlan));
	item->is_asked = false;
	if (!v)
		return NO_VLAN;
	/* Of IPv6 no more is asked for than there is; what is held stays held in a closed subnet. */
	if (item->is_dispensable && !vlan_has_family(v, item->is_v6, false))
		return PICKED;
	item->is_asked = true;
	if (item->has_pick || pick_one(a, v, now_unix_ms, true, item))
		return PICKED;
	if (item->is_dispensable && !vlan_has_family(v, item->is_v6, true))
		return PICKED;
	return vlan_has_family(v, item->is_v6, false) ? NO_ADDRESS : NO_SUBNET;
}

pick_result pick_all(allocator *a, request *r, int64_t now_unix_ms, const request_item **ret_short)
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

sot_code allocator_take_free(allocator *a, sot_str vlan_name, bool is_v6, int64_t now_unix_ms,
    sot_ip *ret, sot_uuid *ret_subnet, sot_err *err)
{
	request_item item = {.is_v6 = is_v6};
	const plan_vlan *v = a->plan ? plan_find_vlan(a->plan, vlan_name) : NULL;
	if (!v)
		return sot_fail(err, SOT_NOT_FOUND, "there is no VLAN %.*s", SOT_ARG(vlan_name));
	char words[PLAN_WORDS_MAX];
	if (!pick_one(a, v, now_unix_ms, false, &item))
		return sot_fail(err, SOT_LIMIT, "%s has no free IPv%d address",
		    plan_ref_words(v->name, words), is_v6 ? 6 : 4);
	*ret = item.pick.address;
	*ret_subnet = item.pick_from->id;
	return SOT_OK;
}

/* ---- the words ---- */

/* now 0: without the time that cooling takes. */
static void describe_subnet(const subnet *s, int64_t now_unix_ms, sot_buf *out)
{
	char text[SUBNET_PLAN_TEXT];
	sot_buf_printf(out, " %s", subnet_plan_format(&s->plan, text));
	if (!s->is_open) {
		sot_buf_add_c(out, " (closed)");
		return;
	}
	sot_buf_printf(out, " (%" PRIu64 " addresses: %" PRIu64 " free", address_pool_size(s->pool),
	    address_pool_free_count(s->pool));
	for (int state = 0; state < ADDRESS_STATES; state++) {
		bool is_cooling = state == ADDRESS_COOLING;
		uint64_t count = is_cooling ? address_pool_cooling_count(s->pool) : s->counts[state];
		if (count == 0)
			continue;
		sot_buf_printf(out, ", %" PRIu64 " %s", count, address_state_name((address_state)state));
		int64_t wait_ms = address_pool_next_cooled_unix_ms(s->pool) - now_unix_ms;
		if (is_cooling && now_unix_ms > 0)
			sot_buf_printf(out, ", the next is free in %" PRId64 " s",
			    wait_ms > 0 ? (wait_ms + 999) / 1000 : 0);
	}
	sot_buf_add_char(out, ')');
}

void allocator_describe_use(const plan_vlan *v, sot_buf *out)
{
	for (size_t i = 0; i < v->subnet_count; i++) {
		if (!subnet_is_v6(v->subnets[i]))
			describe_subnet(v->subnets[i], 0, out);
	}
}

static void describe_shortage(const allocator *a, const request *r, const request_item *item,
    int64_t now_unix_ms, sot_buf *out)
{
	const plan_vlan *v = plan_find_vlan(a->plan, sot_str_c(item->vlan));
	size_t wanted = 0, left_out = 0;
	for (size_t i = 0; i < r->count; i++)
		wanted += r->items[i].is_v6 == item->is_v6 && strcmp(r->items[i].vlan, item->vlan) == 0;
	char words[PLAN_WORDS_MAX];
	sot_buf_printf(out,
	    "%s has no free IPv%d address for %zu wanted; tried:", plan_ref_words(item->vlan, words),
	    item->is_v6 ? 6 : 4, wanted);
	for (size_t i = 0; v && i < v->subnet_count; i++) {
		if (subnet_is_v6(v->subnets[i]) != item->is_v6)
			continue;
		if (out->n > ALLOCATOR_TEXT_MAX - 320)
			left_out++;
		else
			describe_subnet(v->subnets[i], now_unix_ms, out);
	}
	if (left_out > 0)
		sot_buf_printf(out, " and %zu more", left_out);
	sot_buf_add_c(out, ". Retire instances, add a subnet or widen a pool.");
}

void describe_refusal(const allocator *a, const request *r, const request_item *item,
    pick_result why, int64_t now_unix_ms, sot_buf *out)
{
	char words[PLAN_WORDS_MAX];
	plan_ref_words(item->vlan, words);
	if (why == NO_VLAN)
		sot_buf_printf(out, "there is no %s", words);
	else if (why == NO_SUBNET)
		sot_buf_printf(out, "%s has no IPv%d %s: its instances need one; add it", words,
		    item->is_v6 ? 6 : 4, strchr(item->vlan, '/') ? "range" : "subnet");
	else
		describe_shortage(a, r, item, now_unix_ms, out);
}

void reread_short(allocator *a, const request_item *item, int64_t now_unix_ms)
{
	const plan_vlan *v = plan_find_vlan(a->plan, sot_str_c(item->vlan));
	for (size_t i = 0; v && i < v->subnet_count; i++) {
		subnet *s = v->subnets[i];
		if (serves(s, item->is_v6) && now_unix_ms - subnet_read_unix_ms(s) > ALLOCATOR_REREAD_MS) {
			subnet_distrust(s);
			a->plan_is_stale = true;
		}
	}
}
