-- name: write_new_steps
-- columns: none
INSERT INTO scheduler.operation_track (operation_id, first, instance_id, subject, steps)
SELECT o, n, i, s, j::json FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[]) AS r(o, n, i, s, j)
