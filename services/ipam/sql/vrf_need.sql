-- name: vrf_need
-- columns: none
-- Runs behind change_step: one at a time.
INSERT INTO ipam.vrf (number, name)
SELECT max(number) + 1, $1::text FROM ipam.vrf HAVING NOT bool_or(name = $1::text)
