/* Requests about images: a version is added, tested, promoted, retired, removed; or a reference is
 * taken as it is. Done with the batch that accepts them; no instance is made anew by them. */
#include "requests.h"

#include <stdio.h>
#include <string.h>

static void spec_of(sot_buf *spec, const image_version_row *row)
{
	model_text_init(spec);
	sot_buf_add_c(spec, "{\"version\":");
	sot_buf_add_json(spec, sot_str_c(row->version));
	sot_buf_add_c(spec, ",\"reference\":");
	sot_buf_add_json(spec, sot_str_c(row->reference));
	sot_buf_printf(spec, ",\"state\":\"%s\",\"smoke\":\"%s\"}", image_state_name(row->state),
	    image_smoke_name(row->smoke));
}

/* Accepts it and tells it; everything that changes is in the model by now. */
static void accept(request *q, uint64_t request_id, const sot_request_context *context,
    operation_kind kind, const char *event, const image_version_row *row)
{
	sot_buf spec, data;

	spec_of(&spec, row);
	spec_of(&data, row);
	operation *o = request_accept(q, &(acceptance){.request_id = request_id,
	                                     .context = context,
	                                     .kind = kind,
	                                     .target = sot_str_c(row->image),
	                                     .spec = &spec});
	say_event(q->c, event, row->image, NULL, NULL, o, &data);
}

bool request_check_image(const controller *c, sot_str name, problem *p)
{
	const image *i = sot_map_get(c->images, name.p, name.n);

	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/image",
		    "no image is called '%.*s'; see the list of images, or register it", SOT_ARG(name));
	if (!i->row.reference[0])
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/image",
		    "image '%s' has no promoted version; test a candidate and promote it", i->row.name);
	return true;
}

/* ---- as it is ---- */

/* "registry:5000/a/tomcat:10.1-3" -> "10.1-3"; "latest" without a tag. */
static sot_str tag_of(sot_str reference)
{
	size_t at = reference.n;

	while (at > 0 && reference.p[at - 1] != ':' && reference.p[at - 1] != '/')
		at--;
	if (at == 0 || reference.p[at - 1] == '/' || reference.n - at > 56)
		return SOT_STR("latest");
	return (sot_str){reference.p + at, reference.n - at};
}

static image_version *version_with(const image *i, sot_str reference)
{
	for (sot_link *l = i->versions.next; l != &i->versions; l = l->next) {
		image_version *v = SOT_CONTAINER(l, image_version, of_image);
		if (sot_str_eq_c(reference, v->row.reference))
			return v;
	}
	return NULL;
}

/* The tag; with a number behind it when a version of that name holds something else. */
static void free_version(const image *i, sot_str reference, char ret[static 65])
{
	sot_str tag = tag_of(reference);

	model_copy_text(ret, 65, tag);
	for (unsigned n = 2; image_find_version(i, sot_str_c(ret)); n++)
		(void)snprintf(ret, 65, "%.*s-%u", SOT_ARG(tag), n);
}

