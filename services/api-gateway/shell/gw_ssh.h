/* gw_ssh - what the handlers of the ssh routes share: rights, scopes, audit. */
#ifndef GW_SSH_H
#define GW_SSH_H

#include "gateway.h"
#include "gw_json.h"

/* One instance, or all of an app. */
typedef struct ssh_scope {
	bool is_app, found;
	sot_uuid id;    /* of an instance */
	char asked[64]; /* as the request names it */
	char text[96];  /* "inst:<id>" or "app:<name>" */
	char name[64], app[64], host[64], address[64];
} ssh_scope;

/* Whether the caller's role may log in as `account`; else 403 was answered. */
bool ssh_may(gw_call *c, sot_str account);
bool ssh_is_agent(gw_call *c); /* else 403 was answered */
/* Adds the look-up of the body's `instance` or `app`; SOT_INVALID was answered. */
sot_code ssh_scope_query(gw_call *c, const json_t *body, store_tx *tx, ssh_scope *ret) SOT_CHECK;
/* After the look-up; else 404 or 503 was answered. */
bool ssh_scope_found(gw_call *c, const ssh_scope *s, const store_outcome *outcome);
void ssh_audit(gw_call *c, store_tx *tx, const char *action, const char *target, sot_str detail);
void ssh_emit(gw_call *c, store_tx *tx, const char *kind, const ssh_scope *scope, sot_str detail);

#endif
