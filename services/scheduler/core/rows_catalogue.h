/* rows_catalogue - the rows of what instances are made of: images, versions of apps, middleware.
 * Part of rows.h, whose rules hold here too; only that includes it.
 */
#ifndef SCHEDULER_ROWS_CATALOGUE_H
#define SCHEDULER_ROWS_CATALOGUE_H

#include <stdint.h>

#include "sot_uuid.h"

typedef struct image_row {
	char name[65], reference[256],
	    version[65]; /* of the version promoted last; "" while none was */
	char owner_dev[65], owner_ops[65];
} image_row;

typedef enum image_state {
	IMAGE_CANDIDATE,
	IMAGE_PROMOTED, /* may be run */
	IMAGE_RETIRED,
	IMAGE_REMOVED, /* its bytes are gone from the registry */
	IMAGE_STATES
} image_state;
typedef enum image_smoke {
	SMOKE_UNTESTED,
	SMOKE_PASSED,
	SMOKE_FAILED,
	SMOKE_WAIVED, /* registered as it is, on the word of who registered it */
	IMAGE_SMOKES
} image_smoke;

typedef struct image_version_row {
	char image[65], version[65], reference[256], digest[72], created_by[129];
	image_state state;
	image_smoke smoke;
	int64_t created_unix_ms, smoke_unix_ms, promoted_unix_ms, retired_unix_ms; /* 0: not yet */
	char *changelog, *smoke_report; /* only on their way to the database; NULL: as it is there */
} image_version_row;

typedef struct version_row {
	sot_uuid app_id;
	char version[65];
	uint8_t sha256[32];
	uint64_t size_bytes;
	char file_name[201], created_by[129];
	int64_t created_unix_ms;
	bool removed; /* not kept any more; the name stays taken */
	char *origin; /* owned JSON object; only on its way to the database, NULL in memory */
} version_row;

/* A version of a middleware package; the kind, and how many are kept, are those of all versions of
 * the name. */
typedef struct middleware_row {
	char name[31], kind[31];
	uint32_t keep_versions, keep_days; /* as of app_settings */
	version_row version;               /* of no app */
} middleware_row;
#define MIDDLEWARE_MAX 8 /* of one app */

#endif
