/* store_model - the scheduler's tables in memory: whole batches or nothing, leadership with epochs,
 * and the database's own guards. What survives a crash is here and nowhere else. */
#ifndef SIM_STORE_MODEL_H
#define SIM_STORE_MODEL_H

#include "controller.h"
#include "sot_map.h"

typedef struct store_model store_model;
store_model *store_model_new(void);
store_model *store_model_free(store_model *s);
/* A backup: all rows as they are now. */
store_model *store_model_copy(const store_model *s);
/* The backup as it is when `sotalia-migrate --restored` has seen it (core.restored): epoch and
 * generations are beyond what was ever given out. */
void store_model_say_restored(store_model *backup);
/* Plants a fault: a new leader does not read how far rollouts are. */
void store_model_forget_rollouts(store_model *s);
/* ... or what of elastic scaling must outlast the last one. */
void store_model_forget_cooldowns(store_model *s);
/* Adds what rules have begun. */
void store_model_count_scalings(const store_model *s, uint64_t *grown, uint64_t *shrunk);
/* NULL when the operation is none, or has not begun. */
const rollout_row *store_model_rollout(const store_model *s, sot_uuid operation_id);
size_t store_model_rolled_back(const store_model *s);

/* As core.lead: the epoch that `holder` holds afterwards, or 0. */
uint64_t store_model_lead(
    store_model *s, int holder, uint64_t epoch, int64_t now_ms, int64_t lease_ms);
void store_model_resign(store_model *s, int holder, uint64_t epoch);

/* A transaction: a copy of a batch's rows. */
typedef struct store_rows store_rows;
store_rows *store_rows_copy(const controller_batch *b);
store_rows *store_rows_free(store_rows *r);
/* SOT_OK: applied. SOT_DENIED: fenced. SOT_CONFLICT: a guard of the database refused it. */
sot_code store_model_commit(store_model *s, uint64_t epoch, const store_rows *r, sot_err *err);
/* Fills a new controller as a take-over does. */
sot_code store_model_load(store_model *s, controller *c, sot_err *err);

/* For seeding and for checks. */
void store_model_add_plan(store_model *s, const plan_row *row);
void store_model_add_host_class(store_model *s, const host_class_row *row);
/* NULL when there is none. */
const app_row *store_model_app(const store_model *s, sot_uuid id);
void store_model_each_departure(
    const store_model *s, void (*visit)(void *self, const departure_row *), void *self);
size_t store_model_departure_count(const store_model *s);
/* How often the brake was engaged. */
size_t store_model_brakes(const store_model *s);
size_t store_model_count_open(const store_model *s);
/* Operations of the kind that ended well. */
size_t store_model_count_done(const store_model *s, operation_kind kind);
const operation_row *store_model_operation(const store_model *s, sot_uuid id);
void store_model_each_instance(
    const store_model *s, void (*visit)(void *self, const instance_row *), void *self);
void store_model_each_operation(
    const store_model *s, void (*visit)(void *self, const operation_row *), void *self);
void store_model_each_step(
    const store_model *s, void (*visit)(void *self, const step_row *), void *self);
void store_model_each_host(
    const store_model *s, void (*visit)(void *self, const host_row *), void *self);
bool store_model_has_app(const store_model *s, sot_uuid id);
size_t store_model_app_count(const store_model *s);

#endif
