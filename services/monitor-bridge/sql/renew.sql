-- name: renew
-- columns: own boolean, number integer, address inet, joined_unix_ms bigint, lease_until_unix_ms bigint, now_unix_ms bigint
SELECT own, number, address, joined_unix_ms, lease_until_unix_ms, now_unix_ms
FROM monitor.renew($1::text, $2::uuid, $3::boolean, $4::inet, $5::bigint, $6::jsonb)
