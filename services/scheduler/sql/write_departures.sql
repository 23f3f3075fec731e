-- name: write_departures
-- columns: none
WITH r AS (
  SELECT
    unnest($1::uuid[]) AS host_id, unnest($2::uuid[]) AS instance_id, unnest($3::bigint[]) AS generation, unnest($4::text[]) AS desired,
    unnest($5::text[]) AS name, unnest($6::text[]) AS app, unnest($7::bigint[]) AS created_at, unnest($8::bool[]) AS is_gone
), gone AS (
  DELETE FROM scheduler.departure d USING r WHERE r.is_gone AND d.host_id = r.host_id AND d.instance_id = r.instance_id
)
INSERT INTO scheduler.departure (host_id, instance_id, generation, desired, name, app, created_at)
SELECT host_id, instance_id, generation, desired, name, app, to_timestamp(created_at / 1000.0) FROM r WHERE NOT is_gone
ON CONFLICT (host_id, instance_id) DO UPDATE SET generation = excluded.generation, desired = excluded.desired
