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
	const char *argv[32] = {CLI_PROGRAM};
	int status;
	for (size_t i = 0; words[i] != NULL; i++) {
		assert_true(i + 2 < sizeof(argv) / sizeof(argv[0]));
		argv[i + 1] = words[i];
	}
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
	    "INSERT INTO scheduler.operation_log_part VALUES ('%s', 1, 1, "
	    "'[[1700000000000,\"info\",\"shop-default-03 placed\"]]')",
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

/* The rows of an instance that stands, of one that waits, and of the operation of both. */
static const char why_rows[] =
    "INSERT INTO scheduler.image (name, reference) VALUES ('why', 'a/b:1'); "
    "INSERT INTO scheduler.app (id, name, image, plan, vlan, health, created_at, updated_at) "
    "VALUES "
    "('00000000-0000-7000-8000-000000000001', 'why', 'why', 'small', 'net', '{}', now(), now()); "
    "INSERT INTO scheduler.instance_group (id, app_id, name) SELECT id, id, 'default' FROM "
    "scheduler.app; "
    "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) VALUES "
    "('00000000-0000-7000-8000-000000000002', 'h1', 'a', 'r1', repeat('k', 40), 'online', now()); "
    "INSERT INTO scheduler.operation (id, kind, app_id, target, actor, idempotency_key, "
    "request_sha256, "
    "resource_id, spec, state, created_at, updated_at) VALUES "
    "('00000000-0000-7000-8000-000000000003', "
    "'app.scale', '00000000-0000-7000-8000-000000000001', 'why', 'user:u', 'why', '', "
    "'00000000-0000-7000-8000-000000000001', '{}', 'running', now(), now()); "
    "INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health, desired, "
    "host_id, "
    "decision_id, cpu_milli, memory_bytes, disk_bytes, image, created_at, updated_at) SELECT "
    "('00000000-0000-7000-8000-00000000001' || n)::uuid, a.id, a.id, n, 'why-default-0' || n, "
    "'requested', "
    "'unknown', 'running', CASE n WHEN 1 THEN h.id END, CASE n WHEN 1 THEN a.id END, 500, 4194304, "
    "0, '', "
    "now(), now() FROM scheduler.app a, scheduler.host h, generate_series(1, 2) n; "
    "INSERT INTO scheduler.operation_track (operation_id, first, instance_id, subject, steps) "
    "SELECT o.id, i.number, i.id, i.name, '[[\"place\",\"running\",\"\",0,0]]' FROM "
    "scheduler.operation o, "
    "scheduler.instance i WHERE o.idempotency_key = 'why'; "
    "INSERT INTO scheduler.decision (id, operation_id, refused, open, tries, since, at, next_at, "
    "data) "
    "SELECT a.id, o.id, false, false, 1, now(), now(), NULL::timestamptz, "
    "'{\"app\":\"why\",\"need\":"
    "{\"cpuMilli\":500,\"memoryBytes\":4194304,\"diskBytes\":0},\"hosts\":3,\"candidates\":1,"
    "\"refused\":"
    "[{\"reason\":\"memory\",\"hosts\":2}],\"runnersUp\":[],\"placed\":[[\"why-default-01\",\"h1\","
    "\"net\","
    "0,0,0,0.05,0.2,0.0312,0,0]]}'::jsonb FROM scheduler.app a, scheduler.operation o WHERE "
    "o.idempotency_key = 'why' UNION ALL "
    "SELECT o.id, o.id, true, true, 4, now(), now(), now() + interval '1 min', "
    "'{\"app\":\"why\",\"count\":1,"
    "\"text\":\"a host for 1 instance: 0 of 3 hosts fit: 3 "
    "memory\",\"hosts\":3,\"reasons\":[{\"reason\":"
    "\"memory\",\"name\":\"memory\",\"hosts\":3,\"only\":2,\"best\":[{\"host\":\"h1\",\"has\":120,"
    "\"needs\":"
    "512,\"short\":392,\"unit\":\"MiB\"}]}],\"nearest\":{\"host\":\"h1\",\"changes\":[{\"reason\":"
    "\"memory\",\"text\":\"392 MiB more of memory free on h1\"}]}}' FROM scheduler.operation o "
    "WHERE "
    "o.idempotency_key = 'why'";

