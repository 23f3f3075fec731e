-- name: write_logs
-- columns: none
INSERT INTO scheduler.operation_log (operation_id, line, at, level, text)
SELECT o, n, to_timestamp(at_ms / 1000.0), l, t
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS r(o, n, at_ms, l, t)
