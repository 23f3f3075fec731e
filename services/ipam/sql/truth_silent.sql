-- name: truth_silent
-- columns: none
-- $1 vrf, $2 address, $3 evidence. A probe of what looks like a leak got no answer.
UPDATE ipam.leak l SET silent_at = clock_timestamp(), evidence = t.evidence
FROM unnest($1::int4[], $2::inet[], $3::text[]) AS t(vrf, address, evidence)
WHERE l.vrf = t.vrf AND l.address = t.address
