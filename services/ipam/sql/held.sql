-- name: held
-- columns: subnet uuid, state text, first int8, bits int8, addresses text
-- $1 subnets. IPv4 by 64 addresses: the number of the first, and a bit for each that is in this state; a million addresses are some
-- ten thousand rows, and all processors count. IPv6 as one text for a subnet and a state.
SELECT subnet, state, ((address - '0.0.0.0'::inet) >> 6) << 6 AS first, bit_or(1::int8 << ((address - '0.0.0.0'::inet) & 63)::int4) AS bits,
  NULL::text AS addresses
FROM ipam.address
WHERE subnet = ANY ($1::uuid[]) AND state <> 'cooling' AND family(address) = 4
GROUP BY subnet, state, ((address - '0.0.0.0'::inet) >> 6) << 6
UNION ALL
SELECT subnet, state, NULL, NULL, string_agg(host(address), ' ')
FROM ipam.address
WHERE subnet = ANY ($1::uuid[]) AND state <> 'cooling' AND family(address) = 6
GROUP BY subnet, state
