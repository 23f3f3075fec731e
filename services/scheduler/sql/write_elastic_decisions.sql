-- name: write_elastic_decisions
-- columns: none
-- $1 to $13: the rows; $14: days that they are kept. What is older of the same apps goes.
WITH old AS (
  DELETE FROM scheduler.elastic_decision WHERE app_id = ANY($1::uuid[]) AND (at < now() - $14::bigint * interval '1 day'
    OR (outcome = 'steady' AND at < now() - interval '2 days')))
INSERT INTO scheduler.elastic_decision (app_id, at, outcome, hold, rule, count, wanted, to_count, load, target, reason, operation_id, group_name)
SELECT r.app, to_timestamp(r.at * 0.001::float8), r.outcome, r.hold, r.rule, r.count, r.wanted, r.to_count, r.load * 0.001::float8,
  r.target * 0.001::float8, r.reason, r.operation, r.group_name
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::int[], $9::bigint[], $10::bigint[], $11::text[], $12::uuid[], $13::text[])
  AS r(app, at, outcome, hold, rule, count, wanted, to_count, load, target, reason, operation, group_name)
