/* rows_rollout - how a rollout goes and how far it is. Part of rows.h, whose rules hold here too;
 * only that includes it.
 */
#ifndef SCHEDULER_ROWS_ROLLOUT_H
#define SCHEDULER_ROWS_ROLLOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "sot_proto.h"
#include "sot_str.h"
#include "sot_uuid.h"

#define OPERATION_TEXT_MAX 600 /* with its end */

/* How a rollout goes: as struct rollout_strategy of proto/scheduler.toml. */
typedef struct rollout_strategy {
	uint32_t batch, batch_percent, canary, max_unavailable, surge;
	enum sot_rollout_order order;
	enum sot_rollout_pause pause;
	uint32_t pause_s, bake_s, deadline_s, drain_s, errors_max;
	enum sot_rollout_failure on_failure;
	char rotation_command[251]; /* "": none */
} rollout_strategy;

/* How far a rollout is; its steps say the rest. */
typedef struct rollout_row {
	sot_uuid operation_id;
	rollout_strategy strategy;
	uint32_t batch, batches;    /* under way or done last, from 1; planned. 0: not planned yet */
	int64_t batch_done_unix_ms; /* all of that batch are healthy since; 0: not yet */
	uint32_t passed;            /* the wait after this batch is over */
	char paused_by[129];        /* "" while it is not */
	bool goes_back;
	char back_by[129];              /* who asked for that; "": by itself */
	char cause[OPERATION_TEXT_MAX]; /* of going back */
} rollout_row;

/* ---- rollout_row.c ---- */
/* As the API and the column scheduler.rollout.strategy show it. */
void rollout_strategy_json(const rollout_strategy *s, sot_buf *out);
rollout_strategy rollout_strategy_of(const struct sot_rollout_strategy *m);
/* What it does now: rolling, baking, paused or rolling_back. */
const char *rollout_phase(const rollout_row *row);
sot_code rollout_order_parse(sot_str word, enum sot_rollout_order *ret, sot_err *err) SOT_CHECK;
sot_code rollout_pause_parse(sot_str word, enum sot_rollout_pause *ret, sot_err *err) SOT_CHECK;
sot_code rollout_failure_parse(sot_str word, enum sot_rollout_failure *ret, sot_err *err) SOT_CHECK;

#endif
