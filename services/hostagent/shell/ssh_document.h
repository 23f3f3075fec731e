/* ssh_document - what the gateway says of log-ins, the same for all instances: which authorities
 * are trusted, what is revoked, which plain keys are valid. It lies on the agent's disk (ssh.json),
 * so that a new instance has it while the gateway is away.
 */
#ifndef HOSTAGENT_SSH_DOCUMENT_H
#define HOSTAGENT_SSH_DOCUMENT_H

#include "ssh_plan.h"

#define SSH_DOCUMENT_MAX (16u * 1024 * 1024)
#define SSH_VERSION_MAX 64u
#define SSH_FINGERPRINT_MAX 64u

typedef struct ssh_document {
	char version[SSH_VERSION_MAX];
	sot_buf user_ca; /* lines of user_ca.pub */
	sot_buf krl;     /* bytes */
	ssh_plan_key *keys;
	size_t key_count;
	uint64_t *serials; /* revoked */
	size_t serial_count;
	char (*fingerprints)[SSH_FINGERPRINT_MAX]; /* revoked */
	size_t fingerprint_count;
	void *json; /* holds the texts of the keys */
} ssh_document;

/* The document of nobody: no authority, no key, an empty list of revocations. */
ssh_document *ssh_document_new(void);
/* SOT_INVALID: it is no document, whole. */
sot_code ssh_document_parse(sot_str text, ssh_document **ret, sot_err *err) SOT_CHECK;
ssh_document *ssh_document_free(ssh_document *d);
SOT_DEFINE_AUTO(ssh_document)
bool ssh_document_revokes(const ssh_document *d, uint64_t serial, const char *fingerprint);

#endif
