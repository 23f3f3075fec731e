/* sweeper - has junk removed by the policies of core/cleanup, in a worker, every
 * cleanup_interval_ms, so many entries a run. What a spec or a record of this host names is not
 * touched; what the Engine keeps is docker_junk.h's.
 */
#ifndef HOSTAGENT_SWEEPER_H
#define HOSTAGENT_SWEEPER_H

#include "agent.h"

sweeper *sweeper_new(agent *a);
sweeper *sweeper_free(sweeper *s);

#endif
