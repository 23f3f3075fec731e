-- name: dead_letter_send
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.dead_letter_send($1, $2, $3, $4, $5, $6::bigint)
