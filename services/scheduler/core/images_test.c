/* Versions of images: the gate before a promotion, who is in the way of a retirement, what is taken
 * as it is; by the controller's public functions. */
#include "controller_bench.h"

#define DIGEST SOT_STR("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")

static void add(bench *b, const char *version, const char *reference)
{
	ASK(b, image_add, .name = SOT_STR("tomcat"), .version = sot_str_c(version),
	    .reference = sot_str_c(reference), .digest = DIGEST, .changelog = SOT_STR("what is new"),
	    .owner_dev = SOT_STR("dev@example"), .owner_ops = SOT_STR("ops@example"));
}

static void act(bench *b, const char *version, enum sot_image_action action)
{
	ASK(b, image_act, .name = SOT_STR("tomcat"), .version = sot_str_c(version), .action = action,
	    .report = SOT_STR("as it went"));
}

static void rebuild(bench *b)
{
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_REBUILD);
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
}

static void only_what_passed_its_smoke_test_is_promoted(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	add(b, "2", "reg/tomcat:2");
	assert_string_equal(b->event, "image.added");
	act(b, "2", SOT_IMAGE_ACTION_PROMOTE);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_non_null(strstr(b->text, "has not run yet"));
	act(b, "2", SOT_IMAGE_ACTION_FAIL);
	act(b, "2", SOT_IMAGE_ACTION_PROMOTE);
	assert_non_null(strstr(b->text, "failed"));
	rebuild(b);
	assert_true(sot_str_eq_c(b->spec.image, "r/tomcat:1"));
	act(b, "2", SOT_IMAGE_ACTION_PASS);
	assert_string_equal(b->event, "image.tested");
	assert_non_null(strstr(b->data, "\"smoke\":\"passed\""));
	act(b, "2", SOT_IMAGE_ACTION_PROMOTE);
	assert_string_equal(b->event, "image.promoted");
	assert_int_equal(b->operation.state, OPERATION_DONE);
	rebuild(b);
	assert_true(sot_str_eq_c(b->spec.image, "reg/tomcat:2"));
}

static void no_version_is_retired_while_an_instance_needs_it(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	add(b, "2", "reg/tomcat:2");
	act(b, "2", SOT_IMAGE_ACTION_PASS);
	act(b, "1", SOT_IMAGE_ACTION_RETIRE);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	act(b, "2", SOT_IMAGE_ACTION_PROMOTE);
	act(b, "1", SOT_IMAGE_ACTION_RETIRE);
	assert_non_null(strstr(b->text, "1 instance is of version '1', shop-default-01"));
	rebuild(b);
	act(b, "1", SOT_IMAGE_ACTION_REMOVE);
	assert_non_null(strstr(b->text, "only the bytes of a retired one"));
	act(b, "1", SOT_IMAGE_ACTION_RETIRE);
	assert_string_equal(b->event, "image.retired");
	act(b, "1", SOT_IMAGE_ACTION_PROMOTE);
	assert_non_null(strstr(b->text, "for good"));
	act(b, "1", SOT_IMAGE_ACTION_REMOVE);
	assert_string_equal(b->event, "image.removed");
	/* The current one, of which nothing stands: its app would have nothing to be made of. */
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_RETIRE);
	act(b, "2", SOT_IMAGE_ACTION_RETIRE);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
}

static void versions_never_change(void **state)
{
	bench *b = *state;

	add(b, "2", "reg/tomcat:2");
	add(b, "2", "reg/tomcat:2");
	assert_int_equal(b->operation.state, OPERATION_DONE);
	add(b, "2", "reg/tomcat:other");
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	add(b, "3", "reg/tomcat:2");
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(b->pointer, "/reference");
	ASK(b, image_add, .name = SOT_STR("tomcat"), .version = SOT_STR("4"),
	    .reference = SOT_STR("reg/tomcat:4"), .digest = SOT_STR("sha256:12"));
	assert_string_equal(b->pointer, "/digest");
	act(b, "9", SOT_IMAGE_ACTION_PASS);
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
}

static void what_is_registered_as_it_is_gets_a_version_of_its_own(void **state)
{
	bench *b = *state;

	ASK(b, image_register, .name = SOT_STR("tomcat"), .reference = SOT_STR("other:5000/tomcat:1"));
	assert_string_equal(b->event, "image.registered");
	assert_non_null(strstr(b->data, "\"version\":\"1-2\""));
	assert_non_null(strstr(b->data, "\"smoke\":\"waived\""));
	ASK(b, image_register, .name = SOT_STR("tomcat"), .reference = SOT_STR("r/tomcat:1"));
	assert_non_null(strstr(b->data, "\"version\":\"1\""));
	act(b, "1-2", SOT_IMAGE_ACTION_RETIRE);
	assert_string_equal(b->event, "image.retired");
	ASK(b, image_register, .name = SOT_STR("tomcat"), .reference = SOT_STR("other:5000/tomcat:1"));
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	ASK(b, image_register, .name = SOT_STR("plain"), .reference = SOT_STR("other:5000/plain"));
	assert_non_null(strstr(b->data, "\"version\":\"latest\""));
}

static void an_image_without_a_promoted_version_makes_no_app(void **state)
{
	bench *b = *state;

	ASK(b, image_add, .name = SOT_STR("fresh"), .version = SOT_STR("1"),
	    .reference = SOT_STR("reg/fresh:1"));
	ASK(b, app_create, .name = SOT_STR("blog"), .image = SOT_STR("fresh"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"), .count = 1, .placement = bench_placement(),
	    .health = {.kind = SOT_HEALTH_CHECK_HTTP,
	        .port = 80,
	        .path = SOT_STR("/"),
	        .interval_ms = 2000,
	        .timeout_ms = 1000,
	        .healthy_after = 1,
	        .unhealthy_after = 3});
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(b->pointer, "/image");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(only_what_passed_its_smoke_test_is_promoted),
	    TEST(no_version_is_retired_while_an_instance_needs_it),
	    TEST(versions_never_change),
	    TEST(what_is_registered_as_it_is_gets_a_version_of_its_own),
	    TEST(an_image_without_a_promoted_version_makes_no_app),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
