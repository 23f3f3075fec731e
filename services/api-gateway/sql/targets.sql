-- name: targets
-- columns: asked text, app text, team text, environment text
SELECT asked, app, team, environment FROM gateway.targets($1, $2::text[]) ORDER BY asked
