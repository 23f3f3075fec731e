/* gw_csv - lines of the CSV file that imports read and exports write (docs/import.md, RFC 4180).
 * Pure. */
#ifndef GW_CSV_H
#define GW_CSV_H

#include "sot_mem.h"

/* The columns of the file, in order. */
typedef enum gw_csv_column {
	GW_CSV_KIND,
	GW_CSV_VRF,
	GW_CSV_VLAN,
	GW_CSV_VLAN_ID,
	GW_CSV_GROUP,
	GW_CSV_MTU,
	GW_CSV_ISOLATED,
	GW_CSV_DNS_ZONE,
	GW_CSV_SCOPES,
	GW_CSV_CIDR,
	GW_CSV_GATEWAY,
	GW_CSV_FIRST,
	GW_CSV_LAST,
	GW_CSV_DNS,
	GW_CSV_RANK,
	GW_CSV_WEIGHT,
	GW_CSV_OPEN,
	GW_CSV_REDUNDANT_GATEWAY,
	GW_CSV_ADDRESS,
	GW_CSV_STATE,
	GW_CSV_OWNER,
	GW_CSV_MAC,
	GW_CSV_REASON,
	GW_CSV_DESCRIPTION,
	GW_CSV_POOL,
	GW_CSV_COUNT
} gw_csv_column;

void gw_csv_header(sot_buf *out);
/* A line; cells are quoted where they must be. */
void gw_csv_line(const sot_str cells[static GW_CSV_COUNT], sot_buf *out);

#endif
