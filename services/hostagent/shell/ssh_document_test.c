/* The gateway's document: read whole or not at all, and what it revokes. */
#include "ssh_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sot_rand.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP4l7aaCTDszCL8XvG9TQPpXWkIxZl9gxTsGPKxgetxZ"
/* "SSHKRL\n" with its NUL, and a head. */
#define KRL "U1NIS1JMCgAAAAABAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAdzb3RhbGlh"

static const char good[] =
    "{\"version\":\"7-ab\",\"userCa\":[\"" KEY " user_ca\"],\"hostCa\":[],\"krl\":\"" KRL "\","
    "\"revokedSerials\":[3,9],\"revokedFingerprints\":[\"SHA256:x\"],"
    "\"keys\":[{\"scope\":\"app:shop\",\"account\":\"admin\",\"line\":\"" KEY "\"},"
    "{\"scope\":\"app:other\",\"account\":\"admin\",\"line\":\"" KEY "\"},"
    "{\"scope\":\"inst:00000000-0000-0000-0000-000000000000\",\"account\":\"readonly\",\"line\":"
    "\"" KEY "\"}]}";

static void a_document_is_read(void **state)
{
	(void)state;
	SOT_AUTO(ssh_document) d = NULL;
	SOT_AUTO_BUF lines;
	sot_err err = {0};
	sot_buf_init(&lines, 4096);
	assert_int_equal(ssh_document_parse(SOT_STR(good), &d, &err), SOT_OK);
	assert_string_equal(d->version, "7-ab");
	assert_true(sot_str_eq_c(sot_buf_str(&d->user_ca), KEY " user_ca\n"));
	assert_true(ssh_document_revokes(d, 9, ""));
	assert_true(ssh_document_revokes(d, 0, "SHA256:x"));
	assert_false(ssh_document_revokes(d, 4, "SHA256:y"));
	ssh_plan_keys((sot_uuid){{0}}, SOT_STR("shop"), "admin", d->keys, d->key_count, &lines);
	assert_true(sot_str_eq_c(sot_buf_str(&lines), KEY "\n")); /* not other's, not readonly's */
	sot_buf_reset(&lines);
	ssh_plan_keys((sot_uuid){{0}}, SOT_STR("shop"), "readonly", d->keys, d->key_count, &lines);
	assert_true(sot_str_eq_c(sot_buf_str(&lines), KEY "\n"));
}

/* Without a list of revocations, even an empty one, sshd would refuse everybody. */
static void the_document_of_nobody_has_an_empty_list(void **state)
{
	(void)state;
	SOT_AUTO(ssh_document) d = ssh_document_new();
	assert_true(d->krl.n > 8 && memcmp(d->krl.p, "SSHKRL\n", 8) == 0);
	assert_int_equal(d->user_ca.n, 0);
	assert_false(ssh_document_revokes(d, 0, "SHA256:x"));
}

/* A line feed in a key would begin a line of its own in a file that sshd reads. */
static void what_is_not_whole_is_refused(void **state)
{
	(void)state;
	static const char *const changes[][2] = {{"\"version\":\"7-ab\"", "\"version\":\"\""},
	    {"\"krl\":\"" KRL, "\"krl\":\"AAAA"}, {"\"revokedSerials\":[3,9]", "\"revokedSerials\":{}"},
	    {" user_ca\"", " user\\nca\""},
	    {"\"line\":\"" KEY "\"", "\"line\":\"command=\\\"x\\\" " KEY "\""},
	    {"\"keys\":[", "\"other\":["}};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char text[4096];
		const char *at = strstr(good, changes[i][0]);
		ssh_document *d = NULL;
		sot_err err = {0};
		assert_non_null(at);
		(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, changes[i][1],
		    at + strlen(changes[i][0]));
		assert_int_equal(ssh_document_parse(sot_str_c(text), &d, &err), SOT_INVALID);
		assert_null(d);
	}
}

static void any_bytes_are_survived(void **state)
{
	(void)state;
	sot_rand r;
	sot_rand_seed(&r, 20261128);
	for (int round = 0; round < 3000; round++) {
		char text[sizeof(good)];
		ssh_document *d = NULL;
		memcpy(text, good, sizeof(text));
		for (uint64_t k = sot_rand_below(&r, 3); k > 0; k--)
			text[sot_rand_below(&r, sizeof(text) - 1)] = (char)sot_rand_below(&r, 256);
		size_t n = sot_rand_below(&r, 4) == 0 ? (size_t)sot_rand_below(&r, sizeof(text))
		                                      : sizeof(text) - 1;
		if (ssh_document_parse((sot_str){text, n}, &d, NULL) == SOT_OK)
			(void)ssh_document_free(d);
		else
			assert_null(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_document_is_read),
	    cmocka_unit_test(the_document_of_nobody_has_an_empty_list),
	    cmocka_unit_test(what_is_not_whole_is_refused),
	    cmocka_unit_test(any_bytes_are_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
