#include "gw_jwt.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <sodium.h>
#include <string.h>

#define HEADER_MAX 2048
#define SIGNATURE_MAX 1024
#define NUMBER_MAX 1024 /* bytes of a part of a key */
#define KEYS_MAX 32
#define RSA_BITS_MIN 2048
#define EC_N 32

typedef struct parts {
	sot_str signed_text; /* header and claims as they came */
	unsigned char signature[SIGNATURE_MAX];
	size_t signature_n;
	bool is_ec;
	char kid[256]; /* "": not said */
} parts;

static bool decode(sot_str text, unsigned char *dst, size_t size, size_t *ret_n)
{
	return text.n > 0 && sodium_base642bin(dst, size, text.p, text.n, NULL, ret_n, NULL,
	                         sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

static json_t *object_of(const void *bytes, size_t n)
{
	json_t *object = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

static sot_str text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	return json_is_string(value) ? (sot_str){json_string_value(value), json_string_length(value)}
	                             : (sot_str){0};
}

static sot_code read_header(sot_str text, parts *p, sot_err *err)
{
	unsigned char bytes[HEADER_MAX];
	size_t n = 0;
	json_t *header = decode(text, bytes, sizeof(bytes), &n) ? object_of(bytes, n) : NULL;
	sot_str algorithm = text_of(header, "alg");
	sot_code code = SOT_OK;
	p->is_ec = sot_str_eq_c(algorithm, "ES256");
	if (header == NULL)
		code = sot_fail(err, SOT_INVALID, "the token's header is no JSON object");
	else if (!p->is_ec && !sot_str_eq_c(algorithm, "RS256"))
		code = sot_fail(err, SOT_INVALID,
		    "the token is signed with '%.*s'; set the client to RS256 or ES256 at the provider",
		    SOT_ARG(algorithm));
	else if (json_object_get(header, "crit") != NULL)
		code = sot_fail(err, SOT_INVALID, "the token's header demands extensions");
	else
		code = sot_str_copy(text_of(header, "kid"), p->kid, sizeof(p->kid), err);
	json_decref(header);
	return code;
}

static sot_code split(sot_str token, parts *p, sot_str *ret_claims, sot_err *err)
{
	sot_str rest, header = sot_str_cut(token, '.', &rest), signature;
	*ret_claims = sot_str_cut(rest, '.', &signature);
	if (token.n > GW_JWT_MAX || ret_claims->n == 0 ||
	    !decode(signature, p->signature, sizeof(p->signature), &p->signature_n))
		return sot_fail(err, SOT_INVALID, "the token is no signed JWT in compact form");
	p->signed_text = (sot_str){token.p, header.n + 1 + ret_claims->n};
	return read_header(header, p, err);
}

/* ---- one key ---- */
static bool may_be(const json_t *key, const parts *p)
{
	sot_str use = text_of(key, "use"), algorithm = text_of(key, "alg");
	return sot_str_eq_c(text_of(key, "kty"), p->is_ec ? "EC" : "RSA") &&
	       (use.n == 0 || sot_str_eq_c(use, "sig")) &&
	       (algorithm.n == 0 || sot_str_eq_c(algorithm, p->is_ec ? "ES256" : "RS256")) &&
	       (p->kid[0] == '\0' || sot_str_eq_c(text_of(key, "kid"), p->kid));
}

static bool read_number(
    const json_t *key, const char *name, unsigned char *bytes, gnutls_datum_t *ret)
{
	size_t n = 0;
	if (!decode(text_of(key, name), bytes, NUMBER_MAX, &n))
		return false;
	*ret = (gnutls_datum_t){bytes, (unsigned)n};
	return true;
}

static bool load_rsa(const json_t *key, gnutls_pubkey_t into)
{
	unsigned char n_bytes[NUMBER_MAX], e_bytes[NUMBER_MAX];
	gnutls_datum_t n, e;
	unsigned bits = 0;
	return read_number(key, "n", n_bytes, &n) && read_number(key, "e", e_bytes, &e) &&
	       gnutls_pubkey_import_rsa_raw(into, &n, &e) == 0 &&
	       gnutls_pubkey_get_pk_algorithm(into, &bits) == GNUTLS_PK_RSA && bits >= RSA_BITS_MIN;
}

static bool load_ec(const json_t *key, gnutls_pubkey_t into)
{
	unsigned char x_bytes[NUMBER_MAX], y_bytes[NUMBER_MAX];
	gnutls_datum_t x, y;
	return sot_str_eq_c(text_of(key, "crv"), "P-256") && read_number(key, "x", x_bytes, &x) &&
	       read_number(key, "y", y_bytes, &y) && x.size == EC_N && y.size == EC_N &&
	       gnutls_pubkey_import_ecc_raw(into, GNUTLS_ECC_CURVE_SECP256R1, &x, &y) == 0;
}

static bool verifies(gnutls_pubkey_t key, parts *p)
{
	gnutls_datum_t text = {
	    (unsigned char *)(uintptr_t)p->signed_text.p, (unsigned)p->signed_text.n};
	gnutls_datum_t signature = {p->signature, (unsigned)p->signature_n}, der = {0};
	gnutls_datum_t r = {p->signature, EC_N}, s = {p->signature + EC_N, EC_N};
	if (!p->is_ec)
		return gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &text, &signature) >= 0;
	if (p->signature_n != (size_t)2 * EC_N || gnutls_encode_rs_value(&der, &r, &s) != 0)
		return false;
	bool fits = gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &text, &der) >= 0;
	gnutls_free(der.data);
	return fits;
}

static bool signed_by(const json_t *key, parts *p)
{
	gnutls_pubkey_t loaded;
	if (gnutls_pubkey_init(&loaded) != 0)
		return false;
	bool fits = (p->is_ec ? load_ec(key, loaded) : load_rsa(key, loaded)) && verifies(loaded, p);
	gnutls_pubkey_deinit(loaded);
	return fits;
}

/* ---- the token ---- */
static json_t *read_claims(sot_str text)
{
	unsigned char bytes[GW_JWT_MAX];
	size_t n = 0;
	return decode(text, bytes, sizeof(bytes), &n) ? object_of(bytes, n) : NULL;
}

sot_code gw_jwt_verify(sot_str token, const json_t *key_set, json_t **ret, sot_err *err)
{
	parts p = {0};
	sot_str claims;
	size_t i, tried = 0;
	json_t *key;
	if (split(token, &p, &claims, err) != SOT_OK)
		return err != NULL ? err->code : SOT_INVALID;
	json_array_foreach(json_object_get(key_set, "keys"), i, key)
	{
		if (!may_be(key, &p) || ++tried > KEYS_MAX || !signed_by(key, &p))
			continue;
		*ret = read_claims(claims);
		return *ret != NULL ? SOT_OK
		                    : sot_fail(err, SOT_INVALID, "the token's claims are no JSON object");
	}
	if (tried == 0)
		return sot_fail(err, SOT_NOT_FOUND, "the provider has no key '%s' of this kind", p.kid);
	return sot_fail(err, SOT_INVALID, "the token's signature is wrong");
}
