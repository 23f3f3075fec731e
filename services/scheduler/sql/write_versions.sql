-- name: write_versions
-- columns: none
INSERT INTO scheduler.app_version (app_id, version, sha256, size_bytes, file_name, created_by, created_at)
SELECT a, v, decode(s, 'hex'), b, f, c, to_timestamp(at_ms / 1000.0)
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[]) AS r(a, v, s, b, f, c, at_ms)
