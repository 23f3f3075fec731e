/* process - whether a process is still the one it was. */
#ifndef HOSTAGENT_PROCESS_H
#define HOSTAGENT_PROCESS_H

#include "sot_str.h"

/* False when there is no process of that pid, or only its corpse. ret: when it started, in clock
 * ticks since boot, which no other process of the same pid has; 0 when that cannot be read. */
bool process_read_start(int pid, uint64_t *ret);

/* Pure part: the text of /proc/<pid>/stat. */
bool process_parse_stat(sot_str text, uint64_t *ret);

#endif
