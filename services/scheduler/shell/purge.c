/* What is older than its retention, deleted at each take-over and once a day. */
#include "internal.h"

#include "sot_log.h"

#define AGAIN_MS (24ll * 3600 * 1000)

/* Nothing waits for it; the reason is for the log. */
void side_work_done(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "database.side_work_failed", outcome->why, "%s", "");
}

/* The rows have forgotten their keys; the memory does a day later, and never before. */
static void on_purged(void *self, const store_outcome *outcome)
{
	scheduler *s = self;
	int64_t days = s->config->idempotency_key_days + 1;

	side_work_done(self, outcome);
	if (outcome->code == SOT_OK && s->c)
		controller_forget_keys(s->c, scheduler_now(s).wall.unix_ms - days * AGAIN_MS);
}

void purge_old(scheduler *s)
{
	store_tx *tx = store_begin(s->store);
	sot_err err;

	s->purge_next = sot_mono_add_ms(scheduler_now(s).mono, AGAIN_MS);
	store_query(tx, SCHEDULER_SQL_FENCE, NULL, NULL);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_i64(tx, (int64_t)s->epoch);
	store_query(tx, SCHEDULER_SQL_PURGE, NULL, NULL);
	store_arg_i64(tx, s->config->operation_retention_days);
	store_query(tx, SCHEDULER_SQL_PURGE_KEYS, NULL, NULL);
	store_arg_i64(tx, s->config->idempotency_key_days);
	if (store_commit(&tx, on_purged, s, &err) != SOT_OK) /* the next one does it */
		sot_log_err(SOT_WARN, "take_over.not_purged", &err, "%s", "");
}
