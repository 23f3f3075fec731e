/* `sotalia` against a real gateway over TLS: output, errors and exit codes. */
#include "cli.h"
#include "harness.h"
#include "sot_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;
static char out[8192], errors[8192];

static int run(const char *const *words)
{
	const char *argv[16] = {CLI_PROGRAM};
	int status;
	for (size_t i = 0; words[i] != NULL && i < 14; i++)
		argv[i + 1] = words[i];
	status = harness_run(&h, argv, out, errors);
	print_message("%d\n%s%s\n", status, out, errors);
	return status;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void lists_are_tables_json_or_names(void **state)
{
	json_t *json;
	(void)state;
	assert_int_equal(RUN("plan", "list"), CLI_OK);
	assert_non_null(strstr(out, "NAME    CPU  MEMORY   DISK"));
	assert_int_equal(RUN("plan", "list", "-o", "name"), CLI_OK);
	assert_string_equal(out, "large\nmedium\nsmall\ntiny");
	assert_int_equal(RUN("plan", "list", "-o", "json"), CLI_OK);
	json = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "items")), 4);
	json_decref(json);
	assert_int_equal(RUN("status"), CLI_OK);
	assert_int_equal(RUN("app", "show", "none"), CLI_NOT_FOUND);
	assert_non_null(strstr(errors, "request: "));
}

static void a_change_prints_its_operation_and_wait_follows_it(void **state)
{
	char id[SOT_UUID_TEXT], sql[1400], none[4096];
	(void)state;
	h.refuse_with = -1;
	(void)sot_uuid_format(h.operation_id, id);
	assert_int_equal(RUN("app", "scale", "shop", "3"), CLI_OK);
	assert_int_equal(h.asked, 1);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO scheduler.operation (id, kind, target, actor, idempotency_key, "
	    "request_sha256, "
	    "resource_id, spec, state, created_at, updated_at, finished_at) VALUES ('%s', 'app_scale', "
	    "'shop', 'token:ada', 'k', '\\x00', '%s', '{}', 'done', now(), now(), now()); "
	    "INSERT INTO scheduler.operation_log VALUES ('%s', 1, now(), 'info', 'shop-default-03 "
	    "placed')",
	    id, id, id);
	harness_sql(&h, "sot_scheduler", sql, none);
	assert_int_equal(RUN("app", "scale", "shop", "3", "--wait"), CLI_OK);
	assert_non_null(strstr(out, id));
	assert_non_null(strstr(errors, "shop-default-03 placed"));
	assert_non_null(strstr(errors, "done: app_scale shop"));
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE scheduler.operation SET state = 'failed', error = 'no address' WHERE id = '%s'",
	    id);
	harness_sql(&h, "sot_scheduler", sql, none);
	assert_int_equal(RUN("operation", "watch", id), CLI_FAILED);
	assert_non_null(strstr(errors, "no address"));
	assert_int_equal(RUN("operation", "list", "-o", "name"), CLI_OK);
	assert_string_equal(out, id);
	assert_int_equal(RUN("operation", "show", id), CLI_OK);
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE scheduler.operation SET state = 'running', finished_at = NULL WHERE id = '%s'", id);
	harness_sql(&h, "sot_scheduler", sql, none);
	assert_int_equal(RUN("operation", "watch", id, "--wait=1s"), CLI_TIMED_OUT);
}

static void each_kind_of_error_has_its_exit_code(void **state)
{
	(void)state;
	h.refuse_with = SOT_REFUSAL_BLOCKED;
	assert_int_equal(RUN("app", "scale", "shop", "3"), CLI_BLOCKED);
	assert_non_null(strstr(errors, "error: blocked: no host has 4 GiB left"));
	h.refuse_with = SOT_REFUSAL_CONFLICT;
	assert_int_equal(RUN("app", "scale", "shop", "3"), CLI_CONFLICT);
	h.refuse_with = SOT_REFUSAL_UNAVAILABLE;
	assert_int_equal(RUN("app", "scale", "shop", "3"), CLI_UNREACHABLE);
	h.refuse_with = -1;
	assert_int_equal(RUN("app", "list", "--token=sot_0_0"), CLI_DENIED);
	assert_int_equal(RUN("app", "list", "--url=https://127.0.0.1:1"), CLI_UNREACHABLE);
	assert_int_equal(RUN("app", "list", "--ca=/dev/null"), CLI_UNREACHABLE);
	assert_int_equal(RUN("app", "scale", "shop", "many"), CLI_USAGE);
	assert_int_equal(RUN("app", "scale", "shop", "99999"), CLI_USAGE);
	assert_non_null(strstr(errors, "field /count"));
	assert_int_equal(RUN("ap", "list"), CLI_USAGE);
	assert_non_null(strstr(errors, "did you mean 'app'?"));
}

