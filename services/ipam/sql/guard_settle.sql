-- name: guard_settle
-- columns: ended int8
-- Ends the quarantine when every host has sent a complete report since it began.
WITH ended AS (
  UPDATE ipam.guard g SET quarantine_since = NULL, quarantine_reason = ''
  WHERE g.quarantine_since IS NOT NULL AND NOT EXISTS (
    SELECT FROM scheduler.host_place_v h
    WHERE NOT EXISTS (SELECT FROM ipam.host_report r WHERE r.host = h.id AND r.received_at > g.quarantine_since))
  RETURNING 1
), told AS MATERIALIZED (
  SELECT core.emit(ARRAY['ipam.quarantine'], ARRAY['ipam'], ARRAY[''], ARRAY[''], ARRAY['svc:ipam'], ARRAY[NULL::uuid],
    ARRAY[json_build_object('engaged', false, 'waitingFor', 0, 'reason', 'every host has reported')::text])::text AS done
  FROM ended
)
SELECT count(*) AS ended FROM ended LEFT JOIN told ON told.done IS NOT NULL
