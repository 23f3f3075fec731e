#include "gw_minisign.h"

#include <sodium.h>
#include <string.h>

enum { KEY_BYTES = 2 + 8 + 32, SIGNATURE_BYTES = 2 + 8 + 64 };

static sot_str without_cr(sot_str line)
{
	return line.n > 0 && line.p[line.n - 1] == '\r' ? (sot_str){line.p, line.n - 1} : line;
}

static sot_str next_line(sot_str *rest)
{
	sot_str after, line = sot_str_cut(*rest, '\n', &after);
	*rest = after;
	return without_cr(line);
}

/* Exactly `n` bytes of base64 with its padding, and nothing else on the line. */
static bool decode(sot_str line, uint8_t *dst, size_t n)
{
	size_t got = 0;
	const char *end = NULL;
	return line.n > 0 &&
	       sodium_base642bin(
	           dst, n, line.p, line.n, NULL, &got, &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == n && end == line.p + line.n;
}

/* minisign shows the id as a little-endian number. */
static void id_text(const uint8_t id[8], char ret[17])
{
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(ret + 2 * i, 3, "%02X", id[7 - i]);
}

sot_code gw_minisign_key_parse(sot_str text, gw_minisign_key *ret, sot_err *err)
{
	uint8_t raw[KEY_BYTES];
	sot_str rest = text, line = next_line(&rest);
	gw_minisign_key key = {0};
	if (sot_str_starts(line, "untrusted comment:"))
		line = next_line(&rest);
	if (line.n != GW_MINISIGN_KEY_TEXT - 1 || !decode(line, raw, sizeof(raw)))
		return sot_fail(err, SOT_INVALID,
		    "a minisign public key is one line of 56 base64 characters, as in minisign.pub");
	if (memcmp(raw, "Ed", 2) != 0)
		return sot_fail(
		    err, SOT_INVALID, "the key is not of the algorithm Ed25519; make one with minisign -G");
	id_text(raw + 2, key.id);
	memcpy(key.key, raw + 10, sizeof(key.key));
	memcpy(key.text, line.p, line.n);
	*ret = key;
	return SOT_OK;
}

sot_code gw_minisign_parse(sot_str file, gw_minisign *ret, sot_err *err)
{
	static const char trusted[] = "trusted comment: ";
	uint8_t raw[SIGNATURE_BYTES];
	sot_str rest = file;
	gw_minisign s = {0};
	if (file.n > GW_MINISIGN_FILE_MAX)
		return sot_fail(err, SOT_INVALID, "a signature file has at most %d bytes, this has %zu",
		    GW_MINISIGN_FILE_MAX, file.n);
	if (!sot_str_starts(next_line(&rest), "untrusted comment:") ||
	    !decode(next_line(&rest), raw, sizeof(raw)))
		return sot_fail(err, SOT_INVALID,
		    "that is no signature file of minisign: line 1 is an untrusted comment, line 2 the "
		    "signature in base64");
	if (memcmp(raw, "ED", 2) != 0)
		return sot_fail(err, SOT_INVALID, "the signature is not prehashed; sign with minisign -H");
	s.trusted_comment = next_line(&rest);
	if (!sot_str_starts(s.trusted_comment, trusted) ||
	    !decode(next_line(&rest), s.global, sizeof(s.global)) || rest.n > 0)
		return sot_fail(err, SOT_INVALID,
		    "that is no signature file of minisign: line 3 is a trusted comment, line 4 its "
		    "signature, and nothing follows");
	s.trusted_comment.p += sizeof(trusted) - 1;
	s.trusted_comment.n -= sizeof(trusted) - 1;
	id_text(raw + 2, s.key_id);
	memcpy(s.signature, raw + 10, sizeof(s.signature));
	*ret = s;
	return SOT_OK;
}

sot_code gw_minisign_verify(const gw_minisign *s, const gw_minisign_key *key,
    const uint8_t hash[GW_MINISIGN_HASH_N], sot_err *err)
{
	uint8_t global[sizeof(s->signature) + GW_MINISIGN_FILE_MAX];
	if (strcmp(s->key_id, key->id) != 0)
		return sot_fail(
		    err, SOT_DENIED, "the signature is of key %s, not of %s", s->key_id, key->id);
	if (crypto_sign_verify_detached(s->signature, hash, GW_MINISIGN_HASH_N, key->key) != 0)
		return sot_fail(err, SOT_DENIED,
		    "the signature of key %s is not over these bytes: the file was changed, or another one "
		    "was signed",
		    key->id);
	memcpy(global, s->signature, sizeof(s->signature));
	memcpy(global + sizeof(s->signature), s->trusted_comment.p, s->trusted_comment.n);
	if (crypto_sign_verify_detached(
	        s->global, global, sizeof(s->signature) + s->trusted_comment.n, key->key) != 0)
		return sot_fail(
		    err, SOT_DENIED, "the trusted comment of the signature is not the one that was signed");
	return SOT_OK;
}
