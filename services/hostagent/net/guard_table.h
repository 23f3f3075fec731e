/* guard_table - the nftables bridge table `sotalia`: its sets, chains and counters, by libnftables.
 *
 * netd makes it at boot, the agent at its start, the hook (through netd) when somebody has flushed
 * it. The elements of its sets are guard.h's.
 */
#ifndef HOSTAGENT_GUARD_TABLE_H
#define HOSTAGENT_GUARD_TABLE_H

#include "sot_str.h"

/* One transaction: makes what is missing and writes all rules anew; elements and counters stay.
 * A table of another make, whose sets differ, is replaced. */
sot_code guard_table_make(sot_err *err) SOT_CHECK;
/* Replaces it as a whole, in one transaction; elements and counters go. For a table in which
 * somebody else has put what is not ours. */
sot_code guard_table_replace(sot_err *err) SOT_CHECK;
/* Appends how the kernel's table reads, without elements and figures: equal texts, equal tables.
 * SOT_NOT_FOUND when there is none. */
sot_code guard_table_read(sot_buf *out, sot_err *err) SOT_CHECK;

#endif
