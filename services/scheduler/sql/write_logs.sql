-- name: write_logs
-- columns: none
INSERT INTO scheduler.operation_log_part (operation_id, first, count, lines)
SELECT o, n, c, l::json FROM (SELECT
  unnest($1::uuid[]) AS o, unnest($2::bigint[]) AS n, unnest($3::int[]) AS c, unnest($4::text[]) AS l) AS r
