-- name: write_new_decisions
-- columns: none
-- Why instances are where they are; of what waits tells write_refusals.
INSERT INTO scheduler.decision (id, operation_id, refused, open, tries, since, at, data)
SELECT r.i, r.o, false, false, 1, to_timestamp(r.a * 0.001::float8), to_timestamp(r.a * 0.001::float8), r.d::json
FROM (SELECT unnest($1::uuid[]) AS i, unnest($2::uuid[]) AS o, unnest($3::bigint[]) AS a, unnest($4::text[]) AS d) AS r
