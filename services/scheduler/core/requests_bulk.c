/* Requests over many targets: who is hit, in which order, what becomes of each. */
#include "middleware.h"
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGETS_MAX 5000
#define NAMES_MAX 50
#define PARALLEL_DEFAULT 4

/* One target: an instance, or (NULL) its app. */
typedef struct target {
	app *app;
	instance *instance;
	uint32_t round; /* how many of the same app come before it */
	uint32_t found; /* ... of all */
} target;

typedef struct targets {
	target *items;
	size_t count, cap;
} targets;

typedef struct selector {
	controller *c;
	const sot_operation_bulk *m;
	sot_map *hosts; /* NULL: any */
	targets hit;
	char (*skipped)[160]; /* the first NAMES_MAX of those that are left alone, and why */
	size_t skipped_count;
	problem p;
} selector;

static const struct {
	operation_kind bulk, child;
	bool of_apps;
	uint32_t parallel; /* when the caller does not say */
} actions[] = {
    [SOT_BULK_ACTION_START] = {OPERATION_BULK_START, OPERATION_INSTANCE_START, false,
        PARALLEL_DEFAULT},
    [SOT_BULK_ACTION_STOP] = {OPERATION_BULK_STOP, OPERATION_INSTANCE_STOP, false,
        PARALLEL_DEFAULT},
    [SOT_BULK_ACTION_RESTART] = {OPERATION_BULK_RESTART, OPERATION_INSTANCE_RESTART, false, 1},
    [SOT_BULK_ACTION_RETIRE] = {OPERATION_BULK_RETIRE, OPERATION_INSTANCE_RETIRE, false,
        PARALLEL_DEFAULT},
    [SOT_BULK_ACTION_SCALE] = {OPERATION_BULK_SCALE, OPERATION_APP_SCALE, true, PARALLEL_DEFAULT},
    [SOT_BULK_ACTION_DEPLOY] = {OPERATION_BULK_DEPLOY, OPERATION_APP_DEPLOY, true, 1},
    [SOT_BULK_ACTION_REBUILD] = {OPERATION_BULK_REBUILD, OPERATION_APP_REBUILD, true, 1},
    [SOT_BULK_ACTION_MIDDLEWARE] = {OPERATION_BULK_MIDDLEWARE, OPERATION_APP_MIDDLEWARE, true, 1},
};

/* ---- how much may wait ---- */

#define CROWDED_RETRY_MS 10000

bool request_has_room(const controller *c, const app *a, size_t wanted, problem *p)
{
	size_t open = sot_map_count(c->operations), queued = 0;

	for (const sot_link *l = a ? a->queue.next : NULL; l && l != &a->queue; l = l->next)
		queued += SOT_CONTAINER(l, operation, queued)->parent == NULL;
	if (open + wanted > c->config.operations_max)
		problem_set(p, SOT_REFUSAL_LIMIT, "",
		    "%zu operations are open and %u is the limit; wait for some to end", open,
		    c->config.operations_max);
	else if (queued >= c->config.queue_max)
		problem_set(p, SOT_REFUSAL_LIMIT, "",
		    "%zu operations of app '%s' wait or run already; wait for some to end, or cancel them",
		    queued, a->row.name);
	else
		return true;
	p->retry_after_ms = CROWDED_RETRY_MS;
	return false;
}

/* ---- who is hit ---- */

static void hit(targets *t, app *a, instance *i, uint32_t round)
{
	target *to = VECTOR_PUSH(t->items, t->count, t->cap);

	*to = (target){a, i, round, (uint32_t)t->count};
}

static app *named_app(selector *s, size_t at)
{
	app *a = model_find_app(s->c, s->m->apps[at]);
	char pointer[32];

	(void)snprintf(pointer, sizeof(pointer), "/apps/%zu", at);
	if (!a)
		problem_set(&s->p, SOT_REFUSAL_NOT_FOUND, pointer, "no app is called '%.*s'",
		    SOT_ARG(s->m->apps[at]));
	else if (a->row.deleting)
		problem_set(&s->p, SOT_REFUSAL_CONFLICT, pointer, "app '%s' is being deleted", a->row.name);
	else
		return a;
	return NULL;
}

