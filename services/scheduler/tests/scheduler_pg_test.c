/* scheduler_pg_test - the real sotalia-scheduler on a real PostgreSQL over CURVE sockets, between a
 * gateway, an ipam and two agents of this test: an app's life, repeated keys, and a crash at every
 * failpoint of the process. Argument: the binary.
 */
#include "fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- the story ---- */

static const sot_health_spec no_check = {.kind = SOT_HEALTH_CHECK_NONE,
    .interval_ms = 1000,
    .timeout_ms = 500,
    .healthy_after = 1,
    .unhealthy_after = 3};

static const sot_placement soft_spread = {.max_unavailable = 1,
    .spread_az = {.prefer = true},
    .spread_rack = {.prefer = true},
    .spread_host = {.prefer = true}};

static void an_app_lives_on_two_hosts(void **state)
{
	world *w = *state;
	sot_env_var env[] = {{SOT_STR("GREETING"), SOT_STR("it's \"{quoted}\", \\ and ü")}};
	ASK(w, image_register, .name = SOT_STR("tomcat"),
	    .reference = SOT_STR("localhost:5000/tomcat:1"));
	wait_done(w);
	for (int k = 0; k < AGENTS; k++) {
		char name[] = "host-a", az[] = "az-a";
		name[5] = az[3] = (char)('a' + k);
		ASK(w, host_register, .name = sot_str_c(name), .az = sot_str_c(az), .rack = SOT_STR("r1"),
		    .public_key = sot_str_c(w->agents[k].public_key));
		wait_done(w);
	}
	wait_for(w, "SELECT (count(*) = 2)::int FROM scheduler.host WHERE state = 'online'");
	ASK(w, app_create, .name = SOT_STR("shop"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("default"), .health = no_check, .env = env, .env_count = 1, .count = 2,
	    .placement = soft_spread);
	wait_done(w);
	expect_invariants(w, 2);
	assert_int_equal(control(w, "SELECT count(DISTINCT host_id) FROM scheduler.instance"), 2);
	assert_int_equal(control(w, "SELECT count(*) FROM scheduler.operation_step"), 8);
}

/* Of an operation that is purged nothing stays but why live instances are where they are. */
static void what_an_operation_begins_with_is_one_row_and_goes_with_it_but_for_why(void **state)
{
	world *w = *state;
	scale(w, 3);
	const char *const scaled = "FROM scheduler.operation_start s JOIN scheduler.operation o ON"
	                           " o.id = s.operation_id WHERE o.kind = 'app.scale' AND"
	                           " o.position = (SELECT max(position) FROM scheduler.operation)";
	char sql[700];
	/* Written in one row; the steps were changed there, and no row of their own says them. */
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) %s AND s.steps->0->>1 = 'done' AND json_array_length(s.lines) > 0 AND"
	    " s.decision IS NOT NULL AND NOT EXISTS (SELECT FROM scheduler.operation_track t WHERE"
	    " t.operation_id = o.id)",
	    scaled);
	assert_int_equal(control(w, sql), 1);
	/* Lines that came later go on where it ends. */
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM scheduler.operation_log l JOIN (SELECT o.id %s) n ON"
	    " n.id = l.operation_id",
	    scaled);
	int64_t lines = control(w, sql);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT (count(DISTINCT l.line) = %lld AND max(l.line) = %lld)::int FROM"
	    " scheduler.operation_log l JOIN (SELECT o.id %s) n ON n.id = l.operation_id",
	    (long long)lines, (long long)lines, scaled);
	assert_true(lines > 1);
	assert_int_equal(control(w, sql), 1);
	/* The version before knows no such row. */
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO scheduler.operation_track (operation_id, first, subject, steps) SELECT o.id, "
	    "0,"
	    " 's', '[[\"place\",\"failed\",\"\",0,0]]' %s ON CONFLICT (operation_id, first) DO UPDATE "
	    "SET"
	    " steps = excluded.steps",
	    scaled);
	(void)control(w, sql);
	expect_zero(w, "steps in two places",
	    "SELECT count(*) FROM scheduler.operation_track t JOIN scheduler.operation_start s ON"
	    " s.operation_id = t.operation_id WHERE t.first = 0 AND s.steps IS NOT NULL");
	assert_int_equal(
	    control(w, "SELECT count(*) FROM scheduler.operation_step WHERE state = 'failed'"), 1);
	end_server(w, SIGTERM);
	(void)control(
	    w, "UPDATE scheduler.operation SET finished_at = finished_at - interval '1 year'");
	start_server(w, "");
	wait_for(w, "SELECT (count(*) = 0)::int FROM scheduler.operation");
	expect_zero(w, "steps and lines of operations that are gone",
	    "SELECT (SELECT count(*) FROM scheduler.operation_step) + (SELECT count(*) FROM"
	    " scheduler.operation_log)");
	expect_zero(w, "a start of which no live instance is left",
	    "SELECT count(*) FROM scheduler.operation_start s WHERE NOT EXISTS (SELECT FROM"
	    " scheduler.instance i WHERE i.decision_id = s.operation_id AND i.state <> 'retired')");
	expect_invariants(w, 3);
	scale(w, 2);
	end_server(w, SIGTERM);
	(void)control(w, "UPDATE scheduler.operation_start SET decided_at = decided_at - interval '1"
	                 " year' WHERE steps IS NULL");
	start_server(w, "");
	wait_for(w, "SELECT (count(*) = 0)::int FROM scheduler.operation_start s WHERE steps IS NULL"
	            " AND NOT EXISTS (SELECT FROM scheduler.instance i WHERE"
	            " i.decision_id = s.operation_id AND i.state <> 'retired')");
	expect_invariants(w, 2);
}

