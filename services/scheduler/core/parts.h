/* parts - what the modules of the controller's core offer each other. Private to core/. */
#ifndef SCHEDULER_PARTS_H
#define SCHEDULER_PARTS_H

#include "model.h"

typedef enum verdict { VERDICT_WAIT, VERDICT_DONE, VERDICT_FAIL } verdict;
/* A step's look at the world: what it found, in words for waits_for or the error. */
typedef struct finding {
	verdict verdict;
	char text[OPERATION_TEXT_MAX];
} finding;

/* ---- advance.c: operations ---- */
/* Puts the operation in its app's queue (or begins it when it has none or the queue is empty). */
void operation_enqueue(controller *c, operation *o);
/* Who began it, for the audit; one row each, but none for the children of another. */
void operation_audit(controller *c, const operation *o, const sot_request_context *context);
/* Looks at every woken operation until none is. */
void operations_advance(controller *c);
/* As operations_advance, but only until so many more instances are placed; true: some are left. */
bool operations_advance_some(controller *c, uint64_t placements);
/* Every open operation is looked at: deadlines and waits. */
void operations_tick(controller *c);
/* In a queue behind another: says so in waits_for. */
void operation_say_queued(controller *c, operation *o);
void operation_set_waits_for(controller *c, operation *o, const char *text);
/* Whether it may begin as far as its app's queue and its bulk operation are concerned. */
bool operation_has_turn(const operation *o);
/* ---- containers.c: those on a host that no assignment knows; nothing but an adoption touches
 * them.
 */
struct problem;
typedef struct unknown_container {
	sot_str line; /* all of it, as the host's row holds it */
	sot_str id, name, instance_name, app;
	sot_uuid instance_id; /* zero: not of this platform */
	uint64_t generation;
} unknown_container;
/* What its agent tells: how many, and when the message says so, which. */
void containers_told(controller *c, host *h, const struct sot_status *m);
/* By name, id or the beginning of an id. How many there are; what it found is the only one. */
unsigned containers_find(const host *h, sot_str text, unknown_container *ret);
/* Of that instance; false: none is reported. */
bool containers_of_instance(const host *h, sot_uuid id, unknown_container *ret);
bool container_is_ignored(const host *h, const unknown_container *u);
void container_ignore(
    controller *c, host *h, const operation *o, const unknown_container *u, bool on);
/* Whether it can be an instance again; the group that its name says. */
bool container_may_be_adopted(
    controller *c, const host *h, const unknown_container *u, group **ret_group, struct problem *p);
/* The first moment of an operation that adopts: the row, and its steps. */
void adoption_begin(controller *c, operation *o);
/* ---- windows.c: operations that wait for a maintenance window ---- */
/* Middleware that others give the app waits for the app's; a move of a drain for its host's. */
bool operation_is_held(const controller *c, const operation *o);
/* Whose window, and which, in words for waits_for. */
void operation_say_held(controller *c, operation *o);
/* The windows that count for the host: its own, else its rack's; "" for any time. */
const char *host_windows(const host *h);
/* Begins the step when its turn has come, looks, writes down. Returns whether it is over. */
bool operation_advance_step(controller *c, operation *o, size_t k, finding *ret);
step *operation_add_step(controller *c, operation *o, const instance *i, step_kind kind);
instance *step_instance(controller *c, const step *s);
void step_set_state(controller *c, operation *o, step *s, operation_state state, const char *text);

/* Its agent carries out the newest spec. */
bool instance_carries_out(const instance *i);

/* ---- look.c ---- */
/* Whether the step is over, by what is true now. */
finding step_look(controller *c, const operation *o, const step *s);
/* Which of the steps that wait tells why the operation does: the lowest. Of one kind what stands in
 * line tells more than what its agent works on. */
unsigned step_wait_rank(const step *s);

