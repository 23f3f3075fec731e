-- name: ssh_key_remove
-- columns: id uuid, scope text, fingerprint text, person text
-- $2: who removes it; $3: whose it must be, '' for anybody's
UPDATE gateway.ssh_key SET removed_at = now(), removed_by = $2
WHERE id = $1::uuid AND removed_at IS NULL AND ($3 = '' OR person = $3)
RETURNING id, scope, fingerprint, person
