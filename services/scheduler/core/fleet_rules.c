/* Placement rules as the placer has them: words become numbers, names become handles. */
#include "fleet_internal.h"

#include <stdlib.h>
#include <string.h>

#include "placer.h"

enum { TAG_LIMIT = 128, ZONE_KEY = 34 };

_Static_assert((int)PLACER_WORKLOADS == (int)WORKLOADS, "one kind of work per class of the placer");
_Static_assert((int)SOT_EXCLUSIVE_WORKLOAD == (int)PLACER_EXCLUSIVE_WORKLOAD &&
                   (int)SOT_EXCLUSIVE_TEAM == (int)PLACER_EXCLUSIVE_TEAM,
    "the words of the protocol are in the placer's order");
_Static_assert((int)SOT_SPREAD_LEVEL_HOST == (int)PLACER_HOST && (int)LEVELS == (int)PLACER_LEVELS,
    "levels are in the placer's order");
_Static_assert((int)SOT_RELATION_KIND_PREFER_TOGETHER == (int)PLACER_PREFER_TOGETHER,
    "kinds of relations are in the placer's order");

void fleet_rules_init(controller *c)
{
	c->fleet.tags = sot_map_new();
	c->fleet.teams = sot_map_new();
	c->fleet.named = sot_map_new();
	c->fleet.catalog = 1;
}

/* ---- tags ---- */

static void tag_add(placer_tags *tags, uint32_t number)
{
	tags->bits[number / 64] |= 1ull << (number % 64);
}

/* A zone as a tag; '@' is in no tag's alphabet. */
static size_t zone_key(sot_str zone, char dst[static ZONE_KEY])
{
	size_t n = zone.n < ZONE_KEY - 1 ? zone.n : ZONE_KEY - 1;

	dst[0] = '@';
	memcpy(dst + 1, zone.p, n);
	return n + 1;
}

void fleet_mark_host(controller *c, host *h)
{
	if (sot_list_empty(&h->stale))
		sot_list_push(&c->fleet.hosts, &h->stale);
}

static void mark_all_hosts(controller *c)
{
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next)
		fleet_mark_host(c, SOT_CONTAINER(l, host, all));
}

/* Only words that a rule names have a number. fleet_can_name has kept them below the limit. */
static uint32_t tag_number(controller *c, const char *key, size_t n)
{
	bool is_new;
	fleet_item *tag = fleet_item_of(c->fleet.tags, key, n, &is_new);

	if (is_new) {
		size_t known = sot_map_count(c->fleet.tags);
		tag->handle = (uint32_t)(known <= TAG_LIMIT ? known - 1 : TAG_LIMIT - 1);
		mark_all_hosts(c);
	}
	return tag->handle;
}

static void add_words(controller *c, const char *words, placer_tags *tags)
{
	sot_str rest = sot_str_c(words), word;

	while (words_next(&rest, &word))
		tag_add(tags, tag_number(c, word.p, word.n));
}

static void add_known(const controller *c, const char *key, size_t n, placer_tags *tags)
{
	const fleet_item *tag = sot_map_get(c->fleet.tags, key, n);

	if (tag)
		tag_add(tags, tag->handle);
}

void fleet_host_tags(controller *c, const host_row *row, placer_host_spec *spec)
{
	char zone[ZONE_KEY];

	sot_str rest = sot_str_c(row->tags), tag;

	while (words_next(&rest, &tag))
		add_known(c, tag.p, tag.n, &spec->tags);
	add_known(c, zone, zone_key(sot_str_c(row->az), zone), &spec->tags);
	add_words(c, row->repels, &spec->repels);
}

bool fleet_can_name(const controller *c, const char *const *lists, size_t list_count, bool zones)
{
	size_t fresh = zones ? ZONES_MAX : 0;

	for (size_t k = 0; k < list_count; k++) {
		sot_str rest = sot_str_c(lists[k]), word;
		while (words_next(&rest, &word))
			fresh += sot_map_get(c->fleet.tags, word.p, word.n) == NULL;
	}
	return sot_map_count(c->fleet.tags) + fresh <= TAG_LIMIT;
}

/* ---- apps ---- */

static bool has_word(const char *words, sot_str wanted)
{
	sot_str rest = sot_str_c(words), word;

	while (words_next(&rest, &word)) {
		if (sot_str_eq(word, wanted))
			return true;
	}
	return false;
}

