/* sweep - what one place loses to the policies of core/cleanup. Walks with tree.h, so no link and
 * no racing rename leads it out of the place. Blocking.
 */
#ifndef HOSTAGENT_SWEEP_H
#define HOSTAGENT_SWEEP_H

#include "cleanup.h"

typedef struct sweep_total {
	uint64_t entries, bytes; /* removed, or what would be */
} sweep_total;

typedef struct sweep_options {
	cleanup_settings settings;
	bool is_dry;            /* only count */
	unsigned free_permille; /* of the file system */
	int64_t now_unix_s;
	unsigned entries_max; /* left of this run */
} sweep_options;

/* Of the file system of `path`, what is free for anybody; 1000 when it cannot be asked. */
unsigned sweep_free_permille(const char *path);
/* Removes what the policies of `place` take below `root`; what is freed is added to totals[policy].
 * `keep`, when given, is asked about each entry of the top level. */
typedef bool (*sweep_keep_fn)(void *self, const char *name);
void sweep_place(const char *root, cleanup_place place, sweep_options *o, sweep_keep_fn keep,
    void *self, sweep_total *totals);

#endif
