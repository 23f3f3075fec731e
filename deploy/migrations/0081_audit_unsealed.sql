-- A row of the audit is written with the change that it describes and sealed a moment later, which writes it anew with an entry in every index.
-- Until then it is found by its id, among the few that are not sealed yet: four entries less for each change, of six
-- (docs/adr/0057).
DROP INDEX gateway.audit_actor; -- what is asked for is an actor or the name behind its colon: no index had an answer
DROP INDEX gateway.audit_target;
DROP INDEX gateway.audit_operation;
DROP INDEX gateway.audit_at;
CREATE INDEX audit_target ON gateway.audit (target, id DESC) WHERE number IS NOT NULL;
CREATE INDEX audit_operation ON gateway.audit (operation_id) WHERE number IS NOT NULL AND operation_id IS NOT NULL;
CREATE INDEX audit_at ON gateway.audit (at DESC) WHERE number IS NOT NULL;

-- What this transaction has written is not sealed.
CREATE OR REPLACE FUNCTION gateway.key_keep(p_actor text, p_key text, p_holder text, p_status integer, p_body text, p_if_changed boolean, p_request_id text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  UPDATE kept_answer k SET status = p_status, body = p_body WHERE k.actor = p_actor AND k.key = p_key AND k.holder = p_holder
    AND (NOT p_if_changed OR EXISTS (SELECT 1 FROM audit a WHERE a.number IS NULL AND a.at >= now() AND a.api_request_id = p_request_id))
$$;
