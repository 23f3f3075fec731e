#include "store_guard.h"
#include "store_model_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows that own or share something. */
#define ROW_WITH_TEXTS(name)                                                                       \
	static void name##_copy(void *to, const void *from)                                            \
	{                                                                                              \
		name##_row_copy(to, from);                                                                 \
	}                                                                                              \
	static void name##_clear(void *row)                                                            \
	{                                                                                              \
		name##_row_clear(row);                                                                     \
	}
ROW_WITH_TEXTS(host)
ROW_WITH_TEXTS(app)
ROW_WITH_TEXTS(group)
ROW_WITH_TEXTS(instance)
ROW_WITH_TEXTS(operation)
ROW_WITH_TEXTS(step)

static const struct {
	size_t size;
	void (*copy)(void *to, const void *from);
	void (*clear)(void *row);
} kinds[TABLES] = {
    [HOSTS] = {sizeof(host_row), host_copy, host_clear},
    [IMAGES] = {sizeof(image_row), NULL, NULL},
    [APPS] = {sizeof(app_row), app_copy, app_clear},
    [GROUPS] = {sizeof(group_row), group_copy, group_clear},
    [VERSIONS] = {sizeof(version_row), NULL, NULL},
    [INSTANCES] = {sizeof(instance_row), instance_copy, instance_clear},
    [OPERATIONS] = {sizeof(operation_row), operation_copy, operation_clear},
    [STEPS] = {sizeof(step_row), step_copy, step_clear},
    [DEPARTURES] = {sizeof(departure_row), NULL, NULL},
    [ROLLOUTS] = {sizeof(rollout_row), NULL, NULL},
    [IMAGE_VERSIONS] = {sizeof(image_version_row), NULL, NULL}, /* without texts */
    [MIDDLEWARE] = {sizeof(middleware_row), NULL, NULL},
};

void *store_model_copy_row(int t, const void *row)
{
	void *copy = sot_alloc(kinds[t].size);

	if (kinds[t].copy)
		kinds[t].copy(copy, row);
	else
		memcpy(copy, row, kinds[t].size);
	return copy;
}

/* As write_instances.sql does. */
static void keep_what_is_unsaid(instance_row *row, const instance_row *before)
{
	if (row->observed_unix_ms == 0) {
		row->observed_unix_ms = before->observed_unix_ms;
		row->started_unix_ms = before->started_unix_ms;
		row->container = before->container;
	}
	if (sot_uuid_is_zero(row->decision_id))
		row->decision_id = before->decision_id;
}

static void free_row(int t, void *row)
{
	if (row && kinds[t].clear)
		kinds[t].clear(row);
	free(row);
}

store_model *store_model_new(void)
{
	store_model *s = sot_alloc(sizeof(*s));

	for (int t = 0; t < TABLES; t++)
		s->tables[t].rows = sot_map_new();
	s->lines = sot_map_new();
	s->holder = -1;
	return s;
}

store_model *store_model_free(store_model *s)
{
	sot_map_iter it = {0};
	void *row;

	if (!s)
		return NULL;
	for (int t = 0; t < TABLES; t++) {
		it = (sot_map_iter){0};
		while ((row = sot_map_next(s->tables[t].rows, &it, NULL)))
			free_row(t, row);
		sot_map_free(s->tables[t].rows);
	}
	it = (sot_map_iter){0};
	while ((row = sot_map_next(s->lines, &it, NULL)))
		free(row);
	sot_map_free(s->lines);
	free(s);
	return NULL;
}

uint64_t store_model_lead(
    store_model *s, int holder, uint64_t epoch, int64_t now_ms, int64_t lease_ms)
{
	bool mine = s->holder == holder && s->epoch == epoch && epoch > 0;

	if (!mine && s->lease_until_ms > now_ms)
		return 0;
	if (!mine)
		s->epoch++;
	s->holder = holder;
	s->lease_until_ms = now_ms + lease_ms;
	return s->epoch;
}

