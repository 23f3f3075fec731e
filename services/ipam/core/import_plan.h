/* import_plan - the lines of an import against what is there: what changes, or what is wrong.
 *
 * All or nothing: when a line is wrong, its error is among those of the rows, and nothing of the
 * plan may be applied. Objects may refer to others of the same file, in any order. Pure: facts and
 * rows in, changes out; ids of what is new are the caller's to give.
 */
#ifndef IPAM_IMPORT_PLAN_H
#define IPAM_IMPORT_PLAN_H

#include "import_rows.h"
#include "sot_uuid.h"
#include "subnet_plan.h"
#include "vlan_plan.h"

/* ---- what is there; texts are borrowed ---- */
typedef struct vlan_fact {
	sot_uuid id;
	vlan_plan plan;
} vlan_fact;

typedef struct subnet_fact {
	sot_uuid id;
	sot_str vlan, dns, description;
	subnet_plan plan;
	uint16_t rank, weight;
	bool open;
} subnet_fact;

typedef struct range_fact {
	sot_uuid id;
	sot_str vrf, owner, reason, pool;
	sot_ip first, last;
	range_use use;
} range_fact;

/* Only of addresses that the file names. */
typedef struct address_fact {
	sot_str vrf, owner, reason;
	sot_str state;  /* as in ipam.address */
	sot_str holder; /* in words, for a refusal */
	sot_ip address;
	int64_t free_in_ms; /* of a cooling one */
	uint8_t mac[6];
} address_fact;

typedef struct import_facts {
	vlan_fact *vlans;
	subnet_fact *subnets;
	range_fact *ranges;
	address_fact *addresses;
	size_t vlan_count, subnet_count, range_count, address_count;
} import_facts;

/* ---- what becomes of it; `is_new`: made, else `is_changed` says whether it differs at all ---- */
typedef struct vlan_change {
	uint32_t line; /* 0: it is there, and not in the file */
	bool is_new, is_changed;
	sot_uuid id;
	vlan_plan plan;
	const vlan_plan *before; /* of one that is there */
} vlan_change;

typedef struct subnet_change {
	uint32_t line;
	bool is_new, is_changed;
	subnet_fact to;
	const subnet_fact *before;
	size_t vlan; /* index into vlans of the plan */
} subnet_change;

typedef struct range_change {
	uint32_t line;
	bool is_new, is_changed;
	range_fact to;
	size_t subnet; /* index into subnets of the plan */
} range_change;

typedef struct address_change {
	const import_address *row;
	sot_str vrf, owner, reason; /* as they become */
	const char *state;
	size_t subnet;
	bool is_new, is_changed;
	uint8_t mac[6];
} address_change;

/* Lists hold what is there and what the file says; only lines with is_new or is_changed are to be
 * written. */
typedef struct import_plan {
	vlan_change *vlans;
	subnet_change *subnets;
	range_change *ranges;
	address_change *addresses;
	size_t vlan_count, subnet_count, range_count, address_count;
	/* How many objects of each kind change, and how many lines change nothing. */
	size_t changed_vlans, changed_subnets, changed_ranges, changed_addresses, unchanged;
} import_plan;

/* Never NULL. Errors are added to `rows`; the plan borrows from both. */
import_plan *import_plan_new(import_rows *rows, const import_facts *facts);
import_plan *import_plan_free(import_plan *plan);
SOT_DEFINE_AUTO(import_plan)

#endif