void on_image_register(void *self, const void *from, const sot_image_register *m)
{
	request *q = self;
	problem p;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!validate_image_register(m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	image *i = image_named(q->c, m->name);
	image_version *v = version_with(i, m->reference);
	if (v && v->row.state >= IMAGE_RETIRED) {
		problem_set(&p, SOT_REFUSAL_CONFLICT, "/reference",
		    "%s is version '%s' of '%s', which is %s; push it under another tag", v->row.reference,
		    v->row.version, i->row.name, image_state_name(v->row.state));
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (!v) {
		image_version_row row = {.smoke = SMOKE_WAIVED, .created_unix_ms = q->c->now.wall.unix_ms};
		memcpy(row.image, i->row.name, sizeof(row.image));
		free_version(i, m->reference, row.version);
		model_copy_text(row.reference, sizeof(row.reference), m->reference);
		model_copy_text(row.created_by, sizeof(row.created_by), m->context.actor);
		v = image_add_version(i, &row);
	}
	if (v->row.smoke != SMOKE_PASSED)
		v->row.smoke = SMOKE_WAIVED;
	image_promote(q->c, i, v);
	accept(q, m->request_id, &m->context, OPERATION_IMAGE_REGISTER, "image.registered", &v->row);
}

/* ---- versions ---- */

static bool check_add(const controller *c, const sot_image_add *m, problem *p)
{
	const image *i = sot_map_get(c->images, m->name.p, m->name.n);

	if (!validate_image_add(m, p))
		return false;
	const image_version *v = i ? image_find_version(i, m->version) : NULL;
	if (v && !sot_str_eq_c(m->reference, v->row.reference))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
		    "version '%s' of '%s' is %s; versions never change, take a new one", v->row.version,
		    i->row.name, v->row.reference);
	if (v && v->row.state != IMAGE_CANDIDATE)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
		    "version '%s' of '%s' is %s already; take a new one", v->row.version, i->row.name,
		    image_state_name(v->row.state));
	const image_version *other = i ? version_with(i, m->reference) : NULL;
	if (other && other != v)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/reference",
		    "%s is version '%s' of '%s' already", other->row.reference, other->row.version,
		    i->row.name);
	return true;
}

static void set_owners(controller *c, image *i, const sot_image_add *m)
{
	if (m->owner_dev.n > 0)
		model_copy_text(i->row.owner_dev, sizeof(i->row.owner_dev), m->owner_dev);
	if (m->owner_ops.n > 0)
		model_copy_text(i->row.owner_ops, sizeof(i->row.owner_ops), m->owner_ops);
	touch_image(c, i);
}

void on_image_add(void *self, const void *from, const sot_image_add *m)
{
	request *q = self;
	problem p;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_add(q->c, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	image *i = image_named(q->c, m->name);
	set_owners(q->c, i, m);
	image_version *v = image_find_version(i, m->version);
	if (!v) {
		image_version_row row = {.created_unix_ms = q->c->now.wall.unix_ms};
		memcpy(row.image, i->row.name, sizeof(row.image));
		model_copy_text(row.version, sizeof(row.version), m->version);
		model_copy_text(row.reference, sizeof(row.reference), m->reference);
		model_copy_text(row.digest, sizeof(row.digest), m->digest);
		model_copy_text(row.created_by, sizeof(row.created_by), m->context.actor);
		v = image_add_version(i, &row);
	}
	image_save_version(q->c, v, sot_strndup(m->changelog), NULL);
	accept(q, m->request_id, &m->context, OPERATION_IMAGE_ADD, "image.added", &v->row);
}

/* ---- what becomes of a version ---- */

static bool check_test(const image_version *v, const sot_image_act *m, problem *p)
{
	(void)m;
	if (v->row.state == IMAGE_CANDIDATE)
		return true;
	return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
	    "version '%s' is %s: a smoke test decides about candidates only", v->row.version,
	    image_state_name(v->row.state));
}

static bool check_promote(const image_version *v, problem *p)
{
	if (v->row.state >= IMAGE_RETIRED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
		    "version '%s' is %s, which is for good; build a new one", v->row.version,
		    image_state_name(v->row.state));
	if (v->row.smoke == SMOKE_PASSED || v->row.smoke == SMOKE_WAIVED)
		return true;
	return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
	    "the smoke test of version '%s' %s; only what passed it is promoted: sotalia image test",
	    v->row.version, v->row.smoke == SMOKE_FAILED ? "failed" : "has not run yet");
}

static const app *app_of_image(const controller *c, const image *i)
{
	for (const sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		const app *a = SOT_CONTAINER(l, app, all);
		if (strcmp(a->row.image, i->row.name) == 0)
			return a;
	}
	return NULL;
}

