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
/* Its agent has a spec of it, or may have. Not while a contested address is being replaced. */
bool instance_is_told(const instance *i);
void instance_set_desired(controller *c, instance *i, enum sot_desired_state desired);
/* What an agent sees of it. */
void instance_apply_status(controller *c, instance *i, const struct sot_instance_status *status);

/* ---- fleet.c: the model as the placer sees it ---- */
void fleet_init(controller *c);
void fleet_clear(controller *c);
/* Tells the placer of every host and instance that changed since. */
void fleet_sync(controller *c);
/* The app in the placer, for instances of that size: what it asks for, what VLANs it may use. */
uint32_t fleet_app(controller *c, app *a, const instance *size);
host *fleet_host(const controller *c, uint32_t handle);
/* The instance is buried: it stands nowhere any more. */
void fleet_forget_instance(controller *c, instance *i);
/* The app and all its instances are gone. */
void fleet_forget_app(controller *c, app *a);

/* ---- vlans.c ---- */
void vlans_init(controller *c);
void vlans_clear(controller *c);
/* Asks ipam what changed, unless a question is open. */
void vlans_ask(controller *c);
/* True when the request was the one of vlans_ask. code and frame as in controller_ipam_reply. */
bool vlans_answered(controller *c, uint64_t request_id, sot_code code, sot_str frame);
/* The VLAN that an instance of `wanted` (a VLAN or a group of VLANs) would get on the host: of
 * those that reach it the one with most free addresses. NULL when none reaches it. */
vlan *vlans_of_host(const controller *c, const char *wanted, const host *h);
/* True when it is called, or its group is called, `wanted`. */
bool vlan_is_wanted(const vlan *v, const char *wanted);
bool vlan_reaches(const vlan *v, const host *h);
/* Why nothing can be placed on `wanted` now, whatever the host; false when something can. */
bool vlans_block(const controller *c, const char *wanted, sot_buf *why);
/* What uses the addresses of those VLANs of `wanted` that have none left, as ipam says it. */
void vlans_describe_shortage(const controller *c, const char *wanted, sot_buf *out);

/* ---- address_replies.c ---- */
/* What a reply to `q` with code SOT_OK says. */
void addresses_apply(controller *c, app *a, const asked *q, sot_str frame);

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
