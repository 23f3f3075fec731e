/* daemons - the services of an instance besides its app: sshd, cron. Those that the image has are
 * started, and started again when they end: after 1 s, doubling to 60 s while they do not stay up.
 */
#ifndef HOSTAGENT_DAEMONS_H
#define HOSTAGENT_DAEMONS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Starts what is due; `mask` is the signal mask that they get. */
void daemons_start(int64_t now_ms, const sigset_t *mask);
/* A child ended; false: it is none of them. */
bool daemons_reap(pid_t pid, int status, int64_t now_ms);
/* Milliseconds until something is due, -1: nothing is. */
int daemons_due_ms(int64_t now_ms);

#endif
