/* Hosts lost, drained or added, a plan of another size: who would go where, who nowhere. */
#include "what_if.h"

#include "capacity.h"
#include "explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void add_member(sot_buf *out, const char *name, const char *value)
{
	sot_buf_printf(out, "\"%s\":", name);
	sot_buf_add_json(out, sot_str_c(value));
}

/* ---- hosts that are meant ---- */

static bool is_named(const sot_what_if *m, const host *h)
{
	bool named = m->hosts_count == 0;

	for (size_t k = 0; k < m->hosts_count && !named; k++)
		named = sot_str_eq_c(m->hosts[k], h->row.name);
	return named && (m->az.n == 0 || sot_str_eq_c(m->az, h->row.az)) &&
	       (m->rack.n == 0 || sot_str_eq_c(m->rack, h->row.rack));
}

static bool check_names(controller *c, const sot_what_if *m, problem *p)
{
	if (m->hosts_count == 0 && m->az.n == 0 && m->rack.n == 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "", "say which hosts: give hosts, rack or az");
	for (size_t k = 0; k < m->hosts_count; k++) {
		if (!model_find_host(c, m->hosts[k]))
			return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/hosts", "no host is called '%.*s'",
			    SOT_ARG(m->hosts[k]));
	}
	return true;
}

/* The caller frees the array. */
static host **meant(controller *c, const sot_what_if *m, size_t *ret_count)
{
	host **list = sot_alloc_array(sot_index_count(c->hosts) + 1, sizeof(*list));
	size_t n = 0;

	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (h->row.state != HOST_RETIRED && is_named(m, h))
			list[n++] = h;
	}
	*ret_count = n;
	return list;
}

/* ---- moves ---- */

typedef struct app_sum {
	const app *a;
	uint32_t touched, moved, unplaced;
} app_sum;

typedef struct moves {
	controller *c;
	forecast *f;
	sot_map *apps; /* app -> app_sum */
	sot_buf items, refusals;
	uint32_t touched, moved, unplaced;
} moves;

static void moves_init(moves *m, controller *c, forecast *f)
{
	*m = (moves){.c = c, .f = f, .apps = sot_map_new()};
	model_text_init(&m->items);
	model_text_init(&m->refusals);
}

static app_sum *sum_of(moves *m, const app *a)
{
	app_sum *sum = sot_map_get_uuid(m->apps, a->row.id);

	if (!sum) {
		sum = sot_alloc(sizeof(*sum));
		sum->a = a;
		sot_map_set_uuid(m->apps, a->row.id, sum);
	}
	return sum;
}

static void note_move(moves *m, const instance *i, const host *from, const host *to)
{
	const vlan *held = sot_map_get_c(m->c->vlans.by_name, i->row.make->vlan);

	forecast_note(m->f, i->row.id.b, sizeof(i->row.id.b));
	forecast_note_host(m->f, to);
	if (m->moved++ >= FORECAST_LIST_MAX)
		return;
	sot_buf_add_c(&m->items, m->moved > 1 ? ",{" : "{");
	add_member(&m->items, "instance", i->name);
	sot_buf_add_c(&m->items, ",");
	add_member(&m->items, "from", from->row.name);
	sot_buf_add_c(&m->items, ",");
	add_member(&m->items, "to", to->row.name);
	sot_buf_printf(
	    &m->items, ",\"keepsAddress\":%s}", held && vlan_reaches(held, to) ? "true" : "false");
}

/* One refusal per app is enough to say why. */
static void note_unplaced(moves *m, const instance *i, app_sum *sum)
{
	refused r = {.app = i->app, .handle = i->app->handle, .count = 1};
	placer_refusal why;
	sot_buf text;

	forecast_note(m->f, i->row.id.b, sizeof(i->row.id.b));
	m->unplaced++;
	if (sum->unplaced++ > 0 || m->refusals.n > SOT_WIRE_FRAME_MAX / 4)
		return;
	model_text_init(&text);
	placement_refusal(m->c, i->app, i->app->handle, 1, &why, &text);
	r.why = &why;
	r.text = sot_buf_str(&text);
	sot_buf_add_c(&m->refusals, m->refusals.n > 0 ? "," : "");
	refusal_json(m->c, &r, &m->refusals);
	sot_buf_clear(&text);
}

/* Where the instance would go, its host being closed. */
static void move_one(moves *m, instance *i)
{
	placer *p = m->c->fleet.placer;
	app_sum *sum = sum_of(m, i->app);
	const host *from = i->host;

	m->touched++;
	sum->touched++;
	uint32_t to = placer_move_instance(p, i->handle);
	if (to == PLACER_NONE) {
		note_unplaced(m, i, sum);
		return;
	}
	sum->moved++;
	note_move(m, i, from, fleet_host(m->c, to));
}

