-- name: guard_state
-- columns: quarantined bool, awaited int8, braked bool, candidates int4
SELECT g.quarantine_since IS NOT NULL AS quarantined,
  (SELECT count(*) FROM scheduler.host_place_v h
   WHERE NOT EXISTS (SELECT FROM ipam.host_report r WHERE r.host = h.id AND r.received_at > g.quarantine_since)) AS awaited,
  g.brake_since IS NOT NULL AS braked, g.brake_candidates AS candidates
FROM ipam.guard g
