/* The controller by its public functions: one host, one app, every answer looked at. */
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
	instance_row instance; /* the newest row; texts are not kept */
	operation_row operation;
	uint64_t ipam_id;
	uint32_t ipam_message;
	size_t ipam_owners;
	sot_uuid owners[16];
	uint64_t acked_seq, wanted_generation;
	size_t assigned;
} bench;

static void look_reply(bench *b, sot_str frame)
{
	sot_wire_head head;
	sot_refused no;
	sot_err err;

	assert_int_equal(sot_wire_peek(frame, &head, &err), SOT_OK);
	b->reply = head.id;
	if (head.id == SOT_MSG_ACCEPTED) {
		assert_int_equal(sot_accepted_decode(frame, b->arena, &b->accepted, &err), SOT_OK);
	} else if (head.id == SOT_MSG_REFUSED) {
		assert_int_equal(sot_refused_decode(frame, b->arena, &no, &err), SOT_OK);
		b->refusal = no.code;
		(void)snprintf(b->text, sizeof(b->text), "%.*s", SOT_ARG(no.text));
		(void)snprintf(b->pointer, sizeof(b->pointer), "%.*s", SOT_ARG(no.pointer));
	}
}

static void look_ipam(bench *b, const controller_effect *e)
{
	sot_wire_head head;
	sot_addresses_acquire m;
	sot_err err;

	assert_int_equal(sot_wire_peek(sot_buf_str(&e->frame), &head, &err), SOT_OK);
	b->ipam_id = e->request_id;
	b->ipam_message = head.id;
	if (head.id != SOT_MSG_ADDRESSES_ACQUIRE)
		return;
	assert_int_equal(
	    sot_addresses_acquire_decode(sot_buf_str(&e->frame), b->arena, &m, &err), SOT_OK);
	b->ipam_owners = m.wants_count;
	for (size_t k = 0; k < m.wants_count; k++)
		b->owners[k] = m.wants[k].owner;
}

static void look_agent(bench *b, const controller_effect *e)
{
	sot_wire_head head;
	sot_assign assign;
	sot_status_ack ack;
	sot_err err;

	assert_int_equal(sot_wire_peek(sot_buf_str(&e->frame), &head, &err), SOT_OK);
	if (head.id == SOT_MSG_ASSIGN) {
		assert_int_equal(
		    sot_assign_decode(sot_buf_str(&e->frame), b->arena, &assign, &err), SOT_OK);
		b->assigned = assign.instances_count;
	} else if (head.id == SOT_MSG_STATUS_ACK) {
		assert_int_equal(
		    sot_status_ack_decode(sot_buf_str(&e->frame), b->arena, &ack, &err), SOT_OK);
		b->acked_seq = ack.seq;
	} else if (head.id == SOT_MSG_HEARTBEAT_ACK) {
		sot_heartbeat_ack beat;
		assert_int_equal(
		    sot_heartbeat_ack_decode(sot_buf_str(&e->frame), b->arena, &beat, &err), SOT_OK);
		b->wanted_generation = beat.generation;
	}
}

/* Commits whatever is there, as a database that always says yes. */
static void settle(bench *b)
{
	for (;;) {
		SOT_AUTO(controller_batch) batch = controller_take_batch(b->c, b->now);
		if (!batch)
			return;
		for (size_t k = 0; k < batch->instance_count; k++)
			b->instance = *batch->instances[k];
		for (size_t k = 0; k < batch->operation_count; k++)
			b->operation = *batch->operations[k];
		for (size_t k = 0; k < batch->effect_count; k++) {
			const controller_effect *e = &batch->effects[k];
			if (e->kind == EFFECT_REPLY)
				look_reply(b, sot_buf_str(&e->frame));
			else if (e->kind == EFFECT_IPAM)
				look_ipam(b, e);
			else if (e->kind == EFFECT_AGENT)
				look_agent(b, e);
		}
	}
}

static void pass(bench *b, int64_t ms)
{
	b->now.mono.ms += ms;
	b->now.wall.unix_ms += ms;
	controller_tick(b->c, b->now);
	settle(b);
}

#define ASK(b, type, ...)                                                                          \
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
		settle(b);                                                                                 \
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
		settle(b);                                                                                 \
	} while (0)

