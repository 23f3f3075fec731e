-- name: write_steps
-- columns: none
INSERT INTO scheduler.operation_track (operation_id, first, instance_id, subject, steps)
SELECT o, n, i, s, j::json FROM (SELECT
  unnest($1::uuid[]) AS o, unnest($2::int[]) AS n, unnest($3::uuid[]) AS i, unnest($4::text[]) AS s, unnest($5::text[]) AS j) AS r
ON CONFLICT (operation_id, first) DO UPDATE SET steps = excluded.steps
