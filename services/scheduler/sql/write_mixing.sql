-- name: write_mixing
-- columns: none
INSERT INTO scheduler.mixing (workload, beside, at_most) SELECT * FROM unnest($1::text[], $2::text[], $3::int[])
