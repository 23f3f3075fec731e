/* plan - the texts that follow from a spec alone: names, paths, the net record, the identity file,
 * and the digest of what can only be changed by making the container anew. Pure.
 */
#ifndef HOSTAGENT_PLAN_H
#define HOSTAGENT_PLAN_H

#include "sot_proto.h"

#define PLAN_PATH_MAX 1024u
#define PLAN_RECORD_MAX 8192u
#define PLAN_SHA256_TEXT 65u
#define PLAN_CONTAINER_NAME_MAX 41u
#define PLAN_HOST_LINK_MAX 16u
#define PLAN_VRF_MAX 46655u /* three digits of base 36 in the name of a link */

/* How instances reach their VLAN on this host. */
typedef struct plan_wire {
	char bridge[16];
	uint32_t mtu; /* of the uplink: what an instance gets that asks for none */
} plan_wire;

/* "sot-<uuid>" */
char *plan_container_name(sot_uuid id, char dst[static PLAN_CONTAINER_NAME_MAX]);
/* The instance of a container name; false when it is not of this platform. */
bool plan_container_instance(sot_str name, sot_uuid *ret);
/* Lower-case hex of the package's digest; "" when the spec has no package. */
char *plan_package_sha256(const sot_instance_spec *spec, char dst[static PLAN_SHA256_TEXT]);

/* "sot0a42000b", with "v<base 36>" behind it outside VRF 0: the host's end of the link. */
char *plan_host_link(const sot_instance_spec *spec, char dst[static PLAN_HOST_LINK_MAX]);
/* <state>/net/<container id>.json, version 2. */
void plan_record(
    const sot_instance_spec *spec, const char *state_dir, const plan_wire *wire, sot_buf *out);
/* What the instance resolves names with; empty when it does as the host. */
void plan_resolv(const sot_instance_spec *spec, sot_buf *out);
/* /etc/sotalia/instance.env */
void plan_identity(const sot_instance_spec *spec, sot_buf *out);
/* Digest over image, name, command and environment. */
void plan_fingerprint(const sot_instance_spec *spec, char dst[static PLAN_SHA256_TEXT]);

/* Of a record text (either version): its restart_seq and version. Zero and empty when they cannot
 * be read. */
uint32_t plan_record_restart_seq(const char *record);
sot_str plan_record_version(const char *record);
/* Whether a process that was started with `used` has to be started anew to have what `wanted` says:
 * another package, bridge, address or MAC, or a larger restart_seq; not for MTU, limits, isolation
 * or resolvers. */
bool plan_record_needs_restart(const char *used, const char *wanted);
/* Whether the record binds the addresses of the spec, on its VLAN. NULL binds nothing. */
bool plan_record_holds(const char *record, const sot_instance_spec *spec);
/* Text member of a record without its quotes, as written; empty when absent. */
sot_str plan_record_text(const char *record, const char *key);
/* Number member of a record, below 2^32; 0 when absent. */
uint32_t plan_record_number(const char *record, const char *key);

#endif
