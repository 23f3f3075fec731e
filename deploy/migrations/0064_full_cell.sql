-- A full cell has 10,000 hosts and 100,000 instances. What is asked for is found among the rows themselves, and only the page that is shown is
-- joined with names: the view with its joins took half a second to be sifted, and a second to be counted (ADR 0051).
CREATE VIEW scheduler.instance_key_v AS
  SELECT i.id, i.name, i.app_id AS "appId", i.group_id AS "groupId", i.host_id AS "hostId", i.vrf, i.address, i.state, i.health FROM scheduler.instance i;
-- A part of a name of three letters or more is looked up; shorter ones are sifted.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA scheduler;
CREATE INDEX instance_name_parts ON scheduler.instance USING gin (name scheduler.gin_trgm_ops) WHERE state <> 'retired';
-- All VRFs: with them the index of addresses, which begins with the VRF, gives a range of addresses.
CREATE VIEW ipam.vrf_number_v AS SELECT number FROM ipam.vrf;
GRANT SELECT ON ipam.vrf_number_v TO sot_gateway;

-- The cell in one row, for which the hosts are read once.
CREATE VIEW scheduler.cell_v AS
  SELECT count(*) AS total, count(*) FILTER (WHERE h.state = 'online') AS online, count(*) FILTER (WHERE NOT h.schedulable) AS cordoned,
         count(*) FILTER (WHERE h.state IN ('agent_lost', 'host_lost')) AS lost, coalesce(sum(h.cpu_milli), 0) AS "cpuMilli",
         coalesce(sum(h.memory_bytes), 0) AS "memoryBytes", coalesce(sum(h.disk_bytes), 0) AS "diskBytes",
         coalesce(sum(h.booked_cpu_milli), 0) AS "bookedCpuMilli", coalesce(sum(h.booked_memory_bytes), 0) AS "bookedMemoryBytes",
         coalesce(sum(h.booked_disk_bytes), 0) AS "bookedDiskBytes"
  FROM scheduler.host h WHERE h.state <> 'retired';
GRANT SELECT ON scheduler.instance_key_v, scheduler.cell_v TO sot_gateway;

-- The groups within any of these lines of "team|app|environment"; deleted ones too, since their instances are still shown.
CREATE FUNCTION gateway.visible_group_ids(p_visible text)
RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT g.id FROM scheduler.app a JOIN scheduler.instance_group g ON g.app_id = a.id WHERE EXISTS (
    SELECT 1 FROM (SELECT split_part(l, '|', 1) AS team, split_part(l, '|', 2) AS app, split_part(l, '|', 3) AS environment
                   FROM regexp_split_to_table(p_visible, E'\n') l WHERE l LIKE '%|%|%') v
    WHERE (v.team = '' OR v.team = a.team) AND (v.app = '' OR v.app = a.name)
      AND (v.environment = '' OR v.environment = coalesce(nullif(g.environment, ''), a.labels->>'environment', '')))
