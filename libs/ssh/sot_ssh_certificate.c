#include "sot_ssh_internal.h"

#include <sodium.h>
#include <string.h>

#include "sot_mem.h"

enum { BLOB_MAX = 8192, SIGNATURE_N = crypto_sign_BYTES };

static const char cert_type[] = "ssh-ed25519-cert-v01@openssh.com";

static void put_principals(const sot_ssh_certificate *c, sot_buf *out)
{
	SOT_AUTO_BUF list;
	sot_buf_init(&list, BLOB_MAX);
	for (size_t i = 0; i < c->principal_count; i++)
		ssh_put_string(&list, c->principals[i]);
	ssh_put_string(out, sot_buf_str(&list));
}

static void put_critical(const sot_ssh_certificate *c, sot_buf *out)
{
	SOT_AUTO_BUF list, value;
	sot_buf_init(&list, BLOB_MAX);
	sot_buf_init(&value, BLOB_MAX);
	if (c->source_address.n > 0) {
		ssh_put_string(&value, c->source_address);
		ssh_put_string(&list, SOT_STR("source-address"));
		ssh_put_string(&list, sot_buf_str(&value));
	}
	ssh_put_string(out, sot_buf_str(&list));
}

static void put_extensions(const sot_ssh_certificate *c, sot_buf *out)
{
	SOT_AUTO_BUF list;
	sot_buf_init(&list, 64);
	if (c->permit_pty && c->kind == SOT_SSH_USER) {
		ssh_put_string(&list, SOT_STR("permit-pty"));
		ssh_put_string(&list, (sot_str){0});
	}
	ssh_put_string(out, sot_buf_str(&list));
}

static void put_unsigned(const sot_ssh_certificate *c, const uint8_t subject[SOT_SSH_PUBLIC_N],
    const sot_ssh_key *ca, sot_buf *out)
{
	SOT_AUTO_BUF key;
	sot_buf_init(&key, 128);
	ssh_put_string(out, SOT_STR("ssh-ed25519-cert-v01@openssh.com"));
	ssh_put_bytes(out, c->nonce, SOT_SSH_NONCE_N);
	ssh_put_bytes(out, subject, SOT_SSH_PUBLIC_N);
	ssh_put_u64(out, c->serial);
	ssh_put_u32(out, (uint32_t)c->kind);
	ssh_put_string(out, c->key_id);
	put_principals(c, out);
	ssh_put_u64(out, (uint64_t)c->valid_after_unix);
	ssh_put_u64(out, (uint64_t)c->valid_before_unix);
	put_critical(c, out);
	put_extensions(c, out);
	ssh_put_string(out, (sot_str){0}); /* reserved */
	ssh_put_ed25519(&key, ca->public_key);
	ssh_put_string(out, sot_buf_str(&key));
}

sot_code sot_ssh_certificate_sign(const sot_ssh_certificate *certificate,
    const uint8_t subject[SOT_SSH_PUBLIC_N], const sot_ssh_key *ca, sot_buf *out, sot_err *err)
{
	const sot_ssh_certificate *c = certificate;
	uint8_t signature[SIGNATURE_N];
	SOT_AUTO_BUF blob, signed_part;
	sot_buf_init(&blob, BLOB_MAX);
	sot_buf_init(&signed_part, 128);
	if (c->principal_count == 0 || c->principal_count > SOT_SSH_PRINCIPALS_MAX)
		return sot_fail(err, SOT_INVALID, "a certificate needs 1 to %u principals, not %zu",
		    SOT_SSH_PRINCIPALS_MAX, c->principal_count);
	put_unsigned(c, subject, ca, &blob);
	if (sot_buf_failed(&blob))
		return sot_fail(
		    err, SOT_LIMIT, "the certificate's texts are longer than %d bytes", BLOB_MAX);
	(void)crypto_sign_detached(signature, NULL, (const unsigned char *)blob.p, blob.n, ca->secret);
	ssh_put_string(&signed_part, SOT_STR(SOT_SSH_ED25519));
	ssh_put_bytes(&signed_part, signature, sizeof(signature));
	ssh_put_string(&blob, sot_buf_str(&signed_part));
	sot_buf_printf(out, "%s ", cert_type);
	ssh_base64(out, blob.p, blob.n);
	return sot_buf_failed(out) ? sot_fail(err, SOT_LIMIT, "the certificate does not fit") : SOT_OK;
}

