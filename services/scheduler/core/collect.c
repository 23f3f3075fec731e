/* What is dirty as the rows of a batch. */
#include "elastic.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

static void *collect_next(sot_link *list)
{
	sot_link *l = list->next;

	if (l == list)
		return NULL;
	sot_list_remove(l);
	return l;
}

/* Moves one dirty list into an array of row pointers of the batch. */
#define COLLECT(list, type, array, count)                                                          \
	do {                                                                                           \
		size_t room_ = 0;                                                                          \
		sot_link *l_;                                                                              \
		while ((l_ = collect_next(&(list))))                                                       \
			*VECTOR_PUSH(array, count, room_) = &SOT_CONTAINER(l_, type, dirty)->row;              \
	} while (0)

/* The same, with those last that no batch has held before: they need no look at what is there. */
#define COLLECT_NEW_LAST(list, type, array, count, new_count)                                      \
	do {                                                                                           \
		size_t room_ = 0;                                                                          \
		for (sot_link *l_ = (list).next, *next_; l_ != &(list); l_ = next_) {                      \
			type *item_ = SOT_CONTAINER(l_, type, dirty);                                          \
			next_ = l_->next;                                                                      \
			if (!item_->is_written)                                                                \
				continue;                                                                          \
			sot_list_remove(l_);                                                                   \
			*VECTOR_PUSH(array, count, room_) = &item_->row;                                       \
		}                                                                                          \
		for (sot_link * l_; (l_ = collect_next(&(list))); (new_count)++) {                         \
			type *item_ = SOT_CONTAINER(l_, type, dirty);                                          \
			item_->is_written = true;                                                              \
			*VECTOR_PUSH(array, count, room_) = &item_->row;                                       \
		}                                                                                          \
	} while (0)

/* As COLLECT_NEW_LAST. */
static void collect_instances(controller *c, controller_batch *b)
{
	instance_marks *dirty = &c->dirty.instances;

	if (dirty->count == 0)
		return;
	b->instance_rows = sot_alloc_array(dirty->count, sizeof(*b->instance_rows));
	b->instances = sot_alloc_array(dirty->count, sizeof(*b->instances));
	for (int is_new = 0; is_new <= 1; is_new++) {
		for (size_t k = 0; k < dirty->count; k++) {
			instance *i = dirty->items[k];
			if (!i || i->is_written == is_new)
				continue;
			instances_unmark(dirty, &i->dirty_at);
			instance_row *row = &b->instance_rows[b->instance_count];
			*row = instance_row_of(i, c->now.wall);
			b->instances[b->instance_count++] = row;
			b->new_instances += (size_t)is_new;
			i->is_written = true;
			errand_written(c, i);
		}
	}
	instances_unmark_all(dirty);
}

static bool holds_nothing(const instance_row *row)
{
	return sot_ip_is_none(row->v4.address) && sot_ip_is_none(row->v6.address);
}

/* Who lost an address is written before who got it: the unique index looks row by row. New ones
 * stay last: they lost none. */
static void put_addressless_first(controller_batch *b)
{
	size_t old = b->instance_count - b->new_instances, n = 0;
	const instance_row **sorted = sot_alloc_array(old + 1, sizeof(*sorted));

	for (size_t k = 0; k < old; k++) {
		if (holds_nothing(b->instances[k]))
			sorted[n++] = b->instances[k];
	}
	for (size_t k = 0; k < old; k++) {
		if (!holds_nothing(b->instances[k]))
			sorted[n++] = b->instances[k];
	}
	if (old > 0)
		memcpy(b->instances, sorted, old * sizeof(*sorted));
	free(sorted);
}

/* The values of a map as an array: the small tables are written as a whole. */
#define COLLECT_ALL(map, type, array, count)                                                       \
	do {                                                                                           \
		sot_map_iter it_ = {0};                                                                    \
		const type *row_;                                                                          \
		(array) = sot_alloc_array(sot_map_count(map) + 1, sizeof(*(array)));                       \
		while ((row_ = sot_map_next((map), &it_, NULL)))                                           \
			(array)[(count)++] = *row_;                                                            \
	} while (0)

static void collect_mixing(const controller *c, controller_batch *b)
{
	b->mixing = sot_alloc_array((size_t)WORKLOADS * WORKLOADS, sizeof(*b->mixing));
	for (int w = 0; w < WORKLOADS; w++) {
		for (int k = 0; k < WORKLOADS; k++) {
			if (c->mixing[w][k] != MIXING_FREE)
				b->mixing[b->mixing_count++] =
				    (mixing_row){(enum sot_workload)w, (enum sot_workload)k, c->mixing[w][k]};
		}
	}
}

