#include "neighbour_frames.h"

#include <string.h>

enum {
	ETHERNET = 14,
	ARP_FRAME = 60, /* with padding: the smallest Ethernet frame */
	ARP_NEEDED = 42,
	IPV6_HEAD = 40,
	ND_SIZE = 24, /* without options */
	ND_FRAME = ETHERNET + IPV6_HEAD + ND_SIZE,
	ICMPV6 = 58,
	HOP_LIMIT = 255, /* a router would have lowered it: the sender is on this link */
	SOLICITATION = 135,
	ADVERTISEMENT = 136
};

static size_t arp_question(sot_ip address, const uint8_t mac[6], uint8_t *frame)
{
	static const uint8_t head[] = {
	    0x08, 0x06,             /* ARP */
	    0x00, 0x01, 0x08, 0x00, /* Ethernet, IPv4 */
	    0x06, 0x04, 0x00, 0x01, /* lengths, request */
	};
	memset(frame, 0, ARP_FRAME);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, head, sizeof(head));
	memcpy(frame + 22, mac, 6); /* the sender's address stays 0.0.0.0 */
	memcpy(frame + 38, address.b, 4);
	return ARP_FRAME;
}

/* RFC 4443 section 2.3: over the pseudo-header and the message, whose own field is 0. */
static uint16_t icmp_checksum(const uint8_t *ipv6, size_t message_size)
{
	uint32_t sum = (uint32_t)message_size + ICMPV6;
	for (size_t i = 8; i < IPV6_HEAD + message_size; i += 2)
		sum += (uint32_t)ipv6[i] << 8 | ipv6[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t nd_question(sot_ip address, const uint8_t mac[6], uint8_t *frame)
{
	static const uint8_t group[] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
	uint8_t *ipv6 = frame + ETHERNET, *message = ipv6 + IPV6_HEAD;
	memset(frame, 0, ND_FRAME);
	memcpy(frame, (const uint8_t[]){0x33, 0x33, 0xff}, 3);
	memcpy(frame + 3, address.b + 13, 3);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, (const uint8_t[]){0x86, 0xdd}, 2);
	ipv6[0] = 0x60;
	ipv6[5] = ND_SIZE;
	ipv6[6] = ICMPV6;
	ipv6[7] = HOP_LIMIT;
	memcpy(ipv6 + 24, group, sizeof(group));
	memcpy(ipv6 + 37, address.b + 13, 3);
	message[0] = SOLICITATION;
	memcpy(message + 8, address.b, 16);
	uint16_t sum = icmp_checksum(ipv6, ND_SIZE);
	message[2] = (uint8_t)(sum >> 8);
	message[3] = (uint8_t)sum;
	return ND_FRAME;
}

size_t neighbour_question(
    sot_ip address, const uint8_t mac[6], uint8_t frame[static NEIGHBOUR_FRAME_MAX])
{
	return address.family == 6 ? nd_question(address, mac, frame)
	                           : arp_question(address, mac, frame);
}

static sot_ip ip_at(const uint8_t *p, uint8_t family)
{
	sot_ip ip = {.family = family};
	memcpy(ip.b, p, family == 6 ? 16 : 4);
	return ip;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && *p == 0) {
		p++;
		n--;
	}
	return n == 0;
}

static bool read_arp(const uint8_t *arp, neighbour_claim *ret)
{
	static const uint8_t head[] = {0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00};
	if (memcmp(arp, head, sizeof(head)) != 0 || (arp[7] != 1 && arp[7] != 2))
		return false;
	memcpy(ret->mac, arp + 8, 6);
	ret->is_question = is_zero(arp + 14, 4);
	ret->address = ip_at(ret->is_question ? arp + 24 : arp + 14, 4);
	return !ret->is_question || arp[7] == 1;
}

static bool read_nd(const uint8_t *frame, neighbour_claim *ret)
{
	const uint8_t *ipv6 = frame + ETHERNET, *message = ipv6 + IPV6_HEAD;
	if (ipv6[6] != ICMPV6 || ipv6[7] != HOP_LIMIT || message[1] != 0 ||
	    (message[0] != SOLICITATION && message[0] != ADVERTISEMENT))
		return false;
	memcpy(ret->mac, frame + 6, 6);
	ret->is_question = message[0] == SOLICITATION && is_zero(ipv6 + 8, 16);
	bool names_target = ret->is_question || message[0] == ADVERTISEMENT;
	ret->address = ip_at(names_target ? message + 8 : ipv6 + 8, 6);
	return true;
}

bool neighbour_read(const uint8_t *frame, size_t n, neighbour_claim *ret)
{
	if (n >= ARP_NEEDED && frame[12] == 0x08 && frame[13] == 0x06)
		return read_arp(frame + ETHERNET, ret);
	if (n >= ND_FRAME && frame[12] == 0x86 && frame[13] == 0xdd)
		return read_nd(frame, ret);
	return false;
}
