#include "parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX SOT_WIRE_FRAME_MAX

void model_text_init(sot_buf *b)
{
	sot_buf_init(b, FRAME_MAX);
}

void model_copy_text(char *dst, size_t dst_size, sot_str text)
{
	size_t n = text.n < dst_size - 1 ? text.n : dst_size - 1;

	/* A cut in the middle of a UTF-8 sequence would make a row that PostgreSQL refuses. */
	while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	if (n > 0)
		memcpy(dst, text.p, n);
	dst[n] = '\0';
}

sot_uuid model_new_id(controller *c)
{
	uint8_t entropy[16];

	sot_rand_fill(&c->rand, entropy, sizeof(entropy));
	return sot_uuid_v7(c->now.wall, entropy);
}

instance *model_find_instance(controller *c, sot_uuid id)
{
	return sot_map_get_uuid(c->instances, id);
}

app *model_find_app(controller *c, sot_str name)
{
	return sot_map_get(c->apps_by_name, name.p, name.n);
}

host *model_find_host(controller *c, sot_str name)
{
	return sot_map_get(c->hosts_by_name, name.p, name.n);
}

#define ADDRESS_KEY 18
static const uint8_t *address_key(uint8_t dst[static ADDRESS_KEY], uint16_t vrf, sot_ip address)
{
	dst[0] = (uint8_t)vrf;
	dst[1] = (uint8_t)(vrf >> 8);
	memcpy(dst + 2, address.b, sizeof(address.b));
	if (address.family == 4)
		dst[17] =
		    4; /* the bytes after an IPv4 address are 0; ::4 with no network is none of ours */
	return dst;
}

instance *model_address_holder(const controller *c, uint16_t vrf, sot_ip address)
{
	uint8_t key[ADDRESS_KEY];

	return sot_map_get(c->by_address, address_key(key, vrf, address), sizeof(key));
}

static void index_address(controller *c, instance *i, sot_ip address)
{
	uint8_t key[ADDRESS_KEY];

	if (!sot_ip_is_none(address))
		sot_map_set(c->by_address, address_key(key, i->row.net.vrf, address), sizeof(key), i);
}

void model_set_address(controller *c, instance *i, held_address *held, const held_address *next)
{
	uint8_t key[ADDRESS_KEY];

	if (!sot_ip_is_none(held->address))
		sot_map_remove(c->by_address, address_key(key, i->row.net.vrf, held->address), sizeof(key));
	*held = *next;
	index_address(c, i, held->address);
	touch_instance(c, i);
}

bool model_holds_address(const instance *i)
{
	return !sot_ip_is_none(i->row.v4.address) || !sot_ip_is_none(i->row.v6.address);
}

const version_row *model_find_version(const app *a, const char *version)
{
	for (size_t i = 0; i < a->version_count; i++) {
		if (strcmp(a->versions[i].version, version) == 0)
			return &a->versions[i];
	}
	return NULL;
}

/* Actor and key with a NUL between: neither may contain one. */
static size_t key_text(const char *actor, const char *key, char dst[static 260])
{
	int n = snprintf(dst, 260, "%s%c%s", actor, '\0', key);

	return n > 0 ? (size_t)n : 0;
}

const key_row *model_find_key(const controller *c, const char *actor, const char *key)
{
	char text[260];
	size_t n = key_text(actor, key, text);

	return sot_map_get(c->keys, text, n);
}

void model_remember_key(controller *c, const key_row *row)
{
	char text[260];
	size_t n = key_text(row->actor, row->key, text);
	key_row *copy = sot_alloc(sizeof(*copy));

	*copy = *row;
	free(sot_map_set(c->keys, text, n, copy));
}

/* ---- dirty ---- */

static void mark(sot_link *list, dirty_mark *dirty)
{
	if (sot_list_empty(dirty))
		sot_list_push(list, dirty);
}

void touch_image(controller *c, image *i)
{
	mark(&c->dirty.images, &i->dirty);
}

void touch_host(controller *c, host *h)
{
	mark(&c->dirty.hosts, &h->dirty);
	mark(&c->fleet.hosts, &h->stale);
}

void touch_app(controller *c, app *a)
{
	a->row.updated_unix_ms = c->now.wall.unix_ms;
	mark(&c->dirty.apps, &a->dirty);
}

void touch_group(controller *c, group *g)
{
	mark(&c->dirty.groups, &g->dirty);
}

void touch_instance(controller *c, instance *i)
{
	i->row.updated_unix_ms = c->now.wall.unix_ms;
	mark(&c->dirty.instances, &i->dirty);
	mark(&c->fleet.instances, &i->stale);
}

void touch_operation(controller *c, operation *o)
{
	o->row.updated_unix_ms = c->now.wall.unix_ms;
	mark(&c->dirty.operations, &o->dirty);
}

void touch_step(controller *c, step *s)
{
	mark(&c->dirty.steps, &s->dirty);
}

/* ---- adders ---- */

image *model_add_image(controller *c, const image_row *row)
{
	image *i = sot_alloc(sizeof(*i));

	i->row = *row;
	sot_list_init(&i->dirty);
	sot_map_set(c->images, row->name, strlen(row->name), i);
	return i;
}

