/* A middleware package over many apps: which of them, and when each may begin. */
#include "maintenance.h"
#include "middleware.h"
#include "requests.h"

#include <stdio.h>
#include <string.h>

bool bulk_middleware_check(const controller *c, const sot_operation_bulk *m, problem *p)
{
	const middleware *known = middleware_find(c, m->middleware);

	if (!known)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/middleware",
		    "no middleware package is called '%.*s'; see GET /v1/middleware",
		    SOT_ARG(m->middleware));
	if (m->back == (m->version.n > 0))
		return problem_set(
		    p, SOT_REFUSAL_INVALID, "/version", "say which version, or back: one of the two");
	if (!m->back && !middleware_version_find(known, m->version))
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/version",
		    "'%s' has no version '%.*s'; upload it first", known->name, SOT_ARG(m->version));
	bool selects = m->team.n + m->image.n + m->having.n + m->labels_count > 0;
	if (selects == (m->apps_count > 0))
		return problem_set(p, SOT_REFUSAL_INVALID, "",
		    "say which apps: by name, or by labels, team, image and having, not both");
	return true;
}

bool bulk_middleware_selects(const app *a, const sot_operation_bulk *m)
{
	sot_str has = middleware_version_in(a->row.middleware, m->middleware);

	if (has.n == 0 || (m->having.n > 0 && !sot_str_eq(has, m->having)) ||
	    (m->team.n > 0 && !sot_str_eq_c(m->team, a->row.team)) ||
	    (m->image.n > 0 && !sot_str_eq_c(m->image, a->row.image)))
		return false;
	for (size_t k = 0; k < m->labels_count; k++) {
		if (!maintenance_has_label(&a->row.settings, m->labels[k]))
			return false;
	}
	return true;
}

/* The app and all its instances. */
static bool has_it(const app *a, sot_str package, sot_str version)
{
	if (!sot_str_eq(middleware_version_in(a->row.middleware, package), version))
		return false;
	for (const sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->row.desired != SOT_DESIRED_STATE_RETIRED &&
		    !sot_str_eq(middleware_version_in(i->row.make->middleware, package), version))
			return false;
	}
	return true;
}

const char *bulk_middleware_skips(const app *a, const sot_operation_bulk *m, char dst[static 160])
{
	sot_str to = m->version;

	if (m->back)
		to = middleware_version_in(a->row.settings.middleware_before, m->middleware);
	if (maintenance_is_opted_out(&a->row.settings, m->middleware))
		(void)snprintf(dst, 160, "%s: its people opted out", a->row.name);
	else if (to.n == 0)
		(void)snprintf(dst, 160, "%s: it had no other version before", a->row.name);
	else if (has_it(a, m->middleware, to))
		(void)snprintf(dst, 160, "%s: it has %.*s", a->row.name, SOT_ARG(to));
	else
		return NULL;
	return dst;
}
