-- name: held
-- columns: subnet uuid, state text, addresses text
-- $1 subnets. One row for a subnet and a state: a million addresses come as a few texts, IPv4 as numbers.
SELECT subnet, state,
  string_agg(CASE family(address) WHEN 4 THEN (address - '0.0.0.0'::inet)::text ELSE host(address) END, ' ') AS addresses
FROM ipam.address
WHERE subnet = ANY ($1::uuid[]) AND state <> 'cooling'
GROUP BY subnet, state