host *model_add_host(controller *c, const host_row *row)
{
	host *h = sot_alloc(sizeof(*h));

	h->row = *row;
	sot_list_init(&h->dirty);
	sot_list_init(&h->changed);
	sot_list_init(&h->pushes);
	sot_list_init(&h->instances);
	sot_list_init(&h->stale);
	h->handle = PLACER_NONE;
	mark(&c->fleet.hosts, &h->stale);
	sot_list_push(&c->all_hosts, &h->all);
	sot_map_set_uuid(c->hosts, row->id, h);
	sot_map_set(c->hosts_by_name, row->name, strlen(row->name), h);
	return h;
}

app *model_add_app(controller *c, app_row *row)
{
	app *a = sot_alloc(sizeof(*a));

	a->row = *row;
	a->handle = PLACER_NONE;
	sot_list_init(&a->dirty);
	sot_list_init(&a->instances);
	sot_list_init(&a->queue);
	sot_list_init(&a->asking);
	sot_list_push(&c->all_apps, &a->all);
	sot_map_set_uuid(c->apps, row->id, a);
	sot_map_set(c->apps_by_name, row->name, strlen(row->name), a);
	return a;
}

group *model_add_group(controller *c, app *a, const group_row *row)
{
	group *g = sot_alloc(sizeof(*g));

	g->row = *row;
	sot_list_init(&g->dirty);
	a->group = g;
	sot_map_set_uuid(c->groups, row->id, g);
	return g;
}

void model_add_version(controller *c, app *a, const version_row *row, bool write)
{
	version_row *v = VECTOR_PUSH(a->versions, a->version_count, a->version_cap);

	*v = *row;
	if (write) {
		controller_batch *b = c->next;
		*VECTOR_PUSH(b->versions, b->version_count, b->version_cap) = *row;
	}
}

instance *model_add_instance(controller *c, app *a, instance_row *row)
{
	instance *i = sot_alloc(sizeof(*i));

	i->row = *row;
	i->app = a;
	sot_list_init(&i->dirty);
	sot_list_init(&i->of_host);
	sot_list_init(&i->push);
	sot_list_init(&i->stale);
	i->handle = PLACER_NONE;
	mark(&c->fleet.instances, &i->stale);
	sot_list_push(&a->instances, &i->of_app);
	sot_map_set_uuid(c->instances, row->id, i);
	sot_map_set(c->instances_by_name, row->name, strlen(row->name), i);
	index_address(c, i, i->row.v4.address);
	index_address(c, i, i->row.v6.address);
	return i;
}

operation *model_add_operation(controller *c, operation_row *row)
{
	operation *o = sot_alloc(sizeof(*o));

	o->row = *row;
	o->next_line = 1;
	o->app = sot_map_get_uuid(c->apps, row->app_id);
	sot_list_init(&o->dirty);
	sot_list_init(&o->queued);
	sot_list_init(&o->awake);
	sot_list_push(&c->all_operations, &o->all);
	sot_map_set_uuid(c->operations, row->id, o);
	return o;
}

step *model_add_step(controller *c, operation *o, const step_row *row)
{
	step *s = sot_alloc(sizeof(*s));

	(void)c;
	s->row = *row;
	sot_list_init(&s->dirty);
	*VECTOR_PUSH(o->steps, o->step_count, o->step_cap) = s;
	return s;
}

/* ---- hosts and booking ---- */

void model_book(controller *c, instance *i, host *h)
{
	i->host = h;
	i->row.host_id = h->row.id;
	h->row.booked_cpu_milli += i->row.cpu_milli;
	h->row.booked_memory_bytes += i->row.memory_bytes;
	h->row.booked_disk_bytes += i->row.disk_bytes;
	sot_list_push(&h->instances, &i->of_host);
	touch_host(c, h);
	touch_instance(c, i);
}

void model_unbook(controller *c, instance *i)
{
	host *h = i->host;

	if (!h)
		return;
	h->row.booked_cpu_milli -= i->row.cpu_milli;
	h->row.booked_memory_bytes -= i->row.memory_bytes;
	h->row.booked_disk_bytes -= i->row.disk_bytes;
	sot_list_remove(&i->of_host);
	sot_list_remove(&i->push);
	i->host = NULL;
	i->row.host_id = (sot_uuid){{0}};
	c->capacity_changed = true;
	touch_host(c, h);
	touch_instance(c, i);
}

void model_spec_changed(controller *c, instance *i)
{
	touch_instance(c, i);
	if (!instance_is_told(i))
		return;
	mark(&i->host->pushes, &i->push);
	mark(&c->changed_hosts, &i->host->changed);
	touch_host(c, i->host);
}

/* ---- life and death ---- */

void instance_set_error(instance *i, sot_str text)
{
	if (sot_str_eq_c(text, i->row.error))
		return;
	free(i->row.error);
	i->row.error = sot_strndup(text);
}

