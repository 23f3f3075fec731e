#include "subnet_plan.h"

#include <stdio.h>

enum { V4_PREFIX_MIN = 8, V4_PREFIX_MAX = 30, V6_PREFIX_MIN = 48, V6_PREFIX_MAX = 126 };

sot_ip subnet_plan_lowest(const subnet_plan *plan)
{
	return sot_ip_add(plan->network, 1);
}

sot_ip subnet_plan_highest(const subnet_plan *plan)
{
	sot_ip last = sot_ip_last(plan->network, plan->prefix);
	if (plan->network.family == 4)
		last = sot_ip_from_v4(sot_ip_v4(last) - 1);
	return last;
}

static bool is_between(sot_ip low, sot_ip address, sot_ip high)
{
	return address.family == low.family && sot_ip_cmp(low, address) <= 0 &&
	       sot_ip_cmp(address, high) <= 0;
}

bool subnet_plan_is_usable(const subnet_plan *plan, sot_ip address)
{
	return is_between(subnet_plan_lowest(plan), address, subnet_plan_highest(plan));
}

/* The last address that the gateway and its partners take. */
static sot_ip gateway_end(const subnet_plan *plan)
{
	return sot_ip_add(
	    plan->gateway, plan->redundant_gateway ? (uint64_t)SUBNET_PLAN_GATEWAY_PARTNERS : 0);
}

bool subnet_plan_is_gateway(const subnet_plan *plan, sot_ip address)
{
	return !sot_ip_is_none(plan->gateway) && is_between(plan->gateway, address, gateway_end(plan));
}

bool subnet_plan_overlaps(const subnet_plan *a, const subnet_plan *b)
{
	return sot_ip_in(a->network, b->network, b->prefix) ||
	       sot_ip_in(b->network, a->network, a->prefix);
}

char *subnet_plan_format(const subnet_plan *plan, char dst[static SUBNET_PLAN_TEXT])
{
	char network[SOT_IP_TEXT];
	(void)snprintf(
	    dst, SUBNET_PLAN_TEXT, "%s/%u", sot_ip_format(plan->network, network), plan->prefix);
	return dst;
}

/* ---- the checks ---- */

static sot_code outside(const subnet_plan *plan, const char *what, sot_ip address, sot_err *err)
{
	char text[SOT_IP_TEXT], low[SOT_IP_TEXT], high[SOT_IP_TEXT];
	return sot_fail(err, SOT_INVALID, "the %s %s is not one of %s to %s", what,
	    sot_ip_format(address, text), sot_ip_format(subnet_plan_lowest(plan), low),
	    sot_ip_format(subnet_plan_highest(plan), high));
}

static sot_code check_network(const subnet_plan *plan, sot_err *err)
{
	char address[SOT_IP_TEXT], wanted[SOT_IP_TEXT];
	if (sot_ip_is_none(plan->network))
		return sot_fail(
		    err, SOT_INVALID, "a subnet such as 10.66.0.0/24 or 2001:db8::/64 is missing");
	bool is_v4 = plan->network.family == 4;
	unsigned low = is_v4 ? V4_PREFIX_MIN : V6_PREFIX_MIN;
	unsigned high = is_v4 ? V4_PREFIX_MAX : V6_PREFIX_MAX;
	if (plan->prefix < low || plan->prefix > high)
		return sot_fail(err, SOT_INVALID, "the prefix length %u is not in %u..%u of IPv%u",
		    plan->prefix, low, high, plan->network.family);
	sot_ip network = sot_ip_network(plan->network, plan->prefix);
	if (!sot_ip_eq(network, plan->network))
		return sot_fail(err, SOT_INVALID, "%s/%u has host bits; the network is %s/%u",
		    sot_ip_format(plan->network, address), plan->prefix, sot_ip_format(network, wanted),
		    plan->prefix);
	/* Multicast, link-local and loopback are nobody's subnet. */
	const uint8_t *b = network.b;
	bool special = is_v4 ? b[0] >= 224 || b[0] == 127 || b[0] == 0 || (b[0] == 169 && b[1] == 254)
	                     : b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || b[0] == 0;
	if (special)
		return sot_fail(err, SOT_INVALID,
		    "%s/%u is set aside for loopback, link-local or multicast; choose a network of your "
		    "own",
		    sot_ip_format(network, address), plan->prefix);
	return SOT_OK;
}