$$;
CREATE OR REPLACE FUNCTION gateway.visible_groups(p_visible text)
RETURNS TABLE (app text, name text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT a.name, g.name FROM scheduler.instance_group g JOIN scheduler.app a ON a.id = g.app_id WHERE g.id IN (SELECT gateway.visible_group_ids(p_visible))
$$;
REVOKE ALL ON FUNCTION gateway.visible_group_ids(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.visible_group_ids(text) TO sot_gateway;

-- The instances of an app, on a host, in a state, of apps with labels, within what the caller may see; each '' for any. Retired ones are history: only
-- when asked for. Not SECURITY DEFINER and without settings, so that it becomes part of the statement around it, where what is '' falls away.
CREATE FUNCTION scheduler.instances_fitting(p_app text, p_host text, p_state text, p_labels text, p_visible text)
RETURNS TABLE (id uuid, name text, host_id uuid, vrf integer, address inet) LANGUAGE sql STABLE AS $$
  SELECT i.id, i.name, i."hostId", i.vrf, i.address FROM scheduler.instance_key_v i
  WHERE CASE WHEN p_state = 'retired' THEN i.state = 'retired' ELSE i.state <> 'retired' AND (p_state = '' OR i.state = p_state) END
    AND (p_app = '' OR i."appId" = (SELECT a.id FROM scheduler.app_v a WHERE a.name = p_app))
    AND (p_host = '' OR i."hostId" = (SELECT h.id FROM scheduler.host_v h WHERE h.name = p_host))
    AND (p_labels = '' OR i."appId" IN (SELECT a.id FROM scheduler.app_v a WHERE a.name IN (SELECT gateway.labelled_apps(p_labels))))
    AND (p_visible = '' OR i."groupId" IN (SELECT gateway.visible_group_ids(p_visible)))
$$;
-- What LIKE takes for a part of a lower-case text.
CREATE FUNCTION gateway.part_of(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '%' || replace(replace(replace(lower(p_text), '\', '\\'), '%', '\%'), '_', '\_') || '%'
$$;
-- Of a text that an IPv4 address begins with, as "10.66.3" or "10.66.3.1": the network of its whole numbers, here 10.66.0.0/16 and 10.66.3.0/24; NULL for others.
-- A network is a range of the index of addresses; 100,000 addresses need not be written out and looked into.
CREATE FUNCTION gateway.network_of(p_text text) RETURNS inet LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_text ~ '^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])[.]){1,3}[0-9]{0,3}$' THEN
    (regexp_replace(p_text, '[0-9]*$', '') || repeat('0.', 3 - n) || '0/' || 8 * n)::inet END
  FROM (SELECT length(p_text) - length(replace(p_text, '.', '')) AS n) dots
$$;
GRANT EXECUTE ON FUNCTION scheduler.instances_fitting(text, text, text, text, text), gateway.part_of(text), gateway.network_of(text) TO sot_gateway;

-- One instance by its name or id; a live one wins over retired ones of the same name. By the index of live names, the key, or the index here.
CREATE INDEX instance_retired_name ON scheduler.instance (name, id) WHERE state = 'retired';
CREATE FUNCTION gateway.instance_named(p_name text)
RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT coalesce((SELECT i.id FROM scheduler.instance i WHERE i.name = p_name AND i.state <> 'retired'),
    (SELECT i.id FROM scheduler.instance i WHERE i.id = CASE WHEN p_name ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN p_name::uuid END),
    (SELECT i.id FROM scheduler.instance i WHERE i.name = p_name AND i.state = 'retired' ORDER BY i.id DESC LIMIT 1))
$$;
REVOKE ALL ON FUNCTION gateway.instance_named(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.instance_named(text) TO sot_gateway;

-- What names are about: a row an app and environment. 'group': "<app>/<group>"; one that is not there yet is about the whole app.
CREATE OR REPLACE FUNCTION gateway.targets(p_kind text, p_names text[])
RETURNS TABLE (asked text, app text, team text, environment text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
BEGIN
  RETURN QUERY
  SELECT DISTINCT f.asked, a.name, coalesce(a.team, ''), e.name
  FROM (
    SELECT n AS asked, b.id, NULL::uuid AS group_id FROM unnest(p_names) n JOIN scheduler.app b ON b.name = n OR b.id::text = n WHERE p_kind = 'app'
    UNION ALL
    SELECT n, b.id, g.id FROM unnest(p_names) n JOIN scheduler.app b ON b.name = split_part(n, '/', 1) OR b.id::text = split_part(n, '/', 1)
      LEFT JOIN scheduler.instance_group g ON g.app_id = b.id AND g.name = split_part(n, '/', 2) AND NOT g.deleted WHERE p_kind = 'group'
    UNION ALL
    SELECT n, i.app_id, i.group_id FROM unnest(p_names) n JOIN scheduler.instance i ON i.id = gateway.instance_named(n) WHERE p_kind = 'instance'
    UNION ALL
    SELECT n, o.app_id, coalesce(i.group_id, g.id) FROM unnest(p_names) n JOIN scheduler.operation o ON o.id::text = n OR o.parent_id::text = n
      LEFT JOIN scheduler.instance i ON i.id = o.resource_id
      LEFT JOIN scheduler.instance_group g ON g.app_id = o.app_id AND g.name = o.spec->>'group' WHERE p_kind = 'operation'
    UNION ALL
    SELECT n, v.app_id, NULL FROM unnest(p_names) n JOIN scheduler.app_version v ON encode(v.sha256, 'hex') = n WHERE p_kind = 'blob'
  ) f JOIN scheduler.app a ON a.id = f.id
  CROSS JOIN LATERAL (
    SELECT coalesce(nullif(g.environment, ''), a.labels->>'environment', '') AS name FROM scheduler.instance_group g WHERE g.id = f.group_id
    UNION ALL
    SELECT gateway.environments(a.id) WHERE f.group_id IS NULL) e;
END $$;
