-- Who may do what where: roles within a reach, tokens narrower than their account, users that can be disabled.
-- An environment is the label `environment` of an app.
ALTER TABLE scheduler.app ADD COLUMN labels jsonb NOT NULL DEFAULT '{}';

ALTER TABLE gateway.account DROP CONSTRAINT account_role_check;
ALTER TABLE gateway.account
  ADD CONSTRAINT account_role_check CHECK (role IN ('none', 'viewer', 'developer', 'middleware', 'operator', 'admin')),
  ADD COLUMN disabled boolean NOT NULL DEFAULT false,
  ADD COLUMN origin text NOT NULL DEFAULT 'local' CHECK (origin IN ('local', 'oidc', 'break-glass')),
  ADD COLUMN last_login_at timestamptz;

CREATE TABLE gateway.role_grant (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account     text NOT NULL REFERENCES gateway.account (name) ON DELETE CASCADE,
  role        text NOT NULL CHECK (role IN ('viewer', 'developer', 'middleware', 'operator', 'admin')),
  team        text NOT NULL DEFAULT '' CHECK (team ~ '^[A-Za-z0-9._-]{0,30}$'),
  app         text NOT NULL DEFAULT '' CHECK (app ~ '^[a-z0-9-]{0,30}$'),
  environment text NOT NULL DEFAULT '' CHECK (environment ~ '^[A-Za-z0-9._-]{0,63}$'),
  created_at  timestamptz NOT NULL DEFAULT now(),
  created_by  text NOT NULL,
  UNIQUE (account, role, team, app, environment),
  CHECK (team <> '' OR app <> '' OR environment <> '')
);
ALTER TABLE gateway.token
  ADD COLUMN role text NOT NULL DEFAULT 'admin' CHECK (role IN ('viewer', 'developer', 'middleware', 'operator', 'admin')), -- at most
  ADD COLUMN team text NOT NULL DEFAULT '' CHECK (team ~ '^[A-Za-z0-9._-]{0,30}$'),
  ADD COLUMN app text NOT NULL DEFAULT '' CHECK (app ~ '^[a-z0-9-]{0,30}$'),
  ADD COLUMN environment text NOT NULL DEFAULT '' CHECK (environment ~ '^[A-Za-z0-9._-]{0,63}$');
ALTER TABLE gateway.session ADD COLUMN source_address text NOT NULL DEFAULT '';
CREATE INDEX role_grant_account ON gateway.role_grant (account);

-- Lines of "role|team|app|environment", as gw_rights reads them.
CREATE FUNCTION gateway.grants_of(p_account text)
RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT coalesce(string_agg(concat_ws('|', role, team, app, environment), E'\n' ORDER BY id), '') FROM role_grant WHERE account = p_account
$$;

