-- name: image_get
-- columns: item text
-- The newest 500 versions, what was removed last, and the apps whose instances would be made of it.
SELECT (to_jsonb(g) || jsonb_build_object(
  'apps', coalesce((SELECT jsonb_agg(a.name ORDER BY a.name) FROM scheduler.app_v a WHERE a.image = g.name), '[]'),
  'versions', coalesce((SELECT jsonb_agg(to_jsonb(v) - 'image' ORDER BY v."createdAt" DESC, v.version)
    FROM (SELECT * FROM scheduler.image_version_v n WHERE n.image = g.name ORDER BY n.state = 'removed', n."createdAt" DESC, n.version LIMIT 500) v), '[]')))::text AS item
FROM scheduler.image_v g WHERE g.name = $1
