-- name: blob_forget
-- columns: none
-- $1: digests in hex whose bytes are gone. One that was uploaded again meanwhile stays.
DELETE FROM gateway.blob WHERE sha256 = ANY(SELECT decode(n.name, 'hex') FROM unnest($1::text[]) AS n (name)) AND created_at < now() - interval '1 day'
