-- name: machine_run_end
-- columns: answer text
-- $1: run, $2: why it ended before its time, empty: it did not
SELECT j::text AS answer FROM gateway.machine_run_end($1::uuid, $2) AS j WHERE j IS NOT NULL
