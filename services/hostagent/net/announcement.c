#include "announcement.h"

#include <errno.h>
#include <net/ethernet.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>

void announcement_arp(
    sot_ip address, const uint8_t mac[6], uint8_t frame[static ANNOUNCEMENT_ARP_SIZE])
{
	static const uint8_t head[] = {
	    0x08, 0x06,             /* ARP */
	    0x00, 0x01, 0x08, 0x00, /* Ethernet, IPv4 */
	    0x06, 0x04, 0x00, 0x01, /* lengths, request */
	};
	memset(frame, 0, ANNOUNCEMENT_ARP_SIZE);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, head, sizeof(head));
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 28, address.b, 4);
	memcpy(frame + 38, address.b, 4); /* the target's MAC stays zero */
}

/* RFC 1071 over the pseudo header (both addresses, length, next header) and the message. */
static uint16_t checksum(const uint8_t *ipv6, const uint8_t *message, size_t size)
{
	uint32_t sum = (uint32_t)size + 58;
	for (size_t i = 8; i < 40; i += 2)
		sum += (uint32_t)(ipv6[i] << 8 | ipv6[i + 1]);
	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)(message[i] << 8 | message[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void announcement_nd(
    sot_ip address, const uint8_t mac[6], uint8_t frame[static ANNOUNCEMENT_ND_SIZE])
{
	static const uint8_t everybody[16] = {0xff, 0x02, [15] = 1};
	enum { IPV6 = 14, MESSAGE = 54, MESSAGE_SIZE = 32 };
	memset(frame, 0, ANNOUNCEMENT_ND_SIZE);
	memcpy(frame, (const uint8_t[]){0x33, 0x33, 0, 0, 0, 1}, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, (const uint8_t[]){0x86, 0xdd}, 2);
	frame[IPV6] = 0x60;
	frame[IPV6 + 5] = MESSAGE_SIZE;
	frame[IPV6 + 6] = 58;  /* ICMPv6 */
	frame[IPV6 + 7] = 255; /* hop limit, checked by receivers */
	memcpy(frame + IPV6 + 8, address.b, 16);
	memcpy(frame + IPV6 + 24, everybody, 16);
	frame[MESSAGE] = 136;      /* neighbour advertisement */
	frame[MESSAGE + 4] = 0x20; /* override */
	memcpy(frame + MESSAGE + 8, address.b, 16);
	frame[MESSAGE + 24] = 2; /* target link-layer address, 8 bytes */
	frame[MESSAGE + 25] = 1;
	memcpy(frame + MESSAGE + 26, mac, 6);
	uint16_t sum = checksum(frame + IPV6, frame + MESSAGE, MESSAGE_SIZE);
	frame[MESSAGE + 2] = (uint8_t)(sum >> 8);
	frame[MESSAGE + 3] = (uint8_t)sum;
}

static sot_code send_frame(
    int packet_fd, int link_index, const uint8_t *frame, size_t size, sot_err *err)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = link_index, .sll_halen = 6};
	memcpy(&to.sll_protocol, frame + 12, sizeof(to.sll_protocol));
	memcpy(to.sll_addr, frame, 6);
	if (sendto(packet_fd, frame, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "announce an address");
	return SOT_OK;
}

sot_code announcement_send(int packet_fd, int link_index, const net_record *record, sot_err *err)
{
	uint8_t arp[ANNOUNCEMENT_ARP_SIZE], nd[ANNOUNCEMENT_ND_SIZE];
	announcement_arp(record->address, record->mac, arp);
	sot_code code = send_frame(packet_fd, link_index, arp, sizeof(arp), err);
	if (code == SOT_OK && !sot_ip_is_none(record->address6)) {
		announcement_nd(record->address6, record->mac, nd);
		code = send_frame(packet_fd, link_index, nd, sizeof(nd), err);
	}
	return code;
}
