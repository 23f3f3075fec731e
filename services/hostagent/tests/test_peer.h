/* test_peer - what the two services that an agent talks to have in common in its integration test:
 * a place on the bus for one agent, and lines on stdin that say what to do. It ends with the input.
 */
#ifndef HOSTAGENT_TEST_PEER_H
#define HOSTAGENT_TEST_PEER_H

#include "bus.h"

typedef struct test_peer {
	const char *name;
	bus_server_fn on_frame;                      /* with `self` */
	void (*take_line)(void *self, sot_str line); /* without its newline */
	void *self;
	/* Filled by test_peer_run: */
	reactor *loop;
	bus_server *server;
	sot_buf input;
	sot_arena *arena; /* for what is decoded */
} test_peer;

/* KEY_FILE ENDPOINT AGENT_PUBLIC_KEY of the command line, at argv[1]; returns what main returns. */
int test_peer_run(test_peer *p, char **argv);

#endif
