/* docker_junk - what the Engine keeps for nobody, removed by the policies of core/cleanup: images
 * that this agent had pulled and that no instance here needs any more, containers of this platform
 * that died half removed or were made and never started. Nothing else of the Engine is touched, and
 * the Engine itself refuses what a container still uses.
 *
 * When an image was needed last is the time of its file in <state_dir>/images, which also says that
 * it was pulled for this platform.
 */
#ifndef HOSTAGENT_DOCKER_JUNK_H
#define HOSTAGENT_DOCKER_JUNK_H

#include "agent.h"

docker_junk *docker_junk_new(agent *a);
docker_junk *docker_junk_free(docker_junk *j);

/* The reference is needed now. */
void docker_junk_needs(docker_junk *j, sot_str reference);
/* A listing of the Engine begins; then each container of an instance that is not of this host. */
void docker_junk_listing(docker_junk *j);
void docker_junk_saw(docker_junk *j, const char *container_id, const char *state, int64_t age_s);
/* A run, every cleanup_interval_ms: the sweeper calls it. */
void docker_junk_run(docker_junk *j);

#endif
