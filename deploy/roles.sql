-- Roles of a Sotalia database, run once by a superuser before the migrations. Idempotent.
-- psql variables: migrator_password scheduler_password ipam_password gateway_password bridge_password
\set ON_ERROR_STOP on
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L CONNECTION LIMIT %s', r, p, l)
FROM (VALUES ('sot_migrator', :'migrator_password', 4), ('sot_scheduler', :'scheduler_password', 32), ('sot_ipam', :'ipam_password', 32),
             ('sot_gateway', :'gateway_password', 64), ('sot_bridge', :'bridge_password', 8)) AS t(r, p, l)
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = r) \gexec
SELECT 'CREATE DATABASE sotalia OWNER sot_migrator' WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'sotalia') \gexec
REVOKE ALL ON DATABASE sotalia FROM PUBLIC;
GRANT CONNECT ON DATABASE sotalia TO sot_scheduler, sot_ipam, sot_gateway, sot_bridge;