static void hello(bench *b)
{
	TELL(b, hello, .protocol_version = 1, .boot_id = SOT_STR("b"), .agent_start_id = 9,
	    .docker_version = SOT_STR("20"), .cpu_milli = 4000, .memory_bytes = 1ull << 30,
	    .disk_bytes = 1ull << 40);
}

static int setup(void **state)
{
	bench *b = sot_alloc(sizeof(*b));
	controller_config config = controller_config_default(3);
	static const plan_row plan = {"tiny", 100, 400ull << 20, 0};
	char key[41];

	memset(key, 'k', 40);
	key[40] = '\0';
	b->arena = sot_arena_new(16u << 20);
	b->now = (controller_now){{1000}, {1700000000000}};
	b->c = controller_new(&config, 1);
	controller_load_plan(b->c, &plan);
	controller_loaded(b->c, b->now);
	ASK(b, image_register, .name = SOT_STR("tomcat"), .reference = SOT_STR("r/tomcat:1"));
	ASK(b, host_register, .name = SOT_STR("h1"), .az = SOT_STR("a"), .rack = SOT_STR("r"),
	    .public_key = sot_str_c(key));
	b->host_id = b->accepted.resource_id;
	hello(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench *b = *state;

	controller_free(b->c);
	sot_arena_free(b->arena);
	free(b);
	return 0;
}

static void create(bench *b, uint32_t count)
{
	ASK(b, app_create, .name = SOT_STR("shop"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"),
	    .health = {.interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 1},
	    .count = count);
}

static void grant(bench *b)
{
	sot_address_grant grants[16];
	sot_subnet_facts facts = {.vlan = SOT_STR("net"), .prefix = 24};
	sot_addresses_granted m = {b->ipam_id, &facts, 1, grants, b->ipam_owners};
	sot_buf out;
	sot_err err = {0};

	for (size_t k = 0; k < b->ipam_owners; k++)
		grants[k] = (sot_address_grant){.owner = b->owners[k],
		    .address = sot_ip_from_v4(0x0a420002u + (uint32_t)k),
		    .generation = 1};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_addresses_granted_encode(&m, &out, &err), SOT_OK);
	controller_ipam_reply(b->c, b->now, b->ipam_id, SOT_OK, sot_buf_str(&out), NULL);
	sot_buf_clear(&out);
	settle(b);
}

static void done(bench *b)
{
	sot_addresses_done m = {b->ipam_id, 1, 0};
	sot_buf out;
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_addresses_done_encode(&m, &out, &err), SOT_OK);
	controller_ipam_reply(b->c, b->now, b->ipam_id, SOT_OK, sot_buf_str(&out), NULL);
	sot_buf_clear(&out);
	settle(b);
}

static void status(
    bench *b, uint64_t seq, uint64_t generation, sot_observed_state observed, sot_health health)
{
	sot_instance_status one = {.instance_id = b->instance.id,
	    .generation = generation,
	    .observed = observed,
	    .health = health,
	    .error = observed == SOT_OBSERVED_STATE_FAILED ? SOT_STR("no such image") : SOT_STR("")};

	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = seq, .instances = &one,
	    .instances_count = 1);
}

