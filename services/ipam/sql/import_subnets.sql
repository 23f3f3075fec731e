-- name: import_subnets
-- columns: id uuid, vlan text, cidr text, gateway inet, first inet, last inet, rank int4, weight int4, open bool, redundant_gateway bool, dns text, description text
SELECT s.id, v.name AS vlan, s.cidr::text AS cidr, s.gateway, s.first, s.last, s.rank, s.weight, s.open, s.redundant_gateway,
  coalesce((SELECT string_agg(host(d), ' ' ORDER BY n) FROM unnest(s.dns) WITH ORDINALITY AS t(d, n)), '') AS dns, s.description
FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan
ORDER BY s.vrf, s.cidr