/* ---- ending.c ---- */
/* Ends it; `why` is its error text with a failure or a cancellation, "" otherwise. Instances of the
 * operation that were not begun are retired; `outcome` says what stands; the next of the queue
 * begins. */
void operation_end(controller *c, operation *o, operation_state state, const char *why);
/* The event of a change of state; `from` is "" at the beginning. */
void say_operation(controller *c, const operation *o, const char *from);

/* ---- bulk.c: operations with children ---- */
/* Lets as many children begin as may run at a time; ends it when none is open. */
void bulk_advance(controller *c, operation *o);
/* No more children begin; it ends when those that run have ended. */
void bulk_cancel(controller *c, operation *o, const char *actor);
/* No more children begin: it was cancelled, or too many failed. */
bool bulk_is_stopped(const operation *o);
bool bulk_has_room(const operation *o);
void bulk_child_ended(controller *c, const operation *child);
/* `i` is NULL for an operation on the app. Key, actor, reason, count and version are the parent's.
 */
/* `version`: of what its children roll out; else empty. */
operation *bulk_add_child(
    controller *c, operation *o, operation_kind kind, app *a, const instance *i, sot_str version);

/* ---- versions.c ---- */
/* The app's package versions that need not be kept are removed. */
void retention_look(controller *c, app *a);
struct middleware;
void retention_look_at_middleware(controller *c, struct middleware *m);
void retention_tick(controller *c);

/* ---- plan.c: from a request to steps ---- */
/* The first moment of an operation's life: makes instances and steps. May end it. */
void operation_begin(controller *c, operation *o);
/* What the app's plan gives an instance. */
void plan_size(const controller *c, const app *a, instance_make *make);
/* Instances of the app that shall not be retired. */
/* Of one group, or with NULL of all. */
size_t app_wanted_count(const app *a, const group *g);

/* A helper of the rollout: an instance of what it rolls out, with its steps. */
void plan_helper(controller *c, operation *o);
/* A row of the operation's app; id, number, name and generation are given, the rest is the app's.
 */
instance *plan_instance_row(controller *c, const operation *o, group *of, instance_row row);
/* The steps that bring a new instance up. */
void plan_add_growth(controller *c, operation *o, const instance *i);

/* ---- rollout_plan.c ---- */
/* Runs and is healthy, as it shall. */
bool instance_is_available(const instance *i);
/* Shall run, and does not or is not healthy. */
bool instance_is_away(const instance *i);
/* Instances in a batch; that may be away at a time. */
uint32_t rollout_width(const rollout_strategy *s, size_t units);
uint32_t rollout_may_be_away(const rollout_strategy *s, size_t units);
typedef struct rollout_unit {
	instance *i;
	uint32_t batch; /* from 1 */
	bool is_away;
	const char *domain; /* borrowed of its host */
	size_t age;
} rollout_unit;
/* The instances in the order of their turns; *ret is freed by the caller. retry: those that have
 * what it gives and are healthy are left out; NULL: none is. */
size_t rollout_order(const app *a, const group *g, const rollout_strategy *s,
    const operation *retry, rollout_unit **ret);
/* ---- rollout_watch.c ---- */
/* Of the app, or (not NULL) of one instance; false when the value is another one. */
bool rollout_hear_errors(
    const controller *c, app *a, instance *i, const char *value, uint64_t milli);
/* One that was changed and was healthy is not any more, or too many requests fail: says so. */
bool rollout_find_unwell(controller *c, const operation *o, char why[static OPERATION_TEXT_MAX]);
/* Whether the step takes its instance away. */
bool rollout_is_change(step_kind kind);

