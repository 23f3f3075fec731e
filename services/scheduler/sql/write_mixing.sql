-- name: write_mixing
-- columns: none
INSERT INTO scheduler.mixing (workload, beside, at_most) SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::int[])
