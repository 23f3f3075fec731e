/* gw_rights - what a person or program may do where.
 *
 * Pure. An account has one role on the whole platform (or none) and grants: more roles, each within
 * a reach (a team, an app, an environment; what is not said is any). A token may be narrower than
 * its account: a highest role, a reach. The role on a target is the highest that reaches it, and no
 * higher than the token allows. An environment is that of a group of
 * instances.
 * Owner: whoever holds a reference; not thread safe.
 */
#ifndef GW_RIGHTS_H
#define GW_RIGHTS_H

#include "gw_route.h"
#include "sot_mem.h"

#define GW_NAME_MAX 64
#define GW_GRANTS_MAX 200

/* An app as rights see it; in a reach "" is any. */
typedef struct gw_target {
	char app[GW_NAME_MAX], team[GW_NAME_MAX], environment[GW_NAME_MAX];
} gw_target;

typedef struct gw_grant {
	gw_role role;
	gw_target reach;
} gw_grant;

typedef struct gw_rights gw_rights;

/* `grants`: lines of "role|team|app|environment", at most GW_GRANTS_MAX count; a line that cannot
 * be read grants nothing. One reference. */
gw_rights *gw_rights_new(gw_role role, sot_str grants);
gw_rights *gw_rights_ref(gw_rights *r);
gw_rights *gw_rights_free(gw_rights *r); /* gives one reference back */
SOT_DEFINE_AUTO(gw_rights)
/* Narrows to a token's highest role and reach. */
void gw_rights_narrow(gw_rights *r, gw_role role_max, const gw_target *reach);

/* The role that holds for everything, hosts and networks included; GW_ROLE_PUBLIC: none. */
gw_role gw_rights_platform(const gw_rights *r);
/* The role on one app and what belongs to it. */
gw_role gw_rights_on(const gw_rights *r, const gw_target *target);
/* The highest role that there is anywhere. */
gw_role gw_rights_anywhere(const gw_rights *r);
/* Whether the role depends on the target: then targets have to be looked up. */
bool gw_rights_vary(const gw_rights *r);
/* Whether a token made them narrower than the account's. */
bool gw_rights_is_narrowed(const gw_rights *r);
/* What a list is to be cut to: "" for all, else lines of "team|app|environment" ("-" alone:
 * nothing). */
void gw_rights_visible(const gw_rights *r, sot_buf *out);

#endif
