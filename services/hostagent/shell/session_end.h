/* session_end - ends a process of an instance, and all that it started, from the host's side. */
#ifndef HOSTAGENT_SESSION_END_H
#define HOSTAGENT_SESSION_END_H

#include "sot_str.h"

/* Kills the sshd with the pid `inner_pid` of the instance whose PID 1 is `init_pid` on this host,
 * with its descendants. How many processes were killed; 0 when there is no such sshd. */
size_t session_end(int init_pid, int64_t inner_pid);

#endif
