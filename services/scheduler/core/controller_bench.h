/* controller_bench - one controller with one host, and a world that answers it by hand. For the
 * tests of core/.
 */
#ifndef SCHEDULER_CONTROLLER_BENCH_H
#define SCHEDULER_CONTROLLER_BENCH_H

#include "controller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct bench {
	controller *c;
	controller_now now;
	sot_arena *arena;
	uint64_t requests, keys;
	sot_uuid host_id;
	/* what the batches since the last look brought */
	sot_accepted accepted;
	sot_refusal refusal;
	char text[600], pointer[129];
	uint32_t reply;
	instance_row instance; /* the newest row */
	operation_row operation;
	struct {
		sot_uuid id, host_id;
		char name[64];
		uint64_t generation;
		sot_desired_state desired;
		bool is_gone; /* reported as retired */
	} told[16];       /* what agents were told, one of each instance */
	size_t told_count;
	char warning[600];                     /* the last line of a log that is no mere information */
	const char *watch;                     /* a kind of events */
	char watched[300];                     /* data of the last one of that kind */
	char event[64], data[4096];            /* the last one that tells more than operation.state */
	uint64_t ipam_id, acquire_id;          /* of the last request; of the last acquire */
	uint32_t planned_moves, planned_stays; /* of the last plan, and its first instance */
	char planned_to[64], planned_why[600];
	uint32_t ipam_message;
	size_t ipam_owners;
	sot_uuid owners[128];
	uint64_t acked_seq, wanted_generation;
	size_t assigned;
	struct {
		sot_uuid witness;
		uint64_t request_id;
		size_t targets;
	} probes[32]; /* open questions about silent hosts */
	size_t probe_count;
	uint64_t look_id;             /* the last agent_inside_read */
	bool looks_at_packages;       /* what it asked for */
	departure_row departures[16]; /* the last words about each */
	size_t departure_count;
	brake_row brake;
	char host_states[256][32]; /* by order of registration */
	sot_uuid host_ids[256];
	size_t host_count;
	sot_uuid assigned_host; /* of the last assign that named an instance */
	sot_instance_spec spec; /* the last one of the last assign; its texts and lists are not kept */
	uint64_t vlans_id;      /* an open question about VLANs; answered by settle */
	uint64_t ipam_closed;   /* as the last addresses_acquire said */
	uint64_t fence_id;      /* an open addresses_fence; answered by settle, unless: */
	bool fence_is_open;
	sot_vlan_state vlans[8];
	size_t vlan_count;
	bool vlans_are_as_told; /* the answer names none: nothing has changed */
	char blocked[100];
	char wanted_vlan[VLAN_REF_MAX]; /* of the last want */
	sot_ip_families wanted_families;
	sot_address_conflict conflict;
	sot_subnet_facts facts; /* of the next grant; VLAN and prefix are filled in */
	uint32_t next_address;  /* last byte of the next grant */
	/* The last answer to a question. */
	char answer[262144], etag[41];
	/* Decisions: how many rows of instances that found a host, the last of them, the last refusal.
	 */
	size_t placements, guarded;   /* guarded: rows for the database to check */
	decision_row placed, waiting; /* data: below */
	char placed_data[16384], waiting_data[16384];
} bench;

int bench_setup(void **state);
int bench_teardown(void **state);

/* Commits whatever is there, as a database that always says yes, and answers the question about
 * VLANs with b->vlans (at first one, `net`, with 1000 free addresses). */
void bench_settle(bench *b);
/* Time passes; one tick. */
void bench_pass(bench *b, int64_t ms);
void bench_hello(bench *b);
/* The agent of the host says that it is there, as the one whose hello was bench_hello's. */
void bench_beat(bench *b, sot_uuid host);
/* All open questions are answered. */
void bench_witness(bench *b, sot_probe_answer host, sot_probe_answer targets);
const char *bench_host_state(const bench *b, sot_uuid host);
/* Takes a host in, says hello for it and returns its id; b->host_id stays. */
sot_uuid bench_add_host(bench *b, const char *name, const char *rack);
/* What the gateway sends when nothing is asked for: soft spread. */
sot_placement bench_placement(void);
/* One more host that is online, with 4 cores. */
sot_uuid bench_add_sized_host(
    bench *b, const char *name, const char *az, const char *rack, uint64_t memory_bytes);
/* The app `shop` in VLAN or group `net`, with `count` instances. */
void bench_create(bench *b, uint32_t count);
/* Answers of ipam to the open request: an address each; how many refs were changed and skipped. */
void bench_grant(bench *b);
void bench_done(bench *b, uint32_t changed, uint32_t skipped);
void bench_refuse(bench *b, sot_refusal code, const char *text);
void bench_status(
    bench *b, uint64_t seq, uint64_t generation, sot_observed_state observed, sot_health health);
/* One instance that runs and is healthy. */
void bench_bring_up(bench *b);

/* It waits for the next bench_settle. */
#define ASK_ALONG(b, type, ...)                                                                    \
	do {                                                                                           \
		static const char digest_[32] = "0123456789012345678901234567890";                         \
		static const controller_peer peer_;                                                        \
		char key_[32];                                                                             \
		sot_buf out_;                                                                              \
		sot_err err_ = {0};                                                                        \
		(void)snprintf(key_, sizeof(key_), "k%llu", (unsigned long long)++(b)->keys);              \
		sot_##type m_ = {.request_id = ++(b)->requests,                                            \
		    .context = {.actor = SOT_STR("user:u"),                                                \
		        .idempotency_key = sot_str_c(key_),                                                \
		        .request_sha256 = {digest_, 32}},                                                  \
		    __VA_ARGS__};                                                                          \
		sot_buf_init(&out_, SOT_WIRE_FRAME_MAX);                                                   \
		if (sot_##type##_encode(&m_, &out_, &err_) != SOT_OK)                                      \
			fail_msg("%s", err_.text);                                                             \
		controller_request((b)->c, (b)->now, &peer_, sot_buf_str(&out_));                          \
		sot_buf_clear(&out_);                                                                      \
	} while (0)

#define ASK(b, type, ...)                                                                          \
	do {                                                                                           \
		ASK_ALONG(b, type, __VA_ARGS__);                                                           \
		bench_settle(b);                                                                           \
	} while (0)

#define TELL(b, type, ...)                                                                         \
	do {                                                                                           \
		sot_buf out_;                                                                              \
		sot_err err_ = {0};                                                                        \
		sot_##type m_ = {__VA_ARGS__};                                                             \
		sot_buf_init(&out_, SOT_WIRE_FRAME_MAX);                                                   \
		if (sot_##type##_encode(&m_, &out_, &err_) != SOT_OK)                                      \
			fail_msg("%s", err_.text);                                                             \
		(void)controller_agent_message((b)->c, (b)->now, (b)->host_id, sot_buf_str(&out_), &err_); \
		sot_buf_clear(&out_);                                                                      \
		bench_settle(b);                                                                           \
	} while (0)

#endif