static void bring_up(bench *b)
{
	create(b, 1);
	grant(b);
	status(b, 1, 1, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	done(b); /* the bind */
}

/* ---- operations ---- */

static void a_creation_places_asks_for_addresses_assigns_and_ends_when_healthy(void **state)
{
	bench *b = *state;

	create(b, 2);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_int_equal(b->instance.state, INSTANCE_PLACED);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
	assert_int_equal(b->ipam_owners, 2); /* one request for all */
	b->assigned = 0;
	grant(b);
	assert_int_equal(b->assigned, 2); /* one delta for both */
	assert_int_equal(b->operation.state, OPERATION_RUNNING);
	pass(b, 1000);
	assert_int_equal(b->operation.state, OPERATION_RUNNING);
}

static void what_does_not_fit_waits_in_words_and_goes_on_when_there_is_room(void **state)
{
	bench *b = *state;

	create(b, 3); /* 400 MiB each, 1 GiB there */
	pass(b, 1000);
	assert_int_equal(b->ipam_owners, 2);
	assert_int_equal(b->operation.state, OPERATION_RUNNING);
	assert_non_null(strstr(b->operation.waits_for, "1 memory (best has 224 MiB of 400 MiB)"));
	TELL(b, hello, .protocol_version = 1, .boot_id = SOT_STR("b"), .agent_start_id = 9,
	    .docker_version = SOT_STR("20"), .cpu_milli = 4000, .memory_bytes = 4ull << 30,
	    .disk_bytes = 1ull << 40);
	grant(b);
	assert_int_equal(b->ipam_owners, 1);
}

static void a_cancelled_operation_retires_what_was_not_begun(void **state)
{
	bench *b = *state;

	create(b, 3);
	grant(b);
	sot_uuid operation = b->accepted.operation_id;
	ASK(b, operation_cancel, .operation_id = operation);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_int_equal(b->instance.state, INSTANCE_RETIRED);
	assert_int_equal(controller_get_stats(b->c).instances, 2);
	assert_int_equal(controller_get_stats(b->c).operations_open, 0);
}

static void the_second_operation_on_an_app_waits_for_the_first_and_says_so(void **state)
{
	bench *b = *state;

	create(b, 1);
	ASK(b, app_scale, .name = SOT_STR("shop"), .count = 2);
	assert_int_equal(b->operation.state, OPERATION_QUEUED);
	assert_non_null(strstr(b->operation.waits_for, "(app.create)"));
	assert_int_equal(controller_get_stats(b->c).instances, 1);
}

static void a_failed_start_ends_the_operation_with_instance_and_reason(void **state)
{
	bench *b = *state;

	create(b, 1);
	grant(b);
	status(b, 1, 1, SOT_OBSERVED_STATE_FAILED, SOT_HEALTH_UNKNOWN);
	pass(b, 5000);
	assert_int_equal(b->operation.state, OPERATION_RUNNING); /* it may recover */
	pass(b, 20000);
	assert_int_equal(b->operation.state, OPERATION_FAILED);
	assert_string_equal(b->operation.error, "shop-default-01: start: no such image");
}

static void an_operation_ends_even_when_the_agent_is_silent_for_ever(void **state)
{
	bench *b = *state;

	create(b, 1);
	grant(b);
	for (int k = 0; k < 70; k++)
		pass(b, 10000);
	assert_int_equal(b->operation.state, OPERATION_FAILED);
	assert_non_null(strstr(b->operation.error, "agent_lost"));
}

static void a_retirement_releases_the_address_only_after_the_agent_said_so(void **state)
{
	bench *b = *state;

	bring_up(b);
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_RETIRE);
	assert_int_equal(b->instance.state, INSTANCE_RETIRING);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_BIND);       /* nothing new was asked */
	status(b, 2, 1, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN); /* of an older order */
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_BIND);
	status(b, 3, 2, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_RELEASE);
	controller_ipam_reply(b->c, b->now, b->ipam_id, SOT_UNAVAILABLE, (sot_str){0}, "late");
	uint64_t first = b->ipam_id;
	pass(b, 2000);
	assert_int_not_equal(b->ipam_id, first); /* asked again */
	done(b);
	assert_int_equal(b->instance.state, INSTANCE_RETIRED);
	assert_int_equal(b->operation.state, OPERATION_DONE);
}

/* ---- statuses ---- */