static sot_code check_gateway(const subnet_plan *plan, const char **ret_pointer, sot_err *err)
{
	char text[SOT_IP_TEXT], end[SOT_IP_TEXT];
	*ret_pointer = "/gateway";
	if (!sot_ip_is_none(plan->gateway) && !subnet_plan_is_usable(plan, plan->gateway))
		return outside(plan, "gateway", plan->gateway, err);
	*ret_pointer = "/redundantGateway";
	if (!plan->redundant_gateway)
		return SOT_OK;
	if (sot_ip_is_none(plan->gateway))
		return sot_fail(err, SOT_INVALID, "a redundant gateway needs a gateway");
	/* Written so that it cannot wrap around at the end of the address space. */
	if (sot_ip_distance(plan->gateway, subnet_plan_highest(plan)) < SUBNET_PLAN_GATEWAY_PARTNERS)
		return sot_fail(err, SOT_INVALID,
		    "the two routers after the gateway %s do not fit: the last address is %s",
		    sot_ip_format(plan->gateway, text), sot_ip_format(subnet_plan_highest(plan), end));
	return SOT_OK;
}

/* False when there is no room: the gateway and its partners take all that is left. */
static bool fill_in(subnet_plan *plan)
{
	sot_ip lowest = subnet_plan_lowest(plan), highest = subnet_plan_highest(plan);
	if (sot_ip_is_none(plan->first)) {
		plan->first = lowest;
		if (!sot_ip_is_none(plan->gateway)) {
			uint64_t below = sot_ip_distance(lowest, plan->gateway);
			uint64_t above = sot_ip_distance(plan->gateway, highest);
			if (below <= above && sot_ip_cmp(gateway_end(plan), highest) < 0)
				plan->first = sot_ip_add(gateway_end(plan), 1);
		}
	}
	if (sot_ip_is_none(plan->last))
		plan->last = highest;
	return !(subnet_plan_is_gateway(plan, plan->first) && subnet_plan_is_gateway(plan, plan->last));
}

static sot_code check_bounds(subnet_plan *filled, const char **ret_pointer, sot_err *err)
{
	char first[SOT_IP_TEXT], last[SOT_IP_TEXT];
	bool has_room = fill_in(filled);
	*ret_pointer = "/first";
	if (!subnet_plan_is_usable(filled, filled->first))
		return outside(filled, "first address", filled->first, err);
	*ret_pointer = "/last";
	if (!subnet_plan_is_usable(filled, filled->last))
		return outside(filled, "last address", filled->last, err);
	if (sot_ip_cmp(filled->last, filled->first) < 0)
		return sot_fail(err, SOT_INVALID, "the last address %s comes before the first, %s",
		    sot_ip_format(filled->last, last), sot_ip_format(filled->first, first));
	if (!has_room)
		return sot_fail(err, SOT_INVALID,
		    "%s to %s holds nothing but the gateway; make the subnet or its part larger",
		    sot_ip_format(filled->first, first), sot_ip_format(filled->last, last));
	return SOT_OK;
}

sot_code subnet_plan_check(subnet_plan *plan, const char **ret_pointer, sot_err *err)
{
	subnet_plan filled = *plan;
	*ret_pointer = "/cidr";
	sot_code code = check_network(plan, err);
	if (code == SOT_OK)
		code = check_gateway(plan, ret_pointer, err);
	if (code == SOT_OK)
		code = check_bounds(&filled, ret_pointer, err);
	if (code != SOT_OK)
		return code;
	*ret_pointer = "";
	*plan = filled;
	return SOT_OK;
}

/* ---- ranges ---- */

sot_code range_plan_check(sot_ip first, sot_ip last, const char **ret_pointer, sot_err *err)
{
	char a[SOT_IP_TEXT], b[SOT_IP_TEXT];
	*ret_pointer = "/first";
	if (sot_ip_is_none(first))
		return sot_fail(err, SOT_INVALID, "the first address of the range is missing");
	*ret_pointer = "/last";
	if (sot_ip_is_none(last))
		return sot_fail(err, SOT_INVALID, "the last address of the range is missing");
	if (first.family != last.family)
		return sot_fail(err, SOT_INVALID, "%s and %s are not of one family",
		    sot_ip_format(first, a), sot_ip_format(last, b));
	if (sot_ip_cmp(last, first) < 0)
		return sot_fail(err, SOT_INVALID, "the last address %s comes before the first, %s",
		    sot_ip_format(last, b), sot_ip_format(first, a));
	*ret_pointer = "";
	return SOT_OK;
}

bool range_plan_is_inside(const subnet_plan *plan, sot_ip first, sot_ip last)
{
	return sot_ip_in(first, plan->network, plan->prefix) &&
	       sot_ip_in(last, plan->network, plan->prefix);
}

bool range_use_may_overlap(range_use a, range_use b)
{
	return (a == RANGE_POOL) != (b == RANGE_POOL);
}
