/* An export of any size through a real gateway: complete and in the memory of one page, or broken
 * off so that nobody takes a part for the whole. */
#include "harness.h"

#include "sot_parse.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ADDRESSES = 16000, READ_AT_ONCE = 65536 };

static harness h;

static void sql(const char *text)
{
	char none[4096];
	harness_sql(&h, "sot_ipam", text, none);
}

/* Highest resident memory of the gateway so far, in KiB. */
static uint64_t peak_kib(void)
{
	char path[64], line[200];
	uint64_t kib = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", h.gateway_pid);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		sot_str rest = sot_str_c(line);
		if (!sot_str_starts(rest, "VmHWM:"))
			continue;
		rest = (sot_str){rest.p + 6, strcspn(rest.p + 6, "k")};
		while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t'))
			rest = (sot_str){rest.p + 1, rest.n - 1};
		while (rest.n > 0 && rest.p[rest.n - 1] == ' ')
			rest.n--;
		assert_int_equal(sot_parse_u64(rest, 1, UINT64_MAX, &kib, NULL), SOT_OK);
	}
	(void)fclose(f);
	return kib;
}

/* A connection that has asked for the export. */
static int ask(bool is_slow)
{
	char request[400];
	int fd = harness_connect(&h), small = 4096;
	if (is_slow)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	int n = snprintf(request, sizeof(request),
	    "GET /v1/exports/ipam.csv HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
	    h.address, h.token);
	assert_int_equal(write(fd, request, (size_t)n), n);
	return fd;
}

typedef struct taken {
	size_t bytes, lines;
	char tail[8]; /* the last bytes */
	bool ended;   /* the chunk that ends a body has come, or the connection is closed */
} taken;

static bool is_whole(const taken *t)
{
	return memcmp(t->tail, "\r\n0\r\n\r\n", 7) == 0;
}

static void note(taken *t, const char *data, size_t n)
{
	char both[2 * sizeof(t->tail)];
	size_t kept = n < 7 ? n : 7;
	for (size_t i = 0; i < n; i++)
		t->lines += data[i] == '\n' && (i == 0 || data[i - 1] != '\r');
	t->bytes += n;
	memcpy(both, t->tail, 7);
	memcpy(both + 7, data + n - kept, kept);
	memcpy(t->tail, both + kept, 7);
}

/* Takes what comes until the end, or at least so many bytes. */
static void take(int fd, taken *t, size_t bytes)
{
	static char data[READ_AT_ONCE];
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), 8 * HARNESS_DEADLINE_MS);
	while (!t->ended && t->bytes < bytes) {
		assert_false(sot_mono_reached(sot_mono_now(), limit));
		ssize_t got = recv(fd, data, sizeof(data), MSG_DONTWAIT);
		if (got > 0)
			note(t, data, (size_t)got);
		else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			t->ended = true;
		else
			reactor_turn(h.loop, 5);
		t->ended |= is_whole(t);
	}
}

static void an_export_of_any_size_is_whole_and_costs_the_memory_of_a_page(void **state)
{
	taken warm = {0}, all = {0};
	(void)state;
	int fd = ask(false);
	take(fd, &warm, 200000);
	close(fd);
	uint64_t before = peak_kib();
	fd = ask(false);
	take(fd, &all, SIZE_MAX);
	close(fd);
	assert_true(is_whole(&all));
	assert_true(all.bytes > (size_t)ADDRESSES * 200);
	assert_int_equal(all.lines, 1 + 1 + 1 + 2 + ADDRESSES); /* header, VLAN, subnet, ranges */
	uint64_t grown = peak_kib() - before;
	print_message("%zu bytes, the gateway grew by %" PRIu64 " KiB\n", all.bytes, grown);
	assert_true(grown < 4096);
}

static void an_export_during_which_the_plan_changes_is_broken_off(void **state)
{
	taken part = {0};
	(void)state;
	int fd = ask(true);
	take(fd, &part, 100000);
	sql("UPDATE ipam.vlan SET updated_at = clock_timestamp()");
	take(fd, &part, SIZE_MAX);
	close(fd);
	assert_false(is_whole(&part));
	assert_true(part.lines < ADDRESSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_export_of_any_size_is_whole_and_costs_the_memory_of_a_page),
	    cmocka_unit_test(an_export_during_which_the_plan_changes_is_broken_off),
	};
	char text[1200];
	/* With a sanitizer what is freed would be kept for a while, and be taken for what is held. */
	(void)setenv("ASAN_OPTIONS", "quarantine_size_mb=1:thread_local_quarantine_size_kb=64", 1);
	harness_start(&h, NULL, false);
	(void)snprintf(text, sizeof(text),
	    "DELETE FROM ipam.subnet;"
	    "INSERT INTO ipam.subnet (id, vlan, cidr, first, last) SELECT"
	    " '00000000-0000-7000-8000-000000000002', id, '10.70.0.0/16', '10.70.0.2', '10.70.255.254'"
	    " FROM ipam.vlan;"
	    "INSERT INTO ipam.address_range (id, vrf, subnet, first, last, kind, pool, created_by)"
	    " SELECT gen_random_uuid(), 0, '00000000-0000-7000-8000-000000000002', f, f + 9, 'pool', p,"
	    " 'test' FROM (VALUES ('10.70.250.0'::inet, 'front'), ('10.70.251.0', '')) v(f, p);"
	    "INSERT INTO ipam.address (address, subnet, state, reason) SELECT '10.70.0.2'::inet + i,"
	    " '00000000-0000-7000-8000-000000000002', 'excluded', repeat('why, ', 40)"
	    " FROM generate_series(0, %d) i",
	    ADDRESSES - 1);
	sql(text);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