static void why_says_what_was_decided_and_what_is_waited_for(void **state)
{
	static const char operation[] = "00000000-0000-7000-8000-000000000003";
	char none[4096];
	(void)state;
	harness_sql(&h, "sot_scheduler", why_rows, none);
	assert_int_equal(RUN("why", "why-default-01"), CLI_OK);
	assert_non_null(strstr(out, "was placed on h1, VLAN net,"));
	assert_non_null(strstr(out, "candidates  1 of 3 hosts: 2 memory"));
	assert_non_null(strstr(out, "h1    a     r1    0        0        0        0.2812"));
	assert_int_equal(RUN("why", "why-default-02"), CLI_OK);
	assert_non_null(
	    strstr(out, "3 memory, 2 of them for nothing else; nearest: h1 (120 of 512 MiB)"));
	assert_non_null(strstr(out, "it would fit on h1 with: 392 MiB more of memory free on h1"));
	assert_non_null(strstr(out, "4 tries"));
	assert_int_equal(RUN("why", operation), CLI_OK);
	assert_non_null(strstr(out, "app.scale why is running"));
	assert_non_null(strstr(out, "why-default-01           on h1"));
	assert_int_equal(RUN("why", operation, "-o", "json"), CLI_OK);
	assert_non_null(strstr(out, "\"nextTry\": "));
	assert_int_equal(RUN("why", "nobody"), CLI_NOT_FOUND);
	assert_int_equal(RUN("why", "00000000-0000-7000-8000-000000000009"), CLI_NOT_FOUND);
}

/* Of the rows above: the host of the first instance falls silent. */
static void an_instance_of_a_silent_host_is_unknown(void **state)
{
	char none[4096];
	(void)state;
	harness_sql(&h, "sot_scheduler",
	    "UPDATE scheduler.instance SET state = 'running', health = 'healthy' WHERE host_id IS NOT "
	    "NULL AND name LIKE 'why-%'",
	    none);
	assert_int_equal(RUN("status"), CLI_OK);
	assert_non_null(strstr(out, "1 healthy of 2, 0 unknown"));
	harness_sql(&h, "sot_scheduler",
	    "UPDATE scheduler.host SET state = 'suspect', seen_at = now() - interval '10 min'", none);
	assert_int_equal(RUN("status"), CLI_OK);
	assert_non_null(strstr(out, "0 healthy of 2, 1 unknown"));
	assert_int_equal(RUN("instance", "list", "--state=running", "-o", "name"), CLI_OK);
	assert_string_equal(out, "");
	assert_int_equal(RUN("instance", "list", "--state=unknown"), CLI_OK);
	assert_non_null(strstr(out, "unknown 10m"));
	assert_null(strstr(out, "healthy"));
	assert_int_equal(RUN("app", "show", "why"), CLI_OK);
	assert_non_null(strstr(out, "ready                    0"));
	assert_int_equal(RUN("instance", "show", "why-default-01"), CLI_OK);
	assert_non_null(strstr(out, "unknownSince             20"));
	harness_sql(
	    &h, "sot_scheduler", "UPDATE scheduler.host SET state = 'online' WHERE name = 'h1'", none);
	assert_int_equal(RUN("instance", "list", "--state=running", "-o", "name"), CLI_OK);
	assert_string_equal(out, "why-default-01");
	harness_sql(&h, "sot_scheduler",
	    "UPDATE scheduler.instance SET state = 'requested', health = 'unknown' WHERE name LIKE "
	    "'why-%'",
	    none);
}

