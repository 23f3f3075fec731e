/* torture_ipam - allocate, bind, release, on two processes at once that should be one, while they
 * and PostgreSQL are killed with -9 every few seconds. At no time do two owners hold one address or
 * does one come back before it has cooled; at the end the rows are what the clients believe.
 *
 *   torture_ipam BINARY CHANGES SECONDS      (inside tests/pg.sh run; SOT_SEED=n)
 *
 * It ends when as many changes are done, or after the time. What it did is printed.
 */
#include "sot_parse.h"
#include "sot_rand.h"
#include "torture_ledger.h"
#include "torture_postgres.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	SLOTS = 192,   /* that do one thing at a time */
	KEPT_MAX = 12, /* instances of a slot */
	CLIENTS = 8,   /* of each server */
	KILL_EVERY_MS = 2500,
	REST_MS = 40, /* after a refusal */
	FLOOR_MS = 130000,
	LAST_WORDS_S = 120, /* for what is under way at the end */
};
static uint64_t changes_wanted = 30000, seconds_wanted = 20;

/* An instance with the addresses it holds. */
typedef struct instance {
	uint32_t owner;
	bool is_bound;
	ipam_grant grants[2];
	size_t count;
} instance;

typedef enum action { RESTING, ACQUIRING, BINDING, RELEASING } action;

typedef struct slot {
	action doing;
	ipam_call calls[2]; /* the same acquire may be asked of both servers */
	size_t call_count;
	instance kept[KEPT_MAX];
	size_t kept_count, at; /* `at`: the one that is worked on */
	uint32_t next_owner;
	sot_mono not_before;
} slot;

typedef struct torture {
	ipam_world *w;
	ledger *ledger;
	slot *slots;
	sot_rand rand;
	sot_mono began, next_kill;
	uint64_t changes, refused, kills_ipam, kills_postgres, both_asked;
	bool is_ending;
} torture;

/* ---- killing ---- */

static void kill_postgres(torture *t)
{
	pid_t pid = postgres_some_process(&t->rand);
	t->kills_postgres += pid > 1 && kill(pid, SIGKILL) == 0;
}

static void kill_somebody(torture *t)
{
	uint64_t which = sot_rand_below(&t->rand, 3);
	if (which == 2) {
		kill_postgres(t);
	} else {
		(void)ipam_end(t->w, (int)which, SIGKILL);
		ipam_start(t->w, (int)which, "", "--lease_s=86400");
		t->kills_ipam++;
	}
	t->next_kill = sot_mono_add_ms(
	    sot_mono_now(), KILL_EVERY_MS / 2 + (int64_t)sot_rand_below(&t->rand, KILL_EVERY_MS));
}

/* ---- asking ---- */

static int some_server(torture *t)
{
	return (int)sot_rand_below(&t->rand, IPAM_SERVERS);
}

static size_t some_client(torture *t)
{
	return (size_t)sot_rand_below(&t->rand, CLIENTS);
}

static void ask_for_one(torture *t, slot *s)
{
	sot_address_want want = {.owner = ipam_owner(s->kept[s->at].owner), .vlan = SOT_STR("lab")};
	bool both = sot_rand_below(&t->rand, 20) == 0;
	int server = some_server(t);
	s->doing = ACQUIRING;
	s->call_count = both ? 2 : 1;
	t->both_asked += both;
	for (size_t i = 0; i < s->call_count; i++)
		ipam_send_wants(
		    t->w, (server + (int)i) % IPAM_SERVERS, some_client(t), &want, 1, &s->calls[i]);
}

static size_t refs_of(const instance *in, sot_address_ref refs[static 2])
{
	for (size_t i = 0; i < in->count; i++)
		refs[i] = (sot_address_ref){.owner = ipam_owner(in->owner),
		    .address = in->grants[i].address,
		    .generation = in->grants[i].generation};
	return in->count;
}

static void give_back(torture *t, slot *s)
{
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_ref refs[2];
	sot_addresses_release m = {.request_id = bus_next_request_id(t->w->bus),
	    .actor = SOT_STR("user:torture"),
	    .refs = refs,
	    .refs_count = refs_of(&s->kept[s->at], refs)};
	assert_int_equal(sot_addresses_release_encode(&m, &frame, NULL), SOT_OK);
	s->doing = RELEASING;
	s->call_count = 1;
	ipam_send(t->w, some_server(t), some_client(t), m.request_id, &frame, &s->calls[0]);
}

