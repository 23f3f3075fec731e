/* Containers that no assignment knows: ignored, or adopted. */
#include "requests.h"

#include <string.h>

#define IGNORED_BYTES_MAX 8192

static host *find(request *q, const sot_host_container *m, unknown_container *ret, problem *p)
{
	host *h = model_find_host(q->c, m->name);

	if (!h || h->row.state == HOST_RETIRED) {
		(void)problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/name", "no host is called '%.*s'", SOT_ARG(m->name));
		return NULL;
	}
	unsigned n = containers_find(h, m->container, ret);
	if (n == 0)
		(void)problem_set(p, SOT_REFUSAL_NOT_FOUND, "/container",
		    "host %s reports no unknown container '%.*s'", h->row.name, SOT_ARG(m->container));
	else if (n > 1)
		(void)problem_set(p, SOT_REFUSAL_CONFLICT, "/container",
		    "%u containers begin with '%.*s': say more of the id", n, SOT_ARG(m->container));
	return n == 1 ? h : NULL;
}

static void write_spec(const host *h, const unknown_container *u, const char *action, sot_buf *spec)
{
	model_text_init(spec);
	sot_buf_printf(spec, "{\"action\":\"%s\",\"to\":", action);
	sot_buf_add_json(spec, sot_str_c(h->row.name));
	sot_buf_add_c(spec, ",\"container\":");
	sot_buf_add_json(spec, u->id);
	sot_buf_add_c(spec, ",\"name\":");
	sot_buf_add_json(spec, u->name);
}

static void ignore(request *q, const sot_host_container *m, host *h, const unknown_container *u)
{
	bool on = m->action == SOT_CONTAINER_ACTION_IGNORE;
	problem p;
	sot_buf spec;

	if (on && (u->name.n == 0 || strlen(h->row.ignored) + u->name.n > IGNORED_BYTES_MAX)) {
		(void)problem_set(&p, SOT_REFUSAL_LIMIT, "/container",
		    "it has no name, or host %s ignores too many already", h->row.name);
		request_refuse(q, m->request_id, &p);
		return;
	}
	write_spec(h, u, on ? "ignore" : "watch", &spec);
	sot_buf_add_c(&spec, "}");
	const operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                           .context = &m->context,
	                                           .kind = OPERATION_HOST_CONTAINER,
	                                           .target = m->name,
	                                           .resource_id = h->row.id,
	                                           .spec = &spec});
	container_ignore(q->c, h, o, u, on);
}

static void adopt(request *q, const sot_host_container *m, host *h, const unknown_container *u)
{
	group *of = NULL;
	app *a = model_find_app(q->c, u->app);
	problem p;
	sot_buf spec;

	if (!container_may_be_adopted(q->c, h, u, &of, &p) || !request_has_room(q->c, a, 1, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	write_spec(h, u, "adopt", &spec);
	sot_buf_add_c(&spec, ",\"group\":");
	sot_buf_add_json(&spec, sot_str_c(of->row.name));
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_INSTANCE_ADOPT,
	                      .app = a,
	                      .target = u->instance_name,
	                      .resource_id = u->instance_id,
	                      .spec = &spec,
	                      .to_host = sot_str_c(h->row.name),
	                      .group = sot_str_c(of->row.name)});
}

void on_host_container(void *self, const void *from, const sot_host_container *m)
{
	request *q = self;
	unknown_container u;
	problem p;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	host *h = find(q, m, &u, &p);
	if (!h)
		request_refuse(q, m->request_id, &p);
	else if (m->action == SOT_CONTAINER_ACTION_ADOPT)
		adopt(q, m, h, &u);
	else
		ignore(q, m, h, &u);
}
