-- name: import_ranges_set
-- columns: none
-- $1 id, $2 subnet, $3 first, $4 last, $5 kind, $6 owner, $7 reason, $8 actor, $9 pool: new ones, and those that change.
INSERT INTO ipam.address_range AS g (id, vrf, subnet, first, last, kind, owner, reason, created_by, pool)
SELECT t.id, s.vrf, s.id, t.first, t.last, t.kind, t.owner, t.reason, $8::text, t.pool
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::uuid[]) AS subnet, unnest($3::inet[]) AS first, unnest($4::inet[]) AS last,
  unnest($5::text[]) AS kind, unnest($6::text[]) AS owner, unnest($7::text[]) AS reason, unnest($9::text[]) AS pool) AS t
  JOIN ipam.subnet s ON s.id = t.subnet
ON CONFLICT (id) DO UPDATE 
  SET kind = excluded.kind, owner = excluded.owner, reason = excluded.reason, pool = excluded.pool, created_at = now(), created_by = excluded.created_by
