/* gw_etag - the entity tag of a resource: the same as long as its settings are.
 *
 * Pure. What comes and goes by itself (counts, states, times of use) is not part of it, so that a
 * form that was open for a minute is refused only when somebody else has changed the same settings.
 */
#ifndef GW_ETAG_H
#define GW_ETAG_H

#include "gw_route.h"

#define GW_ETAG_MAX 40 /* with its quotes and the final NUL */

/* The route whose GET answers with the tag of what `route` reads or changes; GW_ROUTE_COUNT: it has
 * none. */
gw_route_id gw_etag_source(gw_route_id route);
/* The tag, quotes included, of the JSON object that `source` (as above) answers with. SOT_INVALID
 * when the text is no JSON object; then *ret is untouched. */
sot_code gw_etag_of(
    gw_route_id source, sot_str json, char ret[GW_ETAG_MAX], sot_err *err) SOT_CHECK;
/* Whether the value of an If-Match header names the tag: "*" or a list of tags with commas between.
 * Weak tags never do (RFC 9110, 13.1.1). */
bool gw_etag_matches(sot_str if_match, const char *etag);

#endif
