/* alterations - tells CAT's web server of ended deploys, for its list of alterations
 * (/cat/r/alteration): a line on the charts where something was changed. One HTTP request each, the
 * configured servers in turn; what none takes is counted and forgotten.
 */
#ifndef MONITOR_ALTERATIONS_H
#define MONITOR_ALTERATIONS_H

#include "http_client.h"
#include "monitor.h"

typedef struct alterations_stats {
	uint64_t sent, dropped;
} alterations_stats;

typedef struct alterations alterations;
/* urls: CAT's web servers with ',' between; "" for none, then nothing is told and *ret is NULL.
 * `client` is borrowed; it must be freed before this, so that no reply comes later.
 * zone_minutes: of the server's clock, east of UTC: it takes dates in its local time. */
sot_code alterations_new(reactor *r, http_client *client, const char *urls, const char *host_name,
    uint32_t address, int64_t zone_minutes, alterations **ret, sot_err *err) SOT_CHECK;
alterations *alterations_free(alterations *a);
SOT_DEFINE_AUTO(alterations)
void alterations_tell(alterations *a, const monitor_deploy *deploy);
alterations_stats alterations_get_stats(const alterations *a);

#endif
