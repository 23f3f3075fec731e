-- name: load_images
-- columns: name text, reference text
SELECT name, reference FROM scheduler.image
