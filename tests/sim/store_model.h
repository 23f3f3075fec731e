/* store_model - the scheduler's tables in memory: whole batches or nothing, leadership with epochs,
 * and the database's own guards. What survives a crash is here and nowhere else. */
#ifndef SIM_STORE_MODEL_H
#define SIM_STORE_MODEL_H

#include "controller.h"
#include "sot_map.h"

typedef struct store_model store_model;
store_model *store_model_new(void);
store_model *store_model_free(store_model *s);

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
size_t store_model_count_open(const store_model *s);
const operation_row *store_model_operation(const store_model *s, sot_uuid id);
void store_model_each_instance(
    const store_model *s, void (*visit)(void *self, const instance_row *), void *self);
void store_model_each_host(
    const store_model *s, void (*visit)(void *self, const host_row *), void *self);
bool store_model_has_app(const store_model *s, sot_uuid id);
size_t store_model_app_count(const store_model *s);

#endif
