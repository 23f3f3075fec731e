/* packages - brings an app's package to this host: download from the gateway, check of the digest,
 * unpacking by sotalia-unpack. What has its final name is complete and was verified.
 */
#ifndef HOSTAGENT_PACKAGES_H
#define HOSTAGENT_PACKAGES_H

#include "gateways.h"
#include "http_client.h"
#include "plan.h"

typedef struct packages packages;
typedef struct packages_options {
	reactor *loop;
	http_client *http;
	gateways *gateways; /* borrowed for life, as the texts */
	const char *state_dir, *gateway_ca;
} packages_options;
packages *packages_new(const packages_options *options);
packages *packages_free(packages *p);
SOT_DEFINE_AUTO(packages)

/* `done` is called exactly once, never inside these calls. */
typedef void (*packages_done_fn)(void *self, sot_code code, const sot_err *why);
/* packages/.blobs/<sha256>, by GET /v1/blobs/<sha256> of a gateway with the token of fetch.token. A
 * download that was cut is gone on with from packages/.blobs/<sha256>.part; never two of one digest
 * at a time: who asks again meanwhile gets the same end. */
sot_code packages_fetch(packages *p, const char *sha256, uint64_t size_bytes, packages_done_fn done,
    void *self, sot_err *err) SOT_CHECK;
/* packages/<sha256>/ from the blob, which is removed. */
sot_code packages_unpack(
    packages *p, const char *sha256, packages_done_fn done, void *self, sot_err *err) SOT_CHECK;

#endif
