-- name: subnets
-- columns: id uuid, vlan uuid, network inet, prefix int4, gateway inet, first inet, last inet, rank int4, weight int4, open bool, redundant_gateway bool, dns text
-- Resolvers as a list with blanks between.
SELECT id, vlan, network(cidr)::inet AS network, masklen(cidr) AS prefix, gateway, first, last, rank, weight, open, redundant_gateway,
  (SELECT coalesce(string_agg(host(d), ' ' ORDER BY n), '') FROM unnest(dns) WITH ORDINALITY AS u(d, n)) AS dns
FROM ipam.subnet ORDER BY created_at, id
