/* checks - asks instances whether they are well, from inside their own network namespace: the host
 * needs no address in the instances' network.
 */
#ifndef HOSTAGENT_CHECKS_H
#define HOSTAGENT_CHECKS_H

#include "agent.h"

checks *checks_new(agent *a);
/* Begins the checks that are due; once a turn. */
void checks_pump(checks *c);
checks *checks_free(checks *c); /* after the http client is gone */

#endif