static bool select_hosts(selector *s)
{
	char pointer[32];

	if (s->m->hosts_count > 0)
		s->hosts = sot_map_new();
	for (size_t k = 0; k < s->m->hosts_count; k++) {
		host *h = model_find_host(s->c, s->m->hosts[k]);
		if (h) {
			sot_map_set_uuid(s->hosts, h->row.id, h);
			continue;
		}
		(void)snprintf(pointer, sizeof(pointer), "/hosts/%zu", k);
		return problem_set(&s->p, SOT_REFUSAL_NOT_FOUND, pointer, "no host is called '%.*s'",
		    SOT_ARG(s->m->hosts[k]));
	}
	return true;
}

static bool has_tag(const host *h, sot_str tag)
{
	sot_str rest = sot_str_c(h->row.tags), word;

	while (words_next(&rest, &word)) {
		if (sot_str_eq(word, tag))
			return true;
	}
	return false;
}

static bool is_on(const selector *s, const host *h)
{
	const sot_operation_bulk *m = s->m;
	bool anywhere = !s->hosts && m->az.n == 0 && m->rack.n == 0 && m->tags_count == 0;

	if (anywhere || !h)
		return anywhere;
	if ((s->hosts && !sot_map_get_uuid(s->hosts, h->row.id)) ||
	    (m->az.n > 0 && !sot_str_eq_c(m->az, h->row.az)) ||
	    (m->rack.n > 0 && !sot_str_eq_c(m->rack, h->row.rack)))
		return false;
	for (size_t k = 0; k < m->tags_count; k++) {
		if (!has_tag(h, m->tags[k]))
			return false;
	}
	return true;
}

/* What is leaving, or was never placed, is not hit. */
static bool can_be_hit(const selector *s, const instance *i)
{
	return i->row.desired != SOT_DESIRED_STATE_RETIRED &&
	       (s->m->action == SOT_BULK_ACTION_RETIRE || !sot_ip_is_none(i->row.v4.address));
}

static void select_of_app(selector *s, app *a)
{
	uint32_t round = 0;

	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		if (can_be_hit(s, i) && is_on(s, i->host))
			hit(&s->hit, a, i, round++);
	}
}

static bool select_named(selector *s)
{
	char pointer[40];

	for (size_t k = 0; k < s->m->instances_count; k++) {
		instance *i = request_instance(s->c, s->m->instances[k]);
		(void)snprintf(pointer, sizeof(pointer), "/instances/%zu", k);
		if (!i)
			return problem_set(&s->p, SOT_REFUSAL_NOT_FOUND, pointer,
			    "no live instance is called '%.*s'", SOT_ARG(s->m->instances[k]));
		if (!can_be_hit(s, i))
			return problem_set(&s->p, SOT_REFUSAL_CONFLICT, pointer, "%s is %s", i->name,
			    i->row.desired == SOT_DESIRED_STATE_RETIRED ? "being retired" : "not placed yet");
		if (is_on(s, i->host))
			hit(&s->hit, i->app, i, (uint32_t)k);
	}
	return true;
}

static bool select_instances(selector *s)
{
	const sot_operation_bulk *m = s->m;

	if (m->apps_count + m->hosts_count + m->tags_count + m->instances_count + m->az.n + m->rack.n ==
	    0)
		return problem_set(&s->p, SOT_REFUSAL_INVALID, "",
		    "say which instances: apps, hosts, tags, az, rack or instances");
	if (m->instances_count > 0 && m->apps_count > 0)
		return problem_set(&s->p, SOT_REFUSAL_INVALID, "/instances",
		    "instances and apps exclude each other: an instance names its app");
	if (!select_hosts(s))
		return false;
	if (m->instances_count > 0)
		return select_named(s);
	for (size_t k = 0; k < m->apps_count; k++) {
		app *a = named_app(s, k);
		if (!a)
			return false;
		select_of_app(s, a);
	}
	for (sot_link *l = s->c->all_apps.next; m->apps_count == 0 && l != &s->c->all_apps; l = l->next)
		select_of_app(s, SOT_CONTAINER(l, app, all));
	return true;
}

static void hit_or_skip(selector *s, app *a)
{
	char why[160];

	if (!bulk_middleware_skips(a, s->m, why)) {
		hit(&s->hit, a, NULL, 0);
	} else if (s->skipped_count < NAMES_MAX) {
		if (!s->skipped)
			s->skipped = sot_alloc_array(NAMES_MAX, sizeof(*s->skipped));
		memcpy(s->skipped[s->skipped_count++], why, sizeof(why));
	}
}

