-- name: load_image_versions
-- columns: image text, version text, reference text, digest text, state text, smoke text, created_by text, created_ms int8, smoke_ms int8, promoted_ms int8, retired_ms int8
SELECT image, version, reference, digest, state, smoke, created_by, (extract(epoch FROM created_at) * 1000)::bigint AS created_ms,
  coalesce((extract(epoch FROM smoke_at) * 1000)::bigint, 0) AS smoke_ms,
  coalesce((extract(epoch FROM promoted_at) * 1000)::bigint, 0) AS promoted_ms,
  coalesce((extract(epoch FROM retired_at) * 1000)::bigint, 0) AS retired_ms
FROM scheduler.image_version
