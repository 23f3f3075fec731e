/* vlans - the VLANs that this host's instances need, and how each is reached: the bridge with its
 * MTU, or why there is none. A VLAN that cannot be built holds up its own instances only. Pure.
 */
#ifndef HOSTAGENT_VLANS_H
#define HOSTAGENT_VLANS_H

#include "desired.h"
#include "plan.h"

typedef struct vlan {
	uint16_t id; /* 0: the untagged bridge */
	bool needed; /* some instance of the desired set is on it */
	bool ready;
	plan_wire wire;               /* once it was ready; kept while it is not */
	char error[SOT_ERR_TEXT_MAX]; /* why it is not; "" before the first try */
} vlan;

typedef struct vlans vlans;
vlans *vlans_new(void);
vlans *vlans_free(vlans *v);
SOT_DEFINE_AUTO(vlans)

/* Takes over which VLANs the set needs; a retired instance needs none. True when that is another
 * selection than before. One that is needed no more is kept, not ready, as long as the agent runs.
 */
bool vlans_need(vlans *v, const desired *d);
/* NULL when it was never needed; otherwise good as long as the table. */
const vlan *vlans_get(const vlans *v, uint16_t id);
/* In order of their ids; `at` begins as 0. NULL at the end. */
const vlan *vlans_next(const vlans *v, size_t *at);

/* What became of it. True when something is different now. */
bool vlans_ready(vlans *v, uint16_t id, const char *bridge, uint32_t mtu);
bool vlans_failed(vlans *v, uint16_t id, const char *why);

/* <state>/net/vlans.json: {"version":1,"vlans":[0,100]} */
void vlans_render(const vlans *v, sot_buf *out);

#endif
