/* gw_jwt - a signed token of an OpenID provider: its signature against the provider's keys.
 *
 * Pure (GnuTLS computes, nothing else). JWS compact form (RFC 7515) and JWK sets (RFC 7517), of
 * both only what a provider's id_token needs: RS256 with 2048 bits and more, and ES256. The
 * algorithm is one of these two whatever the token says, and it must fit the key's own kind: "none"
 * and HMAC with a public key as the secret do not exist here.
 */
#ifndef GW_JWT_H
#define GW_JWT_H

#include "sot_str.h"

#include <jansson.h>

#define GW_JWT_MAX 16384
/* The signed claims, a JSON object to be released with json_decref. SOT_INVALID: the token has
 * another form or a wrong signature. SOT_NOT_FOUND: no key of the set can be the one that signed;
 * the provider may have new keys. Who issued it, for whom and until when is not looked at. */
sot_code gw_jwt_verify(sot_str token, const json_t *key_set, json_t **ret, sot_err *err) SOT_CHECK;

#endif