static void use_it(torture *t, slot *s)
{
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_ref refs[2];
	sot_addresses_bind m = {.request_id = bus_next_request_id(t->w->bus),
	    .actor = SOT_STR("user:torture"),
	    .refs = refs,
	    .refs_count = refs_of(&s->kept[s->at], refs)};
	for (size_t i = 0; i < m.refs_count; i++)
		refs[i].host = ipam_owner(UINT32_MAX);
	assert_int_equal(sot_addresses_bind_encode(&m, &frame, NULL), SOT_OK);
	s->doing = BINDING;
	s->call_count = 1;
	ipam_send(t->w, some_server(t), some_client(t), m.request_id, &frame, &s->calls[0]);
}

static void begin_release(torture *t, slot *s)
{
	const instance *in = &s->kept[s->at];
	for (size_t i = 0; i < in->count; i++)
		ledger_releasing(t->ledger, &in->grants[i], sot_mono_now());
	give_back(t, s);
}

static void begin_something(torture *t, slot *s)
{
	uint64_t choice = sot_rand_below(&t->rand, KEPT_MAX);
	if (t->is_ending || !sot_mono_reached(sot_mono_now(), s->not_before))
		return;
	if (choice >= s->kept_count && s->kept_count < KEPT_MAX) {
		s->at = s->kept_count++;
		s->kept[s->at] = (instance){.owner = s->next_owner};
		s->next_owner += SLOTS;
		ask_for_one(t, s);
		return;
	}
	s->at = (size_t)sot_rand_below(&t->rand, s->kept_count);
	if (!s->kept[s->at].is_bound && sot_rand_below(&t->rand, 2) == 0)
		use_it(t, s);
	else
		begin_release(t, s);
}

/* ---- answers ---- */

/* A refusal that says "try again", or no answer at all: nothing is known, it is asked again. */
static bool is_again(torture *t, const ipam_call *c)
{
	if (c->code != SOT_OK)
		return true;
	if (c->message != SOT_MSG_REFUSED)
		return false;
	if (c->refusal != SOT_REFUSAL_UNAVAILABLE)
		fail_msg("refused: %s", c->text);
	t->refused++;
	return true;
}

static void take_grants(torture *t, slot *s, const ipam_call *c)
{
	instance *in = &s->kept[s->at];
	assert_int_equal(c->grants, 2);
	for (size_t i = 0; i < c->grants; i++) {
		ledger_granted(t->ledger, in->owner, &c->kept[i], sot_mono_now());
		/* Both servers say the same, and so does the one that is asked again. */
		if (in->count == 2)
			assert_true(sot_ip_eq(in->grants[i].address, c->kept[i].address));
		in->grants[i] = c->kept[i];
	}
	in->count = c->grants;
}

static void forget_instance(slot *s)
{
	s->kept[s->at] = s->kept[--s->kept_count];
}

static void finish(torture *t, slot *s)
{
	bool again = false;
	for (size_t i = 0; i < s->call_count; i++) {
		bool failed = is_again(t, &s->calls[i]);
		again |= failed;
		if (!failed && s->doing == ACQUIRING)
			take_grants(t, s, &s->calls[i]);
	}
	if (again) {
		s->not_before = sot_mono_add_ms(sot_mono_now(), REST_MS);
		s->call_count = 0; /* asked again when the rest is over */
		return;
	}
	if (s->doing == BINDING) {
		assert_int_equal(s->calls[0].changed, s->kept[s->at].count);
		s->kept[s->at].is_bound = true;
	} else if (s->doing == RELEASING) {
		forget_instance(s);
	}
	s->doing = RESTING;
	t->changes++;
}

static void ask_again(torture *t, slot *s)
{
	if (!sot_mono_reached(sot_mono_now(), s->not_before))
		return;
	if (s->doing == ACQUIRING)
		ask_for_one(t, s);
	else if (s->doing == BINDING)
		use_it(t, s);
	else
		give_back(t, s);
}

/* True while something is under way. */
static bool work(torture *t)
{
	bool is_busy = false;
	for (size_t i = 0; i < SLOTS; i++) {
		slot *s = &t->slots[i];
		if (s->doing == RESTING) {
			begin_something(t, s);
		} else if (s->call_count == 0) {
			ask_again(t, s);
		} else if (s->calls[0].done && (s->call_count == 1 || s->calls[1].done)) {
			finish(t, s);
			if (s->doing == RESTING)
				begin_something(t, s);
		}
		is_busy |= s->doing != RESTING;
	}
	return is_busy;
}

/* ---- the run ---- */

