#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

static bool is_tag(sot_str s)
{
	for (size_t k = 0; k < s.n; k++) {
		char ch = s.p[k];
		bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
		bool other = (ch >= '0' && ch <= '9') || strchr("._=/-", ch) != NULL;
		if (ch == '\0' || (!letter && !other))
			return false;
	}
	return s.n > 0;
}

static bool is_among(sot_str word, const sot_str *list, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		if (sot_str_eq(list[k], word))
			return true;
	}
	return false;
}

bool rules_check_tags(const sot_str *tags, size_t count, const char *pointer, problem *p)
{
	char at[128];

	for (size_t k = 0; k < count; k++) {
		(void)snprintf(at, sizeof(at), "%s/%zu", pointer, k);
		if (!is_tag(tags[k]))
			return problem_set(p, SOT_REFUSAL_INVALID, at, "a tag is letters, digits and '._=/-'");
		if (is_among(tags[k], tags, k))
			return problem_set(
			    p, SOT_REFUSAL_INVALID, at, "'%.*s' is given twice", SOT_ARG(tags[k]));
	}
	return true;
}

char *rules_join(const sot_str *words, size_t count)
{
	sot_buf text;

	model_text_init(&text);
	for (size_t k = 0; k < count; k++) {
		sot_buf_add_c(&text, k ? "," : "");
		sot_buf_add_str(&text, words[k]);
	}
	char *joined = sot_strndup(sot_buf_str(&text));
	sot_buf_clear(&text);
	return joined;
}

/* ---- placement ---- */

static bool check_words(const struct sot_placement *m, problem *p)
{
	if (!rules_check_tags(m->required, m->required_count, "/placement/tags/required", p) ||
	    !rules_check_tags(m->forbidden, m->forbidden_count, "/placement/tags/forbidden", p) ||
	    !rules_check_tags(m->preferred, m->preferred_count, "/placement/tags/preferred", p) ||
	    !rules_check_tags(m->tolerated, m->tolerated_count, "/placement/tags/tolerated", p) ||
	    !rules_check_tags(m->zones, m->zones_count, "/placement/zones", p))
		return false;
	for (size_t k = 0; k < m->required_count; k++) {
		if (is_among(m->required[k], m->forbidden, m->forbidden_count))
			return problem_set(p, SOT_REFUSAL_INVALID, "/placement/tags/forbidden",
			    "'%.*s' is required and forbidden; no host can be both", SOT_ARG(m->required[k]));
	}
	return true;
}

static bool check_relation(
    const controller *c, sot_str own, const struct sot_relation *r, const char *pointer, problem *p)
{
	bool itself = sot_str_eq(r->app, own);

	if (itself && r->kind != SOT_RELATION_KIND_APART)
		return problem_set(
		    p, SOT_REFUSAL_INVALID, pointer, "an app is always together with itself");
	if (itself && r->count == 0)
		return problem_set(p, SOT_REFUSAL_INVALID, pointer,
		    "at most 0 of the app itself lets none be placed; say how many may share a %s",
		    sot_spread_level_name(r->level));
	if (!itself && !model_find_app((controller *)c, r->app))
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, pointer, "no app is called '%.*s'", SOT_ARG(r->app));
	if (r->kind != SOT_RELATION_KIND_APART && r->count > 0)
		return problem_set(p, SOT_REFUSAL_INVALID, pointer,
		    "a count goes with kind apart only; leave it out with %s",
		    sot_relation_kind_name(r->kind));
	return true;
}

static bool check_zones(const controller *c, const struct sot_placement *m, problem *p)
{
	char pointer[64];

	for (size_t k = 0; k < m->zones_count; k++) {
		bool found = false;
		for (const sot_link *l = c->all_hosts.next; l != &c->all_hosts && !found; l = l->next)
			found = sot_str_eq_c(m->zones[k], SOT_CONTAINER(l, host, all)->row.az);
		(void)snprintf(pointer, sizeof(pointer), "/placement/zones/%zu", k);
		if (!found)
			return problem_set(p, SOT_REFUSAL_NOT_FOUND, pointer,
			    "no host stands in a zone '%.*s'; see the list of hosts", SOT_ARG(m->zones[k]));
	}
	return true;
}

static bool check_names(const controller *c, const struct sot_placement *m, problem *p)
{
	char *lists[] = {rules_join(m->required, m->required_count),
	    rules_join(m->forbidden, m->forbidden_count), rules_join(m->preferred, m->preferred_count),
	    rules_join(m->tolerated, m->tolerated_count)};
	bool fits = fleet_can_name(c, (const char *const *)lists, 4, m->zones_count > 0);

	for (int k = 0; k < 4; k++)
		free(lists[k]);
	return fits || problem_set(p, SOT_REFUSAL_LIMIT, "/placement/tags",
	                   "rules may name at most 128 different tags and zones, and these would be "
	                   "more; use tags that other rules name already");
}

