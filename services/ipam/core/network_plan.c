#include "network_plan.h"

#include "sot_parse.h"

static uint32_t host_bits(const network_plan *plan)
{
	return UINT32_MAX >> plan->prefix;
}

uint32_t network_plan_broadcast(const network_plan *plan)
{
	return plan->network | host_bits(plan);
}

static bool is_usable(const network_plan *plan, uint32_t address)
{
	return address > plan->network && address < network_plan_broadcast(plan);
}

static sot_code outside(const network_plan *plan, const char *what, uint32_t address, sot_err *err)
{
	char text[16], low[16], high[16];
	return sot_fail(err, SOT_INVALID, "the %s %s is not one of %s to %s", what,
	    sot_format_ipv4(address, text), sot_format_ipv4(plan->network + 1, low),
	    sot_format_ipv4(network_plan_broadcast(plan) - 1, high));
}

static void fill_in(network_plan *plan)
{
	if (plan->first == 0) {
		/* A gateway at the low end: what lies below it stays free for more of its kind. */
		bool low = plan->gateway && plan->gateway - plan->network <= host_bits(plan) / 2;
		plan->first = (low ? plan->gateway : plan->network) + 1;
	}
	if (plan->last == 0)
		plan->last = network_plan_broadcast(plan) - 1;
}

sot_code network_plan_check(network_plan *plan, const char **ret_pointer, sot_err *err)
{
	char address[16], wanted[16];
	*ret_pointer = "/cidr";
	if (plan->prefix < 8 || plan->prefix > 30)
		return sot_fail(err, SOT_INVALID, "the prefix length %u is not in 8..30", plan->prefix);
	if (plan->network & host_bits(plan))
		return sot_fail(err, SOT_INVALID, "%s/%u has host bits; the network is %s/%u",
		    sot_format_ipv4(plan->network, address), plan->prefix,
		    sot_format_ipv4(plan->network & ~host_bits(plan), wanted), plan->prefix);
	*ret_pointer = "/gateway";
	if (plan->gateway && !is_usable(plan, plan->gateway))
		return outside(plan, "gateway", plan->gateway, err);
	network_plan filled = *plan;
	fill_in(&filled);
	*ret_pointer = "/first";
	if (!is_usable(&filled, filled.first))
		return outside(&filled, "first address", filled.first, err);
	*ret_pointer = "/last";
	if (!is_usable(&filled, filled.last))
		return outside(&filled, "last address", filled.last, err);
	if (filled.last < filled.first)
		return sot_fail(err, SOT_INVALID, "the last address %s comes before the first, %s",
		    sot_format_ipv4(filled.last, address), sot_format_ipv4(filled.first, wanted));
	if (filled.first == filled.last && filled.first == filled.gateway)
		return sot_fail(err, SOT_INVALID, "the gateway is the only address of the range");
	*ret_pointer = "";
	*plan = filled;
	return SOT_OK;
}
