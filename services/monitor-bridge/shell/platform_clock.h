/* platform_clock - the wall clock that the bridge works by: this machine's, unless it is more than
 * a second off the database's, then corrected by that. Events bear the database's time, the minute
 * of heartbeats is decided on it, and a bridge with a wrong clock would hold its part and send
 * nothing (or what CAT drops). Of the process, as the log is. Owner: the reactor's thread.
 */
#ifndef MONITOR_PLATFORM_CLOCK_H
#define MONITOR_PLATFORM_CLOCK_H

#include "reactor.h"

#define PLATFORM_CLOCK_TOLERATED_MS 1000

sot_wall platform_wall(const reactor *r);
/* What the database said just now. */
void platform_clock_learn(const reactor *r, sot_wall database_now);
int64_t platform_clock_correction_ms(void);

#endif
