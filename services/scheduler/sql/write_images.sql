-- name: write_images
-- columns: none
INSERT INTO scheduler.image (name, reference, version, owner_dev, owner_ops)
SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[])
ON CONFLICT (name) DO UPDATE SET reference = excluded.reference, version = excluded.version, owner_dev = excluded.owner_dev,
  owner_ops = excluded.owner_ops, updated_at = clock_timestamp()
