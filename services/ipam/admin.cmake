# Administration: changes of VLANs, subnets, ranges and kept addresses; imports.
sot_pkg(JANSSON jansson)
set(ipam_ADMIN_SHELL shell/change.c shell/fixed.c shell/imports.c shell/import_facts.c shell/import_write.c shell/ranges.c shell/subnets.c
  shell/vlans.c)
set(ipam_ADMIN_CORE core/field_changes.c core/import_csv.c core/import_netbox.c core/import_netbox_scan.c core/import_plan.c
  core/import_plan_addresses.c core/import_plan_subnets.c core/import_rows.c core/subnet_plan.c core/vlan_plan.c)
set(ipam_ADMIN_TESTS import_csv import_netbox import_plan subnet_plan vlan_plan)