static bool select_for_middleware(selector *s)
{
	const sot_operation_bulk *m = s->m;

	if (!bulk_middleware_check(s->c, m, &s->p))
		return false;
	for (size_t k = 0; k < m->apps_count; k++) {
		app *a = named_app(s, k);
		if (!a)
			return false;
		hit_or_skip(s, a);
	}
	for (sot_link *l = s->c->all_apps.next; m->apps_count == 0 && l != &s->c->all_apps;
	     l = l->next) {
		app *a = SOT_CONTAINER(l, app, all);
		if (!a->row.deleting && bulk_middleware_selects(a, m))
			hit_or_skip(s, a);
	}
	return true;
}

static bool select_apps(selector *s)
{
	const sot_operation_bulk *m = s->m;
	char version[65];

	if (m->hosts_count + m->tags_count + m->instances_count + m->az.n + m->rack.n > 0)
		return problem_set(&s->p, SOT_REFUSAL_INVALID, "/action",
		    "%s is for apps: hosts, tags, az, rack and instances select instances",
		    sot_bulk_action_name(m->action));
	model_copy_text(version, sizeof(version), m->version);
	if (!rollout_check_strategy(actions[m->action].child, &m->strategy, &s->p))
		return false;
	if (m->action == SOT_BULK_ACTION_MIDDLEWARE)
		return select_for_middleware(s);
	for (size_t k = 0; k < m->apps_count; k++) {
		app *a = named_app(s, k);
		if (!a)
			return false;
		if (m->action == SOT_BULK_ACTION_DEPLOY && !model_find_version(a, version))
			return problem_set(&s->p, SOT_REFUSAL_NOT_FOUND, "/version",
			    "app '%s' has no version '%s'; upload the package first", a->row.name, version);
		hit(&s->hit, a, NULL, 0);
	}
	return true;
}

/* Neighbours in the line are of different apps: few at a time then hit many apps a little, not one
 * app much. A target that was named twice is hit once. */
static int by_round(const void *a, const void *b)
{
	const target *x = a, *y = b;

	if (x->round != y->round)
		return x->round < y->round ? -1 : 1;
	return x->found < y->found ? -1 : x->found > y->found;
}

static void order(targets *t)
{
	SOT_AUTO(sot_map) seen = sot_map_new();
	size_t kept = 0;

	for (size_t k = 0; k < t->count; k++) {
		const target *at = &t->items[k];
		if (!sot_map_set_uuid(seen, at->instance ? at->instance->row.id : at->app->row.id, t))
			t->items[kept++] = *at;
	}
	t->count = kept;
	if (kept > 1)
		qsort(t->items, kept, sizeof(*t->items), by_round);
}

static bool select_all(selector *s)
{
	const sot_operation_bulk *m = s->m;

	if (!(actions[m->action].of_apps ? select_apps(s) : select_instances(s)))
		return false;
	order(&s->hit);
	if (s->hit.count == 0 && !(m->dry_run && s->skipped_count > 0))
		return problem_set(&s->p, SOT_REFUSAL_NOT_FOUND, "", "nothing is hit by this selection%s%s",
		    s->skipped_count > 0 ? "; left alone: " : "",
		    s->skipped_count > 0 ? s->skipped[0] : "");
	if (s->hit.count > TARGETS_MAX)
		return problem_set(&s->p, SOT_REFUSAL_LIMIT, "",
		    "%zu targets are hit, at most %d at a time may be; select fewer", s->hit.count,
		    TARGETS_MAX);
	if (m->expect > 0 && m->expect != s->hit.count)
		return problem_set(&s->p, SOT_REFUSAL_CONFLICT, "/expect",
		    "%zu targets are hit now, not %u; look again at what is hit", s->hit.count, m->expect);
	return m->dry_run || request_has_room(s->c, NULL, s->hit.count + 1, &s->p);
}

/* ---- the answers ---- */

static uint32_t parallel_of(const sot_operation_bulk *m)
{
	return m->parallel > 0 ? m->parallel : actions[m->action].parallel;
}

