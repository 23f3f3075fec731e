/* What is under way with an instance, kept while it is. */
#include "parts.h"

#include <stdlib.h>

#define SAMPLED 0.01 /* a share of its use that is not worth an errand */

errand *errand_of(instance *i)
{
	if (i->errand)
		return i->errand;
	errand *e = i->errand = sot_alloc(sizeof(*e));
	e->of = i;
	e->target_handle = PLACER_NONE;
	sot_list_init(&e->push);
	sot_list_init(&e->of_target);
	return e;
}

host *instance_target(const instance *i)
{
	return i->errand ? i->errand->target : NULL;
}

const errand *errand_read(const instance *i)
{
	static const errand none = {.target_handle = PLACER_NONE};

	return i->errand ? i->errand : &none;
}

bool errand_is_sampled(const instance *i)
{
	return errand_read(i)->unsampled <= SAMPLED;
}

void errand_see(controller *c, instance *i, container_ref container, int64_t started_unix_ms)
{
	errand *e = errand_of(i);

	e->container = container;
	e->started_unix_ms = started_unix_ms;
	e->observed_unix_ms = c->now.wall.unix_ms;
	i->row.has_container = container.length > 0;
	i->row.has_run = started_unix_ms != 0;
}

void errand_written(const controller *c, instance *i)
{
	if (!i->errand)
		return;
	i->errand->observed_unix_ms = 0;
	errand_end(c, i);
}

void errand_end(const controller *c, instance *i)
{
	const errand *e = i->errand;

	if (!e || i->row.state != INSTANCE_RUNNING || i->need != ADDRESS_NOTHING || i->asked ||
	    i->has_failed || e->target || e->target_handle != PLACER_NONE || !errand_is_sampled(i) ||
	    !sot_list_empty(&e->push) || e->untold > 0 || e->observed_unix_ms > 0 ||
	    e->acquire > addresses_last_closed(c))
		return;
	free(i->errand);
	i->errand = NULL;
}
