-- name: export_ranges
-- columns: vrf text, vlan text, first text, last text, state text, owner text, reason text
SELECT r.vrf, r.vlan, r.first, r.last, r.kind AS state, r.owner, r.reason FROM ipam.address_range_v r ORDER BY r.vrf, r.first::inet, r.last::inet
