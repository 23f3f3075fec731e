-- name: network_audited
-- columns: none
-- $1 actor, $2 source address, $3 API request id, $4 network, $5 cidr
SELECT gateway.audit_add($1::text, $2::text, $3::text, 'network.create', $4::text, 'ok', NULL, json_build_object('cidr', $5::text)::text)
