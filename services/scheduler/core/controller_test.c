/* The controller by its public functions: one host, one app, every answer looked at. */
#include "controller_bench.h"

/* ---- operations ---- */

static void a_creation_places_asks_for_addresses_assigns_and_ends_when_healthy(void **state)
{
	bench *b = *state;

	bench_create(b, 2);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_int_equal(b->instance.state, INSTANCE_PLACED);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
	assert_int_equal(b->ipam_owners, 2); /* one request for all */
	b->assigned = 0;
	bench_grant(b);
	assert_int_equal(b->assigned, 2); /* one delta for both */
	assert_int_equal(b->operation.state, OPERATION_RUNNING);
	bench_pass(b, 1000);
	assert_int_equal(b->operation.state, OPERATION_RUNNING);
}

static void what_does_not_fit_waits_in_words_and_goes_on_when_there_is_room(void **state)
{
	bench *b = *state;

	b->watch = "placement.refused";
	bench_create(b, 3); /* 400 MiB each, 1 GiB there */
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_owners, 2);
	assert_non_null(
	    strstr(b->watched, "\"kind\":\"app.create\",\"instances\":1,\"waitsFor\":\"a host "));
	b->watched[0] = '\0';
	bench_pass(b, 3000); /* looked at again, and told once */
	assert_string_equal(b->watched, "");
	b->watch = "placement.found";
	assert_int_equal(b->operation.state, OPERATION_RUNNING);
	assert_non_null(strstr(b->operation.waits_for, "1 memory (best has 224 MiB of 400 MiB)"));
	TELL(b, hello, .protocol_version = 1, .boot_id = SOT_STR("b"), .agent_start_id = 9,
	    .docker_version = SOT_STR("20"), .cpu_milli = 4000, .memory_bytes = 4ull << 30,
	    .disk_bytes = 1ull << 40);
	bench_grant(b);
	assert_int_equal(b->ipam_owners, 1);
	assert_non_null(strstr(b->watched, "app.create"));
}

static void a_cancelled_operation_retires_what_was_not_begun(void **state)
{
	bench *b = *state;

	bench_create(b, 3);
	bench_grant(b);
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

	bench_create(b, 1);
	ASK(b, app_scale, .name = SOT_STR("shop"), .count = 2);
	assert_int_equal(b->operation.state, OPERATION_QUEUED);
	assert_non_null(strstr(b->operation.waits_for, "(app.create)"));
	assert_int_equal(controller_get_stats(b->c).instances, 1);
}

static void a_failed_start_ends_the_operation_with_instance_and_reason(void **state)
{
	bench *b = *state;

	bench_create(b, 1);
	bench_grant(b);
	bench_status(b, 1, 1, SOT_OBSERVED_STATE_FAILED, SOT_HEALTH_UNKNOWN);
	bench_pass(b, 5000);
	assert_int_equal(b->operation.state, OPERATION_RUNNING); /* it may recover */
	bench_pass(b, 20000);
	assert_int_equal(b->operation.state, OPERATION_FAILED);
	assert_string_equal(b->operation.error, "shop-default-01: start: no such image");
}

static void an_operation_ends_even_when_the_agent_is_silent_for_ever(void **state)
{
	bench *b = *state;

	bench_create(b, 1);
	bench_grant(b);
	for (int k = 0; k < 70; k++)
		bench_pass(b, 10000);
	assert_int_equal(b->operation.state, OPERATION_FAILED);
	assert_non_null(strstr(b->operation.error, "agent_lost"));
}

/* ---- orders that no frame can hold ---- */

static void create_on_speck(bench *b)
{
	static const plan_row speck = {.name = "speck", .cpu_milli = 100, .memory_bytes = 1ull << 20};

	controller_load_plan(b->c, &speck); /* less than the protocol lets an instance have */
	ASK(b, app_create, .name = SOT_STR("dust"), .image = SOT_STR("tomcat"),
	    .plan = SOT_STR("speck"), .vlan = SOT_STR("net"),
	    .health = {.interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 1},
	    .count = 1, .placement = bench_placement());
}

