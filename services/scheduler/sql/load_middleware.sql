-- name: load_middleware
-- columns: name text, kind text, version text, sha256 text, size_bytes int8, file_name text, created_by text, created_ms int8, removed bool, keep_versions int4, keep_days int4
SELECT name, kind, version, encode(sha256, 'hex') AS sha256, size_bytes, file_name, created_by,
       (date_part('epoch', created_at) * 1000)::bigint AS created_ms, removed, keep_versions, keep_days
FROM scheduler.middleware_version ORDER BY name, created_at