static void make_vlan(ipam_world *w)
{
	(void)ipam_sql(w, "INSERT INTO ipam.vlan (id, name, vlan_id)"
	                  " VALUES ('00000000-0000-7000-8000-000000000007', 'lab', 7)");
	(void)ipam_sql(w, "INSERT INTO ipam.subnet (id, vlan, cidr, gateway, first, last) VALUES"
	                  " ('00000000-0000-7000-8000-000000000008',"
	                  " '00000000-0000-7000-8000-000000000007', '10.64.0.0/11', '10.64.0.1',"
	                  " '10.64.0.2', '10.95.255.254'),"
	                  " ('00000000-0000-7000-8000-000000000009',"
	                  " '00000000-0000-7000-8000-000000000007', '2001:db8::/64', '2001:db8::1',"
	                  " '2001:db8::2', '2001:db8::ffff:ffff:ffff:ffff')");
}

static void start(torture *t, ipam_world *w)
{
	const char *seed_text = getenv("SOT_SEED");
	uint64_t seed = 1;
	if (seed_text)
		assert_int_equal(sot_parse_u64(sot_str_c(seed_text), 0, UINT64_MAX, &seed, NULL), SOT_OK);
	sot_rand_seed(&t->rand, seed);
	t->w = w;
	postgres_remember();
	t->ledger = ledger_new(FLOOR_MS);
	t->slots = sot_alloc_array(SLOTS, sizeof(*t->slots));
	for (uint32_t i = 0; i < SLOTS; i++)
		t->slots[i].next_owner = 1 + i;
	make_vlan(w);
	for (int server = 0; server < IPAM_SERVERS; server++)
		ipam_start(w, server, "", "--lease_s=86400");
	ipam_connect(w, CLIENTS);
	t->began = sot_mono_now();
	t->next_kill = sot_mono_add_ms(t->began, KILL_EVERY_MS);
}

static void run(torture *t)
{
	sot_mono end = sot_mono_add_ms(t->began, (int64_t)seconds_wanted * 1000);
	while (t->changes < changes_wanted && !sot_mono_reached(sot_mono_now(), end)) {
		(void)work(t);
		if (sot_mono_reached(sot_mono_now(), t->next_kill))
			kill_somebody(t);
		postgres_keep_alive();
		reactor_turn(t->w->loop, 10);
	}
	/* What is under way ends, without more deaths. */
	t->is_ending = true;
	end = sot_mono_add_ms(sot_mono_now(), (int64_t)LAST_WORDS_S * 1000);
	while (work(t) && !sot_mono_reached(sot_mono_now(), end)) {
		postgres_keep_alive();
		reactor_turn(t->w->loop, 10);
	}
	assert_false(work(t));
}

static void report(const torture *t, size_t leaked, size_t missing)
{
	double seconds = (double)sot_mono_diff_ms(sot_mono_now(), t->began) / 1000;
	print_message("torture: %llu changes in %.0f s (%.0f/s), %zu holdings of %zu addresses; killed "
	              "with -9: ipam %llu times, PostgreSQL %llu times; %llu asked of both processes; "
	              "%llu refused for a while; %zu held at the end\n",
	    (unsigned long long)t->changes, seconds, (double)t->changes / seconds,
	    ledger_granted_count(t->ledger), ledger_addresses(t->ledger),
	    (unsigned long long)t->kills_ipam, (unsigned long long)t->kills_postgres,
	    (unsigned long long)t->both_asked, (unsigned long long)t->refused, ledger_held(t->ledger));
	print_message("torture: 0 duplicates, %zu leaked rows, %zu lost holdings\n", leaked, missing);
}

static void no_address_twice_and_none_lost_whoever_is_killed(void **state)
{
	torture t = {.changes = 0};
	size_t missing = 0;
	start(&t, *state);
	run(&t);
	PGconn *pg = postgres_connect(t.w->loop);
	size_t leaked = ledger_compare(t.ledger, pg, &missing);
	report(&t, leaked, missing);
	/* Every change of a row is in the history. */
	int64_t rows =
	    pg_control(pg, "SELECT count(*) FROM ipam.address WHERE state IN ('reserved', 'bound')");
	assert_int_equal(
	    pg_control(pg, "SELECT count(*) FILTER (WHERE event = 'reserved') - count(*) FILTER"
	                   " (WHERE event IN ('released', 'expired')) FROM ipam.address_event"),
	    rows);
	PQfinish(pg);
	assert_int_equal(leaked, 0);
	assert_int_equal(missing, 0);
	assert_true(t.kills_ipam > 0 && t.changes > 0);
	ledger_free(t.ledger);
	free(t.slots);
}

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	if (argc != 4 ||
	    sot_parse_u64(sot_str_c(argv[2]), 1, UINT64_MAX, &changes_wanted, NULL) != SOT_OK ||
	    sot_parse_u64(sot_str_c(argv[3]), 1, 86400, &seconds_wanted, NULL) != SOT_OK) {
		(void)fprintf(stderr, "usage: torture_ipam BINARY CHANGES SECONDS\n");
		return 64;
	}
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(no_address_twice_and_none_lost_whoever_is_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
