-- name: load_images
-- columns: name text, reference text, version text, owner_dev text, owner_ops text
SELECT name, reference, version, owner_dev, owner_ops FROM scheduler.image
