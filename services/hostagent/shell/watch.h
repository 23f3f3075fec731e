/* watch - keeps the facts about containers and files up to date.
 *
 * The Engine's events tell which container to inspect. A listing now and then, one request for all,
 * guarantees that nothing is missed: a container that it shows otherwise than known is inspected,
 * of the others only files and process are looked at here; and each is inspected once in
 * WATCH_ROUND listings all the same, for what no listing shows.
 */
#ifndef HOSTAGENT_WATCH_H
#define HOSTAGENT_WATCH_H

#include "agent.h"

watch *container_watch_new(agent *a);
watch *container_watch_free(watch *w); /* after the http client is gone */

/* Reads the facts of one instance now. `done` (may be NULL) is called once; observed is false when
 * the Engine did not answer. It may be called inside this call. */
typedef void (*watch_done_fn)(void *self, bool observed);
void container_watch_refresh(agent *a, sot_uuid id, watch_done_fn done, void *self);
/* As the above, of a step that touched files only, and within one turn of the loop: what the Engine
 * said of the container stands. */
void container_watch_refresh_files(agent *a, sot_uuid id);
/* Queues the instances whose facts are not known; few are read at a time. */
void container_watch_refresh_unsettled(agent *a);
/* Looks at the files of all instances again. */
void container_watch_reread_files(agent *a);

#endif
