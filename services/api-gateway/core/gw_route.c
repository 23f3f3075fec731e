#include "gw_route.h"

#include "gw_text.h"

#include <string.h>

const gw_route gw_routes[GW_ROUTE_COUNT] = {
#define ROUTE(handler, method, pattern, role, scope, flags)                                        \
	{GW_ROUTE_##handler, #handler, method, pattern, GW_ROLE_##role, GW_SCOPE_##scope, flags},
#include "routes.def"
#undef ROUTE
};

static const char *const role_names[] = {
    "public", "agent", "viewer", "developer", "middleware", "operator", "admin"};

const char *gw_role_name(gw_role role)
{
	return (unsigned)role < sizeof(role_names) / sizeof(role_names[0]) ? role_names[role] : "?";
}

gw_role gw_role_parse(sot_str name)
{
	for (int role = GW_ROLE_VIEWER; role <= GW_ROLE_ADMIN; role++)
		if (sot_str_eq_c(name, role_names[role]))
			return (gw_role)role;
	return GW_ROLE_PUBLIC;
}

const char *gw_scope_name(gw_scope scope)
{
	static const char *const names[] = {
	    "public", "self", "platform", "anywhere", "app", "instance", "operation", "blob", "body"};
	return (unsigned)scope < sizeof(names) / sizeof(names[0]) ? names[scope] : "?";
}

bool gw_route_permits(const gw_route *route, gw_role role)
{
	if (route->scope == GW_SCOPE_PUBLIC)
		return true;
	if (role == GW_ROLE_AGENT)
		return (route->flags & GW_AGENTS) != 0;
	if (route->scope == GW_SCOPE_SELF)
		return true;
	return role >= GW_ROLE_VIEWER && role >= route->role;
}

/* Only the name of a subnet has a slash: "10.66.0.0%2F24". */
static sot_code capture(sot_str name, sot_str segment, char dst[GW_PARAM_MAX], sot_err *err)
{
	size_t n = 0;
	if (gw_percent_decode(segment, dst, GW_PARAM_MAX, &n, err) != SOT_OK)
		return sot_wrap(err, "path segment '%.*s'", SOT_ARG(segment));
	if (memchr(dst, '/', n) != NULL && !sot_str_eq_c(name, "{cidr}"))
		return sot_fail(err, SOT_INVALID, "the path has an encoded slash; names have none");
	return SOT_OK;
}

/* Compares segment by segment; a {param} takes any segment that is not empty. */
static sot_code matches(const char *pattern, sot_str path, gw_match *into, bool *ret, sot_err *err)
{
	sot_str want = sot_str_c(pattern), have = path;
	size_t params = 0;
	*ret = false;
	while (want.n > 0 && have.n > 0) {
		sot_str want_segment = sot_str_cut(want, '/', &want);
		sot_str have_segment = sot_str_cut(have, '/', &have);
		if (sot_str_starts(want_segment, "{")) {
			if (have_segment.n == 0 || params == GW_PARAMS_MAX)
				return SOT_OK;
			if (capture(want_segment, have_segment, into->params[params++], err) != SOT_OK)
				return err != NULL ? err->code : SOT_INVALID;
		} else if (have_segment.n != want_segment.n ||
		           (want_segment.n > 0 &&
		               memcmp(have_segment.p, want_segment.p, want_segment.n) != 0)) {
			return SOT_OK;
		}
	}
	*ret = want.n == 0 && have.n == 0;
	return SOT_OK;
}

static void add_allowed(gw_match *m, const char *method)
{
	size_t have = strlen(m->allow), more = strlen(method);
	if (have + more + 3 > sizeof(m->allow))
		return;
	if (have > 0) {
		memcpy(m->allow + have, ", ", 2);
		have += 2;
	}
	memcpy(m->allow + have, method, more + 1);
}

/* "/v1/apps/" is not "/v1/apps": an empty last segment would be lost by cutting at slashes. */
static bool ends_with_slash(sot_str path)
{
	return path.n > 1 && path.p[path.n - 1] == '/';
}

sot_code gw_route_find(sot_str method, sot_str raw_path, gw_match *ret, sot_err *err)
{
	gw_match found = {0};
	sot_err local = {0};
	if (sot_str_eq_c(method, "HEAD"))
		method = SOT_STR("GET");
	for (size_t i = 0; i < GW_ROUTE_COUNT && !ends_with_slash(raw_path); i++) {
		gw_match candidate = {0};
		bool hit = false;
		sot_code code = matches(gw_routes[i].pattern, raw_path, &candidate, &hit, &local);
		if (code != SOT_OK)
			return sot_fail(err, code, "%s", local.text);
		if (!hit)
			continue;
		found.path_known = true;
		add_allowed(&found, gw_routes[i].method);
		/* A literal segment wins over a parameter: the table lists no such pair in the wrong
		 * order ("/v1/events/stream" has no sibling "/v1/events/{x}"). */
		if (found.route == NULL && sot_str_eq_c(method, gw_routes[i].method)) {
			memcpy(found.params, candidate.params, sizeof(found.params));
			found.route = &gw_routes[i];
		}
	}
	*ret = found;
	return SOT_OK;
}
