/* gw_machines, shared by its readers: what a machine must be is checked in one place, whatever it
 * was read from. Pure. */
#ifndef GW_MACHINES_INTERNAL_H
#define GW_MACHINES_INTERNAL_H

#include "gw_machines.h"
#include "sot_map.h"

#define CELL_MAX 2048 /* an ssh key of RSA is long */

typedef enum column { NAME, ADDRESS, AZ, RACK, LABELS, OOB, PORT, USER, SSH_KEY, COLUMNS } column;
extern const char *const machine_columns[COLUMNS];

/* One machine's cells, and what earlier lines had. The maps' values are line numbers, but a rack's:
 * that is the line that said its zone first. */
typedef struct reader {
	gw_machines *m;
	unsigned line;           /* of the machine, from 1 */
	unsigned lines[COLUMNS]; /* of a cell that stands on another line; else 0 */
	char cells[COLUMNS][CELL_MAX];
	sot_map *names, *addresses, *racks;
} reader;

void machine_reader_begin(reader *r, gw_machines *m);
void machine_reader_end(reader *r);
/* Without the mark that spreadsheets begin a file with. */
sot_str machine_text(sot_str text);
/* Without blanks, tabs and a CR around it. */
sot_str machine_trimmed(sot_str s);
/* `where`: the name of a column, whose line is told, or "". */
void machine_complain(reader *r, const char *where, const char *fmt, ...) SOT_PRINTF(3, 4);
/* Checks the cells and adds a row. */
void machine_take(reader *r);

#endif
