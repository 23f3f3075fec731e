/* Whether the caller has the route's role where the table says that it is needed. What a path or
 * a body names is looked up only for callers whose role depends on it. */
#include "gateway.h"

#include "gw_sql.h"
#include "gw_text.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 512

typedef struct looking {
	const char *kind; /* as gateway.targets has it */
	gw_call_fn then;
	size_t asked, found; /* names */
	gw_role lowest, highest;
	bool shows_role;    /* whatever the role is */
	bool is_any_enough; /* the role on one of the rows that are found; else on all */
} looking;

/* ---- the verdict ---- */
static void refuse(gw_call *c, gw_role role, const char *where)
{
	const gw_route *route = c->match.route;
	call_problem(c, 403, "denied", "%s has %s%s %s; %s %s needs %s there or higher",
	    c->caller.actor, role < GW_ROLE_VIEWER ? "no role" : "role ",
	    role < GW_ROLE_VIEWER ? "" : gw_role_name(role), where, route->method, route->pattern,
	    gw_role_name(route->role));
}

static void decide(gw_call *c, gw_role role, const char *where, gw_call_fn then)
{
	c->role = role;
	if (gw_route_permits(c->match.route, role))
		then(c);
	else
		refuse(c, role, where);
}

/* ---- look up ---- */
static void on_target(void *self, const store_result *res)
{
	gw_call *c = self;
	looking *s = c->state;
	sot_str last = {0};
	for (size_t row = 0; row < store_rows(res); row++) {
		gw_target target;
		sot_str asked = store_text(res, row, 0);
		gw_copy_cut(store_text(res, row, 1), target.app, sizeof(target.app));
		gw_copy_cut(store_text(res, row, 2), target.team, sizeof(target.team));
		gw_copy_cut(store_text(res, row, 3), target.environment, sizeof(target.environment));
		gw_role role = gw_rights_on(c->caller.rights, &target);
		s->lowest = row == 0 || role < s->lowest ? role : s->lowest;
		s->highest = role > s->highest ? role : s->highest;
		if (row == 0 || !sot_str_eq(asked, last))
			s->found++;
		last = asked;
	}
}

/* Of an app, a change needs the role in all its environments, and to see it any of them is enough.
 * An operation without an app is about the platform; of what else is not there, nobody but who
 * may see everything learns more than that. */
static gw_role role_found(const gw_call *c, const looking *s)
{
	gw_role platform = gw_rights_platform(c->caller.rights);
	if (s->found < s->asked)
		return platform;
	return s->is_any_enough ? s->highest : s->lowest;
}

static void on_looked(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	looking s = *(looking *)c->state;
	gw_role role = role_found(c, &s);
	free(c->state);
	c->state = NULL;
	c->state_free = NULL;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
	} else if (s.found < s.asked && strcmp(s.kind, "operation") != 0 &&
	           !gw_route_permits(c->match.route, role)) {
		call_problem(c, 404, "not_found", "there is no such %s, or %s may not see it",
		    strcmp(s.kind, "blob") == 0    ? "package"
		    : strcmp(s.kind, "group") == 0 ? "app"
		                                   : s.kind,
		    c->caller.actor);
	} else if (s.shows_role) {
		c->role = role;
		s.then(c);
	} else {
		decide(c, role, strcmp(s.kind, "operation") == 0 ? "on the apps of it" : "on that app",
		    s.then);
	}
}

