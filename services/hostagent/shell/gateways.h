/* gateways - the gateways that an agent may ask, and which of them it asks now.
 *
 * Begins with any of them, so that agents are spread over them; the next is asked once one did not
 * answer, or could not. Pauses between tries are the caller's. Pure.
 */
#ifndef HOSTAGENT_GATEWAYS_H
#define HOSTAGENT_GATEWAYS_H

#include "sot_err.h"
#include "sot_mem.h"
#include "sot_str.h"

typedef struct gateways gateways;

/* `urls`: one or more with commas between, as the configuration has them. `seed`: which is first.
 * SOT_INVALID: an empty one, or more than 8. */
sot_code gateways_new(const char *urls, uint64_t seed, gateways **ret, sot_err *err) SOT_CHECK;
gateways *gateways_free(gateways *g);
SOT_DEFINE_AUTO(gateways)

/* The one to ask now, without a slash at its end; lives as long as `g`. */
const char *gateways_url(const gateways *g);
/* That one did not answer, or could not: another is asked from now on. Nothing when somebody said
 * so already. */
void gateways_failed(gateways *g, const char *url);

#endif
