/* fixture - a gateway, an ipam and two agents around the real sotalia-scheduler on a real
 * PostgreSQL, for scheduler_pg_test. Every function fails the running test when something is not as
 * it should. */
#ifndef SCHEDULER_FIXTURE_H
#define SCHEDULER_FIXTURE_H

#include "bus.h"
#include "sot_proto.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>

#include <cmocka.h>

enum { AGENTS = 2, HOLDINGS = 200, KEPT = 200, LIMIT_MS = 40000 };
extern const char *binary; /* of sotalia-scheduler */

typedef struct holding {
	sot_uuid owner;
	uint64_t generation; /* 0: free */
} holding;

typedef struct world world;

typedef struct agent {
	world *w;
	bus *bus;
	bus_client *client;
	char public_key[BUS_KEY_TEXT];
	bus_publisher *reports;
	uint32_t cpu_permille; /* what it reports as the load of its host; 0: it reports nothing */
	uint64_t generation, seq, start_id;
	struct {
		sot_uuid id;
		uint64_t generation;
		uint32_t restart_seq;
		sot_desired_state desired;
		char version[65];
	} kept[KEPT];
	size_t count;
} agent;

struct world {
	char dir[64];
	reactor *loop;
	sot_arena *arena;
	PGconn *control;
	bus *gateway, *ipam_bus;
	bus_client *requests;
	bus_server *ipam;
	holding holdings[HOLDINGS];
	uint64_t next_generation, next_key, next_request;
	agent agents[AGENTS];
	pid_t pid;
	unsigned revived; /* times that a failpoint had killed it */
	/* the last answer */
	bool answered;
	uint32_t message;
	sot_accepted accepted;
	char text[2001];
	sot_refusal code;
};

int setup(void **state);
int teardown(void **state);
/* The first number of the first row; 0 for none. */
int64_t control(world *w, const char *sql);
void expect_zero(world *w, const char *what, const char *sql);
void start_server(world *w, const char *failpoints);
int end_server(world *w, int signo);
/* Turns the loop until the count is not 0, and starts the scheduler anew when it died. */
void wait_for(world *w, const char *sql);
void expect_accepted(world *w);
void wait_done(world *w); /* the last accepted operation */
void scale(world *w, uint32_t count);
/* Everything is at rest, `live` instances run, nothing is lost, doubled or leaked. */
void expect_invariants(world *w, int64_t live);
sot_request_context context(world *w, char key[static 32], uint64_t number);
/* Sends until a leader answers; the answer is in w. */
void gateway_send(world *w, uint64_t request_id, sot_str frame);

/* One request with a new key and the fields given. */
#define ASK(w, type, ...)                                                                          \
	do {                                                                                           \
		char key_[32];                                                                             \
		SOT_AUTO_BUF out_ = {0};                                                                   \
		sot_err err_ = {0};                                                                        \
		sot_##type m_ = {.request_id = ++(w)->next_request,                                        \
		    .context = context((w), key_, ++(w)->next_key),                                        \
		    __VA_ARGS__};                                                                          \
		sot_buf_init(&out_, SOT_WIRE_FRAME_MAX);                                                   \
		if (sot_##type##_encode(&m_, &out_, &err_) != SOT_OK)                                      \
			fail_msg("%s", err_.text);                                                             \
		gateway_send((w), m_.request_id, sot_buf_str(&out_));                                      \
	} while (0)

#endif
