/* What only a host knows: asked of its agent, whose answer is passed on. */
#include "requests.h"

#include <string.h>

static bool check_logs(const instance *i, problem *p)
{
	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "no live instance has this id");
	if (!i->host)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "", "%s is not placed yet", i->row.name);
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

void on_logs_read(void *self, const void *from, const sot_logs_read *m)
{
	request *q = self;
	controller *c = q->c;
	const instance *i = model_find_instance(c, m->instance_id);
	problem p;
	sot_err err = {0};

	(void)from;
	if (!check_logs(i, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	const relay *r = open_relay(q, m->request_id);
	if (!r)
		return;
	sot_agent_logs_read ask = {
	    r->agent_request_id, m->instance_id, m->tail, m->since_unix_ns, m->timed};
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	e->host_id = i->host->row.id;
	if (sot_agent_logs_read_encode(&ask, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

/* The host that is asked, NULL with the reason in `p`. */
static const host *usage_host(controller *c, const sot_usage_read *m, problem *p)
{
	const instance *i = m->instance.n > 0 ? request_instance(c, m->instance) : NULL;
	const host *h = i ? i->host : m->instance.n > 0 ? NULL : model_find_host(c, m->host);

	if (m->instance.n > 0 && !i)
		problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "no live instance is called '%.*s'",
		    SOT_ARG(m->instance));
	else if (i && !h)
		problem_set(p, SOT_REFUSAL_CONFLICT, "", "%s is not placed yet", i->row.name);
	else if (!h)
		problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "no host is called '%.*s'", SOT_ARG(m->host));
	else if (!h->has_session)
		problem_set(p, SOT_REFUSAL_UNAVAILABLE, "",
		    "the agent of host %s is not connected; try again", h->row.name);
	return h && h->has_session ? h : NULL;
}

void on_usage_read(void *self, const void *from, const sot_usage_read *m)
{
	request *q = self;
	problem p;
	sot_err err = {0};
	const host *h = usage_host(q->c, m, &p);

	(void)from;
	if (!h) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	const relay *r = open_relay(q, m->request_id);
	if (!r)
		return;
	sot_agent_usage_read ask = {r->agent_request_id};
	controller_effect *e = say_effect(q->c, EFFECT_AGENT);
	e->host_id = h->row.id;
	if (sot_agent_usage_read_encode(&ask, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}
