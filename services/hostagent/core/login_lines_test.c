/* Lines as sshd 9.2 writes them, and what an instance's root might write instead. */
#include "login_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sot_rand.h"

static const char certified[] =
    "login 1764350000123 57 Accepted publickey for admin from 10.66.0.1 port 40222 ssh2: "
    "ED25519-CERT "
    "SHA256:vpuKzBOo/4NoykteDKrbolh2uqy1ZOkY3kAkLmit6KM ID li/0190c0de (serial 7) CA ED25519 "
    "SHA256:nNhSIbq1ZEW4aIggjzaxkIjs1IHPmD6jMfCM7DAyYKQ";
static const char plain[] =
    "login 5 58 Accepted publickey for readonly from 2001:db8::1 port 1 ssh2: RSA "
    "SHA256:vpuKzBOo/4NoykteDKrbolh2uqy1ZOkY3kAkLmit6KM";

static login_line parsed(const char *text)
{
	login_line l = {.pid = -1};
	assert_true(login_line_parse(sot_str_c(text), &l));
	return l;
}

static void lines_of_a_journal_are_read(void **state)
{
	(void)state;
	login_line l = parsed(certified);
	assert_int_equal(l.kind, LOGIN_BEGINS);
	assert_int_equal(l.at_unix_ms, 1764350000123);
	assert_int_equal(l.pid, 57);
	assert_string_equal(l.account, "admin");
	assert_string_equal(l.address, "10.66.0.1");
	assert_int_equal(l.port, 40222);
	assert_string_equal(l.key_id, "li/0190c0de");
	assert_int_equal(l.serial, 7);
	assert_string_equal(l.fingerprint, "SHA256:vpuKzBOo/4NoykteDKrbolh2uqy1ZOkY3kAkLmit6KM");
	l = parsed(plain);
	assert_string_equal(l.address, "2001:db8::1");
	assert_string_equal(l.key_id, "");
	assert_int_equal(parsed("logout 9 57").kind, LOGIN_ENDS);
	assert_int_equal(parsed("boot 3").kind, LOGIN_BOOT);
	assert_int_equal(parsed("same 3 /etc/hosts").kind, LOGIN_SAME);
	assert_string_equal(parsed("drift 3 /etc/hosts").path, "/etc/hosts");
}

static void other_lines_are_none(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "drift 3", "drift 3 a b", "login", "boot", "boot x",
	    "boot 3 4", "logout 9", "logout 9 0", "logout 9 -1", "logout 9 5 6",
	    "login 1 2 Accepted password for admin from 1.1.1.1 port 2 ssh2",
	    "login 1 2 Accepted publickey for admin from 1.1.1.1 port 99999 ssh2: RSA SHA256:x",
	    "login 1 2 Accepted publickey for ad\"min from 1.1.1.1 port 9 ssh2: RSA SHA256:x",
	    "login 1 2 Accepted publickey for admin from 1.1.1.1 port 9 ssh2: RSA-CERT SHA256:x ID a "
	    "(serial 1",
	    "login 1 2 Accepted publickey for admin from 1.1.1.1 port 9 ssh2: RSA-CERT SHA256:x ID a "
	    "(serial )",
	    "login 1 2 Accepted publickey for admin from 1.1.1.1 port 9 ssh2: RSA"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		login_line l;
		assert_false(login_line_parse(sot_str_c(bad[i]), &l));
	}
}

static void sessions_begin_and_end(void **state)
{
	(void)state;
	static login_sessions s;
	login_line a = parsed(certified), b = parsed(plain), end = parsed("logout 9 57"),
	           boot = parsed("boot 10");
	login_sessions_take(&s, &a);
	login_sessions_take(&s, &b);
	assert_int_equal(s.count, 2);
	login_sessions_take(&s, &end);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.open[0].pid, 58);
	login_sessions_take(&s, &a);
	login_sessions_take(&s, &boot);
	assert_int_equal(s.count, 0);
}

/* A journal that holds anything: no crash, and no more sessions than there is room for. */
static void any_bytes_are_survived(void **state)
{
	(void)state;
	static login_sessions s;
	sot_rand r;
	sot_rand_seed(&r, 20261128);
	for (int round = 0; round < 20000; round++) {
		char text[sizeof(certified)];
		login_line l;
		memcpy(text, certified, sizeof(text));
		for (uint64_t k = sot_rand_below(&r, 4); k > 0; k--)
			text[sot_rand_below(&r, sizeof(text) - 1)] = (char)sot_rand_below(&r, 256);
		size_t n = (size_t)sot_rand_below(&r, sizeof(text));
		if (login_line_parse((sot_str){text, n}, &l)) {
			l.pid = (int64_t)sot_rand_below(&r, 1000) + 1;
			login_sessions_take(&s, &l);
		}
	}
	assert_true(s.count <= LOGIN_SESSIONS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_of_a_journal_are_read),
	    cmocka_unit_test(other_lines_are_none),
	    cmocka_unit_test(sessions_begin_and_end),
	    cmocka_unit_test(any_bytes_are_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
