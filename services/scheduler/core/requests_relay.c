/* What only a host knows: asked of its agent, whose answer is passed on. */
#include "requests.h"

#include <string.h>

static bool check_instance(const instance *i, problem *p)
{
	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "no live instance is called so");
	if (!i->host)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "", "%s is not placed yet", i->name);
	if (!i->host->has_session)
		return problem_set(p, SOT_REFUSAL_UNAVAILABLE, "",
		    "the agent of host %s is not connected; try again", i->host->row.name);
	return true;
}

/* What an agent is asked for a gateway; NULL when it was asked already and has not answered. */
static const relay *open_relay(request *q, uint64_t request_id)
{
	controller *c = q->c;

	q->answered = true;
	for (sot_link *l = c->relays.next; l != &c->relays; l = l->next) {
		const relay *open = SOT_CONTAINER(l, relay, all);
		if (open->request_id == request_id && memcmp(&open->from, q->from, sizeof(open->from)) == 0)
			return NULL;
	}
	relay *r = sot_alloc(sizeof(*r));
	r->agent_request_id = c->next_request_id++;
	r->request_id = request_id;
	r->from = *q->from;
	r->deadline = sot_mono_add_ms(c->now.mono, c->config.logs_deadline_ms);
	sot_list_push(&c->relays, &r->all);
	return r;
}

/* As above, to the agent of an instance; NULL also when it cannot be asked, which was answered. */
static const relay *open_relay_to(request *q, const instance *i, uint64_t request_id)
{
	problem p;

	if (check_instance(i, &p))
		return open_relay(q, request_id);
	request_refuse(q, request_id, &p);
	return NULL;
}

void on_logs_read(void *self, const void *from, const sot_logs_read *m)
{
	request *q = self;
	controller *c = q->c;
	const instance *i = model_find_instance(c, m->instance_id);
	sot_err err = {0};

	(void)from;
	const relay *r = open_relay_to(q, i, m->request_id);
	if (!r)
		return;
	sot_agent_logs_read ask = {
	    r->agent_request_id, m->instance_id, m->tail, m->since_unix_ns, m->timed};
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	e->host_id = i->host->row.id;
	if (sot_agent_logs_read_encode(&ask, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

/* The host that is asked, the instance's when one is named; NULL with the reason in `p`. */
static const host *asked_host(controller *c, sot_str instance_name, sot_str host_name, problem *p)
{
	const instance *i = instance_name.n > 0 ? request_instance(c, instance_name) : NULL;
	const host *h = i ? i->host : instance_name.n > 0 ? NULL : model_find_host(c, host_name);

	if (instance_name.n > 0 && !i)
		problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "no live instance is called '%.*s'",
		    SOT_ARG(instance_name));
	else if (i && !h)
		problem_set(p, SOT_REFUSAL_CONFLICT, "", "%s is not placed yet", i->name);
	else if (!h)
		problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "no host is called '%.*s'", SOT_ARG(host_name));
	else if (!h->has_session)
		problem_set(p, SOT_REFUSAL_UNAVAILABLE, "",
		    "the agent of host %s is not connected; try again", h->row.name);
	return h && h->has_session ? h : NULL;
}

/* To the agent of that host; NULL also when it cannot be asked, which was answered. */
static const relay *open_relay_of(
    request *q, sot_str instance_name, sot_str host_name, uint64_t request_id, const host **ret)
{
	problem p;

	*ret = asked_host(q->c, instance_name, host_name, &p);
	if (*ret)
		return open_relay(q, request_id);
	request_refuse(q, request_id, &p);
	return NULL;
}

void on_inside_read(void *self, const void *from, const sot_inside_read *m)
{
	request *q = self;
	const host *h;
	const instance *i = m->instance.n > 0 ? request_instance(q->c, m->instance) : NULL;
	sot_err err = {0};

	(void)from;
	const relay *r = open_relay_of(q, m->instance, m->host, m->request_id, &h);
	if (!r)
		return;
	sot_agent_inside_read ask = {.request_id = r->agent_request_id, .packages = i == NULL};
	if (i)
		ask.instance_id = i->row.id;
	controller_effect *e = say_effect(q->c, EFFECT_AGENT);
	e->host_id = h->row.id;
	if (sot_agent_inside_read_encode(&ask, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

void on_usage_read(void *self, const void *from, const sot_usage_read *m)
{
	request *q = self;
	const host *h;
	sot_err err = {0};

	(void)from;
	const relay *r = open_relay_of(q, m->instance, m->host, m->request_id, &h);
	if (!r)
		return;
	sot_agent_usage_read ask = {r->agent_request_id};
	controller_effect *e = say_effect(q->c, EFFECT_AGENT);
	e->host_id = h->row.id;
	if (sot_agent_usage_read_encode(&ask, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}
