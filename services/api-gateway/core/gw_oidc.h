/* gw_oidc - what of a log-in at an OpenID provider needs no network: the secrets of one log-in, the
 * checks of what the provider says, and which role follows from which group.
 *
 * Pure. OpenID Connect Core 1.0 (authorization code flow), RFC 7636 (PKCE, S256), RFC 9207.
 */
#ifndef GW_OIDC_H
#define GW_OIDC_H

#include "gw_route.h"

#include <jansson.h>

/* ---- one log-in ---- */
#define GW_OIDC_COOKIE_MAX 400
#define GW_OIDC_SECRET_MAX 44 /* base64url of 32 bytes, with the final NUL */
#define GW_OIDC_BACK_MAX 200
/* Nothing of a log-in is stored: the browser holds a cookie, the rest is made from it and the
 * gateways' key. `state` binds the provider's answer to the cookie, `nonce` its token, `verifier`
 * the code. */
typedef struct gw_oidc_secrets {
	char state[GW_OIDC_SECRET_MAX], nonce[GW_OIDC_SECRET_MAX], verifier[GW_OIDC_SECRET_MAX];
	char challenge[GW_OIDC_SECRET_MAX]; /* of the verifier */
} gw_oidc_secrets;
void gw_oidc_secrets_of(const uint8_t key[32], sot_str cookie, gw_oidc_secrets *ret);
/* The cookie: random digits, when it was made, and the page to go to afterwards. */
void gw_oidc_cookie(
    sot_str random_hex, int64_t now_unix_s, sot_str back, char ret[GW_OIDC_COOKIE_MAX]);
/* SOT_INVALID: no such cookie, or older than ten minutes. */
sot_code gw_oidc_cookie_read(sot_str cookie, int64_t now_unix_s,
    char ret_back[GW_OIDC_BACK_MAX + 1], sot_err *err) SOT_CHECK;
/* Whether it is a path of this site, which may be gone to after a log-in. */
bool gw_oidc_is_own_path(sot_str back);

/* ---- a log-in of the command line ---- */
/* The page to go to afterwards: "/v1/log-in/cli?challenge=C&state=S&port=P". It is none; who comes
 * back to it has a code instead of a session. */
#define GW_OIDC_CLI_PATH "/v1/log-in/cli?"
typedef struct gw_oidc_cli {
	char challenge[GW_OIDC_SECRET_MAX]; /* of a verifier that only the command line knows */
	char state[GW_OIDC_SECRET_MAX];     /* by which it knows the answer as its own */
	unsigned port;                      /* of 127.0.0.1, where it listens; 0: the code is shown */
} gw_oidc_cli;
bool gw_oidc_is_cli(sot_str back);
/* SOT_INVALID: a part is missing or is not as it must be. */
sot_code gw_oidc_cli_read(sot_str back, gw_oidc_cli *ret, sot_err *err) SOT_CHECK;
/* Base64url of the verifier's SHA-256. */
void gw_oidc_challenge(sot_str verifier, char ret[GW_OIDC_SECRET_MAX]);
/* The code: the session's secret, good for two minutes and for who has the verifier; sealed, so
 * that any gateway takes it and none has to remember it. `session` is 64 hexadecimal digits. */
#define GW_OIDC_CODE_MAX 256
#define GW_OIDC_SESSION_N 64
void gw_oidc_code(const uint8_t key[32], const uint8_t nonce[24], const char *challenge,
    const char *session, int64_t now_unix_s, char ret[GW_OIDC_CODE_MAX]);
/* SOT_INVALID: not sealed by these gateways, for another verifier, or too old. */
sot_code gw_oidc_code_read(const uint8_t key[32], sot_str code, sot_str verifier,
    int64_t now_unix_s, char ret_session[GW_OIDC_SESSION_N + 1], sot_err *err) SOT_CHECK;

/* ---- what the provider says ---- */
typedef struct gw_oidc_expected {
	const char *issuer, *client, *nonce;
	int64_t now_unix_s;
} gw_oidc_expected;
/* The claims of a verified id_token: who issued it, for whom, when, for which log-in. */
sot_code gw_oidc_check_claims(
    const json_t *claims, const gw_oidc_expected *expected, sot_err *err) SOT_CHECK;
/* A claim by its name, else by the path that it says ("realm_access.roles"); NULL for none. */
const json_t *gw_oidc_claim(const json_t *claims, const char *name);
/* The account's name from a claim: in lower case, of an address what is before the '@'. */
sot_code gw_oidc_name(
    const json_t *claims, const char *claim, char ret[64], sot_err *err) SOT_CHECK;

/* ---- groups to roles ---- */
typedef struct gw_oidc_rule {
	gw_role role;
	char team[31]; /* "*": everywhere */
	char *group;   /* "*": everybody */
} gw_oidc_rule;
typedef struct gw_oidc_rules {
	size_t count;
	gw_oidc_rule *items;
} gw_oidc_rules;
/* Lines "ROLE TEAM GROUP", '#' begins a comment line; the group may have blanks. */
sot_code gw_oidc_rules_parse(sot_str text, gw_oidc_rules *ret, sot_err *err) SOT_CHECK;
void gw_oidc_rules_clear(gw_oidc_rules *rules);
/* The highest role on the whole platform that follows from `groups` (a text or a list of texts,
 * NULL for none), or GW_ROLE_PUBLIC; and [{"role","team"}...] for the others, a new reference. */
gw_role gw_oidc_roles(const gw_oidc_rules *rules, const json_t *groups, json_t **ret_grants);

#endif
