-- name: enrolment_add
-- columns: answer text
-- $1: actor, $2: address, $3: request id, $4: machine, $5: minutes, $6: the key waits for an approval
SELECT gateway.enrolment_add($1, $2, $3, $4, $5::integer, $6::boolean)::text AS answer
