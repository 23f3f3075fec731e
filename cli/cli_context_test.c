/* Log-ins that are remembered, completion with live names, and lists for other programs, against a
 * real gateway over TLS and in a real bash. */
#include "cli.h"
#include "harness.h"
#include "sot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define PASSWORD "correct horse battery"

static harness h;
static char out[8192], errors[8192], config[128];

/* A line of bash; $S is the command. */
static int bash(const char *line)
{
	const char *argv[] = {"/bin/bash", "-c", line, NULL};
	int status = harness_run(&h, argv, out, errors);
	print_message("%s: %d\n%s%s\n", line, status, out, errors);
	return status;
}

/* Without what the environment says, so that only the context speaks. */
#define ALONE "env -u SOTALIA_URL -u SOTALIA_TOKEN -u SOTALIA_CA "

static void a_log_in_is_remembered_until_it_is_deleted(void **state)
{
	char path[160], token[200];
	struct stat st;
	sot_err err = {0};
	json_t *all;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 65536);
	(void)state;
	assert_int_equal(
	    bash("echo '" PASSWORD "' | $S user create li --role=developer --password"), CLI_OK);
	assert_int_equal(
	    bash("printf 'li\\nwrong password here\\n' | env -u SOTALIA_TOKEN $S context login prod"),
	    CLI_DENIED);
	assert_int_equal(
	    bash("printf 'li\\n" PASSWORD "\\n' | env -u SOTALIA_TOKEN $S context login prod"), CLI_OK);
	assert_null(strstr(out, "sot_"));
	assert_null(strstr(errors, "sot_"));

	(void)snprintf(path, sizeof(path), "%s/sotalia/contexts.json", config);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(sot_file_read(path, &text, &err), SOT_OK);
	all = json_loadb(text.p, text.n, 0, NULL);
	(void)snprintf(token, sizeof(token), "%s", cli_text_at(all, "contexts.prod.token"));
	json_decref(all);
	assert_true(strlen(token) > 60);

	assert_int_equal(bash(ALONE "$S plan list -o name"), CLI_OK);
	assert_non_null(strstr(out, "small"));
	assert_int_equal(bash(ALONE "$S user create wang"), CLI_DENIED); /* li is no admin */
	assert_int_equal(bash("$S context list -o json"), CLI_OK);
	assert_null(strstr(out, token));
	assert_non_null(strstr(out, "\"current\": true"));
	assert_int_equal(bash(ALONE "$S token list -o csv"), CLI_OK);
	assert_non_null(strstr(out, "sotalia on "));

	/* Another gateway, be it by another spelling, does not get the token. */
	assert_int_equal(
	    bash(ALONE "SOTALIA_CA=$SOTALIA_CA $S plan list --url=${SOTALIA_URL/https/HTTPS}"),
	    CLI_DENIED);
	assert_int_equal(
	    bash(ALONE
	        "SOTALIA_CA=$SOTALIA_CA $S plan list --context=prod --url=${SOTALIA_URL/https/HTTPS}"),
	    CLI_DENIED);
	assert_int_equal(bash(ALONE "$S plan list --context=none"), CLI_USAGE);
	assert_non_null(strstr(errors, "there is no context 'none'"));
	assert_int_equal(bash("$S context use none"), CLI_NOT_FOUND);

	assert_int_equal(bash("$S context delete prod"), CLI_OK);
	assert_int_equal(bash("$S context list -o name"), CLI_OK);
	assert_string_equal(out, "");
	(void)setenv("OLD", token, 1);
	assert_int_equal(
	    bash("for i in {1..60}; do $S plan list --token=$OLD || exit $?; done"), CLI_DENIED);
}

static void a_broken_file_is_told_and_kept(void **state)
{
	(void)state;
	assert_int_equal(bash("mkdir -p $XDG_CONFIG_HOME/sotalia; echo '{\"a\":' "
	                      ">$XDG_CONFIG_HOME/sotalia/contexts.json"),
	    0);
	assert_int_equal(bash(ALONE "$S plan list"), CLI_USAGE);
	assert_non_null(strstr(errors, "contexts.json, line 2"));
	assert_int_equal(bash("$S plan list"), CLI_OK); /* not needed */
	assert_int_equal(bash("cat $XDG_CONFIG_HOME/sotalia/contexts.json; rm "
	                      "$XDG_CONFIG_HOME/sotalia/contexts.json"),
	    0);
	assert_string_equal(out, "{\"a\":");
}

/* What bash would offer for the line, sorted; asked again while there is nothing, `tries` times: a
 * busy machine may be slower than the patience of one who waits at a prompt. */
#define COMPLETE_TRIES(line, tries)                                                                \
	"PATH=${S%/*}:$PATH; source <($S completion bash); COMP_LINE='" line                           \
	"'; COMP_POINT=${#COMP_LINE}; "                                                                \
	"COMP_WORDS=(x \"${COMP_LINE##*[ =]}\"); COMP_CWORD=1; compopt() { told=\"opt $*\"; }; "       \
	"for i in {1.." tries                                                                          \
	"}; do told=; _sotalia; [ -n \"$told${COMPREPLY[*]}\" ] && break; done; "                      \
	"printf '%s\\n' $told \"${COMPREPLY[@]}\" | sort | tr '\\n' ' '"
