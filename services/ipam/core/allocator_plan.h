/* allocator_plan - the VLANs with their subnets, ranges and scopes as they were read, and the pool
 * of each subnet. Pure.
 *
 * What a subnet gives out: its pool ranges (or all of first..last when it has none), without its
 * gateway, the partners of a redundant gateway, and what is reserved or excluded.
 *
 * Pool ranges with a name are given out only to who asks for VLAN/POOL. A named pool is therefore a
 * plan_vlan of its own, beside that of the VLAN, with a part of each subnet in which it has a
 * range: everything that is true of a VLAN (scopes, free addresses, shortage) is true of its pools.
 */
#ifndef IPAM_ALLOCATOR_PLAN_H
#define IPAM_ALLOCATOR_PLAN_H

#include "address_pool.h"
#include "sot_map.h"
#include "sot_uuid.h"
#include "subnet_plan.h"

enum {
	PLAN_NAME_MAX = 33,
	PLAN_REF_MAX = 2 * PLAN_NAME_MAX, /* "vlan" or "vlan/pool" */
	PLAN_ZONE_MAX = 201,
	PLAN_PLACE_MAX = 64,
	PLAN_DNS_MAX = 3
};

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
	plan_vlan *vlan;       /* or named pool */
	struct subnet *whole;  /* NULL; of the part that a named pool has: its subnet */
	struct subnet **parts; /* what named pools have of it */
	size_t part_count;
	subnet_plan plan;
	sot_ip dns[PLAN_DNS_MAX];
	size_t dns_count;
	uint16_t rank, weight;
	bool is_open;
	int64_t credit; /* of the weighted round robin */
	address_pool *pool;
	bool needs_rows; /* of whole subnets: their parts are read with them */
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
	const plan_vlan *pool_of; /* NULL; of a named pool: its VLAN */
	char name[PLAN_REF_MAX], group[PLAN_REF_MAX], dns_zone[PLAN_ZONE_MAX];
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
/* `pool`: the name of the pool that a range of that use belongs to, or "". */
sot_code plan_add_range(address_plan *p, sot_uuid subnet_id, sot_ip first, sot_ip last,
    range_use use, sot_str pool, sot_err *err) SOT_CHECK;
/* Makes the pools. Those of `old` (may be NULL) move over where the subnet gives out the same
 * addresses; the others need their rows. */
void plan_finish(address_plan *p, address_plan *old);

/* VLANs and, once it is finished, named pools. */
size_t plan_vlan_count(const address_plan *p);
plan_vlan *plan_vlan_at(const address_plan *p, size_t index);
/* Whole subnets; plan_part finds the part of one. */
size_t plan_subnet_count(const address_plan *p);
subnet *plan_subnet_at(const address_plan *p, size_t index);
enum { PLAN_WORDS_MAX = PLAN_REF_MAX + 20 };
/* "VLAN web", or "pool front of VLAN web" for "web/front"; returns dst. */
char *plan_ref_words(const char *ref, char dst[static PLAN_WORDS_MAX]);
/* "vlan" or "vlan/pool". */
plan_vlan *plan_find_vlan(const address_plan *p, sot_str name);
subnet *plan_find_subnet(const address_plan *p, sot_uuid id);
/* The subnet of a VRF in which an address lies, or NULL. */
subnet *plan_find_home(const address_plan *p, uint16_t vrf, sot_ip address);
/* What gives the address out: the part of the subnet that holds it, or the subnet itself. */
subnet *subnet_part(subnet *s, sot_ip address);
/* Whether it, or a part of it, is of what a want names. */
bool subnet_is_of(const subnet *s, const char *ref);
/* Its rows are read again, with those of its parts. */
void subnet_distrust(subnet *s);
int64_t subnet_read_unix_ms(const subnet *s);
bool subnet_is_v6(const subnet *s);
/* Whether the VLAN has a subnet of the family; `only_open`: one that gives out addresses. */
bool vlan_has_family(const plan_vlan *v, bool is_v6, bool only_open);

#endif