-- The apps that these things belong to, with what rights depend on. An operation without an app has no row, unless it has
-- parts that have one.
CREATE FUNCTION gateway.targets(p_kind text, p_names text[])
RETURNS TABLE (asked text, app text, team text, environment text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
BEGIN
  RETURN QUERY
  SELECT DISTINCT f.asked, a.name, coalesce(a.team, ''), coalesce(a.labels->>'environment', '')
  FROM (
    SELECT n AS asked, b.id FROM unnest(p_names) n JOIN scheduler.app b ON b.name = n OR b.id::text = n WHERE p_kind = 'app'
    UNION ALL
    SELECT n, (SELECT i.app_id FROM scheduler.instance i WHERE i.name = n OR i.id::text = n ORDER BY (i.state = 'retired'), i.id DESC LIMIT 1)
      FROM unnest(p_names) n WHERE p_kind = 'instance'
    UNION ALL
    SELECT n, o.app_id FROM unnest(p_names) n JOIN scheduler.operation o ON o.id::text = n OR o.parent_id::text = n WHERE p_kind = 'operation'
    UNION ALL
    SELECT n, v.app_id FROM unnest(p_names) n JOIN scheduler.app_version v ON encode(v.sha256, 'hex') = n WHERE p_kind = 'blob'
  ) f JOIN scheduler.app a ON a.id = f.id;
END $$;

-- The apps within any of these lines of "team|app|environment".
CREATE FUNCTION gateway.visible_apps(p_visible text)
RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT a.name FROM scheduler.app a WHERE EXISTS (
    SELECT 1 FROM (SELECT split_part(l, '|', 1) AS team, split_part(l, '|', 2) AS app, split_part(l, '|', 3) AS environment, l
                   FROM regexp_split_to_table(p_visible, E'\n') l WHERE l LIKE '%|%|%') v
    WHERE (v.team = '' OR v.team = a.team) AND (v.app = '' OR v.app = a.name)
      AND (v.environment = '' OR v.environment = a.labels->>'environment'))
$$;

-- One change that the gateway makes: its audit row and its event.
CREATE FUNCTION gateway.note(p_actor text, p_source_address text, p_request_id text, p_credential text, p_action text, p_target text,
  p_before jsonb, p_after jsonb)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT gateway.audit_add(p_actor, p_source_address, p_request_id, p_action, p_target, 'done', NULL,
    jsonb_strip_nulls(jsonb_build_object('credential', nullif(p_credential, ''), 'before', p_before, 'after', p_after))::text);
  SELECT core.emit(ARRAY[p_action], ARRAY[p_target], ARRAY[''], ARRAY[''], ARRAY[p_actor], ARRAY[NULL::uuid],
    ARRAY[jsonb_build_object('changed', (
      SELECT coalesce(jsonb_object_agg(k, jsonb_build_array(p_before->k, p_after->k)), '{}')
      FROM (SELECT jsonb_object_keys(coalesce(p_before, '{}') || coalesce(p_after, '{}'))) AS keys(k)
      WHERE p_before->k IS DISTINCT FROM p_after->k))::text]);
$$;

CREATE VIEW gateway.user_v AS
  SELECT a.name, a.role, a.disabled, a.origin, a.password_hash IS NOT NULL AS "hasPassword", a.created_at AS "createdAt",
         a.last_login_at AS "lastLoginAt",
         (SELECT count(*) FROM gateway.role_grant g WHERE g.account = a.name) AS grants,
         (SELECT count(*) FROM gateway.token t WHERE t.account = a.name AND t.expires_at > now()) AS tokens,
         (SELECT count(*) FROM gateway.session s WHERE s.account = a.name AND s.expires_at > now()) AS sessions
  FROM gateway.account a;
CREATE VIEW gateway.grant_v AS
  SELECT id, account AS "user", role, team, app, environment, created_at AS "createdAt", created_by AS "createdBy" FROM gateway.role_grant;
CREATE VIEW gateway.token_v AS
  SELECT id, account AS "user", description, role, team, app, environment, created_at AS "createdAt", expires_at AS "expiresAt",
         last_used_at AS "lastUsedAt", expires_at <= now() AS expired
  FROM gateway.token WHERE account IS NOT NULL;
CREATE VIEW gateway.session_v AS
  SELECT left(encode(id_sha256, 'hex'), 16) AS id, account AS "user", source_address AS "sourceAddress", created_at AS "createdAt",
         expires_at AS "expiresAt"
  FROM gateway.session WHERE expires_at > now();

-- What of a user goes into audit and events: never the password's hash.
CREATE FUNCTION gateway.user_facts(a gateway.account)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN a.name IS NOT NULL THEN jsonb_build_object('role', a.role, 'disabled', a.disabled, 'hasPassword', a.password_hash IS NOT NULL) END
$$;

-- Whether another enabled admin than this one is left.
CREATE FUNCTION gateway.another_admin(p_name text)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM gateway.account WHERE role = 'admin' AND NOT disabled AND origin <> 'break-glass' AND name <> p_name)
$$;

-- The changes. Each answers (outcome, item): 'done' with the object, else why not: 'exists', 'missing', 'last_admin', 'more_than_own'.
CREATE FUNCTION gateway.user_create(p_actor text, p_source_address text, p_request_id text, p_credential text, p_name text, p_role text, p_hash text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE made account;
BEGIN
  INSERT INTO account (name, role, password_hash) VALUES (p_name, p_role, nullif(p_hash, '')) ON CONFLICT (name) DO NOTHING RETURNING * INTO made;
  IF made.name IS NULL THEN
    RETURN QUERY SELECT 'exists', ''; RETURN;
  END IF;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'user.created', p_name, NULL, user_facts(made));
  RETURN QUERY SELECT 'done', row_to_json(v)::text FROM user_v v WHERE v.name = p_name;
END $$;

