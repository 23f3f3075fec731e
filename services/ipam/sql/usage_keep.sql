-- name: usage_keep
-- columns: told int8
-- $1 subnet, $2 level, $3 used, $4 unusable, $5 cooling, $6 size, $7 VLAN, $8 cidr, $9 level before. Told when the level changed.
WITH m AS (
  SELECT
    unnest($1::uuid[]) AS subnet, unnest($2::text[]) AS level, unnest($3::int8[]) AS used, unnest($4::int8[]) AS unusable,
    unnest($5::int8[]) AS cooling, unnest($6::int8[]) AS size, unnest($7::text[]) AS vlan, unnest($8::text[]) AS cidr,
    unnest($9::text[]) AS level_before
), kept AS (
  INSERT INTO ipam.subnet_usage AS u (subnet, level, used, unusable, cooling, size)
  SELECT m.subnet, m.level, m.used, m.unusable, m.cooling, m.size FROM m JOIN ipam.subnet s ON s.id = m.subnet ORDER BY m.subnet
  ON CONFLICT (subnet) DO UPDATE SET level = excluded.level, used = excluded.used, unusable = excluded.unusable, cooling = excluded.cooling,
    size = excluded.size, updated_at = clock_timestamp()
  RETURNING u.subnet, u.days_left
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('subnet.utilisation'::text), array_agg(m.cidr), array_agg(''::text), array_agg(''::text),
    array_agg('svc:ipam'::text), array_agg(NULL::uuid),
    array_agg(json_build_object('vlan', m.vlan, 'level', m.level,
      'usedPercent', CASE WHEN m.size > 0 THEN round((m.used + m.unusable) * 100.0 / m.size, 1) ELSE 100 END,
      'free', greatest(m.size - m.used - m.unusable - m.cooling, 0), 'daysLeft', k.days_left)::text))::text AS done, count(*) AS n
  FROM m JOIN kept k ON k.subnet = m.subnet WHERE m.level <> m.level_before HAVING count(*) > 0
)
SELECT coalesce((SELECT n FROM told WHERE done IS NOT NULL), 0) AS told
