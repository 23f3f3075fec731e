/* gw_filter - which events a reader wants: kinds, an app, a host.
 *
 * Pure. Works on events as they are sent (one SSE block), so that the ring keeps each only once.
 */
#ifndef GW_FILTER_H
#define GW_FILTER_H

#include "sot_str.h"

typedef struct gw_filter {
	char kinds[512]; /* "instance.state,app.*"; "" for all */
	char app[64], host[64];
} gw_filter;

bool gw_filter_is_empty(const gw_filter *f);
/* `sse`: "id: ...\nevent: <kind>\ndata: <CloudEvent>\n\n" as gw_sse_render writes it. */
bool gw_filter_fits(const gw_filter *f, sot_str sse);

#endif
