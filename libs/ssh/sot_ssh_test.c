/* Keys, certificates and revocation lists against what ssh-keygen 9.2 made of the same input. With
 * a folder as argument the vectors are written there: openssh_test.sh shows them to ssh-keygen. */
#include "sot_ssh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sot_file.h"
#include "sot_mem.h"

/* Test keys, made for this file by ssh-keygen; nobody trusts them. */
static const char ca_file[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
    "QyNTUxOQAAACC8ohOiyS+z9XFYs0eAwTR4CxeC360W8a5qBWu4lCf4dwAAAJBxoMbEcaDG\n"
    "xAAAAAtzc2gtZWQyNTUxOQAAACC8ohOiyS+z9XFYs0eAwTR4CxeC360W8a5qBWu4lCf4dw\n"
    "AAAEAi2oH534uUTxr7eiTIw0n1ZzvwRJo5HStGjyfh3wTzn7yiE6LJL7P1cVizR4DBNHgL\n"
    "F4LfrRbxrmoFa7iUJ/h3AAAACXZlY3Rvci1jYQECAwQ=\n"
    "-----END OPENSSH PRIVATE KEY-----\n";
static const char ca_public[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILyiE6LJL7P1cVizR4DBNHgLF4LfrRbxrmoFa7iUJ/h3 vec"
    "tor-ca";
static const char user_public[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP4l7aaCTDszCL8XvG9TQPpXWkIxZl9gxTsGPKxgetxZ vec"
    "tor-user";
static const char user_fingerprint[] = "SHA256:vpuKzBOo/4NoykteDKrbolh2uqy1ZOkY3kAkLmit6KM";
/* ssh-keygen -s ca -I li/42 -n inst:1:admin,app:shop:admin -z 7
 *   -V 20260101000000Z:20260101080000Z -O clear -O permit-pty user.pub */
static const char user_certificate[] =
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAA"
    "AIMJ+Mz8XgWoLkvBoUKM6HLKaMi9TnFBPUXhjh0VmgC9XAAAAIP4l7aaCTDszCL8XvG9TQPpXWkIxZl9gxTs"
    "GPKxgetxZAAAAAAAAAAcAAAABAAAABWxpLzQyAAAAIgAAAAxpbnN0OjE6YWRtaW4AAAAOYXBwOnNob3A6YWR"
    "taW4AAAAAaVW5AAAAAABpVimAAAAAAAAAABIAAAAKcGVybWl0LXB0eQAAAAAAAAAAAAAAMwAAAAtzc2gtZWQ"
    "yNTUxOQAAACC8ohOiyS+z9XFYs0eAwTR4CxeC360W8a5qBWu4lCf4dwAAAFMAAAALc3NoLWVkMjU1MTkAAAB"
    "AJn4sIpfFhf6IpgAe3s4gQBSkW4194wz6oYFduJbUidHH7ns2GLpyJQEgi21UQcO2M3oi1atJp7RLt7vjg+k"
    "aAA==";
static const uint8_t certificate_nonce[SOT_SSH_NONCE_N] = {0xc2, 0x7e, 0x33, 0x3f, 0x17, 0x81, 0x6a,
    0x0b, 0x92, 0xf0, 0x68, 0x50, 0xa3, 0x3a, 0x1c, 0xb2, 0x9a, 0x32, 0x2f, 0x53, 0x9c, 0x50, 0x4f,
    0x51, 0x78, 0x63, 0x87, 0x45, 0x66, 0x80, 0x2f, 0x57};
static const char rsa_1024[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDe/or7leMKz9pg/ULu7E7wU+SIstrkSc+j/OY0iiMLvlRD"
    "K+qJvlbT1Gwb0uNUQ40NPN5VcKz3ODN8kvtxdetEDEe101NkYkja9Go0YDGOlh2XvCKe4vCRG5xWgRbbf2F4"
    "Z4av2OrILFoTSumrPJ0mjdo+Ux2xd+aTwDTWfdVSgw== small";
static const char rsa_2048[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCVIQdxKR5fXbCzKq2X8ea8wVRO4tpH/JT6we3NUahoty0c"
    "tCfPL+5N3ijEJoNR6eoN0C90wPFVHDsj9JtGXWKgYdBJwJSWE4ajZ88mI8qUPe2ZiwPq0URoPGNEAOmhicwA"
    "sMCPompu0k9p3xeRB4O4Mn/6JxiaBn73mzOJm6zdB38wdDwl7/uxcYT+var+uWrORCja2Gtql9FCx5RUv1WG"
    "sQz62Jw2rbggNuXazB35r8cR/AXrwIhr0JMJ9yls/U+ToXEpLhJdFp+WDPsdjcAx+W5MdVEtOtc7klYuxoRK"
    "LO/nWp4MYjP5lBM2MYJyFXKfLY6zaMsY6zFONhyBtrWP ok";
static const char ecdsa_384[] =
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBGRXMGjw0EpT"
    "ZnjUImWjGlxmF9vNxkxMrFE8XbM8p5Nidy3PlassT1Wit4bZE5V1UWrtCSlniCndTDMyqzPD8Yw7SSqHEHNu"
    "Da1BMb9N7ypURNYP+POhyc0m76rvGdvGZA== ec";

static void load_ca(sot_ssh_key *ret)
{
	sot_err err = {0};
	assert_int_equal(sot_ssh_key_parse(SOT_STR(ca_file), ret, &err), SOT_OK);
}

static void load_user(uint8_t ret[SOT_SSH_PUBLIC_N])
{
	sot_ssh_public key;
	sot_err err = {0};
	assert_int_equal(sot_ssh_public_parse(SOT_STR(user_public), &key, &err), SOT_OK);
	assert_int_equal(sot_ssh_public_ed25519(&key, ret, &err), SOT_OK);
}

static void sign_vector(sot_buf *out)
{
	static const sot_str principals[] = {{"inst:1:admin", 12}, {"app:shop:admin", 14}};
	sot_ssh_certificate c = {.kind = SOT_SSH_USER,
	    .serial = 7,
	    .key_id = SOT_STR("li/42"),
	    .principals = principals,
	    .principal_count = 2,
	    .valid_after_unix = 1767225600,
	    .valid_before_unix = 1767254400,
	    .permit_pty = true};
	uint8_t user[SOT_SSH_PUBLIC_N];
	sot_ssh_key ca;
	sot_err err = {0};
	load_ca(&ca);
	load_user(user);
	memcpy(c.nonce, certificate_nonce, sizeof(c.nonce));
	assert_int_equal(sot_ssh_certificate_sign(&c, user, &ca, out, &err), SOT_OK);
}

static void a_key_file_is_read_and_written_as_openssh_does(void **state)
{
	(void)state;
	sot_ssh_key key, again;
	sot_err err = {0};
	SOT_AUTO_BUF text, line;
	sot_buf_init(&text, 4096);
	sot_buf_init(&line, 4096);
	load_ca(&key);
	sot_ssh_public_render(key.public_key, SOT_STR("vector-ca"), &line);
	assert_true(sot_str_eq_c(sot_buf_str(&line), ca_public));
	sot_ssh_key_render(&key, SOT_STR("vector-ca"), &text);
	assert_int_equal(sot_ssh_key_parse(sot_buf_str(&text), &again, &err), SOT_OK);
	assert_memory_equal(&key, &again, sizeof(key));
}

static void a_made_key_is_one_of_its_own(void **state)
{
	(void)state;
	sot_ssh_key a, b, again;
	sot_err err = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 4096);
	sot_ssh_key_make(&a);
	sot_ssh_key_make(&b);
	assert_memory_not_equal(a.public_key, b.public_key, sizeof(a.public_key));
	sot_ssh_key_render(&a, SOT_STR("a"), &text);
	assert_int_equal(sot_ssh_key_parse(sot_buf_str(&text), &again, &err), SOT_OK);
	assert_memory_equal(&a, &again, sizeof(a));
}

static void a_damaged_key_file_is_refused(void **state)
{
	(void)state;
	char text[sizeof(ca_file)];
	size_t refused = 0, count = 0;
	sot_ssh_key key;
	sot_err err = {0};
	for (size_t i = 36; i + 36 < sizeof(ca_file); i++) {
		memcpy(text, ca_file, sizeof(text));
		if (text[i] == '\n')
			continue;
		count++;
		text[i] = text[i] == 'A' ? 'B' : 'A';
		refused += sot_ssh_key_parse((sot_str){text, sizeof(text) - 1}, &key, &err) != SOT_OK;
		assert_int_not_equal(sot_ssh_key_parse((sot_str){ca_file, i}, &key, &err), SOT_OK);
	}
	assert_true(refused > count * 3 / 4); /* comment and padding are not needed to sign */
}

static void public_keys_are_of_the_accepted_kinds(void **state)
{
	(void)state;
	sot_ssh_public key;
	uint8_t fingerprint[SOT_SSH_FINGERPRINT_N], again[SOT_SSH_FINGERPRINT_N];
	char text[SOT_SSH_FINGERPRINT_TEXT];
	sot_err err = {0};
	assert_int_equal(sot_ssh_public_parse(SOT_STR(rsa_2048), &key, &err), SOT_OK);
	assert_int_equal(sot_ssh_public_parse(SOT_STR(ecdsa_384), &key, &err), SOT_OK);
	assert_int_equal(sot_ssh_public_parse(SOT_STR(user_public), &key, &err), SOT_OK);
	assert_true(sot_str_eq_c(key.comment, "vector-user"));
	sot_ssh_fingerprint(&key, fingerprint);
	assert_string_equal(sot_ssh_fingerprint_text(fingerprint, text), user_fingerprint);
	assert_int_equal(sot_ssh_fingerprint_parse(sot_str_c(text), again, &err), SOT_OK);
	assert_memory_equal(again, fingerprint, sizeof(again));
	assert_int_equal(sot_ssh_fingerprint_parse(SOT_STR("MD5:00"), again, &err), SOT_INVALID);
}

static void other_public_keys_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "ssh-ed25519", "ssh-ed25519 !!!!",
	    "ssh-dss AAAAB3NzaC1kc3M=", rsa_1024, user_certificate,
	    "command=\"x\" ssh-ed25519 "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIP4l7aaCTDszCL8XvG9TQPpXWkIxZl9gxTsGPKxgetxZ",
	    "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIP4l7aaCTDszCL8XvG9TQPpXWkIxZl9gxTsGPKxgetxZ",
	    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP4l7aaCTDszCL8XvG9TQPpXWkIxZl9gxTsGPKxget==",
	    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP4l7aaCTDszCL8XvG9TQPpXWkIxZl9gxTsGPKxgetxZ "
	    "a\nssh-rsa"};
	sot_ssh_public key;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sot_err err = {0};
		assert_int_equal(sot_ssh_public_parse(sot_str_c(bad[i]), &key, &err), SOT_INVALID);
		assert_true(strlen(err.text) > 0);
	}
}

static void a_certificate_is_byte_for_byte_what_ssh_keygen_signs(void **state)
{
	(void)state;
	SOT_AUTO_BUF line;
	sot_buf_init(&line, 16384);
	sign_vector(&line);
	assert_true(sot_str_eq_c(sot_buf_str(&line), user_certificate));
}

static void a_certificate_is_read_back(void **state)
{
	(void)state;
	sot_ssh_certificate_facts f;
	sot_ssh_key ca;
	sot_err err = {0};
	load_ca(&ca);
	assert_int_equal(sot_ssh_certificate_parse(SOT_STR(user_certificate), &f, &err), SOT_OK);
	assert_int_equal(f.kind, SOT_SSH_USER);
	assert_int_equal(f.serial, 7);
	assert_string_equal(f.key_id, "li/42");
	assert_string_equal(f.principals, "inst:1:admin,app:shop:admin");
	assert_int_equal(f.valid_before_unix - f.valid_after_unix, 8 * 3600);
	assert_memory_equal(f.ca, ca.public_key, sizeof(f.ca));
}

static void a_changed_certificate_is_refused(void **state)
{
	(void)state;
	char text[sizeof(user_certificate)];
	sot_ssh_certificate_facts f;
	for (size_t i = 40; i + 2 < sizeof(user_certificate); i++) {
		sot_err err = {0};
		memcpy(text, user_certificate, sizeof(text));
		text[i] = text[i] == 'A' ? 'Q' : 'A';
		assert_int_equal(sot_ssh_certificate_parse(sot_str_c(text), &f, &err), SOT_INVALID);
		assert_int_equal(
		    sot_ssh_certificate_parse((sot_str){user_certificate, i}, &f, &err), SOT_INVALID);
	}
}

/* Without a principal sshd would let it in as anybody, where it is asked for no principals. */
static void a_certificate_without_principals_is_not_signed(void **state)
{
	(void)state;
	sot_ssh_certificate c = {.kind = SOT_SSH_USER, .key_id = SOT_STR("x")};
	uint8_t user[SOT_SSH_PUBLIC_N];
	sot_ssh_key ca;
	sot_err err = {0};
	SOT_AUTO_BUF line;
	sot_buf_init(&line, 16384);
	load_ca(&ca);
	load_user(user);
	assert_int_equal(sot_ssh_certificate_sign(&c, user, &ca, &line, &err), SOT_INVALID);
	assert_int_equal(line.n, 0);
}

static void the_empty_list_is_a_head_alone(void **state)
{
	(void)state;
	sot_ssh_krl none = {.version = 1};
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 4096);
	sot_ssh_krl_render(&none, &out);
	assert_int_equal(out.n, 8 + 4 + 8 + 8 + 8 + 4 + 4 + 7);
	assert_memory_equal(out.p, "SSHKRL\n", 8);
}

