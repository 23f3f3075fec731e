-- name: ipam_get
-- columns: item text
SELECT (to_jsonb(g) || jsonb_build_object(
  'awaited', (SELECT coalesce(jsonb_agg(jsonb_build_object('host', a.host, 'reportedAt', a."reportedAt") ORDER BY a.host), '[]') FROM ipam.awaited_v a),
  'findings', jsonb_build_object('foreign', 0, 'missing', 0, 'moved', 0, 'conflict', 0)
    || (SELECT coalesce(jsonb_object_agg(kind, n), '{}') FROM (SELECT kind, count(*) AS n FROM ipam.finding_v GROUP BY kind) f),
  'leaks', (SELECT count(*) FROM ipam.leak_v),
  'levels', jsonb_build_object('ok', 0, 'notice', 0, 'warning', 0, 'critical', 0)
    || (SELECT coalesce(jsonb_object_agg(level, n), '{}') FROM (SELECT level, count(*) AS n FROM ipam.subnet_v GROUP BY level) l)))::text AS item
FROM ipam.guard_v g
