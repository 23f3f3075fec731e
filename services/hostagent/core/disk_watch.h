/* disk_watch - pure: whose disk use is looked at next, and who is over its plan.
 *
 * One instance a look, in rounds over all of them, so that a host of a hundred costs no more a
 * second than a host of ten. Who was over its plan is looked at again soon, in every other look at
 * most: whether it is to be held, or may go on, must not wait for a whole round of its host, and
 * those who are over must not keep the others from theirs.
 */
#ifndef HOSTAGENT_DISK_WATCH_H
#define HOSTAGENT_DISK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcile.h"
#include "sot_time.h"
#include "sot_uuid.h"

typedef struct disk_watch disk_watch;

typedef struct disk_verdict {
	bool is_over;    /* uses more than its plan has */
	bool is_changed; /* it was not so at the look before */
	bool is_to_hold; /* over at two looks in a row: what was written for a moment holds nobody */
} disk_verdict;

disk_watch *disk_watch_new(void);
disk_watch *disk_watch_free(disk_watch *w); /* takes `w`, may be NULL; returns NULL */

/* The instance of `r` to look at now. False: a round is over, nobody is due in this look. Forgets
 * at the end of a round who is not in `r` any more. */
bool disk_watch_next(disk_watch *w, const reconcile *r, sot_mono now, sot_uuid *ret_id);
/* `bytes` were found. `plan_bytes` 0: no plan, never over. */
disk_verdict disk_watch_judge(
    disk_watch *w, sot_uuid id, uint64_t bytes, uint64_t plan_bytes, sot_mono now);
/* Bytes at the last look; 0 before the first. */
uint64_t disk_watch_used(const disk_watch *w, sot_uuid id);
/* How many are over their plans. */
unsigned disk_watch_over(const disk_watch *w);

#endif
