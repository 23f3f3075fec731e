/* GET /v1/me/permissions: what the caller may do, route by route, from the same table and by the
 * same functions that decide each call. */
#include "gateway.h"

#include <string.h>

/* The role where the route asks for it: on the app that was asked about, else wherever it is
 * highest. */
static gw_role role_for(const gw_call *c, const gw_route *route, bool on_one)
{
	const gw_rights *rights = c->caller.rights;
	switch (route->scope) {
	case GW_SCOPE_APP:
	case GW_SCOPE_INSTANCE:
	case GW_SCOPE_OPERATION:
	case GW_SCOPE_BLOB:
	case GW_SCOPE_BODY:
		return on_one ? c->role : gw_rights_anywhere(rights);
	case GW_SCOPE_ANYWHERE:
		return gw_rights_anywhere(rights);
	default:
		return gw_rights_platform(rights);
	}
}

static void add_route(const gw_call *c, const gw_route *route, bool on_one, sot_buf *out)
{
	bool here = gw_route_permits(route, role_for(c, route, on_one));
	bool everywhere = gw_route_permits(route, gw_rights_platform(c->caller.rights));
	sot_buf_printf(out,
	    "{\"operation\":\"%s\",\"method\":\"%s\",\"path\":\"%s\",\"role\":\"%s\",\"scope\":\"%s\","
	    "\"permitted\":%s,\"everywhere\":%s}",
	    route->name, route->method, route->pattern, gw_role_name(route->role),
	    gw_scope_name(route->scope), here ? "true" : "false", everywhere ? "true" : "false");
}

static void answer(gw_call *c, bool on_one)
{
	gw_role role = on_one ? c->role : gw_rights_platform(c->caller.rights);
	sot_buf_printf(&c->rows, "{\"name\":\"%s\",\"actor\":\"%s\",\"role\":\"%s\",\"routes\":[",
	    c->caller.name, c->caller.actor, role < GW_ROLE_VIEWER ? "none" : gw_role_name(role));
	for (size_t i = 0; i < GW_ROUTE_COUNT; i++) {
		sot_buf_add_c(&c->rows, i > 0 ? "," : "");
		add_route(c, &gw_routes[i], on_one, &c->rows);
	}
	sot_buf_add_c(&c->rows, "]}\n");
	call_json(c, 200, sot_buf_str(&c->rows));
}

static void answer_on_one(gw_call *c)
{
	answer(c, true);
}

void serve_permission_list(gw_call *c)
{
	char app[GW_NAME_MAX], instance[GW_NAME_MAX];
	if (call_query(c, "app", app, sizeof(app)) != SOT_OK ||
	    call_query(c, "instance", instance, sizeof(instance)) != SOT_OK)
		return;
	if (app[0] != '\0')
		gw_scope_look(c, "app", app, answer_on_one);
	else if (instance[0] != '\0')
		gw_scope_look(c, "instance", instance, answer_on_one);
	else
		answer(c, false);
}