-- p_role, p_disabled ('true', 'false') and p_hash: '' leaves as it is. Disabling ends all sessions; tokens stop while it lasts.
CREATE FUNCTION gateway.user_update(p_actor text, p_source_address text, p_request_id text, p_credential text, p_name text, p_role text,
  p_disabled text, p_hash text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE was account; made account;
BEGIN
  PERFORM 1 FROM account WHERE role = 'admin' ORDER BY name FOR UPDATE; -- two that demote each other stand in line
  SELECT * INTO was FROM account WHERE name = p_name FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  IF was.role = 'admin' AND NOT was.disabled AND (p_disabled = 'true' OR p_role NOT IN ('', 'admin')) AND NOT another_admin(p_name) THEN
    RETURN QUERY SELECT 'last_admin', ''; RETURN;
  END IF;
  UPDATE account SET role = coalesce(nullif(p_role, ''), role), disabled = coalesce(nullif(p_disabled, '')::boolean, disabled),
    password_hash = coalesce(nullif(p_hash, ''), password_hash) WHERE name = p_name RETURNING * INTO made;
  IF made.disabled OR p_hash <> '' THEN
    DELETE FROM session WHERE account = p_name;
  END IF;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'user.updated', p_name, user_facts(was),
    user_facts(made) || CASE WHEN p_hash <> '' THEN '{"passwordSet": true}'::jsonb ELSE '{}' END);
  RETURN QUERY SELECT 'done', row_to_json(v)::text FROM user_v v WHERE v.name = p_name;
END $$;

CREATE FUNCTION gateway.user_delete(p_actor text, p_source_address text, p_request_id text, p_credential text, p_name text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE was account;
BEGIN
  PERFORM 1 FROM account WHERE role = 'admin' ORDER BY name FOR UPDATE;
  SELECT * INTO was FROM account WHERE name = p_name FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  IF was.role = 'admin' AND NOT was.disabled AND NOT another_admin(p_name) THEN
    RETURN QUERY SELECT 'last_admin', ''; RETURN;
  END IF;
  DELETE FROM account WHERE name = p_name;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'user.deleted', p_name, user_facts(was), NULL);
  RETURN QUERY SELECT 'done', '{}';
END $$;

CREATE FUNCTION gateway.user_log_out(p_actor text, p_source_address text, p_request_id text, p_credential text, p_name text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE n bigint;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM account WHERE name = p_name) THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  DELETE FROM session WHERE account = p_name;
  GET DIAGNOSTICS n = ROW_COUNT;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'user.logged_out', p_name, NULL, jsonb_build_object('sessions', n));
  RETURN QUERY SELECT 'done', row_to_json(v)::text FROM user_v v WHERE v.name = p_name;
END $$;

CREATE FUNCTION gateway.grant_create(p_actor text, p_source_address text, p_request_id text, p_credential text, p_account text, p_role text,
  p_team text, p_app text, p_environment text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE made role_grant; facts jsonb;
BEGIN
  PERFORM 1 FROM account WHERE name = p_account FOR KEY SHARE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  IF (SELECT count(*) FROM role_grant WHERE account = p_account) >= 200 THEN
    RETURN QUERY SELECT 'too_many', ''; RETURN;
  END IF;
  INSERT INTO role_grant (account, role, team, app, environment, created_by) VALUES (p_account, p_role, p_team, p_app, p_environment, p_actor)
    ON CONFLICT DO NOTHING RETURNING * INTO made;
  IF made.id IS NULL THEN
    RETURN QUERY SELECT 'exists', ''; RETURN;
  END IF;
  SELECT to_jsonb(v) - 'createdAt' - 'createdBy' INTO facts FROM grant_v v WHERE v.id = made.id;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'grant.created', p_account, NULL, facts);
  RETURN QUERY SELECT 'done', row_to_json(v)::text FROM grant_v v WHERE v.id = made.id;
END $$;

CREATE FUNCTION gateway.grant_delete(p_actor text, p_source_address text, p_request_id text, p_credential text, p_id text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE was role_grant;
BEGIN
  DELETE FROM role_grant WHERE id::text = p_id RETURNING * INTO was;
  IF was.id IS NULL THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'grant.deleted', was.account,
    to_jsonb(was) - 'created_at' - 'created_by' - 'account', NULL);
  RETURN QUERY SELECT 'done', '{}';
