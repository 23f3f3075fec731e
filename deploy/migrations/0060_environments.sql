-- An environment is that of a group of instances; the label `environment` of an app counts where its group says nothing.

-- The environments of an app: one a live group.
CREATE FUNCTION gateway.environments(p_app uuid)
RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT DISTINCT coalesce(nullif(g.environment, ''), a.labels->>'environment', '')
  FROM scheduler.app a LEFT JOIN scheduler.instance_group g ON g.app_id = a.id AND NOT g.deleted WHERE a.id = p_app
$$;

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
    SELECT n, l.app_id, l.group_id FROM unnest(p_names) n CROSS JOIN LATERAL (
      SELECT i.app_id, i.group_id FROM scheduler.instance i WHERE i.name = n OR i.id::text = n ORDER BY (i.state = 'retired'), i.id DESC LIMIT 1) l
      WHERE p_kind = 'instance'
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

-- The groups within any of these lines of "team|app|environment"; deleted ones too, since their instances are still shown.
CREATE FUNCTION gateway.visible_groups(p_visible text)
RETURNS TABLE (app text, name text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT a.name, g.name FROM scheduler.app a JOIN scheduler.instance_group g ON g.app_id = a.id WHERE EXISTS (
    SELECT 1 FROM (SELECT split_part(l, '|', 1) AS team, split_part(l, '|', 2) AS app, split_part(l, '|', 3) AS environment
                   FROM regexp_split_to_table(p_visible, E'\n') l WHERE l LIKE '%|%|%') v
    WHERE (v.team = '' OR v.team = a.team) AND (v.app = '' OR v.app = a.name)
      AND (v.environment = '' OR v.environment = coalesce(nullif(g.environment, ''), a.labels->>'environment', '')))
$$;

-- The apps of which anything is.
CREATE OR REPLACE FUNCTION gateway.visible_apps(p_visible text)
RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT a.name FROM scheduler.app a WHERE EXISTS (
    SELECT 1 FROM (SELECT split_part(l, '|', 1) AS team, split_part(l, '|', 2) AS app, split_part(l, '|', 3) AS environment
                   FROM regexp_split_to_table(p_visible, E'\n') l WHERE l LIKE '%|%|%') v
    WHERE (v.team = '' OR v.team = a.team) AND (v.app = '' OR v.app = a.name)
      AND (v.environment = '' OR v.environment IN (SELECT gateway.environments(a.id))))
$$;

CREATE OR REPLACE FUNCTION gateway.exec_rights(p_sessions uuid[], p_credentials text[], p_lease_s integer)
RETURNS TABLE (session uuid, role text, is_valid boolean, is_revoked boolean, grants text, role_max text, token_team text, token_app text,
  token_environment text, app text, team text, environment text)
LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT e.session, CASE WHEN a.disabled THEN '' ELSE e.role END, e.is_valid, e.is_revoked, gateway.grants_of(s.person), coalesce(t.role, 'admin'),
    coalesce(t.team, ''), coalesce(t.app, ''), coalesce(t.environment, ''), s.app, coalesce(b.team, ''),
    coalesce(nullif(g.environment, ''), b.labels->>'environment', '')
  FROM gateway.exec_alive(p_sessions, p_credentials, p_lease_s) e
  JOIN gateway.ssh_session s ON s.session = e.session
  JOIN unnest(p_sessions, p_credentials) AS c(id, credential) ON c.id = e.session
  LEFT JOIN gateway.account a ON a.name = s.person
  LEFT JOIN gateway.token t ON c.credential = 'token:' || t.id
  LEFT JOIN scheduler.app b ON b.name = s.app
  LEFT JOIN scheduler.instance i ON i.id = s.instance_id
  LEFT JOIN scheduler.instance_group g ON g.id = i.group_id
$$;

REVOKE ALL ON FUNCTION gateway.environments(uuid), gateway.visible_groups(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.visible_groups(text) TO sot_gateway;
