-- Packages: where a version is from, who signed it; whose signatures count, and for which apps they are asked for.
ALTER TABLE scheduler.app_version ADD COLUMN origin jsonb NOT NULL DEFAULT '{}'; -- commit, source, signedBy, signature: each when given
CREATE OR REPLACE VIEW scheduler.app_version_v AS
  SELECT a.name AS app, v.version, encode(v.sha256, 'hex') AS sha256, v.size_bytes AS "sizeBytes", v.file_name AS "fileName",
         v.created_at AS "createdAt", v.created_by AS "createdBy",
         coalesce(v.origin ->> 'commit', '') AS commit, coalesce(v.origin ->> 'source', '') AS source,
         coalesce(v.origin ->> 'signedBy', '') AS "signedBy",
         (SELECT count(*) FROM scheduler.instance i WHERE i.app_id = v.app_id AND i.version = v.version AND i.desired <> 'retired') AS instances
  FROM scheduler.app_version v JOIN scheduler.app a ON a.id = v.app_id;

GRANT DELETE ON gateway.blob TO sot_gateway;

CREATE TABLE gateway.signing_key (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  app        text NOT NULL DEFAULT '',                -- '': of every app
  key_id     text NOT NULL CHECK (key_id ~ '^[0-9A-F]{16}$'),
  public_key text NOT NULL,                           -- minisign's line of base64
  comment    text NOT NULL DEFAULT '',
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (app, key_id)
);
CREATE TABLE gateway.signing_policy (
  app        text PRIMARY KEY,
  policy     text NOT NULL CHECK (policy IN ('optional', 'required')),
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE VIEW gateway.signing_key_v AS
  SELECT id, app, key_id AS "keyId", public_key AS "publicKey", comment, created_by AS "createdBy", created_at AS "createdAt" FROM gateway.signing_key;
GRANT SELECT, INSERT, DELETE ON gateway.signing_key TO sot_gateway;
GRANT SELECT, INSERT, UPDATE ON gateway.signing_policy TO sot_gateway;
GRANT SELECT ON gateway.signing_key_v TO sot_gateway;
