-- name: ssh_login
-- columns: result int4
SELECT gateway.ssh_login($1::uuid, $2::uuid, to_timestamp($3::bigint / 1000.0), $4::bigint, $5, $6, $7::int, $8, nullif($9::bigint, 0), $10) AS result
