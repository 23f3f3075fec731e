# Administration: changes of VLANs, subnets, ranges and kept addresses.
set(ipam_ADMIN_SHELL shell/change.c shell/fixed.c shell/ranges.c shell/subnets.c shell/vlans.c)
set(ipam_ADMIN_CORE core/field_changes.c core/subnet_plan.c core/vlan_plan.c)
set(ipam_ADMIN_TESTS subnet_plan vlan_plan)
