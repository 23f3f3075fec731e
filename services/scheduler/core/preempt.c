/* Room for the more important: instances of lower priority give way, within the budgets of their
 * apps, where their apps allow it. Who gave way is asked for again by an operation of its own app,
 * which waits like any other. */
#include "requests.h"

#include <stdio.h>
#include <string.h>

/* Those who give way still stand there: no more are asked until they are gone. */
static bool is_under_way(const controller *c, const operation *o)
{
	for (size_t k = 0; k < o->giving_way_count; k++) {
		const instance *i = model_find_instance(c, o->giving_way[k]);
		if (i && i->host)
			return true;
	}
	return false;
}

static instance *instance_of_handle(const host *h, uint32_t handle)
{
	for (sot_link *l = h->instances.next; l != &h->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_host);
		if (i->handle == handle)
			return i;
	}
	return NULL;
}

/* In the middle of an operation of its own app it stays: two never interleave. One that only waits
 * for hosts for new instances is not disturbed. */
static bool may_be_asked(const instance *i)
{
	const operation *own = i ? app_operation(i->app) : NULL;

	return i && !instance_target(i) && !i->app->row.deleting &&
	       (!own || (own->row.kind == OPERATION_APP_SCALE && own->place_text[0] != '\0'));
}

static void say_preempted(
    controller *c, const instance *i, const operation *again, const app *winner)
{
	char id[SOT_UUID_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data, "{\"id\":\"%s\",\"for\":", sot_uuid_format(i->row.id, id));
	sot_buf_add_json(&data, sot_str_c(winner->row.name));
	sot_buf_printf(&data, ",\"priorities\":[%u,%u]}", i->app->row.placement.priority,
	    winner->row.placement.priority);
	say_event(c, "instance.preempted", i->name, i->app, i->host, again, &data);
}

/* The operation that brings the app back to as many as it had. */
static operation *ask_again(controller *c, const instance *i, const app *winner, uint32_t count)
{
	static const uint8_t digest[32];
	char id[SOT_UUID_TEXT], key[64], reason[128];
	sot_buf spec;

	(void)snprintf(key, sizeof(key), "preempted-%s", sot_uuid_format(i->row.id, id));
	(void)snprintf(reason, sizeof(reason), "%s gave way to app %s", i->name, winner->row.name);
	sot_request_context context = {.actor = SOT_STR("svc:scheduler"),
	    .idempotency_key = sot_str_c(key),
	    .request_sha256 = {(const char *)digest, sizeof(digest)},
	    .reason = sot_str_c(reason)};
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{\"name\":");
	sot_buf_add_json(&spec, sot_str_c(i->app->row.name));
	sot_buf_printf(&spec, ",\"count\":%u}", count);
	return operation_accept(c, &(acceptance){.context = &context,
	                               .kind = OPERATION_APP_SCALE,
	                               .app = i->app,
	                               .target = sot_str_c(i->app->row.name),
	                               .resource_id = i->app->row.id,
	                               .spec = &spec,
	                               .count = count});
}

static void give_way(controller *c, operation *o, instance *i)
{
	const app *winner = o->app;
	uint32_t count = (uint32_t)app_wanted_count(i->app, NULL);
	operation *again = ask_again(c, i, winner, count);

	say_log(c, o, LOG_WARN, "%s of app %s (priority %u) gives way on %s to app %s (priority %u)",
	    i->name, i->app->row.name, i->app->row.placement.priority, i->host->row.name,
	    winner->row.name, winner->row.placement.priority);
	say_log(c, again, LOG_WARN,
	    "%s gave way on %s to app %s (priority %u over %u); another one is placed when there is "
	    "room",
	    i->name, i->host->row.name, winner->row.name, winner->row.placement.priority,
	    i->app->row.placement.priority);
	say_preempted(c, i, again, winner);
	instance_retire(c, i);
}

void preempt_for(controller *c, operation *o, const instance *i, sot_buf *why)
{
	uint32_t host_handle = PLACER_NONE, handles[GIVING_WAY_MAX];
	instance *leavers[GIVING_WAY_MAX];

	if (o->app->row.placement.priority == 0)
		return;
	if (is_under_way(c, o)) {
		sot_buf_printf(why, "; %zu give way to it", o->giving_way_count);
		return;
	}
	uint32_t n = placer_preempt(
	    c->fleet.placer, fleet_app(c, o->app, i->row.make), &host_handle, handles, GIVING_WAY_MAX);
	for (uint32_t k = 0; k < n; k++) {
		leavers[k] = instance_of_handle(fleet_host(c, host_handle), handles[k]);
		if (!may_be_asked(leavers[k]))
			return;
	}
	o->giving_way_count = n;
	for (uint32_t k = 0; k < n; k++) {
		o->giving_way[k] = leavers[k]->row.id;
		give_way(c, o, leavers[k]);
	}
	if (n > 0)
		sot_buf_printf(why, "; %u on %s give way to it", n, fleet_host(c, host_handle)->row.name);
}
