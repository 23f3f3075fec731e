-- An instance may have a bandwidth limit of its own, apart from its plan: instance.bandwidth_kbit is what holds, and this says whose it is.
ALTER TABLE scheduler.instance ADD COLUMN bandwidth_own boolean NOT NULL DEFAULT false;
-- An export is read page by page: it is one of one plan when the stamp is the same from its first page to its last.
GRANT SELECT ON ipam.plan_stamp_v TO sot_gateway;
