/* requests - how a handler of a gateway's request answers it. Private to core/. */
#ifndef SCHEDULER_REQUESTS_H
#define SCHEDULER_REQUESTS_H

#include "parts.h"
#include "validate.h"

typedef struct request {
	controller *c;
	const controller_peer *from;
	bool answered;
} request;

void request_refuse(request *q, uint64_t request_id, const problem *p);
/* Answers a repeated key (the same again, or key_reused) and returns true; false for a new one. */
bool request_is_replay(request *q, uint64_t request_id, const sot_request_context *context);

/* What is accepted. `spec` is a JSON object, cleared by the call. */
typedef struct acceptance {
	uint64_t request_id;
	const sot_request_context *context;
	operation_kind kind;
	app *app; /* NULL for none */
	sot_str target;
	sot_uuid resource_id;
	sot_buf *spec;
	uint32_t count;
	sot_str version;
} acceptance;
/* Makes the operation, its audit row and the reply, and puts it in its queue. */
operation *request_accept(request *q, const acceptance *a);

/* The handlers of things that are registered (requests_catalog.c). */
void on_package_register(void *self, const void *from, const sot_package_register *m);
void on_image_register(void *self, const void *from, const sot_image_register *m);
void on_host_register(void *self, const void *from, const sot_host_register *m);
void on_host_set_schedulable(void *self, const void *from, const sot_host_set_schedulable *m);

#endif
