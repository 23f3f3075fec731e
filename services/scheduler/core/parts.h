/* parts - what the modules of the controller's core offer each other. Private to core/. */
#ifndef SCHEDULER_PARTS_H
#define SCHEDULER_PARTS_H

#include "model.h"

/* ---- advance.c: operations ---- */
/* Puts the operation in its app's queue (or begins it when it has none or the queue is empty). */
void operation_enqueue(controller *c, operation *o);
/* Looks at every woken operation until none is. */
void operations_advance(controller *c);
/* Ends it; `why` is its error text with a failure or a cancellation, "" otherwise. Instances of the
 * operation that were not begun are retired; the next of the queue begins. */
void operation_end(controller *c, operation *o, operation_state state, const char *why);
/* Every open operation is looked at: deadlines and waits. */
void operations_tick(controller *c);
/* In a queue behind another: says so in waits_for. */
void operation_say_queued(controller *c, operation *o);
step *operation_add_step(controller *c, operation *o, const instance *i, step_kind kind);
instance *step_instance(controller *c, const step *s);

/* ---- plan.c: from a request to steps ---- */
/* The first moment of an operation's life: makes instances and steps. May end it. */
void operation_begin(controller *c, operation *o);

/* ---- place.c ---- */
/* Finds hosts for the operation's instances whose place step runs. */
void operation_place(controller *c, operation *o);
/* The instance that leaves next when its app shrinks, NULL when none is left. */
instance *place_leaver(controller *c, app *a);

/* ---- instances.c ---- */
/* desired = retired: at once when it stands nowhere, else by its agent; then the address. */
void instance_retire(controller *c, instance *i);
/* The next step of a retirement, whatever was reached before. */
void instance_reclaim(controller *c, instance *i);
void instance_set_desired(controller *c, instance *i, enum sot_desired_state desired);
/* What an agent sees of it. */
void instance_apply_status(controller *c, instance *i, const struct sot_instance_status *status);

/* ---- addresses.c ---- */
void address_need_set(controller *c, instance *i, address_need need);
/* Asks ipam for what is needed and not asked yet. */
void addresses_ask(controller *c);
void asked_free(asked *a);

/* ---- agents.c ---- */
/* New generations and deltas for hosts whose set changed; called once per batch. */
void agents_push(controller *c);
void agents_tick(controller *c);
void relays_tick(controller *c);
bool host_is_up(const host *h);

#endif
