/* Dry runs, what-if, capacity: what is said is what would be done, and nothing is changed by it. */
#include "controller_bench.h"

#include "sot_rand.h"

#define MIB (1ull << 20)
#define HEALTH                                                                                     \
	{                                                                                              \
		.interval_ms = 1000, .timeout_ms = 500, .healthy_after = 1, .unhealthy_after = 1           \
	}

/* As ASK, for what has nobody who asks. */
#define QUESTION(b, type, ...)                                                                     \
	do {                                                                                           \
		static const controller_peer peer_;                                                        \
		sot_buf out_;                                                                              \
		sot_err err_ = {0};                                                                        \
		sot_##type m_ = {.request_id = ++(b)->requests, __VA_ARGS__};                              \
		sot_buf_init(&out_, SOT_WIRE_FRAME_MAX);                                                   \
		if (sot_##type##_encode(&m_, &out_, &err_) != SOT_OK)                                      \
			fail_msg("%s", err_.text);                                                             \
		controller_request((b)->c, (b)->now, &peer_, sot_buf_str(&out_));                          \
		sot_buf_clear(&out_);                                                                      \
		bench_settle(b);                                                                           \
	} while (0)

static bool says(const char *data, const char *text)
{
	if (strstr(data, text))
		return true;
	print_message("'%s' is not in\n%.4000s\n", text, data);
	return false;
}

static void create(bench *b, uint32_t count, bool dry_run, const char *etag)
{
	ASK(b, app_create, .name = SOT_STR("shop"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"), .health = HEALTH, .count = count, .placement = bench_placement(),
	    .dry_run = dry_run, .if_still_true = sot_str_c(etag));
}

static void scale(bench *b, uint32_t count, bool dry_run, const char *etag)
{
	ASK(b, app_scale, .name = SOT_STR("shop"), .count = count, .dry_run = dry_run,
	    .if_still_true = sot_str_c(etag));
}

static uint64_t below(sot_rand *r, uint64_t n)
{
	return sot_rand_below(r, n);
}

/* Hosts of all sizes in three zones, some cordoned. */
static void add_hosts(bench *b, sot_rand *r, unsigned count)
{
	for (unsigned k = 0; k < count; k++) {
		char name[16], az[] = "a", rack[] = "r0";
		(void)snprintf(name, sizeof(name), "n%u", k);
		az[0] = (char)('a' + below(r, 3));
		rack[1] = (char)('0' + below(r, 3));
		bench_add_sized_host(b, name, az, rack, (300 + below(r, 3000)) * MIB);
		if (below(r, 6) == 0)
			ASK(b, host_set_schedulable, .name = sot_str_c(name), .schedulable = false);
	}
}

/* The text of the array that follows the name, in the document. */
static void array_of(const char *document, const char *name, char *dst, size_t size)
{
	const char *from = strstr(document, name), *end = from;
	int depth = 0;

	assert_non_null(from);
	for (end = from = strchr(from, '['); *end; end++) {
		depth += (*end == '[') - (*end == ']');
		if (depth == 0)
			break;
	}
	(void)snprintf(dst, size, "%.*s", (int)(end - from), from);
}

static void a_dry_run_says_just_what_the_request_does(void **state)
{
	static char said[65536], done[65536], before[262144];
	sot_rand r;

	bench_teardown(state);
	for (uint64_t seed = 1; seed <= 150; seed++) {
		bench_setup(state);
		bench *b = *state;
		sot_rand_seed(&r, seed);
		add_hosts(b, &r, 2 + (unsigned)below(&r, 12));
		uint32_t count = 1 + (uint32_t)below(&r, 40);
		create(b, count, true, "");
		assert_int_equal(b->reply, SOT_MSG_ANSWER);
		assert_int_equal(controller_get_stats(b->c).apps, 0);
		(void)snprintf(before, sizeof(before), "%s", b->answer);
		create(b, count, true, "");
		assert_string_equal(before, b->answer);
		create(b, count, false, b->etag);
		assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
		if (b->placements > 0) {
			array_of(before, "\"placed\":", said, sizeof(said));
			array_of(b->placed_data, "\"placed\":", done, sizeof(done));
			assert_string_equal(said, done);
		}
		assert_true((strstr(before, "\"refusal\":null") == NULL) == b->waiting.open);
		if (b->waiting.open) {
			array_of(strstr(before, "\"refusal\":"), "\"reasons\":", said, sizeof(said));
			array_of(b->waiting_data, "\"reasons\":", done, sizeof(done));
			assert_string_equal(said, done);
		}
		bench_teardown(state);
	}
	bench_setup(state);
}

static void a_forecast_that_is_no_longer_true_is_refused(void **state)
{
	bench *b = *state;
	char etag[41];

	create(b, 1, true, "");
	assert_true(says(b->answer, "[\"shop-default-01\",\"h1\",\"net\","));
	assert_true(says(b->answer, "\"addresses\":[{\"vlan\":\"net\",\"free\":999}]"));
	memcpy(etag, b->etag, sizeof(etag));
	bench_add_sized_host(b, "h0", "b", "r", 64 * MIB); /* changes nothing that matters */
	create(b, 1, true, "");
	assert_string_equal(b->etag, etag);
	ASK(b, host_set_schedulable, .name = SOT_STR("h1"), .schedulable = false);
	create(b, 1, false, etag);
	assert_int_equal(b->reply, SOT_MSG_REFUSED);
	assert_int_equal(b->refusal, SOT_REFUSAL_STALE);
	assert_int_equal(controller_get_stats(b->c).apps, 0);
	ASK(b, host_set_schedulable, .name = SOT_STR("h1"), .schedulable = true);
	create(b, 1, false, etag);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
}

static void who_would_leave_is_who_leaves(void **state)
{
	bench *b = *state;

	bench_add_sized_host(b, "h2", "b", "r", 1024 * MIB);
	create(b, 3, false, "");
	bench_grant(b);
	ASK(b, operation_cancel, .operation_id = b->accepted.operation_id);
	scale(b, 2, true, "");
	assert_true(
	    says(b->answer, "\"have\":3,\"want\":2,\"leaving\":[{\"instance\":\"shop-default-03\""));
	assert_int_equal(controller_get_stats(b->c).instances, 3);
	scale(b, 2, false, b->etag);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_string_equal(b->instance.name, "shop-default-03");
	assert_int_equal(b->instance.state, INSTANCE_RETIRING);
}

/* All that the refusal names about the nearest host is mended: the waiting one is placed there. */
static void what_a_refusal_names_is_enough(void **state)
{
	sot_rand r;

	bench_teardown(state);
	for (uint64_t seed = 1; seed <= 60; seed++) {
		bench_setup(state);
		bench *b = *state;
		char name[16] = "", change[160];
		int lacks = 0;
		sot_rand_seed(&r, seed);
		bench_add_sized_host(b, "n1", "a", "r", (400 + below(&r, 390)) * MIB);
		uint64_t size = (400 + below(&r, 390)) * MIB;
		sot_uuid n2 = bench_add_sized_host(b, "n2", "b", "r", size);
		if (below(&r, 2))
			ASK(b, host_set_schedulable, .name = SOT_STR("n2"), .schedulable = false);
		create(b, 5, false, "");
		assert_true(b->waiting.open);
		const char *nearest = strstr(b->waiting_data, "\"nearest\":{\"host\":\"");
		assert_non_null(nearest);
		nearest += strlen("\"nearest\":{\"host\":\"");
		(void)snprintf(name, sizeof(name), "%.2s", nearest);
		const char *short_of = strstr(nearest, "\"short\":");
		lacks = short_of ? (int)strtod(short_of + strlen("\"short\":"), NULL) : 0;
		size_t before = b->placements;
		if (strcmp(name, "n2") == 0) {
			b->host_id = n2;
		} else if (strcmp(name, "h1") == 0) {
			size = 1024 * MIB;
		} else {
			bench_teardown(state);
			continue;
		}
		(void)snprintf(change, sizeof(change), "\"text\":\"%s uncordoned\"", name);
		if (strstr(nearest, change))
			ASK(b, host_set_schedulable, .name = sot_str_c(name), .schedulable = true);
		TELL(b, hello, .protocol_version = 1, .boot_id = SOT_STR("b"), .agent_start_id = 9,
		    .docker_version = SOT_STR("20"), .cpu_milli = 4000,
		    .memory_bytes = size + (unsigned)lacks * MIB, .disk_bytes = 1ull << 40);
		if (b->placements <= before)
			fail_msg("seed %d: %s was mended, and nothing was placed", (int)seed, name);
		bench_teardown(state);
	}
	bench_setup(state);
}

static void a_lost_rack_says_who_finds_a_place_and_who_none(void **state)
{
	bench *b = *state;
	static char before[262144];

	bench_add_sized_host(b, "h2", "b", "r2", 500 * MIB);
	create(b, 2, false, "");
	bench_grant(b);
	QUESTION(b, capacity_read, .app = SOT_STR("shop"));
	(void)snprintf(before, sizeof(before), "%s", b->answer);
	QUESTION(b, what_if, .kind = SOT_WHAT_IF_KIND_LOSE, .rack = SOT_STR("r2"));
	assert_true(says(b->answer, "\"touched\":1,\"moved\":1,\"unplaced\":0"));
	assert_true(says(b->answer, "\"from\":\"h2\",\"to\":\"h1\",\"keepsAddress\":true"));
	QUESTION(b, what_if, .kind = SOT_WHAT_IF_KIND_DRAIN, .az = SOT_STR("a"));
	assert_true(says(b->answer, "\"touched\":1,\"moved\":0,\"unplaced\":1"));
	assert_true(says(b->answer, "\"refusals\":[{\"app\":\"shop\""));
	QUESTION(
	    b, what_if, .kind = SOT_WHAT_IF_KIND_LOSE, .hosts = &SOT_STR("nobody"), .hosts_count = 1);
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	QUESTION(b, capacity_read, .app = SOT_STR("shop"));
	assert_string_equal(before, b->answer); /* as if nothing had been asked */
}

static void new_hosts_and_another_size_are_tried_and_forgotten(void **state)
{
	bench *b = *state;
	static char before[262144];

	create(b, 3, false, ""); /* two stand, one waits */
	bench_grant(b);
	QUESTION(b, capacity_read, .app = SOT_STR(""));
	(void)snprintf(before, sizeof(before), "%s", b->answer);
	for (int k = 0; k < 2; k++) {
		QUESTION(b, what_if, .kind = SOT_WHAT_IF_KIND_ADD, .count = 3, .like = SOT_STR("h1"));
		assert_true(says(b->answer, "{\"plan\":\"tiny\",\"fitsNow\":0,\"fits\":6}"));
		assert_true(says(b->answer, "\"instances\":1,\"placed\":1"));
	}
	QUESTION(b, what_if, .kind = SOT_WHAT_IF_KIND_PLAN, .plan = SOT_STR("tiny"),
	    .memory_bytes = 600 * MIB);
	assert_true(says(b->answer, "\"fitWhereTheyAre\":1,"));
	assert_true(says(b->answer, "\"touched\":1,\"moved\":0,\"unplaced\":1"));
	QUESTION(b, rebalance_read, .max_moves = 5);
	assert_true(says(b->answer, "\"moves\":[]"));
	QUESTION(b, capacity_read, .app = SOT_STR(""));
	assert_string_equal(before, b->answer);
}

static void the_capacity_says_what_fits_and_what_is_stranded(void **state)
{
	bench *b = *state;

	bench_add_sized_host(b, "h2", "b", "r2", 300 * MIB);
	create(b, 1, false, "");
	QUESTION(b, capacity_read, .app = SOT_STR("shop"));
	assert_true(says(b->answer, "{\"plan\":\"tiny\",\"fits\":1,\"hosts\":1}"));
	assert_true(says(b->answer, "\"stranded\":{\"hosts\":1,"));
	assert_true(says(b->answer, "\"lacks\":[{\"of\":\"memory\",\"hosts\":1}]"));
	assert_true(says(b->answer, "\"app\":{\"app\":\"shop\",\"fits\":1,"));
	assert_true(says(b->answer, "\"worstLoss\":{\"host\":1,\"rack\":1,\"az\":1}"));
	assert_true(says(b->answer, "\"vlans\":[{\"vlan\":\"net\""));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_dry_run_says_just_what_the_request_does),
	    TEST(a_forecast_that_is_no_longer_true_is_refused),
	    TEST(who_would_leave_is_who_leaves),
	    TEST(what_a_refusal_names_is_enough),
	    TEST(a_lost_rack_says_who_finds_a_place_and_who_none),
	    TEST(new_hosts_and_another_size_are_tried_and_forgotten),
	    TEST(the_capacity_says_what_fits_and_what_is_stranded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
