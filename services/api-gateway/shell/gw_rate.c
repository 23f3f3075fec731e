/* How many calls a second one address and one person (or host) may make at this gateway: whoever
 * runs in circles harms nobody else. */
#include "gateway.h"

#include <string.h>

#define BUCKETS 1024
#define BURST_S 2 /* so many seconds' calls at once */

gw_buckets *gw_rate_new(int64_t calls_per_s)
{
	return calls_per_s > 0 ? gw_buckets_new(BUCKETS, BURST_S * calls_per_s, 1000 / calls_per_s)
	                       : NULL;
}

void call_too_many(gw_call *c, int64_t wait_ms, const char *detail)
{
	gw_problem p = {.status = 429,
	    .code = "limit",
	    .detail = sot_str_c(detail),
	    .retry_after_s = (int)(wait_ms / 1000) + 1};
	call_problem_full(c, &p);
}

bool gw_rate_admits_address(gw_call *c)
{
	int64_t wait_ms = 0;
	if (c->g->call_addresses == NULL ||
	    gw_bucket_take(c->g->call_addresses, sot_str_c(gw_request_peer(c->http)),
	        reactor_now(c->g->loop), &wait_ms))
		return true;
	call_too_many(c, wait_ms,
	    "too many calls from this address; wait as Retry-After says, and follow the stream of "
	    "events instead of asking again and again");
	return false;
}

bool gw_rate_admits_caller(gw_call *c)
{
	int64_t wait_ms = 0;
	const gw_caller *who = &c->caller;
	sot_str key = sot_str_c(who->name[0] != '\0' ? who->name : who->actor);
	if (c->g->call_people == NULL ||
	    gw_bucket_take(c->g->call_people, key, reactor_now(c->g->loop), &wait_ms))
		return true;
	call_too_many(c, wait_ms,
	    "too many calls of yours; wait as Retry-After says, and follow the stream of events "
	    "instead of asking again and again");
	return false;
}
