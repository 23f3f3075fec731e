#include "net_shaper.h"

#include <linux/pkt_sched.h>
#include <netlink/errno.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/tbf.h>
#include <netlink/route/tc.h>
#include <stdlib.h>

enum {
	BURST_MS = 20,
	BURST_MIN = 128 * 1024, /* two segments of 64 KiB, as offloading makes them */
	QUEUE_MS = 50,
	QUEUE_MIN = 256 * 1024,
	CELL_BYTES = 512 /* 256 cells of the rate table reach past the largest segment */
};

static int64_t at_least(int64_t bytes, int64_t least)
{
	return bytes > least ? bytes : least;
}

sot_code net_shaper_set(netlink *n, int index, uint32_t kbit, sot_err *err)
{
	const int64_t most = 1 << 30;
	struct nl_msg *m = NULL;
	int64_t rate = (int64_t)kbit * 125; /* bytes in a second */
	struct rtnl_qdisc *queue = rtnl_qdisc_alloc();
	if (!queue)
		abort();
	if (rate > most)
		rate = most; /* libnl 3.7 has rates of 31 bits: 8.6 Gbit/s */
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