static void add_apps(moves *m, sot_buf *out)
{
	const char *separator = "";

	sot_buf_add_c(out, ",\"apps\":[");
	for (sot_link *l = m->c->all_apps.next; l != &m->c->all_apps; l = l->next) {
		const app *a = SOT_CONTAINER(l, app, all);
		const app_sum *sum = sot_map_get_uuid(m->apps, a->row.id);
		if (!sum)
			continue;
		sot_buf_printf(out, "%s{", separator);
		add_member(out, "app", a->row.name);
		sot_buf_printf(out,
		    ",\"instances\":%zu,\"touched\":%" PRIu32 ",\"moved\":%" PRIu32 ",\"unplaced\":%" PRIu32
		    "}",
		    app_wanted_count(a, NULL), sum->touched, sum->moved, sum->unplaced);
		separator = ",";
	}
	sot_buf_add_c(out, "]");
}

static void moves_end(moves *m)
{
	sot_buf *out = &m->f->out;
	sot_map_iter it = {0};
	void *sum;

	sot_buf_printf(out,
	    ",\"touched\":%" PRIu32 ",\"moved\":%" PRIu32 ",\"unplaced\":%" PRIu32
	    ",\"isCut\":%s,\"moves\":[",
	    m->touched, m->moved, m->unplaced, m->moved > FORECAST_LIST_MAX ? "true" : "false");
	sot_buf_add_str(out, sot_buf_str(&m->items));
	sot_buf_add_c(out, "],\"refusals\":[");
	sot_buf_add_str(out, sot_buf_str(&m->refusals));
	sot_buf_add_c(out, "]");
	add_apps(m, out);
	while ((sum = sot_map_next(m->apps, &it, NULL)))
		free(sum);
	sot_map_free(m->apps);
	sot_buf_clear(&m->items);
	sot_buf_clear(&m->refusals);
}

static bool stays(const instance *i)
{
	return i->handle != PLACER_NONE && !instance_target(i) &&
	       i->row.desired != SOT_DESIRED_STATE_RETIRED;
}

/* ---- lose, drain ---- */

static void prepare(controller *c, host *const *list, size_t count)
{
	fleet_sync(c);
	for (size_t k = 0; k < count; k++) {
		for (sot_link *l = list[k]->instances.next; l != &list[k]->instances; l = l->next) {
			instance *i = SOT_CONTAINER(l, instance, of_host);
			if (stays(i))
				fleet_prepare_move(c, i);
		}
	}
}

/* Lost hosts are not there, drained ones are cordoned. */
static void empty_hosts(controller *c, const sot_what_if *m, forecast *f)
{
	placer *p = c->fleet.placer;
	size_t count;
	host **list = meant(c, m, &count);
	moves all;

	prepare(c, list, count);
	moves_init(&all, c, f);
	placer_mark mark = placer_begin(p);
	for (size_t k = 0; k < count; k++)
		placer_host_set_state(p, list[k]->handle,
		    m->kind == SOT_WHAT_IF_KIND_LOSE ? PLACER_OFFLINE : PLACER_CORDONED);
	sot_buf_add_c(&f->out, ",\"hosts\":[");
	for (size_t k = 0; k < count; k++) {
		sot_buf_add_c(&f->out, k ? "," : "");
		sot_buf_add_json(&f->out, sot_str_c(list[k]->row.name));
		for (sot_link *l = list[k]->instances.next; l != &list[k]->instances; l = l->next) {
			instance *i = SOT_CONTAINER(l, instance, of_host);
			if (stays(i))
				move_one(&all, i);
		}
	}
	sot_buf_add_c(&f->out, "]");
	placer_rollback(p, mark);
	moves_end(&all);
	free(list);
}

/* ---- more hosts ---- */

typedef struct new_place {
	char az[PLAN_MAX_BYTES + 1], rack[PLAN_MAX_BYTES + 1];
} new_place;

