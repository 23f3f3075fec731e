/* What instances are made of, written: images, packages of apps and of middleware. */
#include "write_columns.h"

#include "scheduler_sql.h"
#include "sot_parse.h"

void write_images(store_tx *tx, const image_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_IMAGES, NULL, NULL);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_c, row->reference);
	COLUMN(r, n, item_c, row->version);
	COLUMN(r, n, item_c, row->owner_dev);
	COLUMN(r, n, item_c, row->owner_ops);
}

static const char *text_or_none(const char *text)
{
	return text ? text : "";
}

void write_image_versions(store_tx *tx, const image_version_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_IMAGE_VERSIONS, NULL, NULL);
	VALUES(r, n, item_c, row->image);
	VALUES(r, n, item_c, row->version);
	VALUES(r, n, item_c, row->reference);
	VALUES(r, n, item_c, row->digest);
	VALUES(r, n, item_c, text_or_none(row->changelog));
	VALUES(r, n, item_c, image_state_name(row->state));
	VALUES(r, n, item_c, image_smoke_name(row->smoke));
	VALUES(r, n, item_c, text_or_none(row->smoke_report));
	VALUES(r, n, item_c, row->created_by);
	VALUES(r, n, store_item_i64, row->created_unix_ms);
	VALUES(r, n, store_item_i64, row->smoke_unix_ms);
	VALUES(r, n, store_item_i64, row->promoted_unix_ms);
	VALUES(r, n, store_item_i64, row->retired_unix_ms);
}

void write_middleware(store_tx *tx, const middleware_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_MIDDLEWARE, NULL, NULL);
	VALUES(r, n, item_c, row->name);
	VALUES(r, n, item_c, row->kind);
	VALUES(r, n, item_c, row->version.version);
	VALUES(r, n, item_digest, row->version.sha256);
	VALUES(r, n, item_u64, row->version.size_bytes);
	VALUES(r, n, item_c, row->version.file_name);
	VALUES(r, n, item_c, row->version.created_by);
	VALUES(r, n, store_item_i64, row->version.created_unix_ms);
	VALUES(r, n, item_c, row->version.origin != NULL ? row->version.origin : "{}");
	VALUES(r, n, store_item_bool, row->version.removed);
	VALUES(r, n, item_u64, row->keep_versions);
	VALUES(r, n, item_u64, row->keep_days);
}

void write_versions(store_tx *tx, const version_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_VERSIONS, NULL, NULL);
	VALUES(r, n, store_item_uuid, row->app_id);
	VALUES(r, n, item_c, row->version);
	VALUES(r, n, item_digest, row->sha256);
	VALUES(r, n, item_u64, row->size_bytes);
	VALUES(r, n, item_c, row->file_name);
	VALUES(r, n, item_c, row->created_by);
	VALUES(r, n, store_item_i64, row->created_unix_ms);
	VALUES(r, n, item_c, row->origin != NULL ? row->origin : "{}");
	VALUES(r, n, store_item_bool, row->removed);
}
