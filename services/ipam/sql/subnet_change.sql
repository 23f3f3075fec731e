-- name: subnet_change
-- columns: none
UPDATE ipam.subnet SET rank = $2::int4, weight = $3::int4, open = $4::bool, description = $6::text, updated_at = clock_timestamp(),
  dns = coalesce(string_to_array(nullif($5::text, ''), ' ')::inet[], '{}')
WHERE id = $1::uuid
