/* load_client - the gateway's part of a load: requests with idempotency keys that are asked again,
 * of whichever scheduler leads, until they are accepted or refused. For tests only.
 */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include "load_world.h"
#include "sot_map.h"

typedef struct load_client load_client;
typedef struct load_request load_request;

typedef enum load_kind { LOAD_CREATE, LOAD_SCALE, LOAD_DELETE } load_kind;

/* The caller's memory; must live until `done` was called. */
struct load_request {
	load_kind kind;
	char app[31];
	uint32_t count;
	void (*done)(load_request *q);
	void *self;
	/* What became of it. */
	sot_uuid operation_id;
	int64_t began_ns, answered_ns;
	bool is_refused;
	sot_refusal refusal;
	char text[200];
	/* The client's own. */
	load_client *client;
	uint64_t number;
	int scheduler;
	size_t connection;
	sot_link again;
	sot_mono not_before;
};

/* `connections` to each scheduler of `pairs`. */
load_client *load_client_new(load_world *w, int pairs, size_t connections);
load_client *load_client_free(load_client *c);
/* After how long without an answer another scheduler is asked; 2 s when it is not set. */
void load_client_set_patience(load_client *c, int64_t ms);
/* Fills in what is the client's and sends it. `done` may be called by turns of the loop only. */
void load_send(load_client *c, load_request *q);
/* Requests that were asked more than once. */
uint64_t load_client_repeated(const load_client *c);

#endif
