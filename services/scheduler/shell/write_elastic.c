/* Rules and decisions of elastic scaling, as SQL. */
#include "write_columns.h"

#include <stdlib.h>

static void item_policy(store_tx *tx, const elastic_policy *policy)
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, 65536);
	elastic_policy_json(policy, &json);
	store_item_str(tx, sot_buf_str(&json));
}

static void write_set(store_tx *tx, const elastic_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_ELASTICS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->app_id);
	COLUMN(r, n, item_c, row->group);
	COLUMN(r, n, item_policy, row->policy);
	COLUMN(r, n, item_u64, row->kept.count);
	COLUMN(r, n, store_item_i64, row->kept.changed_unix_ms);
	COLUMN(r, n, store_item_i64, row->kept.low_unix_ms);
	COLUMN(r, n, item_u64, row->kept.low_most);
	COLUMN(r, n, store_item_i64, row->updated_unix_ms);
	COLUMN(r, n, item_c, row->updated_by);
}

static void delete_gone(store_tx *tx, const elastic_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_DELETE_ELASTICS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->app_id);
	COLUMN(r, n, item_c, row->group);
}

void write_elastics(store_tx *tx, const elastic_row *rows, size_t n)
{
	const elastic_row **set = sot_alloc_array(n + 1, sizeof(*set));
	const elastic_row **gone = sot_alloc_array(n + 1, sizeof(*gone));
	size_t set_count = 0, gone_count = 0;

	for (size_t k = 0; k < n; k++) {
		if (rows[k].policy)
			set[set_count++] = &rows[k];
		else
			gone[gone_count++] = &rows[k];
	}
	if (set_count > 0)
		write_set(tx, set, set_count);
	if (gone_count > 0)
		delete_gone(tx, gone, gone_count);
	free(set);
	free(gone);
}

/* Nothing where no load is known. */
static void item_load(store_tx *tx, const elastic_decision *d)
{
	if (d->known)
		item_u64(tx, d->load_milli);
	else
		store_item_null(tx);
}

static void item_target(store_tx *tx, const elastic_decision *d)
{
	if (d->known)
		item_u64(tx, d->target_milli);
	else
		store_item_null(tx);
}

void write_elastic_decisions(
    store_tx *tx, const elastic_decision_row *r, size_t n, int64_t retention_days)
{
	store_query(tx, SCHEDULER_SQL_WRITE_ELASTIC_DECISIONS, NULL, NULL);
	VALUES(r, n, store_item_uuid, row->app_id);
	VALUES(r, n, store_item_i64, row->at_unix_ms);
	VALUES(r, n, item_c, elastic_outcome_name(row->decision.outcome));
	VALUES(r, n, item_c, elastic_hold_name(row->decision.hold));
	VALUES(r, n, item_c, row->rule);
	VALUES(r, n, item_u64, row->decision.count);
	VALUES(r, n, item_u64, row->decision.wanted);
	VALUES(r, n, item_u64, row->decision.to);
	VALUES(r, n, item_load, &row->decision);
	VALUES(r, n, item_target, &row->decision);
	VALUES(r, n, item_c, row->decision.reason);
	VALUES(r, n, item_id, row->operation_id);
	VALUES(r, n, item_c, row->group);
	store_arg_i64(tx, retention_days);
}
