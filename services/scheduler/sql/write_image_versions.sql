-- name: write_image_versions
-- columns: none
-- The scheduler keeps no texts: an empty one leaves what is written already. A time of 0 is none.
INSERT INTO scheduler.image_version AS v (image, version, reference, digest, changelog, state, smoke, smoke_report, created_by,
  created_at, smoke_at, promoted_at, retired_at)
SELECT image, version, reference, digest, changelog, state, smoke, smoke_report, created_by, to_timestamp(created_ms / 1000.0),
  to_timestamp(nullif(smoke_ms, 0) / 1000.0), to_timestamp(nullif(promoted_ms, 0) / 1000.0), to_timestamp(nullif(retired_ms, 0) / 1000.0)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],
  $11::bigint[], $12::bigint[], $13::bigint[])
  AS r(image, version, reference, digest, changelog, state, smoke, smoke_report, created_by, created_ms, smoke_ms, promoted_ms, retired_ms)
ON CONFLICT (image, version) DO UPDATE SET state = excluded.state, smoke = excluded.smoke,
  smoke_report = CASE WHEN excluded.smoke_report = '' THEN v.smoke_report ELSE excluded.smoke_report END,
  smoke_at = excluded.smoke_at, promoted_at = excluded.promoted_at, retired_at = excluded.retired_at
