-- name: guard_read
-- columns: stream uuid, guard_stream uuid, braked bool, quarantined bool, quarantine_reason text, leader_epoch int8, event_number int8, event_id int8, awaited int8, awaited_names text
SELECT p.stream, g.stream AS guard_stream, g.brake_since IS NOT NULL AS braked, g.quarantine_since IS NOT NULL AS quarantined,
  g.quarantine_reason, coalesce((SELECT max(epoch) FROM core.leader WHERE role = 'scheduler'), 0) AS leader_epoch,
  (SELECT last FROM core.outbox_counter) AS event_number, coalesce((SELECT max(id) FROM core.outbox_part), 0) AS event_id,
  w.awaited, w.awaited_names
FROM core.platform p CROSS JOIN ipam.guard g CROSS JOIN LATERAL (
  SELECT count(*) AS awaited, coalesce(string_agg(h.name, ', ') FILTER (WHERE h.place <= 5), '') AS awaited_names
  FROM (SELECT h.name, row_number() OVER (ORDER BY h.name) AS place FROM scheduler.host_place_v h
        WHERE g.quarantine_since IS NOT NULL
          AND NOT EXISTS (SELECT FROM ipam.host_report r WHERE r.host = h.id AND r.received_at > g.quarantine_since)) h) w
