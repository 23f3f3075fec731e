/* reactor_alarm - a one-shot timer of a reactor that counts in microseconds: the reactor's own
 * timers count in milliseconds, which is long where a whole commit takes two. It costs a file
 * descriptor and three system calls each time, so it is for the few places where that matters.
 */
#ifndef REACTOR_ALARM_H
#define REACTOR_ALARM_H

#include "reactor.h"

typedef struct reactor_alarm reactor_alarm;

/* Disarmed. `fn` is called in the loop; it may set the alarm again, not free it. Aborts with a
 * message when there is no file descriptor left, as reactor_add_fd does. */
reactor_alarm *reactor_alarm_new(reactor *r, void (*fn)(void *self), void *self);
/* Before its reactor is freed. NULL-safe. Returns NULL. */
reactor_alarm *reactor_alarm_free(reactor_alarm *a);
/* In that many microseconds from now, at least one; whatever was set before is forgotten. */
void reactor_alarm_set_us(reactor_alarm *a, int64_t delay_us);
void reactor_alarm_stop(reactor_alarm *a);

SOT_DEFINE_AUTO(reactor_alarm)

#endif
