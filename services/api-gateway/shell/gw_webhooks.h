/* gw_webhooks - events to programs that are called: in order, signed, repeated until they are
 * taken.
 *
 * The rows say how far each webhook is (gateway.webhook); a lease there keeps one gateway at a time
 * at it. A batch is a CloudEvents 1.0 JSON batch of at most 100 events, signed with HMAC-SHA256
 * over
 * "<time>.<body>": `Sotalia-Signature: t=<unix seconds>,v1=<hex>`. Any 2xx takes it. Else it is
 * sent again, later each time, and after webhook_give_up_s it is a dead letter, and the next one's
 * turn.
 */
#ifndef GW_WEBHOOKS_H
#define GW_WEBHOOKS_H

#include "gateway.h"

typedef struct gw_webhooks gw_webhooks;
gw_webhooks *gw_webhooks_new(gateway *g);
gw_webhooks *gw_webhooks_free(gw_webhooks *w);
void gw_webhooks_poke(gw_webhooks *w); /* there are events that were not there before */

#endif
