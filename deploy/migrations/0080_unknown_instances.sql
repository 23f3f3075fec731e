-- What an instance does is not known while its host's agent is silent. The scheduler's word about the host is the one source; what is shown
-- of its instances comes from it, and no row of an instance is written when a host falls silent or comes back.
CREATE VIEW scheduler.silent_host_v AS
  SELECT h.id, h.seen_at AS since FROM scheduler.host h WHERE h.state IN ('suspect', 'agent_lost', 'host_lost');
GRANT SELECT ON scheduler.silent_host_v TO sot_gateway, sot_bridge;

CREATE OR REPLACE VIEW scheduler.instance_v AS
  SELECT i.id, i.name, a.name AS app, g.name AS "group", i.number, h.name AS host, host(i.address) AS address, i.state,
         CASE WHEN s.id IS NOT NULL THEN 'unknown' ELSE i.health END AS health,
         i.observed_version AS version, i.version AS "wantedVersion", i.desired, i.image, i.mac::text AS mac, i.vlan_id AS "vlanId",
         i.cpu_milli AS "cpuMilli", i.memory_bytes AS "memoryBytes", i.disk_bytes AS "diskBytes", i.generation,
         i.container_id AS "containerId", i.restarts, i.error, i.started_at AS "startedAt", i.observed_at AS "observedAt",
         i.created_at AS "createdAt", i.updated_at AS "updatedAt", i.vlan, host(i.address_v6) AS "addressV6", i.bandwidth_kbit AS "bandwidthKbit",
         t.name AS "movingTo", i.plan, s.since AS "unknownSince"
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.instance_group g ON g.id = i.group_id
       LEFT JOIN scheduler.host h ON h.id = i.host_id LEFT JOIN scheduler.host t ON t.id = i.moving_to
       LEFT JOIN scheduler.silent_host_v s ON s.id = i.host_id AND i.state <> 'retired';
CREATE OR REPLACE VIEW scheduler.middleware_instance_v AS
  SELECT i.name AS instance, i.id, a.name AS app, h.name AS host, split_part(p.one, '=', 1) AS middleware, split_part(p.one, '=', 2) AS version,
         i.state, CASE WHEN s.id IS NOT NULL THEN 'unknown' ELSE i.health END AS health,
         coalesce(split_part((SELECT o FROM unnest(string_to_array(a.middleware, ',')) o
           WHERE split_part(o, '=', 1) = split_part(p.one, '=', 1)), '=', 2), '') AS "appVersion", s.since AS "unknownSince"
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id LEFT JOIN scheduler.host h ON h.id = i.host_id
       LEFT JOIN scheduler.silent_host_v s ON s.id = i.host_id AND i.state <> 'retired'
       CROSS JOIN LATERAL unnest(string_to_array(i.middleware, ',')) AS p(one)
  WHERE i.middleware <> '' AND i.desired <> 'retired';
-- Ready is who is known to be.
CREATE OR REPLACE VIEW scheduler.app_v AS
  SELECT a.id, a.name, a.image, a.plan, a.vlan, a.command, a.health, a.env, a.version, a.deleting,
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = a.id AND i.desired <> 'retired') AS wanted,
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = a.id AND i.state = 'running' AND i.health = 'healthy'
            AND NOT EXISTS (SELECT 1 FROM scheduler.silent_host_v s WHERE s.id = i.host_id)) AS ready,
         a.created_at AS "createdAt", a.updated_at AS "updatedAt", coalesce(a.team, '') AS team, a.placement, a.recovery, a.on_return AS "onReturn"
  FROM scheduler.app a;
CREATE OR REPLACE VIEW scheduler.group_v AS
  SELECT g.id, a.name AS app, g.name, g.environment, CASE WHEN g.version <> '' THEN g.version ELSE a.version END AS version,
         (SELECT count(*) FROM scheduler.instance i WHERE i.group_id = g.id AND i.desired <> 'retired') AS wanted,
         (SELECT count(*) FROM scheduler.instance i WHERE i.group_id = g.id AND i.state = 'running' AND i.health = 'healthy'
            AND NOT EXISTS (SELECT 1 FROM scheduler.silent_host_v s WHERE s.id = i.host_id)) AS ready,
         (SELECT json_build_object('min', (e.policy->>'min')::int, 'max', (e.policy->>'max')::int, 'enabled', (e.policy->>'enabled')::bool,
                                   'dryRun', (e.policy->>'dryRun')::bool)
          FROM scheduler.elastic e WHERE e.app_id = a.id AND e.group_name = g.name) AS elastic
  FROM scheduler.instance_group g JOIN scheduler.app a ON a.id = g.app_id WHERE NOT g.deleted;

-- As before, and state 'unknown' is those on silent hosts, who are in no other state then.
CREATE OR REPLACE FUNCTION scheduler.instances_fitting(p_app text, p_host text, p_state text, p_labels text, p_visible text)
RETURNS TABLE (id uuid, name text, host_id uuid, vrf integer, address inet) LANGUAGE sql STABLE AS $$
  SELECT i.id, i.name, i."hostId", i.vrf, i.address FROM scheduler.instance_key_v i
  WHERE CASE WHEN p_state = 'retired' THEN i.state = 'retired' ELSE i.state <> 'retired' AND (p_state IN ('', 'unknown') OR i.state = p_state) END
    AND CASE WHEN p_state IN ('', 'retired') THEN true
             WHEN p_state = 'unknown' THEN i."hostId" IN (SELECT s.id FROM scheduler.silent_host_v s)
             ELSE i."hostId" IS NULL OR i."hostId" NOT IN (SELECT s.id FROM scheduler.silent_host_v s) END
    AND (p_app = '' OR i."appId" = (SELECT a.id FROM scheduler.app_v a WHERE a.name = p_app))
    AND (p_host = '' OR i."hostId" = (SELECT h.id FROM scheduler.host_v h WHERE h.name = p_host))
    AND (p_labels = '' OR i."appId" IN (SELECT a.id FROM scheduler.app_v a WHERE a.name IN (SELECT gateway.labelled_apps(p_labels))))
    AND (p_visible = '' OR i."groupId" IN (SELECT gateway.visible_group_ids(p_visible)))
$$;
