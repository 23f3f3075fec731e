-- name: vlan_use
-- columns: cidr text, held int8
SELECT s.cidr::text AS cidr, (SELECT count(*) FROM ipam.address a WHERE a.subnet = s.id AND a.state <> 'cooling') AS held
FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan
WHERE v.name = $1::text
ORDER BY family(s.cidr), s.cidr
