/* fitness - what preflight finds on this host while the agent runs: looked at soon after the start
 * and then every hour, and told with the figures that a gateway asks for.
 */
#ifndef HOSTAGENT_FITNESS_H
#define HOSTAGENT_FITNESS_H

#include "agent.h"

fitness *fitness_new(agent *a);
fitness *fitness_free(fitness *f);
/* The findings as a JSON list, empty before the first look; until the next look. */
sot_str fitness_findings(const fitness *f);

#endif
