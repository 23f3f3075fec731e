/* view - LXCFS's files over those of the kernel, so that `top`, `free`, `uptime` and the like tell
 * what an instance has, not what its host has. Blocking, with a deadline: LXCFS is a process that
 * may be away or stand still, and no start may hang on it.
 */
#ifndef HOSTAGENT_VIEW_H
#define HOSTAGENT_VIEW_H

#include "sot_str.h"

#define VIEW_DIR_DEFAULT "/var/lib/lxcfs"
#define VIEW_FILES_MAX 8u

typedef struct view_file {
	const char *name;   /* below LXCFS's folder and below "/": "proc/meminfo" */
	const char *folder; /* "proc" or "sys/devices/system" */
	const char *last;   /* "meminfo" */
} view_file;
/* Ends with a name of NULL. */
extern const view_file view_files[VIEW_FILES_MAX + 1];

/* Whether an LXCFS answers in `dir`: SOT_NOT_FOUND when none is mounted there, SOT_UNAVAILABLE when
 * it does not answer within deadline_ms. */
sot_code view_probe(const char *dir, int deadline_ms, sot_err *err) SOT_CHECK;
/* Whether this LXCFS has the file: older ones lack some. After view_probe. */
bool view_has(const char *dir, const view_file *file);

/* "0:57" of the mount point `path` (the last one mounted there) in the text of a mountinfo;
 * empty when it is none of LXCFS. Pure. */
sot_str view_device(sot_str mountinfo, const char *path);

#endif