/* rotation.c: the command that takes an instance out of rotation, or back */
struct sot_rotated;
/* Asks its agent, again and again until it has answered. */
void rotation_attempt(controller *c, const operation *o, step *s);
sot_code rotation_said(controller *c, const host *h, const struct sot_rotated *m, sot_err *err);
/* VERDICT_DONE when there is no command, or it has ended well. */
finding rotation_look(controller *c, const operation *o, const step *s, const instance *i);
/* Makes the steps. */
void rollout_begin(controller *c, operation *o, step_kind kind, const char *what);
/* Makes the steps of the way back, of all that was begun. */
void rollout_plan_back(controller *c, operation *o);
/* What would be done, as a JSON object. */
void rollout_plan_json(const app *a, const group *g, operation_kind kind, const rollout_strategy *s,
    const char *from, const char *to, sot_buf *out);

/* ---- rollout.c ---- */
rollout *rollout_new(sot_uuid operation_id);
/* Of one that has not begun; nothing when the operation is no rollout. */
void rollout_set_strategy(controller *c, operation *o, const struct sot_rollout_strategy *m);
void rollout_advance(controller *c, operation *o);
/* What was begun goes back. by: who asked; "": nobody, it has failed. */
void rollout_go_back(controller *c, operation *o, const char *why, const char *by);
void rollout_pause(controller *c, operation *o, const char *by);
void rollout_resume(controller *c, operation *o, const char *by);
/* What the app runs, and goes back to: version, plan or image. */
const char *rollout_home(const operation *o);
/* The group that it is over; NULL: the whole app. */
const group *rollout_group(const operation *o);

/* ---- collect.c ---- */
/* Everything that is dirty becomes rows of the batch, and is clean. */
void batch_collect(controller *c, controller_batch *b);

/* ---- place.c ---- */
/* Finds hosts for the operation's instances whose place step runs. */
void operation_place(controller *c, operation *o);
/* Why nothing of the app can be placed now, whatever the host: in words, and in one. */
bool placement_is_blocked(const controller *c, const app *a, sot_buf *text, const char **ret_word);
/* Why no host fits `count` instances of the app, in figures and in words. */
void placement_refusal(
    controller *c, const app *a, uint32_t handle, size_t count, placer_refusal *why, sot_buf *text);
/* What was freed since the last call wakes the operations that lack it. */
void placers_wake(controller *c);
/* The operation has ended: nothing waits any more. */
void operation_unrefuse(controller *c, operation *o);
/* What the operation waits for before the next attempt to place, in words; for what is no
 * placement. */
void place_wait_for(controller *c, operation *o, const sot_buf *text);
/* ---- preempt.c ---- */
/* Nothing fits the instance of o's app: others of lower priority begin to leave for it, or do so
 * already; `why` gets that in words. */
void preempt_for(controller *c, operation *o, const instance *i, sot_buf *why);

/* The instance that leaves next when its app shrinks, NULL when none is left. */
instance *place_leaver(controller *c, app *a, const group *g, enum sot_scale_pick pick);

/* ---- instances.c ---- */
/* desired = retired: at once when it stands nowhere, else by its agent; then the address. */
void instance_retire(controller *c, instance *i);
/* The next step of a retirement, whatever was reached before. */
void instance_reclaim(controller *c, instance *i);
/* Its agent has a spec of it, or may have. Not while a contested address is being replaced. */
bool instance_is_told(const instance *i);
void instance_set_desired(controller *c, instance *i, enum sot_desired_state desired);
/* Between its placement and its first run. */
bool instance_is_starting(const instance *i);
/* What an agent sees of it. */
void instance_apply_status(controller *c, instance *i, const struct sot_instance_status *status);

/* What its host's agent is told that it shall be. */
enum sot_desired_state instance_told_desired(const instance *i);

/* ---- moves.c ---- */
/* It stands on a host, whose agent knows it, and is not on its way out. */
bool instance_may_move(const instance *i);
/* Books the target and tells the instance's agent to remove it. */
void move_begin(controller *c, instance *i, host *target);
/* Its agent proved that nothing of it is left on its host: it stands on its target. */
void move_left(controller *c, instance *i);
/* Emits instance.host. o: NULL for none. */
void move_say(
    controller *c, const operation *o, const instance *i, const host *from, const char *why);
