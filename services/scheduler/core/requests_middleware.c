/* Requests about middleware packages: a version is registered, an app gets one. */
#include "middleware.h"
#include "requests.h"
#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>

static bool check_register(const sot_package_register *m, const middleware *known, problem *p)
{
	const version_row *v = middleware_version_known(known, m->version);

	if (!validate_package_register(m, p))
		return false;
	if (!sot_is_label(m->app, 30))
		return problem_set(p, SOT_REFUSAL_INVALID, "/name",
		    "'%.*s' is no name of a middleware package: a-z, 0-9 and '-', a letter first",
		    SOT_ARG(m->app));
	if (!sot_is_label(m->middleware_kind, 30))
		return problem_set(p, SOT_REFUSAL_INVALID, "/kind",
		    "'%.*s' is no kind: a-z, 0-9 and '-', such as jdk, tomcat, node",
		    SOT_ARG(m->middleware_kind));
	if (known && !sot_str_eq_c(m->middleware_kind, known->kind))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/kind", "'%s' is of kind '%s', not '%.*s'",
		    known->name, known->kind, SOT_ARG(m->middleware_kind));
	if (v && memcmp(v->sha256, m->sha256.p, sizeof(v->sha256)) != 0)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/version",
		    "version '%s' of '%s' exists with other content; versions never change, take a new one",
		    v->version, known->name);
	return true;
}

static middleware_row row_of(controller *c, const sot_package_register *m)
{
	middleware_row row = {.version = package_version_of(c, m)};

	model_copy_text(row.name, sizeof(row.name), m->app);
	model_copy_text(row.kind, sizeof(row.kind), m->middleware_kind);
	return row;
}

void middleware_register(request *q, const sot_package_register *m)
{
	const middleware *known = middleware_find(q->c, m->app);
	problem p;
	sot_buf spec, data;

	if (!check_register(m, known, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	version_row *before = middleware_version_known(known, m->version);
	bool is_new = !before || before->removed;
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{\"middleware\":");
	sot_buf_add_json(&spec, m->app);
	sot_buf_add_c(&spec, ",\"kind\":");
	sot_buf_add_json(&spec, m->middleware_kind);
	sot_buf_add_c(&spec, ",\"version\":");
	sot_buf_add_json(&spec, m->version);
	sot_buf_printf(&spec, ",\"sizeBytes\":%llu}", (unsigned long long)m->size_bytes);
	model_text_init(&data);
	sot_buf_add_str(&data, sot_buf_str(&spec));
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_PACKAGE_REGISTER,
	                                     .target = m->app,
	                                     .spec = &spec,
	                                     .version = m->version});
	if (before && before->removed) { /* the same bytes again */
		before->removed = false;
		middleware_write(q->c, known, before);
	} else if (is_new) {
		middleware_row row = row_of(q->c, m);
		row.version.origin = package_origin_of(m);
		middleware_add(q->c, &row, true);
	}
	if (is_new)
		say_event(q->c, "middleware.registered", middleware_find(q->c, m->app)->name, NULL, NULL, o,
		    &data);
	sot_buf_clear(&data);
}

static bool check_retention(const middleware *known, const sot_middleware_retention *m, problem *p)
{
	return known ||
	       problem_set(p, SOT_REFUSAL_NOT_FOUND, "/name",
	           "no middleware package is called '%.*s'; see GET /v1/middleware", SOT_ARG(m->name));
}

void on_middleware_retention(void *self, const void *from, const sot_middleware_retention *m)
{
	request *q = self;
	middleware *known = middleware_find(q->c, m->name);
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_retention(known, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	known->keep_versions = m->keep_versions;
	known->keep_days = m->keep_days;
	for (size_t k = 0; k < known->version_count; k++)
		middleware_write(q->c, known, &known->versions[k]);
	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"middleware\":\"%s\",\"keepVersions\":%u,\"keepDays\":%u}",
	    known->name, m->keep_versions, m->keep_days);
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_MIDDLEWARE_RETENTION,
	                      .target = m->name,
	                      .spec = &spec});
	retention_look_at_middleware(q->c, known);
}

/* What the app is to get: what is asked for, or what it had before. */
static sot_str version_of(const app *a, const sot_app_middleware *m)
{
	return m->back ? middleware_version_in(a->row.settings.middleware_before, m->middleware)
	               : m->version;
}

static bool check_app(
    const controller *c, const app *a, const sot_app_middleware *m, sot_str version, problem *p)
{
	const middleware *known = middleware_find(c, m->middleware);
	sot_str set = sot_str_c(a->row.middleware ? a->row.middleware : "");

	if (!known)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/middleware",
		    "no middleware package is called '%.*s'; see GET /v1/middleware",
		    SOT_ARG(m->middleware));
	if (m->back && m->version.n > 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/version",
		    "version and back exclude each other: say which, or the one before");
	if (m->back && version.n == 0)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/back",
		    "app '%s' had no other version of '%s' before", a->row.name, known->name);
	if (version.n > 0 && !middleware_version_find(known, version))
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/version",
		    "'%s' has no version '%.*s'; upload it first", known->name, SOT_ARG(version));
	if (version.n > 0 && middleware_version_in(set.p, m->middleware).n == 0 &&
	    middleware_count(set) >= MIDDLEWARE_MAX)
		return problem_set(p, SOT_REFUSAL_LIMIT, "/middleware",
		    "app '%s' has %d middleware packages already, the most that one may have", a->row.name,
		    MIDDLEWARE_MAX);
	return true;
}

void on_app_middleware(void *self, const void *from, const sot_app_middleware *m)
{
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->name);
	if (!a)
		return;
	sot_str version = version_of(a, m);
	if (!check_app(q->c, a, m, version, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (!rollout_goes_on(
	        q, m->request_id, a, NULL, OPERATION_APP_MIDDLEWARE, &m->strategy, m->dry_run, version))
		return;
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{\"name\":");
	sot_buf_add_json(&spec, m->name);
	sot_buf_add_c(&spec, ",\"middleware\":");
	sot_buf_add_json(&spec, m->middleware);
	sot_buf_add_c(&spec, ",\"version\":");
	sot_buf_add_json(&spec, version);
	sot_buf_add_c(&spec, "}");
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_APP_MIDDLEWARE,
	                                     .app = a,
	                                     .target = m->name,
	                                     .resource_id = a->row.id,
	                                     .spec = &spec,
	                                     .version = version,
	                                     .image = m->middleware});
	rollout_set_strategy(q->c, o, &m->strategy);
}
