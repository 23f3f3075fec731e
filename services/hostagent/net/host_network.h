/* host_network - this machine's side of the VLANs: bridges, uplinks, the guard table, and whether
 * they are still as they were made.
 *
 * For sotalia-netd (once at boot, before Docker) and the agent (for a VLAN that is new, and once a
 * minute). Everything is idempotent and blocking, milliseconds per VLAN. Nothing is taken from
 * links that somebody else made but their place in a bridge, and that only where the configuration
 * names them; what this made carries the alias "sotalia VLAN <id>".
 */
#ifndef HOSTAGENT_HOST_NETWORK_H
#define HOSTAGENT_HOST_NETWORK_H

#include "guard.h"
#include "net_uplinks.h"
#include "sot_uuid.h"

typedef struct host_network_settings {
	net_uplinks_settings uplinks;
	const char *state_dir; /* the folder with net/<container id>.json; copied */
	sot_uuid host_id;      /* the bridges' MAC follows from it */
} host_network_settings;

typedef struct host_network host_network;
/* SOT_INVALID when a key of the uplinks cannot be read. Touches nothing of the kernel. */
sot_code host_network_new(
    const host_network_settings *settings, host_network **ret, sot_err *err) SOT_CHECK;
host_network *host_network_free(host_network *h); /* NULL-safe; returns NULL */
SOT_DEFINE_AUTO(host_network)

typedef enum host_network_deed {
	HOST_NETWORK_MADE,     /* it was not there */
	HOST_NETWORK_REPAIRED, /* it was there, and not as it must be: drift */
	HOST_NETWORK_REMOVED,  /* nothing needs it any more */
	HOST_NETWORK_FAILED,   /* it is not as it must be, and could not be repaired */
} host_network_deed;
const char *host_network_deed_name(host_network_deed deed); /* "made", "repaired", ... */

typedef struct host_network_note {
	host_network_deed deed;
	char text[SOT_ERR_TEXT_MAX]; /* what and where, as "br100: STP was on" */
} host_network_note;

#define HOST_NETWORK_NOTES_MAX 64u
typedef struct host_network_report {
	host_network_note notes[HOST_NETWORK_NOTES_MAX];
	size_t count;
	size_t deeds[HOST_NETWORK_FAILED + 1]; /* how many of each; may be more than are noted */
} host_network_report;

/* What was done by who looks at more than this does. */
void host_network_note_add(
    host_network_report *report, host_network_deed deed, const char *fmt, ...) SOT_PRINTF(3, 4);

/* Where an instance of a VLAN is plugged in. */
typedef struct host_network_place {
	char bridge[IFNAMSIZ];
	uint32_t mtu; /* of the bridge: the most that an instance's link may have */
} host_network_place;

/* Makes the VLAN's bridge (0: the untagged one), or finds that it is as it must be. `report` is
 * added to. The text of a failure says which VLAN, what is wrong and what to do. */
sot_code host_network_make(host_network *h, uint16_t vlan, host_network_place *ret,
    host_network_report *report, sot_err *err) SOT_CHECK;

/* Makes the guard table and gives it the elements of all records. */
sot_code host_network_make_guard(
    host_network *h, host_network_report *report, sot_err *err) SOT_CHECK;

/* Looks at everything and repairs it: settings of the kernel, the bridges of `vlans` (which need
 * not be sorted; 0 is looked at in any case), the ports, limits and guard of the instances that
 * have a record, the guard table. Bridges that this made, that are not among `vlans` and have no
 * port but their uplink are removed. `report` is begun anew; what fails is in it, and does not keep
 * the rest from being done. */
void host_network_check(
    host_network *h, const uint16_t *vlans, size_t count, host_network_report *report);

/* Reads <state_dir>/net/vlans.json: {"version":1,"vlans":[0,100]}. SOT_NOT_FOUND: there is none. */
sot_code host_network_load_vlans(
    const char *state_dir, uint16_t **ret_vlans, size_t *ret_count, sot_err *err) SOT_CHECK;

#endif
