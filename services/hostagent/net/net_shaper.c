#include "net_shaper.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/tbf.h>
#include <netlink/route/tc.h>
#include <stdlib.h>
#include <string.h>

enum {
	BURST_MS = 20,
	BURST_MIN = 128 * 1024, /* two segments of 64 KiB, as offloading makes them */
	QUEUE_MS = 50,
	QUEUE_MIN = 256 * 1024,
	SHAPERS_MAX = 100000,
	CELL_BYTES = 512 /* 256 cells of the rate table reach past the largest segment */
};

static int64_t at_least(int64_t bytes, int64_t least)
{
	return bytes > least ? bytes : least;
}

/* Bytes in a second. */
static int64_t rate_of(uint32_t kbit)
{
	const int64_t most = 1 << 30; /* libnl 3.7 has rates of 31 bits: 8.6 Gbit/s */
	int64_t rate = (int64_t)kbit * 125;
	return rate < most ? rate : most;
}

sot_code net_shaper_set(netlink *n, int index, uint32_t kbit, sot_err *err)
{
	struct nl_msg *m = NULL;
	int64_t rate = rate_of(kbit);
	struct rtnl_qdisc *queue = rtnl_qdisc_alloc();
	if (!queue)
		abort();
	int64_t burst = at_least(rate * BURST_MS / 1000, BURST_MIN);
	int64_t limit = at_least(rate * QUEUE_MS / 1000, QUEUE_MIN) + burst;
	rtnl_tc_set_ifindex(TC_CAST(queue), index);
	rtnl_tc_set_parent(TC_CAST(queue), TC_H_ROOT);
	rtnl_tc_set_handle(TC_CAST(queue), TC_HANDLE(1, 0));
	int why = rtnl_tc_set_kind(TC_CAST(queue), "tbf");
	if (why >= 0) {
		rtnl_qdisc_tbf_set_limit(queue, (int)limit);
		rtnl_qdisc_tbf_set_rate(queue, (int)rate, (int)burst, CELL_BYTES);
		why = rtnl_qdisc_build_add_request(queue, NLM_F_CREATE | NLM_F_REPLACE, &m);
	}
	rtnl_qdisc_put(queue);
	if (why < 0)
		return sot_fail(err, SOT_INTERNAL, "a tbf request: %s", nl_geterror(why));
	sot_code code = netlink_ask(n, &m, NULL, NULL, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "limit of %u kbit/s", kbit);
}

sot_code net_shaper_clear(netlink *n, int index, sot_err *err)
{
	const struct tcmsg which = {
	    .tcm_family = AF_UNSPEC, .tcm_ifindex = index, .tcm_parent = TC_H_ROOT};
	struct nl_msg *m = netlink_message(RTM_DELQDISC, 0, &which, sizeof(which));
	return netlink_ask(n, &m, NULL, NULL, err);
}

bool net_shaper_is(uint64_t bytes_per_s, uint32_t kbit)
{
	return bytes_per_s == (uint64_t)rate_of(kbit);
}

typedef struct shaper_list {
	net_shaper *shapers;
	size_t count, room;
} shaper_list;

static bool read_shaper(struct nlmsghdr *h, net_shaper *ret)
{
	struct nlattr *at[TCA_MAX + 1], *options[TCA_TBF_MAX + 1];
	const struct tcmsg *which = nlmsg_data(h);
	struct tc_tbf_qopt tbf;
	if (h->nlmsg_type != RTM_NEWQDISC || nlmsg_parse(h, sizeof(*which), at, TCA_MAX, NULL) < 0 ||
	    which->tcm_parent != TC_H_ROOT || !at[TCA_KIND] || !at[TCA_OPTIONS] ||
	    strcmp(nla_get_string(at[TCA_KIND]), "tbf") != 0 ||
	    nla_parse_nested(options, TCA_TBF_MAX, at[TCA_OPTIONS], NULL) < 0 ||
	    !options[TCA_TBF_PARMS] || nla_len(options[TCA_TBF_PARMS]) < (int)sizeof(tbf))
		return false;
	memcpy(&tbf, nla_data(options[TCA_TBF_PARMS]), sizeof(tbf));
	*ret = (net_shaper){.index = which->tcm_ifindex, .bytes_per_s = tbf.rate.rate};
	return true;
}

static void take(struct nlmsghdr *h, void *self)
{
	shaper_list *list = self;
	net_shaper shaper;
	if (list->count >= SHAPERS_MAX || !read_shaper(h, &shaper))
		return;
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		list->shapers = sot_grow_array(list->shapers, list->room, room, sizeof(*list->shapers));
		list->room = room;
	}
	list->shapers[list->count++] = shaper;
}

sot_code net_shaper_list(netlink *n, net_shaper **ret_shapers, size_t *ret_count, sot_err *err)
{
	const struct tcmsg any = {.tcm_family = AF_UNSPEC};
	shaper_list list = {0};
	struct nl_msg *m = netlink_message(RTM_GETQDISC, NLM_F_DUMP, &any, sizeof(any));
	sot_code code = netlink_ask(n, &m, take, &list, err);
	if (code != SOT_OK) {
		free(list.shapers);
		return sot_wrap(err, "the list of limits");
	}
	*ret_shapers = list.shapers;
	*ret_count = list.count;
	return SOT_OK;
}
