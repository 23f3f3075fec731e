-- name: pool_keep
-- columns: told int8
-- $1 VLAN, $2 level, $3 used, $4 unusable, $5 cooling, $6 size, $7 name of the VLAN, $8 pool, $9 level before, $10 family. Told when the
-- level changed. A pool that is not among them has no ranges any more.
WITH m AS (
  SELECT
    unnest($1::uuid[]) AS vlan, unnest($2::text[]) AS level, unnest($3::int8[]) AS used, unnest($4::int8[]) AS unusable,
    unnest($5::int8[]) AS cooling, unnest($6::int8[]) AS size, unnest($7::text[]) AS vlan_name, unnest($8::text[]) AS pool,
    unnest($9::text[]) AS level_before, unnest($10::int4[]) AS family
), gone AS (
  DELETE FROM ipam.pool_usage u WHERE NOT EXISTS (SELECT FROM m WHERE m.vlan = u.vlan AND m.pool = u.pool AND m.family = u.family)
), kept AS (
  INSERT INTO ipam.pool_usage AS u (vlan, pool, family, level, used, unusable, cooling, size)
  SELECT m.vlan, m.pool, m.family, m.level, m.used, m.unusable, m.cooling, m.size FROM m JOIN ipam.vlan v ON v.id = m.vlan
  ORDER BY m.vlan, m.pool, m.family
  ON CONFLICT (vlan, pool, family) DO UPDATE SET level = excluded.level, used = excluded.used, unusable = excluded.unusable,
    cooling = excluded.cooling, size = excluded.size, updated_at = clock_timestamp()
  RETURNING u.vlan, u.pool, u.family
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('pool.utilisation'::text), array_agg(m.vlan_name || '/' || m.pool), array_agg(''::text), array_agg(''::text),
    array_agg('svc:ipam'::text), array_agg(NULL::uuid),
    array_agg(json_build_object('vlan', m.vlan_name, 'pool', m.pool, 'family', m.family, 'level', m.level,
      'usedPercent', CASE WHEN m.size > 0 THEN round((m.used + m.unusable) * 100.0 / m.size, 1) ELSE 100 END,
      'free', greatest(m.size - m.used - m.unusable - m.cooling, 0))::text))::text AS done, count(*) AS n
  FROM m JOIN kept k USING (vlan, pool, family) WHERE m.level <> m.level_before HAVING count(*) > 0
)
SELECT coalesce((SELECT n FROM told WHERE done IS NOT NULL), 0) AS told
