/* Middleware packages: sets as texts, the catalogue, and an app that gets a version in waves. */
#include "cloud_bench.h"
#include "middleware.h"

static int setup(void **state)
{
	controller_config config = controller_config_default(3);

	*state = cloud_new(2, &config);
	return 0;
}

static int teardown(void **state)
{
	*state = cloud_free(*state);
	return 0;
}

static void assert_put(const char *set, const char *name, const char *version, const char *result)
{
	SOT_AUTO_BUF out;

	sot_buf_init(&out, 1024);
	middleware_put(sot_str_c(set), sot_str_c(name), sot_str_c(version), &out);
	sot_buf_add_char(&out, '\0');
	assert_string_equal(out.p, result);
}

static void a_set_is_by_name_and_has_each_once(void **state)
{
	(void)state;
	assert_put("", "tomcat", "10", "tomcat=10");
	assert_put("tomcat=10", "jdk", "17", "jdk=17,tomcat=10");
	assert_put("jdk=17,tomcat=10", "node", "18", "jdk=17,node=18,tomcat=10");
	assert_put("jdk=17,node=18,tomcat=10", "node", "20", "jdk=17,node=20,tomcat=10");
	assert_put("jdk=17,node=18,tomcat=10", "jdk", "", "node=18,tomcat=10");
	assert_put("jdk=17", "jdk", "", "");
	assert_put("jdk=17", "jd", "1", "jd=1,jdk=17");
	assert_put("", "jdk", "", "");
	assert_int_equal(middleware_count(SOT_STR("jdk=17,tomcat=10")), 2);
	assert_int_equal(middleware_count(SOT_STR("")), 0);
}

static void add(cloud *w, const char *name, const char *kind, const char *version, char first)
{
	char digest[33] = "0123456789abcdef0123456789abcdef";

	digest[0] = first;
	CLOUD_ASK(w, package_register, .app = sot_str_c(name), .version = sot_str_c(version),
	    .sha256 = {digest, 32}, .size_bytes = 9, .file_name = SOT_STR("a.tar.gz"),
	    .middleware_kind = sot_str_c(kind));
}

static void give(cloud *w, const char *name, const char *version, sot_rollout_strategy strategy)
{
	CLOUD_ASK(w, app_middleware, .name = SOT_STR("shop"), .middleware = sot_str_c(name),
	    .version = sot_str_c(version), .strategy = strategy);
}

static size_t having(const cloud *w, const char *set)
{
	size_t n = 0;

	for (size_t k = 0; k < w->order_count; k++)
		n += strcmp(w->orders[k].middleware, set) == 0 &&
		     w->orders[k].desired == SOT_DESIRED_STATE_RUNNING;
	return n;
}

static void a_version_never_changes_and_a_kind_neither(void **state)
{
	cloud *w = *state;

	add(w, "tomcat", "tomcat", "10.1", 'a');
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	add(w, "tomcat", "tomcat", "10.1", 'a'); /* the same again */
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	add(w, "tomcat", "tomcat", "10.1", 'b');
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(w->pointer, "/version");
	add(w, "tomcat", "jdk", "10.2", 'c');
	assert_string_equal(w->pointer, "/kind");
	add(w, "Tomcat", "tomcat", "10.2", 'c');
	assert_string_equal(w->pointer, "/name");
}

static void instances_get_it_in_turn_and_later_ones_at_once(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_rest(w);
	add(w, "tomcat", "tomcat", "10.1", 'a');
	add(w, "jdk", "jdk", "17", 'b');
	give(w, "tomcat", "10.1", (sot_rollout_strategy){0});
	assert_int_equal(having(w, "tomcat=10.1"), 1);
	cloud_rest(w);
	assert_int_equal(having(w, "tomcat=10.1"), 3);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	give(w, "jdk", "17", (sot_rollout_strategy){.batch = 3});
	cloud_rest(w);
	assert_int_equal(having(w, "jdk=17,tomcat=10.1"), 3);
	cloud_scale(w, "shop", 4);
	cloud_rest(w);
	assert_int_equal(having(w, "jdk=17,tomcat=10.1"), 4);
	give(w, "tomcat", "", (sot_rollout_strategy){.batch = 4});
	cloud_rest(w);
	assert_int_equal(having(w, "jdk=17"), 4);
}

