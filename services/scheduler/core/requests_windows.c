/* When machines may be maintained: windows of a host, or of a rack. Done with the batch that
 * accepts them. What is said of a rack stands with each of its hosts, and a host that is registered
 * there later takes it over from the others. */
#include "requests.h"
#include "rules.h"

#include <stdlib.h>
#include <string.h>

static bool is_of_rack(const host *h, sot_str rack)
{
	return h->row.state != HOST_RETIRED && sot_str_eq_c(rack, h->row.rack);
}

const char *rack_windows(const controller *c, sot_str rack)
{
	for (const sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		const host *h = SOT_CONTAINER(l, host, all);
		if (is_of_rack(h, rack) && h->row.rack_windows[0])
			return h->row.rack_windows;
	}
	return "";
}

static bool check_target(controller *c, const sot_host_maintenance *m, problem *p)
{
	const host *h = m->is_rack ? NULL : model_find_host(c, m->name);

	if (!m->is_rack && !h)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/name", "no host is called '%.*s'", SOT_ARG(m->name));
	if (h && h->row.state == HOST_RETIRED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name", "host %s is retired", h->row.name);
	for (const sot_link *l = c->all_hosts.next; m->is_rack; l = l->next) {
		if (l == &c->all_hosts)
			return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/name", "no host stands in a rack '%.*s'",
			    SOT_ARG(m->name));
		if (is_of_rack(SOT_CONTAINER(l, host, all), m->name))
			break;
	}
	return true;
}

static void say_updated(controller *c, host *h, operation *o, bool of_rack, const char *before)
{
	changes ch;
	sot_buf data;

	changes_begin(&ch);
	changes_text(&ch, of_rack ? "rackWindows" : "windows", before,
	    of_rack ? h->row.rack_windows : h->row.windows);
	data = changes_end(&ch);
	say_event(c, "host.updated", h->row.name, NULL, h, o, &data);
}

static void set_windows(controller *c, host *h, operation *o, bool of_rack, const char *windows)
{
	const char **field = of_rack ? &h->row.rack_windows : &h->row.windows;
	char *before;

	if (strcmp(*field, windows) == 0)
		return;
	before = sot_strndup(sot_str_c(*field));
	shared_set(field, c->shared, sot_str_c(windows));
	touch_host(c, h);
	say_updated(c, h, o, of_rack, before);
	free(before);
	operation *drain = drain_of(c, h);
	if (drain)
		wake_operation(c, drain); /* its moves may begin now */
}

static operation *accept(request *q, const sot_host_maintenance *m, const char *windows)
{
	const host *h = m->is_rack ? NULL : model_find_host(q->c, m->name);
	sot_buf spec;

	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"%s\":", m->is_rack ? "rack" : "host");
	sot_buf_add_json(&spec, m->name);
	sot_buf_add_c(&spec, ",\"windows\":");
	sot_buf_add_json(&spec, sot_str_c(windows));
	sot_buf_add_c(&spec, "}");
	return request_accept(q, &(acceptance){.request_id = m->request_id,
	                             .context = &m->context,
	                             .kind = OPERATION_HOST_MAINTENANCE,
	                             .target = m->name,
	                             .resource_id = h ? h->row.id : (sot_uuid){{0}},
	                             .spec = &spec});
}

void on_host_maintenance(void *self, const void *from, const sot_host_maintenance *m)
{
	request *q = self;
	problem p;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_target(q->c, m, &p) || !requests_check_windows(m->windows, m->windows_count, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	char *joined = requests_join(m->windows, m->windows_count, ';');
	const char *windows = joined ? joined : "";
	operation *o = accept(q, m, windows);
	for (sot_link *l = q->c->all_hosts.next; l != &q->c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (m->is_rack ? is_of_rack(h, m->name) : sot_str_eq_c(m->name, h->row.name))
			set_windows(q->c, h, o, m->is_rack, windows);
	}
	free(joined);
}
