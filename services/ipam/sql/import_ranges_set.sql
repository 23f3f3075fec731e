-- name: import_ranges_set
-- columns: none
-- $1 id, $2 subnet, $3 first, $4 last, $5 kind, $6 owner, $7 reason, $8 actor, $9 pool: new ones, and those that change.
INSERT INTO ipam.address_range AS g (id, vrf, subnet, first, last, kind, owner, reason, created_by, pool)
SELECT t.id, s.vrf, s.id, t.first, t.last, t.kind, t.owner, t.reason, $8::text, t.pool
FROM unnest($1::uuid[], $2::uuid[], $3::inet[], $4::inet[], $5::text[], $6::text[], $7::text[], $9::text[])
    AS t(id, subnet, first, last, kind, owner, reason, pool)
  JOIN ipam.subnet s ON s.id = t.subnet
ON CONFLICT (id) DO UPDATE 
  SET kind = excluded.kind, owner = excluded.owner, reason = excluded.reason, pool = excluded.pool, created_at = now(), created_by = excluded.created_by
