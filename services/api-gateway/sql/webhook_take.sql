-- name: webhook_take
-- columns: name text, url text, secret text, upto int8, events int8, body text
SELECT name, url, secret, upto, events, body FROM gateway.webhook_take($1, $2::int, $3::bigint)
