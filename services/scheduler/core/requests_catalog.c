/* Requests that register things or switch them: done with the batch that accepts them. */
#include "requests.h"
#include "rules.h"

#include <stdlib.h>
#include <string.h>

static void hex_of(const uint8_t *bytes, size_t n, sot_buf *out)
{
	for (size_t i = 0; i < n; i++)
		sot_buf_printf(out, "%02x", bytes[i]);
}

static bool check_package(controller *c, const sot_package_register *m, app *a, problem *p)
{
	char version[65];

	(void)c;
	if (!validate_package_register(m, p))
		return false;
	if (!a)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/app", "no app is called '%.*s'", SOT_ARG(m->app));
	if (a->row.deleting)
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "/app", "app '%s' is being deleted", a->row.name);
	model_copy_text(version, sizeof(version), m->version);
	const version_row *known = model_known_version(a, version);
	if (known && memcmp(known->sha256, m->sha256.p, 32) != 0)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
		    "version '%s' of '%s' exists with other content; versions never change, take a new "
		    "one",
		    version, a->row.name);
	return true;
}

static void origin_text(sot_buf *out, const char *field, sot_str value)
{
	if (value.n == 0)
		return;
	sot_buf_printf(out, "%s\"%s\":", out->n > 1 ? "," : "", field);
	sot_buf_add_json(out, value);
}

/* Where it is from, for people; free() it. */
char *package_origin_of(const sot_package_register *m)
{
	sot_buf text;
	model_text_init(&text);
	sot_buf_add_c(&text, "{");
	origin_text(&text, "commit", m->commit);
	origin_text(&text, "source", m->source);
	origin_text(&text, "signedBy", m->signed_by);
	origin_text(&text, "signature", m->signature);
	sot_buf_add_c(&text, "}");
	char *origin = sot_strndup(sot_buf_str(&text));
	sot_buf_clear(&text);
	return origin;
}

version_row package_version_of(controller *c, const sot_package_register *m)
{
	version_row row = {
	    .size_bytes = m->size_bytes,
	    .created_unix_ms = c->now.wall.unix_ms,
	};

	model_copy_text(row.version, sizeof(row.version), m->version);
	model_copy_text(row.file_name, sizeof(row.file_name), m->file_name);
	model_copy_text(row.created_by, sizeof(row.created_by), m->context.actor);
	memcpy(row.sha256, m->sha256.p, sizeof(row.sha256));
	return row;
}

void on_package_register(void *self, const void *from, const sot_package_register *m)
{
	request *q = self;
	app *a = model_find_app(q->c, m->app);
	problem p;
	sot_buf spec, data;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (m->middleware_kind.n > 0) {
		middleware_register(q, m);
		return;
	}
	if (!check_package(q->c, m, a, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	version_row row = package_version_of(q->c, m);
	row.app_id = a->row.id;
	version_row *known = model_known_version(a, row.version);
	bool is_new = !known || known->removed;
	if (known && known->removed) { /* the same bytes again */
		known->removed = false;
		model_write_version(q->c, known);
	} else if (is_new) {
		row.origin = package_origin_of(m);
		model_add_version(q->c, a, &row, true);
	}
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{\"version\":");
	sot_buf_add_json(&spec, m->version);
	sot_buf_add_c(&spec, ",\"sha256\":\"");
	hex_of(row.sha256, sizeof(row.sha256), &spec);
	sot_buf_printf(&spec, "\",\"sizeBytes\":%llu}", (unsigned long long)row.size_bytes);
	model_text_init(&data);
	sot_buf_add_str(&data, sot_buf_str(&spec));
	/* app NULL: it does not wait in the app's queue, and a roll-out need not end for it. */
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_PACKAGE_REGISTER,
	                                     .target = m->app,
	                                     .resource_id = a->row.id,
	                                     .spec = &spec,
	                                     .version = m->version});
	if (is_new)
		say_event(q->c, "package.registered", row.version, a, NULL, o, &data);
	sot_buf_clear(&data);
}

static host *host_of_key(controller *c, sot_str public_key)
{
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (sot_str_eq_c(public_key, h->row.public_key))
			return h;
	}
	return NULL;
}

