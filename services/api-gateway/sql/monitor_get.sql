-- name: monitor_get
-- columns: item text
SELECT json_build_object('bridges', (SELECT coalesce(json_agg(b ORDER BY b.number), '[]') FROM monitor.bridge_v b),
  'events', json_build_object('waiting', l.events, 'since', l.since))::text AS item FROM monitor.lag_v l
