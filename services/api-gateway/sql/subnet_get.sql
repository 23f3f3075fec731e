-- name: subnet_get
-- columns: item text, cidr text, vrf text, first inet, last inet, gateway inet, redundant bool
-- $1: network/prefix or id, $2: VRF, '' for the default one
SELECT row_to_json(v)::text AS item, v.cidr, v.vrf, v.first::inet AS first, v.last::inet AS last, v.gateway::inet AS gateway,
  v."redundantGateway" AS redundant
FROM ipam.subnet_v v
WHERE v.id::text = $1 OR (v.cidr = $1 AND v.vrf = coalesce(nullif($2, ''), 'default'))