/* Pinned to some zones: the others are forbidden. */
static void forbid_other_zones(controller *c, const char *zones, placer_tags *forbidden)
{
	char key[ZONE_KEY];
	sot_map_iter it = {0};
	sot_str zone;

	while (zones[0] && sot_map_next(c->fleet.zones, &it, &zone)) {
		if (!has_word(zones, zone))
			tag_add(forbidden, tag_number(c, key, zone_key(zone, key)));
	}
}

static uint32_t team_of(controller *c, const char *name)
{
	bool is_new;

	if (name[0] == '\0')
		return PLACER_NONE;
	fleet_item *team = fleet_item_of(c->fleet.teams, name, strlen(name), &is_new);
	if (is_new)
		team->handle = (uint32_t)sot_map_count(c->fleet.teams) - 1;
	return team->handle;
}

/* Everything but shape and network. */
static void fill_rules(controller *c, const app *a, placer_app_spec *spec)
{
	const placement_row *p = &a->row.placement;
	placer_tags none = {{0, 0}};

	spec->team = team_of(c, a->row.team);
	spec->workload = (uint8_t)p->workload;
	spec->priority = p->priority;
	spec->preemptable = p->preemptable;
	spec->budget = p->max_unavailable;
	spec->exclusive = (placer_exclusive)p->exclusive;
	spec->required = spec->forbidden = spec->preferred = spec->tolerated = none;
	add_words(c, p->tags[TAGS_REQUIRED], &spec->required);
	add_words(c, p->tags[TAGS_FORBIDDEN], &spec->forbidden);
	add_words(c, p->tags[TAGS_PREFERRED], &spec->preferred);
	add_words(c, p->tags[TAGS_TOLERATED], &spec->tolerated);
	forbid_other_zones(c, p->tags[TAGS_ZONES], &spec->forbidden);
	for (int level = 0; level < PLACER_LEVELS; level++)
		spec->spread[level] = (placer_spread){
		    p->spread[level].prefer, p->spread[level].max_skew, p->spread[level].max_count};
}

/* With whom it shares is accounted by each host: what stands is lifted for the change. */
static void set_company(controller *c, app *a, const placer_app_spec *spec)
{
	placer *p = c->fleet.placer;

	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		fleet_lift_instance(c, i);
		instances_mark(&c->fleet.instances, i, &i->stale_at);
	}
	placer_app_set(p, a->handle, spec);
	fleet_sync(c);
}

static void refresh_app(controller *c, app *a)
{
	const placer_app_spec *before = placer_app_spec_of(c->fleet.placer, a->handle);
	placer_app_spec spec = *before;

	if (a->told == c->fleet.catalog)
		return;
	a->told = c->fleet.catalog;
	fill_rules(c, a, &spec);
	if (spec.team != before->team || spec.workload != before->workload ||
	    spec.exclusive != before->exclusive)
		set_company(c, a, &spec);
	else if (memcmp(before, &spec, sizeof(spec)) != 0)
		placer_app_set(c->fleet.placer, a->handle, &spec);
}

void fleet_know_app(controller *c, app *a, uint32_t shape)
{
	placer_app_spec spec;

	if (a->handle != PLACER_NONE) {
		refresh_app(c, a);
		return;
	}
	memset(&spec, 0, sizeof(spec)); /* compared as bytes later */
	spec.shape = shape;
	spec.network = PLACER_NONE;
	a->told = c->fleet.catalog;
	fill_rules(c, a, &spec);
	a->handle = placer_app_add(c->fleet.placer, &spec);
}

void fleet_forget_rules(controller *c, app *a)
{
	a->told = 0;
	c->fleet.told = false;
	fleet_unnote_placed(c); /* decided under the old rules, written with the new ones */
	if (a->handle == PLACER_NONE)
		return;
	fleet_sync(c); /* what the old rules booked is known before they change */
	refresh_app(c, a);
	fleet_sync(c); /* words that got a number just now, on their hosts */
}

void fleet_forget_told(controller *c)
{
	c->fleet.told = false;
}

/* ---- relations, quotas, mixing ---- */

static void know_by_plan(controller *c, app *a)
{
	const plan_row *p = sot_map_get_c(c->plans, a->row.plan);

	if (a->handle == PLACER_NONE)
		fleet_know_app(c, a,
		    p ? fleet_shape(c, p->cpu_milli, p->memory_bytes, p->disk_bytes)
		      : fleet_shape(c, 0, 0, 0));
}

