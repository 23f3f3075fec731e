-- name: write_logs
-- columns: none
INSERT INTO scheduler.operation_log_part (operation_id, first, count, lines)
SELECT o, n, c, l::json FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::text[]) AS r(o, n, c, l)
