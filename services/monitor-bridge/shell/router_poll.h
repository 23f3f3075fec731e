/* router_poll - asks CAT's router over HTTP which servers to use: at start and then every few
 * minutes, the configured web servers in turn. When none answers, the last list stays in use.
 */
#ifndef MONITOR_ROUTER_POLL_H
#define MONITOR_ROUTER_POLL_H

#include "cat_router.h"
#include "http_client.h"
#include "reactor.h"

typedef struct router_poll router_poll;
typedef void (*router_answer_fn)(void *self, const cat_router_answer *answer);
/* `client` is borrowed. urls: "http://10.0.0.1:8080,http://10.0.0.2:8080"; domain and address go
 * into the question. */
typedef struct router_poll_options {
	const char *urls;
	const char *domain, *host_name; /* who asks */
	uint32_t address;
	int64_t interval_ms;
} router_poll_options;
sot_code router_poll_new(reactor *r, http_client *client, const router_poll_options *options,
    router_answer_fn on_answer, void *self, router_poll **ret, sot_err *err) SOT_CHECK;
router_poll *router_poll_free(router_poll *p);
SOT_DEFINE_AUTO(router_poll)

#endif
