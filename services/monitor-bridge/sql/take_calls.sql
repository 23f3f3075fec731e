-- name: take_calls
-- columns: service text, address inet, calls text
SELECT service, address, calls FROM monitor.take_calls($1::integer)