static void a_repeated_key_gives_the_same_operation(void **state)
{
	world *w = *state;
	scale(w, 3);
	sot_uuid first = w->accepted.operation_id;
	assert_false(w->accepted.replayed);
	w->next_key--;
	ASK(w, app_scale, .name = SOT_STR("shop"), .count = 3);
	expect_accepted(w);
	assert_true(w->accepted.replayed);
	assert_true(sot_uuid_eq(first, w->accepted.operation_id));
	end_server(w, SIGTERM);
	start_server(w, "");
	w->next_key--;
	ASK(w, app_scale, .name = SOT_STR("shop"), .count = 3);
	expect_accepted(w);
	assert_true(w->accepted.replayed && sot_uuid_eq(first, w->accepted.operation_id));
}

static void a_version_rolls_out_and_an_instance_stops_and_starts(void **state)
{
	world *w = *state;
	static const char digest[32] = "another digest of thirty-two by";
	ASK(w, package_register, .app = SOT_STR("shop"), .version = SOT_STR("1.0"),
	    .sha256 = {digest, 32}, .size_bytes = 5, .file_name = SOT_STR("shop.war"));
	wait_done(w);
	ASK(w, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("1.0"));
	wait_done(w);
	assert_int_equal(
	    control(w, "SELECT count(*) FROM scheduler.instance WHERE observed_version = '1.0'"), 3);
	ASK(w, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_STOP);
	wait_done(w);
	assert_int_equal(
	    control(w, "SELECT count(*) FROM scheduler.instance WHERE state = 'stopped'"), 1);
	ASK(w, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_START);
	wait_done(w);
	ASK(w, instance_act, .instance = SOT_STR("shop-default-02"),
	    .action = SOT_INSTANCE_ACTION_RESTART);
	wait_done(w);
	expect_invariants(w, 3);
	/* A change that its agent says nothing about: its row keeps what was said before. */
	sot_str first = SOT_STR("shop-default-01"), groups[] = {SOT_STR("canary"), SOT_STR("default")};
	ASK(w, group_set, .app = SOT_STR("shop"), .group = groups[0]);
	for (int k = 0; k < 2; k++)
		ASK(w, group_move, .app = SOT_STR("shop"), .group = groups[k], .instances = &first,
		    .instances_count = 1);
	expect_zero(w, "rows without",
	    "SELECT count(*) FROM scheduler.instance WHERE started_at IS NULL"
	    " OR observed_at IS NULL OR container_id = '' OR number = 1");
}

