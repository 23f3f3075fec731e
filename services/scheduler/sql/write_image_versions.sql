-- name: write_image_versions
-- columns: none
-- The scheduler keeps no texts: an empty one leaves what is written already. A time of 0 is none.
INSERT INTO scheduler.image_version AS v (image, version, reference, digest, changelog, state, smoke, smoke_report, created_by,
  created_at, smoke_at, promoted_at, retired_at)
SELECT image, version, reference, digest, changelog, state, smoke, smoke_report, created_by, to_timestamp(created_ms / 1000.0),
  to_timestamp(nullif(smoke_ms, 0) / 1000.0), to_timestamp(nullif(promoted_ms, 0) / 1000.0), to_timestamp(nullif(retired_ms, 0) / 1000.0)
FROM (SELECT
  unnest($1::text[]) AS image, unnest($2::text[]) AS version, unnest($3::text[]) AS reference, unnest($4::text[]) AS digest,
  unnest($5::text[]) AS changelog, unnest($6::text[]) AS state, unnest($7::text[]) AS smoke, unnest($8::text[]) AS smoke_report,
  unnest($9::text[]) AS created_by, unnest($10::bigint[]) AS created_ms, unnest($11::bigint[]) AS smoke_ms,
  unnest($12::bigint[]) AS promoted_ms, unnest($13::bigint[]) AS retired_ms) AS r
ON CONFLICT (image, version) DO UPDATE SET state = excluded.state, smoke = excluded.smoke,
  smoke_report = CASE WHEN excluded.smoke_report = '' THEN v.smoke_report ELSE excluded.smoke_report END,
  smoke_at = excluded.smoke_at, promoted_at = excluded.promoted_at, retired_at = excluded.retired_at
