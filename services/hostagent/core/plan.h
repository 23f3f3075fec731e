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
/* The packages of an instance: its app's, if it has a version, then its middleware's. */
typedef struct plan_package {
	char sha256[PLAN_SHA256_TEXT]; /* lower-case hex */
	char destination[64];          /* where it is mounted in the instance */
	uint64_t size_bytes;
} plan_package;
/* The one at `index` from 0 on; false behind the last. */
bool plan_package_at(const sot_instance_spec *spec, size_t index, plan_package *ret);
/* Whether both have the same packages in the same order. */
bool plan_packages_equal(const sot_instance_spec *a, const sot_instance_spec *b);

/* "sot0a42000b", with "v<base 36>" behind it outside VRF 0: the host's end of the link. */
char *plan_host_link(const sot_instance_spec *spec, char dst[static PLAN_HOST_LINK_MAX]);
/* <state>/net/<container id>.json, version 2. */
void plan_record(
    const sot_instance_spec *spec, const char *state_dir, const plan_wire *wire, sot_buf *out);
/* /etc/hosts of the instance: itself. */
void plan_hosts(const sot_instance_spec *spec, sot_buf *out);
#define PLAN_RESOLV_NONE "# neither the VLAN nor the host has resolvers\n"
/* resolv.conf of the instance: its VLAN's resolvers, else as `host`, the text of the host's own.
 * Never empty. */
void plan_resolv(const sot_instance_spec *spec, sot_str host, sot_buf *out);
/* /etc/sotalia/instance.env */
void plan_identity(const sot_instance_spec *spec, sot_buf *out);
/* Processes and threads; schedulers before plans had a limit of their own tell none. */
uint32_t plan_pids_max(const sot_instance_spec *spec);
/* Digest over image, name, command, environment and the number of rebuilds. */
void plan_fingerprint(const sot_instance_spec *spec, char dst[static PLAN_SHA256_TEXT]);

/* Of a record text (either version): its restart_seq and version. Zero and empty when they cannot
 * be read. */
uint32_t plan_record_restart_seq(const char *record);
sot_str plan_record_version(const char *record);
/* Whether a process that was started with `used` has to be started anew to have what `wanted` says:
 * another package of app or middleware, bridge, address or MAC, or a larger restart_seq; not for
 * MTU, limits, isolation or resolvers. */
bool plan_record_needs_restart(const char *used, const char *wanted);
/* Whether the record binds the addresses of the spec, on its VLAN. NULL binds nothing. */
bool plan_record_holds(const char *record, const sot_instance_spec *spec);
/* Text member of a record without its quotes, as written; empty when absent. */
sot_str plan_record_text(const char *record, const char *key);
/* Number member of a record, below 2^32; 0 when absent. */
uint32_t plan_record_number(const char *record, const char *key);

#endif