void store_model_resign(store_model *s, int holder, uint64_t epoch)
{
	if (s->holder == holder && s->epoch == epoch)
		s->lease_until_ms = 0;
}

/* ---- transactions ---- */

static void add(store_rows *r, int t, const void *key, size_t key_n, const void *row)
{
	if (r->count == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 16;
		r->items = sot_grow_array(r->items, r->cap, cap, sizeof(*r->items));
		r->cap = cap;
	}
	pending *p = &r->items[r->count++];
	p->table = t;
	p->key_n = key_n;
	memcpy(p->key, key, key_n);
	p->row = store_model_copy_row(t, row);
}

static void add_id(store_rows *r, int t, sot_uuid id, const void *row)
{
	add(r, t, id.b, sizeof(id.b), row);
}

/* The last `count` items are inserted with no look at what is there. */
static void mark_new(store_rows *r, size_t count)
{
	for (size_t k = 0; k < count; k++)
		r->items[r->count - 1 - k].is_new = true;
}

static void add_step(store_rows *r, const step_row *row)
{
	char key[20];

	memcpy(key, row->operation_id.b, 16);
	memcpy(key + 16, &row->ordinal, 4);
	add(r, STEPS, key, sizeof(key), row);
}

static void add_version(store_rows *r, const version_row *row)
{
	char key[16 + 65];

	memcpy(key, row->app_id.b, 16);
	memcpy(key + 16, row->version, 65);
	add(r, VERSIONS, key, 16 + strlen(row->version), row);
}

static void add_middleware(store_rows *r, const middleware_row *row)
{
	char key[100];
	int n = snprintf(key, sizeof(key), "%s %s", row->name, row->version.version);

	add(r, MIDDLEWARE, key, (size_t)n, row);
}

static void add_departure(store_rows *r, const departure_row *row)
{
	char key[32];

	memcpy(key, row->host_id.b, 16);
	memcpy(key + 16, row->instance_id.b, 16);
	add(r, DEPARTURES, key, sizeof(key), row);
}

static void add_image_version(store_rows *r, const image_version_row *row)
{
	image_version_row copy = *row;
	char key[131];
	int n = snprintf(key, sizeof(key), "%s %s", row->image, row->version);

	copy.changelog = copy.smoke_report = NULL;
	add(r, IMAGE_VERSIONS, key, (size_t)n, &copy);
}

store_rows *store_rows_copy(const controller_batch *b)
{
	store_rows *r = sot_alloc(sizeof(*r));

	small_tables_copy(&r->small, b);
	r->elastics = elastic_table_of(b);
	r->placed_count = b->placed_count;
	r->placed = sot_alloc_array(b->placed_count + 1, sizeof(*r->placed));
	for (size_t k = 0; k < b->placed_count; k++)
		r->placed[k] = b->placed[k];

	for (size_t k = 0; k < b->host_count; k++)
		add_id(r, HOSTS, b->hosts[k]->id, b->hosts[k]);
	for (size_t k = 0; k < b->booking_count; k++)
		add_id(r, HOSTS, b->bookings[k]->id, b->bookings[k]);
	for (size_t k = 0; k < b->image_count; k++)
		add(r, IMAGES, b->images[k]->name, strlen(b->images[k]->name), b->images[k]);
	for (size_t k = 0; k < b->image_version_count; k++)
		add_image_version(r, &b->image_versions[k]);
	for (size_t k = 0; k < b->app_count; k++)
		add_id(r, APPS, b->apps[k]->id, b->apps[k]);
	mark_new(r, b->new_apps);
	for (size_t k = 0; k < b->group_count; k++)
		add_id(r, GROUPS, b->groups[k]->id, b->groups[k]);
	mark_new(r, b->new_groups);
	for (size_t k = 0; k < b->version_count; k++)
		add_version(r, &b->versions[k]);
	for (size_t k = 0; k < b->middleware_count; k++)
		add_middleware(r, &b->middleware[k]);
	for (size_t k = 0; k < b->instance_count; k++)
		add_id(r, INSTANCES, b->instances[k]->id, b->instances[k]);
	mark_new(r, b->new_instances);
	for (size_t k = 0; k < b->operation_count; k++)
		add_id(r, OPERATIONS, b->operations[k]->id, b->operations[k]);
	mark_new(r, b->new_operations);
	for (size_t k = 0; k < b->step_count; k++)
		add_step(r, b->steps[k]);
	mark_new(r, b->new_steps);
	for (size_t k = 0; k < b->rollout_count; k++)
		add_id(r, ROLLOUTS, b->rollouts[k].operation_id, &b->rollouts[k]);
	for (size_t k = 0; k < b->departure_count; k++)
		add_departure(r, &b->departures[k]);
	r->writes_brake = b->writes_brake;
	r->brake = b->brake;
	r->deleted_count = b->deleted_app_count;
	r->deleted = sot_alloc_array(b->deleted_app_count + 1, sizeof(*r->deleted));
	for (size_t k = 0; k < b->deleted_app_count; k++)
		r->deleted[k] = b->deleted_apps[k];
	r->log_count = b->log_count;
	r->logs = sot_alloc_array(b->log_count + 1, sizeof(*r->logs));
	for (size_t k = 0; k < b->log_count; k++) {
		r->logs[k].operation_id = b->logs[k].operation_id;
		r->logs[k].line = b->logs[k].line;
	}
	return r;
}

