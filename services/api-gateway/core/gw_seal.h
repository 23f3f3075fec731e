/* gw_seal - secrets that the gateway must be able to read again, as the database keeps them.
 *
 * Pure but for the nonce, which the caller gives. XChaCha20-Poly1305 (libsodium) under a key that
 * is made from the gateways' own bus key: whoever has the database alone, or a dump of it, cannot
 * read them. `owner` (a webhook's name) is bound in, so that a row's text is no use in another row.
 */
#ifndef GW_SEAL_H
#define GW_SEAL_H

#include "sot_str.h"

#define GW_SEAL_KEY_N 32
#define GW_SEAL_NONCE_N 24
#define GW_SEAL_SECRET_MAX 128 /* bytes of a secret */
#define GW_SEAL_TEXT_MAX 256   /* of its sealed form, with the final NUL */

/* The key, from the secret half of the gateways' bus key. */
void gw_seal_key(sot_str bus_secret, uint8_t ret[GW_SEAL_KEY_N]);
/* The sealed form, "x1:" and base64. `secret` has at most GW_SEAL_SECRET_MAX bytes. The nonce is
 * random and never used twice. */
void gw_seal(const uint8_t key[GW_SEAL_KEY_N], const uint8_t nonce[GW_SEAL_NONCE_N], sot_str owner,
    sot_str secret, char ret[GW_SEAL_TEXT_MAX]);
/* The secret. A text that is not sealed is given back as it is: it was written before there was
 * sealing. SOT_INVALID: another key, another owner, or a changed text; then *ret is "". */
sot_code gw_unseal(const uint8_t key[GW_SEAL_KEY_N], sot_str owner, sot_str text,
    char ret[GW_SEAL_SECRET_MAX + 1], sot_err *err) SOT_CHECK;

/* The same for a text of any length: an answer that is kept. Appends the sealed form; opens it. */
void gw_seal_long(const uint8_t key[GW_SEAL_KEY_N], const uint8_t nonce[GW_SEAL_NONCE_N],
    sot_str owner, sot_str text, sot_buf *out);
sot_code gw_unseal_long(const uint8_t key[GW_SEAL_KEY_N], sot_str owner, sot_str sealed,
    sot_buf *out, sot_err *err) SOT_CHECK;

#endif