/* It stands on `h` from now on, wherever it stood and whatever was booked for it. */
void move_arrive(controller *c, instance *i, host *h);
/* ipam has said for the first time which VLANs there are. */
void moves_settle(controller *c);
/* It has found no host yet, so nothing has begun. */
bool move_is_searching(const operation *o);
/* Looks for a host for the operation's instance, which begins to move when there is one. */
void move_attempt(controller *c, operation *o, instance *i);

/* ---- resizes.c ---- */
/* Whether the instance could have the plan where it stands; if not, `dst` says what is missing and
 * what to do. */
bool resize_fits(controller *c, const instance *i, const char *plan, char *dst, size_t size);
/* It has the plan from now on; after resize_fits. */
/* `plan` "": as it is; `bandwidth`: a limit of its own in kbit, "plan" for that of its plan, "": as
 * it is. */
void resize_instance(controller *c, instance *i, const char *plan, const char *bandwidth);
/* ---- images.c: versions of images ---- */
void image_free(void *i);
void image_version_row_clear(image_version_row *row);
/* Makes the image when that name is new. */
image *image_named(controller *c, sot_str name);
image_version *image_find_version(const image *i, sot_str version);
image_version *image_add_version(image *i, const image_version_row *row);
/* The version's row goes with this batch; the texts are taken, NULL: as they are. */
void image_save_version(controller *c, const image_version *v, char *changelog, char *smoke_report);
/* It is what the name stands for from now on. */
void image_promote(controller *c, image *i, image_version *v);
/* Instances that stand and were made of it; *ret_first is one of them, or NULL. */
size_t image_users(const controller *c, const char *reference, const instance **ret_first);

/* A new container, of what the image of that name is now. */
void rebuild_instance(controller *c, instance *i, const char *image_name);

/* ---- fleet.c: the model as the placer sees it ---- */
void fleet_init(controller *c);
void fleet_clear(controller *c);
/* Tells the placer of every host and instance that changed since. */
void fleet_sync(controller *c);
/* After a take-over: the same, with room made for all at once. */
void fleet_begin(controller *c);
/* Quotas or mixing changed. */
void fleet_forget_told(controller *c);
/* The rules of the app changed; what stands is known under the new ones. */
void fleet_forget_rules(controller *c, app *a);
/* A new app, which rules may name; one that goes. */
void fleet_app_added(controller *c, const app *a);
void fleet_app_gone(controller *c, const app *a);
/* The instance was placed on its host, or on the one that it moves to: for the database's guard. */
void fleet_note_placed(controller *c, const instance *i);
/* What was decided in this batch stands on facts that changed since: the guard does not look. */
void fleet_unnote_placed(controller *c);
/* Bits by placer_reason of the rules that the instance stands against where it is. */
uint32_t fleet_broken_rules(controller *c, const instance *i);
/* The placer numbers at most 128 words. True when these lists of words, and the zones, fit. */
#define ZONES_MAX 32
bool fleet_can_name(const controller *c, const char *const *lists, size_t list_count, bool zones);
/* The app in the placer, for instances of that size: what it asks for, what VLANs it may use. */
uint32_t fleet_app(controller *c, app *a, const instance_make *size);
host *fleet_host(const controller *c, uint32_t handle);
/* What keeps the instance off that host, in words: bits by placer_reason. */
void fleet_describe_obstacles(const instance *i, const host *h, uint32_t obstacles, sot_buf *why);
/* Another host for the instance, as if it did not stand where it does: `wanted`, or the best one
 * when that is NULL. NULL, with the reason in `why`, when it does not fit. Changes nothing. */
host *fleet_choose_move(controller *c, instance *i, host *wanted, sot_buf *why);
/* Where an instance of a plan would go. */
typedef struct planned {
	instance *i;
	bool is_kept; /* not to be moved; `why` says so */
	host *to;     /* NULL: it stays */
	char why[OPERATION_TEXT_MAX];
} planned;
/* Fills `to` or `why` of the items, as if all these hosts were emptied together. Changes nothing.
 */
