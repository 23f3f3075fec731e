/* net_record - the record `<state>/net/<container id>.json` that the runtime wires a container
 * from. The agent writes it before a start; the wrapper and the hook read it on their own, so that
 * an instance gets its address with every other part of the platform stopped.
 */
#ifndef HOSTAGENT_NET_RECORD_H
#define HOSTAGENT_NET_RECORD_H

#include "sot_ip.h"

#include <net/if.h>

#define NET_RECORD_FILE_MAX (64u * 1024u)
#define NET_RECORD_MOUNTS_MAX 16u
#define NET_RECORD_OWN_FILES_MAX 8u
#define NET_RECORD_ID_MAX 128u

typedef struct net_record_mount {
	const char *source, *destination; /* absolute paths, borrowed from the record */
	bool read_only;
} net_record_mount;

typedef struct net_record {
	void *json; /* owns all texts */
	const char *name;
	char bridge[IFNAMSIZ];
	char host_link[IFNAMSIZ];
	uint16_t vlan;   /* 0: the untagged bridge */
	sot_ip address;  /* IPv4 */
	sot_ip gateway;  /* IPv4, or none */
	sot_ip address6; /* none when the VLAN has no IPv6 for it */
	sot_ip gateway6; /* none: no default route */
	uint8_t prefix, prefix6;
	uint8_t mac[6];
	uint32_t mtu;
	uint32_t bandwidth_kbit; /* in each direction; 0 for none */
	bool isolated;           /* from other isolated instances of the host */
	bool guard;              /* it may only speak as itself */
	net_record_mount mounts[NET_RECORD_MOUNTS_MAX];
	size_t mount_count;
	/* Files that Docker would bind over the root file system, and that the instance owns. */
	const char *own_files[NET_RECORD_OWN_FILES_MAX];
	size_t own_file_count;
} net_record;

/* Reads and checks the record text, of version 1 or 2 (1 has only IPv4, no limit, and the guard
 * on). Pure. `ret` is cleared by the caller with net_record_clear. */
sot_code net_record_parse(sot_str text, net_record *ret, sot_err *err) SOT_CHECK;
/* Reads `<state>/net/<container_id>.json`; the raw text is appended to `text`. SOT_NOT_FOUND when
 * there is none. */
sot_code net_record_load(const char *state, const char *container_id, sot_buf *text,
    net_record *ret, sot_err *err) SOT_CHECK;
void net_record_clear(net_record *record);

typedef void (*net_record_fn)(const net_record *record, void *self);
/* Calls `fn` for each record of the state folder that can be read; returns how many could not. A
 * folder that does not exist has none. */
size_t net_record_each(const char *state, net_record_fn fn, void *self);

/* Whether `id` is a container id that is safe as a part of a file name. */
bool net_record_id_is_valid(const char *id);

#endif