static void a_dry_run_says_what_would_be_and_its_etag_is_kept(void **state)
{
	struct sot_app_scale asked;
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)state;
	h.refuse_with = -1;
	h.answer =
	    "{\"kind\":\"scale\",\"app\":\"shop\",\"have\":2,\"want\":3,\"placements\":[{\"placed\":"
	    "[[\"shop-default-03\",\"h1\",\"net\",0,0,0,0,0,0,0,0]]}],\"placed\":1,\"refusal\":null,"
	    "\"addresses\":[{\"vlan\":\"net\",\"free\":9}],\"etag\":\"\\\"0123456789abcdef\\\"\"}";
	assert_int_equal(RUN("app", "scale", "shop", "3", "--dry-run"), CLI_OK);
	assert_non_null(strstr(out, "shop-default-03          on h1"));
	assert_non_null(strstr(out, "VLAN net has 9 addresses left then"));
	assert_non_null(strstr(out, "--if-still-true='\"0123456789abcdef\"'"));
	assert_int_equal(sot_app_scale_decode(sot_buf_str(&h.last_frame), arena, &asked, NULL), SOT_OK);
	assert_true(asked.dry_run && asked.if_still_true.n == 0);
	h.answer = NULL;
	assert_int_equal(
	    RUN("app", "scale", "shop", "3", "--if-still-true=\"0123456789abcdef\""), CLI_OK);
	assert_int_equal(sot_app_scale_decode(sot_buf_str(&h.last_frame), arena, &asked, NULL), SOT_OK);
	assert_true(!asked.dry_run && sot_str_eq_c(asked.if_still_true, "\"0123456789abcdef\""));
	h.refuse_with = SOT_REFUSAL_STALE;
	assert_int_equal(RUN("app", "scale", "shop", "3", "--if-still-true=x"), CLI_CONFLICT);
	h.refuse_with = -1;
	(void)sot_arena_free(arena);
}

