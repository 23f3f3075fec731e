/* look_inside - the processes and mounts of an instance, as a JSON object, from the kernel's files.
 *
 * Reading the words of a process waits while the process holds its memory still, which a disk can
 * make last for ever: `sotalia-hostagent --inside=PID` does it in a process of its own.
 */
#ifndef HOSTAGENT_LOOK_INSIDE_H
#define HOSTAGENT_LOOK_INSIDE_H

#include "figures.h"
#include "sot_mem.h"

enum { LOOK_INSIDE_MAX = 250000, LOOK_PROCESSES_MAX = 500, LOOK_MOUNTS_MAX = 200 };

/* Of the instance whose PID 1 is this process of the host. At most LOOK_INSIDE_MAX bytes; what is
 * left out is counted. False: the process is not there. */
bool look_inside(const figures_roots *roots, int pid, sot_buf *ret);
/* The main of --inside=PID: the object on stdout. */
int look_inside_main(const char *pid);

#endif
