-- name: host_keys
-- columns: id uuid, public_key text, denied bool
SELECT id, public_key, denied FROM scheduler.host_key_v
