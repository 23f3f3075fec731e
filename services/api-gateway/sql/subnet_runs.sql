-- name: subnet_runs
-- columns: first inet, last inet, state text
-- $1: network/prefix, $2: VRF. Rows that follow each other in one state are one run.
WITH held AS (
  SELECT v.inet AS address, v.state, lag(v.inet) OVER w AS before, lag(v.state) OVER w AS state_before
  FROM ipam.address_state_v v
  WHERE v.vrf = $2 AND v.inet >= host(network($1::inet))::inet AND v.inet <= host(broadcast($1::inet))::inet
  WINDOW w AS (ORDER BY v.inet)),
edge AS (
  SELECT address, before, state FROM held WHERE state_before IS DISTINCT FROM state OR before IS DISTINCT FROM address - 1)
SELECT address AS first, coalesce(lead(before) OVER (ORDER BY address), (SELECT max(address) FROM held)) AS last, state
FROM edge ORDER BY address LIMIT 70000
