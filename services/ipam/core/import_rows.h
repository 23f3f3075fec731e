/* import_rows - the lines of an import as typed values, and what is wrong with them.
 *
 * Whatever the format of a file, its lines arrive here as texts by column (import_rows_add); the
 * columns are those of docs/import.md. Pure; texts are copied into the arena of the rows, and
 * nothing grows past IMPORT_LINES_MAX lines and IMPORT_BYTES_MAX bytes.
 */
#ifndef IPAM_IMPORT_ROWS_H
#define IPAM_IMPORT_ROWS_H

#include "sot_ip.h"
#include "sot_mem.h"

enum {
	IMPORT_LINES_MAX = 1000000,
	IMPORT_ERRORS_KEPT = 1000,
	IMPORT_DNS_MAX = 3,
	IMPORT_OWNER_MAX = 63,
	IMPORT_REASON_MAX = 200
};
#define IMPORT_BYTES_MAX ((size_t)512 * 1024 * 1024)

#define IMPORT_COLUMNS(X)                                                                          \
	X(kind)                                                                                        \
	X(vrf)                                                                                         \
	X(vlan)                                                                                        \
	X(vlan_id)                                                                                     \
	X(group)                                                                                       \
	X(mtu)                                                                                         \
	X(isolated)                                                                                    \
	X(dns_zone)                                                                                    \
	X(scopes)                                                                                      \
	X(cidr)                                                                                        \
	X(gateway)                                                                                     \
	X(first)                                                                                       \
	X(last)                                                                                        \
	X(dns)                                                                                         \
	X(rank)                                                                                        \
	X(weight)                                                                                      \
	X(open)                                                                                        \
	X(redundant_gateway)                                                                           \
	X(address)                                                                                     \
	X(state)                                                                                       \
	X(owner)                                                                                       \
	X(mac)                                                                                         \
	X(reason)                                                                                      \
	X(description)                                                                                 \
	X(pool)

typedef enum import_column {
#define X(name) IMPORT_##name,
	IMPORT_COLUMNS(X)
#undef X
	    IMPORT_COLUMN_COUNT
} import_column;

/* The name of a column, as in the first line of a file. */
const char *import_column_name(import_column column);

/* The texts of one line; what is not given is empty. */
typedef struct import_cells {
	sot_str at[IMPORT_COLUMN_COUNT];
} import_cells;

/* ---- what a line says; `given` has a bit per column that was not empty ---- */
typedef struct import_vlan {
	uint32_t line, given;
	sot_str name, vrf, group, dns_zone, description, scopes;
	uint16_t vlan_id, mtu;
	bool isolated;
} import_vlan;

typedef struct import_subnet {
	uint32_t line, given;
	sot_str vlan, vrf, description, dns; /* dns: addresses with a space between */
	sot_ip network, gateway, first, last;
	uint16_t rank, weight;
	uint8_t prefix;
	bool open, redundant_gateway;
} import_subnet;

typedef struct import_range {
	uint32_t line, given;
	sot_str vlan, vrf, owner, reason, pool;
	sot_ip first, last;
	const char *use; /* "pool", "reserved", "excluded" */
} import_range;

typedef struct import_address {
	uint32_t line, given;
	sot_str vlan, vrf, owner, reason;
	sot_ip address;
	const char *state; /* "static", "excluded" */
	uint8_t mac[6];    /* zero: none */
} import_address;

static inline bool import_has(uint32_t given, import_column column)
{
	return given >> column & 1;
}

typedef struct import_error {
	uint32_t line;
	const char *column; /* "" when it is the whole line; a literal */
	sot_str detail;
} import_error;

typedef struct import_rows {
	sot_arena *arena;
	import_vlan *vlans;
	import_subnet *subnets;
	import_range *ranges;
	import_address *addresses;
	size_t vlan_count, subnet_count, range_count, address_count;
	size_t vlan_cap, subnet_cap, range_cap, address_cap;
	import_error *errors; /* the first IMPORT_ERRORS_KEPT, in the order in which they were found */
	size_t error_count;   /* all of them */
	uint32_t lines;       /* that were taken or refused */
	size_t ignored;       /* objects of a file that Sotalia has no use for */
} import_rows;

import_rows *import_rows_new(void);
import_rows *import_rows_free(import_rows *rows);
SOT_DEFINE_AUTO(import_rows)

/* Takes a line, or tells what is wrong with it. */
void import_rows_add(import_rows *rows, uint32_t line, const import_cells *cells);
/* `column` is a literal. */
void import_rows_refuse(import_rows *rows, uint32_t line, const char *column, const char *fmt, ...)
    SOT_PRINTF(4, 5);
/* The errors that were kept, in order of their lines. */
void import_rows_sort_errors(import_rows *rows);

/* A whole CSV file (import_csv), its first line naming the columns. */
void import_rows_read_csv(import_rows *rows, sot_str file);

#endif
