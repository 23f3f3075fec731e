-- name: blob_orphans
-- columns: name text
-- $1: digests in hex. What no version names goes, with its row: a refused registration leaves nothing.
WITH gone AS (
  SELECT n.name FROM unnest($1::text[]) AS n (name)
  WHERE NOT EXISTS (SELECT 1 FROM scheduler.app_version_v v WHERE v.sha256 = n.name AND NOT v.removed)
    AND NOT EXISTS (SELECT 1 FROM scheduler.middleware_version_v v WHERE v.sha256 = n.name)),
rows AS (DELETE FROM gateway.blob b USING gone g WHERE b.sha256 = decode(g.name, 'hex'))
SELECT name FROM gone
