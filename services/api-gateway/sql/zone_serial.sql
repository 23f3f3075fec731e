-- name: zone_serial
-- columns: serial int8
-- $1: VRF, $2: zone, $3: SHA-256 of its content. Grows when that changed; begins at the seconds of the epoch, so that it is
-- higher than before also when the table was lost.
INSERT INTO gateway.zone_serial AS z (vrf, zone, content_sha256, serial)
VALUES ($1, $2, $3::bytea, extract(epoch FROM now())::bigint)
ON CONFLICT (vrf, zone) DO UPDATE SET
  serial = CASE WHEN z.content_sha256 = excluded.content_sha256 THEN z.serial ELSE greatest(z.serial + 1, excluded.serial) END,
  content_sha256 = excluded.content_sha256, updated_at = clock_timestamp()
RETURNING serial