void fleet_plan_drain(
    controller *c, host *const *hosts, size_t host_count, planned *items, size_t count);
/* The best host for an instance that has left its own, which may be that one again; NULL when none
 * fits. */
host *fleet_choose(controller *c, instance *i);
/* What a move has to know: the rules of its app, where its address reaches. */
void fleet_prepare_move(controller *c, instance *i);
/* A JSON array of the VLANs that the app may use, with the addresses left in each. */
void fleet_addresses_left(const controller *c, const app *a, sot_buf *out);
/* Hosts that are not there, in this rack: absent until a what-if says otherwise. Returns
 * the rack. */
uint32_t fleet_ghosts(
    controller *c, const char *az, const char *rack_name, uint32_t count, uint32_t *ret_handles);
/* The size in the placer. */
uint32_t fleet_shape_of_plan(controller *c, const plan_row *plan);
/* The VLAN of a pool of the app's network, "" when it is none of them. */
const char *fleet_vlan(const controller *c, const app *a, uint32_t pool);
/* The instance is buried: it stands nowhere any more. */
void fleet_forget_instance(controller *c, instance *i);
/* It stands nowhere in the placer until the next sync. */
void fleet_lift_instance(controller *c, instance *i);
/* It stands where it does as a new one: no longer on its way out, and about to start. */
void fleet_stands_anew(controller *c, instance *i);
/* The app and all its instances are gone. */
void fleet_forget_app(controller *c, app *a);

/* ---- starts.c: starts in flight ---- */
void starts_init(controller *c);
void starts_clear(controller *c);
void start_init_host(host *h);
void start_init_app(app *a);
/* Whether the start (restart, new version) of the instance may be ordered now. If not it stands in
 * line, `why` says for what, and its app's operations are woken when its turn has come. */
bool start_may(controller *c, instance *i, char why[static 200]);
/* It has come to its host and shall run: its agent hears of it when there is room for its start. */
void start_arrived(controller *c, instance *i);
/* It runs, has failed, or is wanted no more: what it held is given back. */
void start_over(controller *c, instance *i);
/* At take-over: it was ordered by the last leader. */
void start_adopt(controller *c, instance *i);
/* Gives free slots to those that stand in line. */
void starts_grant(controller *c);
/* What is in flight for too long is over. */
void starts_tick(controller *c);
/* The placer is told of the host again before it is asked next. */
void fleet_mark_host(controller *c, host *h);

/* ---- live_load.c ---- */
/* What the host is expected to be loaded with soon, in thousandths; unknown: by what is booked. */
void load_predict(const host *h, uint16_t ret[PLACER_LOADS]);
/* It came (back) to life: for two minutes it is filled slowly. */
void load_host_is_back(controller *c, host *h);
bool load_is_fresh(const controller *c, const host *h);
void load_tick(controller *c);

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
/* The last request id before all acquires that are open; other requests give nothing out. */
uint64_t addresses_last_closed(const controller *c);

/* ---- errands.c ---- */
/* The instance's, made when it has none. */
errand *errand_of(instance *i);
/* To be read only: of who has none, that nothing is under way. */
const errand *errand_read(const instance *i);
/* Reports of its host say nearly all that it uses. */
bool errand_is_sampled(const instance *i);
/* It is over when nothing is under way any more. */
void errand_end(const controller *c, instance *i);
/* A batch took its row. */
void errand_written(const controller *c, instance *i);
/* What its agent says of its container; said by the next batch. */
void errand_see(controller *c, instance *i, container_ref container, int64_t started_unix_ms);
void asked_free(asked *a);
/* Tells ipam that this epoch leads, until it has said that it knows. */
void fence_ask(controller *c);
/* No request of the app for this need before a random while is over, longer each time. */
void address_back_off(controller *c, app *a, address_need need);

