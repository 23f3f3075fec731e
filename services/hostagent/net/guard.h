/* guard - which frames an instance may send: the elements of the bridge table `sotalia`.
 *
 * A guarded link has the group GUARD_LINK_GROUP, from its making on; what it sends is dropped but
 * for what the table (guard_table.h) finds in its sets of {link . MAC . address}. Here are the
 * elements of one record, and how they get into the kernel.
 * That goes by nfnetlink messages over libnl-3, for the hook pays for every library it loads
 * (ADR 0011). Names of links are deterministic, so the elements are there before the link is.
 */
#ifndef HOSTAGENT_GUARD_H
#define HOSTAGENT_GUARD_H

#include "net_record.h"
#include "netlink.h"

#define GUARD_TABLE "sotalia"
#define GUARD_LINK_GROUP 20641u /* any number that nobody else uses; stands in the table's text */

/* The sets of the table. */
typedef enum guard_set {
	GUARD_MAC,    /* link . MAC of the frame */
	GUARD_OPTION, /* link . MAC in an ND option */
	GUARD_FRAME4, /* link . MAC and type of an IPv4 frame . IPv4 */
	GUARD_V4,     /* link . MAC . IPv4 of an ARP sender */
	GUARD_V6,     /* link . MAC . IPv6 */
	GUARD_TARGET, /* link . MAC . target of an ND message */
	GUARD_SETS
} guard_set;

#define GUARD_KEY_MAX 40u     /* link 16, MAC 6 + 2, address 16 */
#define GUARD_ELEMENTS_MAX 8u /* of one record */

typedef struct guard_element {
	uint8_t set;  /* guard_set */
	uint8_t size; /* of the key */
	uint8_t key[GUARD_KEY_MAX];
} guard_element;

/* Pure: the elements of a record, at most GUARD_ELEMENTS_MAX, none when its guard is off. */
size_t guard_elements(const net_record *record, guard_element ret[static GUARD_ELEMENTS_MAX]);
/* Pure: the order of elements in a sorted list. For qsort. */
int guard_element_cmp(const void *a, const void *b);
/* Pure: the link's name in an element. */
const char *guard_element_link(const guard_element *element);

/* `n` is a NETLINK_NETFILTER socket. Adding what is there is no error. SOT_NOT_FOUND: there is no
 * table. */
sot_code guard_add(netlink *n, const guard_element *elements, size_t count, sot_err *err) SOT_CHECK;
/* SOT_NOT_FOUND when one of them is not there: then none is removed. */
sot_code guard_remove(
    netlink *n, const guard_element *elements, size_t count, sot_err *err) SOT_CHECK;
/* All elements of all sets, sorted; *ret_elements is freed by the caller. */
sot_code guard_list(
    netlink *n, guard_element **ret_elements, size_t *ret_count, sot_err *err) SOT_CHECK;

/* Which rule set of this network the kernel has: another number after each change by anybody, in
 * any table, of rules, chains, sets or elements. Never 0. */
sot_code guard_generation(netlink *n, uint32_t *ret, sot_err *err) SOT_CHECK;

/* Why a frame was dropped; each reason is a counter of the table. */
typedef enum guard_reason {
	GUARD_FORGED_MAC,     /* a source MAC that is not the link's */
	GUARD_FORGED_ADDRESS, /* an IP source that is not the link's */
	GUARD_FORGED_ARP,     /* an ARP sender that is not the link's */
	GUARD_FORGED_ND,      /* a neighbour message for somebody else */
	GUARD_DHCP_SERVER,    /* the words of a DHCP server, v4 or v6 */
	GUARD_ROUTER,         /* a router advertisement or redirect */
	GUARD_TAGGED,         /* a frame with a VLAN tag */
	GUARD_LINK_LOCAL,     /* BPDU, LLDP and their like */
	GUARD_OTHER,          /* another protocol */
	GUARD_REASONS
} guard_reason;
/* The counter's name, such as "forged_mac". */
const char *guard_reason_name(guard_reason reason);
/* Frames dropped since the table was made, by reason. SOT_NOT_FOUND: there is no table. */
sot_code guard_read_counters(
    netlink *n, uint64_t ret_frames[static GUARD_REASONS], sot_err *err) SOT_CHECK;

#endif
