/* time_zone - what the clocks of a time zone show: a TZif file (RFC 9636, as in
 * /usr/share/zoneinfo), read from memory. Pure. Times after the file's last change of the clocks
 * follow its footer rule.
 */
#ifndef SCHEDULER_TIME_ZONE_H
#define SCHEDULER_TIME_ZONE_H

#include "sot_err.h"
#include "sot_mem.h"
#include "sot_str.h"

typedef struct time_zone time_zone;

/* The zone of the file's bytes; the caller owns it. NULL, with *err, when they are no TZif file or
 * have no 64-bit times. */
time_zone *time_zone_parse(sot_str bytes, sot_err *err);
time_zone *time_zone_free(time_zone *z);
SOT_DEFINE_AUTO(time_zone)
/* Seconds that the clocks are ahead of UTC at that instant. NULL is UTC. */
int32_t time_zone_offset_s(const time_zone *z, int64_t unix_s);

#endif
