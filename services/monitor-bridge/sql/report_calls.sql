-- name: report_calls
-- columns: none
SELECT monitor.report_calls($1::text, $2::text)
