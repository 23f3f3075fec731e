/* gw_uploads - uploads that survive a cut connection: the core of tus 1.0.0 with its extensions
 * creation, expiration and termination (https://tus.io/protocols/resumable-upload).
 *
 * An upload is two files below <blobs_dir>/uploads: <id> has the bytes that have arrived, <id>.info
 * whose it is and how many they shall be. There is no row: whichever gateway shares the folder can
 * go on with it, and a killed one loses nothing. What is not registered as a package in
 * upload_expiry_s after its last byte is removed by the sweep (gw_sweep).
 */
#ifndef GW_UPLOADS_H
#define GW_UPLOADS_H

#include "gateway.h"

#define GW_UPLOAD_ID 33

typedef struct gw_upload_info {
	char id[GW_UPLOAD_ID], actor[80];
	uint64_t length_bytes, offset_bytes; /* announced; arrived */
	int64_t expires_unix_s;
	char path[640]; /* of the bytes */
} gw_upload_info;

/* Reads what the files say. SOT_NOT_FOUND: no such upload, of somebody else, or expired. */
sot_code gw_upload_find(gw_call *c, const char *id, gw_upload_info *ret, sot_err *err) SOT_CHECK;
/* Removes both files; harmless when there are none. */
void gw_upload_remove(const gateway *g, const char *id);
/* On the work queue: removes what has expired; returns how many. Blocking. */
size_t gw_uploads_sweep(const char *blobs_dir, int64_t now_unix_s, int64_t expiry_s);
/* Begins the streamed body of upload_append. */
void append_begin(gw_call *c);

#endif
