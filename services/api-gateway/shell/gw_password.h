/* gw_password - passwords as yescrypt hashes (crypt(5)). Slow on purpose: never on the loop. */
#ifndef GW_PASSWORD_H
#define GW_PASSWORD_H

#include "sot_str.h"

#define GW_PASSWORD_HASH_MAX 128

/* `ret` holds the hash with its parameters and salt. */
sot_code gw_password_hash(
    const char *password, char ret[GW_PASSWORD_HASH_MAX], sot_err *err) SOT_CHECK;
/* Constant time in what differs. An empty hash takes as long as a real one and never fits. */
bool gw_password_fits(const char *password, const char *hash);

#endif
