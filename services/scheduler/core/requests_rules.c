/* Requests that change rules while everything runs: an app's team and placement, a host's class,
 * tags and what it repels. Done with the batch that accepts them; nothing moves by them. */
#include "requests.h"
#include "rules.h"

#include <stdlib.h>
#include <string.h>

#define BROKEN_LINES 20

/* ---- apps ---- */

static void add_reasons(uint32_t bits, sot_buf *out)
{
	bool first = true;

	for (uint32_t reason = 0; reason < PLACER_REASONS; reason++) {
		if (!(bits >> reason & 1))
			continue;
		sot_buf_printf(out, "%s%s", first ? "" : ", ", placer_reason_name(reason));
		first = false;
	}
}

/* What stands against the new rules; it stays where it is. */
static void say_broken(controller *c, operation *o, const app *a)
{
	size_t broken = 0;

	for (const sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_app);
		if (!i->host || i->row.desired == SOT_DESIRED_STATE_RETIRED)
			continue;
		uint32_t bits = fleet_broken_rules(c, i);
		if (!bits || ++broken > BROKEN_LINES)
			continue;
		sot_buf text;
		model_text_init(&text);
		add_reasons(bits, &text);
		say_log(c, o, LOG_WARN, "%s on %s stands against the rules: %s", i->name, i->host->row.name,
		    text.p);
		sot_buf_clear(&text);
	}
	if (broken == 0)
		say_log(c, o, LOG_INFO, "all instances that stand keep the rules");
	else
		say_log(c, o, LOG_WARN, "%zu instance%s stand%s against the rules and stay%s there", broken,
		    broken == 1 ? "" : "s", broken == 1 ? "s" : "", broken == 1 ? "s" : "");
}

static sot_buf app_changes(const app *a, const char *team, const placement_row *next)
{
	changes ch;
	sot_buf before, after;

	model_text_init(&before);
	model_text_init(&after);
	placement_row_json(&a->row.placement, &before);
	placement_row_json(next, &after);
	changes_begin(&ch);
	changes_text(&ch, "team", a->row.team, team);
	changes_json(&ch, "placement", before.p, after.p);
	sot_buf_clear(&before);
	sot_buf_clear(&after);
	return changes_end(&ch);
}

static bool check_update(const controller *c, const app *a, const sot_app_update *m, problem *p)
{
	if (!a)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/name", "no app is called '%.*s'", SOT_ARG(m->name));
	if (a->row.deleting)
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "/name", "app '%s' is being deleted", a->row.name);
	return rules_check_placement(c, m->name, m->team, &m->placement, p);
}

void on_app_update(void *self, const void *from, const sot_app_update *m)
{
	request *q = self;
	app *a = model_find_app(q->c, m->name);
	char team[31];
	problem p;
	sot_buf spec, data;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_update(q->c, a, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	placement_row next = rules_placement_of(&m->placement);
	model_copy_text(team, sizeof(team), m->team);
	data = app_changes(a, team, &next);
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{\"team\":");
	sot_buf_add_json(&spec, m->team);
	sot_buf_add_c(&spec, ",\"placement\":");
	placement_row_json(&next, &spec);
	sot_buf_add_c(&spec, "}");
	fleet_app_gone(q->c, a);
	placement_row_clear(&a->row.placement);
	a->row.placement = next;
	fleet_app_added(q->c, a);
	model_share_text(q->c, &a->row.team, NAME_MAX_BYTES, m->team);
	touch_app(q->c, a);
	fleet_forget_rules(q->c, a);
	q->c->capacity_changed = true;
	/* app NULL: a roll-out need not end before a rule may change. */
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_APP_UPDATE,
	                                     .target = m->name,
	                                     .resource_id = a->row.id,
	                                     .spec = &spec});
	o->row.app_id = a->row.id;
	say_broken(q->c, o, a);
	say_event(q->c, "app.updated", a->row.name, a, NULL, o, &data);
}

