/* What is said: events, log lines, effects of the batch under way. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where it happened, and on whose behalf. */
static void put_actor(event_row *e, const host *h, const operation *o)
{
	memcpy(e->host, h ? h->row.name : "", h ? sizeof(e->host) : 1);
	model_copy_text(e->actor, sizeof(e->actor), sot_str_c(o ? o->row.actor : "svc:scheduler"));
	e->operation_id = o ? o->row.id : (sot_uuid){{0}};
}

void say_event(controller *c, const char *kind, const char *subject, const app *a, const host *h,
    const operation *o, sot_buf *data)
{
	controller_batch *b = c->next;
	event_row *e = VECTOR_PUSH(b->events, b->event_count, b->event_cap);

	e->kind = kind;
	model_copy_text(e->subject, sizeof(e->subject), sot_str_c(subject));
	if (a)
		memcpy(e->app, a->row.name, sizeof(e->app));
	put_actor(e, h, o);
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

/* ---- the life of an instance ---- */

/* The event of the batch under way that tells the instance's last change; NULL when none does. */
static struct told *told_already(const controller *c, const instance *i)
{
	bool is_there =
	    i->told_at > 0 && i->told_at <= c->told_count && c->told[i->told_at - 1].of == i;

	return is_there ? &c->told[i->told_at - 1] : NULL;
}

static event_row *event_of(const controller *c, const struct told *t)
{
	return &c->next->events[t->event];
}

static void add_address(const instance *i, sot_buf *data)
{
	char address[SOT_IP_TEXT];

	if (sot_ip_is_none(i->row.v4.address)) {
		sot_buf_add_c(data, ",\"address\":null");
		return;
	}
	sot_buf_add_c(data, ",\"address\":\"");
	sot_buf_add_c(data, sot_ip_format(i->row.v4.address, address));
	sot_buf_add_c(data, "\"");
}

/* What no row ever said has no state before. */
static void add_state(instance_state from, instance_state to, sot_buf *data)
{
	if (from == INSTANCE_STATES) {
		sot_buf_add_c(data, ",\"state\":\"");
		sot_buf_add_c(data, instance_state_name(to));
		sot_buf_add_c(data, "\"");
		return;
	}
	sot_buf_add_c(data, ",\"changed\":{\"state\":[\"");
	sot_buf_add_c(data, instance_state_name(from));
	sot_buf_add_c(data, "\",\"");
	sot_buf_add_c(data, instance_state_name(to));
	sot_buf_add_c(data, "\"]}");
}

static char *instance_data(
    const controller *c, const instance *i, instance_state from, instance_state to, sot_buf *data)
{
	char id[SOT_UUID_TEXT];

	sot_buf_reset(data);
	sot_buf_add_c(data, "{\"id\":\"");
	sot_buf_add_c(data, sot_uuid_format(i->row.id, id));
	sot_buf_add_c(data, "\"");
	if (from == INSTANCE_STATES) {
		sot_buf_add_c(data, ",\"group\":");
		sot_buf_add_json(data, sot_str_c(instance_group(c, i)->row.name));
	}
	add_state(from, to, data);
	add_address(i, data);
	if (from != INSTANCE_STATES && to == INSTANCE_FAILED) {
		sot_buf_add_c(data, ",\"error\":");
		sot_buf_add_json(data, sot_str_c(i->row.make->error));
	}
	sot_buf_add_c(data, "}");
	return sot_strndup(sot_buf_str(data));
}

void say_told(controller *c)
{
	sot_buf data;

	model_text_init(&data);
	for (size_t k = 0; k < c->told_count; k++) {
		const struct told *t = &c->told[k];
		event_row *e = event_of(c, t);
		if (!e->data)
			e->data = instance_data(c, t->of, t->from, t->of->row.state, &data);
	}
	c->told_count = 0;
	sot_buf_clear(&data);
}

static struct told *begin_telling(controller *c, instance *i)
{
	controller_batch *b = c->next;
	event_row *e = VECTOR_PUSH(b->events, b->event_count, b->event_cap);

	model_copy_text(e->subject, sizeof(e->subject), sot_str_c(i->name));
	memcpy(e->app, i->app->row.name, sizeof(e->app));
	struct told *t = VECTOR_PUSH(c->told, c->told_count, c->told_cap);
	t->of = i;
	t->event = b->event_count - 1;
	i->told_at = (uint32_t)c->told_count;
	return t;
}

static void say_instance(controller *c, instance *i, const operation *o, instance_state from)
{
	struct told *t = told_already(c, i);

	if (!t)
		t = begin_telling(c, i);
	event_row *e = event_of(c, t);
	t->from = from;
	e->kind = from == INSTANCE_STATES ? "instance.created" : "instance.state";
	put_actor(e, i->host, o);
}

void say_instance_created(controller *c, instance *i, const operation *o)
{
	say_instance(c, i, o, INSTANCE_STATES);
}

/* There and back within one batch is two events: the first is said as it is now. */
static void say_first_half(
    const controller *c, const struct told *t, instance *i, instance_state to)
{
	sot_buf data;

	model_text_init(&data);
	event_of(c, t)->data = instance_data(c, i, t->from, to, &data);
	sot_buf_clear(&data);
	i->told_at = 0;
}

/* What no row ever said is not told: from the state before this batch to the one after it. */
void say_instance_state(controller *c, instance *i, instance_state from)
{
	const struct told *t = told_already(c, i);

	if (t && t->from == i->row.state && from != i->row.state)
		say_first_half(c, t, i, from);
	else if (t)
		from = t->from;
	say_instance(c, i, app_operation(i->app), from);
}