static void collect_hosts(controller *c, controller_batch *b)
{
	size_t room = 0, booking_room = 0;
	sot_link *l;

	while ((l = collect_next(&c->dirty.hosts))) {
		host *h = SOT_CONTAINER(l, host, dirty);
		if (h->only_booked)
			*VECTOR_PUSH(b->bookings, b->booking_count, booking_room) = &h->row;
		else
			*VECTOR_PUSH(b->hosts, b->host_count, room) = &h->row;
	}
}

static bool is_of_track(const operation *o, size_t k, const step *s)
{
	return k < o->step_count && sot_uuid_eq(o->steps[k]->row.instance_id, s->row.instance_id);
}

/* The steps of an instance that follow one another are one row: the first of them. */
static size_t track_of(const step *s)
{
	size_t k = s->row.ordinal;

	while (k > 0 && is_of_track(s->of, k - 1, s))
		k--;
	return k;
}

static void collect_track(controller_batch *b, const step *s, size_t *room)
{
	for (size_t k = track_of(s); is_of_track(s->of, k, s); k++) {
		sot_list_remove(&s->of->steps[k]->dirty);
		s->of->steps[k]->is_written = true;
		*VECTOR_PUSH(b->steps, b->step_count, *room) = &s->of->steps[k]->row;
	}
}

static void collect_steps(controller *c, controller_batch *b)
{
	size_t room = 0;
	sot_link fresh, *l;

	sot_list_init(&fresh);
	while ((l = collect_next(&c->dirty.steps))) {
		step *s = SOT_CONTAINER(l, step, dirty);
		if (s->of->steps[track_of(s)]->is_written)
			collect_track(b, s, &room);
		else
			sot_list_push(&fresh, l);
	}
	size_t old = b->step_count;
	while ((l = collect_next(&fresh)))
		collect_track(b, SOT_CONTAINER(l, step, dirty), &room);
	b->new_steps = b->step_count - old;
}

static void collect_small_tables(controller *c, controller_batch *b)
{
	b->rewrites.plans = c->rewrite.plans;
	b->rewrites.teams = c->rewrite.teams;
	b->rewrites.host_classes = c->rewrite.host_classes;
	b->rewrites.mixing = c->rewrite.mixing;
	if (b->rewrites.plans)
		COLLECT_ALL(c->plans, plan_row, b->plans, b->plan_count);
	if (b->rewrites.teams)
		COLLECT_ALL(c->teams, team_row, b->teams, b->team_count);
	if (b->rewrites.host_classes)
		COLLECT_ALL(c->host_classes, host_class_row, b->host_classes, b->host_class_count);
	if (b->rewrites.mixing)
		collect_mixing(c, b);
	c->rewrite.plans = c->rewrite.teams = c->rewrite.host_classes = c->rewrite.mixing = false;
}

static void collect_refusals(controller *c, controller_batch *b)
{
	sot_link *l;

	while ((l = collect_next(&c->dirty.refusals))) {
		const operation *o = SOT_CONTAINER(l, operation, refused);
		decision_row *row = VECTOR_PUSH(b->decisions, b->decision_count, b->decision_cap);
		*row = o->refusal;
		row->data = sot_strdup(o->refusal.data);
	}
}

static void collect_rollouts(controller *c, controller_batch *b)
{
	sot_link *l;

	while ((l = collect_next(&c->dirty.rollouts)))
		*VECTOR_PUSH(b->rollouts, b->rollout_count, b->rollout_cap) =
		    SOT_CONTAINER(l, rollout, dirty)->row;
}

void batch_collect(controller *c, controller_batch *b)
{
	say_told(c);
	collect_small_tables(c, b);
	collect_hosts(c, b);
	COLLECT(c->dirty.images, image, b->images, b->image_count);
	COLLECT_NEW_LAST(c->dirty.apps, app, b->apps, b->app_count, b->new_apps);
	COLLECT_NEW_LAST(c->dirty.groups, group, b->groups, b->group_count, b->new_groups);
	collect_instances(c, b);
	put_addressless_first(b);
	COLLECT_NEW_LAST(
	    c->dirty.operations, operation, b->operations, b->operation_count, b->new_operations);
	collect_steps(c, b);
	collect_refusals(c, b);
	collect_rollouts(c, b);
	elastic_collect(c, b);
	b->writes_brake = c->brake.is_dirty;
	b->brake = c->brake.row;
	c->brake.is_dirty = false;
}