END $$;

CREATE FUNCTION gateway.token_create(p_actor text, p_source_address text, p_request_id text, p_credential text, p_id text, p_sha256 bytea,
  p_account text, p_description text, p_days integer, p_role text, p_team text, p_app text, p_environment text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE facts jsonb;
BEGIN
  PERFORM 1 FROM account WHERE name = p_account AND NOT disabled FOR KEY SHARE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  INSERT INTO token (id, secret_sha256, account, description, expires_at, role, team, app, environment)
  VALUES (p_id, p_sha256, p_account, p_description, now() + make_interval(days => p_days), p_role, p_team, p_app, p_environment);
  SELECT to_jsonb(v) - 'createdAt' - 'lastUsedAt' - 'expired' INTO facts FROM token_v v WHERE v.id = p_id;
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'token.created', p_account, NULL, facts);
  RETURN QUERY SELECT 'done', row_to_json(v)::text FROM token_v v WHERE v.id = p_id;
END $$;

-- p_only: of this account only; '' of any.
CREATE FUNCTION gateway.token_revoke(p_actor text, p_source_address text, p_request_id text, p_credential text, p_id text, p_only text)
RETURNS TABLE (outcome text, item text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE facts jsonb; was token;
BEGIN
  DELETE FROM token WHERE id = p_id AND account IS NOT NULL AND (p_only = '' OR account = p_only) RETURNING * INTO was;
  IF was.id IS NULL THEN
    RETURN QUERY SELECT 'missing', ''; RETURN;
  END IF;
  facts := jsonb_build_object('id', was.id, 'description', was.description, 'role', was.role);
  PERFORM note(p_actor, p_source_address, p_request_id, p_credential, 'token.revoked', was.account, facts, NULL);
  RETURN QUERY SELECT 'done', '{}';
END $$;

-- The way in when nothing else works: an hour of admin for who has the gateway's machine. Loud: audit and event.
CREATE FUNCTION gateway.break_glass(p_id text, p_sha256 bytea, p_reason text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
BEGIN
  INSERT INTO account (name, role, origin) VALUES ('break-glass', 'admin', 'break-glass')
    ON CONFLICT (name) DO UPDATE SET role = 'admin', disabled = false;
  INSERT INTO token (id, secret_sha256, account, description, expires_at)
  VALUES (p_id, p_sha256, 'break-glass', 'break-glass: ' || p_reason, now() + interval '1 hour');
  PERFORM note('local:gateway', '', '', '', 'user.break_glass', 'break-glass', NULL, jsonb_build_object('reason', p_reason, 'token', p_id));
END $$;

-- As exec_alive, with all that the role on the instance's app depends on.
CREATE FUNCTION gateway.exec_rights(p_sessions uuid[], p_credentials text[], p_lease_s integer)
RETURNS TABLE (session uuid, role text, is_valid boolean, is_revoked boolean, grants text, role_max text, token_team text, token_app text,
  token_environment text, app text, team text, environment text)
LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT e.session, CASE WHEN a.disabled THEN '' ELSE e.role END, e.is_valid, e.is_revoked, gateway.grants_of(s.person), coalesce(t.role, 'admin'),
    coalesce(t.team, ''), coalesce(t.app, ''), coalesce(t.environment, ''), s.app, coalesce(b.team, ''), coalesce(b.labels->>'environment', '')
  FROM gateway.exec_alive(p_sessions, p_credentials, p_lease_s) e
  JOIN gateway.ssh_session s ON s.session = e.session
  JOIN unnest(p_sessions, p_credentials) AS c(id, credential) ON c.id = e.session
  LEFT JOIN gateway.account a ON a.name = s.person
  LEFT JOIN gateway.token t ON c.credential = 'token:' || t.id
  LEFT JOIN scheduler.app b ON b.name = s.app
$$;

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'gateway' AND p.proname IN
    ('grants_of', 'targets', 'visible_apps', 'note', 'user_create', 'user_update', 'user_delete', 'user_log_out', 'grant_create', 'grant_delete',
     'token_create', 'token_revoke', 'break_glass', 'exec_rights', 'user_facts', 'another_admin') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO sot_gateway', f);
  END LOOP;
END $$;
GRANT SELECT ON gateway.user_v, gateway.grant_v, gateway.token_v, gateway.session_v TO sot_gateway;
