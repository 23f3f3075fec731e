-- name: truth_silent
-- columns: none
-- $1 vrf, $2 address, $3 evidence. A probe of what looks like a leak got no answer.
UPDATE ipam.leak l SET silent_at = clock_timestamp(), evidence = t.evidence
FROM (SELECT unnest($1::int4[]) AS vrf, unnest($2::inet[]) AS address, unnest($3::text[]) AS evidence) AS t
WHERE l.vrf = t.vrf AND l.address = t.address
