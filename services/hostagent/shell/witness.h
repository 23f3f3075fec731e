/* witness - answers the scheduler's question whether another host is silent: its address is pinged,
 * the addresses of its instances are asked for on their VLANs. It tells what it found, and decides
 * nothing.
 */
#ifndef HOSTAGENT_WITNESS_H
#define HOSTAGENT_WITNESS_H

#include "agent.h"

/* SOT_UNAVAILABLE without the right to open a raw socket. */
sot_code witness_new(agent *a, witness **ret, sot_err *err) SOT_CHECK;
witness *witness_free(witness *w);
/* Told by uplink_probed within 2 s. Copied; beyond WITNESS_QUESTIONS_MAX open ones it is dropped:
 * the scheduler asks again. */
#define WITNESS_QUESTIONS_MAX 64
void witness_ask(witness *w, const sot_host_probe *m);

#endif
