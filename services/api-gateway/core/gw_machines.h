/* gw_machines - the file of machines that an operator brings (docs/machines.md): machines.csv, or
 * the inventory of Ansible that names them already.
 *
 * Pure. machines.csv: RFC 4180 with a header line that names the columns, in any order: name,
 * address, az and rack must be there; labels (with ';' between), oob, port and user may be. Empty
 * lines and lines that begin with '#' say nothing. Every wrong line is told with its number and
 * column, at most GW_MACHINES_ERRORS_MAX of them: names and addresses that occur twice, and a rack
 * that two lines put into different zones, name both lines.
 */
#ifndef GW_MACHINES_H
#define GW_MACHINES_H

#include "sot_str.h"

#define GW_MACHINES_MAX 5000u
#define GW_MACHINES_ERRORS_MAX 200u

typedef struct gw_machines {
	sot_buf rows;   /* JSON: [{line, name, address, port, user, az, rack, labels, oob}, ...] */
	sot_buf errors; /* JSON: [{pointer, line, column, detail}, ...]; column "": the whole line */
	size_t row_count, error_count;
} gw_machines;

void gw_machines_init(gw_machines *m);
void gw_machines_clear(gw_machines *m);
/* Fills *m; with error_count > 0 the rows are not to be used. */
void gw_machines_read(sot_str csv, gw_machines *m);
/* The same from an inventory of Ansible, INI or YAML: hosts with ranges (node[01:30]), groups,
 * their children and variables. Of the variables those are read that say what a column of the CSV
 * says; all others are the playbook's. `group`: only machines of this group, "" for all. */
void gw_machines_read_inventory(sot_str text, sot_str group, gw_machines *m);

#endif