static void a_version_that_does_not_start_goes_back(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_rest(w);
	add(w, "tomcat", "tomcat", "10.1", 'a');
	add(w, "tomcat", "tomcat", "10.2", 'b');
	give(w, "tomcat", "10.1", (sot_rollout_strategy){.batch = 3});
	cloud_rest(w);
	(void)snprintf(w->failing, sizeof(w->failing), "shop-default-01");
	give(w, "tomcat", "10.2",
	    (sot_rollout_strategy){
	        .canary = 1, .batch = 2, .on_failure = SOT_ROLLOUT_FAILURE_ROLL_BACK});
	assert_int_equal(having(w, "tomcat=10.2"), 1);
	cloud_rest(w);
	cloud_pass(w, 20000);
	w->failing[0] = '\0';
	cloud_rest(w);
	assert_int_equal(having(w, "tomcat=10.1"), 3);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_FAILED);
}

/* What healthy instances have already they are not given again. */
static void a_retry_goes_on_with_those_that_have_it_not(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_rest(w);
	add(w, "tomcat", "tomcat", "10.1", 'a');
	(void)snprintf(w->failing, sizeof(w->failing), "shop-default-02");
	give(w, "tomcat", "10.1", (sot_rollout_strategy){.batch = 1});
	sot_uuid first = w->last;
	cloud_rest(w);
	cloud_pass(w, 20000);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, first)->state, OPERATION_FAILED);
	w->failing[0] = '\0';
	cloud_rest(w);
	uint64_t generation = cloud_order_of(w, "shop-default-01")->generation;
	cloud_retry(w, first);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(having(w, "tomcat=10.1"), 3);
	assert_int_equal(cloud_order_of(w, "shop-default-01")->generation, generation);
}

static void a_full_set_takes_another_version_of_what_is_in_it(void **state)
{
	static const char *const names[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"};
	cloud *w = *state;

	_Static_assert(sizeof(names) / sizeof(names[0]) == MIDDLEWARE_MAX + 1, "one too many");
	cloud_create(w, "shop", 1);
	cloud_rest(w);
	for (size_t k = 0; k < MIDDLEWARE_MAX; k++) {
		add(w, names[k], "other", "1", (char)('a' + (int)k));
		give(w, names[k], "1", (sot_rollout_strategy){0});
		assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
		cloud_rest(w);
	}
	add(w, names[MIDDLEWARE_MAX], "other", "1", 'x');
	give(w, names[MIDDLEWARE_MAX], "1", (sot_rollout_strategy){0});
	assert_int_equal(w->refusal, SOT_REFUSAL_LIMIT);
	add(w, "p0", "other", "2", 'y');
	give(w, "p0", "2", (sot_rollout_strategy){0});
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	cloud_rest(w);
	assert_int_equal(having(w, "p0=2,p1=1,p2=1,p3=1,p4=1,p5=1,p6=1,p7=1"), 1);
}

static void what_is_not_there_is_named(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 0);
	add(w, "jdk", "jdk", "17", 'a');
	give(w, "tomcat", "10", (sot_rollout_strategy){0});
	assert_string_equal(w->pointer, "/middleware");
	give(w, "jdk", "18", (sot_rollout_strategy){0});
	assert_string_equal(w->pointer, "/version");
}

#define IN_A_CLOUD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_set_is_by_name_and_has_each_once),
	    IN_A_CLOUD(a_version_never_changes_and_a_kind_neither),
	    IN_A_CLOUD(instances_get_it_in_turn_and_later_ones_at_once),
	    IN_A_CLOUD(a_version_that_does_not_start_goes_back),
	    IN_A_CLOUD(a_retry_goes_on_with_those_that_have_it_not),
	    IN_A_CLOUD(a_full_set_takes_another_version_of_what_is_in_it),
	    IN_A_CLOUD(what_is_not_there_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
