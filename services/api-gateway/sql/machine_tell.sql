-- name: machine_tell
-- columns: answer text
-- $1: run, $2: lease in seconds, $3: the lines
SELECT json_build_object('new', n)::text AS answer FROM gateway.machine_tell($1::uuid, $2::integer, $3::jsonb) AS n WHERE n IS NOT NULL