static void a_status_counts_once_and_only_in_order(void **state)
{
	bench *b = *state;

	bring_up(b);
	assert_int_equal(b->acked_seq, 1);
	status(b, 1, 1, SOT_OBSERVED_STATE_EXITED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	assert_int_equal(controller_get_stats(b->c).statuses_stale, 1);
	status(b, 2, 1, SOT_OBSERVED_STATE_EXITED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_STARTING);
	assert_int_equal(b->acked_seq, 2);
}

static void a_status_of_another_agent_start_or_a_future_generation_is_ignored(void **state)
{
	bench *b = *state;
	sot_instance_status one = {.instance_id = {{0}}, .observed = SOT_OBSERVED_STATE_FAILED};

	bring_up(b);
	one.instance_id = b->instance.id;
	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 8, .seq = 99, .instances = &one,
	    .instances_count = 1);
	assert_int_equal(b->acked_seq, 1);
	status(b, 2, 77, SOT_OBSERVED_STATE_FAILED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
}

static void a_hello_that_came_too_late_is_mended_by_the_next_heartbeat(void **state)
{
	bench *b = *state;

	bring_up(b);
	TELL(b, hello, .protocol_version = 1, .boot_id = SOT_STR("b"), .agent_start_id = 8,
	    .docker_version = SOT_STR("20"), .cpu_milli = 4000, .memory_bytes = 1ull << 30,
	    .disk_bytes = 1ull << 40);
	status(b, 2, 1, SOT_OBSERVED_STATE_EXITED, SOT_HEALTH_UNKNOWN); /* of the start that lives */
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .generation = 1, .docker_ok = true);
	assert_int_not_equal(b->wanted_generation, 1); /* says: hello, please */
	hello(b);
	status(b, 3, 1, SOT_OBSERVED_STATE_EXITED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_STARTING);
}

static void a_silent_host_becomes_suspect_then_lost_and_its_instances_stay(void **state)
{
	bench *b = *state;

	bring_up(b);
	assert_int_equal(controller_get_stats(b->c).hosts_online, 1);
	pass(b, 15000);
	assert_int_equal(controller_get_stats(b->c).hosts_online, 0);
	pass(b, 60000);
	assert_int_equal(controller_get_stats(b->c).instances, 1);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .docker_ok = true);
	assert_int_equal(controller_get_stats(b->c).hosts_online, 1);
}

/* ---- requests ---- */

static void a_key_gives_the_same_operation_or_is_refused_for_another_request(void **state)
{
	bench *b = *state;
	static const char other[32] = "another digest of another reque";
	static const controller_peer peer;

	create(b, 1);
	sot_uuid first = b->accepted.operation_id;
	b->keys--;
	create(b, 1);
	assert_true(b->accepted.replayed && sot_uuid_eq(first, b->accepted.operation_id));
	sot_app_scale m = {++b->requests,
	    {.actor = SOT_STR("user:u"),
	        .idempotency_key = SOT_STR("k3"),
	        .request_sha256 = {other, 32}},
	    SOT_STR("shop"), 5};
	sot_buf out;
	sot_err err;
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_app_scale_encode(&m, &out, &err), SOT_OK);
	controller_request(b->c, b->now, &peer, sot_buf_str(&out));
	sot_buf_clear(&out);
	settle(b);
	assert_int_equal(b->refusal, SOT_REFUSAL_KEY_REUSED);
}

static void a_wrong_request_is_refused_with_the_place_and_changes_nothing(void **state)
{
	bench *b = *state;
	static const controller_peer peer;

	create(b, 1);
	create(b, 1);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(b->pointer, "/name");
	ASK(b, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("9"));
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	assert_string_equal(b->pointer, "/version");
	controller_request(b->c, b->now, &peer, SOT_STR("\x93\x01\x64\x07")); /* app_create, cut */
	settle(b);
	assert_int_equal(b->refusal, SOT_REFUSAL_INVALID);
	assert_int_equal(controller_get_stats(b->c).apps, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_creation_places_asks_for_addresses_assigns_and_ends_when_healthy),
	    TEST(what_does_not_fit_waits_in_words_and_goes_on_when_there_is_room),
	    TEST(a_cancelled_operation_retires_what_was_not_begun),
	    TEST(the_second_operation_on_an_app_waits_for_the_first_and_says_so),
	    TEST(a_failed_start_ends_the_operation_with_instance_and_reason),
	    TEST(an_operation_ends_even_when_the_agent_is_silent_for_ever),
	    TEST(a_retirement_releases_the_address_only_after_the_agent_said_so),
	    TEST(a_status_counts_once_and_only_in_order),
	    TEST(a_status_of_another_agent_start_or_a_future_generation_is_ignored),
	    TEST(a_hello_that_came_too_late_is_mended_by_the_next_heartbeat),
	    TEST(a_silent_host_becomes_suspect_then_lost_and_its_instances_stay),
	    TEST(a_key_gives_the_same_operation_or_is_refused_for_another_request),
	    TEST(a_wrong_request_is_refused_with_the_place_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
