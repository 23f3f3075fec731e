-- name: machine_ssh_keys
-- columns: answer text
-- $1: run, $2: the keys, {machine, key} each
SELECT j::text AS answer FROM gateway.machine_ssh_keys($1::uuid, $2::jsonb) AS j WHERE j IS NOT NULL
