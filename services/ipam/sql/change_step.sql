-- name: change_step
-- columns: none
-- $1 the version that was read. The row's lock lets one change after the other through.
WITH step AS (UPDATE ipam.plan SET version = version + 1 WHERE version = $1::int8 RETURNING 1)
SELECT ipam.expect(EXISTS (SELECT FROM step))