/* A parent, its counts and its queue are rows: a crash in the middle changes nothing. */
static void many_are_restarted_in_one_operation_although_the_process_dies(void **state)
{
	/* Low counts: a slow machine puts the same work into fewer batches. */
	static const char *const points[] = {"scheduler.batch.sent=crash:2",
	    "scheduler.batch.after_commit=crash:2", "scheduler.effects.before_assign=crash"};
	world *w = *state;
	sot_str shop = SOT_STR("shop");
	char sql[300], id[SOT_UUID_TEXT];
	for (size_t k = 0; k < sizeof(points) / sizeof(points[0]); k++) {
		unsigned before = w->revived;
		end_server(w, SIGKILL);
		start_server(w, points[k]);
		ASK(w, operation_bulk, .action = SOT_BULK_ACTION_RESTART, .apps = &shop, .apps_count = 1,
		    .parallel = 2, .expect = 3);
		wait_done(w);
		assert_int_not_equal(w->revived, before);
		(void)snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM scheduler.operation WHERE id = '%s' AND children_done = 3 AND"
		    " progress_done = 3 AND reason = 'a test' AND started_at IS NOT NULL",
		    sot_uuid_format(w->accepted.operation_id, id));
		assert_int_equal(control(w, sql), 1);
		expect_invariants(w, 3);
	}
}

static void a_retry_is_a_new_operation_that_keeps_its_link_and_its_targets(void **state)
{
	world *w = *state;
	sot_uuid gone[2] = {{{7}}, {{8}}}, first;
	char sql[300], id[SOT_UUID_TEXT];
	scale(w, 3);
	first = w->accepted.operation_id;
	end_server(w, SIGTERM);
	start_server(w, "scheduler.batch.after_commit=crash:2");
	ASK(w, operation_retry, .operation_id = first, .kind = SOT_STR("app.scale"),
	    .app = SOT_STR("shop"), .count = 4, .targets = gone, .targets_count = 2);
	wait_done(w);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM scheduler.operation WHERE retry_of = '%s' AND"
	    " array_length(targets, 1) = 2",
	    sot_uuid_format(first, id));
	assert_int_equal(control(w, sql), 1);
	expect_invariants(w, 4);
	scale(w, 3);
}

/* ---- B5: every statement takes half a second ---- */
enum { FLOOD = 300 };

typedef struct flood {
	unsigned accepted, refused, others;
	uint32_t retry_after_ms;
} flood;

static void on_flood(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	flood *f = self;
	SOT_AUTO(sot_arena) arena = sot_arena_new(1u << 16);
	sot_wire_head head = {0};
	sot_refused no = {0};
	sot_err err;
	(void)why;
	if (code != SOT_OK || sot_wire_peek(frame, &head, &err) != SOT_OK) {
		f->others++;
	} else if (head.id == SOT_MSG_ACCEPTED) {
		f->accepted++;
	} else if (sot_refused_decode(frame, arena, &no, &err) == SOT_OK &&
	           no.code == SOT_REFUSAL_UNAVAILABLE) {
		f->refused++;
		f->retry_after_ms = no.retry_after_ms;
	} else {
		f->others++;
	}
}

static void send_image(world *w, flood *f, unsigned number)
{
	char key[32], name[32];
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_image_register m = {.request_id = ++w->next_request,
	    .context = context(w, key, ++w->next_key),
	    .reference = SOT_STR("localhost:5000/flood:1")};
	(void)snprintf(name, sizeof(name), "flood-%u", number);
	m.name = sot_str_c(name);
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_image_register_encode(&m, &out, &err), SOT_OK);
	assert_int_equal(
	    bus_request(w->requests, m.request_id, sot_buf_str(&out), 20000, on_flood, f, &err),
	    SOT_OK);
}

