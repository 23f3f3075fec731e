-- name: export_addresses
-- columns: vrf text, vlan text, address text, state text, owner text, mac text, reason text
SELECT a.vrf, a.vlan, a.address, a.state, a."ownerName" AS owner, a.mac, a.reason
FROM ipam.address_v a WHERE a.state IN ('static', 'excluded') ORDER BY a."vrfNumber", a.inet