static void look(
    gw_call *c, const looking *what, const char *const *names, size_t count, gw_call_fn then)
{
	looking *s = sot_alloc(sizeof(*s));
	store_tx *tx = store_begin_read(c->g->db);
	sot_err err = {0};
	*s = *what;
	s->then = then;
	s->asked = count;
	c->state = s;
	c->state_free = free;
	store_query(tx, GW_SQL_TARGETS, on_target, c);
	store_arg_c(tx, s->kind);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < count; i++)
		store_item_str(tx, sot_str_c(names[i]));
	store_arg_array_end(tx);
	if (store_commit(&tx, on_looked, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void gw_scope_look(gw_call *c, const char *kind, const char *name, gw_call_fn then)
{
	look(c, &(looking){.kind = kind, .shows_role = true}, &name, 1, then);
}

/* ---- what the path names ---- */
static const char *kind_of(gw_scope scope)
{
	switch (scope) {
	case GW_SCOPE_APP:
		return "app";
	case GW_SCOPE_INSTANCE:
		return "instance";
	case GW_SCOPE_OPERATION:
		return "operation";
	case GW_SCOPE_BLOB:
		return "blob";
	default:
		return NULL;
	}
}

/* Bodies with the name of a group: what they change is in its environment alone. */
static bool may_name_group(gw_route_id route)
{
	return route == GW_ROUTE_app_deploy || route == GW_ROUTE_app_scale;
}

static bool is_about_group(gw_route_id route)
{
	return route == GW_ROUTE_group_set || route == GW_ROUTE_group_delete;
}

static void look_at_group(gw_call *c, sot_str group, gw_call_fn then)
{
	char both[2 * GW_PARAM_MAX + 2];
	const char *name = both;
	(void)snprintf(both, sizeof(both), "%s/%.*s", c->match.params[0], SOT_ARG(group));
	look(c, &(looking){.kind = "group"}, &name, 1, then);
}

static void look_at_path(gw_call *c, const char *kind, gw_call_fn then)
{
	const gw_route *route = c->match.route;
	const char *name = c->match.params[0];
	bool is_read = (route->flags & GW_MUTATING) == 0 && route->scope != GW_SCOPE_OPERATION;
	if (is_about_group(route->id)) {
		look_at_group(c, sot_str_c(c->match.params[1]), then);
		return;
	}
	look(c,
	    &(looking){.kind = kind,
	        .is_any_enough = is_read || may_name_group(route->id)}, /* and again when it is read */
	    &name, 1, then);
}

void gw_scope_check(gw_call *c, gw_call_fn then)
{
	const gw_rights *rights = c->caller.rights;
	gw_scope scope = c->match.route->scope;
	const char *kind = kind_of(scope);
	bool varies = gw_rights_vary(rights);
	if (scope == GW_SCOPE_SELF && c->caller.role != GW_ROLE_AGENT)
		decide(c, gw_rights_platform(rights), "", then);
	else if (scope == GW_SCOPE_ANYWHERE)
		decide(c, gw_rights_anywhere(rights), "anywhere", then);
	else if (scope == GW_SCOPE_BODY && varies)
		decide(c, gw_rights_anywhere(rights), "anywhere", then); /* and again when it is read */
	else if (kind != NULL && varies)
		look_at_path(c, kind, then);
	else
		decide(c, gw_rights_platform(rights), "on the platform", then);
}

/* ---- what the body names ---- */
static size_t names_of(const json_t *body, const char *list, const char *one, const char **ret)
{
	size_t n = 0, i;
	json_t *item;
	const char *single = json_string_value(json_object_get(body, one));
	if (single != NULL)
		ret[n++] = single;
	json_array_foreach(json_object_get(body, list), i, item) if (n < NAMES_MAX) ret[n++] =
	    json_string_value(item);
	return n;
}

/* An app as it will be: nothing of it need be there yet. */
static gw_target future_target(const gw_call *c, const json_t *body)
{
	gw_target target = {.app = ""};
	const char *name = json_string_value(json_object_get(body, "name"));
	size_t i;
	json_t *label;
	gw_copy_cut(
	    sot_str_c(name != NULL ? name : c->match.params[0]), target.app, sizeof(target.app));
	gw_copy_cut(gw_json_text(body, "team"), target.team, sizeof(target.team));
	json_array_foreach(json_object_get(body, "labels"), i, label)
	{
		if (sot_str_eq_c(gw_json_text(label, "name"), "environment"))
			gw_copy_cut(
			    gw_json_text(label, "value"), target.environment, sizeof(target.environment));
	}
	return target;
}

static void check_names(gw_call *c, const json_t *body, gw_call_fn then)
{
	const char *names[NAMES_MAX + 1];
	size_t count = names_of(body, "apps", "app", names);
	const char *kind = "app";
	/* Selectors narrow each other: when the apps are the caller's, so is all that is hit. */
	if (count == 0) {
		kind = "instance";
		count = names_of(body, "instances", "instance", names);
	}
	if (count > NAMES_MAX)
		call_problem(c, 400, "limit", "more than %d names; use several requests", NAMES_MAX);
	else if (count > 0)
		look(c, &(looking){.kind = kind}, names, count, then);
	else
		decide(c, gw_rights_platform(c->caller.rights),
		    "on the whole platform, and the request names no app", then);
}

/* A group, or all of the app. */
static void check_group(gw_call *c, const json_t *body, gw_call_fn then)
{
	sot_str group = gw_json_text(body, "group");
	const char *name = c->match.params[0];
	if (group.n > 0)
		look_at_group(c, group, then);
	else
		look(c, &(looking){.kind = "app"}, &name, 1, then);
}

static bool is_about_future(gw_route_id route)
{
	return route == GW_ROUTE_app_create || route == GW_ROUTE_app_update;
}

void gw_scope_check_body(gw_call *c, gw_call_fn then)
{
	const gw_route *route = c->match.route;
	json_t *body;
	if (route->scope == GW_SCOPE_PUBLIC || !gw_rights_vary(c->caller.rights) ||
	    (route->scope != GW_SCOPE_BODY && !is_about_future(route->id) &&
	        !may_name_group(route->id))) {
		then(c);
		return;
	}
	if (call_body(c, &body) != SOT_OK)
		return;
	if (is_about_future(route->id)) {
		gw_target target = future_target(c, body);
		decide(c, gw_rights_on(c->caller.rights, &target),
		    "on an app of that name, team and environment", then);
	} else if (may_name_group(route->id)) {
		check_group(c, body, then);
	} else {
		check_names(c, body, then);
	}
	json_decref(body);
}
