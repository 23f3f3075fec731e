-- name: allow_long_read
-- columns: set text
-- Of this transaction only: the session's limit is that of a commit.
SELECT set_config('statement_timeout', $1, true) AS set
