-- name: write_starts
-- columns: none
-- What is told of new operations, one row each; '' for a part that is not there, and 0 for no time.
INSERT INTO scheduler.operation_start (operation_id, instance_id, subject, steps, lines, decided_at, decision)
SELECT r.o, r.i, nullif(r.s, ''), nullif(r.j, '')::json, nullif(r.l, '')::json, to_timestamp(nullif(r.a, 0) * 0.001::float8), nullif(r.d, '')::json
FROM (SELECT
  unnest($1::uuid[]) AS o, unnest($2::uuid[]) AS i, unnest($3::text[]) AS s, unnest($4::text[]) AS j, unnest($5::text[]) AS l,
  unnest($6::bigint[]) AS a, unnest($7::text[]) AS d) AS r
