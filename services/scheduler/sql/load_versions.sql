-- name: load_versions
-- columns: app_id uuid, version text, sha256 text, size_bytes int8, file_name text, created_by text, created_ms int8, removed bool
SELECT app_id, version, encode(sha256, 'hex') AS sha256, size_bytes, file_name, created_by,
       (date_part('epoch', created_at) * 1000)::bigint AS created_ms, removed
FROM scheduler.app_version ORDER BY app_id, created_at