static void slow_statements(world *w, bool slow)
{
	if (slow)
		control(w, "CREATE FUNCTION scheduler.doze() RETURNS trigger LANGUAGE plpgsql AS"
		           " $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$");
	control(w, slow ? "CREATE TRIGGER doze AFTER INSERT OR UPDATE ON scheduler.operation FOR EACH"
	                  " STATEMENT EXECUTE FUNCTION scheduler.doze()"
	                : "DROP TRIGGER doze ON scheduler.operation");
	control(w, slow ? "CREATE TRIGGER doze AFTER INSERT OR UPDATE ON scheduler.image FOR EACH"
	                  " STATEMENT EXECUTE FUNCTION scheduler.doze()"
	                : "DROP TRIGGER doze ON scheduler.image");
	if (!slow)
		control(w, "DROP FUNCTION scheduler.doze()");
}

static void a_slow_database_refuses_what_it_cannot_take_and_answers_everybody(void **state)
{
	world *w = *state;
	flood f = {0};
	slow_statements(w, true);
	/* One by one until commits are known to be slow; then all at once. */
	for (unsigned k = 0; k < FLOOD; k++) {
		send_image(w, &f, k);
		for (unsigned turns = 0; k < 2 && f.accepted <= k && turns < 2000; turns++)
			reactor_turn(w->loop, 50);
	}
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), LIMIT_MS);
	while (f.accepted + f.refused + f.others < FLOOD && !sot_mono_reached(sot_mono_now(), limit))
		reactor_turn(w->loop, 50);
	slow_statements(w, false);
	assert_int_equal(f.others, 0);
	assert_int_equal(f.accepted + f.refused, FLOOD);
	assert_true(f.refused > 0);
	assert_true(f.retry_after_ms >= 1000);
	assert_int_equal(
	    control(w, "SELECT count(*) FROM scheduler.image WHERE name LIKE 'flood-%'"), f.accepted);
	scale(w, 3); /* and it goes on */
	expect_invariants(w, 3);
}

static void a_crash_at_every_failpoint_loses_nothing(void **state)
{
	static const char *const points[] = {"scheduler.request.received", "scheduler.agent.received",
	    "scheduler.batch.before_commit", "scheduler.batch.sent", "scheduler.batch.after_commit",
	    "scheduler.batch.effects_done", "scheduler.effects.begin", "scheduler.effects.before_reply",
	    "scheduler.effects.before_ipam", "scheduler.effects.before_assign",
	    "scheduler.effects.after_assign", "scheduler.effects.end", "scheduler.ipam.answered",
	    "scheduler.leadership.before_renew", "scheduler.leadership.won",
	    "scheduler.take_over.before_load", "scheduler.take_over.loaded",
	    "scheduler.take_over.leading"};
	world *w = *state;
	char armed[100];
	for (size_t k = 0; k < sizeof(points) / sizeof(points[0]); k++) {
		for (int hit = 1; hit <= 4; hit += 3) {
			end_server(w, SIGKILL);
			(void)snprintf(armed, sizeof(armed), "%s=crash:%d", points[k], hit);
			start_server(w, armed);
			unsigned before = w->revived;
			scale(w, 6);
			scale(w, 1);
			if (hit == 1 && w->revived == before)
				fail_msg("%s was never reached", points[k]);
			expect_invariants(w, 1);
		}
	}
}

static void a_fault_in_the_database_costs_an_epoch_and_no_data(void **state)
{
	world *w = *state;
	end_server(w, SIGTERM);
	start_server(w, "scheduler.batch.before_commit=error:3");
	scale(w, 4);
	expect_invariants(w, 4);
}

/* The machine has less than memory believes: what the guard refuses is told, read anew, and ends.
 */
static void what_memory_gets_wrong_is_refused_told_and_read_anew(void **state)
{
	world *w = *state;
	int64_t epoch = control(w, "SELECT epoch FROM core.leader WHERE role = 'scheduler'");
	int64_t live = control(w, "SELECT count(*) FROM scheduler.instance WHERE state = 'running'");
	control(w, "UPDATE scheduler.host SET memory_bytes = booked_memory_bytes");
	scale(w, (uint32_t)live + 1);
	wait_for(w, "SELECT count(*) FROM core.outbox WHERE kind = 'scheduler.refused' AND"
	            " data->>'constraint' = 'host_capacity'");
	int64_t epochs = control(w, "SELECT epoch FROM core.leader WHERE role = 'scheduler'") - epoch;
	assert_true(epochs >= 1 && epochs <= 3);
	expect_invariants(w, live + 1);
}

