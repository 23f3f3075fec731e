/* gw_package - what the database knows about a package version before it is stored. */
#ifndef GW_PACKAGE_H
#define GW_PACKAGE_H

#include "gateway.h"
#include "gw_minisign.h"

#define GW_PACKAGE_KEYS_MAX 32

typedef struct gw_package {
	char app[64], version[65];
	bool app_is_known, must_be_signed;
	char known_sha256[65]; /* of a version of this name that is there; "" */
	size_t key_count;
	gw_minisign_key keys[GW_PACKAGE_KEYS_MAX]; /* whose signatures count for the app */
} gw_package;

/* Asks; the answer comes in *p when the transaction has ended. */
void gw_package_ask(
    store_tx *tx, gw_package *p, bool is_middleware, const char *name, sot_str version);
/* Whether these bytes may become that version; otherwise 404, 409 or 403 was answered. */
bool gw_package_may(
    gw_call *c, const gw_package *p, const uint8_t sha256[GW_SHA256_N], bool is_signed);

#endif
