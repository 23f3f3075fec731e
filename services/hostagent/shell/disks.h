/* disks - how much disk each instance uses: its root file system's own layer, applogs and appdatas.
 * overlay2 on most file systems has no quota, so it is measured, one instance after the other on
 * the thread pool, and who is over its plan is told (`disk.over`, `disk.within`, the report, a
 * metric).
 */
#ifndef HOSTAGENT_DISKS_H
#define HOSTAGENT_DISKS_H

#include "agent.h"

disks *disks_new(agent *a);
disks *disks_free(disks *d);
/* Bytes at the last look; 0 before the first. */
uint64_t disks_used(const disks *d, sot_uuid id);

#endif
