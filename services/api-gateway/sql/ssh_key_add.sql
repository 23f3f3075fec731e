-- name: ssh_key_add
-- columns: id uuid
INSERT INTO gateway.ssh_key (person, scope, account, public_key, fingerprint, comment)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id
