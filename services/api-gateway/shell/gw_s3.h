/* gw_s3 - package blobs in an S3-compatible store, as an option.
 *
 * With it blobs_dir is each gateway's own cache: what is stored goes to the bucket before it
 * counts, and what is asked for and not here is fetched from there, checked, and kept. Objects are
 * called by their digest. Requests are signed by libcurl (AWS Signature Version 4), the payload
 * included.
 *
 * All calls are blocking: on the work queue only. An answer that does not come is given up after a
 * minute without a byte.
 */
#ifndef GW_S3_H
#define GW_S3_H

#include "gateway.h"

/* A copy of what the configuration says, so that work outlives its gateway. */
typedef struct gw_s3 {
	char url[512]; /* of the bucket: https://s3.company.lan/sotalia; "": no such store */
	char region[512], keys[513], ca[512];
} gw_s3;

gw_s3 gw_s3_of(const gateway_config *config);
bool gw_s3_is_on(const gw_s3 *s);
/* Stores a file under its digest in hex. SOT_UNAVAILABLE: the store did not take it. */
sot_code gw_s3_put(const gw_s3 *s, const char *digest, const char *path, sot_err *err) SOT_CHECK;
/* Fetches to <folder>/<digest>, by <folder>/tmp. SOT_NOT_FOUND: the store does not have it.
 * SOT_UNAVAILABLE: it did not answer, what came is something else, or another request fetches it
 * already: ask again soon. */
sot_code gw_s3_fetch(
    const gw_s3 *s, const char *digest, const char *folder, sot_err *err) SOT_CHECK;
/* Removes what was stored before `before_unix_s`; what came later is somebody's new upload of the
 * same bytes and stays. */
sot_code gw_s3_remove(
    const gw_s3 *s, const char *digest, int64_t before_unix_s, sot_err *err) SOT_CHECK;

#endif
