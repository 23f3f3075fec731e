-- name: machine_import
-- columns: answer text
-- $1: actor, $2: address, $3: request id, $4: only look, $5: the rows of the file
SELECT gateway.machine_import($1, $2, $3, $4::boolean, $5::jsonb)::text AS answer
