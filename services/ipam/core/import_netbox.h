/* import_netbox - what NetBox answers to `GET /api/ipam/...` as lines of an import.
 *
 * A file holds any number of JSON values after each other: answers ({"results":[...]}), arrays of
 * objects, or single objects; of VLAN groups, VLANs, prefixes, IP ranges and IP addresses, in any
 * order. The mapping is the table of docs/import.md. What has no meaning here (containers, roles,
 * aggregates, sites) is counted as ignored. Errors name the line at which the object begins. Pure.
 */
#ifndef IPAM_IMPORT_NETBOX_H
#define IPAM_IMPORT_NETBOX_H

#include "import_rows.h"

void import_rows_read_netbox(import_rows *rows, sot_str file);

/* The objects of such a file one after the other: texts with the line in which each begins. */
typedef struct netbox_scan {
	sot_str file;
	size_t at;
	uint32_t line;
} netbox_scan; /* start with {.file = file, .line = 1} */
/* False at the end. An object that is not closed ends with the file. */
bool netbox_next(netbox_scan *scan, sot_str *ret_object, uint32_t *ret_line);

#endif