/* An app that is not there yet is remembered by name. */
static void tell_relations_of(controller *c, app *a)
{
	for (size_t k = 0; k < a->row.placement.relation_count; k++) {
		const relation_row *r = &a->row.placement.relations[k];
		app *other = model_find_app(c, sot_str_c(r->app));
		bool is_new;
		(void)fleet_item_of(c->fleet.named, r->app, strlen(r->app), &is_new);
		if (!other)
			continue;
		know_by_plan(c, a);
		know_by_plan(c, other);
		placer_rule rule = {
		    (placer_rule_kind)r->kind, (placer_level)r->level, a->handle, other->handle, r->count};
		placer_rule_add(c->fleet.placer, &rule);
	}
}

static void tell_relations(controller *c)
{
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		const app *a = SOT_CONTAINER(l, app, all);
		if (a->handle != PLACER_NONE)
			placer_rules_clear(c->fleet.placer, a->handle);
	}
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next)
		tell_relations_of(c, SOT_CONTAINER(l, app, all));
}

static void tell_quotas(controller *c)
{
	int32_t limit[PLACER_DIMS];
	sot_map_iter it = {0};
	const team_row *t;

	while ((t = sot_map_next(c->teams, &it, NULL))) {
		for (int d = 0; d < PLACER_DIMS; d++)
			limit[d] = PLACER_UNLIMITED;
		if (t->cpu_milli)
			limit[PLACER_CPU] = fleet_bounded(t->cpu_milli);
		if (t->memory_bytes)
			limit[PLACER_MEMORY] = fleet_mib_of_capacity(t->memory_bytes);
		if (t->disk_bytes)
			limit[PLACER_DISK] = fleet_mib_of_capacity(t->disk_bytes);
		if (t->instances)
			limit[PLACER_INSTANCES] = fleet_bounded(t->instances);
		placer_quota_set(c->fleet.placer, team_of(c, t->name), limit);
	}
}

void fleet_tell_rules(controller *c)
{
	if (c->fleet.told)
		return;
	c->fleet.told = true;
	for (int w = 0; w < WORKLOADS; w++) {
		for (int b = 0; b < WORKLOADS; b++)
			placer_mixing_set(c->fleet.placer, (uint8_t)w, (uint8_t)b, c->mixing[w][b]);
	}
	tell_quotas(c);
	tell_relations(c);
}

void fleet_note_placed(controller *c, const instance *i)
{
	controller_batch *b = c->next;

	if (c->fleet.guarded == 0)
		return;
	placed_row *row = VECTOR_PUSH(b->placed, b->placed_count, b->placed_cap);
	row->instance_id = i->row.id;
	for (int level = 0; level < LEVELS; level++)
		row->most[level] = INT32_MAX;
	if (placement_row_is_guarded(&i->app->row.placement) && i->app->handle != PLACER_NONE)
		placer_ceilings(c->fleet.placer, i->app->handle, row->most);
}

void fleet_unnote_placed(controller *c)
{
	c->next->placed_count = 0;
}

void fleet_app_gone(controller *c, const app *a)
{
	c->fleet.guarded -= placement_row_is_guarded(&a->row.placement);
}

void fleet_app_added(controller *c, const app *a)
{
	c->fleet.guarded += placement_row_is_guarded(&a->row.placement);
	if (a->row.placement.relation_count > 0 || sot_map_get_c(c->fleet.named, a->row.name))
		c->fleet.told = false;
}

/* ---- what stands against its rules ---- */

/* The rules of apps; amounts, states and addresses are not among them. */
static bool is_rule(uint32_t reason)
{
	return reason == PLACER_REASON_TAG_MISSING || reason == PLACER_REASON_TAG_FORBIDDEN ||
	       reason == PLACER_REASON_REPELLED || reason == PLACER_REASON_EXCLUSIVE ||
	       reason == PLACER_REASON_MIXING || reason == PLACER_REASON_APART ||
	       reason == PLACER_REASON_TOGETHER ||
	       (reason >= PLACER_REASON_SPREAD && reason < PLACER_REASON_SPREAD + PLACER_LEVELS);
}

uint32_t fleet_broken_rules(controller *c, const instance *i)
{
	placer *p = c->fleet.placer;
	uint32_t host_handle, obstacles, rules = 0;

	fleet_sync(c);
	fleet_tell_rules(c);
	fleet_sync(c);
	if (i->handle == PLACER_NONE)
		return 0;
	/* Would it be placed there, had it not been? */
	host_handle = placer_instance_host(p, i->handle);
	placer_mark mark = placer_begin(p);
	placer_take(p, i->handle);
	obstacles = placer_obstacles(p, i->app->handle, host_handle);
	placer_rollback(p, mark);
	for (uint32_t reason = 0; reason < PLACER_REASONS; reason++) {
		if (obstacles >> reason & 1 && is_rule(reason))
			rules |= 1u << reason;
	}
	return rules;
}