static void an_order_that_no_frame_can_hold_fails_in_words(void **state)
{
	bench *b = *state;

	b->watch = "instance.untold";
	create_on_speck(b);
	bench_grant(b);
	bench_pass(b, 1000);
	assert_int_equal(b->told_count, 0);
	assert_int_equal(b->operation.state, OPERATION_FAILED);
	assert_non_null(strstr(b->operation.error, "its host cannot be told of it: "));
	assert_non_null(strstr(b->operation.error, "memory_bytes"));
	assert_non_null(strstr(b->watched, "memory_bytes"));
	b->watched[0] = '\0';
	bench_hello(b); /* tried once more, and told once */
	assert_string_equal(b->watched, "");
}

static void an_order_that_no_frame_can_hold_holds_up_nobody(void **state)
{
	bench *b = *state;

	create_on_speck(b);
	bench_grant(b);
	bench_create(b, 1);
	bench_grant(b);
	b->told_count = 0;
	bench_hello(b); /* the whole set */
	assert_int_equal(b->assigned, 1);
	assert_string_equal(b->told[0].name, "shop-default-01");
	ASK(b, instance_act, .instance = SOT_STR("dust-default-01"),
	    .action = SOT_INSTANCE_ACTION_RETIRE);
	assert_int_equal(b->told_count, 2); /* to remove it less need be said */
	assert_string_equal(b->told[1].name, "dust-default-01");
	assert_int_equal(b->told[1].desired, SOT_DESIRED_STATE_RETIRED);
}

static void a_retirement_releases_the_address_only_after_the_agent_said_so(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_RETIRE);
	assert_int_equal(b->instance.state, INSTANCE_RETIRING);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_BIND); /* nothing new was asked */
	bench_status(b, 2, 1, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN); /* of an older order */
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_BIND);
	bench_status(b, 3, 2, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_RELEASE);
	controller_ipam_reply(b->c, b->now, b->ipam_id, SOT_UNAVAILABLE, (sot_str){0}, "late");
	uint64_t first = b->ipam_id;
	bench_pass(b, 2000);
	assert_int_not_equal(b->ipam_id, first); /* asked again */
	bench_done(b, 1, 0);
	assert_int_equal(b->instance.state, INSTANCE_RETIRED);
	assert_int_equal(b->operation.state, OPERATION_DONE);
}

/* ---- statuses ---- */

static void a_status_counts_once_and_only_in_order(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	assert_int_equal(b->acked_seq, 1);
	bench_status(b, 1, 1, SOT_OBSERVED_STATE_EXITED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	assert_int_equal(controller_get_stats(b->c).statuses_stale, 1);
	bench_status(b, 2, 1, SOT_OBSERVED_STATE_EXITED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_STARTING);
	assert_int_equal(b->acked_seq, 2);
}

static void a_status_of_another_agent_start_or_a_future_generation_is_ignored(void **state)
{
	bench *b = *state;
	sot_instance_status one = {.instance_id = {{0}}, .observed = SOT_OBSERVED_STATE_FAILED};

	bench_bring_up(b);
	one.instance_id = b->instance.id;
	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 8, .seq = 99, .instances = &one,
	    .instances_count = 1);
	assert_int_equal(b->acked_seq, 1);
	bench_status(b, 2, 77, SOT_OBSERVED_STATE_FAILED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
}

static void a_hello_that_came_too_late_is_mended_by_the_next_heartbeat(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	TELL(b, hello, .protocol_version = 1, .boot_id = SOT_STR("b"), .agent_start_id = 8,
	    .docker_version = SOT_STR("20"), .cpu_milli = 4000, .memory_bytes = 1ull << 30,
	    .disk_bytes = 1ull << 40);
	bench_status(
	    b, 2, 1, SOT_OBSERVED_STATE_EXITED, SOT_HEALTH_UNKNOWN); /* of the start that lives */
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .generation = 1, .docker_ok = true);
	assert_int_not_equal(b->wanted_generation, 1); /* says: hello, please */
	bench_hello(b);
	bench_status(b, 3, 1, SOT_OBSERVED_STATE_EXITED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_STARTING);
}