static bool check_host(controller *c, const sot_host_register *m, problem *p)
{
	if (!validate_host_register(m, p))
		return false;
	const host *by_name = model_find_host(c, m->name);
	const host *by_key = host_of_key(c, m->public_key);
	if (by_name && by_name != by_key)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name",
		    "a host '%s' is registered with another key", by_name->row.name);
	if (by_key && by_key != by_name)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/publicKey",
		    "this key belongs to host '%s': was the disk of that machine cloned?",
		    by_key->row.name);
	return true;
}

static host *make_host(controller *c, const sot_host_register *m)
{
	host_row row = {
	    .id = model_new_id(c),
	    .schedulable = true,
	    .state = HOST_REGISTERED,
	    .created_unix_ms = c->now.wall.unix_ms,
	};

	host_row_init(&row);
	model_copy_text(row.name, sizeof(row.name), m->name);
	model_copy_text(row.public_key, sizeof(row.public_key), m->public_key);
	model_share_text(c, &row.class, NAME_MAX_BYTES, SOT_STR("default"));
	host *h = model_add_host(c, &row);
	requests_apply_class(c, h);
	return h;
}

static void set_place(controller *c, host *h, const sot_host_register *m)
{
	model_share_text(c, &h->row.az, PLAN_MAX_BYTES, m->az);
	model_share_text(c, &h->row.rack, PLAN_MAX_BYTES, m->rack);
	char *tags = rules_join(m->tags, m->tags_count);
	shared_set(&h->row.tags, c->shared, sot_str_c(tags));
	shared_set(&h->row.rack_windows, c->shared, sot_str_c(rack_windows(c, m->rack)));
	free(tags);
	touch_host(c, h);
}

void on_host_register(void *self, const void *from, const sot_host_register *m)
{
	request *q = self;
	char id[SOT_UUID_TEXT];
	problem p;
	sot_buf spec, data;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_host(q->c, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	host *h = model_find_host(q->c, m->name);
	bool is_new = h == NULL;
	if (is_new)
		h = make_host(q->c, m);
	set_place(q->c, h, m);
	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"id\":\"%s\",\"az\":", sot_uuid_format(h->row.id, id));
	sot_buf_add_json(&spec, m->az);
	sot_buf_add_c(&spec, ",\"rack\":");
	sot_buf_add_json(&spec, m->rack);
	sot_buf_add_c(&spec, "}");
	model_text_init(&data);
	sot_buf_add_str(&data, sot_buf_str(&spec));
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_HOST_REGISTER,
	                                     .target = m->name,
	                                     .resource_id = h->row.id,
	                                     .spec = &spec});
	if (is_new)
		say_event(q->c, "host.registered", h->row.name, NULL, h, o, &data);
	sot_buf_clear(&data);
	controller_effect *e = say_effect(q->c, EFFECT_ALLOW);
	e->host_id = h->row.id;
	memcpy(e->public_key, h->row.public_key, sizeof(e->public_key));
}

void on_host_set_schedulable(void *self, const void *from, const sot_host_set_schedulable *m)
{
	request *q = self;
	host *h = model_find_host(q->c, m->name);
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!h) {
		problem_set(
		    &p, SOT_REFUSAL_NOT_FOUND, "/name", "no host is called '%.*s'", SOT_ARG(m->name));
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (m->schedulable && drain_of(q->c, h)) {
		problem_set(&p, SOT_REFUSAL_CONFLICT, "/name",
		    "%s is being drained; cancel that operation first", h->row.name);
		request_refuse(q, m->request_id, &p);
		return;
	}
	h->row.schedulable = m->schedulable;
	if (m->schedulable)
		host_set_duty(q->c, h, DUTY_ACTIVE, "uncordoned");
	q->c->capacity_changed |= m->schedulable;
	touch_host(q->c, h);
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{}");
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = m->schedulable ? OPERATION_HOST_UNCORDON : OPERATION_HOST_CORDON,
	                      .target = m->name,
	                      .resource_id = h->row.id,
	                      .spec = &spec});
}
