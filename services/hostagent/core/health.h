/* health - when to check an instance, and what its checks say. Pure.
 *
 *            start                 healthy_after successes
 *  unknown ---------> starting ---------------------------> healthy
 *     ^                  |  \                                 |  ^
 *     | not running      |   +-- unhealthy_after failures --+ |  | healthy_after successes
 *     +------------------+       after the start period     v v  |
 *                                                         unhealthy
 */
#ifndef HOSTAGENT_HEALTH_H
#define HOSTAGENT_HEALTH_H

#include "sot_proto.h"
#include "sot_time.h"

typedef struct health {
	sot_health state;
	int64_t started_unix_ms; /* of the process that is judged; 0: none runs */
	sot_mono start_period_end, next_check;
	unsigned successes, failures; /* in a row */
	bool in_flight;
	uint64_t round; /* grows with each start: a late answer of an older one is dropped */
	/* Since the last report. */
	uint32_t checks_ok, checks_failed, check_ms_sum;
} health;

/* Tells whether and since when PID 1 runs. A new start begins a new judgement. */
void health_observe(
    health *h, const sot_health_spec *spec, bool running, int64_t started_unix_ms, sot_mono now);
/* Whether a check is to be made now; marks it as in flight. */
bool health_take_due(health *h, const sot_health_spec *spec, sot_mono now);
/* The answer of the check of `round`. */
void health_result(
    health *h, const sot_health_spec *spec, uint64_t round, bool ok, int64_t took_ms, sot_mono now);

#endif
