-- name: network_check
-- columns: passes bool, known text
-- $1 network, $2 app. An app that is there already is the scheduler's to answer: a replay, or a conflict.
SELECT EXISTS (SELECT 1 FROM ipam.subnet_v n WHERE n.network = $1)
    OR EXISTS (SELECT 1 FROM scheduler.app_v a WHERE a.name = $2) AS passes,
  coalesce((SELECT string_agg(network, ', ' ORDER BY network)
            FROM (SELECT DISTINCT network FROM ipam.subnet_v ORDER BY network LIMIT 10) n), 'none yet') AS known
