-- name: ssh_logout
-- columns: result int4
SELECT gateway.ssh_logout($1::uuid, $2::uuid, to_timestamp($3::bigint / 1000.0), $4::bigint) AS result
