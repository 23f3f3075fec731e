/* vlan_plan - whether a VLAN makes sense, and where it reaches. Pure; texts are borrowed.
 *
 * Scopes are one text, "az:a rack:r12", words in order and each once: equal texts reach equally.
 */
#ifndef IPAM_VLAN_PLAN_H
#define IPAM_VLAN_PLAN_H

#include "sot_mem.h"

enum {
	VLAN_NAME_MAX = 32, /* of VLANs, groups and VRFs */
	VLAN_ZONE_MAX = 200,
	VLAN_DESCRIPTION_MAX = 200,
	VLAN_SCOPES_MAX = 256,
	VLAN_SCOPE_NAME_MAX = 63,
	VLAN_ID_MAX = 4094,
	VLAN_MTU_MIN = 1280,
	VLAN_MTU_MAX = 9216
};

typedef struct vlan_plan {
	sot_str name, vrf, group, dns_zone, description;
	sot_str scopes; /* of vlan_scopes_read; empty: everywhere */
	uint16_t vlan_id, mtu;
	bool isolated;
} vlan_plan;

/* SOT_INVALID: `ret_pointer` is the JSON pointer of the field that is wrong (a literal). */
sot_code vlan_plan_check(const vlan_plan *plan, const char **ret_pointer, sot_err *err) SOT_CHECK;

/* Words such as "rack:r12 az:a" in any order to the one text that means the same, in the arena.
 * SOT_INVALID for an unknown kind, a name that is empty, too long or has other characters than
 * letters, digits and ._-, and for a word that comes twice. SOT_LIMIT: too many, or no memory. */
sot_code vlan_scopes_read(sot_str words, sot_arena *arena, sot_str *ret, sot_err *err) SOT_CHECK;
/* Do two VLANs surely reach a common place: one of them reaches everywhere, or both name the same?
 */
bool vlan_scopes_meet(sot_str a, sot_str b);
/* Empty, or 1 to 200 characters of DNS labels with single dots between them. */
bool vlan_zone_is_good(sot_str zone);

#endif
