/* storm_connect - how long N hosts need to come back at once.
 *
 * One server, N clients with N CURVE keys of their own, each on a socket and a connection of its
 * own, all in this process on loopback. Measured: until every client's handshake is done, until
 * every one has had one request answered, the CPU time of that, and the longest turn of the loop.
 *   bench_storm_connect [--clients=N]       default 1000, at most 1000; some 20 N descriptors and
 * 2 N threads are needed
 */
#include "bench.h"
#include "bus.h"
#include "sot_metrics.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { DEADLINE_MS = 120000 };

typedef struct storm {
	reactor *r;
	bus *server_bus;
	bus_server *server;
	bus_keypair server_keys;
	bus **buses;
	uint64_t clients, up, answered, failed;
} storm;

typedef struct storm_times {
	int64_t set_up_ms, all_up_ms, all_answered_ms, cpu_ms, longest_turn_ms;
} storm_times;

static void on_request(void *self, const bus_peer *from, sot_str frame)
{
	storm *s = self;
	(void)bus_send(s->server, from, frame, NULL);
}

static void on_up(void *self, bool up)
{
	storm *s = self;
	s->up += up ? 1 : UINT64_MAX;
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	(void)frame;
	storm *s = self;
	if (code == SOT_OK)
		s->answered++;
	else if (s->failed++ == 0)
		fprintf(stderr, "storm_connect: %s\n", why->text);
}

static int64_t cpu_ms(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static sot_code send_first_request(storm *s, bus *b, bus_client *c, sot_err *err)
{
	char frame[12] = {(char)0x93, 1, 3, (char)0xcf};
	uint64_t id = bus_next_request_id(b);
	for (int i = 0; i < 8; i++)
		frame[4 + i] = (char)(id >> (56 - 8 * i));
	return bus_request(c, id, (sot_str){frame, sizeof(frame)}, DEADLINE_MS, on_reply, s, err);
}

/* A key belongs to a bus, so each client has a bus: a context and an I/O thread of its own. */
static sot_code add_client(storm *s, uint64_t i, sot_err *err)
{
	bus_keypair keys;
	char identity[BUS_IDENTITY_MAX];
	snprintf(identity, sizeof(identity), "host:%" PRIu64, i);
	sot_code code = bus_keypair_make(&keys, err);
	if (code != SOT_OK)
		return code;
	bus_allow(s->server_bus, keys.public_key, identity);
	code = bus_new(s->r, &keys, &s->buses[i], err);
	bus_client *c = NULL;
	if (code == SOT_OK)
		code = bus_connect(s->buses[i], "storm", bus_server_endpoint(s->server),
		    s->server_keys.public_key, NULL, on_up, s, &c, err);
	return code == SOT_OK ? send_first_request(s, s->buses[i], c, err) : code;
}

static sot_code run(storm *s, storm_times *ret, sot_err *err)
{
	sot_code code = reactor_new(&s->r, err);
	if (code == SOT_OK)
		code = bus_keypair_make(&s->server_keys, err);
	if (code == SOT_OK)
		code = bus_new(s->r, &s->server_keys, &s->server_bus, err);
	if (code == SOT_OK)
		code = bus_listen(
		    s->server_bus, "server", "tcp://127.0.0.1:*", on_request, s, &s->server, err);
	sot_mono begun = sot_mono_now();
	int64_t cpu_begun_ms = cpu_ms(), up_ms = 0, longest_turn_ms = 0;
	for (uint64_t i = 0; code == SOT_OK && i < s->clients; i++)
		code = add_client(s, i, err);
	int64_t set_up_ms = sot_mono_diff_ms(sot_mono_now(), begun);
	while (code == SOT_OK && s->answered + s->failed < s->clients) {
		sot_mono turn = sot_mono_now();
		reactor_turn(s->r, 0);
		int64_t took_ms = sot_mono_diff_ms(sot_mono_now(), turn);
		longest_turn_ms = took_ms > longest_turn_ms ? took_ms : longest_turn_ms;
		if (up_ms == 0 && s->up == s->clients)
			up_ms = sot_mono_diff_ms(sot_mono_now(), begun);
	}
	if (code != SOT_OK)
		return code;
	*ret = (storm_times){.set_up_ms = set_up_ms,
	    .all_up_ms = up_ms,
	    .all_answered_ms = sot_mono_diff_ms(sot_mono_now(), begun),
	    .cpu_ms = cpu_ms() - cpu_begun_ms,
	    .longest_turn_ms = longest_turn_ms};
	return s->failed == 0 ? SOT_OK : SOT_UNAVAILABLE;
}

/* All the descriptors that this process may have without being root. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The figures of the goal only for the number of clients that the goal is about. */
static sot_code report(const storm *s, const storm_times *t, sot_err *err)
{
	bench *b = bench_new("storm_connect");
	bool goal = s->clients == 1000;
	bench_figure(b, goal ? "storm.connect_1000_s" : "storm.connect_s", (double)t->all_up_ms / 1000,
	    "s", goal ? "<= 5" : NULL, BENCH_NONE);
	bench_figure(b, "storm.clients", (double)s->clients, "clients", NULL, BENCH_NONE);
	bench_figure(b, "storm.set_up_s", (double)t->set_up_ms / 1000, "s", NULL, BENCH_NONE);
	bench_figure(b, "storm.answered_s", (double)t->all_answered_ms / 1000, "s", NULL, BENCH_NONE);
	bench_figure(b, "storm.cpu_s", (double)t->cpu_ms / 1000, "s", NULL, BENCH_NONE);
	bench_figure(b, "storm.longest_turn_ms", (double)t->longest_turn_ms, "ms", NULL, BENCH_NONE);
	sot_code code = bench_write(b, err);
	bench_free(b);
	return code;
}

int main(int argc, char **argv)
{
	storm s = {.clients = 1000};
	storm_times times;
	sot_err err = {.text = "some clients had no answer"};
	for (int i = 1; i < argc; i++) {
		sot_str value = sot_str_c(argv[i]);
		if (!sot_str_starts(value, "--clients="))
			value.n = 0;
		sot_str number = {value.p + 10, value.n < 10 ? 0 : value.n - 10};
		if (sot_parse_u64(number, 1, 1000, &s.clients, &err) != SOT_OK) {
			fprintf(stderr, "usage: bench_storm_connect [--clients=1..1000]\n");
			return 2;
		}
	}
	s.buses = sot_alloc_array(s.clients, sizeof(*s.buses));
	raise_descriptor_limit();
	sot_code code = run(&s, &times, &err);
	if (code == SOT_OK)
		code = report(&s, &times, &err);
	for (uint64_t i = 0; i < s.clients; i++)
		bus_free(s.buses[i]);
	bus_free(s.server_bus);
	reactor_free(s.r);
	free(s.buses);
	if (code != SOT_OK)
		fprintf(stderr, "storm_connect: %s\n", err.text);
	return code == SOT_OK ? 0 : 1;
}
