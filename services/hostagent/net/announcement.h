/* gratuitous_arp - tells the neighbours of a network which MAC an address has now. */
#ifndef HOSTAGENT_GRATUITOUS_ARP_H
#define HOSTAGENT_GRATUITOUS_ARP_H

#include "sot_err.h"

#include <stdint.h>

#define GRATUITOUS_ARP_SIZE 60u /* the smallest Ethernet frame without its check sum */

/* Pure: an ARP request for one's own address (RFC 5227, ARP Announcement). Host byte order. */
void gratuitous_arp_build(
    uint32_t address, const uint8_t mac[6], uint8_t frame[static GRATUITOUS_ARP_SIZE]);
/* Sends it from the link, through a packet socket made by the caller in that namespace. */
sot_code gratuitous_arp_send(
    int packet_fd, int link_index, uint32_t address, const uint8_t mac[6], sot_err *err);

#endif
