#include "gw_map.h"

#include <string.h>

#define GATEWAY_PARTNERS 2

typedef struct walk {
	const gw_map_subnet *subnet;
	const gw_map_range *ranges;
	size_t range_count;
	bool has_pools;
	gw_map_run open; /* state NULL: none yet */
	gw_map_emit_fn emit;
	void *self;
} walk;

static bool is_between(sot_ip ip, sot_ip first, sot_ip last)
{
	return sot_ip_cmp(ip, first) >= 0 && sot_ip_cmp(ip, last) <= 0;
}

static sot_ip before(sot_ip ip)
{
	for (unsigned i = sot_ip_bits(ip) / 8; i-- > 0;)
		if (ip.b[i]-- != 0)
			break;
	return ip;
}

static sot_ip last_gateway(const gw_map_subnet *s)
{
	return s->redundant_gateway ? sot_ip_add(s->gateway, GATEWAY_PARTNERS) : s->gateway;
}

static bool is_in_range(const walk *w, sot_ip ip, gw_range_kind kind)
{
	for (size_t i = 0; i < w->range_count; i++)
		if (w->ranges[i].kind == kind && is_between(ip, w->ranges[i].first, w->ranges[i].last))
			return true;
	return false;
}

/* What an address without a row is. */
static const char *state_of(const walk *w, sot_ip ip)
{
	const gw_map_subnet *s = w->subnet;
	if (!sot_ip_is_none(s->gateway) && is_between(ip, s->gateway, last_gateway(s)))
		return "gateway";
	if (is_in_range(w, ip, GW_RANGE_EXCLUDED))
		return "barred";
	if (is_in_range(w, ip, GW_RANGE_RESERVED))
		return "kept";
	bool is_in_pool = !w->has_pools || is_in_range(w, ip, GW_RANGE_POOL) ||
	                  is_in_range(w, ip, GW_RANGE_NAMED_POOL);
	if (!is_between(ip, s->first, s->last) || !is_in_pool)
		return "outside";
	return "free";
}

/* Lowers *end to `edge` - 1 when that lies at or after `from`. */
static void cut_before(sot_ip from, sot_ip edge, sot_ip *end)
{
	if (sot_ip_cmp(edge, from) > 0 && sot_ip_cmp(edge, *end) <= 0)
		*end = before(edge);
}

static void cut_after(sot_ip from, sot_ip edge, sot_ip *end)
{
	if (sot_ip_cmp(edge, from) >= 0 && sot_ip_cmp(edge, *end) < 0)
		*end = edge;
}

/* The last address up to which everything from `from` on is of one state. */
static sot_ip end_of_state(const walk *w, sot_ip from, sot_ip last)
{
	const gw_map_subnet *s = w->subnet;
	sot_ip end = last;
	cut_before(from, s->first, &end);
	cut_after(from, s->last, &end);
	if (!sot_ip_is_none(s->gateway)) {
		cut_before(from, s->gateway, &end);
		cut_after(from, last_gateway(s), &end);
	}
	for (size_t i = 0; i < w->range_count; i++) {
		cut_before(from, w->ranges[i].first, &end);
		cut_after(from, w->ranges[i].last, &end);
	}
	return end;
}

/* Neighbours of one state become one run. */
static void add(walk *w, sot_ip first, sot_ip last, const char *state)
{
	if (w->open.state != NULL && strcmp(w->open.state, state) == 0) {
		w->open.last = last;
		return;
	}
	if (w->open.state != NULL)
		w->emit(w->self, &w->open);
	w->open = (gw_map_run){first, last, state};
}

static void add_unheld(walk *w, sot_ip from, sot_ip last)
{
	while (sot_ip_cmp(from, last) <= 0) {
		sot_ip end = end_of_state(w, from, last);
		add(w, from, end, state_of(w, from));
		if (sot_ip_eq(end, last))
			return;
		from = sot_ip_add(end, 1);
	}
}

void gw_map_walk(const gw_map_subnet *subnet, const gw_map_range *ranges, size_t range_count,
    const gw_map_run *held, size_t held_count, gw_map_emit_fn emit, void *self)
{
	walk w = {
	    .subnet = subnet, .ranges = ranges, .range_count = range_count, .emit = emit, .self = self};
	sot_ip at = subnet->network, end = sot_ip_last(subnet->network, subnet->prefix);
	for (size_t i = 0; i < range_count; i++)
		w.has_pools = w.has_pools || ranges[i].kind == GW_RANGE_POOL;
	for (size_t i = 0; i < held_count; i++) {
		if (sot_ip_cmp(at, held[i].first) < 0)
			add_unheld(&w, at, before(held[i].first));
		add(&w, held[i].first, held[i].last, held[i].state);
		if (sot_ip_eq(held[i].last, end)) {
			w.emit(w.self, &w.open);
			return;
		}
		at = sot_ip_add(held[i].last, 1);
	}
	add_unheld(&w, at, end);
	w.emit(w.self, &w.open);
}
