-- name: export_subnets
-- columns: key text, vrf text, vlan text, cidr text, gateway text, first text, last text, dns text, rank int4, weight int4, open bool, redundant bool, description text
-- $1: key of the last line before, '' for the first page; $2: lines of a page
SELECT s.vrf || ' ' || s.cidr AS key, s.vrf, s.vlan, s.cidr, s.gateway, s.first, s.last,
  (SELECT string_agg(d, ' ' ORDER BY n) FROM json_array_elements_text(s.dns) WITH ORDINALITY AS t (d, n)) AS dns, s.rank, s.weight, s.open,
  s."redundantGateway" AS redundant, s.description
FROM ipam.subnet_v s WHERE $1 = '' OR (s.vrf, s.cidr::inet) > (split_part($1, ' ', 1), nullif(split_part($1, ' ', 2), '')::inet)
ORDER BY s.vrf, s.cidr::inet LIMIT $2::bigint
