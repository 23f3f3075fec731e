/* ipam_restore_pg_test - an older copy of the database is put back: no address that is in use is
 * given out or freed, and what was freed meanwhile is found. Argument: the binary.
 */
#include "ipam_hosts.h"
#include "sot_file.h"
#include "sot_parse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* On another database of the server: this one may have no other connection then. */
static void move_databases(ipam_rig *rig, const char *const *sql, size_t count)
{
	char text[300];
	PQfinish(rig->w->control);
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=postgres user=postgres", getenv("SOT_PG_DIR"));
	PGconn *pg = PQconnectdb(text);
	for (size_t i = 0; i < count; i++)
		(void)pg_control(pg, sql[i]);
	PQfinish(pg);
	rig->w->control = pg_control_open();
	assert_non_null(rig->w->control);
	(void)ipam_sql(rig->w, "SET session_replication_role = replica");
}

static void copy_database(ipam_rig *rig)
{
	static const char *const sql[] = {"DROP DATABASE IF EXISTS older",
	    "CREATE DATABASE older TEMPLATE sotalia OWNER sot_migrator"};
	move_databases(rig, sql, 2);
}

static void put_back_the_copy(ipam_rig *rig)
{
	static const char *const sql[] = {
	    "DROP DATABASE sotalia", "ALTER DATABASE older RENAME TO sotalia"};
	move_databases(rig, sql, 2);
}

/* Owner n has 10.66.0.(n + 10), bound to the host; the scheduler knows it when `is_known`. */
static ipam_grant live(ipam_rig *rig, uint32_t n, ipam_host *h, bool is_known)
{
	ipam_call c = ipam_acquire(rig->w, n, 1);
	assert_string_equal(c.text, "");
	ipam_call bound = ipam_bind(rig->w, n, &c.grant, 1000000 + (uint32_t)(h - rig->hosts));
	assert_int_equal(bound.changed, 1);
	if (is_known)
		ipam_instance(rig, n, h);
	return c.grant;
}

static void host_uses(ipam_host *h, sot_ip address, uint32_t owner)
{
	ipam_uses_for(h, 0, owner);
	h->used[h->used_count - 1].address = address;
}

static bool is_used(const ipam_rig *rig, sot_ip address)
{
	for (size_t i = 0; i < HOSTS; i++) {
		for (size_t k = 0; k < rig->hosts[i].used_count; k++) {
			if (sot_ip_eq(rig->hosts[i].used[k].address, address))
				return true;
		}
	}
	return false;
}

static void assert_quarantined(ipam_rig *rig, const char *reason)
{
	TURN_UNTIL(rig->w->loop,
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.guard WHERE quarantine_since IS NOT NULL") ==
	        1);
	ipam_call c = ipam_acquire(rig->w, 500, 1);
	assert_int_equal(c.refusal, SOT_REFUSAL_UNAVAILABLE);
	assert_non_null(strstr(c.text, reason));
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'ipam.quarantine'"), 1);
}

static void await_end_of_quarantine(ipam_rig *rig)
{
	TURN_UNTIL(rig->w->loop,
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.guard WHERE quarantine_since IS NULL") == 1);
	ipam_call c;
	do {
		c = ipam_acquire(rig->w, 500, 1);
	} while (c.refusal == SOT_REFUSAL_UNAVAILABLE && c.message == SOT_MSG_REFUSED);
	assert_int_equal(c.message, SOT_MSG_ADDRESSES_GRANTED);
	assert_false(is_used(rig, c.grant.address));
}

/* The event id that the witness on disk has; 0: none yet. */
static uint64_t witnessed(const ipam_rig *rig)
{
	char path[120];
	uint64_t id = 0;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 200);
	(void)snprintf(path, sizeof(path), "%s/state/witness", rig->w->dir);
	if (access(path, F_OK) != 0)
		return 0;
	assert_int_equal(sot_file_read(path, &text, NULL), SOT_OK);
	const char *last = strrchr(text.p, ' ');
	assert_non_null(last);
	sot_str rest;
	assert_int_equal(
	    sot_parse_u64(sot_str_cut(sot_str_c(last + 1), '\n', &rest), 0, UINT64_MAX, &id, NULL),
	    SOT_OK);
	return id;
}