static void the_bodies_of_commands_are_accepted(void **state)
{
	struct sot_app_create m;
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)state;
	h.refuse_with = -1;
	assert_int_equal(RUN("app", "create", "shop", "--image=tomcat", "--vlan=apps", "--count=2",
	                     "--health=http", "--port=8080", "--env=A=b=c"),
	    CLI_OK);
	assert_int_equal(sot_app_create_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_true(sot_str_eq_c(m.env[0].value, "b=c"));
	assert_int_equal(m.count, 2);
	assert_int_equal(RUN("host", "register", "node1",
	                     "--key=0123456789012345678901234567890123456789", "--tag=ssd"),
	    CLI_OK);
	assert_non_null(strstr(out, "\ntoken sot_"));
	assert_int_equal(RUN("image", "register", "tomcat", "127.0.0.1:5000/tomcat:1"), CLI_OK);
	assert_int_equal(RUN("host", "cordon", "node1"), CLI_OK);
	assert_int_equal(RUN("package", "upload", "shop", "v1", CLI_PROGRAM), CLI_OK);
	assert_int_equal(RUN("app", "deploy", "shop", "v1"), CLI_OK);
	assert_int_equal(RUN("app", "delete", "shop"), CLI_OK);
	(void)sot_arena_free(arena);
}

static void vlans_and_subnets_are_made_shown_and_changed(void **state)
{
	struct sot_vlan_create vlan;
	struct sot_vlan_update update;
	struct sot_subnet_create subnet;
	struct sot_range_create range;
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)state;
	h.refuse_with = -1;
	assert_int_equal(RUN("vlan", "create", "dmz", "--id=300", "--scope=az:b", "--scope=rack:r1",
	                     "--isolated=yes"),
	    CLI_OK);
	assert_int_equal(
	    sot_vlan_create_decode(sot_buf_str(&h.ipam_frame), arena, &vlan, NULL), SOT_OK);
	assert_int_equal(vlan.vlan_id, 300);
	assert_int_equal(vlan.scopes_count, 2);
	assert_true(vlan.isolated);
	assert_int_equal(RUN("vlan", "create", "dmz", "--scope=az"), CLI_USAGE);
	harness_sql(&h, "sot_ipam", "UPDATE ipam.vlan SET mtu = 9000, vlan_group = 'front'", out);
	assert_int_equal(RUN("vlan", "update", "apps", "--group=back"), CLI_OK);
	assert_int_equal(
	    sot_vlan_update_decode(sot_buf_str(&h.ipam_frame), arena, &update, NULL), SOT_OK);
	assert_int_equal(update.mtu, 9000);
	assert_true(sot_str_eq_c(update.group, "back"));
	assert_int_equal(RUN("subnet", "create", "dmz", "10.9.0.0/24", "--gateway=10.9.0.1",
	                     "--dns=10.0.0.53", "--redundant-gateway"),
	    CLI_OK);
	assert_int_equal(
	    sot_subnet_create_decode(sot_buf_str(&h.ipam_frame), arena, &subnet, NULL), SOT_OK);
	assert_true(subnet.redundant_gateway);
	assert_int_equal(subnet.dns_count, 1);
	assert_int_equal(RUN("subnet", "update", "10.66.0.0/24", "--open=no"), CLI_OK);
	assert_int_equal(RUN("subnet", "delete", "10.66.0.0/24", "--vrf=red"), CLI_OK);
	assert_int_equal(RUN("range", "create", "10.66.0.9", "10.66.0.12", "--kind=reserved"), CLI_OK);
	assert_int_equal(
	    sot_range_create_decode(sot_buf_str(&h.ipam_frame), arena, &range, NULL), SOT_OK);
	assert_int_equal(range.kind, SOT_RANGE_KIND_RESERVED);
	assert_int_equal(RUN("vlan", "list"), CLI_OK);
	assert_non_null(strstr(out, "NAME  VLAN ID  GROUP  REACHES"));
	assert_int_equal(RUN("subnet", "list", "-o", "name"), CLI_OK);
	assert_string_equal(out, "10.66.0.0/24");
	assert_int_equal(RUN("subnet", "map", "10.66.0.0/24"), CLI_OK);
	assert_non_null(strstr(out, "10.66.0.1    10.66.0.254  free     254"));
	(void)sot_arena_free(arena);
}

