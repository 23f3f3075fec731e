-- name: import_subnets_set
-- columns: none
-- $1 id, $2 VLAN, $3 subnet, $4 gateway, $5 first, $6 last, $7 rank, $8 weight, $9 open, $10 redundant gateway, $11 resolvers,
-- $12 description: new ones, and those that change.
INSERT INTO ipam.subnet AS s (id, vrf, vlan, cidr, gateway, first, last, rank, weight, open, redundant_gateway, dns, description)
SELECT t.id, v.vrf, v.id, t.cidr, t.gateway, t.first, t.last, t.rank, t.weight, t.open, t.redundant_gateway,
  coalesce(string_to_array(nullif(t.dns, ''), ' ')::inet[], '{}'), t.description
FROM unnest($1::uuid[], $2::uuid[], $3::cidr[], $4::inet[], $5::inet[], $6::inet[], $7::int4[], $8::int4[], $9::bool[], $10::bool[],
      $11::text[], $12::text[])
    AS t(id, vlan, cidr, gateway, first, last, rank, weight, open, redundant_gateway, dns, description)
  JOIN ipam.vlan v ON v.id = t.vlan
ON CONFLICT (id) DO UPDATE
  SET rank = excluded.rank, weight = excluded.weight, open = excluded.open, dns = excluded.dns, description = excluded.description,
      updated_at = clock_timestamp()
