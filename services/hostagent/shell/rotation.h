/* rotation - the commands that take an instance out of the rotation of whoever sends it requests,
 * and back (docs/rollouts.md): run inside, as `sotalia exec` does, once per question of a
 * scheduler.
 *
 * What a command came to is kept for a while, so that a question that is repeated is answered.
 * Another life of the agent knows nothing of it and runs it again.
 */
#ifndef HOSTAGENT_ROTATION_H
#define HOSTAGENT_ROTATION_H

#include "agent.h"

struct sot_rotate;
rotation *rotation_new(agent *a);
/* Answers at once, later, or not at all when too many run: it is asked again. */
void rotation_ask(rotation *r, const struct sot_rotate *m);
rotation *rotation_free(rotation *r);

#endif