/* The witness has only seen what is on the disk: reservations of a leader are seen sooner. */
static void a_killed_database_is_not_taken_for_an_older_one(void **state)
{
	ipam_rig *rig = *state;
	ipam_world *w = rig->w;
	char option[120];
	(void)snprintf(option, sizeof(option), "--state_dir=%s/state", w->dir);
	ipam_make_lab(w, 20);
	(void)ipam_sql(w, "ALTER SYSTEM SET wal_writer_delay = '10s'");
	(void)ipam_sql(w, "SELECT pg_reload_conf()");
	ipam_rig_start(rig, option);
	w->epoch = 5;
	assert_int_equal(ipam_fence(w, 0, 5).message, SOT_MSG_ADDRESSES_DONE);
	assert_int_equal(ipam_acquire(w, 1, 3).grants, 3);
	uint64_t newest = (uint64_t)ipam_sql(w, "SELECT max(id) FROM core.outbox");
	TURN_UNTIL(w->loop, witnessed(rig) >= newest);
	w->control = pg_control_kill(w->control, w->loop);
	ipam_call c;
	TURN_UNTIL(w->loop, (c = ipam_acquire(w, 1, 3), c.message == SOT_MSG_ADDRESSES_GRANTED));
	assert_true((uint64_t)ipam_sql(w, "SELECT max(id) FROM core.outbox") >= newest);
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM ipam.guard WHERE quarantine_since IS NOT NULL"), 0);
	(void)ipam_sql(w, "ALTER SYSTEM RESET wal_writer_delay");
	(void)ipam_sql(w, "SELECT pg_reload_conf()");
}

/* Everything that is left is asked for: nothing in use comes. */
static void take_all(ipam_rig *rig, uint32_t first, size_t *ret_taken)
{
	*ret_taken = 0;
	for (uint32_t n = first;; n++) {
		ipam_call c = ipam_acquire(rig->w, n, 1);
		if (c.message == SOT_MSG_REFUSED) {
			assert_int_equal(c.refusal, SOT_REFUSAL_BLOCKED);
			return;
		}
		assert_false(is_used(rig, c.grant.address));
		++*ret_taken;
	}
}

static void an_older_copy_gives_nothing_out_that_is_in_use(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0], *other = &rig->hosts[1];
	char option[120];
	ipam_grant grants[20];
	(void)snprintf(option, sizeof(option), "--state_dir=%s/state", rig->w->dir);
	ipam_make_lab(rig->w, 20);
	ipam_rig_start(rig, option);
	for (uint32_t n = 1; n <= 6; n++)
		grants[n] = live(rig, n, n % 2 ? h : other, n != 6);
	assert_int_equal(ipam_end(rig->w, 0, SIGTERM), 0);
	copy_database(rig);

	/* Life goes on: 7 to 9 come, 5 and 6 go. */
	ipam_rig_start(rig, option);
	for (uint32_t n = 7; n <= 9; n++)
		grants[n] = live(rig, n, h, true);
	for (uint32_t n = 5; n <= 6; n++)
		assert_int_equal(ipam_release(rig->w, n, &grants[n]).changed, 1);
	for (uint32_t n = 1; n <= 9; n++) {
		if (n != 5 && n != 6)
			host_uses(n % 2 || n > 6 ? h : other, grants[n].address, n);
	}
	uint64_t newest = (uint64_t)ipam_sql(rig->w, "SELECT max(id) FROM core.outbox");
	TURN_UNTIL(rig->w->loop, witnessed(rig) >= newest);
	assert_int_equal(ipam_end(rig->w, 0, SIGTERM), 0);
	put_back_the_copy(rig);

	(void)setenv("SOT_IPAM_LEAK_INTERVAL_S", "1", 1);
	ipam_rig_start(rig, option);
	assert_quarantined(rig, "the database is older than it was");
	ipam_call refused = ipam_release(rig->w, 1, &grants[1]);
	assert_int_equal(refused.refusal, SOT_REFUSAL_UNAVAILABLE);
	sot_address_fix fix = {.context = ipam_context("fix", "fix"),
	    .vlan = SOT_STR("lab"),
	    .owner = SOT_STR("printer"),
	    .reason = SOT_STR("a printer")};
	assert_int_equal(
	    ipam_ask(rig->w, &sot_address_fix_type, &fix).refusal, SOT_REFUSAL_UNAVAILABLE);
	(void)ipam_report(h);
	/* Who is awaited is read after the report is acknowledged. */
	TURN_UNTIL(
	    rig->w->loop, strstr(ipam_acquire(rig->w, 500, 1).text, "Awaited: 1 host, as h2") != NULL);
	(void)ipam_report(other);
	await_end_of_quarantine(rig);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.address WHERE state = 'suspect'"), 3);
	assert_int_equal(ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = "
	                                  "'address.foreign'"),
	    3);
	/* 500 has one, 1 to 6 have rows, 7 to 9 are suspect: ten of twenty are left. */
	size_t taken = 0;
	take_all(rig, 600, &taken);
	assert_int_equal(taken, 10);
	(void)ipam_sql(rig->w, "UPDATE ipam.address SET lease_until = now() + interval '1 hour'"
	                       " WHERE state = 'reserved'");
	/* 6 was released after the copy, and nobody knows its instance: it is found. 1 to 4 stay. */
	do {
		for (size_t i = 0; i < HOSTS; i++) {
			ipam_host *host = &rig->hosts[i];
			const ipam_reply *r = ipam_report(host);
			for (size_t k = 0; k < r->probes_count; k++)
				host->probes[host->probes_count++] = (sot_probe_result){
				    .address = r->probes[k].address, .vlan_id = r->probes[k].vlan_id, .done = true};
		}
		reactor_turn(rig->w->loop, 50);
	} while (
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.address_event WHERE event = 'leaked'") < 1);
	(void)unsetenv("SOT_IPAM_LEAK_INTERVAL_S");
	assert_int_equal(
	    ipam_sqlf(rig->w,
	        "SELECT count(*) FROM ipam.address_event WHERE event = 'leaked' AND owner = "
	        "'01900000-0000-0000-0000-000006000000'"),
	    1);
	/* 5 is still known to the scheduler of the copy: it is missing, and not freed. */
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'address.missing'"), 1);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.address WHERE state = 'bound'"), 5);
}

