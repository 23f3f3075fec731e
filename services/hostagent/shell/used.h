/* used - which addresses are really wired on this host: not what was asked for, but what the kernel
 * has. For an instance that runs, its link must be a port of its bridge, and the addresses are
 * those inside its network namespace; one that does not run holds the addresses of its record,
 * which its next start binds. Links of records that no instance owns count as well.
 */
#ifndef HOSTAGENT_USED_H
#define HOSTAGENT_USED_H

#include "reconcile.h"

typedef struct used_look {
	/* Asked. */
	const char *state_dir;
	binding *bindings; /* owned */
	size_t binding_count;
	/* Found. */
	sot_used_address *used; /* owned */
	size_t used_count;
	size_t unwired; /* instances that run and are not connected as their record says */
	sot_code code;
	sot_err err;
} used_look;

/* Fills what is found. Blocking, on a thread that has nothing else to do at the time: the thread
 * visits the instances' network namespaces, and is back in the host's when this returns. */
void used_look_now(used_look *l);
void used_look_clear(used_look *l);

#endif
