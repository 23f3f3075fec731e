-- name: pools
-- columns: name text, size bigint, used bigint, cooling bigint, unusable bigint
SELECT vlan AS name, sum(size)::bigint AS size, sum(used)::bigint AS used, sum(cooling)::bigint AS cooling, sum(unusable)::bigint AS unusable
FROM ipam.subnet_v WHERE family = 4 GROUP BY vlan ORDER BY vlan LIMIT 4000