/* ---- for openssh_test.sh ---- */

static bool save(const char *folder, const char *name, sot_str text)
{
	char path[512];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	bool ok = sot_file_write(path, text, 0600, &err) == SOT_OK;
	if (!ok)
		(void)fprintf(stderr, "%s\n", err.text);
	return ok;
}

static bool save_krl(const char *folder, const char *name, const sot_ssh_krl *krl)
{
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 65536);
	sot_ssh_krl_render(krl, &out);
	return save(folder, name, sot_buf_str(&out));
}

static int write_vectors(const char *folder)
{
	static const uint64_t serials[] = {3, 7, 1ull << 40};
	uint8_t fingerprint[1][SOT_SSH_FINGERPRINT_N];
	sot_ssh_krl none = {.version = 1},
	            by_serial = {.version = 2, .serials = serials, .serial_count = 3},
	            by_key = {.version = 3, .fingerprints = fingerprint, .fingerprint_count = 1};
	sot_ssh_key key;
	sot_err err = {0};
	SOT_AUTO_BUF text, line;
	sot_buf_init(&text, 4096);
	sot_buf_init(&line, 16384);
	sot_ssh_key_make(&key);
	sot_ssh_key_render(&key, SOT_STR("made"), &text);
	sot_ssh_public_render(key.public_key, SOT_STR("made"), &line);
	bool ok =
	    save(folder, "made", sot_buf_str(&text)) && save(folder, "made.pub", sot_buf_str(&line));
	sot_buf_reset(&line);
	sign_vector(&line);
	ok = ok &&
	     sot_ssh_fingerprint_parse(SOT_STR(user_fingerprint), fingerprint[0], &err) == SOT_OK &&
	     save(folder, "user-cert.pub", sot_buf_str(&line)) &&
	     save(folder, "user.pub", SOT_STR(user_public)) &&
	     save(folder, "other.pub", SOT_STR(ecdsa_384)) && save_krl(folder, "krl.none", &none) &&
	     save_krl(folder, "krl.serial", &by_serial) && save_krl(folder, "krl.key", &by_key);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_file_is_read_and_written_as_openssh_does),
	    cmocka_unit_test(a_made_key_is_one_of_its_own),
	    cmocka_unit_test(a_damaged_key_file_is_refused),
	    cmocka_unit_test(public_keys_are_of_the_accepted_kinds),
	    cmocka_unit_test(other_public_keys_are_refused),
	    cmocka_unit_test(a_certificate_is_byte_for_byte_what_ssh_keygen_signs),
	    cmocka_unit_test(a_certificate_is_read_back),
	    cmocka_unit_test(a_changed_certificate_is_refused),
	    cmocka_unit_test(a_certificate_without_principals_is_not_signed),
	    cmocka_unit_test(the_empty_list_is_a_head_alone),
	};
	if (argc == 2)
		return write_vectors(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