static void a_silent_host_becomes_suspect_then_lost_and_its_instances_stay(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	b->watch = "instance.unknown";
	assert_int_equal(controller_get_stats(b->c).hosts_online, 1);
	bench_pass(b, 14000);
	assert_string_equal(b->watched, "");
	bench_pass(b, 1000);
	assert_int_equal(controller_get_stats(b->c).hosts_online, 0);
	assert_non_null(strstr(b->watched, "{\"unknown\":true,\"sinceUnixMs\":"));
	assert_non_null(strstr(b->watched, ",\"instances\":[\"shop-default-01\"]}"));
	b->watched[0] = '\0';
	bench_pass(b, 60000);
	assert_int_equal(controller_get_stats(b->c).instances, 1);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	assert_string_equal(b->watched, ""); /* suspect or lost: said once */
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .docker_ok = true);
	assert_int_equal(controller_get_stats(b->c).hosts_online, 1);
	assert_string_equal(
	    b->watched, "{\"unknown\":false,\"sinceUnixMs\":null,\"instances\":[\"shop-default-01\"]}");
}

/* ---- a look inside ---- */

/* Of an instance, or with none of a host. */
static void ask_inside(bench *b, const char *name, const char *host)
{
	static const controller_peer peer;
	sot_inside_read m = {++b->requests, sot_str_c(name), sot_str_c(host)};
	sot_buf out;
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	b->reply = 0;
	b->look_id = 0;
	assert_int_equal(sot_inside_read_encode(&m, &out, &err), SOT_OK);
	controller_request(b->c, b->now, &peer, sot_buf_str(&out));
	sot_buf_clear(&out);
	bench_settle(b);
}

static void a_look_inside_is_asked_of_the_host_and_its_answer_passed_on(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ask_inside(b, "nobody", NULL);
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	ask_inside(b, "shop-default-01", NULL);
	assert_int_equal(b->reply, 0);
	TELL(b, agent_inside, .request_id = b->look_id, .ok = true, .text = SOT_STR("{\"a\":1}"));
	assert_int_equal(b->reply, SOT_MSG_INSIDE);
	assert_string_equal(b->answer, "{\"a\":1}");
	b->reply = 0;
	TELL(b, agent_inside, .request_id = b->look_id, .ok = true, .text = SOT_STR("{}"));
	assert_int_equal(b->reply, 0); /* answered already */
	ask_inside(b, "shop-default-01", NULL);
	TELL(b, agent_inside, .request_id = b->look_id, .error = SOT_STR("it does not run"));
	assert_int_equal(b->refusal, SOT_REFUSAL_UNAVAILABLE);
	assert_string_equal(b->text, "it does not run");
	ask_inside(b, "shop-default-01", NULL);
	bench_pass(b, 12000);
	assert_int_equal(b->reply, SOT_MSG_REFUSED);
	assert_non_null(strstr(b->text, "did not answer in time"));
}

static void packages_are_asked_of_the_host_that_is_named(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ask_inside(b, "", "nowhere");
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	ask_inside(b, "", "h1");
	assert_int_equal(b->reply, 0);
	assert_true(b->looks_at_packages);
	TELL(b, agent_inside, .request_id = b->look_id, .ok = true, .text = SOT_STR("{\"p\":1}"));
	assert_int_equal(b->reply, SOT_MSG_INSIDE);
	assert_string_equal(b->answer, "{\"p\":1}");
	ask_inside(b, "shop-default-01", NULL);
	assert_false(b->looks_at_packages);
}

/* ---- requests ---- */

