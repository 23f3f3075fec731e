/* allocator_plan - the VLANs with their subnets, ranges and scopes as they were read, and the pool
 * of each subnet. Pure.
 *
 * What a subnet gives out: its pool ranges (or all of first..last when it has none), without its
 * gateway, the partners of a redundant gateway, and what is reserved or excluded.
 */
#ifndef IPAM_ALLOCATOR_PLAN_H
#define IPAM_ALLOCATOR_PLAN_H

#include "address_pool.h"
#include "sot_map.h"
#include "sot_uuid.h"
#include "subnet_plan.h"

enum { PLAN_NAME_MAX = 33, PLAN_ZONE_MAX = 201, PLAN_PLACE_MAX = 64, PLAN_DNS_MAX = 3 };

typedef enum address_state {
	ADDRESS_RESERVED,
	ADDRESS_BOUND,
	ADDRESS_STATIC,
	ADDRESS_COOLING,
	ADDRESS_EXCLUDED,
	ADDRESS_CONFLICT,
	ADDRESS_SUSPECT,
	ADDRESS_STATES,
} address_state;
const char *address_state_name(address_state state);
/* False for an unknown word. */
bool address_state_parse(sot_str word, address_state *ret);

typedef struct plan_vlan plan_vlan;

typedef struct subnet {
	sot_uuid id;
	plan_vlan *vlan;
	subnet_plan plan;
	sot_ip dns[PLAN_DNS_MAX];
	size_t dns_count;
	uint16_t rank, weight;
	bool is_open;
	int64_t credit; /* of the weighted round robin */
	address_pool *pool;
	bool needs_rows;
	int64_t read_unix_ms;
	uint64_t counts[ADDRESS_STATES]; /* rows as known; cooling ones are counted by the pool */
	/* While it is read. */
	struct plan_range *ranges;
	size_t range_count;
} subnet;

typedef struct plan_scope {
	uint8_t kind; /* sot_scope_kind */
	char name[PLAN_PLACE_MAX];
} plan_scope;

struct plan_vlan {
	sot_uuid id;
	char name[PLAN_NAME_MAX], group[PLAN_NAME_MAX], dns_zone[PLAN_ZONE_MAX];
	uint16_t vlan_id, vrf, mtu;
	bool isolated;
	plan_scope *scopes;
	size_t scope_count;
	subnet **subnets; /* of both families, in the order of use: by rank, then as added */
	size_t subnet_count;
};

typedef struct address_plan address_plan;

address_plan *plan_new(void);
address_plan *plan_free(address_plan *p);
/* A text that is another one when VLANs, scopes, subnets or ranges were changed. */
void plan_set_stamp(address_plan *p, sot_str stamp);
bool plan_has_stamp(const address_plan *p, sot_str stamp);

/* Each takes a copy; id, name and the like of VLANs first, then what refers to them. SOT_INVALID
 * when that is not there. */
void plan_add_vlan(address_plan *p, const plan_vlan *v);
sot_code plan_add_scope(
    address_plan *p, sot_uuid vlan_id, const plan_scope *scope, sot_err *err) SOT_CHECK;
sot_code plan_add_subnet(
    address_plan *p, sot_uuid vlan_id, const subnet *s, sot_err *err) SOT_CHECK;
sot_code plan_add_range(address_plan *p, sot_uuid subnet_id, sot_ip first, sot_ip last,
    range_use use, sot_err *err) SOT_CHECK;
/* Makes the pools. Those of `old` (may be NULL) move over where the subnet gives out the same
 * addresses; the others need their rows. */
void plan_finish(address_plan *p, address_plan *old);

size_t plan_vlan_count(const address_plan *p);
plan_vlan *plan_vlan_at(const address_plan *p, size_t index);
size_t plan_subnet_count(const address_plan *p);
subnet *plan_subnet_at(const address_plan *p, size_t index);
plan_vlan *plan_find_vlan(const address_plan *p, sot_str name);
subnet *plan_find_subnet(const address_plan *p, sot_uuid id);
/* The subnet of a VRF in which an address lies, or NULL. */
subnet *plan_find_home(const address_plan *p, uint16_t vrf, sot_ip address);
bool subnet_is_v6(const subnet *s);
/* Whether the VLAN has a subnet of the family; `only_open`: one that gives out addresses. */
bool vlan_has_family(const plan_vlan *v, bool is_v6, bool only_open);

#endif