store_rows *store_rows_free(store_rows *r)
{
	if (!r)
		return NULL;
	for (size_t k = 0; k < r->count; k++)
		free_row(r->items[k].table, r->items[k].row);
	free(r->placed);
	free(r->elastics);
	free(r->items);
	free(r->deleted);
	free(r->logs);
	free(r);
	return NULL;
}

/* ---- guards: the constraints of deploy/migrations ---- */

/* As the trigger host_capacity: growth past (capacity - reserve) x overcommit. */
static bool grows_past(
    uint64_t before, uint64_t after, uint64_t capacity, uint64_t reserve, uint32_t permille)
{
	uint64_t given = capacity > reserve ? capacity - reserve : 0;

	return after > before && (double)after * 1000 > (double)given * permille;
}

static sot_code guard_host(const store_model *s, const host_row *h, sot_err *err)
{
	const host_row *old = sot_map_get_uuid(s->tables[HOSTS].rows, h->id);

	if (old && (grows_past(old->booked_cpu_milli, h->booked_cpu_milli, h->cpu_milli,
	                h->reserve_cpu_milli, h->cpu_overcommit_permille) ||
	               grows_past(old->booked_memory_bytes, h->booked_memory_bytes, h->memory_bytes,
	                   h->reserve_memory_bytes, h->memory_overcommit_permille) ||
	               grows_past(old->booked_disk_bytes, h->booked_disk_bytes, h->disk_bytes,
	                   h->reserve_disk_bytes, h->disk_overcommit_permille)))
		return sot_fail(err, SOT_CONFLICT, "host_capacity: %s", h->name);
	return SOT_OK;
}

static sot_code guard_instance(const store_model *s, const instance_row *i, sot_err *err)
{
	sot_map_iter it = {0};
	const instance_row *other;

	if (!sot_map_get_uuid(s->tables[APPS].rows, i->make->app_id))
		return sot_fail(err, SOT_CONFLICT, "instance %s: no such app", i->name);
	if (i->state == INSTANCE_RETIRED)
		return SOT_OK;
	while ((other = sot_map_next(s->tables[INSTANCES].rows, &it, NULL))) {
		if (sot_uuid_eq(other->id, i->id) || other->state == INSTANCE_RETIRED)
			continue;
		if (!sot_ip_is_none(i->v4.address) && sot_ip_eq(other->v4.address, i->v4.address))
			return sot_fail(
			    err, SOT_CONFLICT, "instance_live_address: %s and %s", i->name, other->name);
		if (strcmp(i->name, other->name) == 0)
			return sot_fail(err, SOT_CONFLICT, "instance_live_name: %s", i->name);
	}
	return SOT_OK;
}

