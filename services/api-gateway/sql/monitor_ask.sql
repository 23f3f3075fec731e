-- name: monitor_ask
-- columns: id uuid
SELECT monitor.ask($1, $2) AS id
