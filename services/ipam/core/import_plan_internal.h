/* import_plan_internal - what the files of import_plan share: one run of the planner. */
#ifndef IPAM_IMPORT_PLAN_INTERNAL_H
#define IPAM_IMPORT_PLAN_INTERNAL_H

#include "import_plan.h"
#include "sot_map.h"

typedef struct planning {
	import_rows *rows;
	const import_facts *facts;
	import_plan *plan;
	sot_map *vlans_by_name; /* to vlan_change */
	sot_map *taken;         /* (VRF, address) of the file, to import_address */
	subnet_change **homes;  /* by VRF and network, none overlapping another */
	size_t home_count;
} planning;

/* ---- import_plan.c ---- */
/* The VRF that a name stands for: empty is the default one. */
sot_str planning_vrf(sot_str name);
vlan_change *planning_find_vlan(const planning *p, sot_str name);
/* A refusal of core checks, by the column that its JSON pointer means; /name is `name_column`. */
void planning_refuse(
    planning *p, uint32_t line, const char *pointer, const char *name_column, const sot_err *err);
/* The column cannot be changed. */
void planning_fixed(planning *p, uint32_t line, import_column column, sot_str is);
sot_str planning_dup(planning *p, const char *text);

/* ---- import_plan_subnets.c ---- */
void planning_subnets(planning *p);
/* The subnet that the address lies in, or NULL. */
subnet_change *planning_home(const planning *p, sot_str vrf, sot_ip address);
/* The VRF of a line that may name a VLAN: the VLAN's goes first. False: refused. */
bool planning_vrf_of(
    planning *p, uint32_t line, sot_str vlan, sot_str vrf, uint32_t given, sot_str *ret);

/* ---- import_plan_addresses.c ---- */
void planning_ranges(planning *p);
void planning_addresses(planning *p);

#endif
