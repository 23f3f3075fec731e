/* gw_sweep - removes blobs that an interrupted upload has left without a row: once at the start and
 * once an hour, a bounded piece of the folder each time, files on the work queue. */
#ifndef GW_SWEEP_H
#define GW_SWEEP_H

#include "gateway.h"

typedef struct gw_sweep gw_sweep;
gw_sweep *gw_sweep_new(gateway *g);
/* NULL-safe. Work that is under way ends by itself and touches nothing of the gateway. */
gw_sweep *gw_sweep_free(gw_sweep *s);

#endif
