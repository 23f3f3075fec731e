-- name: write_bookings
-- columns: expect_rows void
WITH done AS (
  UPDATE scheduler.host h SET generation = r.generation, booked_cpu_milli = r.cpu, booked_memory_bytes = r.memory, booked_disk_bytes = r.disk,
    booked_instances = r.instances
  FROM (SELECT
    unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS generation, unnest($3::int[]) AS cpu, unnest($4::bigint[]) AS memory,
    unnest($5::bigint[]) AS disk, unnest($6::int[]) AS instances) AS r
  WHERE h.id = r.id RETURNING 1)
SELECT core.expect_rows('scheduler.host', count(*), cardinality($1)) FROM done
