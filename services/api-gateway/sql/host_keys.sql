-- name: host_keys
-- columns: id uuid, public_key text, denied boolean
SELECT id, public_key, denied FROM scheduler.host_key_v ORDER BY id
