/* scheduler - the shell of the controller: sockets, SQL, leadership.
 *
 *   standby --(core.lead gives an epoch)--> loading --(all rows read)--> leading
 *      ^___________________________(lease lost, fenced, commit not OK)______|
 *
 * While leading, one batch is in flight at most; its effects leave after its commit. Any other
 * outcome than OK gives leadership up and throws the memory away: the next epoch reads the truth.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include "reactor.h"
#include "scheduler_config.h"

typedef struct scheduler scheduler;

/* Opens everything and begins as a standby. `r` and `config` are borrowed. */
sot_code scheduler_new(
    reactor *r, const scheduler_config *config, scheduler **ret, sot_err *err) SOT_CHECK;
/* No new work; `drained` is called once, when the batch in flight has ended and leadership is given
 * up. */
void scheduler_drain(scheduler *s, void (*drained)(void *self), void *self);
scheduler *scheduler_free(scheduler *s);
SOT_DEFINE_AUTO(scheduler)

#endif
