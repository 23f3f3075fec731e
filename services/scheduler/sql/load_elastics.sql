-- name: load_elastics
-- columns: app_id uuid, group_name text, enabled bool, dry_run bool, min int8, max int8, up_step int8, down_step int8, up_cooldown_s int8, down_cooldown_s int8, stable_s int8, tolerance int8, count int4, changed_ms int8, low_ms int8, low_most int4, updated_ms int8, updated_by text
SELECT e.app_id, e.group_name, (p->>'enabled')::bool AS enabled, (p->>'dryRun')::bool AS dry_run, (p->>'min')::bigint AS min,
  (p->>'max')::bigint AS max, (p->>'upStep')::bigint AS up_step, (p->>'downStep')::bigint AS down_step,
  (p->>'upCooldownSeconds')::bigint AS up_cooldown_s, (p->>'downCooldownSeconds')::bigint AS down_cooldown_s, (p->>'stableSeconds')::bigint AS stable_s,
  (p->>'tolerancePercent')::bigint AS tolerance, e.count, coalesce((date_part('epoch', e.changed_at) * 1000)::bigint, 0) AS changed_ms,
  coalesce((date_part('epoch', e.low_at) * 1000)::bigint, 0) AS low_ms, e.low_most, (date_part('epoch', e.updated_at) * 1000)::bigint AS updated_ms,
  e.updated_by
FROM scheduler.elastic e CROSS JOIN LATERAL (SELECT e.policy AS p) AS of_row
