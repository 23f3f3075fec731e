-- name: network_told
-- columns: none
-- $1 network, $2 actor, $3 VLAN id, $4 cidr
SELECT core.emit(ARRAY['network.created'], ARRAY[$1::text], ARRAY[''], ARRAY[''], ARRAY[$2::text], ARRAY[NULL::uuid],
  ARRAY[json_build_object('vlanId', $3::int4, 'cidr', $4::text)::text])