static void addresses_are_kept_freed_imported_and_exported(void **state)
{
	struct sot_import_run asked;
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)state;
	h.refuse_with = -1;
	assert_int_equal(RUN("address", "fix", "apps", "--owner=vip"), CLI_OK);
	assert_string_equal(out, "10.66.0.5");
	assert_int_equal(RUN("address", "free", "10.66.0.5", "--reason=gone"), CLI_OK);
	assert_int_equal(RUN("address", "show", "10.66.0.5"), CLI_OK);
	assert_non_null(strstr(out, "free"));
	assert_int_equal(RUN("address", "history", "10.66.0.5", "--at=2026-11-22T00:00:00Z"), CLI_OK);
	assert_int_equal(RUN("ipam", "status"), CLI_OK);
	assert_non_null(strstr(out, "quarantine  none"));
	assert_int_equal(RUN("ipam", "export"), CLI_OK);
	assert_non_null(strstr(out, "\nsubnet,default,apps,"));
	assert_int_equal(
	    sot_uuid_parse(SOT_STR("01970000-0000-7000-8000-00000000beef"), &h.import_id, NULL),
	    SOT_OK);
	harness_sql(&h, "sot_ipam",
	    "INSERT INTO ipam.import (id, actor, state, lines, error_count, errors) VALUES "
	    "('01970000-0000-7000-8000-00000000beef', 'token:ada', 'refused', 9, 1, "
	    "'[{\"line\":4,\"column\":\"cidr\",\"detail\":\"10.0.0.1/24 has host bits\"}]')",
	    out);
	assert_int_equal(RUN("ipam", "import", CLI_PROGRAM, "--netbox", "--dry-run"), CLI_FAILED);
	assert_non_null(strstr(errors, "line 4, column cidr: 10.0.0.1/24 has host bits"));
	assert_int_equal(
	    sot_import_run_decode(sot_buf_str(&h.ipam_frame), arena, &asked, NULL), SOT_OK);
	assert_true(asked.dry_run);
	assert_int_equal(asked.kind, SOT_IMPORT_KIND_NETBOX);
	harness_sql(&h, "sot_ipam", "UPDATE ipam.import SET error_count = 0, errors = '[]'", out);
	assert_int_equal(RUN("ipam", "import", CLI_PROGRAM), CLI_OK);
	assert_non_null(strstr(out, "applied: 9 lines"));
	assert_int_equal(RUN("ipam", "quarantine-end"), CLI_USAGE);
	assert_int_equal(RUN("ipam", "quarantine-end", "--reason=scrap"), CLI_OK);
	harness_sql(&h, "sot_ipam", "UPDATE ipam.vlan SET dns_zone = 'a.example'", out);
	assert_int_equal(RUN("dns", "list", "-o", "name"), CLI_OK);
	assert_string_equal(out, "a.example\n0.66.10.in-addr.arpa");
	assert_int_equal(RUN("dns", "export", "a.example"), CLI_OK);
	assert_non_null(strstr(out, "$ORIGIN a.example."));
	(void)sot_arena_free(arena);
}

/* The command on a terminal of its own, where `typed` is typed. */
static int on_terminal(const char *typed, const char *options)
{
	char line[600];
	const char *argv[] = {"/bin/sh", "-c", line, NULL};
	int status;
	(void)snprintf(line, sizeof(line), "echo '%s' | script -qec '%s app delete shop %s' /dev/null",
	    typed, CLI_PROGRAM, options);
	status = harness_run(&h, argv, out, errors);
	print_message("%d\n%s%s\n", status, out, errors);
	return status;
}

static void on_a_terminal_what_cannot_be_undone_asks_for_the_name(void **state)
{
	unsigned before = h.asked;
	(void)state;
	h.refuse_with = -1;
	assert_int_equal(on_terminal("yes", ""), CLI_USAGE);
	assert_non_null(strstr(out, "nothing was changed"));
	assert_int_equal(h.asked, before);
	assert_int_equal(on_terminal("shop", ""), CLI_OK);
	assert_int_equal(h.asked, before + 1);
	assert_int_equal(on_terminal("no", "--yes"), CLI_OK);
	assert_int_equal(h.asked, before + 2);
	assert_int_equal(RUN("instance", "retire", "shop-default-01"), CLI_OK);
	assert_int_equal(h.asked, before + 3);
	assert_int_equal(RUN("app", "scale", "shop", "3", "--yes"), CLI_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_are_tables_json_or_names),
	    cmocka_unit_test(a_change_prints_its_operation_and_wait_follows_it),
	    cmocka_unit_test(each_kind_of_error_has_its_exit_code),
	    cmocka_unit_test(the_bodies_of_commands_are_accepted),
	    cmocka_unit_test(vlans_and_subnets_are_made_shown_and_changed),
	    cmocka_unit_test(addresses_are_kept_freed_imported_and_exported),
	    cmocka_unit_test(on_a_terminal_what_cannot_be_undone_asks_for_the_name),
	};
	char ca[96];
	int failed;
	harness_start(&h, NULL, true);
	(void)snprintf(ca, sizeof(ca), "%s/cert.pem", h.dir);
	(void)setenv("SOTALIA_URL", h.url, 1);
	(void)setenv("SOTALIA_TOKEN", h.token, 1);
	(void)setenv("SOTALIA_CA", ca, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
