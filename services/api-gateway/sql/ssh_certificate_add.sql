-- name: ssh_certificate_add
-- columns: serial int8
INSERT INTO gateway.ssh_certificate (person, key_id, scope, account, fingerprint, valid_until)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(mins => $6::int))
RETURNING serial
