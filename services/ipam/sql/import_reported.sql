-- name: import_reported
-- columns: none
-- $1 import, $2 state, $3 kind, $4 dry run, $5 lines, $6 changes, $7 error count, $8 errors. The file of a dry run without errors stays
-- for a day, so that it can be applied.
WITH done AS (
  UPDATE ipam.import
  SET state = $2::text, kind = $3::text, dry_run = $4::bool, lines = $5::int4, changes = $6::jsonb, error_count = $7::int4,
      errors = $8::jsonb, updated_at = clock_timestamp()
  WHERE id = $1::uuid
  RETURNING id
)
DELETE FROM ipam.import_part p USING ipam.import i
WHERE i.id = p.import_id AND ((i.id = $1::uuid AND $2::text <> 'checked') OR i.created_at < now() - interval '1 day')