static bool spec_of_new(
    controller *c, const sot_what_if *m, new_place *place, placer_host_spec *spec, problem *p)
{
	const host *like = m->like.n ? model_find_host(c, m->like) : NULL;
	const host_class_row *class = sot_map_get_c(c->host_classes, "default");

	if (m->like.n && !like)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/like", "no host is called '%.*s'", SOT_ARG(m->like));
	if (!like && (m->cpu_milli == 0 || m->memory_bytes == 0 || m->az.n == 0 || m->rack.n == 0))
		return problem_set(p, SOT_REFUSAL_INVALID, "",
		    "say what the new hosts are: give like, or cpuMilli, memoryBytes, az and rack");
	if (m->count == 0 || m->count > 500)
		return problem_set(p, SOT_REFUSAL_INVALID, "/count", "say how many: 1 to 500");
	if (like) {
		model_copy_text(place->az, sizeof(place->az), sot_str_c(like->row.az));
		model_copy_text(place->rack, sizeof(place->rack), sot_str_c(like->row.rack));
		*spec = *placer_host_spec_of(c->fleet.placer, like->handle);
	} else {
		*spec = placer_host_blank(0);
		spec->overcommit_permille[PLACER_CPU] =
		    class ? (int32_t) class->cpu_overcommit_permille : 0;
	}
	spec->state = PLACER_OPEN;
	if (m->cpu_milli)
		spec->capacity[PLACER_CPU] = (int32_t)m->cpu_milli;
	if (m->memory_bytes)
		spec->capacity[PLACER_MEMORY] = (int32_t)(m->memory_bytes >> 20);
	if (m->disk_bytes || !like)
		spec->capacity[PLACER_DISK] =
		    m->disk_bytes ? (int32_t)(m->disk_bytes >> 20) : PLACER_UNLIMITED / 2;
	for (int k = 0; k < PLACER_LOADS; k++)
		spec->load_permille[k] = PLACER_LOAD_UNKNOWN;
	if (m->az.n)
		model_copy_text(place->az, sizeof(place->az), m->az);
	if (m->rack.n)
		model_copy_text(place->rack, sizeof(place->rack), m->rack);
	return true;
}

/* Its instances that wait for a host: the next from step *k on, NULL behind the last. */
static const instance *next_waiting(controller *c, const operation *o, size_t *k)
{
	while (*k < o->step_count) {
		const step *s = o->steps[(*k)++];
		const instance *i = step_instance(c, s);
		if (s->row.kind == STEP_PLACE && !operation_state_is_final(s->row.state) && i && !i->host)
			return i;
	}
	return NULL;
}

/* The placer knows the rules of those who wait, and which VLANs reach the new hosts. */
static void prepare_waiting(controller *c)
{
	for (sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next) {
		const operation *o = SOT_CONTAINER(l, operation, all);
		size_t k = 0;
		const instance *i = o->app ? next_waiting(c, o, &k) : NULL;
		if (i)
			(void)fleet_app(c, o->app, i->row.make);
	}
}

/* Instances of that operation that wait for a host, and how many of them would find one. */
static uint32_t would_place(controller *c, const operation *o, uint32_t *ret_waiting)
{
	uint32_t placed = 0, id;
	size_t k = 0;

	for (*ret_waiting = 0; next_waiting(c, o, &k); ++*ret_waiting)
		placed += placer_place(c->fleet.placer, o->app->handle, 1, &id, NULL);
	return placed;
}

static void add_waiting(controller *c, sot_buf *out)
{
	const char *separator = "";

	sot_buf_add_c(out, ",\"waiting\":[");
	for (sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next) {
		const operation *o = SOT_CONTAINER(l, operation, all);
		char id[SOT_UUID_TEXT];
		uint32_t waiting;
		if (!o->app || o->app->handle == PLACER_NONE)
			continue;
		uint32_t placed = would_place(c, o, &waiting);
		if (waiting == 0)
			continue;
		sot_buf_printf(out, "%s{\"operation\":\"%s\",", separator, sot_uuid_format(o->row.id, id));
		add_member(out, "app", o->app->row.name);
		sot_buf_printf(out, ",\"instances\":%" PRIu32 ",\"placed\":%" PRIu32 "}", waiting, placed);
		separator = ",";
	}
	sot_buf_add_c(out, "]");
}

static bool add_hosts(controller *c, const sot_what_if *m, forecast *f, problem *p)
{
	placer_host_spec spec;
	new_place place;
	size_t plan_count;

	fleet_sync(c);
	if (!spec_of_new(c, m, &place, &spec, p))
		return false;
	const plan_row **plans = capacity_plans(c, &plan_count);
	uint64_t *before = sot_alloc_array(plan_count + 1, sizeof(*before));
	for (size_t k = 0; k < plan_count; k++)
		before[k] = capacity_plan_fit(c, plans[k]).instances;
	uint32_t *ghosts = sot_alloc_array(m->count + 1, sizeof(*ghosts));
	spec.rack = fleet_ghosts(c, place.az, place.rack, m->count, ghosts);
	prepare_waiting(c);
	placer_mark mark = placer_begin(c->fleet.placer);
	for (uint32_t k = 0; k < m->count; k++)
		placer_host_set(c->fleet.placer, ghosts[k], &spec);
	sot_buf_add_c(&f->out, ",\"plans\":[");
	for (size_t k = 0; k < plan_count; k++) {
		sot_buf_add_c(&f->out, k ? ",{" : "{");
		add_member(&f->out, "plan", plans[k]->name);
		sot_buf_printf(&f->out, ",\"fitsNow\":%" PRIu64 ",\"fits\":%" PRIu64 "}", before[k],
		    capacity_plan_fit(c, plans[k]).instances);
	}
	sot_buf_add_c(&f->out, "]");
	add_waiting(c, &f->out);
	placer_rollback(c->fleet.placer, mark);
	free(ghosts);
	free(before);
	free(plans);
	return true;
}

