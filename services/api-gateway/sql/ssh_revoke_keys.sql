-- name: ssh_revoke_keys
-- columns: id uuid
-- $1: person; $2: who revokes
UPDATE gateway.ssh_key SET removed_at = now(), removed_by = $2 WHERE person = $1 AND removed_at IS NULL
RETURNING id
