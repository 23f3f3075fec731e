-- name: write_images
-- columns: none
INSERT INTO scheduler.image (name, reference) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (name) DO UPDATE SET reference = excluded.reference, updated_at = clock_timestamp()
