-- name: truth_seen
-- columns: none
-- $1 vrf, $2 address, $3 evidence. Somebody uses what looks like a leak.
UPDATE ipam.leak l SET seen_at = clock_timestamp(), evidence = t.evidence
FROM (SELECT unnest($1::int4[]) AS vrf, unnest($2::inet[]) AS address, unnest($3::text[]) AS evidence) AS t
WHERE l.vrf = t.vrf AND l.address = t.address
