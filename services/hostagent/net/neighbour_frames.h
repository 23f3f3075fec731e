/* neighbour_frames - the frames that ask for and tell of addresses on a VLAN: ARP (RFC 826, 5227)
 * and neighbour discovery (RFC 4861, 4862). Whole Ethernet frames, untagged. Pure.
 */
#ifndef HOSTAGENT_NEIGHBOUR_FRAMES_H
#define HOSTAGENT_NEIGHBOUR_FRAMES_H

#include "sot_ip.h"

#define NEIGHBOUR_FRAME_MAX 78u

/* The probe for an address, sent by `mac`: an ARP request without a sender address, or a neighbour
 * solicitation from the unspecified address. Returns its length. */
size_t neighbour_question(
    sot_ip address, const uint8_t mac[6], uint8_t frame[static NEIGHBOUR_FRAME_MAX]);

typedef struct neighbour_claim {
	sot_ip address;
	uint8_t mac[6];
	bool is_question; /* it only asks whether the address is free, to use it */
} neighbour_claim;
/* Who says that it has (or is about to take) which address. False for any other frame; `n` may be
 * cut by the capture. */
bool neighbour_read(const uint8_t *frame, size_t n, neighbour_claim *ret);

#endif
