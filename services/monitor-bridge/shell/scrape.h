/* scrape - `GET /metrics` over HTTP, for Prometheus and its like: the bridge's own metrics and the
 * figures of its machines as OpenMetrics text. Nothing else is served: 404, 405. One request a
 * connection, at most 8 at a time, 10 s each. Meant for an operator's network: there is no
 * authentication, so it is off unless a key says where to listen. Owner: the reactor's thread.
 */
#ifndef MONITOR_SCRAPE_H
#define MONITOR_SCRAPE_H

#include "reactor.h"

typedef struct scrape scrape;
/* Fills the text in, without "# EOF". */
typedef void (*scrape_fill_fn)(void *self, sot_buf *out);
/* listen_at: "10.0.0.1:7232"; "" for none, then *ret is NULL. Port 0 lets the kernel choose. */
sot_code scrape_new(reactor *r, const char *listen_at, scrape_fill_fn fill, void *self,
    scrape **ret, sot_err *err) SOT_CHECK;
scrape *scrape_free(scrape *s);
SOT_DEFINE_AUTO(scrape)
/* The port, 0 for none. */
unsigned scrape_port(const scrape *s);

#endif
