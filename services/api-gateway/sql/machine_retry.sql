-- name: machine_retry
-- columns: answer text
-- $1: actor, $2: address, $3: request id, $4: names as a JSON list, empty for all that failed, $5: another ssh key is taken
SELECT gateway.machine_retry($1, $2, $3, ARRAY(SELECT jsonb_array_elements_text($4::jsonb)), $5::boolean)::text AS answer