static void a_host_that_obeyed_a_later_epoch_tells_of_a_restore(void **state)
{
	ipam_rig *rig = *state;
	ipam_host *h = &rig->hosts[0], *other = &rig->hosts[1];
	ipam_make_lab(rig->w, 2);
	(void)ipam_sql(rig->w, "DELETE FROM core.leader");
	(void)ipam_sql(rig->w, "INSERT INTO core.leader VALUES ('scheduler', 4, 's', now())");
	h->epoch = other->epoch = 4;
	ipam_rig_start(rig, NULL);
	assert_int_equal(ipam_report(h)->next_report_ms, 60000);
	assert_int_equal(ipam_acquire(rig->w, 1, 1).message, SOT_MSG_ADDRESSES_GRANTED);
	h->epoch = 5;
	ipam_uses_for(h, 12, 77);
	assert_int_equal(ipam_report(h)->next_report_ms, 10000); /* all are asked to report soon */
	assert_quarantined(rig, "a host has obeyed epoch 5, and the database knows only 4");
	(void)ipam_report(h);
	(void)ipam_report(other);
	TURN_UNTIL(rig->w->loop,
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.guard WHERE quarantine_since IS NULL") == 1);
	/* It has been looked at: the same epoch is no news any more. */
	(void)ipam_report(h);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.guard WHERE quarantine_since IS NULL"), 1);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM ipam.address WHERE state = 'suspect'"), 1);
}

static ipam_call end_quarantine(ipam_rig *rig, const char *key)
{
	sot_quarantine_end m = {
	    .context = ipam_context(key, "end"), .reason = SOT_STR("h2 burned down")};
	return ipam_ask(rig->w, &sot_quarantine_end_type, &m);
}

static void a_new_stream_begins_a_quarantine_that_an_operator_can_end(void **state)
{
	ipam_rig *rig = *state;
	ipam_make_lab(rig->w, 5);
	(void)ipam_sql(rig->w, "UPDATE core.platform SET stream = gen_random_uuid()");
	/* Who dies before it is written down leaves the evidence to the next. */
	ipam_start(rig->w, 0, "ipam.quarantine.before_engage=crash", NULL);
	assert_int_equal(ipam_end(rig->w, 0, 0) & 0x7f, SIGKILL);
	ipam_rig_start(rig, NULL);
	assert_quarantined(rig, "the database was restored");
	/* It outlives the process. */
	assert_int_equal(ipam_end(rig->w, 0, SIGKILL) & 0x7f, SIGKILL);
	ipam_rig_start(rig, NULL);
	assert_quarantined(rig, "the database was restored");
	(void)ipam_report(&rig->hosts[0]);
	assert_int_equal(end_quarantine(rig, "k1").message, SOT_MSG_ACCEPTED);
	await_end_of_quarantine(rig);
	assert_true(end_quarantine(rig, "k1").replayed);
	assert_int_equal(end_quarantine(rig, "k2").refusal, SOT_REFUSAL_CONFLICT);
	assert_int_equal(
	    ipam_sql(rig->w, "SELECT count(*) FROM core.outbox WHERE kind = 'ipam.quarantine'"
	                     " AND data->>'reason' = 'h2 burned down'"
	                     " AND data->>'waitingFor' = '1'"),
	    1);
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, ipam_rig_setup, ipam_rig_teardown)

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    RIG_TEST(an_older_copy_gives_nothing_out_that_is_in_use),
	    RIG_TEST(a_killed_database_is_not_taken_for_an_older_one),
	    RIG_TEST(a_host_that_obeyed_a_later_epoch_tells_of_a_restore),
	    RIG_TEST(a_new_stream_begins_a_quarantine_that_an_operator_can_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