static void what_if_capacity_and_rebalance_are_told_in_words(void **state)
{
	struct sot_what_if asked;
	struct sot_fleet_rebalance moved;
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)state;
	h.refuse_with = -1;
	h.answer = "{\"kind\":\"lose\",\"hosts\":[\"h1\"],\"touched\":2,\"moved\":1,\"unplaced\":1,"
	           "\"isCut\":false,"
	           "\"moves\":[{\"instance\":\"shop-default-01\",\"from\":\"h1\",\"to\":\"h2\","
	           "\"keepsAddress\":true}],"
	           "\"refusals\":[{\"app\":\"shop\",\"text\":\"a "
	           "host\",\"reasons\":[],\"nearest\":null}],\"apps\":[{"
	           "\"app\":\"shop\",\"instances\":2,\"touched\":2,\"moved\":1,\"unplaced\":1}],"
	           "\"etag\":\"e\"}";
	assert_int_equal(RUN("what-if", "lose", "rack=r1", "az=a", "h7"), CLI_OK);
	assert_non_null(strstr(out, "2 instances are touched: 1 find another host, 1 find none"));
	assert_non_null(strstr(out, "shop-default-01  h1    h2  yes"));
	assert_int_equal(sot_what_if_decode(sot_buf_str(&h.last_frame), arena, &asked, NULL), SOT_OK);
	assert_true(asked.kind == SOT_WHAT_IF_KIND_LOSE && sot_str_eq_c(asked.rack, "r1") &&
	            sot_str_eq_c(asked.az, "a") && asked.hosts_count == 1);
	assert_int_equal(
	    RUN("what-if", "plan", "small", "--memory=1g", "--cpu=0.5", "-o", "json"), CLI_OK);
	assert_int_equal(sot_what_if_decode(sot_buf_str(&h.last_frame), arena, &asked, NULL), SOT_OK);
	assert_true(asked.cpu_milli == 500 && asked.memory_bytes == 1073741824);
	assert_int_equal(RUN("what-if", "lose"), CLI_USAGE);
	assert_int_equal(RUN("what-if", "lose", "town=x"), CLI_USAGE);
	h.answer =
	    "{\"hosts\":1,\"groups\":[],\"all\":{\"hosts\":1,\"open\":1,\"total\":{\"cpuMilli\":4000},"
	    "\"booked\":{\"cpuMilli\":500},\"free\":{\"cpuMilli\":3500}},\"plans\":[{\"plan\":"
	    "\"small\","
	    "\"fits\":7,\"hosts\":1}],\"stranded\":{\"hosts\":0},\"vlans\":[],\"apps\":[],\"app\":{"
	    "\"app\":"
	    "\"shop\",\"fits\":5,\"isCut\":false}}";
	assert_int_equal(RUN("capacity", "--app=shop"), CLI_OK);
	assert_non_null(strstr(out, "cpu 0.5 of 4 cores booked, 3.5 free"));
	assert_non_null(strstr(out, "5 more instances of shop fit"));
	h.answer =
	    "{\"gain\":0.5,\"moves\":[{\"instance\":\"shop-default-01\",\"from\":\"h1\",\"to\":\"h2\","
	    "\"gain\":0.5,\"mends\":false}]}";
	assert_int_equal(RUN("rebalance", "--plan", "--max-moves=5"), CLI_OK);
	assert_non_null(strstr(out, "h1    h2  0.5000"));
	h.answer = NULL;
	assert_int_equal(
	    RUN("rebalance", "--max-moves=5", "--parallel=3", "--if-still-true=\"e\""), CLI_OK);
	assert_int_equal(
	    sot_fleet_rebalance_decode(sot_buf_str(&h.last_frame), arena, &moved, NULL), SOT_OK);
	assert_true(moved.max_moves == 5 && moved.parallel == 3 && !moved.include_pinned &&
	            sot_str_eq_c(moved.if_still_true, "\"e\""));
	(void)sot_arena_free(arena);
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
	assert_int_equal(RUN("image", "add", "tomcat", "10.2", "127.0.0.1:5000/tomcat:10.2",
	                     "--changelog=all is new", "--owner-dev=dev", "--owner-ops=ops"),
	    CLI_OK);
	struct sot_image_add added;
	assert_int_equal(sot_image_add_decode(sot_buf_str(&h.last_frame), arena, &added, NULL), SOT_OK);
	assert_true(sot_str_eq_c(added.name, "tomcat") && sot_str_eq_c(added.owner_ops, "ops"));
	assert_int_equal(RUN("image", "test", "tomcat", "10.2", "--outcome=failed"), CLI_FAILED);
	struct sot_image_act act;
	assert_int_equal(sot_image_act_decode(sot_buf_str(&h.last_frame), arena, &act, NULL), SOT_OK);
	assert_true(act.action == SOT_IMAGE_ACTION_FAIL && sot_str_eq_c(act.version, "10.2"));
	assert_int_equal(RUN("image", "test", "tomcat", "10.2"), CLI_USAGE);
	assert_int_equal(RUN("image", "promote", "tomcat", "10.2"), CLI_OK);
	assert_int_equal(RUN("image", "retire", "tomcat", "10.2"), CLI_OK);
	assert_int_equal(sot_image_act_decode(sot_buf_str(&h.last_frame), arena, &act, NULL), SOT_OK);
	assert_int_equal(act.action, SOT_IMAGE_ACTION_RETIRE);
	assert_int_equal(RUN("image", "show", "nothing"), CLI_NOT_FOUND);
	assert_int_equal(RUN("image", "rollout", "nothing"), CLI_OK); /* of which no instance is */
	assert_int_equal(RUN("host", "cordon", "node1"), CLI_OK);
	harness_add_app(&h, "shop");
	assert_int_equal(RUN("package", "upload", "shop", "v1", CLI_PROGRAM), CLI_OK);
	assert_int_equal(RUN("app", "deploy", "shop", "v1"), CLI_OK);
	assert_int_equal(RUN("app", "delete", "shop"), CLI_OK);
	(void)sot_arena_free(arena);
}

