/* Requests that empty hosts: drain, its plan, retire. */
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS_MAX 101
#define SHOWN_MAX 1000
#define PARALLEL 2

static bool check_host(const host *h, sot_str name, const char *pointer, problem *p)
{
	if (!h)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, pointer, "no host is called '%.*s'", SOT_ARG(name));
	if (h->row.state == HOST_RETIRED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, pointer, "host %s is retired", h->row.name);
	return true;
}

/* ---- plan ---- */

typedef struct plan {
	host *hosts[HOSTS_MAX];
	size_t host_count, count, stays;
	planned *items;
} plan;

static bool find_hosts(controller *c, const sot_host_drain *m, plan *ret, problem *p)
{
	for (size_t k = 0; k <= m->with_count; k++) {
		sot_str name = k == 0 ? m->name : m->with[k - 1];
		host *h = model_find_host(c, name);
		if (!check_host(h, name, k == 0 ? "/name" : "/with", p))
			return false;
		size_t at = 0; /* named twice is drained once */
		while (at < ret->host_count && ret->hosts[at] != h)
			at++;
		ret->hosts[at] = h;
		ret->host_count += at == ret->host_count;
	}
	return true;
}

static void list_instances(const sot_host_drain *m, plan *ret)
{
	size_t cap = 0;

	for (size_t k = 0; k < ret->host_count; k++) {
		const sot_link *list = &ret->hosts[k]->instances;
		for (const sot_link *l = list->next; l != list; l = l->next) {
			instance *i = SOT_CONTAINER(l, instance, of_host);
			if (i->row.desired == SOT_DESIRED_STATE_RETIRED || instance_target(i))
				continue;
			planned *at = VECTOR_PUSH(ret->items, ret->count, cap);
			*at = (planned){.i = i, .is_kept = !drain_moves(i, m->include_pinned)};
			if (at->is_kept)
				(void)snprintf(at->why, sizeof(at->why),
				    "its app is pinned: its files would stay behind; --include-pinned moves it");
		}
	}
}

static bool keeps_address(const controller *c, const planned *at)
{
	const vlan *held = sot_map_get_c(c->vlans.by_name, at->i->row.make->vlan);

	return at->to && held && vlan_reaches(held, at->to);
}

static void add_move(const controller *c, const planned *at, sot_planned_move *ret)
{
	*ret = (sot_planned_move){.instance = sot_str_c(at->i->name),
	    .app = sot_str_c(at->i->app->row.name),
	    .from = sot_str_c(at->i->host->row.name),
	    .to = sot_str_c(at->to ? at->to->row.name : ""),
	    .keeps_address = keeps_address(c, at),
	    .why = sot_str_c(at->why)};
}

static void answer_plan(request *q, const sot_host_drain *m, const plan *made)
{
	sot_planned_move *moves = sot_alloc_array(SHOWN_MAX, sizeof(*moves));
	sot_drain_planned reply = {.request_id = m->request_id, .instances = moves};
	controller_effect *e = say_effect(q->c, EFFECT_REPLY);
	sot_err err = {0};

	for (int goes = 0; goes < 2; goes++) { /* those that stay first */
		for (size_t k = 0; k < made->count; k++) {
			if ((made->items[k].to != NULL) != goes)
				continue;
			if (reply.instances_count < SHOWN_MAX)
				add_move(q->c, &made->items[k], &moves[reply.instances_count++]);
			reply.moves += goes == 1;
			reply.stays += goes == 0;
		}
	}
	e->peer = *q->from;
	q->answered = true;
	if (sot_drain_planned_encode(&reply, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
	free(moves);
}

static void make_plan(request *q, const sot_host_drain *m)
{
	plan made = {.host_count = 0};
	problem p;

	if (!find_hosts(q->c, m, &made, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	list_instances(m, &made);
	fleet_plan_drain(q->c, made.hosts, made.host_count, made.items, made.count);
	answer_plan(q, m, &made);
	free(made.items);
}

/* ---- drain ---- */

static bool check_drain(const controller *c, const host *h, const sot_host_drain *m, problem *p)
{
	if (!check_host(h, m->name, "/name", p))
		return false;
	if (m->with_count > 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/with",
		    "other hosts are named for a plan only; drain each with a request of its own");
	if (h->row.state == HOST_HOST_LOST)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name",
		    "%s is lost; evacuate it: what it ran is made anew elsewhere", h->row.name);
	if (!host_is_up(h) && h->row.state != HOST_REGISTERED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name",
		    "the agent of %s is silent (%s), and only it can prove that an instance left; mend it, "
		    "or "
		    "declare the host lost",
		    h->row.name, host_state_name(h->row.state));
	if (drain_of(c, h))
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "/name", "%s is being drained already", h->row.name);
	return true;
}

static void drain(request *q, host *h, const sot_host_drain *m)
{
	size_t stays = 0;
	sot_buf spec;

	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"includePinned\":%s,\"parallel\":%u,\"deadlineSeconds\":%u}",
	    m->include_pinned ? "true" : "false", m->parallel > 0 ? m->parallel : PARALLEL,
	    m->deadline_s);
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_HOST_DRAIN,
	                                     .target = m->name,
	                                     .resource_id = h->row.id,
	                                     .spec = &spec});
	o->row.parallel = m->parallel > 0 ? m->parallel : PARALLEL;
	o->row.deadline_s = m->deadline_s;
	size_t moves = drain_begin(q->c, o, h, m->include_pinned, &stays);
	say_log(q->c, o, LOG_INFO, "%zu instances move, %u at a time and within the budget of each app",
	    moves, o->row.parallel);
	if (stays > 0)
		say_log(q->c, o, LOG_WARN,
		    "%zu instances of pinned apps stay; --include-pinned moves them without their files",
		    stays);
}

void on_host_drain(void *self, const void *from, const sot_host_drain *m)
{
	request *q = self;
	host *h = model_find_host(q->c, m->name);
	problem p;

	(void)from;
	if (m->dry_run)
		make_plan(q, m);
	else if (request_is_replay(q, m->request_id, &m->context))
		return;
	else if (check_drain(q->c, h, m, &p))
		drain(q, h, m);
	else
		request_refuse(q, m->request_id, &p);
}

/* ---- retire ---- */

static bool check_retire(const host *h, sot_str name, problem *p)
{
	size_t standing = 0;

	if (!check_host(h, name, "/name", p))
		return false;
	for (const sot_link *l = h->instances.next; l != &h->instances; l = l->next)
		standing += SOT_CONTAINER(l, instance, of_host)->row.desired != SOT_DESIRED_STATE_RETIRED;
	if (standing > 0 || !sot_list_empty(&h->arrivals))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name",
		    "%zu instances stand on %s; drain it first, or evacuate it when it is lost", standing,
		    h->row.name);
	if (!host_state_may(h->row.state, HOST_RETIRED))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name",
		    "%s is %s; wait until it is in maintenance, or declared lost", h->row.name,
		    host_state_name(h->row.state));
	if (!sot_list_empty(&h->instances) && h->row.state != HOST_HOST_LOST)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name",
		    "instances on %s are still being removed", h->row.name);
	return true;
}

void on_host_retire(void *self, const void *from, const sot_host_retire *m)
{
	request *q = self;
	host *h = model_find_host(q->c, m->name);
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_retire(h, m->name, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{}");
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_HOST_RETIRE,
	                      .target = m->name,
	                      .resource_id = h->row.id,
	                      .spec = &spec});
	host_retire(q->c, h);
}
