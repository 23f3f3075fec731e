/* gw_spool - a request's body on its way to disk: a temporary file below blobs_dir/tmp, hashed as
 * it grows. Memory stays flat; what a crash leaves there is swept after a day (gw_sweep).
 */
#ifndef GW_SPOOL_H
#define GW_SPOOL_H

#include "sot_str.h"

#include <gnutls/crypto.h>

typedef struct gw_spool {
	int fd;         /* -1: not open */
	char path[640]; /* "" when the file was given away (renamed) */
	uint64_t size_bytes;
	gnutls_hash_hd_t hash;
} gw_spool;

void gw_spool_init(gw_spool *s);
/* Makes the file in <folder>/tmp. */
sot_code gw_spool_open(gw_spool *s, const char *folder, sot_err *err) SOT_CHECK;
/* SOT_LIMIT: the disk is full. */
sot_code gw_spool_add(gw_spool *s, sot_str piece, sot_err *err) SOT_CHECK;
/* SHA-256 of what was added; ends the adding. */
void gw_spool_digest(gw_spool *s, uint8_t ret[32]);
/* Closes and removes the file, unless `path` was emptied. */
void gw_spool_clear(gw_spool *s);

#endif
