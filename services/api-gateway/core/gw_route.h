/* gw_route - which handler serves a request, and who may call it.
 *
 * Pure. The table is core/routes.def; what is not in it does not exist, and a route without a role
 * that the caller has there is refused (deny by default). What a caller has where: gw_rights.h.
 */
#ifndef GW_ROUTE_H
#define GW_ROUTE_H

#include "sot_str.h"

/* Each role may do all that the roles before it may. AGENT is a host's fetch token: outside the
 * order, it may use only routes with GW_AGENTS. */
typedef enum gw_role {
	GW_ROLE_PUBLIC = 0,
	GW_ROLE_AGENT = 1,
	GW_ROLE_VIEWER = 2,
	GW_ROLE_DEVELOPER = 3,
	GW_ROLE_MIDDLEWARE = 4,
	GW_ROLE_OPERATOR = 5,
	GW_ROLE_ADMIN = 6,
} gw_role;

enum {
	GW_MUTATING = 1, /* changes something: needs the CSRF token with a cookie */
	GW_BODY = 2,     /* takes a JSON object */
	GW_RAW = 4,      /* takes raw bytes, streamed */
	GW_AGENTS = 8,   /* open to hosts' fetch tokens */
	GW_KEPT = 16,    /* the gateway keeps the answer to an Idempotency-Key */
};

/* Where the route's role is needed. */
typedef enum gw_scope {
	GW_SCOPE_PUBLIC,    /* nowhere: nobody need have logged in */
	GW_SCOPE_SELF,      /* nowhere: it shows and changes what is the caller's own */
	GW_SCOPE_PLATFORM,  /* on the whole platform: hosts, networks, users */
	GW_SCOPE_ANYWHERE,  /* on anything; a list shows what the caller may see */
	GW_SCOPE_APP,       /* on the app that the path names first */
	GW_SCOPE_INSTANCE,  /* on the app of the instance that the path names first */
	GW_SCOPE_OPERATION, /* on all apps of the operation; on the platform when it has none */
	GW_SCOPE_BLOB,      /* on an app that has a version with these bytes */
	GW_SCOPE_BODY,      /* on all apps and instances that the body names; else on the platform */
} gw_scope;

typedef enum gw_route_id {
#define ROUTE(handler, method, pattern, role, scope, flags) GW_ROUTE_##handler,
#include "routes.def"
#undef ROUTE
	GW_ROUTE_COUNT
} gw_route_id;

typedef struct gw_route {
	gw_route_id id;
	const char *name, *method, *pattern;
	gw_role role;
	gw_scope scope;
	unsigned flags;
} gw_route;

extern const gw_route gw_routes[GW_ROUTE_COUNT];

#define GW_PARAM_MAX 256
#define GW_PARAMS_MAX 2
typedef struct gw_match {
	const gw_route *route;                    /* NULL: no such path, or not with this method */
	char params[GW_PARAMS_MAX][GW_PARAM_MAX]; /* percent-decoded, in order of the pattern */
	bool path_known;                          /* the path exists, with other methods */
	char allow[64];                           /* "GET, POST" for the Allow header */
} gw_match;

/* `raw_path` is percent-encoded, without the query. HEAD finds GET's route. SOT_INVALID for a bad
 * escape, an encoded NUL, an encoded slash (but of {cidr}), or a segment that is too long; then
 * *ret is untouched. */
sot_code gw_route_find(sot_str method, sot_str raw_path, gw_match *ret, sot_err *err) SOT_CHECK;
/* Whether a caller who has this role where the route's scope asks for it may use the route. */
bool gw_route_permits(const gw_route *route, gw_role role);
/* "platform" */
const char *gw_scope_name(gw_scope scope);
/* Lower-case name, "admin"; and back, GW_ROLE_PUBLIC when it is no role of an account. */
const char *gw_role_name(gw_role role);
gw_role gw_role_parse(sot_str name);

#endif
