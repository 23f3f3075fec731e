#include "sot_ssh_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sot_mem.h"

enum { KEY_FILE_MAX = 4096, LINE = 70, RSA_BITS_MIN = 2048, BLOCK = 8 };

static const char magic[] = "openssh-key-v1"; /* the NUL belongs to it */
static const char head[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
static const char foot[] = "-----END OPENSSH PRIVATE KEY-----";

void sot_ssh_key_make(sot_ssh_key *ret)
{
	if (sodium_init() < 0) /* more than once does no harm */
		abort();           /* without randomness no key may be made */
	(void)crypto_sign_keypair(ret->public_key, ret->secret);
}

void sot_ssh_key_clear(sot_ssh_key *key)
{
	sodium_memzero(key, sizeof(*key));
}

/* The part that a pass phrase would encrypt; two equal words would prove it right. */
static void put_private(const sot_ssh_key *key, sot_str comment, sot_buf *out)
{
	uint32_t word = 0;
	memcpy(&word, key->public_key, sizeof(word));
	ssh_put_u32(out, word);
	ssh_put_u32(out, word);
	ssh_put_ed25519(out, key->public_key);
	ssh_put_bytes(out, key->secret, SOT_SSH_SECRET_N);
	ssh_put_string(out, comment);
	for (char pad = 1; out->n % BLOCK != 0; pad++)
		sot_buf_add_char(out, pad);
}

void sot_ssh_key_render(const sot_ssh_key *key, sot_str comment, sot_buf *out)
{
	sot_buf part, blob, text;
	sot_buf_init(&part, KEY_FILE_MAX);
	sot_buf_init(&blob, KEY_FILE_MAX);
	sot_buf_init(&text, 2 * KEY_FILE_MAX);
	sot_buf_add(&blob, magic, sizeof(magic));
	ssh_put_string(&blob, SOT_STR("none")); /* cipher */
	ssh_put_string(&blob, SOT_STR("none")); /* of the pass phrase */
	ssh_put_string(&blob, (sot_str){0});
	ssh_put_u32(&blob, 1);
	ssh_put_ed25519(&part, key->public_key);
	ssh_put_string(&blob, sot_buf_str(&part));
	sot_buf_reset(&part);
	put_private(key, comment, &part);
	ssh_put_string(&blob, sot_buf_str(&part));
	ssh_base64(&text, blob.p, blob.n);
	sot_buf_printf(out, "%s\n", head);
	for (size_t at = 0; at < text.n; at += LINE)
		sot_buf_printf(out, "%.*s\n", (int)(text.n - at < LINE ? text.n - at : LINE), text.p + at);
	sot_buf_printf(out, "%s\n", foot);
	sodium_memzero(part.p, part.n);
	sodium_memzero(blob.p, blob.n);
	sodium_memzero(text.p, text.n);
	sot_buf_clear(&part);
	sot_buf_clear(&blob);
	sot_buf_clear(&text);
}

static bool parse_private(sot_str in, sot_ssh_key *ret)
{
	uint32_t a = 0, b = 1;
	sot_str type = {0};
	uint8_t public_key[SOT_SSH_PUBLIC_N];
	return ssh_take_u32(&in, &a) && ssh_take_u32(&in, &b) && a == b &&
	       ssh_take_string(&in, &type) && sot_str_eq_c(type, SOT_SSH_ED25519) &&
	       ssh_take_fixed(&in, ret->public_key, SOT_SSH_PUBLIC_N) &&
	       ssh_take_fixed(&in, ret->secret, SOT_SSH_SECRET_N) &&
	       crypto_sign_ed25519_sk_to_pk(public_key, ret->secret) == 0 &&
	       memcmp(public_key, ret->public_key, sizeof(public_key)) == 0;
}

static bool is_its_public(sot_str blob, const sot_ssh_key *key)
{
	SOT_AUTO_BUF own;
	sot_buf_init(&own, 128);
	ssh_put_ed25519(&own, key->public_key);
	return sot_str_eq(blob, sot_buf_str(&own));
}

static bool parse_key(sot_str in, sot_ssh_key *ret)
{
	sot_str cipher = {0}, kdf = {0}, options = {0}, public_key = {0}, private_key = {0};
	uint32_t count = 0;
	if (in.n < sizeof(magic) || memcmp(in.p, magic, sizeof(magic)) != 0)
		return false;
	in = (sot_str){in.p + sizeof(magic), in.n - sizeof(magic)};
	return ssh_take_string(&in, &cipher) && sot_str_eq_c(cipher, "none") &&
	       ssh_take_string(&in, &kdf) && sot_str_eq_c(kdf, "none") &&
	       ssh_take_string(&in, &options) && options.n == 0 && ssh_take_u32(&in, &count) &&
	       count == 1 && ssh_take_string(&in, &public_key) && ssh_take_string(&in, &private_key) &&
	       in.n == 0 && parse_private(private_key, ret) && is_its_public(public_key, ret);
}

sot_code sot_ssh_key_parse(sot_str text, sot_ssh_key *ret, sot_err *err)
{
	uint8_t bytes[KEY_FILE_MAX];
	sot_ssh_key key;
	size_t n = 0;
	const char *end = text.n > 0 ? memmem(text.p, text.n, foot, sizeof(foot) - 1) : NULL;
	bool ok = end && sot_str_starts(text, head);
	if (ok) {
		sot_str body = {text.p + sizeof(head) - 1, (size_t)(end - text.p) - (sizeof(head) - 1)};
		ok = ssh_unbase64(body, bytes, sizeof(bytes), &n) &&
		     parse_key((sot_str){(const char *)bytes, n}, &key);
	}
	if (ok)
		*ret = key;
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(&key, sizeof(key));
	return ok ? SOT_OK
	          : sot_fail(err, SOT_INVALID,
	                "not an ed25519 private key of OpenSSH without a pass phrase");
}

void sot_ssh_public_render(
    const uint8_t public_key[SOT_SSH_PUBLIC_N], sot_str comment, sot_buf *out)
{
	SOT_AUTO_BUF blob;
	sot_buf_init(&blob, 256);
	ssh_put_ed25519(&blob, public_key);
	sot_buf_add_c(out, SOT_SSH_ED25519 " ");
	ssh_base64(out, blob.p, blob.n);
	if (comment.n > 0)
		sot_buf_printf(out, " %.*s", SOT_ARG(comment));
}

/* ---- public keys of any kind ---- */

/* The number of bits of an mpint. */
static size_t bits_of(sot_str number)
{
	while (number.n > 0 && number.p[0] == '\0')
		number = (sot_str){number.p + 1, number.n - 1};
	if (number.n == 0)
		return 0;
	size_t bits = number.n * 8;
	for (unsigned top = (uint8_t)number.p[0]; (top & 0x80) == 0; top <<= 1)
		bits--;
	return bits;
}

/* The fields behind the type, which must use up the blob. */
static bool fields_fit(sot_str type, sot_str in)
{
	static const struct {
		const char *type;
		size_t point_n;
	} curves[] = {{"nistp256", 65}, {"nistp384", 97}, {"nistp521", 133}};
	sot_str a = {0}, b = {0};
	if (sot_str_eq_c(type, SOT_SSH_ED25519))
		return ssh_take_string(&in, &a) && a.n == SOT_SSH_PUBLIC_N && in.n == 0;
	if (!ssh_take_string(&in, &a) || !ssh_take_string(&in, &b) || in.n != 0)
		return false;
	if (sot_str_eq_c(type, "sk-ssh-ed25519@openssh.com"))
		return a.n == SOT_SSH_PUBLIC_N && b.n > 0;
	if (sot_str_eq_c(type, "ssh-rsa"))
		return bits_of(b) >= RSA_BITS_MIN;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (sot_str_starts(type, "ecdsa-sha2-") && type.n == 11 + strlen(curves[i].type) &&
		    memcmp(type.p + 11, curves[i].type, type.n - 11) == 0)
			return sot_str_eq_c(a, curves[i].type) && b.n == curves[i].point_n;
	return false;
}

sot_code sot_ssh_public_parse(sot_str line, sot_ssh_public *ret, sot_err *err)
{
	sot_ssh_public key = {.type = ""};
	sot_str rest, inner = {0}, in;
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	sot_str type = sot_str_cut(line, ' ', &rest);
	sot_str base64 = sot_str_cut(rest, ' ', &key.comment);
	if (memchr(line.p ? line.p : "", '\n', line.n) ||
	    sot_str_copy(type, key.type, sizeof(key.type), NULL) != SOT_OK ||
	    !ssh_unbase64(base64, key.blob, sizeof(key.blob), &key.blob_n))
		return sot_fail(err, SOT_INVALID,
		    "not one public key line as in a .pub file: '<type> <base64> [comment]'");
	in = (sot_str){(const char *)key.blob, key.blob_n};
	if (!ssh_take_string(&in, &inner) || !sot_str_eq(inner, type) || !fields_fit(type, in))
		return sot_fail(err, SOT_INVALID,
		    "key of type '%.48s': use ssh-ed25519, sk-ssh-ed25519@openssh.com, "
		    "ecdsa-sha2-nistp256/384/521, or ssh-rsa of at least %d bits",
		    key.type, RSA_BITS_MIN);
	*ret = key;
	return SOT_OK;
}

sot_code sot_ssh_public_ed25519(
    const sot_ssh_public *key, uint8_t ret[SOT_SSH_PUBLIC_N], sot_err *err)
{
	sot_str in = {(const char *)key->blob, key->blob_n}, type = {0};
	if (strcmp(key->type, SOT_SSH_ED25519) != 0 || !ssh_take_string(&in, &type) ||
	    !ssh_take_fixed(&in, ret, SOT_SSH_PUBLIC_N))
		return sot_fail(
		    err, SOT_INVALID, "the key is of type '%.48s'; ssh-ed25519 is needed here", key->type);
	return SOT_OK;
}

void sot_ssh_fingerprint(const sot_ssh_public *key, uint8_t ret[SOT_SSH_FINGERPRINT_N])
{
	(void)crypto_hash_sha256(ret, key->blob, key->blob_n);
}

char *sot_ssh_fingerprint_text(
    const uint8_t fingerprint[SOT_SSH_FINGERPRINT_N], char dst[static SOT_SSH_FINGERPRINT_TEXT])
{
	memcpy(dst, "SHA256:", 7);
	(void)sodium_bin2base64(dst + 7, SOT_SSH_FINGERPRINT_TEXT - 7, fingerprint,
	    SOT_SSH_FINGERPRINT_N, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	return dst;
}

sot_code sot_ssh_fingerprint_parse(sot_str text, uint8_t ret[SOT_SSH_FINGERPRINT_N], sot_err *err)
{
	uint8_t bytes[SOT_SSH_FINGERPRINT_N];
	size_t n = 0;
	if (!sot_str_starts(text, "SHA256:") ||
	    sodium_base642bin(bytes, sizeof(bytes), text.p + 7, text.n - 7, NULL, &n, NULL,
	        sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    n != sizeof(bytes))
		return sot_fail(err, SOT_INVALID, "'%.*s' is no fingerprint of the form SHA256:...",
		    (int)(text.n < 80 ? text.n : 80), text.p ? text.p : "");
	memcpy(ret, bytes, sizeof(bytes));
	return SOT_OK;
}
