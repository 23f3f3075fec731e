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

#include "sot_calls.h"
#include "sot_proto.h"
#include "sot_time.h"

enum { HEALTH_STATUS_MAX = 24, HEALTH_FAILURES_MAX = 8 };

/* A failed check, for the next report. */
typedef struct health_failure {
	char status[HEALTH_STATUS_MAX + 1]; /* "timeout", "refused", "http-503", "exit-1" ... */
	int64_t at_unix_ms;
	uint64_t us;
} health_failure;

typedef struct health {
	sot_health state;
	int64_t started_unix_ms; /* of the process that is judged; 0: none runs */
	sot_mono start_period_end, next_check;
	int64_t start_wait_ms;        /* until the next check while it starts */
	unsigned successes, failures; /* in a row */
	unsigned restarts;            /* that the check asked for, since it was healthy last */
	bool in_flight;
	unsigned looks; /* since a connection was made, of a tcp check */
	uint64_t round; /* grows with each start: a late answer of an older one is dropped */
	/* Since the last report. */
	uint32_t checks_ok, checks_failed, check_ms_sum;
	sot_call_counts checks; /* all but those in `failures_told` */
	health_failure failures_told[HEALTH_FAILURES_MAX];
	size_t failures_told_count;
} health;

/* Tells whether and since when PID 1 runs. A new start begins a new judgement. */
void health_observe(
    health *h, const sot_health_spec *spec, bool running, int64_t started_unix_ms, sot_mono now);
/* Whether a check is to be made now; marks it as in flight. In its start period an instance is
 * asked more often, 50 ms after its start and then after a quarter longer each time, up to its
 * interval: who waits for it hears soon, and one that takes long is not asked without end.
 * Intervals of 2 s and more end at common instants, at most a tenth early: up to 200 ms, and of 5 s
 * and more up to 500 ms. */
bool health_take_due(health *h, const sot_health_spec *spec, sot_mono now);
/* Time until the next check, 0 when it is due; INT64_MAX when none is to come. */
int64_t health_next_due_ms(const health *h, const sot_health_spec *spec, sot_mono now);
/* The answer of the check of `round`. False when it is no answer that was waited for. */
bool health_result(
    health *h, const sot_health_spec *spec, uint64_t round, bool ok, int64_t took_ms, sot_mono now);
/* Whether the failures in a row ask for a restart of what runs: restart_after of them; after each
 * restart that did not make it healthy twice as many, up to 64 times restart_after. Asks until the
 * restart is seen (health_observe). */
bool health_asks_restart(const health *h, const sot_health_spec *spec);
/* Whether the tcp check that was just taken may be a look for a listener: it was healthy last, and
 * a connection was made within the last 12 checks. A look that finds none is followed by a
 * connection: only that says what is wrong. */
bool health_look_will_do(health *h);
/* Keeps an answer that was taken for the next report. status NULL: it went well. */
void health_keep_answer(health *h, const char *status, int64_t took_ms, sot_wall at);
/* The report was made: what was kept begins anew. */
void health_reported(health *h);

#endif