/* ---- greetings.c: whole sets ---- */
void greetings_init(controller *c);
/* The host's agent needs its whole set. */
void greeting_ask(controller *c, host *h);
bool greeting_is_due(const host *h);
void greetings_send(controller *c);

/* ---- take_over.c ---- */
/* Some of those that ran at the take-over are told to ipam; once a tick. */
void bind_some(controller *c);

/* ---- hosts.c ---- */
bool host_is_up(const host *h);
/* New instances may be placed there. */
bool host_takes_instances(const host *h);
/* Nothing stands there or is to come. */
bool host_is_empty(const host *h);
/* Moves and emits host.state; an edge that the table lacks is a bug. */
void host_move(controller *c, host *h, host_state to, const char *reason);
/* Its agent speaks: the state that its duty and its Engine make of that. */
void host_is_heard(controller *c, host *h, bool docker_ok, const char *reason);
void host_set_duty(controller *c, host *h, host_duty duty, const char *reason);
void host_set_reason(controller *c, host *h, const char *reason);

/* ---- witnesses.c ---- */
/* Asks others about a silent host, now and then. */
void witnesses_tick(controller *c, host *h);
/* Its agent speaks again, or it is lost. */
void witnesses_forget(host *h);
sot_code witnesses_said(
    controller *c, const host *witness, const struct sot_host_probed *m, sot_err *err);
bool witnesses_prove_loss(const controller *c, const host *h);

/* ---- brake.c ---- */
/* Engages or releases by what is true; once a tick. */
void brake_look(controller *c);
/* For the hosts that are silent now. */
void brake_release(controller *c, const char *why);
void brake_excuse_silent(controller *c);

/* ---- losses.c ---- */
departure *departure_load(controller *c, host *h, const departure_row *row);
/* NULL when the host has no copy to give up. */
departure *departure_find(const host *h, sot_uuid instance_id);
/* What the host's agent sees of a copy. */
void departure_status(controller *c, host *h, const struct sot_instance_status *s);
/* The copy is removed, or wanted again. */
void departure_end(controller *c, departure *d);
void departure_free(controller *c, departure *d);
/* The instance is gone: no copy of it is wanted anywhere. */
void departures_of_gone(controller *c, sot_uuid instance_id);
/* A copy of it may still run on a host that is lost. */
bool instance_may_run_on_lost(const controller *c, const instance *i);
host *operation_host(const controller *c, const operation *o);
void loss_tick(controller *c, host *h);
void loss_declare(controller *c, host *h, loss_proof proof, const char *reason);
/* A lost host says hello. same_boot: it was not booted since. */
void loss_returned(controller *c, host *h, bool same_boot);
void plan_replace(controller *c, operation *o);
void plan_return(controller *c, operation *o);
void replace_attempt(controller *c, operation *o, instance *i);
void return_attempt(controller *c, operation *o, instance *i);
void return_ended(controller *c, operation *o);

/* ---- drains.c ---- */
/* One more of the app may be away: its budget (max_unavailable) allows it, or `i` is away already.
 */
bool app_may_lose(const app *a, const instance *i);
/* A drain would move it. */
bool drain_moves(const instance *i, bool include_pinned);
/* Nothing new comes to the host; a move for each of its instances. Returns how many; *ret_stay is
 * increased by those that are not moved. */
size_t drain_begin(controller *c, operation *o, host *h, bool include_pinned, size_t *ret_stay);
/* The open drain of the host, NULL when there is none. */
operation *drain_of(const controller *c, const host *h);
void drains_tick(controller *c);
void host_retire(controller *c, host *h);

/* ---- agents.c ---- */
/* New generations and deltas for hosts whose set changed; called once per batch. */
void agents_push(controller *c);
void agents_tick(controller *c);
void relays_tick(controller *c);

#endif