/* It passed the fence, holds rows, and will not go on. */
static void a_batch_that_a_stopped_leader_left_open_does_not_hold_up_the_next(void **state)
{
	world *w = *state;
	char text[300];
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=sot_scheduler", getenv("SOT_PG_DIR"));
	PGconn *stopped = PQconnectdb(text);
	(void)snprintf(text, sizeof(text),
	    "BEGIN; SELECT core.fence('scheduler', %lld); UPDATE scheduler.host SET seen_at = now()",
	    (long long)control(w, "SELECT epoch FROM core.leader WHERE role = 'scheduler'"));
	PQclear(PQexec(stopped, text));
	assert_int_equal(PQtransactionStatus(stopped), PQTRANS_INTRANS);
	int64_t live = control(w, "SELECT count(*) FROM scheduler.instance WHERE state = 'running'");
	end_server(w, SIGKILL);
	start_server(w, "");
	scale(w, (uint32_t)live + 1);
	PQclear(PQexec(stopped, "COMMIT"));
	assert_int_equal(PQstatus(stopped), CONNECTION_BAD);
	PQfinish(stopped);
	expect_invariants(w, live + 1);
}

static void set_rules(world *w, uint32_t count)
{
	/* It begins every minute and lasts an hour: it is on. The second one has no value: unknown. */
	sot_elastic_rule rules[] = {{.name = SOT_STR("always"),
	                                .metric = SOT_ELASTIC_METRIC_SCHEDULE,
	                                .cron = SOT_STR("* * * * *"),
	                                .zone = SOT_STR("Asia/Shanghai"),
	                                .for_s = 3600,
	                                .count = count},
	    {.name = SOT_STR("queue"),
	        .metric = SOT_ELASTIC_METRIC_CUSTOM,
	        .target_milli = 100000,
	        .window_s = 60,
	        .value = SOT_STR("queue"),
	        .sum = SOT_ELASTIC_SUM_SUM}};

	ASK(w, elastic_set, .app = SOT_STR("shop"), .enabled = true, .min = 1, .max = 5,
	    .up_cooldown_s = 0, .down_cooldown_s = 60, .stable_s = 60, .tolerance_percent = 10,
	    .rules = rules, .rules_count = 2);
	wait_done(w);
}

static void rules_change_the_count_and_outlast_the_process(void **state)
{
	world *w = *state;
	const int64_t live = 2;
	scale(w, (uint32_t)live);
	set_rules(w, (uint32_t)live + 1);
	wait_for(w, "SELECT count(*) FROM scheduler.operation WHERE actor = 'elastic:always' AND state "
	            "= 'done'");
	expect_invariants(w, live + 1);
	assert_int_equal(
	    control(w, "SELECT count(*) FROM scheduler.elastic_decision d JOIN scheduler.operation o "
	               "ON o.id = d.operation_id WHERE d.outcome = 'scaled' AND d.rule = 'always' "
	               "AND d.reason = o.reason AND d.load IS NULL"),
	    1);
	assert_int_equal(
	    control(w,
	        "SELECT count FROM scheduler.elastic WHERE changed_at > now() - interval '1 minute'"),
	    live + 1);
	end_server(w, SIGKILL);
	start_server(w, "");
	ASK(w, elastic_delete, .app = SOT_STR("shop"));
	wait_done(w);
	expect_zero(w, "rules that were deleted", "SELECT count(*) FROM scheduler.elastic");
	scale(w, (uint32_t)live);
	expect_invariants(w, live);
}

static void rules_are_carried_out_by_the_next_leader(void **state)
{
	world *w = *state;
	const int64_t live = 2;
	set_rules(w, (uint32_t)live);
	end_server(w, SIGKILL);
	/* What it finds is what is in the rows. */
	(void)control(w, "UPDATE scheduler.elastic SET policy = jsonb_set(policy, '{rules,0,count}', "
	                 "'5') RETURNING 1");
	start_server(w, "");
	wait_for(w, "SELECT (count(*) = 5)::int FROM scheduler.instance WHERE desired <> 'retired' AND "
	            "state = 'running'");
	ASK(w, elastic_delete, .app = SOT_STR("shop"));
	wait_done(w);
	scale(w, (uint32_t)live);
	expect_invariants(w, live);
}

