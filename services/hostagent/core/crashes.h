/* crashes - how often PID 1 of an instance was started again, and whether it ends again and again.
 * Docker restarts a process that ends by itself, with a pause that doubles from 100 ms to a minute,
 * and counts; so a look now and then misses most starts, but never their number. Pure.
 *
 *   3 ends within a minute -> a loop, until it ran well for some time or shall be something else
 */
#ifndef HOSTAGENT_CRASHES_H
#define HOSTAGENT_CRASHES_H

#include "reconcile.h"

enum { CRASHES_LOOP = 3 };

typedef struct crashes {
	uint32_t restarts; /* of all containers that the instance has had */
	bool is_loop;
	char text[256]; /* of a loop: "exited with status 1, 4 restarts" */
	/* The last look. */
	char container_id[PLAN_SHA256_TEXT];
	int64_t started_unix_ms;
	uint32_t engine_ends, engine_starts;
	/* When the last ends were seen, newest last. */
	sot_mono ends[CRASHES_LOOP];
	unsigned ends_count;
	char last_end[sizeof(((container_facts *)0)->exit_text)];
} crashes;

/* Takes what the Engine says of the instance's container. At the first sight of a container the
 * Engine's count stands for the restarts; when those were is not known, so they make no loop. */
void crashes_observe(crashes *c, const container_facts *facts, sot_mono now);
/* It ran well, or it is another program now: what was before does not count. Restarts stay. */
void crashes_forgive(crashes *c);

#endif
