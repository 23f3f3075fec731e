-- name: enrol
-- columns: answer text
-- $1: address, $2: request id, $3: token, $4: public key, $5: machine id
SELECT gateway.enrol($1, $2, $3, $4, $5)::text AS answer
