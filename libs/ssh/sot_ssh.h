/* sot_ssh - what Sotalia needs of OpenSSH's formats: ed25519 key files, public key lines,
 * certificates and revocation lists (KRL).
 *
 * Formats: PROTOCOL.key, PROTOCOL.certkeys and PROTOCOL.krl of OpenSSH, RFC 4251 section 5 (wire
 * types), RFC 8709 (ssh-ed25519). Signatures by libsodium. Pure but for sot_ssh_key_make, which
 * draws random bytes; no I/O. Outputs are appended to `out`, whose ceiling the caller sets.
 */
#ifndef SOT_SSH_H
#define SOT_SSH_H

#include "sot_str.h"

#define SOT_SSH_PUBLIC_N 32u
#define SOT_SSH_SECRET_N 64u
#define SOT_SSH_NONCE_N 32u
#define SOT_SSH_BLOB_MAX 2200u       /* RSA of 16384 bits */
#define SOT_SSH_FINGERPRINT_TEXT 51u /* "SHA256:" and 43 characters, with a NUL */
#define SOT_SSH_FINGERPRINT_N 32u
#define SOT_SSH_PRINCIPALS_MAX 16u
#define SOT_SSH_PRINCIPALS_TEXT 1024u

/* An ed25519 key pair; clear it when it is no longer needed. */
typedef struct sot_ssh_key {
	uint8_t public_key[SOT_SSH_PUBLIC_N];
	uint8_t secret[SOT_SSH_SECRET_N];
} sot_ssh_key;

void sot_ssh_key_make(sot_ssh_key *ret);
void sot_ssh_key_clear(sot_ssh_key *key);
/* The file of ssh-keygen -t ed25519, without a pass phrase. */
void sot_ssh_key_render(const sot_ssh_key *key, sot_str comment, sot_buf *out);
/* SOT_INVALID: encrypted, another kind of key, or damaged. */
sot_code sot_ssh_key_parse(sot_str text, sot_ssh_key *ret, sot_err *err) SOT_CHECK;
/* "ssh-ed25519 AAAA... comment", without a line feed. */
void sot_ssh_public_render(
    const uint8_t public_key[SOT_SSH_PUBLIC_N], sot_str comment, sot_buf *out);

/* A public key of any kind that is accepted for log-ins: ssh-ed25519, sk-ssh-ed25519@openssh.com,
 * ecdsa-sha2-nistp256/384/521, ssh-rsa of at least 2048 bits. */
typedef struct sot_ssh_public {
	char type[48];
	uint8_t blob[SOT_SSH_BLOB_MAX];
	size_t blob_n;
	sot_str comment; /* borrowed from the line */
} sot_ssh_public;
/* One line of a .pub file, options in front are refused. */
sot_code sot_ssh_public_parse(sot_str line, sot_ssh_public *ret, sot_err *err) SOT_CHECK;
/* The 32 bytes of an ssh-ed25519 key; SOT_INVALID for other kinds. */
sot_code sot_ssh_public_ed25519(
    const sot_ssh_public *key, uint8_t ret[SOT_SSH_PUBLIC_N], sot_err *err) SOT_CHECK;
/* SHA-256 of the blob, and as OpenSSH writes it ("SHA256:..."). */
void sot_ssh_fingerprint(const sot_ssh_public *key, uint8_t ret[SOT_SSH_FINGERPRINT_N]);
char *sot_ssh_fingerprint_text(
    const uint8_t fingerprint[SOT_SSH_FINGERPRINT_N], char dst[static SOT_SSH_FINGERPRINT_TEXT]);
/* Back; SOT_INVALID for another form. */
sot_code sot_ssh_fingerprint_parse(
    sot_str text, uint8_t ret[SOT_SSH_FINGERPRINT_N], sot_err *err) SOT_CHECK;

typedef enum sot_ssh_kind { SOT_SSH_USER = 1, SOT_SSH_HOST = 2 } sot_ssh_kind;

/* What a certificate says. Texts are borrowed. */
typedef struct sot_ssh_certificate {
	sot_ssh_kind kind;
	uint64_t serial;
	sot_str key_id; /* what sshd logs at each log-in */
	const sot_str *principals;
	size_t principal_count; /* 1..SOT_SSH_PRINCIPALS_MAX: none would mean "any" */
	int64_t valid_after_unix, valid_before_unix;
	sot_str source_address; /* comma list of addresses and networks; empty: from anywhere */
	bool permit_pty;        /* of users' only; forwarding is never permitted */
	uint8_t nonce[SOT_SSH_NONCE_N];
} sot_ssh_certificate;
/* The line of an id_ed25519-cert.pub, without a line feed. SOT_INVALID: no principal or too many.
 */
sot_code sot_ssh_certificate_sign(const sot_ssh_certificate *certificate,
    const uint8_t subject[SOT_SSH_PUBLIC_N], const sot_ssh_key *ca, sot_buf *out,
    sot_err *err) SOT_CHECK;

/* What a certificate line says; read back for renewals and tests. */
typedef struct sot_ssh_certificate_facts {
	sot_ssh_kind kind;
	uint64_t serial;
	char key_id[256];
	char principals[SOT_SSH_PRINCIPALS_TEXT]; /* with commas between */
	int64_t valid_after_unix, valid_before_unix;
	uint8_t subject[SOT_SSH_PUBLIC_N], ca[SOT_SSH_PUBLIC_N];
} sot_ssh_certificate_facts;
/* SOT_INVALID: no ed25519 certificate of an ed25519 CA, or its signature is wrong. */
sot_code sot_ssh_certificate_parse(
    sot_str line, sot_ssh_certificate_facts *ret, sot_err *err) SOT_CHECK;

/* A list of what is revoked: certificates by serial (of every CA), plain keys and what certifies
 * them by fingerprint. The empty list is a list too: without a file sshd refuses everybody. */
typedef struct sot_ssh_krl {
	uint64_t version;
	int64_t made_unix;
	const uint64_t *serials;
	size_t serial_count;
	const uint8_t (*fingerprints)[SOT_SSH_FINGERPRINT_N];
	size_t fingerprint_count;
} sot_ssh_krl;
void sot_ssh_krl_render(const sot_ssh_krl *krl, sot_buf *out); /* bytes, not text */

#endif
