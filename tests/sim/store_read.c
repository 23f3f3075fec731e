/* Reading the rows, for seeding and for checks. */
#include "store_model_internal.h"

void store_model_add_plan(store_model *s, const plan_row *row)
{
	s->small.plans[s->small.plan_count++] = *row;
}

void store_model_add_host_class(store_model *s, const host_class_row *row)
{
	s->small.host_classes[s->small.host_class_count++] = *row;
}

void store_model_forget_cooldowns(store_model *s)
{
	s->elastics.forgets_what_lasts = true;
}

void store_model_count_scalings(const store_model *s, uint64_t *grown, uint64_t *shrunk)
{
	*grown += s->elastics.grown;
	*shrunk += s->elastics.shrunk;
}

const app_row *store_model_app(const store_model *s, sot_uuid id)
{
	return sot_map_get_uuid(s->tables[APPS].rows, id);
}

size_t store_model_departure_count(const store_model *s)
{
	return sot_map_count(s->tables[DEPARTURES].rows);
}

void store_model_each_departure(
    const store_model *s, void (*visit)(void *self, const departure_row *), void *self)
{
	sot_map_iter it = {0};
	const departure_row *row;

	while ((row = sot_map_next(s->tables[DEPARTURES].rows, &it, NULL)))
		visit(self, row);
}

size_t store_model_count_open(const store_model *s)
{
	sot_map_iter it = {0};
	const operation_row *o;
	size_t n = 0;

	while ((o = sot_map_next(s->tables[OPERATIONS].rows, &it, NULL)))
		n += !operation_state_is_final(o->state);
	return n;
}

size_t store_model_count_done(const store_model *s, operation_kind kind)
{
	sot_map_iter it = {0};
	const operation_row *o;
	size_t n = 0;

	while ((o = sot_map_next(s->tables[OPERATIONS].rows, &it, NULL)))
		n += o->kind == kind && o->state == OPERATION_DONE;
	return n;
}

const operation_row *store_model_operation(const store_model *s, sot_uuid id)
{
	return sot_map_get_uuid(s->tables[OPERATIONS].rows, id);
}

void store_model_each_instance(
    const store_model *s, void (*visit)(void *self, const instance_row *), void *self)
{
	sot_map_iter it = {0};
	const instance_row *row;

	while ((row = sot_map_next(s->tables[INSTANCES].rows, &it, NULL)))
		visit(self, row);
}

void store_model_each_operation(
    const store_model *s, void (*visit)(void *self, const operation_row *), void *self)
{
	sot_map_iter it = {0};
	const operation_row *o;

	while ((o = sot_map_next(s->tables[OPERATIONS].rows, &it, NULL)))
		visit(self, o);
}

void store_model_each_step(
    const store_model *s, void (*visit)(void *self, const step_row *), void *self)
{
	sot_map_iter it = {0};
	const step_row *row;

	while ((row = sot_map_next(s->tables[STEPS].rows, &it, NULL)))
		visit(self, row);
}

void store_model_each_host(
    const store_model *s, void (*visit)(void *self, const host_row *), void *self)
{
	sot_map_iter it = {0};
	const host_row *row;

	while ((row = sot_map_next(s->tables[HOSTS].rows, &it, NULL)))
		visit(self, row);
}

bool store_model_has_app(const store_model *s, sot_uuid id)
{
	return sot_map_get_uuid(s->tables[APPS].rows, id) != NULL;
}

size_t store_model_app_count(const store_model *s)
{
	return sot_map_count(s->tables[APPS].rows);
}