static void say_instance_state(controller *c, const instance *i, instance_state from)
{
	char id[SOT_UUID_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data, "{\"id\":\"%s\",\"changed\":{\"state\":[\"%s\",\"%s\"]}",
	    sot_uuid_format(i->row.id, id), instance_state_name(from),
	    instance_state_name(i->row.state));
	char address[SOT_IP_TEXT];
	if (sot_ip_is_none(i->row.v4.address))
		sot_buf_add_c(&data, ",\"address\":null");
	else
		sot_buf_printf(&data, ",\"address\":\"%s\"", sot_ip_format(i->row.v4.address, address));
	if (i->row.state == INSTANCE_FAILED) {
		sot_buf_add_c(&data, ",\"error\":");
		sot_buf_add_json(&data, sot_str_c(i->row.error));
	}
	sot_buf_add_c(&data, "}");
	say_event(c, "instance.state", i->row.name, i->app, i->host, app_operation(i->app), &data);
}

void instance_move(controller *c, instance *i, instance_state to)
{
	instance_state from = i->row.state;

	if (from == to)
		return;
	assert(instance_state_may(from, to));
	i->row.state = to;
	touch_instance(c, i);
	say_instance_state(c, i, from);
}

void model_bury_instance(controller *c, instance *i)
{
	sot_list_remove(&i->of_app);
	sot_map_remove_uuid(c->instances, i->row.id);
	sot_map_remove(c->instances_by_name, i->row.name, strlen(i->row.name));
	touch_instance(c, i);
	fleet_forget_instance(c, i);
	*VECTOR_PUSH(c->buried, c->buried_count, c->buried_cap) = i;
	wake_app(c, i->app);
}

void model_delete_app(controller *c, app *a)
{
	controller_batch *b = c->next;

	*VECTOR_PUSH(b->deleted_apps, b->deleted_app_count, b->deleted_app_cap) = a->row.id;
	sot_list_remove(&a->all);
	sot_list_remove(&a->dirty);
	sot_list_remove(&a->asking);
	sot_map_remove_uuid(c->apps, a->row.id);
	sot_map_remove(c->apps_by_name, a->row.name, strlen(a->row.name));
	if (a->group) {
		sot_list_remove(&a->group->dirty);
		sot_map_remove_uuid(c->groups, a->group->row.id);
	}
	for (size_t k = 0; k < c->buried_count; k++) {
		if (c->buried[k]->app == a)
			sot_list_remove(&c->buried[k]->dirty); /* its row goes with the app */
	}
	size_t kept = 0;
	for (size_t k = 0; k < b->version_count; k++) {
		if (!sot_uuid_eq(b->versions[k].app_id, a->row.id))
			b->versions[kept++] = b->versions[k];
	}
	b->version_count = kept;
	fleet_forget_app(c, a);
	*VECTOR_PUSH(c->deleted, c->deleted_count, c->deleted_cap) = a;
}

void model_end_operation(controller *c, operation *o)
{
	sot_list_remove(&o->all);
	sot_list_remove(&o->queued);
	sot_list_remove(&o->awake);
	sot_map_remove_uuid(c->operations, o->row.id);
	*VECTOR_PUSH(c->ended, c->ended_count, c->ended_cap) = o;
}

void wake_operation(controller *c, operation *o)
{
	mark(&c->awake, &o->awake);
}

operation *app_operation(const app *a)
{
	return sot_list_empty(&a->queue) ? NULL : SOT_CONTAINER(a->queue.next, operation, queued);
}

void wake_app(controller *c, app *a)
{
	operation *o = app_operation(a);

	if (o)
		wake_operation(c, o);
}

/* ---- what is said ---- */

void say_event(controller *c, const char *kind, const char *subject, const app *a, const host *h,
    const operation *o, sot_buf *data)
{
	controller_batch *b = c->next;
	event_row *e = VECTOR_PUSH(b->events, b->event_count, b->event_cap);

	e->kind = kind;
	model_copy_text(e->subject, sizeof(e->subject), sot_str_c(subject));
	if (a)
		memcpy(e->app, a->row.name, sizeof(e->app));
	if (h)
		memcpy(e->host, h->row.name, sizeof(e->host));
	memcpy(e->actor, o ? o->row.actor : "svc:scheduler", o ? sizeof(e->actor) : 14);
	if (o)
		e->operation_id = o->row.id;
	e->data = sot_strndup(sot_buf_str(data));
	sot_buf_clear(data);
}

void say_log(controller *c, operation *o, log_level level, const char *fmt, ...)
{
	controller_batch *b = c->next;
	log_row *l = VECTOR_PUSH(b->logs, b->log_count, b->log_cap);
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	l->operation_id = o->row.id;
	l->line = o->next_line++;
	l->at_unix_ms = c->now.wall.unix_ms;
	l->level = level;
	l->text = sot_strdup(text);
}

controller_effect *say_effect(controller *c, controller_effect_kind kind)
{
	controller_batch *b = c->next;
	controller_effect *e = VECTOR_PUSH(b->effects, b->effect_count, b->effect_cap);

	e->kind = kind;
	model_text_init(&e->frame);
	return e;
}
