-- name: write_versions
-- columns: none
INSERT INTO scheduler.app_version (app_id, version, sha256, size_bytes, file_name, created_by, created_at, origin, removed)
SELECT a, v, decode(s, 'hex'), b, f, c, to_timestamp(at_ms * 0.001::float8), o::jsonb, gone
FROM (SELECT
  unnest($1::uuid[]) AS a, unnest($2::text[]) AS v, unnest($3::text[]) AS s, unnest($4::bigint[]) AS b, unnest($5::text[]) AS f,
  unnest($6::text[]) AS c, unnest($7::bigint[]) AS at_ms, unnest($8::text[]) AS o, unnest($9::bool[]) AS gone) AS r
ON CONFLICT (app_id, version) DO UPDATE SET removed = excluded.removed
