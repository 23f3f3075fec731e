-- name: write_bookings
-- columns: expect_rows void
WITH done AS (
  UPDATE scheduler.host h SET generation = r.generation, booked_cpu_milli = r.cpu, booked_memory_bytes = r.memory, booked_disk_bytes = r.disk,
    booked_instances = r.instances
  FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::int[]) AS r(id, generation, cpu, memory, disk, instances)
  WHERE h.id = r.id RETURNING 1)
SELECT core.expect_rows('scheduler.host', count(*), cardinality($1)) FROM done
