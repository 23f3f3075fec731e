/* How far rollouts are, as SQL. */
#include "write_columns.h"

static void item_strategy(store_tx *tx, const rollout_strategy *s)
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, 4096);
	rollout_strategy_json(s, &json);
	store_item_str(tx, sot_buf_str(&json));
}

void write_rollouts(store_tx *tx, const rollout_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_ROLLOUTS, NULL, NULL);
	VALUES(r, n, store_item_uuid, row->operation_id);
	VALUES(r, n, item_strategy, &row->strategy);
	VALUES(r, n, item_u64, row->batch);
	VALUES(r, n, item_u64, row->batches);
	VALUES(r, n, store_item_i64, row->batch_done_unix_ms);
	VALUES(r, n, item_u64, row->passed);
	VALUES(r, n, item_c, row->paused_by);
	VALUES(r, n, store_item_bool, row->goes_back);
	VALUES(r, n, item_c, row->back_by);
	VALUES(r, n, item_c, row->cause);
	VALUES(r, n, item_c, rollout_phase(row));
}
