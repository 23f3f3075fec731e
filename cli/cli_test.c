/* Help and tables against golden files (SOT_GOLDEN_WRITE=1 writes them), and the parser of argv. */
#include "cli.h"

#include "sot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_golden(const char *name, const sot_buf *text)
{
	char path[512];
	sot_err err = {0};
	SOT_AUTO_BUF expected;
	sot_buf_init(&expected, 1u << 20);
	(void)snprintf(path, sizeof(path), "%s/%s", CLI_GOLDEN_DIR, name);
	if (getenv("SOT_GOLDEN_WRITE") != NULL)
		assert_int_equal(sot_file_write(path, sot_buf_str(text), 0644, &err), SOT_OK);
	assert_int_equal(sot_file_read(path, &expected, &err), SOT_OK);
	assert_string_equal(text->p, expected.p);
}

static void the_help_is_what_the_golden_file_says(void **state)
{
	SOT_AUTO_BUF text;
	(void)state;
	sot_buf_init(&text, 1u << 20);
	cli_help_all(&text);
	assert_golden("help.txt", &text);
}

static void each_command_has_a_help_with_examples_that_parse(void **state)
{
	SOT_AUTO_BUF text;
	(void)state;
	sot_buf_init(&text, 1u << 20);
	for (size_t i = 0; i < cli_command_count(); i++) {
		const cli_command *c = cli_command_at(i);
		assert_non_null(c->examples);
		assert_non_null(c->examples[0]);
		assert_non_null(strstr(c->examples[0], c->noun));
		assert_non_null(c->run);
		sot_buf_printf(&text, "\n==== %s %s\n", c->noun, c->verb != NULL ? c->verb : "");
		cli_help_command(c, &text);
	}
	assert_golden("help-commands.txt", &text);
}

static void a_command_is_there_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_command_count(); i++) {
		for (size_t k = 0; k < i; k++) {
			const cli_command *a = cli_command_at(i), *b = cli_command_at(k);
			bool same_verb =
			    a->verb && b->verb ? strcmp(a->verb, b->verb) == 0 : a->verb == b->verb;
			if (same_verb && strcmp(a->noun, b->noun) == 0)
				fail_msg("%s %s is there twice", a->noun, a->verb ? a->verb : "");
		}
	}
}

static const cli_column *columns_of(const char *noun, const char *verb)
{
	for (size_t i = 0; i < cli_command_count(); i++)
		if (strcmp(cli_command_at(i)->noun, noun) == 0 && cli_command_at(i)->verb != NULL &&
		    strcmp(cli_command_at(i)->verb, verb) == 0)
			return cli_command_at(i)->columns;
	return NULL;
}

static void tables_align_and_show_units(void **state)
{
	json_t *items = json_loads(
	    "[{\"name\":\"node1\",\"state\":\"online\",\"schedulable\":true,\"az\":\"a\",\"rack\":"
	    "\"r1\","
	    "\"instances\":3,\"capacity\":{\"cpuMilli\":2500,\"memoryBytes\":8589934592},"
	    "\"booked\":{\"memoryBytes\":1610612736},\"seenAt\":\"2026-11-22T08:00:00.5+00:00\"},"
	    "{\"name\":\"n\\u00f6rdlich\\u001b[31m\",\"state\":\"agent_lost\",\"schedulable\":false,"
	    "\"az\":\"b\",\"rack\":\"r22\",\"instances\":0,\"seenAt\":null}]",
	    0, NULL);
	SOT_AUTO_BUF text;
	(void)state;
	assert_non_null(items);
	sot_buf_init(&text, 1u << 20);
	cli_table(columns_of("host", "list"), items, false, 1795334700, &text);
	assert_null(strchr(text.p, 0x1b));
	assert_golden("host-list.txt", &text);
	json_decref(items);
}

static void an_instance_of_a_silent_host_has_no_state(void **state)
{
	json_t *items = json_loads(
	    "[{\"name\":\"shop-default-01\",\"state\":\"running\",\"health\":\"unknown\","
	    "\"unknownSince\":\"2026-11-22T08:00:00.5+00:00\"},{\"name\":\"shop-default-02\","
	    "\"state\":\"running\",\"health\":\"healthy\",\"unknownSince\":null}]",
	    0, NULL);
	SOT_AUTO_BUF text;
	(void)state;
	assert_non_null(items);
	sot_buf_init(&text, 1u << 20);
	cli_table(columns_of("instance", "list"), items, false, 1795334700, &text);
	assert_golden("instance-list.txt", &text);
	json_decref(items);
}

static void a_vlan_says_where_it_reaches_and_a_subnet_how_long_it_lasts(void **state)
{
	json_t *vlans =
	    json_loads("[{\"name\":\"apps\",\"vlanId\":100,\"group\":\"front\",\"scopes\":[{\"kind\":"
	               "\"az\",\"name\":"
	               "\"b\"},{\"kind\":\"rack\",\"name\":\"r12\"}],\"subnets\":[\"10.66.0.0/"
	               "24\",\"2001:db8::/64\"]},"
	               "{\"name\":\"lab\",\"vlanId\":0,\"group\":\"\",\"scopes\":[],\"subnets\":[]}]",
	        0, NULL);
	json_t *subnets =
	    json_loads("[{\"cidr\":\"10.66.0.0/"
	               "24\",\"vlan\":\"apps\",\"vlanId\":100,\"gateway\":\"10.66.0.1\",\"size\":253,"
	               "\"used\":220,\"cooling\":3,\"level\":\"warning\",\"daysLeft\":11.6},"
	               "{\"cidr\":\"2001:db8::/64\",\"vlan\":\"apps\",\"vlanId\":100,\"gateway\":null,"
	               "\"size\":9223372036854775807,\"used\":1,\"cooling\":0,\"level\":\"ok\","
	               "\"daysLeft\":null}]",
	        0, NULL);
	SOT_AUTO_BUF text;
	(void)state;
	assert_non_null(vlans);
	assert_non_null(subnets);
	sot_buf_init(&text, 1u << 20);
	cli_table(columns_of("vlan", "list"), vlans, false, 0, &text);
	cli_table(columns_of("subnet", "list"), subnets, false, 0, &text);
	assert_golden("vlans-subnets.txt", &text);
	json_decref(vlans);
	json_decref(subnets);
}

