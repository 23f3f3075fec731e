#include "gratuitous_arp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>

void gratuitous_arp_build(
    uint32_t address, const uint8_t mac[6], uint8_t frame[static GRATUITOUS_ARP_SIZE])
{
	static const uint8_t head[] = {
	    0x08, 0x06,             /* ARP */
	    0x00, 0x01, 0x08, 0x00, /* Ethernet, IPv4 */
	    0x06, 0x04, 0x00, 0x01, /* lengths, request */
	};
	uint32_t wire = htonl(address);
	memset(frame, 0, GRATUITOUS_ARP_SIZE);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, head, sizeof(head));
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 28, &wire, 4);
	memcpy(frame + 38, &wire, 4); /* the target's MAC stays zero */
}

sot_code gratuitous_arp_send(
    int packet_fd, int link_index, uint32_t address, const uint8_t mac[6], sot_err *err)
{
	uint8_t frame[GRATUITOUS_ARP_SIZE];
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ARP),
	    .sll_ifindex = link_index,
	    .sll_halen = 6};
	memset(to.sll_addr, 0xff, 6);
	gratuitous_arp_build(address, mac, frame);
	if (sendto(packet_fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "gratuitous ARP");
	return SOT_OK;
}
