/* exec_door - where the host's agent enters an instance (docs/exec.md): PID 1 listens on an
 * abstract unix socket of the instance's network namespace, and gives each connection a process of
 * its own, which serves one session (exec_session.h).
 *
 * Who may enter: only a process from outside of the instance's pid namespace, which the kernel
 * tells by the pid 0 of its credentials. Whoever is inside is closed at once. The agent on its side
 * asks the kernel whether it is PID 1 of the instance that listens.
 */
#ifndef HOSTAGENT_EXEC_DOOR_H
#define HOSTAGENT_EXEC_DOOR_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum { EXEC_DOOR_SESSIONS_MAX = 64 };

/* False with a complaint: there is no exec in this life of the instance. */
bool exec_door_open(void);
/* For poll; -1 when it is not open. */
int exec_door_fd(void);
/* Takes connections that wait. `mask`: signals as sessions shall have them. */
void exec_door_serve(const sigset_t *mask);
/* A child of PID 1 was reaped; true when it served a session. */
bool exec_door_reap(pid_t pid);

#endif
