/* allocator_vlans - what placement sees: each VLAN with what is free, by versions. */
#include "allocator_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GONE_MAX = 1024 }; /* more than that are forgotten, and everybody is told everything anew */

void allocator_set_version(allocator *a, uint64_t version)
{
	a->first_version = a->version = version;
}

/* FNV-1a. */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
static uint64_t digest(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t allocator_settings(const plan_vlan *v)
{
	uint64_t hash = digest(FNV_BASIS, &v->mtu, sizeof(v->mtu));
	hash = digest(hash, &v->isolated, sizeof(v->isolated));
	hash = digest(hash, v->dns_zone, strlen(v->dns_zone) + 1);
	for (size_t i = 0; i < v->subnet_count; i++) {
		const subnet *s = v->subnets[i];
		hash = digest(hash, s->plan.gateway.b, sizeof(s->plan.gateway.b));
		for (size_t k = 0; k < s->dns_count; k++)
			hash = digest(hash, s->dns[k].b, sizeof(s->dns[k].b));
	}
	return hash >> 1;
}

static uint64_t facts_of(const plan_vlan *v)
{
	uint64_t hash = digest(FNV_BASIS, v->group, strlen(v->group) + 1);
	hash = digest(hash, &v->vlan_id, sizeof(v->vlan_id));
	for (size_t i = 0; i < v->scope_count; i++) {
		hash = digest(hash, &v->scopes[i].kind, sizeof(v->scopes[i].kind));
		hash = digest(hash, v->scopes[i].name, strlen(v->scopes[i].name) + 1);
	}
	uint64_t settings = allocator_settings(v);
	return digest(hash, &settings, sizeof(settings));
}

static uint64_t counts_of(const plan_vlan *v)
{
	uint64_t hash = FNV_BASIS;
	for (size_t i = 0; i < v->subnet_count; i++) {
		const subnet *s = v->subnets[i];
		uint64_t cooling = address_pool_cooling_count(s->pool);
		hash = digest(hash, s->counts, sizeof(s->counts));
		hash = digest(hash, &cooling, sizeof(cooling));
	}
	return hash;
}

static vlan_news news_of(const allocator *a, const plan_vlan *v, int64_t now_unix_ms)
{
	vlan_news news = {.vlan = v, .facts = facts_of(v), .has_v6 = vlan_has_family(v, true, true)};
	(void)snprintf(news.name, sizeof(news.name), "%s", v->name);
	for (size_t i = 0; i < v->subnet_count; i++) {
		const subnet *s = v->subnets[i];
		if (!s->is_open)
			continue;
		uint64_t ready = address_pool_ready_count(s->pool, now_unix_ms - a->floor_ms);
		if (subnet_is_v6(s))
			news.free_v6 += ready;
		else
			news.free_v4 += ready;
	}
	if (news.free_v4 == 0)
		news.counts = counts_of(v);
	return news;
}

static bool is_same(const vlan_news *x, const vlan_news *y)
{
	return x->vlan && y->vlan && x->facts == y->facts && x->has_v6 == y->has_v6 &&
	       x->free_v4 == y->free_v4 && x->free_v6 == y->free_v6 && x->counts == y->counts;
}

static void see_vlan(allocator *a, const plan_vlan *v, int64_t now_unix_ms)
{
	vlan_news news = news_of(a, v, now_unix_ms);
	vlan_news *known = sot_map_get_c(a->news, v->name);
	if (!known) {
		known = sot_alloc(sizeof(*known));
		sot_map_set(a->news, v->name, strlen(v->name), known);
	}
	news.version = is_same(known, &news) ? known->version : ++a->version;
	*known = news;
}

static void see_gone(allocator *a)
{
	size_t gone = 0;
	sot_map_iter it = {0};
	for (vlan_news *news = sot_map_next(a->news, &it, NULL); news;
	     news = sot_map_next(a->news, &it, NULL)) {
		bool is_there = plan_find_vlan(a->plan, sot_str_c(news->name));
		if (news->vlan && !is_there) {
			news->vlan = NULL;
			news->version = ++a->version;
		}
		gone += !is_there;
	}
	if (gone <= GONE_MAX)
		return;
	it = (sot_map_iter){0};
	for (vlan_news *news = sot_map_next(a->news, &it, NULL); news;
	     news = sot_map_next(a->news, &it, NULL)) {
		if (news->vlan)
			continue;
		(void)sot_map_remove(a->news, news->name, strlen(news->name));
		free(news);
	}
	a->first_version = ++a->version;
}

static int compare_versions(const void *a, const void *b)
{
	const vlan_news *const *x = a, *const *y = b;
	return ((*x)->version > (*y)->version) - ((*x)->version < (*y)->version);
}

static void tell(const allocator *a, uint64_t after, bool is_full, vlan_news_fn fn, void *self)
{
	const vlan_news **list = sot_alloc_array(sot_map_count(a->news) + 1, sizeof(*list));
	size_t count = 0;
	sot_map_iter it = {0};
	for (const vlan_news *news = sot_map_next(a->news, &it, NULL); news;
	     news = sot_map_next(a->news, &it, NULL)) {
		if (is_full ? news->vlan != NULL : news->version > after)
			list[count++] = news;
	}
	qsort(list, count, sizeof(*list), compare_versions);
	for (size_t i = 0; i < count; i++)
		fn(self, list[i]);
	free(list);
}

uint64_t allocator_vlans(
    allocator *a, uint64_t after, int64_t now_unix_ms, vlan_news_fn fn, void *self, bool *ret_full)
{
	for (size_t i = 0; a->plan && i < plan_vlan_count(a->plan); i++)
		see_vlan(a, plan_vlan_at(a->plan, i), now_unix_ms);
	if (a->plan)
		see_gone(a);
	*ret_full = after < a->first_version || after > a->version;
	tell(a, after, *ret_full, fn, self);
	return a->version;
}