/* ---- hosts ---- */

void requests_apply_class(controller *c, host *h)
{
	const host_class_row *class = sot_map_get_c(c->host_classes, h->row.class);
	host_row *r = &h->row;

	if (!class)
		return; /* the database's key keeps it from happening */
	r->cpu_overcommit_permille = class->cpu_overcommit_permille;
	r->memory_overcommit_permille = class->memory_overcommit_permille;
	r->disk_overcommit_permille = class->disk_overcommit_permille;
	r->reserve_cpu_milli = class->reserve_cpu_milli;
	r->reserve_memory_bytes = class->reserve_memory_bytes;
	r->reserve_disk_bytes = class->reserve_disk_bytes;
	r->max_instances = class->max_instances;
	touch_host(c, h);
}

static bool check_host_set(const controller *c, const host *h, const sot_host_set *m, problem *p)
{
	if (!h)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/name", "no host is called '%.*s'", SOT_ARG(m->name));
	if (!sot_map_get(c->host_classes, m->class.p, m->class.n))
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/class",
		    "no host class is called '%.*s'; see the list of host classes", SOT_ARG(m->class));
	if (!rules_check_tags(m->tags, m->tags_count, "/tags", p) ||
	    !rules_check_tags(m->repels, m->repels_count, "/repels", p))
		return false;
	char *repels = rules_join(m->repels, m->repels_count);
	bool fits = fleet_can_name(c, (const char *const *)&repels, 1, false);
	free(repels);
	return fits || problem_set(p, SOT_REFUSAL_LIMIT, "/repels",
	                   "rules may name at most 128 different tags, and these would be more; use "
	                   "tags that other rules name already");
}

/* The words of a list as a JSON array. */
static void words_json(const char *words, sot_buf *out)
{
	sot_str rest = sot_str_c(words), word;

	model_text_init(out);
	sot_buf_add_c(out, "[");
	for (bool first = true; words_next(&rest, &word); first = false) {
		sot_buf_add_c(out, first ? "" : ",");
		sot_buf_add_json(out, word);
	}
	sot_buf_add_c(out, "]");
}

static void change_words(changes *ch, const char *field, const char *before, const char *after)
{
	sot_buf a, b;

	words_json(before, &a);
	words_json(after, &b);
	changes_json(ch, field, a.p, b.p);
	sot_buf_clear(&a);
	sot_buf_clear(&b);
}

/* Takes over what the message says; returns what changed. */
static sot_buf set_host(controller *c, host *h, const sot_host_set *m)
{
	char *tags = rules_join(m->tags, m->tags_count),
	     *repels = rules_join(m->repels, m->repels_count), class[31];
	changes ch;

	model_copy_text(class, sizeof(class), m->class);
	changes_begin(&ch);
	changes_text(&ch, "class", h->row.class, class);
	change_words(&ch, "tags", h->row.tags, tags);
	change_words(&ch, "repels", h->row.repels, repels);
	model_share_text(c, &h->row.class, NAME_MAX_BYTES, m->class);
	shared_set(&h->row.repels, c->shared, sot_str_c(repels));
	shared_set(&h->row.tags, c->shared, sot_str_c(tags));
	requests_apply_class(c, h);
	fleet_unnote_placed(c);
	c->capacity_changed = true;
	free(tags);
	free(repels);
	return changes_end(&ch);
}

void on_host_set(void *self, const void *from, const sot_host_set *m)
{
	request *q = self;
	host *h = model_find_host(q->c, m->name);
	problem p;
	sot_buf spec, data;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_host_set(q->c, h, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	data = set_host(q->c, h, m);
	model_text_init(&spec);
	sot_buf_add_str(&spec, sot_buf_str(&data));
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_HOST_SET,
	                                     .target = m->name,
	                                     .resource_id = h->row.id,
	                                     .spec = &spec});
	say_event(q->c, "host.updated", h->row.name, NULL, h, o, &data);
}
