-- The index of parts of names is a third of what a row of an instance costs, and was paid again at each state on the way to running. Now it holds
-- instances that have arrived; those on their way are few, are found by an index of their own and sifted (docs/adr/0060).
DROP INDEX scheduler.instance_name_parts;
CREATE INDEX instance_name_parts ON scheduler.instance USING gin (name scheduler.gin_trgm_ops)
  WHERE state <> 'retired' AND state <> 'requested' AND state <> 'placed' AND state <> 'creating' AND state <> 'starting';
CREATE INDEX instance_arriving ON scheduler.instance (id) WHERE state IN ('requested', 'placed', 'creating', 'starting');

-- As before, and tells the state.
DROP FUNCTION scheduler.instances_fitting(text, text, text, text, text);
CREATE FUNCTION scheduler.instances_fitting(p_app text, p_host text, p_state text, p_labels text, p_visible text)
RETURNS TABLE (id uuid, name text, host_id uuid, vrf integer, address inet, state text) LANGUAGE sql STABLE AS $$
  SELECT i.id, i.name, i."hostId", i.vrf, i.address, i.state FROM scheduler.instance_key_v i
  WHERE CASE WHEN p_state = 'retired' THEN i.state = 'retired' ELSE i.state <> 'retired' AND (p_state IN ('', 'unknown') OR i.state = p_state) END
    AND CASE WHEN p_state IN ('', 'retired') THEN true
             WHEN p_state = 'unknown' THEN i."hostId" IN (SELECT s.id FROM scheduler.silent_host_v s)
             ELSE i."hostId" IS NULL OR i."hostId" NOT IN (SELECT s.id FROM scheduler.silent_host_v s) END
    AND (p_app = '' OR i."appId" = (SELECT a.id FROM scheduler.app_v a WHERE a.name = p_app))
    AND (p_host = '' OR i."hostId" = (SELECT h.id FROM scheduler.host_v h WHERE h.name = p_host))
    AND (p_labels = '' OR i."appId" IN (SELECT a.id FROM scheduler.app_v a WHERE a.name IN (SELECT gateway.labelled_apps(p_labels))))
    AND (p_visible = '' OR i."groupId" IN (SELECT gateway.visible_group_ids(p_visible)))
$$;
GRANT EXECUTE ON FUNCTION scheduler.instances_fitting(text, text, text, text, text) TO sot_gateway;
