-- name: host_key_decide
-- columns: answer text
-- $1: actor, $2: address, $3: request id, $4: machine, $5: approve or revoke, $6: reason
SELECT gateway.host_key_decide($1, $2, $3, $4, $5, $6)::text AS answer
