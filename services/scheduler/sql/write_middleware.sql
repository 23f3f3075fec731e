-- name: write_middleware
-- columns: none
INSERT INTO scheduler.middleware_version (name, kind, version, sha256, size_bytes, file_name, created_by, created_at, origin, removed, keep_versions, keep_days)
SELECT n, k, v, decode(s, 'hex'), b, f, c, to_timestamp(at_ms * 0.001::float8), o::jsonb, removed, keep_versions, keep_days
FROM (SELECT
  unnest($1::text[]) AS n, unnest($2::text[]) AS k, unnest($3::text[]) AS v, unnest($4::text[]) AS s, unnest($5::bigint[]) AS b,
  unnest($6::text[]) AS f, unnest($7::text[]) AS c, unnest($8::bigint[]) AS at_ms, unnest($9::text[]) AS o,
  unnest($10::bool[]) AS removed, unnest($11::int[]) AS keep_versions, unnest($12::int[]) AS keep_days) AS r
ON CONFLICT (name, version) DO UPDATE SET removed = excluded.removed, keep_versions = excluded.keep_versions, keep_days = excluded.keep_days
