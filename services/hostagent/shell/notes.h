/* notes - what this host tells the gateway besides its reports: what clean-up freed, instances that
 * pass the disk of their plan. Kept in memory until the gateway has taken them; what is freed is
 * added up meanwhile, and only the last word about an instance is kept.
 */
#ifndef HOSTAGENT_NOTES_H
#define HOSTAGENT_NOTES_H

#include "agent.h"

notes *notes_new(agent *a);
notes *notes_free(notes *n);

/* `policy`: an index of cleanup_policies. */
void notes_add_freed(notes *n, size_t policy, uint64_t entries, uint64_t bytes);
void notes_add_disk(notes *n, sot_uuid id, bool over, uint64_t used_bytes, uint64_t plan_bytes);

#endif
