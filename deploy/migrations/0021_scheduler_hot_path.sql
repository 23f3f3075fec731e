-- What a new app names is looked up row by row through the keys, whatever the planner knew of the tables when it made its plan:
-- a plan from the time when they were empty reads all of them at each statement.
CREATE OR REPLACE FUNCTION scheduler.app_names_what_is_there() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken record;
BEGIN
  SELECT f.name, f.image, f.plan, f.team INTO broken FROM fresh f
  WHERE (SELECT i.name FROM scheduler.image i WHERE i.name = f.image) IS NULL OR (SELECT p.name FROM scheduler.plan p WHERE p.name = f.plan) IS NULL
     OR f.team IS NOT NULL AND (SELECT t.name FROM scheduler.team t WHERE t.name = f.team) IS NULL LIMIT 1;
  IF FOUND THEN
    PERFORM scheduler.refuse_dangling('app_names', format('app %s names image %s, plan %s, team %s: not all of them are there',
      broken.name, broken.image, broken.plan, coalesce(broken.team, '(none)')));
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION scheduler.group_has_its_app() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  SELECT f.name INTO broken FROM fresh f WHERE (SELECT a.id FROM scheduler.app a WHERE a.id = f.app_id) IS NULL LIMIT 1;
  IF FOUND THEN
    PERFORM scheduler.refuse_dangling('group_app', format('group %s belongs to no app', broken));
  END IF;
  RETURN NULL;
END $$;
