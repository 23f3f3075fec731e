/* sot_uuid - 16-byte ids. New ones are UUIDv7 (RFC 9562), so that they sort by creation time. */
#ifndef SOT_UUID_H
#define SOT_UUID_H

#include "sot_str.h"
#include "sot_time.h"

typedef struct sot_uuid {
	uint8_t b[16];
} sot_uuid;

#define SOT_UUID_TEXT 37 /* with the NUL */

/* UUIDv7 from `now` and 74 bits of `entropy` (16 random bytes, of which 10 are used). Pure. */
sot_uuid sot_uuid_v7(sot_wall now, const uint8_t entropy[static 16]);
bool sot_uuid_eq(sot_uuid a, sot_uuid b);
bool sot_uuid_is_zero(sot_uuid u);
int sot_uuid_cmp(sot_uuid a, sot_uuid b);
char *sot_uuid_format(sot_uuid u, char dst[static SOT_UUID_TEXT]); /* 8-4-4-4-12, lower case */
sot_code sot_uuid_parse(sot_str text, sot_uuid *ret, sot_err *err) SOT_CHECK;

#endif
