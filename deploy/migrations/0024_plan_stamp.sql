-- One expression for two statements of ipam: the stamp is read with the plan, and again before a request is refused.
CREATE VIEW ipam.plan_stamp_v AS
  SELECT concat_ws(' ',
    (SELECT count(*) || '/' || coalesce(max(updated_at)::text, '') FROM ipam.vlan),
    (SELECT count(*) || '/' || coalesce(max(updated_at)::text, '') FROM ipam.subnet),
    (SELECT count(*) || '/' || coalesce(max(created_at)::text, '') FROM ipam.address_range),
    (SELECT count(*) FROM ipam.vlan_scope)) AS stamp;
GRANT SELECT ON ipam.plan_stamp_v TO sot_ipam;
