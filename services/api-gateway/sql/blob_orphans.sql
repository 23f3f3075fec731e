-- name: blob_orphans
-- columns: name text
-- $1: digests in hex, of old files that are here. Those that no version names, and others that are known since a day and that none
-- names either: their bytes may lie in the bucket only.
WITH known AS (
  SELECT n.name FROM unnest($1::text[]) AS n (name)
  UNION SELECT encode(b.sha256, 'hex') FROM gateway.blob b WHERE b.created_at < now() - interval '1 day')
SELECT k.name FROM known k
WHERE NOT EXISTS (SELECT 1 FROM scheduler.app_version_v v WHERE v.sha256 = k.name AND NOT v.removed)
  AND NOT EXISTS (SELECT 1 FROM scheduler.middleware_version_v v WHERE v.sha256 = k.name AND NOT v.removed)
LIMIT 1000
