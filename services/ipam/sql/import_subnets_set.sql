-- name: import_subnets_set
-- columns: none
-- $1 id, $2 VLAN, $3 subnet, $4 gateway, $5 first, $6 last, $7 rank, $8 weight, $9 open, $10 redundant gateway, $11 resolvers,
-- $12 description: new ones, and those that change.
INSERT INTO ipam.subnet AS s (id, vrf, vlan, cidr, gateway, first, last, rank, weight, open, redundant_gateway, dns, description)
SELECT t.id, v.vrf, v.id, t.cidr, t.gateway, t.first, t.last, t.rank, t.weight, t.open, t.redundant_gateway,
  coalesce(string_to_array(nullif(t.dns, ''), ' ')::inet[], '{}'), t.description
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::uuid[]) AS vlan, unnest($3::cidr[]) AS cidr, unnest($4::inet[]) AS gateway,
  unnest($5::inet[]) AS first, unnest($6::inet[]) AS last, unnest($7::int4[]) AS rank, unnest($8::int4[]) AS weight,
  unnest($9::bool[]) AS open, unnest($10::bool[]) AS redundant_gateway, unnest($11::text[]) AS dns, unnest($12::text[]) AS description) AS t
  JOIN ipam.vlan v ON v.id = t.vlan
ON CONFLICT (id) DO UPDATE
  SET rank = excluded.rank, weight = excluded.weight, open = excluded.open, dns = excluded.dns, description = excluded.description,
      updated_at = clock_timestamp()
