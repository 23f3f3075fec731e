-- name: machine_claim
-- columns: answer text
-- $1: actor, $2: runner, $3: names as a JSON list, empty for any, $4: how many, $5: lease in seconds, $6: of an operator's own Ansible
SELECT gateway.machine_claim($1, $2, ARRAY(SELECT jsonb_array_elements_text($3::jsonb)), $4::integer, $5::integer, $6::boolean)::text AS answer
