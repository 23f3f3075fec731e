-- name: guard_engage
-- columns: engaged int8
-- $1 reason, $2 true: begin anew when it is engaged already (the database was restored again). From now on every host is awaited.
WITH engaged AS (
  UPDATE ipam.guard SET quarantine_since = clock_timestamp(), quarantine_reason = $1::text, stream = (SELECT stream FROM core.platform)
  WHERE quarantine_since IS NULL OR $2::bool
  RETURNING quarantine_reason
), told AS MATERIALIZED (
  SELECT core.emit(ARRAY['ipam.quarantine'], ARRAY['ipam'], ARRAY[''], ARRAY[''], ARRAY['svc:ipam'], ARRAY[NULL::uuid],
    ARRAY[json_build_object('engaged', true, 'waitingFor', (SELECT count(*) FROM scheduler.host_place_v), 'reason', quarantine_reason)::text])::text AS done
  FROM engaged
)
SELECT count(*) AS engaged FROM engaged LEFT JOIN told ON told.done IS NOT NULL
