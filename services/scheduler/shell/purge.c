/* What is older than its retention, deleted once per take-over. */
#include "internal.h"

#include "sot_log.h"

/* Nothing waits for it; the reason is for the log. */
void side_work_done(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "database.side_work_failed", outcome->why, "%s", "");
}

void purge_old(scheduler *s)
{
	store_tx *tx = store_begin(s->store);
	sot_err err;

	store_query(tx, SCHEDULER_SQL_FENCE, NULL, NULL);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_i64(tx, (int64_t)s->epoch);
	store_query(tx, SCHEDULER_SQL_PURGE, NULL, NULL);
	store_arg_i64(tx, s->config->operation_retention_days);
	if (store_commit(&tx, side_work_done, s, &err) != SOT_OK) /* the next take-over does it */
		sot_log_err(SOT_WARN, "take_over.not_purged", &err, "%s", "");
}
