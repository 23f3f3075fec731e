/* address_probe - asks a VLAN whether somebody has an address: three ARP questions, or neighbour
 * solicitations, 100 ms apart, sent by the bridge (RFC 5227 and RFC 4862, with short timers).
 * Blocking, for the hook; the agent has its own, in core/probes.
 */
#ifndef HOSTAGENT_ADDRESS_PROBE_H
#define HOSTAGENT_ADDRESS_PROBE_H

#include "sot_err.h"
#include "sot_ip.h"

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_PROBE_QUESTIONS 3
#define ADDRESS_PROBE_WAIT_MS 100 /* for an answer, after each question */

typedef struct address_probe_answer {
	bool is_used;
	sot_ip address;
	uint8_t mac[6]; /* who has it */
} address_probe_answer;

/* Up to two addresses at once, those that are none left out; ends with the first answer. What this
 * machine sends itself is no answer, so none of them may be wired here already. */
sot_code address_probe(const char *bridge, const sot_ip addresses[static 2],
    address_probe_answer *ret, sot_err *err) SOT_CHECK;

#endif
