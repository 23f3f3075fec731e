/* watch - keeps the facts about containers and files up to date: the Engine's events tell what to
 * look at, a full sweep now and then guarantees that nothing is missed.
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
/* Queues every instance; few are read at a time. */
void container_watch_refresh_all(agent *a);

#endif