/* ---- reading back ---- */

static bool take_principals(sot_str *in, char dst[SOT_SSH_PRINCIPALS_TEXT])
{
	sot_str list = {0}, one = {0};
	size_t used = 0;
	if (!ssh_take_string(in, &list))
		return false;
	dst[0] = '\0';
	while (list.n > 0) {
		if (!ssh_take_string(&list, &one) || used + one.n + 2 > SOT_SSH_PRINCIPALS_TEXT)
			return false;
		if (used > 0)
			dst[used++] = ',';
		memcpy(dst + used, one.p, one.n);
		used += one.n;
		dst[used] = '\0';
	}
	return true;
}

static bool take_ca(sot_str *in, uint8_t ret[SOT_SSH_PUBLIC_N])
{
	sot_str key = {0}, type = {0};
	return ssh_take_string(in, &key) && ssh_take_string(&key, &type) &&
	       sot_str_eq_c(type, SOT_SSH_ED25519) && ssh_take_fixed(&key, ret, SOT_SSH_PUBLIC_N);
}

static bool take_signed(sot_str *in, sot_ssh_certificate_facts *f)
{
	sot_str type = {0}, key_id = {0}, skipped = {0};
	uint8_t nonce[SOT_SSH_NONCE_N];
	uint32_t kind = 0;
	uint64_t after = 0, before = 0;
	bool ok = ssh_take_string(in, &type) && sot_str_eq_c(type, cert_type) &&
	          ssh_take_fixed(in, nonce, sizeof(nonce)) &&
	          ssh_take_fixed(in, f->subject, sizeof(f->subject)) && ssh_take_u64(in, &f->serial) &&
	          ssh_take_u32(in, &kind) && (kind == SOT_SSH_USER || kind == SOT_SSH_HOST) &&
	          ssh_take_string(in, &key_id) &&
	          sot_str_copy(key_id, f->key_id, sizeof(f->key_id), NULL) == SOT_OK &&
	          take_principals(in, f->principals) && ssh_take_u64(in, &after) &&
	          ssh_take_u64(in, &before) && after <= INT64_MAX && before <= INT64_MAX &&
	          ssh_take_string(in, &skipped) && ssh_take_string(in, &skipped) &&
	          ssh_take_string(in, &skipped) && take_ca(in, f->ca);
	f->kind = (sot_ssh_kind)kind;
	f->valid_after_unix = (int64_t)after;
	f->valid_before_unix = (int64_t)before;
	return ok;
}

static bool signature_fits(sot_str text, sot_str rest, const uint8_t ca[SOT_SSH_PUBLIC_N])
{
	sot_str outer = {0}, type = {0};
	uint8_t signature[SIGNATURE_N];
	size_t signed_n = text.n - rest.n;
	return ssh_take_string(&rest, &outer) && rest.n == 0 && ssh_take_string(&outer, &type) &&
	       sot_str_eq_c(type, SOT_SSH_ED25519) &&
	       ssh_take_fixed(&outer, signature, sizeof(signature)) &&
	       crypto_sign_verify_detached(signature, (const unsigned char *)text.p, signed_n, ca) == 0;
}

sot_code sot_ssh_certificate_parse(sot_str line, sot_ssh_certificate_facts *ret, sot_err *err)
{
	uint8_t bytes[BLOB_MAX];
	size_t n = 0;
	sot_ssh_certificate_facts facts = {.serial = 0};
	sot_str rest;
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	sot_str type = sot_str_cut(line, ' ', &rest);
	sot_str base64 = sot_str_cut(rest, ' ', &rest);
	bool ok = sot_str_eq_c(type, cert_type) && ssh_unbase64(base64, bytes, sizeof(bytes), &n);
	sot_str text = {(const char *)bytes, n}, in = text;
	ok = ok && take_signed(&in, &facts) && signature_fits(text, in, facts.ca);
	if (!ok)
		return sot_fail(err, SOT_INVALID, "not a whole certificate of type %s", cert_type);
	*ret = facts;
	return SOT_OK;
}
