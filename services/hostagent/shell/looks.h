/* looks - what is remembered of instances between two reports, so that one at rest costs the
 * reading of one file (docs/adr/0059-instances-at-rest.md).
 *
 * An instance is at rest when its counter of CPU time stands still and no frame passed its link:
 * then nothing of it ran, so no figure that only its own running moves is another one, and what was
 * read last is told again. Everything is read once in LOOKS_WHOLE_EVERY_MS all the same: the kernel
 * may take its page cache back, and others use up the inodes of the disk that it is on.
 */
#ifndef HOSTAGENT_LOOKS_H
#define HOSTAGENT_LOOKS_H

#include "figures.h"
#include "sot_time.h"
#include "sot_uuid.h"

enum { LOOKS_WHOLE_EVERY_MS = 60000 };

typedef struct looks looks;

/* One instance that runs. */
typedef struct looks_subject {
	sot_uuid id;
	int pid; /* PID 1 */
	int64_t started_unix_ms;
	const char *host_link; /* the end of its link on the host, by name */
} looks_subject;

/* Two looks, one report apart. Borrowed until the instance is forgotten. */
typedef struct look {
	instance_figures was, now;
	double load; /* as the kernel averages over a minute: threads that run or wait for a disk */
	bool is_at_rest;
} look;

looks *looks_new(const figures_roots *roots);
looks *looks_free(looks *l);
/* Begins a report: the links of the host as they stand, in the form of /proc/net/dev, ms after the
 * report before. */
void looks_begin(looks *l, sot_str net_dev, int64_t ms, sot_mono now, sot_wall wall);
/* Looks at one. Counters begin anew with each start; of a start that was before the report before,
 * and is seen for the first time, there is nothing to compare with yet: was is now. */
const look *looks_take(looks *l, const looks_subject *s);
/* What looks_take was not asked for since looks_begin is remembered no more. */
void looks_end(looks *l);

#endif
