-- name: account_drop
-- columns: name text
-- Its tokens and sessions go with it.
DELETE FROM gateway.account WHERE name = $1 RETURNING name
