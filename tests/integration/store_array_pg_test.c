/* store_array_pg_test - array parameters of libs/store as a real PostgreSQL (tests/pg.sh) reads
 * them. */
#include "pg_control.h"
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const store_statement statements[] = {
    {"arrays",
        "SELECT concat_ws(' ', $1::uuid[], $2::int2[], $3::int4[], $4::int8[], $5::inet[], "
        "$6::macaddr[],"
        " $7::bool[], $8::cidr[], $9::float8[], $10::uuid[]) AS text",
        10, 1, (const char *const[]){"text text"}},
};

typedef struct world {
	reactor *loop;
	store *store;
} world;

static void on_up(void *self, bool up, const sot_err *why)
{
	(void)self;
	if (!up && why && why->code == SOT_INVALID)
		fail_msg("%s", why->text);
}

static int setup(void **state)
{
	PGconn *pg = pg_control_open();
	if (!pg)
		return -1;
	PQfinish(pg);
	world *w = sot_alloc(sizeof(*w));
	sot_err err = {0};
	char conninfo[256];
	(void)snprintf(
	    conninfo, sizeof(conninfo), "host=%s dbname=sotalia user=sot_ipam", getenv("SOT_PG_DIR"));
	const store_options options = {.conninfo = conninfo,
	    .service = "test",
	    .statements = statements,
	    .statement_count = 1,
	    .connections = 1};
	if (reactor_new(&w->loop, &err) != SOT_OK ||
	    store_new(w->loop, &options, on_up, w, &w->store, &err) != SOT_OK)
		fail_msg("%s", err.text);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world *w = *state;
	store_free(w->store);
	reactor_free(w->loop);
	free(w);
	return 0;
}

typedef struct echo {
	bool done;
	sot_code code;
	char sqlstate[6], why[SOT_ERR_TEXT_MAX], text[800];
} echo;

static void on_echo(void *self, const store_result *res)
{
	echo *got = self;
	(void)snprintf(got->text, sizeof(got->text), "%.*s", SOT_ARG(store_text(res, 0, 0)));
}

static void on_done(void *self, const store_outcome *outcome)
{
	echo *got = self;
	got->done = true;
	got->code = outcome->code;
	(void)snprintf(got->sqlstate, sizeof(got->sqlstate), "%s", outcome->sqlstate);
	(void)snprintf(got->why, sizeof(got->why), "%s", outcome->why ? outcome->why->text : "");
}

static sot_ip ip_of(const char *text)
{
	sot_ip ip = {0};
	assert_int_equal(sot_ip_parse(sot_str_c(text), &ip, NULL), SOT_OK);
	return ip;
}

/* One array of numbers: of each a least, a greatest, and NULL. */
static void add_numbers(store_tx *tx, int64_t least, int64_t greatest)
{
	store_arg_array_begin(tx);
	store_item_i64(tx, least);
	store_item_null(tx);
	store_item_i64(tx, greatest);
	store_arg_array_end(tx);
}

static void add_empty(store_tx *tx)
{
	store_arg_array_begin(tx);
	store_arg_array_end(tx);
}

/* The last three have types that go as text: nobody gives their items in another way. */
static void add_all_types(store_tx *tx, int64_t greatest_int2)
{
	static const sot_uuid id = {{1, 2, 3, 0xff, [15] = 0xab}};
	static const uint8_t mac[6] = {2, 10, 0, 0xff, 1, 2};
	store_arg_array_begin(tx);
	store_item_uuid(tx, id);
	store_item_null(tx);
	store_arg_array_end(tx);
	add_numbers(tx, INT16_MIN, greatest_int2);
	add_numbers(tx, INT32_MIN, INT32_MAX);
	add_numbers(tx, INT64_MIN, INT64_MAX);
	store_arg_array_begin(tx);
	store_item_ip(tx, ip_of("10.66.255.1"));
	store_item_ip(tx, (sot_ip){0});
	store_item_ip(tx, ip_of("2001:db8::ff"));
	store_item_ipv4(tx, 0xc0a80001u);
	store_arg_array_end(tx);
	store_arg_array_begin(tx);
	store_item_mac(tx, mac);
	store_item_null(tx);
	store_arg_array_end(tx);
	add_empty(tx);
	store_arg_array_begin(tx);
	store_item_ip(tx, ip_of("10.0.0.0"));
	store_item_null(tx);
	store_arg_array_end(tx);
	add_numbers(tx, -1, 7);
	store_arg_array_begin(tx);
	store_item_str(tx, SOT_STR("01020304-0000-0000-0000-000000000000"));
	store_item_uuid(tx, id);
	store_arg_array_end(tx);
}

static echo send_all_types(world *w, int64_t greatest_int2)
{
	echo got = {0};
	sot_err err = {0};
	store_tx *tx = store_begin_read(w->store);
	store_query(tx, 0, on_echo, &got);
	add_all_types(tx, greatest_int2);
	if (store_commit(&tx, on_done, &got, &err) != SOT_OK)
		fail_msg("%s", err.text);
	TURN_UNTIL(w->loop, got.done);
	return got;
}

static void items_of_every_type_arrive_as_they_are(void **state)
{
	echo got = send_all_types(*state, INT16_MAX);
	assert_string_equal(got.why, "");
	assert_string_equal(got.text,
	    "{010203ff-0000-0000-0000-0000000000ab,NULL} {-32768,NULL,32767} "
	    "{-2147483648,NULL,2147483647} {-9223372036854775808,NULL,9223372036854775807} "
	    "{10.66.255.1,NULL,2001:db8::ff,192.168.0.1} {02:0a:00:ff:01:02,NULL} {} "
	    "{10.0.0.0/32,NULL} "
	    "{-1,NULL,7} {01020304-0000-0000-0000-000000000000,010203ff-0000-0000-0000-0000000000ab}");
}

static void a_number_that_its_type_cannot_hold_is_refused_by_the_database(void **state)
{
	echo got = send_all_types(*state, INT16_MAX + 1);
	assert_int_equal(got.code, SOT_INVALID);
	assert_string_equal(got.sqlstate, "22003");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(items_of_every_type_arrive_as_they_are, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_number_that_its_type_cannot_hold_is_refused_by_the_database, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
