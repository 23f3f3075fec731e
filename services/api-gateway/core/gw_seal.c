#include "gw_seal.h"

#include "sot_mem.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "x1:"
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define MAC_N crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BOX_MAX (GW_SEAL_NONCE_N + GW_SEAL_SECRET_MAX + MAC_N)

_Static_assert(GW_SEAL_KEY_N == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key's size");
_Static_assert(GW_SEAL_NONCE_N == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "the nonce's size");
_Static_assert(sizeof(PREFIX) - 1 + sodium_base64_ENCODED_LEN(BOX_MAX, VARIANT) <= GW_SEAL_TEXT_MAX,
    "the sealed form of the longest secret");

void gw_seal_key(sot_str bus_secret, uint8_t ret[GW_SEAL_KEY_N])
{
	static const unsigned char purpose[] = "sotalia api-gateway secrets at rest 1";
	(void)crypto_generichash(ret, GW_SEAL_KEY_N, purpose, sizeof(purpose) - 1,
	    (const unsigned char *)bus_secret.p, bus_secret.n);
}

void gw_seal(const uint8_t key[GW_SEAL_KEY_N], const uint8_t nonce[GW_SEAL_NONCE_N], sot_str owner,
    sot_str secret, char ret[GW_SEAL_TEXT_MAX])
{
	unsigned char box[BOX_MAX];
	unsigned long long n = 0;
	size_t secret_n = secret.n < GW_SEAL_SECRET_MAX ? secret.n : GW_SEAL_SECRET_MAX;
	memcpy(box, nonce, GW_SEAL_NONCE_N);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(box + GW_SEAL_NONCE_N, &n,
	    (const unsigned char *)secret.p, secret_n, (const unsigned char *)owner.p, owner.n, NULL,
	    nonce, key);
	memcpy(ret, PREFIX, sizeof(PREFIX) - 1);
	(void)sodium_bin2base64(ret + sizeof(PREFIX) - 1, GW_SEAL_TEXT_MAX - (sizeof(PREFIX) - 1), box,
	    GW_SEAL_NONCE_N + (size_t)n, VARIANT);
}

sot_code gw_unseal(const uint8_t key[GW_SEAL_KEY_N], sot_str owner, sot_str text,
    char ret[GW_SEAL_SECRET_MAX + 1], sot_err *err)
{
	unsigned char box[BOX_MAX];
	unsigned char secret[GW_SEAL_SECRET_MAX];
	unsigned long long n = 0;
	size_t box_n = 0;
	ret[0] = '\0';
	if (!sot_str_starts(text, PREFIX))
		return sot_str_copy(text, ret, GW_SEAL_SECRET_MAX + 1, err);
	if (sodium_base642bin(box, sizeof(box), text.p + sizeof(PREFIX) - 1,
	        text.n - (sizeof(PREFIX) - 1), NULL, &box_n, NULL, VARIANT) != 0 ||
	    box_n < GW_SEAL_NONCE_N + MAC_N ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(secret, &n, NULL, box + GW_SEAL_NONCE_N,
	        box_n - GW_SEAL_NONCE_N, (const unsigned char *)owner.p, owner.n, box, key) != 0)
		return sot_fail(err, SOT_INVALID,
		    "its secret was sealed with another key than this gateway has; make the webhook anew");
	memcpy(ret, secret, (size_t)n);
	ret[n] = '\0';
	sodium_memzero(secret, sizeof(secret));
	return SOT_OK;
}

void gw_seal_long(const uint8_t key[GW_SEAL_KEY_N], const uint8_t nonce[GW_SEAL_NONCE_N],
    sot_str owner, sot_str text, sot_buf *out)
{
	size_t box_n = GW_SEAL_NONCE_N + text.n + MAC_N;
	size_t text_n = sodium_base64_encoded_len(box_n, VARIANT);
	unsigned char *box = sot_alloc(box_n);
	char *sealed = sot_alloc(text_n);
	memcpy(box, nonce, GW_SEAL_NONCE_N);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(box + GW_SEAL_NONCE_N, NULL,
	    (const unsigned char *)text.p, text.n, (const unsigned char *)owner.p, owner.n, NULL, nonce,
	    key);
	(void)sodium_bin2base64(sealed, text_n, box, box_n, VARIANT);
	sot_buf_add_c(out, PREFIX);
	sot_buf_add_c(out, sealed);
	free(sealed);
	free(box);
}

sot_code gw_unseal_long(
    const uint8_t key[GW_SEAL_KEY_N], sot_str owner, sot_str sealed, sot_buf *out, sot_err *err)
{
	unsigned char *box = sot_alloc(sealed.n + 1), *text = sot_alloc(sealed.n + 1);
	unsigned long long n = 0;
	size_t box_n = 0;
	bool fits =
	    sot_str_starts(sealed, PREFIX) &&
	    sodium_base642bin(box, sealed.n, sealed.p + sizeof(PREFIX) - 1,
	        sealed.n - (sizeof(PREFIX) - 1), NULL, &box_n, NULL, VARIANT) == 0 &&
	    box_n >= GW_SEAL_NONCE_N + MAC_N &&
	    crypto_aead_xchacha20poly1305_ietf_decrypt(text, &n, NULL, box + GW_SEAL_NONCE_N,
	        box_n - GW_SEAL_NONCE_N, (const unsigned char *)owner.p, owner.n, box, key) == 0;
	if (fits)
		sot_buf_add(out, text, (size_t)n);
	sodium_memzero(text, sealed.n + 1);
	free(text);
	free(box);
	return fits ? SOT_OK : sot_fail(err, SOT_INVALID, "the text was sealed with another key");
}
