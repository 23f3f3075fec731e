/* rows_instance - an instance, what it is made of and the addresses that it holds. Part of rows.h,
 * whose rules hold here too; only that includes it.
 */
#ifndef SCHEDULER_ROWS_INSTANCE_H
#define SCHEDULER_ROWS_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared.h"
#include "sot_ip.h"
#include "sot_proto.h"
#include "sot_uuid.h"

/* An address that ipam granted. */
typedef struct held_address {
	sot_ip address; /* none: not held */
	uint64_t generation;
} held_address;

/* How an address of one subnet is used. */
typedef struct subnet_way {
	sot_ip gateway; /* none: no gateway */
	uint8_t prefix;
} subnet_way;

/* What an instance's interface is told about its VLAN and its subnets. */
#define DNS_MAX 3
typedef struct vlan_facts {
	uint16_t vlan_id, vrf, mtu; /* mtu 0: as the uplink */
	bool isolated;
	sot_ip dns[DNS_MAX];
	size_t dns_count;
	char dns_search[201];
	uint64_t settings; /* ipam's digest of all this */
	subnet_way v4, v6; /* while it has an address of the family */
} vlan_facts;

typedef enum instance_state {
	INSTANCE_REQUESTED,
	INSTANCE_PLACED,
	INSTANCE_CREATING,
	INSTANCE_STARTING,
	INSTANCE_RUNNING,
	INSTANCE_STOPPING,
	INSTANCE_STOPPED,
	INSTANCE_RETIRING,
	INSTANCE_RETIRED,
	INSTANCE_FAILED,
	INSTANCE_MOVING, /* leaves its host; starts on moving_to once that is proven */
	INSTANCE_FROZEN, /* all its processes are held still */
	INSTANCE_STATES
} instance_state;

/* The id of a container: 64 hex digits as 32 bytes, any other text up to that as it is. */
typedef struct container_ref {
	uint8_t length; /* of the text; 0: none */
	char bytes[32];
} container_ref;
container_ref container_ref_of(sot_str id);
#define CONTAINER_TEXT 65 /* with the NUL */
const char *container_ref_text(const container_ref *c, char dst[static CONTAINER_TEXT]);

/* What an instance is made of: one immutable value (shared.h) for all that are made alike, changed
 * by instance_remake. */
typedef struct instance_make {
	/* Shared in turn, never NULL. */
	const char *vlan; /* where its addresses are from; "" until it is placed */
	const char *plan; /* its size; what the plan says besides is looked up by this */
	const char *image, *version, *observed_version, *error;
	const char *middleware; /* as of app_row; "" for none */
	const vlan_facts *net;
	sot_uuid app_id, group_id;
	uint64_t memory_bytes, disk_bytes;
	uint32_t cpu_milli, bandwidth_kbit;
	/* 0 or 1: the limit is its own, whatever its plan says. As wide as this, because values are
	 * compared by their bytes: there is no padding. */
	uint64_t bandwidth_own;
} instance_make;

typedef struct instance_row {
	sot_uuid id;
	const instance_make *make;
	sot_uuid host_id;     /* zero: on no host */
	sot_uuid moving_to;   /* booked there too; zero: it stays */
	sot_uuid decision_id; /* why it is there; zero: decided by an earlier leader, the row knows */
	uint32_t number, restart_seq;
	uint32_t rebuild_seq; /* grows when its container shall be made anew */
	instance_state state;
	enum sot_health health;
	enum sot_desired_state desired;
	uint64_t generation, observed_generation;
	const char *name; /* at most LABEL_MAX_BYTES; kept by whoever has the row */
	held_address v4, v6;
	uint32_t observed_restart_seq, restarts;
	int64_t created_unix_ms, updated_unix_ms;
	/* As its agent said last. observed_unix_ms 0: nothing since it was written; the row knows. */
	int64_t observed_unix_ms, started_unix_ms;
	container_ref container;
	sot_mac mac;
} instance_row;

/* ---- instance_make.c ---- */
/* One to begin with: texts "", numbers 0, a VLAN without facts. */
instance_make instance_make_new(shared_pool *pool);
void instance_make_set_net(instance_make *make, shared_pool *pool, const vlan_facts *facts);
/* A copy, to be changed and given to instance_remake. */
instance_make instance_make_of(const instance_make *make);
/* A field that keeps one, or NULL, keeps this one; what it refers to goes along. */
void instance_remake(const instance_make **field, shared_pool *pool, const instance_make *make);
/* The same with another text in the member at this offset. */
void instance_remake_text(
    const instance_make **field, shared_pool *pool, size_t member, sot_str text);

/* The copy has a name of its own. */
void instance_row_copy(instance_row *to, const instance_row *from);
void instance_row_clear(instance_row *row);

#endif
