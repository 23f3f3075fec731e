-- name: export_subnets
-- columns: vrf text, vlan text, cidr text, gateway text, first text, last text, dns text, rank int4, weight int4, open bool, redundant bool, description text
SELECT s.vrf, s.vlan, s.cidr, s.gateway, s.first, s.last,
  (SELECT string_agg(d, ' ' ORDER BY n) FROM json_array_elements_text(s.dns) WITH ORDINALITY AS t (d, n)) AS dns, s.rank, s.weight, s.open,
  s."redundantGateway" AS redundant, s.description
FROM ipam.subnet_v s ORDER BY s.vrf, s.cidr::inet
