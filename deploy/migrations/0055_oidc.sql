-- Accounts that log in at the company's OpenID provider (docs/adr/0048-log-in-with-openid-connect.md).
ALTER TABLE gateway.account ADD COLUMN oidc_subject text; -- "<issuer> <sub>": who it is there, whatever they are called
CREATE UNIQUE INDEX account_oidc_subject ON gateway.account (oidc_subject) WHERE oidc_subject IS NOT NULL;

-- Grants that follow from the provider's groups are those with this maker; each log-in sets them anew.
CREATE FUNCTION gateway.oidc_grants(p_account text, p_actor text, p_source_address text, p_request_id text, p_grants jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE g record;
BEGIN
  FOR g IN DELETE FROM role_grant r WHERE r.account = p_account AND r.created_by = 'oidc' AND NOT EXISTS (
      SELECT 1 FROM jsonb_to_recordset(p_grants) AS w(role text, team text) WHERE w.role = r.role AND w.team = r.team)
    RETURNING r.role, r.team LOOP
    PERFORM note(p_actor, p_source_address, p_request_id, 'oidc', 'grant.deleted', p_account, to_jsonb(g), NULL);
  END LOOP;
  FOR g IN INSERT INTO role_grant (account, role, team, created_by)
      SELECT DISTINCT p_account, w.role, w.team, 'oidc' FROM jsonb_to_recordset(p_grants) AS w(role text, team text) LIMIT 200
      ON CONFLICT DO NOTHING RETURNING role, team LOOP
    PERFORM note(p_actor, p_source_address, p_request_id, 'oidc', 'grant.created', p_account, NULL, to_jsonb(g));
  END LOOP;
END $$;

-- Somebody was let in by the provider. Answers 'done' with the account's name, which stays what it was at the first log-in; else 'taken': the
-- name is another's account; 'disabled'. The account, its role, its grants and the session are one transaction.
CREATE FUNCTION gateway.oidc_log_in(p_source_address text, p_request_id text, p_subject text, p_name text, p_role text, p_grants jsonb,
  p_session bytea, p_csrf text, p_seconds bigint)
RETURNS TABLE (outcome text, person text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE was gateway.account; made gateway.account; who text;
BEGIN
  INSERT INTO account AS a (name, role, origin, oidc_subject)
    SELECT p_name, p_role, 'oidc', p_subject WHERE NOT EXISTS (SELECT 1 FROM account b WHERE b.oidc_subject = p_subject)
    ON CONFLICT DO NOTHING RETURNING * INTO made;
  IF made.name IS NOT NULL THEN
    PERFORM note('user:' || made.name, p_source_address, p_request_id, 'oidc', 'user.created', made.name, NULL, user_facts(made));
  END IF;
  SELECT * INTO was FROM account b WHERE b.oidc_subject = p_subject FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'taken', p_name; RETURN;
  END IF;
  IF was.disabled THEN
    RETURN QUERY SELECT 'disabled', was.name; RETURN;
  END IF;
  who := 'user:' || was.name;
  UPDATE account b SET role = p_role, last_login_at = now() WHERE b.name = was.name RETURNING * INTO made;
  IF made.role <> was.role THEN
    PERFORM note(who, p_source_address, p_request_id, 'oidc', 'user.updated', was.name, user_facts(was), user_facts(made));
  END IF;
  PERFORM oidc_grants(was.name, who, p_source_address, p_request_id, p_grants);
  DELETE FROM session WHERE expires_at < now();
  INSERT INTO session (id_sha256, csrf, account, expires_at, source_address)
    VALUES (p_session, p_csrf, was.name, now() + make_interval(secs => p_seconds::double precision), p_source_address);
  RETURN QUERY SELECT 'done', was.name;
END $$;
REVOKE ALL ON FUNCTION gateway.oidc_grants(text, text, text, text, jsonb),
  gateway.oidc_log_in(text, text, text, text, text, jsonb, bytea, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.oidc_log_in(text, text, text, text, text, jsonb, bytea, text, bigint) TO sot_gateway;
