/* Versions of an app's packages: found, written, and kept or not; those of middleware are kept
 * alike.
 *
 * Kept are the newest ones, as many as the app says, those of the last days, and whatever runs, or
 * is to run, or is what a way back leads to. The row of any other stays and is marked: a name of a
 * version never means other content. Its bytes are the gateway's to sweep.
 */
#include "middleware.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS (10 * 60 * 1000)
#define DAY_MS (24ll * 3600 * 1000)
/* Uploaded and not deployed yet: who did that is about to. */
#define YOUNG_MS DAY_MS

version_row *model_known_version(const app *a, const char *version)
{
	for (size_t i = 0; i < a->version_count; i++) {
		if (strcmp(a->versions[i].version, version) == 0)
			return &a->versions[i];
	}
	return NULL;
}

const version_row *model_find_version(const app *a, const char *version)
{
	const version_row *v = model_known_version(a, version);

	return v && !v->removed ? v : NULL;
}

void model_add_version(controller *c, app *a, const version_row *row, bool write)
{
	version_row *v = VECTOR_PUSH(a->versions, a->version_count, a->version_cap);

	*v = *row;
	v->origin = NULL;
	if (write)
		model_write_version(c, row);
}

void model_write_version(controller *c, const version_row *row)
{
	controller_batch *b = c->next;

	for (size_t k = 0; k < b->version_count; k++) {
		version_row *v = &b->versions[k];
		if (sot_uuid_eq(v->app_id, row->app_id) && strcmp(v->version, row->version) == 0) {
			v->removed = row->removed; /* a batch has each once */
			return;
		}
	}
	*VECTOR_PUSH(b->versions, b->version_count, b->version_cap) = *row;
}

/* ---- retention ---- */

static bool is_named(const char *version, const char *by)
{
	return strcmp(version, by) == 0;
}

static bool is_needed(const app *a, const char *version)
{
	if (is_named(version, a->row.version) || is_named(version, a->row.settings.version_before))
		return true;
	for (const sot_link *l = a->groups.next; l != &a->groups; l = l->next) {
		if (is_named(version, SOT_CONTAINER(l, group, of_app)->row.version))
			return true;
	}
	for (const sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_app);
		if (is_named(version, i->row.make->version) ||
		    is_named(version, i->row.make->observed_version))
			return true;
	}
	for (const sot_link *l = a->queue.next; l != &a->queue; l = l->next) {
		if (is_named(version, SOT_CONTAINER(l, operation, queued)->row.version))
			return true;
	}
	return false;
}

static void remove_version(controller *c, app *a, version_row *v)
{
	sot_buf data;

	v->removed = true;
	model_write_version(c, v);
	model_text_init(&data);
	sot_buf_printf(&data, "{\"sizeBytes\":%llu}", (unsigned long long)v->size_bytes);
	say_event(c, "package.removed", v->version, a, NULL, NULL, &data);
}

void retention_look(controller *c, app *a)
{
	const app_settings *s = &a->row.settings;
	int64_t young_ms = s->keep_days > 0 ? s->keep_days * DAY_MS : YOUNG_MS;
	uint32_t newer = 0; /* that are there */

	/* In the order in which they came: the newest is the last. */
	for (size_t k = a->version_count; s->keep_versions > 0 && k > 0; k--) {
		version_row *v = &a->versions[k - 1];
		if (v->removed)
			continue;
		if (newer++ >= s->keep_versions && c->now.wall.unix_ms - v->created_unix_ms >= young_ms &&
		    !is_needed(a, v->version))
			remove_version(c, a, v);
	}
}

/* An app or an instance has it, or had it before, or an operation names such a version. */
static bool is_needed_of(const controller *c, const middleware *m, const char *version)
{
	sot_str name = sot_str_c(m->name);

	for (const sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		const app *a = SOT_CONTAINER(l, app, all);
		if (sot_str_eq_c(middleware_version_in(a->row.middleware, name), version) ||
		    sot_str_eq_c(middleware_version_in(a->row.settings.middleware_before, name), version))
			return true;
		for (const sot_link *k = a->instances.next; k != &a->instances; k = k->next) {
			const instance *i = SOT_CONTAINER(k, instance, of_app);
			if (sot_str_eq_c(middleware_version_in(i->row.make->middleware, name), version))
				return true;
		}
	}
	for (const sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next) {
		const operation *o = SOT_CONTAINER(l, operation, all);
		if (!operation_state_is_final(o->row.state) && is_named(version, o->row.version))
			return true;
	}
	return false;
}

static void remove_middleware(controller *c, const middleware *m, version_row *v)
{
	sot_buf data;

	v->removed = true;
	middleware_write(c, m, v);
	model_text_init(&data);
	sot_buf_printf(&data, "{\"middleware\":\"%s\",\"version\":", m->name);
	sot_buf_add_json(&data, sot_str_c(v->version));
	sot_buf_printf(&data, ",\"sizeBytes\":%llu}", (unsigned long long)v->size_bytes);
	say_event(c, "middleware.removed", m->name, NULL, NULL, NULL, &data);
}

void retention_look_at_middleware(controller *c, middleware *m)
{
	int64_t young_ms = m->keep_days > 0 ? m->keep_days * DAY_MS : YOUNG_MS;
	uint32_t newer = 0;

	for (size_t k = m->version_count; m->keep_versions > 0 && k > 0; k--) {
		version_row *v = &m->versions[k - 1];
		if (v->removed)
			continue;
		if (newer++ >= m->keep_versions && c->now.wall.unix_ms - v->created_unix_ms >= young_ms &&
		    !is_needed_of(c, m, v->version))
			remove_middleware(c, m, v);
	}
}

void retention_tick(controller *c)
{
	sot_map_iter it = {0};
	middleware *m;

	if (!sot_mono_reached(c->now.mono, c->retention_next))
		return;
	c->retention_next = sot_mono_add_ms(c->now.mono, LOOK_MS);
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next)
		retention_look(c, SOT_CONTAINER(l, app, all));
	while ((m = sot_map_next(c->middleware, &it, NULL)))
		retention_look_at_middleware(c, m);
}
