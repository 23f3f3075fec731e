-- name: write_versions
-- columns: none
INSERT INTO scheduler.app_version (app_id, version, sha256, size_bytes, file_name, created_by, created_at, origin, removed)
SELECT a, v, decode(s, 'hex'), b, f, c, to_timestamp(at_ms * 0.001::float8), o::jsonb, gone
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::bool[]) AS r(a, v, s, b, f, c, at_ms, o, gone)
ON CONFLICT (app_id, version) DO UPDATE SET removed = excluded.removed
