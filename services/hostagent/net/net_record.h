/* net_record - the record `<state>/net/<container id>.json` that the runtime wires a container
 * from. The agent writes it before a start; the wrapper and the hook read it on their own, so that
 * an instance gets its address with every other part of the platform stopped.
 */
#ifndef HOSTAGENT_NET_RECORD_H
#define HOSTAGENT_NET_RECORD_H

#include "sot_str.h"

#include <net/if.h>

#define NET_RECORD_FILE_MAX (64u * 1024u)
#define NET_RECORD_MOUNTS_MAX 16u
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
	uint32_t address, gateway; /* host byte order; gateway 0 = none */
	uint8_t prefix;
	uint8_t mac[6];
	uint32_t mtu;
	net_record_mount mounts[NET_RECORD_MOUNTS_MAX];
	size_t mount_count;
} net_record;

/* Reads and checks the record text. Pure. `ret` is cleared by the caller with net_record_clear. */
sot_code net_record_parse(sot_str text, net_record *ret, sot_err *err) SOT_CHECK;
/* Reads `<state>/net/<container_id>.json`; the raw text is appended to `text`. SOT_NOT_FOUND when
 * there is none. */
sot_code net_record_load(const char *state, const char *container_id, sot_buf *text,
    net_record *ret, sot_err *err) SOT_CHECK;
void net_record_clear(net_record *record);

/* Whether `id` is a container id that is safe as a part of a file name. */
bool net_record_id_is_valid(const char *id);

#endif