/* ---- a plan of another size ---- */

/* On its host when it fits there, on another one, or nowhere. Returns whether it fits its host. */
static bool resize_one(moves *all, instance *i, uint32_t shape)
{
	placer *p = all->c->fleet.placer;

	if (placer_fits_resized(p, i->handle, shape) == 0) {
		placer_resize(p, i->handle, shape);
		return true;
	}
	placer_resize(p, i->handle, shape);
	move_one(all, i);
	return false;
}

static uint32_t resize_app(moves *all, app *a, uint32_t shape)
{
	placer_app_spec spec = *placer_app_spec_of(all->c->fleet.placer, a->handle);
	uint32_t fitting = 0;

	spec.shape = shape;
	placer_app_set(all->c->fleet.placer, a->handle, &spec);
	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		if (stays(i))
			fitting += resize_one(all, i, shape);
	}
	return fitting;
}

static bool uses_plan(const app *a, const plan_row *plan)
{
	return strcmp(a->row.plan, plan->name) == 0 && !sot_list_empty(&a->instances);
}

static void prepare_plan(controller *c, const plan_row *plan)
{
	fleet_sync(c);
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		app *a = SOT_CONTAINER(l, app, all);
		for (sot_link *k = a->instances.next; uses_plan(a, plan) && k != &a->instances;
		     k = k->next) {
			instance *i = SOT_CONTAINER(k, instance, of_app);
			if (stays(i))
				fleet_prepare_move(c, i);
		}
	}
}

static bool resize_plan(controller *c, const sot_what_if *m, forecast *f, problem *p)
{
	const plan_row *known = sot_map_get(c->plans, m->plan.p, m->plan.n);
	uint32_t fitting = 0;
	plan_row next;
	moves all;

	if (!known)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/plan", "no plan is called '%.*s'", SOT_ARG(m->plan));
	next = *known;
	next.cpu_milli = m->cpu_milli ? m->cpu_milli : next.cpu_milli;
	next.memory_bytes = m->memory_bytes ? m->memory_bytes : next.memory_bytes;
	next.disk_bytes = m->disk_bytes ? m->disk_bytes : next.disk_bytes;
	prepare_plan(c, known);
	uint32_t shape = fleet_shape_of_plan(c, &next);
	moves_init(&all, c, f);
	placer_mark mark = placer_begin(c->fleet.placer);
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		app *a = SOT_CONTAINER(l, app, all);
		if (uses_plan(a, known) && a->handle != PLACER_NONE)
			fitting += resize_app(&all, a, shape);
	}
	plan_fit more = capacity_plan_fit(c, &next);
	placer_rollback(c->fleet.placer, mark);
	sot_buf_printf(
	    &f->out, ",\"fitWhereTheyAre\":%" PRIu32 ",\"fitsMore\":%" PRIu64, fitting, more.instances);
	moves_end(&all);
	return true;
}

/* ---- the whole ---- */

static const char *const kind_names[] = {"lose", "drain", "add", "plan", "scale"};

bool what_if_json(controller *c, const sot_what_if *m, forecast *f, problem *p)
{
	sot_buf_printf(&f->out, "{\"kind\":\"%s\"", kind_names[m->kind]);
	switch (m->kind) {
	case SOT_WHAT_IF_KIND_LOSE:
	case SOT_WHAT_IF_KIND_DRAIN:
		if (!check_names(c, m, p))
			return false;
		empty_hosts(c, m, f);
		return true;
	case SOT_WHAT_IF_KIND_ADD:
		return add_hosts(c, m, f, p);
	case SOT_WHAT_IF_KIND_PLAN:
		return resize_plan(c, m, f, p);
	case SOT_WHAT_IF_KIND_SCALE:
		break;
	}
	app *a = model_find_app(c, m->app);
	if (!a)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/app", "no app is called '%.*s'", SOT_ARG(m->app));
	sot_buf_add_c(&f->out, ",");
	forecast_scale(c, a, m->count, f);
	return true;
}
