-- name: write_steps
-- columns: none
-- Where they were written first.
WITH r AS MATERIALIZED (SELECT
  unnest($1::uuid[]) AS o, unnest($2::int[]) AS n, unnest($3::uuid[]) AS i, unnest($4::text[]) AS s, unnest($5::text[]) AS j
), at_start AS (
  UPDATE scheduler.operation_start t SET steps = r.j::json FROM r WHERE t.operation_id = r.o AND r.n = 0 AND t.steps IS NOT NULL
  RETURNING t.operation_id
)
INSERT INTO scheduler.operation_track (operation_id, first, instance_id, subject, steps)
SELECT o, n, i, s, j::json FROM r WHERE r.n > 0 OR r.o NOT IN (SELECT operation_id FROM at_start)
ON CONFLICT (operation_id, first) DO UPDATE SET steps = excluded.steps
