-- name: audit
-- columns: audit_add void
SELECT gateway.audit_add(actor, source, request, action, target, 'accepted', operation_id, '{}')
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[]) AS t(actor, source, request, action, target, operation_id)
