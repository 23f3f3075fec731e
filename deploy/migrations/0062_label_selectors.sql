-- The apps whose labels fit a selector: requirements with commas between, all of which must hold: "tier=web", "tier!=web", "tier" (has it),
-- "!tier" (has it not). The gateway has checked its form.
CREATE FUNCTION gateway.labelled_apps(p_selector text)
RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp AS $$
  SELECT a.name FROM scheduler.app a WHERE NOT EXISTS (
    SELECT 1 FROM unnest(string_to_array(p_selector, ',')) w WHERE NOT CASE
      WHEN w LIKE '!%' THEN NOT a.labels ? substr(w, 2)
      WHEN w LIKE '%!=%' THEN a.labels->>split_part(w, '!=', 1) IS DISTINCT FROM split_part(w, '!=', 2)
      WHEN w LIKE '%=%' THEN a.labels->>split_part(w, '=', 1) IS NOT DISTINCT FROM split_part(w, '=', 2)
      ELSE a.labels ? w END)
$$;
REVOKE ALL ON FUNCTION gateway.labelled_apps(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.labelled_apps(text) TO sot_gateway;
