-- name: truth_reported
-- columns: none
-- $1 host, $2 boot id, $3 unix ms at which it was looked at, $4 ms since it arrived, $5 generation, $6 epoch, $7 addresses in use.
INSERT INTO ipam.host_report AS h (host, boot_id, taken_at, received_at, assignment_generation, epoch, used)
SELECT host, boot_id, to_timestamp(taken / 1000.0), clock_timestamp() - age * interval '1 ms', generation, epoch, used
FROM (SELECT
  unnest($1::uuid[]) AS host, unnest($2::text[]) AS boot_id, unnest($3::int8[]) AS taken, unnest($4::int8[]) AS age,
  unnest($5::int8[]) AS generation, unnest($6::int8[]) AS epoch, unnest($7::int4[]) AS used) AS t
ORDER BY host
ON CONFLICT (host) DO UPDATE
  SET boot_id = excluded.boot_id, taken_at = excluded.taken_at, received_at = excluded.received_at,
      assignment_generation = excluded.assignment_generation, epoch = excluded.epoch, used = excluded.used
