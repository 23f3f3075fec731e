/* host_list - the file `hosts` of state_dir: name and address of each host that ever reported, so
 * that an event about a host lands on its page also after a restart of the bridge.
 */
#ifndef MONITOR_HOST_LIST_H
#define MONITOR_HOST_LIST_H

#include "monitor.h"

/* Teaches the core what the file holds. A file that is not there is an empty list. */
sot_code host_list_load(const char *dir, monitor *m, sot_wall now, sot_err *err) SOT_CHECK;
sot_code host_list_save(const char *dir, const monitor *m, sot_err *err) SOT_CHECK;

#endif
