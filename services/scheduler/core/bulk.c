/* Bulk operations: one request, a child for each target, so many at a time.
 *
 * A child is an operation like any other, in the queue of its app. The parent has no steps: it
 * counts its children, lets the next begin, and ends when none is open. What it counts is in its
 * row, so that it goes on after a take-over although ended children are not read again.
 */
#include "parts.h"

#include <stdio.h>
#include <string.h>

void bulk_child_ended(controller *c, const operation *child)
{
	operation *o = child->parent;
	children_row *n = &o->row.children;

	o->running_children -= child->row.started_unix_ms != 0;
	n->done += child->row.state == OPERATION_DONE;
	n->failed += child->row.state == OPERATION_FAILED;
	n->cancelled += child->row.state == OPERATION_CANCELLED;
	o->row.progress_done = n->done + n->failed + n->cancelled;
	if (child->row.state == OPERATION_FAILED) {
		say_log(c, o, LOG_WARN, "%s failed: %.800s", child->row.target, child->row.error);
		if (!o->row.error[0]) {
			char text[OPERATION_TEXT_MAX];
			(void)snprintf(text, sizeof(text), "%s: %.500s", child->row.target, child->row.error);
			model_put_text(&o->row.error, OPERATION_TEXT_MAX - 1, sot_str_c(text));
		}
	} else {
		say_log(c, o, LOG_INFO, "%s %s", child->row.target, operation_state_name(child->row.state));
	}
	touch_operation(c, o);
	wake_operation(c, o);
}

bool bulk_has_room(const operation *o)
{
	return o->running_children < o->row.parallel && !bulk_is_stopped(o);
}

bool bulk_is_stopped(const operation *o)
{
	return o->row.cancelled_by[0] ||
	       (o->row.failures_max > 0 && o->row.children.failed >= o->row.failures_max);
}

static void cancel_not_begun(controller *c, operation *o)
{
	char why[200];

	if (o->row.cancelled_by[0])
		(void)snprintf(why, sizeof(why), "cancelled by %s", o->row.cancelled_by);
	else
		(void)snprintf(why, sizeof(why), "not begun: %u others failed", o->row.children.failed);
	for (sot_link *l = o->children.next, *next; l != &o->children; l = next) {
		operation *child = SOT_CONTAINER(l, operation, sibling);
		next = l->next;
		if (child->row.state == OPERATION_QUEUED || move_is_searching(child))
			operation_end(c, child, OPERATION_CANCELLED, why);
	}
}

/* Wakes as many as there is room for; they begin when their app's queue lets them. */
static void wake_next(controller *c, operation *o)
{
	uint32_t room =
	    o->row.parallel > o->running_children ? o->row.parallel - o->running_children : 0;

	for (sot_link *l = o->children.next; l != &o->children && room > 0; l = l->next) {
		operation *child = SOT_CONTAINER(l, operation, sibling);
		if (child->row.state != OPERATION_QUEUED || !operation_has_turn(child) ||
		    operation_is_held(c, child))
			continue;
		wake_operation(c, child);
		room--;
	}
}

static void say_waiting(controller *c, operation *o)
{
	const operation *first = SOT_CONTAINER(o->children.next, operation, sibling);
	char text[OPERATION_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s%s%.400s", first->row.target,
	    first->row.waits_for[0] ? ", which waits for " : "", first->row.waits_for);
	operation_set_waits_for(c, o, text);
}

static void end(controller *c, operation *o)
{
	const children_row *n = &o->row.children;
	char why[OPERATION_TEXT_MAX];

	if (o->row.cancelled_by[0]) {
		(void)snprintf(why, sizeof(why), "cancelled by %s", o->row.cancelled_by);
		operation_end(c, o, OPERATION_CANCELLED, why);
	} else if (n->failed + n->cancelled == 0) {
		operation_end(c, o, OPERATION_DONE, "");
	} else {
		(void)snprintf(why, sizeof(why), "%u of %u failed, %u were cancelled%s%.450s", n->failed,
		    n->total, n->cancelled, o->row.error[0] ? "; the first: " : "", o->row.error);
		operation_end(c, o, OPERATION_FAILED, why);
	}
}

void bulk_advance(controller *c, operation *o)
{
	if (bulk_is_stopped(o))
		cancel_not_begun(c, o);
	if (sot_list_empty(&o->children)) {
		end(c, o);
		return;
	}
	wake_next(c, o);
	say_waiting(c, o);
}

void bulk_cancel(controller *c, operation *o, const char *actor)
{
	model_share_text(c, &o->row.cancelled_by, ACTOR_MAX_BYTES, sot_str_c(actor));
	touch_operation(c, o);
	wake_operation(c, o);
}

/* What the child's spec says besides its name; read back from there. */
static void add_what(const operation_row *row, sot_buf *spec)
{
	if (row->kind == OPERATION_APP_SCALE)
		sot_buf_printf(spec, ",\"count\":%u", row->count);
	if (row->kind == OPERATION_APP_MIDDLEWARE || row->kind == OPERATION_APP_REBUILD) {
		sot_buf_printf(
		    spec, ",\"%s\":", row->kind == OPERATION_APP_REBUILD ? "image" : "middleware");
		sot_buf_add_json(spec, sot_str_c(row->image));
	}
	if (row->kind == OPERATION_APP_DEPLOY || row->kind == OPERATION_APP_MIDDLEWARE) {
		sot_buf_add_c(spec, ",\"version\":");
		sot_buf_add_json(spec, sot_str_c(row->version));
	}
}

operation *bulk_add_child(
    controller *c, operation *o, operation_kind kind, app *a, const instance *i, sot_str version)
{
	operation_row row = {
	    .id = model_new_id(c),
	    .kind = kind,
	    .app_id = a->row.id,
	    .resource_id = i ? i->row.id : a->row.id,
	    .parent_id = o->row.id,
	    .position = c->next_position++,
	    .count = o->row.count,
	    .state = OPERATION_QUEUED,
	    .created_unix_ms = c->now.wall.unix_ms,
	};
	char id[SOT_UUID_TEXT], key[SOT_UUID_TEXT + 12];
	sot_buf spec;

	(void)snprintf(
	    key, sizeof(key), "%s/%u", sot_uuid_format(o->row.id, id), ++o->row.children.total);
	operation_row_init(&row);
	row.target = shared_alone(sot_str_c(i ? i->name : a->row.name));
	row.key = shared_alone(sot_str_c(key));
	row.actor = shared_keep(o->row.actor);
	row.reason = shared_keep(o->row.reason);
	model_share_text(c, &row.version, WORD_MAX_BYTES, version);
	model_share_text(c, &row.image, WORD_MAX_BYTES,
	    sot_str_c(kind == OPERATION_APP_REBUILD ? a->row.image : o->row.image));
	memcpy(row.request_sha256, o->row.request_sha256, sizeof(row.request_sha256));
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{\"name\":");
	sot_buf_add_json(&spec, sot_str_c(row.target));
	add_what(&row, &spec);
	sot_buf_add_c(&spec, "}");
	row.spec = sot_strndup(sot_buf_str(&spec));
	sot_buf_clear(&spec);
	o->row.progress_total = o->row.children.total;
	operation *child = model_add_operation(c, &row);
	operation_enqueue(c, child);
	return child;
}
