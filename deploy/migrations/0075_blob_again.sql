-- Bytes that are uploaded again are as young as new ones: the sweep of what no version names leaves them alone for a day.
GRANT UPDATE (created_at) ON gateway.blob TO sot_gateway;
