-- name: write_elastic_decisions
-- columns: none
-- $1 to $13: the rows; $14: days that they are kept. What is older of the same apps goes.
WITH old AS (
  DELETE FROM scheduler.elastic_decision WHERE app_id = ANY($1::uuid[]) AND (at < now() - $14::bigint * interval '1 day'
    OR (outcome = 'steady' AND at < now() - interval '2 days')))
INSERT INTO scheduler.elastic_decision (app_id, at, outcome, hold, rule, count, wanted, to_count, load, target, reason, operation_id, group_name)
SELECT r.app, to_timestamp(r.at * 0.001::float8), r.outcome, r.hold, r.rule, r.count, r.wanted, r.to_count, r.load * 0.001::float8,
  r.target * 0.001::float8, r.reason, r.operation, r.group_name
FROM (SELECT
  unnest($1::uuid[]) AS app, unnest($2::bigint[]) AS at, unnest($3::text[]) AS outcome, unnest($4::text[]) AS hold,
  unnest($5::text[]) AS rule, unnest($6::int[]) AS count, unnest($7::int[]) AS wanted, unnest($8::int[]) AS to_count,
  unnest($9::bigint[]) AS load, unnest($10::bigint[]) AS target, unnest($11::text[]) AS reason, unnest($12::uuid[]) AS operation,
  unnest($13::text[]) AS group_name) AS r
