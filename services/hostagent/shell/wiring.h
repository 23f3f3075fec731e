/* wiring - the host's side of the instances' networks, over net/host_network.h: which VLANs the
 * desired set needs is put on disk (for the next boot), each is made, and all is looked at once a
 * minute and repaired. The kernel is asked on a worker thread, one job at a time.
 */
#ifndef HOSTAGENT_WIRING_H
#define HOSTAGENT_WIRING_H

#include "agent.h"

/* Fails only when a key of the uplinks cannot be read; what cannot be made is tried again. */
sot_code wiring_new(agent *a, wiring **ret, sot_err *err) SOT_CHECK;
wiring *wiring_free(wiring *w); /* when no job is under way: after a drain */
/* Before the reconciler takes the set over: net/vlans.json, then the VLANs that are new. Until one
 * is ready its instances wait. */
void wiring_take_desired(wiring *w);
/* A record was written: the ports are compared with the records soon. */
void wiring_check_soon(wiring *w);
/* Frames of instances that the guard dropped since the last call; metrics tell why. */
uint64_t wiring_take_drops(wiring *w);
/* Reasons of VLANs that are needed and not there. */
bool wiring_is_healthy(const wiring *w, sot_buf *reasons);

#endif
