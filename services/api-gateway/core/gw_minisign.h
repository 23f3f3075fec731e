/* gw_minisign - signatures of packages: minisign's public keys and signature files, checked with
 * Ed25519 of libsodium.
 *
 * Pure. Source: https://jedisct1.github.io/minisign/ (format of version 0.9 and later). Only the
 * prehashed form ("ED": Ed25519 over BLAKE2b-512 of the file) is taken, so that a large package is
 * checked with flat memory; minisign writes it by default from 0.10 on, and with -H before.
 */
#ifndef GW_MINISIGN_H
#define GW_MINISIGN_H

#include "sot_str.h"

#define GW_MINISIGN_HASH_N 64     /* BLAKE2b-512 of the signed file */
#define GW_MINISIGN_KEY_TEXT 57   /* base64 of a public key, with its NUL */
#define GW_MINISIGN_FILE_MAX 2048 /* bytes of a signature file */

typedef struct gw_minisign_key {
	char id[17]; /* as minisign prints it: 16 hexadecimal digits, upper case */
	uint8_t key[32];
	char text[GW_MINISIGN_KEY_TEXT]; /* the one line that minisign -P takes */
} gw_minisign_key;

typedef struct gw_minisign {
	char key_id[17];
	uint8_t signature[64], global[64];
	sot_str trusted_comment; /* borrowed from the file's text */
} gw_minisign;

/* A public key: its line, or the whole .pub file with the comment above it. */
sot_code gw_minisign_key_parse(sot_str text, gw_minisign_key *ret, sot_err *err) SOT_CHECK;
/* A signature file (.minisig) of four lines. SOT_INVALID says what is wrong with it. */
sot_code gw_minisign_parse(sot_str file, gw_minisign *ret, sot_err *err) SOT_CHECK;
/* SOT_DENIED: the signature is not of this key over this hash, or its comment was changed. */
sot_code gw_minisign_verify(const gw_minisign *s, const gw_minisign_key *key,
    const uint8_t hash[GW_MINISIGN_HASH_N], sot_err *err) SOT_CHECK;

#endif
