/* cloud_bench - one controller with hosts whose agents and ipam answer by themselves: for tests of
 * operations that take many instances through many steps.
 *
 * Deterministic: an agent carries orders out when the test says so (cloud_work), in the order in
 * which they came.
 */
#ifndef SCHEDULER_CLOUD_BENCH_H
#define SCHEDULER_CLOUD_BENCH_H

#include "controller.h"
#include "sot_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLOUD_HOSTS 4
#define CLOUD_ORDERS 4096

/* What an agent was told of an instance last. */
typedef struct cloud_order {
	sot_uuid instance_id;
	int host;
	char name[64], version[65];
	char image[128];
	char middleware[200]; /* "jdk=17,tomcat=10.1" */
	uint64_t generation;
	uint32_t restart_seq, rebuild_seq;
	sot_desired_state desired;
	bool open; /* not carried out yet */
	bool runs;
} cloud_order;

typedef struct cloud {
	controller *c;
	controller_now now;
	sot_arena *arena;
	controller_config config;
	sot_uuid hosts[CLOUD_HOSTS];
	int host_count;
	uint64_t seq[CLOUD_HOSTS];
	cloud_order orders[CLOUD_ORDERS];
	size_t order_count;
	sot_map *operations; /* id -> operation_row, the newest of each */
	char failing[64];    /* instances whose name begins so fail to start; "" for none */
	char unwell[64];     /* the instance of this name runs, and is not healthy; "" for none */
	uint32_t next_address;
	uint64_t requests;
	bool ipam_is_away;
	/* The last question to run a command of rotation, and how many came. */
	struct {
		sot_uuid operation_id, instance_id;
		uint32_t ordinal;
		bool out;
		char command[100];
		size_t count;
	} rotate;
	const char *watch; /* a kind of events */
	size_t watched;    /* how many of them came */
	size_t decisions;  /* rows of them */
	size_t stocked,
	    stock_packages; /* hosts that were told to have things ready; how many packages */
	/* the last answer */
	uint32_t reply;
	char answer[8192]; /* JSON of the last question */
	sot_accepted accepted;
	sot_bulk_matched matched; /* its names live until the next answer */
	sot_refusal refusal;
	char text[700], pointer[129];
	sot_uuid last; /* the operation that was accepted last */
} cloud;

/* `hosts` hosts in rack r1 (and r2 from the third on) with room for 1000 instances each. */
cloud *cloud_new(int hosts, const controller_config *config);
cloud *cloud_free(cloud *w);
/* Commits what is there and answers for ipam, until nothing comes any more. */
void cloud_settle(cloud *w);
void cloud_pass(cloud *w, int64_t ms);
/* Encoded by the caller; settles. */
void cloud_ask(cloud *w, const sot_buf *frame);
/* The agents carry out up to `most` open orders, oldest first, and report. Returns how many. */
size_t cloud_work(cloud *w, size_t most);
/* cloud_work until nothing is open. */
void cloud_rest(cloud *w);
/* Its agent tells anew how it is. */
void cloud_tell(cloud *w, const char *name);
/* The agent says how the command ended that it was asked to run last. */
void cloud_rotated(cloud *w, bool ok, const char *text);
/* Orders to start, deploy or restart that are open, on a host, or on all with -1. */
size_t cloud_starting(const cloud *w, int host);
const cloud_order *cloud_order_of(const cloud *w, const char *name);
/* The newest row of an operation; fails the test when there is none. */
const operation_row *cloud_operation(const cloud *w, sot_uuid id);
/* The operation of the parent that is on this target. */
const operation_row *cloud_child(const cloud *w, sot_uuid parent, const char *target);

/* Any request of the gateway; request_id and context are filled in. */
#define CLOUD_ASK(w, type, ...)                                                                    \
	do {                                                                                           \
		static const char digest_[32] = "0123456789012345678901234567890";                         \
		char key_[32];                                                                             \
		sot_err err_ = {0};                                                                        \
		SOT_AUTO_BUF out_ = {0};                                                                   \
		(void)snprintf(key_, sizeof(key_), "k%llu", (unsigned long long)++(w)->requests);          \
		sot_##type m_ = {__VA_ARGS__};                                                             \
		m_.request_id = (w)->requests;                                                             \
		m_.context = (sot_request_context){.actor = SOT_STR("user:u"),                             \
		    .idempotency_key = sot_str_c(key_),                                                    \
		    .request_sha256 = {digest_, 32},                                                       \
		    .reason = SOT_STR("because")};                                                         \
		sot_buf_init(&out_, SOT_WIRE_FRAME_MAX);                                                   \
		if (sot_##type##_encode(&m_, &out_, &err_) != SOT_OK)                                      \
			fail_msg("%s", err_.text);                                                             \
		cloud_ask(w, &out_);                                                                       \
	} while (0)

void cloud_create(cloud *w, const char *app, uint32_t count);
void cloud_scale(cloud *w, const char *app, uint32_t count);
void cloud_package(cloud *w, const char *app, const char *version);
void cloud_deploy(cloud *w, const char *app, const char *version);
void cloud_cancel(cloud *w, sot_uuid operation);
void cloud_act(cloud *w, const char *instance, sot_instance_action action);
/* request_id and context are filled in. */
void cloud_bulk(cloud *w, sot_operation_bulk m);
/* What the gateway would send of the rows that the cloud has seen. */
void cloud_retry(cloud *w, sot_uuid operation);

#endif