static bool parse(const char *const *words, cli_call *ret, cli_exit *ret_exit)
{
	char *argv[16] = {(char *)(uintptr_t) "sotalia"};
	int argc = 1;
	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return cli_parse(argc, argv, ret, ret_exit);
}
#define PARSE(call, exit, ...) parse((const char *const[]){__VA_ARGS__, NULL}, call, exit)

static void options_and_arguments_may_be_mixed(void **state)
{
	cli_call c;
	cli_exit code = CLI_OK;
	(void)state;
	assert_true(PARSE(&c, &code, "app", "scale", "--wait=10m", "shop", "-o", "json", "6"));
	assert_int_equal(c.arg_count, 2);
	assert_string_equal(c.args[1], "6");
	assert_int_equal(c.output, CLI_JSON);
	assert_int_equal(c.wait_ms, 600000);
	assert_true(PARSE(&c, &code, "app", "create", "x", "--env", "A=1", "--env=B=2"));
	assert_string_equal(cli_option_of(&c, "env", 1), "B=2");
	assert_null(cli_option_of(&c, "env", 2));
}

static void short_forms_are_the_commands_themselves(void **state)
{
	cli_call c;
	cli_exit code = CLI_OK;
	(void)state;
	assert_true(PARSE(&c, &code, "deploy", "shop", "v42", "--canary=1"));
	assert_string_equal(c.args[1], "v42");
	assert_ptr_equal(c.command->short_for, cli_command_of("app", "deploy"));
	assert_ptr_equal(c.command->run, c.command->short_for->run);
	assert_true(PARSE(&c, &code, "rollback", "shop", "--batch=2"));
	assert_true(PARSE(&c, &code, "logs", "shop", "-f"));
	assert_true(PARSE(&c, &code, "events", "--after=0"));
	assert_true(PARSE(&c, &code, "ssh", "shop-default-01"));
	assert_true(PARSE(&c, &code, "status"));
	assert_true(PARSE(&c, &code, "login", "prod", "--oidc"));
	assert_ptr_equal(c.command->short_for, cli_command_of("context", "login"));
	assert_true(PARSE(&c, &code, "login", "list"));
	assert_string_equal(c.command->verb, "list");
	assert_false(PARSE(&c, &code, "deploy", "shop"));
	assert_int_equal(code, CLI_USAGE);
}

static void wrong_usage_ends_with_64(void **state)
{
	cli_call c;
	cli_exit code = CLI_OK;
	(void)state;
	assert_false(PARSE(&c, &code, "app", "scale", "shop"));
	assert_int_equal(code, CLI_USAGE);
	assert_false(PARSE(&c, &code, "aps", "list"));
	assert_int_equal(code, CLI_USAGE);
	assert_false(PARSE(&c, &code, "app", "list", "--nonsense"));
	assert_false(PARSE(&c, &code, "app", "list", "-o", "xml"));
	assert_false(PARSE(&c, &code, "app", "delete", "x", "--wait=soon"));
	assert_false(PARSE(&c, &code, "app", "list", "--wait"));
	assert_false(PARSE(&c, &code, "app", "list", "--detach"));
	assert_false(PARSE(&c, &code, "app", "delete", "x", "--detach", "--wait=1m"));
	assert_int_equal(code, CLI_USAGE);
}

static void a_near_name_is_suggested_and_a_far_one_is_not(void **state)
{
	const char *names[] = {"host", "instance", "operation"};
	(void)state;
	assert_string_equal(cli_nearest("hots", names, 3), "host");
	assert_string_equal(cli_nearest("instances", names, 3), "instance");
	assert_null(cli_nearest("zebra", names, 3));
}

static void paths_are_escaped(void **state)
{
	const char *args[] = {"a/b", "1+2 %"};
	char *path = cli_path("/v1/apps/%s/versions/%s", args, 2);
	(void)state;
	assert_string_equal(path, "/v1/apps/a%2Fb/versions/1%2B2%20%25");
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_help_is_what_the_golden_file_says),
	    cmocka_unit_test(each_command_has_a_help_with_examples_that_parse),
	    cmocka_unit_test(a_command_is_there_once),
	    cmocka_unit_test(tables_align_and_show_units),
	    cmocka_unit_test(an_instance_of_a_silent_host_has_no_state),
	    cmocka_unit_test(a_vlan_says_where_it_reaches_and_a_subnet_how_long_it_lasts),
	    cmocka_unit_test(options_and_arguments_may_be_mixed),
	    cmocka_unit_test(short_forms_are_the_commands_themselves),
	    cmocka_unit_test(wrong_usage_ends_with_64),
	    cmocka_unit_test(a_near_name_is_suggested_and_a_far_one_is_not),
	    cmocka_unit_test(paths_are_escaped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
