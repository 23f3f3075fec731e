/* service - what every service's main does around its loop: signals, the supervisor's protocol, and
 * a watchdog.
 *
 * - SIGTERM and SIGINT drain: the service finishes what it has begun and calls service_drained, or
 *   the drain's deadline passes; then the loop stops. A second signal stops at once. SIGHUP is
 *   ignored.
 * - READY=1, STOPPING=1 and WATCHDOG=1 go to $NOTIFY_SOCKET (systemd's sd_notify) when it is set.
 * - The watchdog ends a process whose loop does not turn (reliability A4): a timer in the loop
 *   counts beats; a thread looks at the count five times per limit and adds up the silence that is
 *   the loop's own: neither what a stopped process sleeps through, nor what the loop's thread waits
 *   for a processor or a disk, so that a slow machine is not taken for a hung loop. When it reaches
 *   the limit: a line on stderr, then abort() for a core dump; the supervisor restarts it.
 * - systemd's own watchdog (WatchdogSec) counts wall time. That thread feeds it, not the loop:
 *   whether the loop hangs is judged here, and systemd ends what does not run at all any more.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "reactor.h"

typedef struct service service;
typedef struct service_options {
	/* Begins the drain: no new work, then service_drained when the rest is done. NULL: nothing to
	 * drain. Called once. */
	void (*drain)(void *self);
	void *self;
	int64_t drain_deadline_ms; /* 0: 10,000 */
	int64_t watchdog_ms;       /* 0: 5,000; -1: none (under a debugger) */
} service_options;

sot_code service_new(
    reactor *r, const service_options *options, service **ret, sot_err *err) SOT_CHECK;
/* Tells the supervisor that the service serves. */
void service_ready(service *s);
/* The drain is done: stops the loop. */
void service_drained(service *s);
bool service_is_draining(const service *s);
/* NULL-safe. Joins the watchdog. */
service *service_free(service *s);
SOT_DEFINE_AUTO(service)

#endif