#define COMPLETE(line) COMPLETE_TRIES(line, "10")

static void a_shell_completes_commands_options_and_live_names(void **state)
{
	(void)state;
	assert_int_equal(bash(COMPLETE("sotalia pl")), 0);
	assert_string_equal(out, "plan ");
	assert_int_equal(bash(COMPLETE("sotalia token ")), 0);
	assert_string_equal(out, "create list revoke ");
	assert_int_equal(bash(COMPLETE("sotalia plan set ")), 0);
	assert_string_equal(out, "large medium small tiny ");
	assert_int_equal(bash(COMPLETE("sotalia plan set m")), 0);
	assert_string_equal(out, "medium ");
	assert_int_equal(bash(COMPLETE("sotalia app create x --plan=s")), 0);
	assert_string_equal(out, "small ");
	assert_int_equal(bash(COMPLETE("sotalia app create x --plan s")), 0);
	assert_string_equal(out, "small ");
	assert_int_equal(bash(COMPLETE("sotalia app create x --pla")), 0);
	assert_string_equal(out, "--plan= -o nospace opt ");
	assert_int_equal(bash(COMPLETE("sotalia dep")), 0);
	assert_string_equal(out, "deploy ");
	harness_sql(&h, "sot_scheduler",
	    "INSERT INTO scheduler.image (name, reference) VALUES ('i', 'a/b:1'); "
	    "INSERT INTO scheduler.app (id, name, image, plan, vlan, health, created_at, updated_at) "
	    "VALUES ('00000000-0000-7000-8000-000000000001', 'shop', 'i', 'small', 'net', '{}', now(), "
	    "now())",
	    out);
	assert_int_equal(bash(COMPLETE("sotalia deploy s")), 0);
	assert_string_equal(out, "shop ");
	assert_int_equal(bash(COMPLETE("sotalia plan list -o y")), 0);
	assert_string_equal(out, "yaml ");
	assert_int_equal(bash(COMPLETE("sotalia package upload shop 1.0 ")), 0);
	assert_string_equal(out, "-o default opt ");
	/* A gateway that is away offers nothing and says nothing. */
	assert_int_equal(
	    bash("SOTALIA_URL=https://127.0.0.1:1; " COMPLETE_TRIES("sotalia plan set ", "1")), 0);
	assert_string_equal(out, " ");
	assert_string_equal(errors, "");
	assert_int_equal(bash("$S completion tcsh"), CLI_USAGE);
}

static void lists_are_yaml_and_csv_too(void **state)
{
	(void)state;
	assert_int_equal(bash("$S plan list -o yaml | head -n 3"), 0);
	assert_non_null(strstr(out, "items:\n- "));
	assert_int_equal(bash("$S plan list -o csv | tr -d '\\r' | head -n 2"), 0);
	assert_string_equal(out, "name,cpuMilli,memoryBytes,diskBytes,cpuPinned,pidsMax,ioWeight\n"
	                         "large,2000,4294967296,42949672960,true,4096,1000");
	assert_int_equal(bash("$S status -o csv"), CLI_USAGE);
	assert_non_null(strstr(errors, "-o csv is for lists"));
	assert_int_equal(bash("$S app show none -o yaml"), CLI_NOT_FOUND);
	assert_non_null(strstr(errors, "code: not_found"));
}

static void a_list_is_watched(void **state)
{
	(void)state;
	assert_int_equal(bash("exec 3< <($S user list --watch=1); pid=$!; read -ru3 titles; "
	                      "$S user create watched >/dev/null || exit 1; "
	                      "while read -rt 30 -u3 line; do [[ $line == watched* ]] && break; done; "
	                      "echo \"$titles|$line\"; kill -INT $pid; wait $pid"),
	    CLI_DETACHED);
	assert_non_null(strstr(out, "NAME "));
	assert_non_null(strstr(out, "|watched "));
	assert_int_equal(bash("$S plan list --watch=0"), CLI_USAGE);
	assert_int_equal(bash("$S plan list --watch -o csv"), CLI_USAGE);
	assert_int_equal(bash("$S plan delete small --watch"), CLI_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_are_yaml_and_csv_too),
	    cmocka_unit_test(a_shell_completes_commands_options_and_live_names),
	    cmocka_unit_test(a_list_is_watched),
	    cmocka_unit_test(a_log_in_is_remembered_until_it_is_deleted),
	    cmocka_unit_test(a_broken_file_is_told_and_kept),
	};
	int failed;
	harness_start(&h, NULL, true);
	harness_environment(&h);
	(void)snprintf(config, sizeof(config), "%s/config", h.dir);
	(void)setenv("XDG_CONFIG_HOME", config, 1);
	(void)setenv("S", CLI_PROGRAM, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