static void answer_dry_run(request *q, const sot_operation_bulk *m, const selector *s)
{
	controller_effect *e = say_effect(q->c, EFFECT_REPLY);
	const targets *t = &s->hit;
	sot_str names[NAMES_MAX], skipped[NAMES_MAX];
	sot_bulk_matched reply = {.request_id = m->request_id,
	    .count = (uint32_t)t->count,
	    .parallel = (uint16_t)parallel_of(m),
	    .names = names,
	    .skipped = skipped,
	    .skipped_count = s->skipped_count};
	sot_err err = {0};

	for (size_t k = 0; k < s->skipped_count; k++)
		skipped[k] = sot_str_c(s->skipped[k]);
	for (size_t k = 0; k < t->count && k < NAMES_MAX; k++) {
		const target *at = &t->items[k];
		names[reply.names_count++] =
		    sot_str_c(at->instance ? at->instance->name : at->app->row.name);
	}
	e->peer = *q->from;
	q->answered = true;
	if (sot_bulk_matched_encode(&reply, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

static void add_texts(sot_buf *spec, const char *field, const sot_str *texts, size_t count)
{
	if (count == 0)
		return;
	sot_buf_printf(spec, ",\"%s\":[", field);
	for (size_t k = 0; k < count; k++) {
		sot_buf_add_c(spec, k ? "," : "");
		sot_buf_add_json(spec, texts[k]);
	}
	sot_buf_add_c(spec, "]");
}

static void add_text(sot_buf *spec, const char *field, sot_str text)
{
	if (text.n == 0)
		return;
	sot_buf_printf(spec, ",\"%s\":", field);
	sot_buf_add_json(spec, text);
}

/* What was asked, for people; the instances of a list are the children. */
static void write_spec(const sot_operation_bulk *m, sot_buf *spec)
{
	model_text_init(spec);
	sot_buf_printf(spec, "{\"action\":\"%s\"", sot_bulk_action_name(m->action));
	add_texts(spec, "apps", m->apps, m->apps_count);
	add_texts(spec, "hosts", m->hosts, m->hosts_count);
	add_texts(spec, "tags", m->tags, m->tags_count);
	add_text(spec, "az", m->az);
	add_text(spec, "rack", m->rack);
	add_text(spec, "version", m->version);
	add_text(spec, "middleware", m->middleware);
	add_text(spec, "having", m->having);
	add_text(spec, "team", m->team);
	add_text(spec, "image", m->image);
	add_texts(spec, "labels", m->labels, m->labels_count);
	if (m->back)
		sot_buf_add_c(spec, ",\"back\":true");
	if (m->action == SOT_BULK_ACTION_SCALE)
		sot_buf_printf(spec, ",\"count\":%u", m->count);
	sot_buf_add_c(spec, "}");
}

/* "12 instances of shop", "3 apps", "40 instances on h1". */
static void name_targets(const sot_operation_bulk *m, size_t count, char dst[static 81])
{
	const char *plural = count == 1 ? "" : "s";
	sot_str only = {0};
	const char *link = "";

	if (m->apps_count == 1) {
		only = m->apps[0];
		link = actions[m->action].of_apps ? ": " : " of ";
	} else if (m->hosts_count == 1) {
		only = m->hosts[0];
		link = " on ";
	}
	(void)snprintf(dst, 81, "%zu %s%s%s%.*s", count,
	    actions[m->action].of_apps ? "app" : "instance", plural, link, SOT_ARG(only));
}

static void accept(request *q, const sot_operation_bulk *m, const selector *s)
{
	const targets *t = &s->hit;
	char name[81];
	sot_buf spec;

	name_targets(m, t->count, name);
	write_spec(m, &spec);
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = actions[m->action].bulk,
	                                     .target = sot_str_c(name),
	                                     .spec = &spec,
	                                     .count = m->count,
	                                     .version = m->version,
	                                     .image = m->middleware});
	o->row.parallel = parallel_of(m);
	o->row.failures_max = m->failures_max;
	for (size_t k = 0; k < t->count; k++) {
		app *a = t->items[k].app;
		sot_str version = m->version;
		if (m->back)
			version = middleware_version_in(a->row.settings.middleware_before, m->middleware);
		operation *child =
		    bulk_add_child(q->c, o, actions[m->action].child, a, t->items[k].instance, version);
		rollout_set_strategy(q->c, child, &m->strategy);
	}
	say_log(q->c, o, LOG_INFO, "%s, %u at a time", name, o->row.parallel);
	for (size_t k = 0; k < s->skipped_count; k++)
		say_log(q->c, o, LOG_INFO, "left alone: %s", s->skipped[k]);
}

void on_operation_bulk(void *self, const void *from, const sot_operation_bulk *m)
{
	request *q = self;
	selector s = {.c = q->c, .m = m};

	(void)from;
	if (!m->dry_run && request_is_replay(q, m->request_id, &m->context))
		return;
	if (!select_all(&s))
		request_refuse(q, m->request_id, &s.p);
	else if (m->dry_run)
		answer_dry_run(q, m, &s);
	else
		accept(q, m, &s);
	sot_map_free(s.hosts);
	free(s.hit.items);
	free(s.skipped);
}
