-- name: write_departures
-- columns: none
WITH r AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bool[])
    AS r(host_id, instance_id, generation, desired, name, app, created_at, is_gone)
), gone AS (
  DELETE FROM scheduler.departure d USING r WHERE r.is_gone AND d.host_id = r.host_id AND d.instance_id = r.instance_id
)
INSERT INTO scheduler.departure (host_id, instance_id, generation, desired, name, app, created_at)
SELECT host_id, instance_id, generation, desired, name, app, to_timestamp(created_at / 1000.0) FROM r WHERE NOT is_gone
ON CONFLICT (host_id, instance_id) DO UPDATE SET generation = excluded.generation, desired = excluded.desired
