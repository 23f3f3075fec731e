-- name: audit
-- columns: audit_add_all void
SELECT gateway.audit_add_all($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[])
