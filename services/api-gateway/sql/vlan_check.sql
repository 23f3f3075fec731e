-- name: vlan_check
-- columns: passes bool, known text
-- $1 VLAN or group, or one of them with /POOL, $2 app. An app that is there already is the scheduler's to answer: a replay, or a conflict.
SELECT EXISTS (SELECT 1 FROM ipam.vlan_v n WHERE $1 IN (n.name, n."group"))
    OR EXISTS (SELECT 1 FROM ipam.pool_v p WHERE $1 IN (p.name, p."groupName"))
    OR EXISTS (SELECT 1 FROM scheduler.app_v a WHERE a.name = $2) AS passes,
  coalesce((SELECT string_agg(name, ', ' ORDER BY name)
            FROM (SELECT name FROM (SELECT name FROM ipam.vlan_v UNION SELECT "group" FROM ipam.vlan_v WHERE "group" <> ''
            UNION SELECT name FROM ipam.pool_v) k ORDER BY name LIMIT 10) n), 'none yet') AS known
