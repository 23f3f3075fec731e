-- The secret of a webhook is sealed by the gateway (core/gw_seal) before it comes here; the sealed form is longer.
ALTER TABLE gateway.webhook DROP CONSTRAINT webhook_secret_check;
ALTER TABLE gateway.webhook ADD CONSTRAINT webhook_secret_check CHECK (length(secret) BETWEEN 16 AND 255);