bool rules_check_placement(
    const controller *c, sot_str own, sot_str team, const struct sot_placement *m, problem *p)
{
	char pointer[64];

	if (team.n > 0 && !sot_map_get(c->teams, team.p, team.n))
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/team",
		    "no team is called '%.*s'; see the list of teams, or make it", SOT_ARG(team));
	if (m->exclusive == SOT_EXCLUSIVE_TEAM && team.n == 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/placement/exclusive",
		    "hosts of its team only, but it belongs to no team; say which one");
	for (size_t k = 0; k < m->relations_count; k++) {
		(void)snprintf(pointer, sizeof(pointer), "/placement/relations/%zu", k);
		if (!check_relation(c, own, &m->relations[k], pointer, p))
			return false;
	}
	return check_words(m, p) && check_zones(c, m, p) && check_names(c, m, p);
}

static spread_row spread_of(const struct sot_spread_rule *m)
{
	return (spread_row){m->prefer, m->max_skew, m->max_count};
}

placement_row rules_placement_of(const struct sot_placement *m)
{
	placement_row row = {
	    .workload = m->workload,
	    .exclusive = m->exclusive,
	    .priority = m->priority,
	    .preemptable = m->preemptable,
	    .max_unavailable = m->max_unavailable,
	    .relation_count = m->relations_count,
	};

	row.spread[SOT_SPREAD_LEVEL_AZ] = spread_of(&m->spread_az);
	row.spread[SOT_SPREAD_LEVEL_RACK] = spread_of(&m->spread_rack);
	row.spread[SOT_SPREAD_LEVEL_HOST] = spread_of(&m->spread_host);
	row.tags[TAGS_REQUIRED] = rules_join(m->required, m->required_count);
	row.tags[TAGS_FORBIDDEN] = rules_join(m->forbidden, m->forbidden_count);
	row.tags[TAGS_PREFERRED] = rules_join(m->preferred, m->preferred_count);
	row.tags[TAGS_TOLERATED] = rules_join(m->tolerated, m->tolerated_count);
	row.tags[TAGS_ZONES] = rules_join(m->zones, m->zones_count);
	if (row.relation_count)
		row.relations = sot_alloc_array(row.relation_count, sizeof(*row.relations));
	for (size_t k = 0; k < row.relation_count; k++) {
		relation_row *r = &row.relations[k];
		r->kind = m->relations[k].kind;
		r->level = m->relations[k].level;
		r->count = m->relations[k].count;
		model_copy_text(r->app, sizeof(r->app), m->relations[k].app);
	}
	return row;
}

/* ---- quota ---- */

static bool passes(uint64_t quota, uint64_t each, uint32_t count)
{
	return quota == 0 || (each <= UINT64_MAX / (count + 1ull) && each * count <= quota);
}

bool rules_check_quota(const controller *c, sot_str team, sot_str plan, uint32_t count, problem *p)
{
	const team_row *t = team.n ? sot_map_get(c->teams, team.p, team.n) : NULL;
	const plan_row *size = sot_map_get(c->plans, plan.p, plan.n);
	const char *what = NULL;

	if (!t || !size)
		return true;
	if (!passes(t->instances, 1, count))
		what = "instances";
	else if (!passes(t->cpu_milli, size->cpu_milli, count))
		what = "cpu";
	else if (!passes(t->memory_bytes, size->memory_bytes, count))
		what = "memory";
	else if (!passes(t->disk_bytes, size->disk_bytes, count))
		what = "disk";
	return !what ||
	       problem_set(p, SOT_REFUSAL_LIMIT, "/count",
	           "%u instances of plan %s alone pass the quota of team %s for %s; ask for fewer, or "
	           "have the quota raised",
	           count, size->name, t->name, what);
}

/* ---- changes ---- */

void changes_begin(changes *ch)
{
	*ch = (changes){.count = 0};
	model_text_init(&ch->json);
	sot_buf_add_c(&ch->json, "{\"changed\":{");
}

void changes_json(changes *ch, const char *field, const char *before, const char *after)
{
	if (!ch->is_new && !ch->is_gone && strcmp(before, after) == 0)
		return;
	sot_buf_printf(&ch->json, "%s\"%s\":[", ch->count++ ? "," : "", field);
	sot_buf_add_c(&ch->json, ch->is_new ? "null" : before);
	sot_buf_add_c(&ch->json, ",");
	sot_buf_add_c(&ch->json, ch->is_gone ? "null" : after);
	sot_buf_add_c(&ch->json, "]");
}

void changes_number(changes *ch, const char *field, uint64_t before, uint64_t after)
{
	char a[24], b[24];

	(void)snprintf(a, sizeof(a), "%llu", (unsigned long long)before);
	(void)snprintf(b, sizeof(b), "%llu", (unsigned long long)after);
	changes_json(ch, field, a, b);
}

void changes_text(changes *ch, const char *field, const char *before, const char *after)
{
	sot_buf a, b;

	model_text_init(&a);
	model_text_init(&b);
	sot_buf_add_json(&a, sot_str_c(before));
	sot_buf_add_json(&b, sot_str_c(after));
	changes_json(ch, field, a.p, b.p);
	sot_buf_clear(&a);
	sot_buf_clear(&b);
}

sot_buf changes_end(changes *ch)
{
	sot_buf_add_c(&ch->json, "}}");
	return ch->json;
}
