-- name: key_claim
-- columns: outcome text, status int8, body text
SELECT outcome, status::bigint AS status, body FROM gateway.key_claim($1, $2, $3::bytea, $4)
