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

typedef struct plan_settings {
	const char *state_dir;
	const char *bridge_name;
	uint32_t mtu;
} plan_settings;

/* "sot-<uuid>" */
char *plan_container_name(sot_uuid id, char dst[static PLAN_CONTAINER_NAME_MAX]);
/* The instance of a container name; false when it is not of this platform. */
bool plan_container_instance(sot_str name, sot_uuid *ret);
/* Lower-case hex of the package's digest; "" when the spec has no package. */
char *plan_package_sha256(const sot_instance_spec *spec, char dst[static PLAN_SHA256_TEXT]);

/* <state>/net/<container id>.json; also what decides about a restart, so it holds nothing that a
 * running process need not have been started with. */
void plan_record(const sot_instance_spec *spec, const plan_settings *settings, sot_buf *out);
/* /etc/sotalia/instance.env */
void plan_identity(const sot_instance_spec *spec, sot_buf *out);
/* Digest over image, name, command and environment. */
void plan_fingerprint(const sot_instance_spec *spec, char dst[static PLAN_SHA256_TEXT]);

/* Of a record text: its restart_seq and version. Zero and empty when they cannot be read. */
uint32_t plan_record_restart_seq(const char *record);
sot_str plan_record_version(const char *record);

#endif
