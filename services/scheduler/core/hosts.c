/* Hosts: their states, and what is said when one changes. agents.c hears their agents; witnesses.c
 * asks others about them; losses.c and drains.c act. */
#include "parts.h"

#include <assert.h>
#include <string.h>

bool host_is_up(const host *h)
{
	return h->row.state == HOST_ONLINE || h->row.state == HOST_DOCKER_SICK ||
	       h->row.state == HOST_DRAINING || h->row.state == HOST_MAINTENANCE;
}

bool host_takes_instances(const host *h)
{
	return h->row.state == HOST_ONLINE && h->row.schedulable && !h->row.revoked;
}

static void say_host_state(controller *c, const host *h, host_state from, const char *reason)
{
	char id[SOT_UUID_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"id\":\"%s\",\"changed\":{\"state\":[\"%s\",\"%s\"]},\"instances\":%u,\"reason\":",
	    sot_uuid_format(h->row.id, id), host_state_name(from), host_state_name(h->row.state),
	    h->row.booked_instances);
	sot_buf_add_json(&data, sot_str_c(reason));
	sot_buf_add_c(&data, "}");
	say_event(c, "host.state", h->row.name, NULL, h, NULL, &data);
}

/* Whose agent missed three heartbeats: what its instances do is not known. */
static bool is_silent(host_state s)
{
	return s == HOST_SUSPECT || s == HOST_AGENT_LOST || s == HOST_HOST_LOST;
}

static bool was_said(const host *h, const instance *until)
{
	for (const sot_link *l = h->instances.next; l != &until->of_host; l = l->next)
		if (SOT_CONTAINER(l, instance, of_host)->app == until->app)
			return true;
	return false;
}

/* One event for each app with instances here, so that those who see only some apps see theirs. */
static void say_instances(controller *c, const host *h, bool unknown)
{
	for (const sot_link *l = h->instances.next; l != &h->instances; l = l->next) {
		const instance *first = SOT_CONTAINER(l, instance, of_host);
		const char *separator = "";
		sot_buf data;
		if (was_said(h, first))
			continue;
		model_text_init(&data);
		sot_buf_printf(&data, "{\"unknown\":%s,\"sinceUnixMs\":", unknown ? "true" : "false");
		if (unknown)
			sot_buf_printf(&data, "%lld", (long long)h->row.seen_unix_ms);
		else
			sot_buf_add_c(&data, "null");
		sot_buf_add_c(&data, ",\"instances\":[");
		for (const sot_link *k = l; k != &h->instances; k = k->next) {
			const instance *i = SOT_CONTAINER(k, instance, of_host);
			if (i->app != first->app)
				continue;
			sot_buf_add_c(&data, separator);
			sot_buf_add_json(&data, sot_str_c(i->name));
			separator = ",";
		}
		sot_buf_add_c(&data, "]}");
		say_event(c, "instance.unknown", first->app->row.name, first->app, h, NULL, &data);
	}
}

void host_set_reason(controller *c, host *h, const char *reason)
{
	if (sot_str_eq_c(model_cut_text(sot_str_c(reason), HOST_REASON_MAX), h->row.reason))
		return;
	model_share_text(c, &h->row.reason, HOST_REASON_MAX, sot_str_c(reason));
	touch_host(c, h);
}

void host_move(controller *c, host *h, host_state to, const char *reason)
{
	host_state from = h->row.state;

	if (from == to)
		return;
	assert(host_state_may(from, to));
	h->row.state = to;
	host_set_reason(c, h, reason);
	if (to == HOST_ONLINE)
		c->capacity_changed = true;
	if (to == HOST_ONLINE &&
	    (from == HOST_REGISTERED || from == HOST_AGENT_LOST || from == HOST_HOST_LOST))
		load_host_is_back(c, h);
	if (to == HOST_HOST_LOST)
		h->row.lost_unix_ms = c->now.wall.unix_ms;
	touch_host(c, h);
	say_host_state(c, h, from, reason);
	if (is_silent(from) != is_silent(to))
		say_instances(c, h, is_silent(to));
}

void host_is_heard(controller *c, host *h, bool docker_ok, const char *reason)
{
	static const host_state by_duty[HOST_DUTIES] = {HOST_ONLINE, HOST_DRAINING, HOST_MAINTENANCE};

	if (docker_ok)
		host_move(c, h, by_duty[h->row.duty], reason);
	else
		host_move(c, h, HOST_DOCKER_SICK, "the Docker Engine does not answer");
}

void host_set_duty(controller *c, host *h, host_duty duty, const char *reason)
{
	h->row.duty = duty;
	touch_host(c, h);
	if (host_is_up(h))
		host_is_heard(c, h, h->row.state != HOST_DOCKER_SICK, reason);
}

bool host_is_empty(const host *h)
{
	return sot_list_empty(&h->instances) && sot_list_empty(&h->arrivals);
}
