-- name: leak_brake
-- columns: engaged int8
-- $1 vrf, $2 address of what would have gone, $3 reason.
WITH engaged AS (
  UPDATE ipam.guard SET brake_since = clock_timestamp(), brake_candidates = cardinality($2::inet[]), brake_reason = $3::text
  WHERE brake_since IS NULL RETURNING brake_candidates, brake_reason
), marked AS (
  UPDATE ipam.leak l SET braked_at = clock_timestamp() FROM (SELECT unnest($1::int4[]) AS vrf, unnest($2::inet[]) AS address) AS t, engaged
  WHERE l.vrf = t.vrf AND l.address = t.address
), told AS MATERIALIZED (
  SELECT core.emit(ARRAY['ipam.brake'], ARRAY['ipam'], ARRAY[''], ARRAY[''], ARRAY['svc:ipam'], ARRAY[NULL::uuid],
    ARRAY[json_build_object('engaged', true, 'candidates', brake_candidates, 'reason', brake_reason)::text])::text AS done
  FROM engaged
)
SELECT count(*) AS engaged FROM engaged LEFT JOIN told ON told.done IS NOT NULL