static sot_code guard_operation(const store_model *s, const operation_row *o, sot_err *err)
{
	sot_map_iter it = {0};
	const operation_row *other;
	const operation_row *before = sot_map_get_uuid(s->tables[OPERATIONS].rows, o->id);

	if (before && !operation_state_may(before->state, o->state))
		return sot_fail(err, SOT_CONFLICT, "operation of %s: %s after %s", o->target,
		    operation_state_name(o->state), operation_state_name(before->state));
	if (operation_state_is_final(o->state) != (o->finished_unix_ms != 0))
		return sot_fail(err, SOT_CONFLICT, "operation of %s: finished_at", o->target);
	while (!before && (other = sot_map_next(s->tables[OPERATIONS].rows, &it, NULL))) {
		if (!sot_uuid_eq(other->id, o->id) && strcmp(other->key, o->key) == 0 &&
		    strcmp(other->actor, o->actor) == 0)
			return sot_fail(err, SOT_CONFLICT, "idempotency key %s twice", o->key);
	}
	return SOT_OK;
}

static sot_code guard(const store_model *s, const store_rows *r, sot_err *err)
{
	for (size_t k = 0; k < r->count; k++) {
		const pending *p = &r->items[k];
		sot_code code = SOT_OK;
		if (p->is_new && sot_map_get(s->tables[p->table].rows, p->key, p->key_n))
			code = sot_fail(err, SOT_CONFLICT, "a new row of table %d is there", p->table);
		else if (p->table == HOSTS)
			code = guard_host(s, p->row, err);
		else if (p->table == OPERATIONS)
			code = guard_operation(s, p->row, err);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

static void delete_app(store_model *s, sot_uuid id)
{
	static const int owned[] = {INSTANCES, GROUPS, VERSIONS};

	for (size_t k = 0; k < sizeof(owned) / sizeof(owned[0]); k++) {
		sot_map_iter it = {0};
		sot_str key;
		void *row;
		while ((row = sot_map_next(s->tables[owned[k]].rows, &it, &key))) {
			sot_uuid app_id = owned[k] == INSTANCES ? ((instance_row *)row)->make->app_id
			                  : owned[k] == GROUPS  ? ((group_row *)row)->app_id
			                                        : ((version_row *)row)->app_id;
			if (!sot_uuid_eq(app_id, id))
				continue;
			sot_map_remove(s->tables[owned[k]].rows, key.p, key.n);
			free_row(owned[k], row);
		}
	}
	free_row(APPS, sot_map_remove_uuid(s->tables[APPS].rows, id));
	elastic_table_delete_app(&s->elastics, id);
}

static void note_line(store_model *s, sot_uuid operation_id, uint64_t line)
{
	uint64_t *next = sot_map_get_uuid(s->lines, operation_id);

	if (!next) {
		next = sot_alloc(sizeof(*next));
		sot_map_set_uuid(s->lines, operation_id, next);
	}
	if (line >= *next)
		*next = line + 1;
}

static bool has_new_departure(const store_model *s, const store_rows *r)
{
	for (size_t k = 0; k < r->count; k++) {
		const pending *p = &r->items[k];
		if (p->table == DEPARTURES && !((const departure_row *)p->row)->is_gone &&
		    !sot_map_get(s->tables[DEPARTURES].rows, p->key, p->key_n))
			return true;
	}
	return false;
}

size_t store_model_brakes(const store_model *s)
{
	return s->brakes;
}

sot_code store_model_commit(store_model *s, uint64_t epoch, const store_rows *r, sot_err *err)
{
	if (epoch != s->epoch)
		return sot_fail(err, SOT_DENIED, "fenced");
	sot_code code = guard(s, r, err);
	if (code == SOT_OK)
		code = rollouts_check_takes(s, r, err);
	if (code == SOT_OK)
		code = elastics_check(s, r, err);
	if (code != SOT_OK)
		return code;
	if (s->brake.engaged && !r->writes_brake && has_new_departure(s, r))
		return sot_fail(err, SOT_CONFLICT, "something is replaced while the brake is engaged");
	s->brakes += r->writes_brake && r->brake.engaged && !s->brake.engaged;
	for (size_t k = 0; k < r->deleted_count; k++)
		delete_app(s, r->deleted[k]);
	small_tables_write(&s->small, &r->small);
	elastic_table_write(&s->elastics, r->elastics);
	for (size_t k = 0; k < r->count; k++) {
		const pending *p = &r->items[k];
		void *before = p->table == DEPARTURES && ((const departure_row *)p->row)->is_gone
		                   ? sot_map_remove(s->tables[p->table].rows, p->key, p->key_n)
		                   : sot_map_set(s->tables[p->table].rows, p->key, p->key_n,
		                         store_model_copy_row(p->table, p->row));
		if (before && p->table == INSTANCES)
			keep_what_is_unsaid(sot_map_get(s->tables[p->table].rows, p->key, p->key_n), before);
		free_row(p->table, before);
	}
	if (r->writes_brake)
		s->brake = r->brake;
	for (size_t k = 0; k < r->log_count; k++)
		note_line(s, r->logs[k].operation_id, r->logs[k].line);
	/* Unique indexes see the whole transaction; a violation here is a bug, so no undo. */
	for (size_t k = 0; k < r->count; k++) {
		if (r->items[k].table == INSTANCES &&
		    (code = guard_instance(s, r->items[k].row, err)) != SOT_OK)
			return code;
	}
	if ((code = rollouts_check_ends(s, r, err)) != SOT_OK)
		return code;
	return store_guard_check(s->tables[HOSTS].rows, s->tables[APPS].rows, s->tables[INSTANCES].rows,
	    r->placed, r->placed_count, err);
}

/* ---- load ---- */

static int by_position(const void *a, const void *b)
{
	const operation_row *x = *(const operation_row *const *)a,
	                    *y = *(const operation_row *const *)b;

	return x->position < y->position ? -1 : x->position > y->position;
}

static int by_number(const void *a, const void *b)
{
	const instance_row *x = *(const instance_row *const *)a, *y = *(const instance_row *const *)b;

	return sot_uuid_cmp(x->id, y->id);
}

static int by_ordinal(const void *a, const void *b)
{
	const step_row *x = *(const step_row *const *)a, *y = *(const step_row *const *)b;
	int order = sot_uuid_cmp(x->operation_id, y->operation_id);

	return order ? order : (int)x->ordinal - (int)y->ordinal;
}

static void **sorted(const store_model *s, int t, int (*compare)(const void *, const void *))
{
	size_t n = 0;
	void **rows = sot_alloc_array(sot_map_count(s->tables[t].rows) + 1, sizeof(void *));
	sot_map_iter it = {0};
	void *row;

	while ((row = sot_map_next(s->tables[t].rows, &it, NULL)))
		rows[n++] = row;
	qsort(rows, n, sizeof(void *), compare);
	return rows;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(*(const void *const *)a, *(const void *const *)b, 16); /* rows begin with an id */
}

static sot_code load_operations(store_model *s, controller *c, sot_err *err)
{
	void **rows = sorted(s, OPERATIONS, by_position);
	sot_code code = SOT_OK;

	for (size_t k = 0; rows[k] && code == SOT_OK; k++) {
		const operation_row *o = rows[k];
		const uint64_t *line = sot_map_get_uuid(s->lines, o->id);
		key_row key = {.used = {.operation_id = o->id, .resource_id = o->resource_id}};
		(void)snprintf(key.actor, sizeof(key.actor), "%s", o->actor);
		(void)snprintf(key.key, sizeof(key.key), "%s", o->key);
		memcpy(key.used.request_sha256, o->request_sha256, sizeof(key.used.request_sha256));
		if (sot_uuid_is_zero(o->parent_id))
			controller_load_key(c, &key);
		if (!operation_state_is_final(o->state))
			code = controller_load_operation(c, o, line ? *line : 1, err);
	}
	free(rows);
	return code;
}

static sot_code load_rollouts(store_model *s, controller *c, sot_err *err)
{
	sot_map_iter it = {0};
	const rollout_row *row;
	sot_code code = SOT_OK;

	while (code == SOT_OK && (row = sot_map_next(s->tables[ROLLOUTS].rows, &it, NULL))) {
		const operation_row *o = sot_map_get_uuid(s->tables[OPERATIONS].rows, row->operation_id);
		if (o && !operation_state_is_final(o->state))
			code = controller_load_rollout(c, row, err);
	}
	return code;
}

static sot_code load_steps(store_model *s, controller *c, sot_err *err)
{
	void **rows = sorted(s, STEPS, by_ordinal);
	sot_code code = SOT_OK;

	for (size_t k = 0; rows[k] && code == SOT_OK; k++) {
		const step_row *row = rows[k];
		const operation_row *o = sot_map_get_uuid(s->tables[OPERATIONS].rows, row->operation_id);
		if (o && !operation_state_is_final(o->state))
			code = controller_load_step(c, row, err);
	}
	free(rows);
	return code;
}

static sot_code load_instances(store_model *s, controller *c, sot_err *err)
{
	void **rows = sorted(s, INSTANCES, by_number);
	sot_code code = SOT_OK;

	for (size_t k = 0; rows[k] && code == SOT_OK; k++) {
		const instance_row *row = rows[k];
		if (row->state != INSTANCE_RETIRED)
			code = controller_load_instance(c, row, err);
	}
	free(rows);
	return code;
}

sot_code store_model_load(store_model *s, controller *c, sot_err *err)
{
	sot_map_iter it = {0};
	const void *row;
	void **hosts = sorted(s, HOSTS, by_id), **apps = sorted(s, APPS, by_id);
	sot_code code = SOT_OK;

	small_tables_load(&s->small, c);
	while ((row = sot_map_next(s->tables[IMAGES].rows, &it, NULL)))
		controller_load_image(c, row);
	it = (sot_map_iter){0};
	while (code == SOT_OK && (row = sot_map_next(s->tables[IMAGE_VERSIONS].rows, &it, NULL)))
		code = controller_load_image_version(c, row, err);
	for (size_t k = 0; hosts[k]; k++)
		controller_load_host(c, hosts[k]);
	for (size_t k = 0; apps[k]; k++)
		controller_load_app(c, apps[k]);
	free(hosts);
	free(apps);
	it = (sot_map_iter){0};
	while (code == SOT_OK && (row = sot_map_next(s->tables[GROUPS].rows, &it, NULL)))
		code = controller_load_group(c, row, err);
	it = (sot_map_iter){0};
	while (code == SOT_OK && (row = sot_map_next(s->tables[VERSIONS].rows, &it, NULL)))
		code = controller_load_version(c, row, err);
	it = (sot_map_iter){0};
	while (code == SOT_OK && (row = sot_map_next(s->tables[MIDDLEWARE].rows, &it, NULL)))
		controller_load_middleware(c, row);
	if (code == SOT_OK)
		code = load_instances(s, c, err);
	if (code == SOT_OK)
		code = elastic_table_load(&s->elastics, c, err);
	it = (sot_map_iter){0};
	while (code == SOT_OK && (row = sot_map_next(s->tables[DEPARTURES].rows, &it, NULL)))
		code = controller_load_departure(c, row, err);
	controller_load_brake(c, &s->brake);
	if (code == SOT_OK)
		code = load_operations(s, c, err);
	if (code == SOT_OK)
		code = s->forgets_rollouts ? SOT_OK : load_rollouts(s, c, err);
	return code == SOT_OK ? load_steps(s, c, err) : code;
}