static void an_app_is_deleted_with_all_it_had(void **state)
{
	world *w = *state;
	ASK(w, app_delete, .name = SOT_STR("shop"));
	wait_done(w);
	expect_zero(w, "instances of a deleted app", "SELECT count(*) FROM scheduler.instance");
	expect_zero(w, "a deleted app", "SELECT count(*) FROM scheduler.app");
	expect_invariants(w, 0);
	ASK(w, app_scale, .name = SOT_STR("shop"), .count = 1);
	assert_int_equal(w->message, SOT_MSG_REFUSED);
	assert_int_equal(w->code, SOT_REFUSAL_NOT_FOUND);
}

/* ---- rules ---- */

static void behind_its_back(world *w, const char *sql)
{
	PGresult *res = PQexec(w->control, sql);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(w->control));
	PQclear(res);
}

/* An operation that waits for this is what comes after the refused batch: the rows were read again.
 */
static void expect_refused_batch_and_then_waiting_for(world *w, const char *what)
{
	char sql[300];
	int64_t epoch = control(w, "SELECT epoch FROM core.leader WHERE role = 'scheduler'");
	int64_t before = control(w, "SELECT count(*) FROM scheduler.instance WHERE host_id IS NOT NULL"
	                            " AND state <> 'retired'");
	ASK(w, app_scale, .name = SOT_STR("shop"), .count = 6);
	expect_accepted(w);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM scheduler.operation WHERE state = 'running' AND waits_for LIKE"
	    " '%%%s%%'",
	    what);
	wait_for(w, sql);
	assert_int_equal(
	    control(w, "SELECT epoch FROM core.leader WHERE role = 'scheduler'"), epoch + 1);
	assert_int_equal(control(w, "SELECT count(*) FROM scheduler.instance WHERE host_id IS NOT NULL"
	                            " AND state <> 'retired'"),
	    before);
}

static void cancel_and_shrink(world *w)
{
	ASK(w, operation_cancel, .operation_id = w->accepted.operation_id);
	scale(w, 2);
	expect_invariants(w, 2);
}

/* The planted bug: memory does not know what the rows say. The database refuses the batch, the
 * process throws its memory away, and then it knows. */
static void memory_that_is_wrong_gets_a_refused_batch_and_breaks_no_rule(void **state)
{
	world *w = *state;
	sot_placement rules = soft_spread;
	rules.spread_host.max_count = 9; /* some rule, so that there is a guard */
	scale(w, 2);
	ASK(w, app_update, .name = SOT_STR("shop"), .placement = rules);
	wait_done(w);
	behind_its_back(w, "UPDATE scheduler.app SET placement = jsonb_set(placement,"
	                   " '{spread,host,maxCount}', '1') WHERE name = 'shop'");
	expect_refused_batch_and_then_waiting_for(w, "spread over hosts");
	cancel_and_shrink(w);
	ASK(w, app_update, .name = SOT_STR("shop"), .placement = soft_spread);
	wait_done(w);
	behind_its_back(w, "UPDATE scheduler.host SET reserve_memory_bytes = memory_bytes");
	expect_refused_batch_and_then_waiting_for(w, "memory");
	cancel_and_shrink(w);
	ASK(w, host_class_set, .name = SOT_STR("default"), .cpu_overcommit_permille = 4000,
	    .memory_overcommit_permille = 1000, .disk_overcommit_permille = 1000);
	wait_done(w);
	scale(w, 3);
	expect_invariants(w, 3);
}

