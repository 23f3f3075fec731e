-- Idempotency keys of what the gateway itself does: the answer to the first request is given again for 24 hours. Scheduler and ipam keep their own.
CREATE TABLE gateway.kept_answer (
  actor          text NOT NULL,
  key            text NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
  request_sha256 bytea NOT NULL CHECK (length(request_sha256) = 32),
  holder         text NOT NULL, -- the try that carries it out
  at             timestamptz NOT NULL DEFAULT now(),
  status         integer,       -- NULL: there is no answer yet
  body           text NOT NULL DEFAULT '' CHECK (length(body) <= 1500000), -- sealed by the gateway: it may hold a token that is shown once
  PRIMARY KEY (actor, key)
);
CREATE INDEX kept_answer_at ON gateway.kept_answer (at);

-- 'new': carry it out. 'kept': here is the answer. 'open': another try does it now. 'differs': the key was of another request. A try that
-- has left no answer for a minute was cut off before its change was made, or its gateway died: it is made anew.
CREATE FUNCTION gateway.key_claim(p_actor text, p_key text, p_sha256 bytea, p_holder text)
RETURNS TABLE (outcome text, status integer, body text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
DECLARE there kept_answer;
BEGIN
  DELETE FROM kept_answer k WHERE k.ctid IN (SELECT o.ctid FROM kept_answer o WHERE o.at < now() - interval '24 hours' ORDER BY o.at LIMIT 100);
  INSERT INTO kept_answer AS k (actor, key, request_sha256, holder) VALUES (p_actor, p_key, p_sha256, p_holder)
    ON CONFLICT (actor, key) DO UPDATE SET holder = p_holder, at = now()
      WHERE k.status IS NULL AND k.request_sha256 = p_sha256 AND k.at < now() - interval '60 seconds'
    RETURNING * INTO there;
  IF there.holder = p_holder THEN
    RETURN QUERY SELECT 'new', 0, ''; RETURN;
  END IF;
  SELECT * INTO there FROM kept_answer k WHERE k.actor = p_actor AND k.key = p_key;
  RETURN QUERY SELECT CASE WHEN there.request_sha256 IS DISTINCT FROM p_sha256 THEN 'differs' WHEN there.status IS NULL THEN 'open' ELSE 'kept' END,
    coalesce(there.status, 0), coalesce(there.body, '');
END $$;

-- The answer of the try. p_if_changed: only when this transaction has made a change, which its audit row shows.
CREATE FUNCTION gateway.key_keep(p_actor text, p_key text, p_holder text, p_status integer, p_body text, p_if_changed boolean, p_request_id text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  UPDATE kept_answer k SET status = p_status, body = p_body WHERE k.actor = p_actor AND k.key = p_key AND k.holder = p_holder
    AND (NOT p_if_changed OR EXISTS (SELECT 1 FROM audit a WHERE a.at >= now() AND a.api_request_id = p_request_id))
$$;
-- The try was refused, nothing was changed: the next one is a first one.
CREATE FUNCTION gateway.key_drop(p_actor text, p_key text, p_holder text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  DELETE FROM kept_answer k WHERE k.actor = p_actor AND k.key = p_key AND k.holder = p_holder AND k.status IS NULL
$$;
REVOKE ALL ON FUNCTION gateway.key_claim(text, text, bytea, text), gateway.key_drop(text, text, text),
  gateway.key_keep(text, text, text, integer, text, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.key_claim(text, text, bytea, text), gateway.key_drop(text, text, text),
  gateway.key_keep(text, text, text, integer, text, boolean, text) TO sot_gateway;
