-- name: oidc_log_in
-- columns: outcome text, person text
SELECT outcome, person FROM gateway.oidc_log_in($1, $2, $3, $4, $5, $6::text::jsonb, $7::bytea, $8, $9)
