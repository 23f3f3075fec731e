-- name: blob_orphans
-- columns: name text
-- $1: digests in hex. A blob that a version names stays, whatever the list of blobs says.
SELECT n.name FROM unnest($1::text[]) AS n (name)
WHERE NOT EXISTS (SELECT 1 FROM gateway.blob b WHERE b.sha256 = decode(n.name, 'hex'))
  AND NOT EXISTS (SELECT 1 FROM scheduler.app_version_v v WHERE v.sha256 = n.name)
