/* gw_api_page - the API's description as a page that people read.
 *
 * Pure (jansson allocates). The page has no script and asks for nothing from anywhere: what opens
 * and closes is <details>, its style is one <style> element that the policy names by its digest.
 */
#ifndef GW_API_PAGE_H
#define GW_API_PAGE_H

#include "sot_str.h"

/* Writes the page for an OpenAPI 3.1 document. SOT_INVALID when it is none; what `out` has then is
 * of no use. */
sot_code gw_api_page_render(sot_str openapi, sot_buf *out, sot_err *err) SOT_CHECK;
/* The text of the page's <style> element, for its digest in the policy. */
sot_str gw_api_page_style(void);

#endif
