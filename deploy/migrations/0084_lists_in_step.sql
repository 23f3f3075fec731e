-- Lists that come side by side are unnested in step (docs/adr/0061): in FROM each of them costs a place of its own to be kept in, 3 us a list.
CREATE OR REPLACE FUNCTION gateway.audit_add_all(p_actor text[], p_source_address text[], p_api_request_id text[], p_action text[], p_target text[],
  p_operation_id uuid[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
BEGIN
  INSERT INTO gateway.audit (actor, source_address, api_request_id, action, target, result, operation_id, detail)
  SELECT unnest(p_actor), unnest(p_source_address), unnest(p_api_request_id), unnest(p_action), unnest(p_target), 'accepted', unnest(p_operation_id), '{}';
END $$;

-- What fits into one part is not cut.
CREATE OR REPLACE FUNCTION core.emit(p_kind text[], p_subject text[], p_app text[], p_host text[], p_actor text[], p_operation_id uuid[], p_data text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE n integer := cardinality(p_kind);
BEGIN
  IF n BETWEEN 1 AND 100 THEN
    INSERT INTO core.outbox_part (count, kind, subject, app, host, actor, operation_id, data)
    VALUES (n, p_kind, p_subject, p_app, p_host, p_actor, p_operation_id, p_data::json[]);
    RETURN;
  END IF;
  INSERT INTO core.outbox_part (count, kind, subject, app, host, actor, operation_id, data)
  SELECT least(100, n - k + 1), p_kind[k:k + 99], p_subject[k:k + 99], p_app[k:k + 99], p_host[k:k + 99],
    p_actor[k:k + 99], p_operation_id[k:k + 99], p_data[k:k + 99]::json[]
  FROM generate_series(1, n, 100) AS k;
END $$;
