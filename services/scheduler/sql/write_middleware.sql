-- name: write_middleware
-- columns: none
INSERT INTO scheduler.middleware_version (name, kind, version, sha256, size_bytes, file_name, created_by, created_at, origin, removed, keep_versions, keep_days)
SELECT n, k, v, decode(s, 'hex'), b, f, c, to_timestamp(at_ms * 0.001::float8), o::jsonb, removed, keep_versions, keep_days
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::bool[], $11::int[], $12::int[])
  AS r(n, k, v, s, b, f, c, at_ms, o, removed, keep_versions, keep_days)
ON CONFLICT (name, version) DO UPDATE SET removed = excluded.removed, keep_versions = excluded.keep_versions, keep_days = excluded.keep_days
