/* announcement - tells the neighbours which MAC an address has now: a gratuitous ARP for IPv4, an
 * unsolicited neighbour advertisement for IPv6.
 */
#ifndef HOSTAGENT_ANNOUNCEMENT_H
#define HOSTAGENT_ANNOUNCEMENT_H

#include "net_record.h"

#define ANNOUNCEMENT_ARP_SIZE 60u /* the smallest Ethernet frame without its check sum */
#define ANNOUNCEMENT_ND_SIZE 86u  /* Ethernet 14, IPv6 40, advertisement 24, option 8 */

/* Pure: an ARP request for one's own address (RFC 5227, ARP Announcement). */
void announcement_arp(
    sot_ip address, const uint8_t mac[6], uint8_t frame[static ANNOUNCEMENT_ARP_SIZE]);
/* Pure: a neighbour advertisement to all nodes, with the override flag (RFC 4861, 7.2.6). */
void announcement_nd(
    sot_ip address, const uint8_t mac[6], uint8_t frame[static ANNOUNCEMENT_ND_SIZE]);

/* Sends both, as far as the record has both, out of the link `link_index` through a packet socket
 * that was made in its namespace. */
sot_code announcement_send(
    int packet_fd, int link_index, const net_record *record, sot_err *err) SOT_CHECK;

#endif
