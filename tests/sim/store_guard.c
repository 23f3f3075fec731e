#include "store_guard.h"

#include <string.h>

typedef struct tables {
	const sot_map *hosts, *apps, *instances;
	const placed_row *placed;
	size_t count;
} tables;

static const host_row *place_of(const tables *t, const instance_row *i)
{
	return sot_map_get_uuid(t->hosts, sot_uuid_is_zero(i->moving_to) ? i->host_id : i->moving_to);
}

static bool is_same_domain(const host_row *a, const host_row *b, int level)
{
	bool az = strcmp(a->az, b->az) == 0;

	if (level == SOT_SPREAD_LEVEL_AZ)
		return az;
	return level == SOT_SPREAD_LEVEL_RACK ? az && strcmp(a->rack, b->rack) == 0
	                                      : sot_uuid_eq(a->id, b->id);
}

/* Instances of the app in the domain of `at`: those that stay, or also those that leave. */
static uint32_t count_there(
    const tables *t, sot_uuid app_id, const host_row *at, int level, bool staying)
{
	sot_map_iter it = {0};
	const instance_row *i;
	uint32_t n = 0;

	while ((i = sot_map_next(t->instances, &it, NULL))) {
		if (i->state == INSTANCE_RETIRED || !sot_uuid_eq(i->make->app_id, app_id))
			continue;
		const host_row *from = sot_map_get_uuid(t->hosts, i->host_id);
		const host_row *to = sot_map_get_uuid(t->hosts, i->moving_to);
		/* One that moves counts where it goes. */
		n += from && !to && is_same_domain(from, at, level) &&
		     !(staying && i->desired == SOT_DESIRED_STATE_RETIRED);
		n += to && is_same_domain(to, at, level) &&
		     !(staying && i->desired == SOT_DESIRED_STATE_RETIRED);
	}
	return n;
}

/* The most that memory allowed of the app in this domain, at any of its placements there. */
static uint32_t allowed(const tables *t, sot_uuid app_id, const host_row *at, int level)
{
	uint32_t most = 0;

	for (size_t k = 0; k < t->count; k++) {
		const instance_row *i = sot_map_get_uuid(t->instances, t->placed[k].instance_id);
		const host_row *h = i ? place_of(t, i) : NULL;
		if (h && sot_uuid_eq(i->make->app_id, app_id) && is_same_domain(h, at, level) &&
		    t->placed[k].most[level] > most)
			most = t->placed[k].most[level];
	}
	return most;
}

static sot_code check_spread(const tables *t, const app_row *a, const host_row *at, sot_err *err)
{
	for (int level = 0; level < LEVELS; level++) {
		uint32_t most = allowed(t, a->id, at, level), own = a->placement.spread[level].max_count;
		if (own > 0 && own < most)
			most = own;
		if (most >= INT32_MAX)
			continue;
		uint32_t there = count_there(t, a->id, at, level, true);
		if (there > most)
			return sot_fail(err, SOT_CONFLICT, "placement_rules: %u of %s in one %s, at most %u",
			    there, a->name, sot_spread_level_name((enum sot_spread_level)level), most);
	}
	return SOT_OK;
}

static bool shares(const app_row *a, const app_row *b)
{
	enum sot_exclusive x = a->placement.exclusive;

	if (x != b->placement.exclusive)
		return false;
	if (x == SOT_EXCLUSIVE_APP)
		return sot_uuid_eq(a->id, b->id);
	if (x == SOT_EXCLUSIVE_TEAM)
		return strcmp(a->team, b->team) == 0;
	return x == SOT_EXCLUSIVE_NONE || a->placement.workload == b->placement.workload;
}

static sot_code check_company(const tables *t, const app_row *a, const host_row *at, sot_err *err)
{
	sot_map_iter it = {0};
	const instance_row *i;

	while ((i = sot_map_next(t->instances, &it, NULL))) {
		const app_row *other = sot_map_get_uuid(t->apps, i->make->app_id);
		bool there = sot_uuid_eq(i->host_id, at->id) || sot_uuid_eq(i->moving_to, at->id);
		if (i->state != INSTANCE_RETIRED && there && other && !shares(a, other))
			return sot_fail(err, SOT_CONFLICT, "placement_rules: %s shares %s with exclusive %s",
			    a->name, at->name, other->name);
	}
	return SOT_OK;
}

static bool has_word(const char *words, sot_str wanted)
{
	sot_str rest = sot_str_c(words), word;

	while (words_next(&rest, &word)) {
		if (sot_str_eq(word, wanted))
			return true;
	}
	return false;
}

/* The zones that an app is pinned to, and what the host repels: not in the database's guard, which
 * counts; here, because it is cheap to see. */
static sot_code check_words(const app_row *a, const host_row *at, sot_err *err)
{
	const char *zones = a->placement.tags[TAGS_ZONES];
	sot_str rest = sot_str_c(at->repels), word;

	if (zones[0] && !has_word(zones, sot_str_c(at->az)))
		return sot_fail(err, SOT_CONFLICT, "%s is in zone %s, not in %s", a->name, at->az, zones);
	while (words_next(&rest, &word)) {
		if (!has_word(a->placement.tags[TAGS_TOLERATED], word))
			return sot_fail(err, SOT_CONFLICT, "%s is on %s, which repels %.*s", a->name, at->name,
			    SOT_ARG(word));
	}
	return SOT_OK;
}

static sot_code check_apart(
    const tables *t, const app_row *placed, const host_row *at, sot_err *err)
{
	sot_map_iter it = {0};
	const app_row *a;

	while ((a = sot_map_next(t->apps, &it, NULL))) {
		for (size_t k = 0; k < a->placement.relation_count; k++) {
			const relation_row *r = &a->placement.relations[k];
			sot_map_iter others = {0};
			const app_row *b;
			while ((b = sot_map_next(t->apps, &others, NULL)) && strcmp(b->name, r->app) != 0) {
			}
			if (r->kind != SOT_RELATION_KIND_APART || !b || (placed != a && placed != b))
				continue;
			if (count_there(t, a->id, at, (int)r->level, false) > 0 &&
			    count_there(t, b->id, at, (int)r->level, false) > r->count)
				return sot_fail(err, SOT_CONFLICT, "placement_rules: more than %u of %s beside %s",
				    r->count, b->name, a->name);
		}
	}
	return SOT_OK;
}

sot_code store_guard_check(const sot_map *hosts, const sot_map *apps, const sot_map *instances,
    const placed_row *placed, size_t count, sot_err *err)
{
	tables t = {hosts, apps, instances, placed, count};
	sot_code code = SOT_OK;

	for (size_t k = 0; k < count && code == SOT_OK; k++) {
		const instance_row *i = sot_map_get_uuid(instances, placed[k].instance_id);
		if (!i || i->state == INSTANCE_RETIRED)
			continue;
		const app_row *a = sot_map_get_uuid(apps, i->make->app_id);
		const host_row *at = place_of(&t, i);
		if (!a || !at)
			continue;
		code = check_words(a, at, err);
		if (code == SOT_OK)
			code = check_spread(&t, a, at, err);
		if (code == SOT_OK)
			code = check_company(&t, a, at, err);
		if (code == SOT_OK)
			code = check_apart(&t, a, at, err);
	}
	return code;
}
