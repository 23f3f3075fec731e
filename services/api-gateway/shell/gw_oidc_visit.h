/* gw_oidc_visit - log-ins at the company's OpenID provider
 * (docs/adr/0048-log-in-with-openid-connect.md).
 *
 * The browser is sent to the provider and comes back with a code; the gateway changes it for a
 * signed token, checks that, and lets the person in with the roles that the provider's groups give
 * (core/gw_oidc, core/gw_jwt). What is remembered here - the provider's addresses and keys - can be
 * asked for again: any gateway finishes what another began.
 */
#ifndef GW_OIDC_VISIT_H
#define GW_OIDC_VISIT_H

#include "gateway.h"

#include "gw_oidc.h"
#include "http_client.h"

typedef struct gw_oidc gw_oidc;
/* Gives NULL when oidc_issuer is "". SOT_INVALID: another key of it is missing or wrong. */
sot_code gw_oidc_new(gateway *g, gw_oidc **ret, sot_err *err) SOT_CHECK;
gw_oidc *gw_oidc_free(gw_oidc *o);

/* ---- one log-in, between the files of it: gw_oidc_login.c the routes, gw_oidc_provider.c the
 * network */
typedef struct oidc_visit oidc_visit;
typedef void (*oidc_step)(oidc_visit *v);
struct oidc_visit {
	gw_oidc *o;
	gw_call *call;
	http_call *asked; /* NULL: nothing is open at the provider */
	oidc_step next;
	void (*got)(oidc_visit *v, json_t *answer); /* takes the answer */
	gw_oidc_secrets secrets;
	char back[GW_OIDC_BACK_MAX + 1];
	sot_buf code, access_token, id_token;
	bool asked_keys_again;
	json_t *claims;
	/* what the database was asked and said */
	char name[64], session[65], outcome[24];
};

struct gw_oidc {
	gateway *g;
	gw_oidc_rules rules;
	json_t *provider, *keys; /* as the provider described itself; its keys */
	sot_mono provider_until, keys_until, keys_again;
};

/* Ends the visit with a refusal: in a browser the console's page, which explains `reason`; else a
 * problem with the text. */
void oidc_refuse(oidc_visit *v, int status, const char *reason, const char *fmt, ...)
    SOT_PRINTF(4, 5);
/* Calls v->next when the provider's description is there. */
void oidc_meet(oidc_visit *v);
/* Text of the provider's description; "" for none. */
const char *oidc_place(const oidc_visit *v, const char *name);
/* Changes v->code for tokens, checks them, and calls v->next with v->claims. */
void oidc_redeem(oidc_visit *v);
/* "&name=value", escaped. */
void oidc_add(sot_buf *out, const char *name, const char *value);

#endif
