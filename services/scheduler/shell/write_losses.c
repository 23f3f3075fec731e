/* What agents told besides the rows of instances: what lost hosts owe, the brake, what is used. */
#include "write_columns.h"

void write_departures(store_tx *tx, const departure_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_DEPARTURES, NULL, NULL);
	VALUES(r, n, store_item_uuid, row->host_id);
	VALUES(r, n, store_item_uuid, row->instance_id);
	VALUES(r, n, item_u64, row->generation);
	VALUES(r, n, item_c, desired_name(row->desired));
	VALUES(r, n, item_c, row->name);
	VALUES(r, n, item_c, row->app);
	VALUES(r, n, store_item_i64, row->created_unix_ms);
	VALUES(r, n, store_item_bool, row->is_gone);
}

void write_brake(store_tx *tx, const brake_row *row)
{
	store_query(tx, SCHEDULER_SQL_WRITE_BRAKE, NULL, NULL);
	store_arg_bool(tx, row->engaged);
	store_arg_c(tx, row->reason);
	store_arg_i64(tx, row->since_unix_ms);
}

void write_uses(store_tx *tx, const use_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_USES, NULL, NULL);
	VALUES(r, n, store_item_uuid, row->instance_id);
	VALUES(r, n, store_item_bool, row->is_used);
	VALUES(r, n, store_item_i64, row->at_unix_ms);
}
