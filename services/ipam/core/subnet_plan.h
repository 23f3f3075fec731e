/* subnet_plan - whether a subnet, and a range of it, make sense; and a subnet's defaults. Pure.
 *
 * IPv4 and IPv6 follow one set of rules; they differ in the sizes allowed and in what cannot be an
 * interface's address: network and broadcast of IPv4, the all-zero host part of IPv6 (the
 * subnet-router anycast address, RFC 4291 2.6.1).
 */
#ifndef IPAM_SUBNET_PLAN_H
#define IPAM_SUBNET_PLAN_H

#include "sot_ip.h"

enum { SUBNET_PLAN_TEXT = SOT_IP_TEXT + 4, SUBNET_PLAN_GATEWAY_PARTNERS = 2 };

typedef struct subnet_plan {
	sot_ip network;
	uint8_t prefix;
	bool redundant_gateway; /* the two addresses after the gateway are a pair of routers (VRRP) */
	sot_ip gateway;         /* none is allowed */
	sot_ip first, last;     /* what is given out; none: the default, see subnet_plan_check */
} subnet_plan;

/* Checks the plan and fills in `first` (after the gateway and its partners when they stand at the
 * low end, so that what lies below stays free for more of their kind) and `last` (the last one, for
 * IPv4 before the broadcast). SOT_INVALID: `ret_pointer` is the JSON pointer of the field that is
 * wrong (a literal), and the text says what would be right; the plan is untouched. */
sot_code subnet_plan_check(subnet_plan *plan, const char **ret_pointer, sot_err *err) SOT_CHECK;

/* The lowest and the highest address that an interface may have. */
sot_ip subnet_plan_lowest(const subnet_plan *plan);
sot_ip subnet_plan_highest(const subnet_plan *plan);
bool subnet_plan_is_usable(const subnet_plan *plan, sot_ip address);
/* Never given out: the gateway, and its partners when it is redundant. */
bool subnet_plan_is_gateway(const subnet_plan *plan, sot_ip address);
bool subnet_plan_overlaps(const subnet_plan *a, const subnet_plan *b);
/* "10.66.0.0/24"; returns dst. */
char *subnet_plan_format(const subnet_plan *plan, char dst[static SUBNET_PLAN_TEXT]);

/* Whether first..last is a range that can belong to one subnet at all: both given, of one family,
 * in order. Pointers "/first", "/last". */
sot_code range_plan_check(
    sot_ip first, sot_ip last, const char **ret_pointer, sot_err *err) SOT_CHECK;
/* Whether a range lies in the subnet as a whole. */
bool range_plan_is_inside(const subnet_plan *plan, sot_ip first, sot_ip last);

typedef enum range_use { RANGE_POOL, RANGE_RESERVED, RANGE_EXCLUDED } range_use;
/* May two ranges of a subnet share addresses? What is reserved or excluded may be cut out of a
 * pool; two pools, or two that both keep addresses back, must not overlap. */
bool range_use_may_overlap(range_use a, range_use b);

#endif