/* Without --commit: of the work tree that the file lies in. */
static void a_package_tells_the_commit_of_its_work_tree(void **state)
{
	struct sot_package_register m;
	sot_arena *arena = sot_arena_new(1u << 20);
	char make[600], file[200], head[8192], said[8192];
	const char *shell[] = {"/bin/sh", "-c", make, NULL};
	(void)state;
	h.refuse_with = -1;
	harness_add_app(&h, "traced");
	(void)snprintf(file, sizeof(file), "%s/tree/target/traced.war", h.dir);
	(void)snprintf(make, sizeof(make),
	    "mkdir -p %s/tree/target && cd %s/tree && git init -q . && echo one > source && "
	    "echo target > .gitignore && git add source .gitignore && git -c user.name=a "
	    "-c user.email=a@b commit -qm one && echo war > target/traced.war && git rev-parse HEAD",
	    h.dir, h.dir);
	assert_int_equal(harness_run(&h, shell, head, said), 0);
	assert_int_equal(RUN("package", "upload", "traced", "v1", file), CLI_OK);
	assert_int_equal(
	    sot_package_register_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_int_equal(m.commit.n, 40);
	assert_memory_equal(m.commit.p, head, 40);
	(void)snprintf(make, sizeof(make), "echo two > %s/tree/source", h.dir);
	assert_int_equal(harness_run(&h, shell, head, said), 0);
	assert_int_equal(RUN("package", "upload", "traced", "v2", file), CLI_OK);
	assert_int_equal(
	    sot_package_register_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_true(m.commit.n == 46 && memcmp(m.commit.p + 40, "-dirty", 6) == 0);
	assert_int_equal(RUN("package", "upload", "traced", "v3", file, "--commit=1f3a9c2"), CLI_OK);
	assert_int_equal(
	    sot_package_register_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_true(sot_str_eq_c(m.commit, "1f3a9c2"));
	(void)sot_arena_free(arena);
}

static void rules_reach_the_scheduler_as_they_were_typed(void **state)
{
	struct sot_app_create m;
	struct sot_host_class_set class;
	struct sot_plan_set plan;
	struct sot_team_set team;
	struct sot_mixing_set mixing;
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)state;
	h.refuse_with = -1;
#define LAST(type, message)                                                                        \
	assert_int_equal(                                                                              \
	    sot_##type##_decode(sot_buf_str(&h.last_frame), arena, &(message), NULL), SOT_OK)
	assert_int_equal(RUN("app", "create", "shop", "--image=tomcat", "--vlan=apps", "--team=pay",
	                     "--zone=a", "--spread=az:hard:skew=1", "--spread=host:count=2",
	                     "--require=ssd", "--forbid=old", "--apart=db:rack:3", "--together=cache",
	                     "--exclusive=team", "--priority=9", "--preemptable=yes"),
	    CLI_OK);
	LAST(app_create, m);
	assert_true(sot_str_eq_c(m.team, "pay") && m.placement.preemptable);
	assert_int_equal(m.placement.priority, 9);
	assert_true(!m.placement.spread_az.prefer && m.placement.spread_az.max_skew == 1);
	assert_true(m.placement.spread_rack.prefer && m.placement.spread_host.max_count == 2);
	assert_true(sot_str_eq_c(m.placement.required[0], "ssd") && m.placement.zones_count == 1);
	assert_int_equal(m.placement.relations_count, 2);
	assert_int_equal(m.placement.relations[0].level, SOT_SPREAD_LEVEL_RACK);
	assert_int_equal(m.placement.relations[0].count, 3);
	assert_int_equal(m.placement.relations[1].kind, SOT_RELATION_KIND_TOGETHER);
	assert_int_equal(m.placement.max_unavailable, 1);
	assert_int_equal(
	    RUN("app", "create", "shop", "--image=tomcat", "--vlan=apps", "--spread=floor:skew=1"),
	    CLI_USAGE);
	assert_non_null(strstr(errors, "az, rack or host"));
	assert_int_equal(RUN("host-class", "set", "dense", "--cpu-overcommit=4", "--reserve-memory=4G",
	                     "--max-starts=8"),
	    CLI_OK);
	LAST(host_class_set, class);
	assert_true(class.cpu_overcommit_permille == 4000 && class.memory_overcommit_permille == 1000);
	assert_true(class.reserve_memory_bytes == 4ull << 30 && class.max_starts == 8);
	assert_int_equal(
	    RUN("plan", "set", "huge", "--cpu=1.5", "--memory=2G", "--cpu-pinned=no"), CLI_OK);
	LAST(plan_set, plan);
	assert_true(plan.cpu_milli == 1500 && plan.memory_bytes == 2ull << 30 && !plan.cpu_pinned);
	assert_true(plan.pids_max == 512 && plan.io_weight == 500);
	assert_int_equal(RUN("team", "set", "pay", "--cpu=40", "--instances=60"), CLI_OK);
	LAST(team_set, team);
	assert_true(team.cpu_milli == 40000 && team.instances == 60 && team.memory_bytes == 0);
	assert_int_equal(RUN("mixing", "set", "latency", "batch", "2"), CLI_OK);
	LAST(mixing_set, mixing);
	assert_true(mixing.workload == SOT_WORKLOAD_LATENCY && mixing.at_most == 2 && mixing.limited);
	assert_int_equal(RUN("mixing", "clear", "latency", "batch"), CLI_OK);
	LAST(mixing_set, mixing);
	assert_false(mixing.limited);
	assert_int_equal(RUN("mixing", "set", "latency", "nonsense", "2"), CLI_USAGE);
	assert_int_equal(RUN("host-class", "list"), CLI_OK);
	assert_non_null(strstr(out, "default"));
	assert_int_equal(RUN("team", "delete", "pay"), CLI_OK);
	(void)sot_arena_free(arena);
}

static void rules_of_elastic_scaling_reach_the_scheduler(void **state)
{
	struct sot_elastic_set m;
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)state;
	h.refuse_with = -1;
	assert_int_equal(RUN("elastic", "set", "shop", "--min=2", "--max=6", "--cpu=50", "--window=20",
	                     "--value=queue:100:sum", "--stable=40", "--dry-run",
	                     "--schedule=6 10h Asia/Shanghai 0 8 * * mon-fri"),
	    CLI_OK);
	LAST(elastic_set, m);
	assert_true(m.enabled && m.dry_run && m.min == 2 && m.max == 6 && m.stable_s == 40);
	assert_true(m.up_cooldown_s == 30 && m.down_cooldown_s == 60 && m.tolerance_percent == 10);
	assert_int_equal(m.rules_count, 3);
	assert_true(sot_str_eq_c(m.rules[0].name, "cpu") && m.rules[0].target_milli == 50000);
	assert_int_equal(m.rules[0].window_s, 20);
	assert_true(m.rules[1].metric == SOT_ELASTIC_METRIC_CUSTOM &&
	            m.rules[1].sum == SOT_ELASTIC_SUM_SUM && sot_str_eq_c(m.rules[1].value, "queue"));
	assert_true(sot_str_eq_c(m.rules[2].cron, "0 8 * * mon-fri") && m.rules[2].for_s == 36000 &&
	            sot_str_eq_c(m.rules[2].zone, "Asia/Shanghai") && m.rules[2].count == 6);
	assert_int_equal(RUN("elastic", "set", "shop", "--max=6", "--memory=70", "--disabled"), CLI_OK);
	LAST(elastic_set, m);
	assert_true(!m.enabled && m.min == 1 && m.rules[0].metric == SOT_ELASTIC_METRIC_MEMORY);
	assert_int_equal(RUN("elastic", "set", "shop", "--max=6"), CLI_USAGE);
	assert_int_equal(RUN("elastic", "set", "shop", "--cpu=50"), CLI_USAGE);
	assert_int_equal(RUN("elastic", "set", "shop", "--max=6", "--value=queue"), CLI_USAGE);
	assert_int_equal(RUN("elastic", "set", "shop", "--max=6", "--schedule=6 always"), CLI_USAGE);
	assert_int_equal(RUN("elastic", "delete", "shop"), CLI_OK);
	assert_int_equal(RUN("elastic", "show", "shop"), CLI_NOT_FOUND);
	assert_int_equal(RUN("elastic", "decisions", "shop"), CLI_OK);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_are_tables_json_or_names),
	    cmocka_unit_test(a_change_prints_its_operation_and_wait_follows_it),
	    cmocka_unit_test(why_says_what_was_decided_and_what_is_waited_for),
	    cmocka_unit_test(an_instance_of_a_silent_host_is_unknown),
	    cmocka_unit_test(a_dry_run_says_what_would_be_and_its_etag_is_kept),
	    cmocka_unit_test(what_if_capacity_and_rebalance_are_told_in_words),
	    cmocka_unit_test(each_kind_of_error_has_its_exit_code),
	    cmocka_unit_test(the_bodies_of_commands_are_accepted),
	    cmocka_unit_test(a_package_tells_the_commit_of_its_work_tree),
	    cmocka_unit_test(rules_reach_the_scheduler_as_they_were_typed),
	    cmocka_unit_test(rules_of_elastic_scaling_reach_the_scheduler),
	    cmocka_unit_test(vlans_and_subnets_are_made_shown_and_changed),
	    cmocka_unit_test(addresses_are_kept_freed_imported_and_exported),
	};
	int failed;
	harness_start(&h, NULL, true);
	harness_environment(&h);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
