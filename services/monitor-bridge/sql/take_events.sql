-- name: take_events
-- columns: at_unix_ms bigint, kind text, subject text, app text, host text, actor text, operation_id uuid, fields text, steps text
SELECT at_unix_ms, kind, subject, app, host, actor, operation_id, fields, steps FROM monitor.take_events($1::integer)