static bool check_retire(const controller *c, const image *i, const image_version *v, problem *p)
{
	const instance *first;
	size_t users = image_users(c, v->row.reference, &first);
	bool is_current = strcmp(i->row.version, v->row.version) == 0;
	const app *a = is_current ? app_of_image(c, i) : NULL;

	if (v->row.state >= IMAGE_RETIRED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/version", "version '%s' is %s already",
		    v->row.version, image_state_name(v->row.state));
	if (users > 0)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
		    "%zu instance%s of version '%s', %s the first; rebuild them before: sotalia image "
		    "rollout",
		    users, users == 1 ? " is" : "s are", v->row.version, first->name);
	if (a)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
		    "version '%s' is what new instances of app '%s' are made of; promote another before",
		    v->row.version, a->row.name);
	return true;
}

static bool check_remove(const image_version *v, problem *p)
{
	return v->row.state == IMAGE_RETIRED ||
	       problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
	           "version '%s' is %s: only the bytes of a retired one are removed", v->row.version,
	           image_state_name(v->row.state));
}

static bool check_act(
    const controller *c, const image *i, const image_version *v, const sot_image_act *m, problem *p)
{
	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/name",
		    "no image is called '%.*s'; see the list of images", SOT_ARG(m->name));
	if (!v)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/version", "image '%s' has no version '%.*s'",
		    i->row.name, SOT_ARG(m->version));
	switch (m->action) {
	case SOT_IMAGE_ACTION_PASS:
	case SOT_IMAGE_ACTION_FAIL:
		return check_test(v, m, p);
	case SOT_IMAGE_ACTION_PROMOTE:
		return check_promote(v, p);
	case SOT_IMAGE_ACTION_RETIRE:
		return check_retire(c, i, v, p);
	default:
		return check_remove(v, p);
	}
}

static void retire(controller *c, image *i, image_version *v)
{
	v->row.state = IMAGE_RETIRED;
	v->row.retired_unix_ms = c->now.wall.unix_ms;
	if (strcmp(i->row.version, v->row.version) == 0) {
		i->row.version[0] = i->row.reference[0] = '\0';
		touch_image(c, i);
	}
}

void on_image_act(void *self, const void *from, const sot_image_act *m)
{
	static const struct {
		operation_kind kind;
		const char *event;
	} acts[] = {
	    [SOT_IMAGE_ACTION_PASS] = {OPERATION_IMAGE_TEST, "image.tested"},
	    [SOT_IMAGE_ACTION_FAIL] = {OPERATION_IMAGE_TEST, "image.tested"},
	    [SOT_IMAGE_ACTION_PROMOTE] = {OPERATION_IMAGE_PROMOTE, "image.promoted"},
	    [SOT_IMAGE_ACTION_RETIRE] = {OPERATION_IMAGE_RETIRE, "image.retired"},
	    [SOT_IMAGE_ACTION_REMOVE] = {OPERATION_IMAGE_REMOVE, "image.removed"},
	};
	request *q = self;
	image *i = sot_map_get(q->c->images, m->name.p, m->name.n);
	image_version *v = i ? image_find_version(i, m->version) : NULL;
	char *report = NULL;
	problem p;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_act(q->c, i, v, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (m->action == SOT_IMAGE_ACTION_PROMOTE) {
		image_promote(q->c, i, v);
	} else if (m->action == SOT_IMAGE_ACTION_RETIRE) {
		retire(q->c, i, v);
	} else if (m->action == SOT_IMAGE_ACTION_REMOVE) {
		v->row.state = IMAGE_REMOVED;
	} else {
		v->row.smoke = m->action == SOT_IMAGE_ACTION_PASS ? SMOKE_PASSED : SMOKE_FAILED;
		v->row.smoke_unix_ms = q->c->now.wall.unix_ms;
		report = sot_strndup(m->report);
	}
	image_save_version(q->c, v, NULL, report);
	accept(q, m->request_id, &m->context, acts[m->action].kind, acts[m->action].event, &v->row);
}