static void a_key_gives_the_same_operation_or_is_refused_for_another_request(void **state)
{
	bench *b = *state;
	static const char other[32] = "another digest of another reque";
	static const controller_peer peer;

	bench_create(b, 1);
	sot_uuid first = b->accepted.operation_id;
	b->keys--;
	bench_create(b, 1);
	assert_true(b->accepted.replayed && sot_uuid_eq(first, b->accepted.operation_id));
	sot_app_scale m = {++b->requests,
	    {.actor = SOT_STR("user:u"),
	        .idempotency_key = SOT_STR("k3"),
	        .request_sha256 = {other, 32}},
	    SOT_STR("shop"), 5, false, SOT_STR(""), SOT_STR(""), SOT_SCALE_PICK_SPREAD};
	sot_buf out;
	sot_err err;
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_app_scale_encode(&m, &out, &err), SOT_OK);
	controller_request(b->c, b->now, &peer, sot_buf_str(&out));
	sot_buf_clear(&out);
	bench_settle(b);
	assert_int_equal(b->refusal, SOT_REFUSAL_KEY_REUSED);
}

static void a_key_is_forgotten_when_it_is_old_and_its_operation_has_ended(void **state)
{
	bench *b = *state;
	uint64_t keys = b->keys;

	bench_create(b, 1);
	sot_uuid first = b->accepted.operation_id;
	controller_forget_keys(b->c, b->now.wall.unix_ms + 1000);
	b->keys = keys;
	bench_create(b, 1);
	assert_true(b->accepted.replayed && sot_uuid_eq(first, b->accepted.operation_id)); /* it runs */
	bench_grant(b);
	bench_status(b, 1, 1, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	bench_done(b, 1, 0);
	controller_forget_keys(b->c, b->now.wall.unix_ms - 60000);
	b->keys = keys;
	bench_create(b, 1);
	assert_true(b->accepted.replayed); /* it is young */
	controller_forget_keys(b->c, b->now.wall.unix_ms + 1000);
	b->keys = keys;
	bench_create(b, 1);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT); /* the app is there: a new request */
}

static void a_wrong_request_is_refused_with_the_place_and_changes_nothing(void **state)
{
	bench *b = *state;
	static const controller_peer peer;

	bench_create(b, 1);
	bench_create(b, 1);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(b->pointer, "/name");
	ASK(b, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("9"));
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	assert_string_equal(b->pointer, "/version");
	controller_request(b->c, b->now, &peer, SOT_STR("\x93\x01\x64\x07")); /* app_create, cut */
	bench_settle(b);
	assert_int_equal(b->refusal, SOT_REFUSAL_INVALID);
	assert_int_equal(controller_get_stats(b->c).apps, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_creation_places_asks_for_addresses_assigns_and_ends_when_healthy),
	    TEST(what_does_not_fit_waits_in_words_and_goes_on_when_there_is_room),
	    TEST(a_cancelled_operation_retires_what_was_not_begun),
	    TEST(the_second_operation_on_an_app_waits_for_the_first_and_says_so),
	    TEST(a_failed_start_ends_the_operation_with_instance_and_reason),
	    TEST(an_operation_ends_even_when_the_agent_is_silent_for_ever),
	    TEST(an_order_that_no_frame_can_hold_fails_in_words),
	    TEST(an_order_that_no_frame_can_hold_holds_up_nobody),
	    TEST(a_retirement_releases_the_address_only_after_the_agent_said_so),
	    TEST(a_status_counts_once_and_only_in_order),
	    TEST(a_status_of_another_agent_start_or_a_future_generation_is_ignored),
	    TEST(a_hello_that_came_too_late_is_mended_by_the_next_heartbeat),
	    TEST(a_silent_host_becomes_suspect_then_lost_and_its_instances_stay),
	    TEST(a_look_inside_is_asked_of_the_host_and_its_answer_passed_on),
	    TEST(packages_are_asked_of_the_host_that_is_named),
	    TEST(a_key_gives_the_same_operation_or_is_refused_for_another_request),
	    TEST(a_key_is_forgotten_when_it_is_old_and_its_operation_has_ended),
	    TEST(a_wrong_request_is_refused_with_the_place_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