static void the_guard_counts_apart_and_exclusive_from_the_rows(void **state)
{
	world *w = *state;
	static const char *const plant[] = {"jsonb_set(placement, '{exclusive}', '\"app\"')",
	    "jsonb_set(placement, '{relations}', '[{\"kind\": \"apart\", \"app\": \"shop\","
	    " \"level\": \"az\", \"count\": 0}]')"};
	static const char *const waits[] = {"exclusive", "kept apart"};
	sot_placement rules = soft_spread;
	char sql[400];
	rules.spread_host.max_count = 9;
	scale(w, 2);
	ASK(w, app_create, .name = SOT_STR("other"), .image = SOT_STR("tomcat"),
	    .plan = SOT_STR("tiny"), .vlan = SOT_STR("default"), .health = no_check, .count = 2,
	    .placement = rules);
	wait_done(w);
	for (size_t k = 0; k < 2; k++) {
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE scheduler.app SET placement = %s WHERE name = 'other'", plant[k]);
		behind_its_back(w, sql);
		expect_refused_batch_and_then_waiting_for(w, waits[k]);
		ASK(w, operation_cancel, .operation_id = w->accepted.operation_id);
		ASK(w, app_update, .name = SOT_STR("other"), .placement = rules);
		wait_done(w);
		scale(w, 2);
	}
	ASK(w, app_delete, .name = SOT_STR("other"));
	wait_done(w);
	scale(w, 3);
	expect_invariants(w, 3);
}

static void a_host_under_load_gets_nothing_until_its_load_is_gone(void **state)
{
	world *w = *state;
	for (int k = 0; k < AGENTS; k++)
		w->agents[k].cpu_permille = 980;
	do { /* until a report has arrived: there is no other sign of it */
		scale(w, 3);
		ASK(w, app_scale, .name = SOT_STR("shop"), .count = 4);
		expect_accepted(w);
		wait_for(w,
		    "SELECT count(*) FROM scheduler.operation WHERE state = 'done' OR waits_for LIKE"
		    " '%2 under load%'");
		wait_for(w, "SELECT (count(*) = 0)::int FROM scheduler.operation WHERE state IN ('queued',"
		            " 'running') AND waits_for NOT LIKE '%2 under load%'");
	} while (control(w, "SELECT count(*) FROM scheduler.operation WHERE state = 'running'") == 0);
	for (int k = 0; k < AGENTS; k++)
		w->agents[k].cpu_permille = 10;
	wait_done(w);
	for (int k = 0; k < AGENTS; k++)
		w->agents[k].cpu_permille = 0;
	scale(w, 3);
	expect_invariants(w, 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_app_lives_on_two_hosts),
	    cmocka_unit_test(what_an_operation_begins_with_is_one_row_and_goes_with_it_but_for_why),
	    cmocka_unit_test(a_repeated_key_gives_the_same_operation),
	    cmocka_unit_test(a_version_rolls_out_and_an_instance_stops_and_starts),
	    cmocka_unit_test(many_are_restarted_in_one_operation_although_the_process_dies),
	    cmocka_unit_test(a_retry_is_a_new_operation_that_keeps_its_link_and_its_targets),
	    cmocka_unit_test(a_slow_database_refuses_what_it_cannot_take_and_answers_everybody),
	    cmocka_unit_test(memory_that_is_wrong_gets_a_refused_batch_and_breaks_no_rule),
	    cmocka_unit_test(the_guard_counts_apart_and_exclusive_from_the_rows),
	    cmocka_unit_test(a_host_under_load_gets_nothing_until_its_load_is_gone),
	    cmocka_unit_test(a_crash_at_every_failpoint_loses_nothing),
	    cmocka_unit_test(a_fault_in_the_database_costs_an_epoch_and_no_data),
	    cmocka_unit_test(what_memory_gets_wrong_is_refused_told_and_read_anew),
	    cmocka_unit_test(a_batch_that_a_stopped_leader_left_open_does_not_hold_up_the_next),
	    cmocka_unit_test(rules_change_the_count_and_outlast_the_process),
	    cmocka_unit_test(rules_are_carried_out_by_the_next_leader),
	    cmocka_unit_test(an_app_is_deleted_with_all_it_had),
	};

	if (argc > 1)
		binary = argv[1];
	return cmocka_run_group_tests(tests, setup, teardown);
}
