-- Images have versions: who answers for them, what changed, what their smoke test said, which one is run.
ALTER TABLE scheduler.image
  ADD COLUMN version   text NOT NULL DEFAULT '', -- the current one: promoted last; '' while none was
  ADD COLUMN owner_dev text NOT NULL DEFAULT '',
  ADD COLUMN owner_ops text NOT NULL DEFAULT '';
CREATE TABLE scheduler.image_version (
  image        text NOT NULL REFERENCES scheduler.image (name),
  version      text NOT NULL,
  reference    text NOT NULL,
  digest       text NOT NULL DEFAULT '' CHECK (digest = '' OR digest ~ '^sha256:[0-9a-f]{64}$'),
  changelog    text NOT NULL DEFAULT '',
  state        text NOT NULL CHECK (state IN ('candidate', 'promoted', 'retired', 'removed')),
  smoke        text NOT NULL CHECK (smoke IN ('untested', 'passed', 'failed', 'waived')),
  smoke_report text NOT NULL DEFAULT '',
  created_by   text NOT NULL,
  created_at   timestamptz NOT NULL,
  smoke_at     timestamptz,
  promoted_at  timestamptz,
  retired_at   timestamptz,
  PRIMARY KEY (image, version),
  CONSTRAINT image_version_gate CHECK (state <> 'promoted' OR smoke IN ('passed', 'waived')),
  CHECK ((state IN ('retired', 'removed')) = (retired_at IS NOT NULL))
);
-- What was registered until now was taken as it is.
INSERT INTO scheduler.image_version (image, version, reference, state, smoke, created_by, created_at, promoted_at)
SELECT name, coalesce(substring(reference FROM ':([A-Za-z0-9_.-]{1,64})$'), 'latest'), reference, 'promoted', 'waived', 'svc:scheduler', updated_at, updated_at
FROM scheduler.image;
UPDATE scheduler.image SET version = coalesce(substring(reference FROM ':([A-Za-z0-9_.-]{1,64})$'), 'latest');
GRANT SELECT, INSERT, UPDATE ON scheduler.image_version TO sot_scheduler;

-- An instance is outdated when it runs another content than its app's image is now.
CREATE VIEW scheduler.image_instance_v AS
  SELECT i.name, i.id, a.name AS app, h.name AS host, i.state, a.image, v.version AS "imageVersion", i.image AS reference,
         i.image <> g.reference AS outdated
  FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id JOIN scheduler.image g ON g.name = a.image
       LEFT JOIN scheduler.host h ON h.id = i.host_id
       LEFT JOIN scheduler.image_version v ON v.image = a.image AND v.reference = i.image
  WHERE i.state <> 'retired';
CREATE VIEW scheduler.image_version_v AS
  SELECT v.image, v.version, v.reference, v.digest, v.state, v.version = g.version AS current, v.smoke, v.smoke_report AS "smokeReport",
         v.changelog, v.created_by AS "createdBy", v.created_at AS "createdAt", v.smoke_at AS "smokeAt", v.promoted_at AS "promotedAt",
         v.retired_at AS "retiredAt",
         (SELECT count(*) FROM scheduler.instance i WHERE i.image = v.reference AND i.state <> 'retired') AS instances
  FROM scheduler.image_version v JOIN scheduler.image g ON g.name = v.image;
CREATE OR REPLACE VIEW scheduler.image_v AS
  SELECT g.name, g.reference, g.updated_at AS "updatedAt", g.version, g.owner_dev AS "ownerDev", g.owner_ops AS "ownerOps",
         (SELECT count(*) FROM scheduler.image_version v WHERE v.image = g.name AND v.state = 'candidate') AS candidates,
         (SELECT count(*) FROM scheduler.image_instance_v i WHERE i.image = g.name) AS instances,
         (SELECT count(*) FROM scheduler.image_instance_v i WHERE i.image = g.name AND i.outdated) AS outdated
  FROM scheduler.image g;
GRANT SELECT ON scheduler.image_instance_v, scheduler.image_version_v TO sot_gateway;
