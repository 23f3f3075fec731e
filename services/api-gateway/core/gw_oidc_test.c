/* Signed tokens with real keys, what they claim, roles from groups. */
#include "gw_jwt.h"
#include "gw_oidc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

static gnutls_privkey_t rsa, small_rsa, ec;

/* ---- making tokens ---- */
static void encode(const void *bytes, size_t n, char ret[2048])
{
	assert_non_null(sodium_bin2base64(ret, 2048, bytes, n, VARIANT));
}

/* An unsigned number of a key as JWK writes it: no sign byte, `width` bytes when not 0. */
static json_t *number(gnutls_datum_t n, size_t width)
{
	unsigned char fixed[1024] = {0};
	char text[2048];
	while (n.size > 0 && n.data[0] == 0 && (width == 0 || n.size > width))
		n = (gnutls_datum_t){n.data + 1, n.size - 1};
	size_t pad = width > n.size ? width - n.size : 0;
	memcpy(fixed + pad, n.data, n.size);
	encode(fixed, pad + n.size, text);
	return json_string(text);
}

static json_t *key_of(gnutls_privkey_t key, const char *kid)
{
	json_t *ret = json_pack("{s:s}", "kid", kid);
	gnutls_datum_t a = {0}, b = {0};
	gnutls_pubkey_t pub;
	assert_int_equal(gnutls_pubkey_init(&pub), 0);
	assert_int_equal(gnutls_pubkey_import_privkey(pub, key, 0, 0), 0);
	if (gnutls_privkey_get_pk_algorithm(key, NULL) == GNUTLS_PK_RSA) {
		assert_int_equal(gnutls_pubkey_export_rsa_raw(pub, &a, &b), 0);
		(void)json_object_set_new(ret, "kty", json_string("RSA"));
		(void)json_object_set_new(ret, "n", number(a, 0));
		(void)json_object_set_new(ret, "e", number(b, 0));
	} else {
		gnutls_ecc_curve_t curve;
		assert_int_equal(gnutls_pubkey_export_ecc_raw(pub, &curve, &a, &b), 0);
		(void)json_object_set_new(ret, "kty", json_string("EC"));
		(void)json_object_set_new(ret, "crv", json_string("P-256"));
		(void)json_object_set_new(ret, "x", number(a, 32));
		(void)json_object_set_new(ret, "y", number(b, 32));
	}
	gnutls_free(a.data);
	gnutls_free(b.data);
	gnutls_pubkey_deinit(pub);
	return ret;
}

static void make(gnutls_privkey_t key, const char *header, const char *claims, char ret[8192])
{
	char part[2048];
	gnutls_datum_t signature = {0};
	bool is_ec = gnutls_privkey_get_pk_algorithm(key, NULL) != GNUTLS_PK_RSA;
	encode(header, strlen(header), part);
	int n = snprintf(ret, 8192, "%s.", part);
	encode(claims, strlen(claims), part);
	n += snprintf(ret + n, (size_t)(8192 - n), "%s", part);
	gnutls_datum_t text = {(unsigned char *)ret, (unsigned)n};
	assert_int_equal(
	    gnutls_privkey_sign_data2(
	        key, is_ec ? GNUTLS_SIGN_ECDSA_SHA256 : GNUTLS_SIGN_RSA_SHA256, 0, &text, &signature),
	    0);
	if (is_ec) {
		gnutls_datum_t r = {0}, s = {0};
		unsigned char both[64] = {0};
		assert_int_equal(gnutls_decode_rs_value(&signature, &r, &s), 0);
		for (unsigned i = 0; i < 32 && i < r.size; i++)
			both[31 - i] = r.data[r.size - 1 - i];
		for (unsigned i = 0; i < 32 && i < s.size; i++)
			both[63 - i] = s.data[s.size - 1 - i];
		encode(both, sizeof(both), part);
		gnutls_free(r.data);
		gnutls_free(s.data);
	} else {
		encode(signature.data, signature.size, part);
	}
	gnutls_free(signature.data);
	(void)snprintf(ret + n, (size_t)(8192 - n), ".%s", part);
}

static json_t *set_of(json_t *key)
{
	return json_pack("{s:[o]}", "keys", key);
}

static sot_code verify(const char *token, const json_t *keys)
{
	json_t *claims = NULL;
	sot_err err = {0};
	sot_code code = gw_jwt_verify(sot_str_c(token), keys, &claims, &err);
	if (code == SOT_OK)
		assert_string_equal(json_string_value(json_object_get(claims, "sub")), "li");
	else
		assert_true(err.text[0] != '\0');
	json_decref(claims);
	return code;
}

/* ---- signatures ---- */
static void tokens_of_the_providers_keys_are_read(void **state)
{
	char token[8192];
	json_t *both = json_pack("{s:[o,o]}", "keys", key_of(rsa, "a"), key_of(ec, "b"));
	(void)state;
	make(rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}", "{\"sub\":\"li\"}", token);
	assert_int_equal(verify(token, both), SOT_OK);
	make(rsa, "{\"alg\":\"RS256\"}", "{\"sub\":\"li\"}", token);
	assert_int_equal(verify(token, both), SOT_OK);
	for (int i = 0; i < 20; i++) { /* numbers of a signature are shorter now and then */
		make(ec, "{\"alg\":\"ES256\",\"kid\":\"b\"}", "{\"sub\":\"li\"}", token);
		assert_int_equal(verify(token, both), SOT_OK);
	}
	json_decref(both);
}

static void a_token_with_one_other_byte_is_refused(void **state)
{
	char token[8192];
	json_t *keys = set_of(key_of(rsa, "a"));
	(void)state;
	make(rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}", "{\"sub\":\"li\"}", token);
	for (size_t i = 0; token[i] != '\0'; i++) {
		char was = token[i];
		token[i] = was == 'A' ? 'B' : 'A';
		if (was != '.') /* the last digit of a part may have bits that say nothing */
			assert_int_not_equal(verify(token, keys), SOT_OK);
		token[i] = was;
	}
	assert_int_equal(verify(token, keys), SOT_OK);
	json_decref(keys);
}

static void other_algorithms_and_other_keys_are_refused(void **state)
{
	char token[8192];
	json_t *of_rsa = set_of(key_of(rsa, "a")), *of_ec = set_of(key_of(ec, "a"));
	json_t *of_small = set_of(key_of(small_rsa, "a"));
	static const char *const headers[] = {"{\"alg\":\"none\",\"kid\":\"a\"}",
	    "{\"alg\":\"HS256\",\"kid\":\"a\"}", "{\"alg\":\"RS512\",\"kid\":\"a\"}", "{\"kid\":\"a\"}",
	    "{\"alg\":\"RS256\",\"alg\":\"none\"}", "[]", "{\"alg\":7}",
	    "{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}"};
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		make(rsa, headers[i], "{\"sub\":\"li\"}", token);
		assert_int_equal(verify(token, of_rsa), SOT_INVALID);
	}
	make(rsa, "{\"alg\":\"ES256\",\"kid\":\"a\"}", "{\"sub\":\"li\"}", token);
	assert_int_equal(verify(token, of_rsa), SOT_NOT_FOUND);
	assert_int_equal(verify(token, of_ec), SOT_INVALID);
	make(rsa, "{\"alg\":\"RS256\",\"kid\":\"z\"}", "{\"sub\":\"li\"}", token);
	assert_int_equal(verify(token, of_rsa), SOT_NOT_FOUND);
	make(small_rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}", "{\"sub\":\"li\"}", token);
	assert_int_equal(verify(token, of_small), SOT_INVALID); /* 1024 bits */
	assert_int_equal(verify(token, of_rsa), SOT_INVALID);
	(void)json_object_set_new(
	    json_array_get(json_object_get(of_rsa, "keys"), 0), "use", json_string("enc"));
	make(rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}", "{\"sub\":\"li\"}", token);
	assert_int_equal(verify(token, of_rsa), SOT_NOT_FOUND);
	make(ec, "{\"alg\":\"ES256\"}", "[\"li\"]", token);
	assert_int_equal(verify(token, of_ec), SOT_INVALID);
	json_decref(of_rsa);
	json_decref(of_ec);
	json_decref(of_small);
}

static void what_is_no_token_is_refused(void **state)
{
	static const char *const texts[] = {"", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.AA.AA",
	    "eyJhbGciOiJSUzI1NiJ9..AA", "e30=.e30.AA", "eyJhbGciOiJSUzI1NiJ9.e30.A A"};
	json_t *keys = set_of(key_of(rsa, "a"));
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(verify(texts[i], keys), SOT_INVALID);
	json_decref(keys);
}

/* ---- claims ---- */
static sot_code check(const char *json)
{
	gw_oidc_expected expected = {
	    .issuer = "https://p", .client = "sotalia", .nonce = "n", .now_unix_s = 1000};
	json_t *claims = json_loads(json, 0, NULL);
	sot_err err = {0};
	sot_code code = gw_oidc_check_claims(claims, &expected, &err);
	assert_true((code == SOT_OK) == (err.text[0] == '\0'));
	json_decref(claims);
	return code;
}

#define CLAIMS(iss, aud, exp, iat, nonce, sub)                                                     \
	"{\"iss\":" iss ",\"aud\":" aud ",\"exp\":" exp ",\"iat\":" iat ",\"nonce\":" nonce            \
	",\"sub\":" sub "}"

static void a_token_counts_for_this_client_this_log_in_and_now(void **state)
{
	static const char *const wrong[] = {
	    CLAIMS("\"https://q\"", "\"sotalia\"", "2000", "999", "\"n\"", "\"7\""),
	    CLAIMS("\"https://p/\"", "\"sotalia\"", "2000", "999", "\"n\"", "\"7\""),
	    CLAIMS("\"https://p\"", "\"other\"", "2000", "999", "\"n\"", "\"7\""),
	    CLAIMS("\"https://p\"", "[\"sotalia\",\"other\"]", "2000", "999", "\"n\"", "\"7\""),
	    CLAIMS("\"https://p\"", "[\"sotalia\"],\"azp\":\"other\"", "2000", "999", "\"n\"", "\"7\""),
	    CLAIMS("\"https://p\"", "\"sotalia\"", "940", "900", "\"n\"", "\"7\""),
	    CLAIMS("\"https://p\"", "\"sotalia\"", "2000", "1061", "\"n\"", "\"7\""),
	    CLAIMS("\"https://p\"", "\"sotalia\"", "\"2000\"", "999", "\"n\"", "\"7\""),
	    CLAIMS("\"https://p\"", "\"sotalia\"", "2000", "999", "\"m\"", "\"7\""),
	    CLAIMS("\"https://p\"", "\"sotalia\"", "2000", "999", "null", "\"7\""),
	    CLAIMS("\"https://p\"", "\"sotalia\"", "2000", "999", "\"n\"", "\"\""),
	    CLAIMS("\"https://p\"", "\"sotalia\"", "2000", "999", "\"n\"", "7"), "{}"};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(check(wrong[i]), SOT_INVALID);
	assert_int_equal(
	    check(CLAIMS("\"https://p\"", "\"sotalia\"", "941", "1060", "\"n\"", "\"7\"")), SOT_OK);
	assert_int_equal(
	    check(CLAIMS("\"https://p\"", "[\"sotalia\"]", "2000", "999", "\"n\"", "\"7\"")), SOT_OK);
	assert_int_equal(check(CLAIMS("\"https://p\"", "[\"x\",\"sotalia\"],\"azp\":\"sotalia\"",
	                     "2000", "999", "\"n\"", "\"7\"")),
	    SOT_OK);
}

static void names_are_those_of_accounts(void **state)
{
	static const struct {
		const char *claim, *name; /* NULL: refused */
	} rows[] = {{"li", "li"}, {"Li.Wei@company.lan", "li.wei"}, {"", NULL}, {"@x", NULL},
	    {"7li", NULL}, {"li wei", NULL}, {"l\xc3\xad", NULL},
	    {"a2345678901234567890123456789012345678901234567890123456789012345", NULL}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *claims = json_pack("{s:s}", "n", rows[i].claim);
		char name[64] = "unset";
		sot_code code = gw_oidc_name(claims, "n", name, NULL);
		assert_int_equal(code, rows[i].name != NULL ? SOT_OK : SOT_INVALID);
		if (rows[i].name != NULL)
			assert_string_equal(name, rows[i].name);
		assert_int_equal(gw_oidc_name(claims, "m", name, NULL), SOT_NOT_FOUND);
		json_decref(claims);
	}
}

/* ---- one log-in ---- */
static void what_a_browser_holds_gives_the_secrets_for_ten_minutes(void **state)
{
	static const uint8_t key[32] = {1}, other_key[32] = {2};
	char cookie[GW_OIDC_COOKIE_MAX], back[GW_OIDC_BACK_MAX + 1];
	gw_oidc_secrets a, b;
	(void)state;
	gw_oidc_cookie(SOT_STR("0123456789abcdef0123456789abcdef"), 1000, SOT_STR("/apps?q=x"), cookie);
	assert_int_equal(gw_oidc_cookie_read(sot_str_c(cookie), 1600, back, NULL), SOT_OK);
	assert_string_equal(back, "/apps?q=x");
	assert_int_equal(gw_oidc_cookie_read(sot_str_c(cookie), 1601, back, NULL), SOT_INVALID);
	assert_int_equal(gw_oidc_cookie_read(sot_str_c(cookie), 900, back, NULL), SOT_INVALID);
	assert_int_equal(gw_oidc_cookie_read((sot_str){0}, 1000, back, NULL), SOT_INVALID);
	gw_oidc_secrets_of(key, sot_str_c(cookie), &a);
	gw_oidc_secrets_of(key, sot_str_c(cookie), &b);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_string_not_equal(a.state, a.nonce);
	assert_string_not_equal(a.nonce, a.verifier);
	gw_oidc_secrets_of(other_key, sot_str_c(cookie), &b);
	assert_string_not_equal(a.state, b.state);
	cookie[0] = '1';
	gw_oidc_secrets_of(key, sot_str_c(cookie), &b);
	assert_string_not_equal(a.state, b.state);
}

static void a_code_is_for_who_has_the_verifier_for_two_minutes(void **state)
{
	static const uint8_t key[32] = {1}, other_key[32] = {2}, nonce[24] = {3};
	static const char session[] =
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	char challenge[GW_OIDC_SECRET_MAX], code[GW_OIDC_CODE_MAX], found[GW_OIDC_SESSION_N + 1];
	sot_str verifier = SOT_STR("a verifier that only the command line knows!");
	(void)state;
	gw_oidc_challenge(verifier, challenge);
	gw_oidc_code(key, nonce, challenge, session, 1000, code);
	assert_null(strstr(code, session));
	assert_int_equal(gw_oidc_code_read(key, sot_str_c(code), verifier, 1120, found, NULL), SOT_OK);
	assert_string_equal(found, session);
	assert_int_equal(
	    gw_oidc_code_read(key, sot_str_c(code), verifier, 1121, found, NULL), SOT_INVALID);
	assert_int_equal(gw_oidc_code_read(key, sot_str_c(code), SOT_STR("another"), 1001, found, NULL),
	    SOT_INVALID);
	assert_int_equal(
	    gw_oidc_code_read(other_key, sot_str_c(code), verifier, 1001, found, NULL), SOT_INVALID);
	code[10] = code[10] == 'A' ? 'B' : 'A';
	assert_int_equal(
	    gw_oidc_code_read(key, sot_str_c(code), verifier, 1001, found, NULL), SOT_INVALID);
	/* What is not sealed is nobody's. */
	(void)snprintf(code, sizeof(code), "%s 1000", session);
	assert_int_equal(
	    gw_oidc_code_read(key, sot_str_c(code), verifier, 1001, found, NULL), SOT_INVALID);
}

#define C43 "ccccccccccccccccccccccccccccccccccccccccccc"
#define S22 "ssssssssssssssssssssss"

static void a_log_in_of_the_command_line_names_its_port_or_none(void **state)
{
	static const char *const wrong[] = {"/apps", GW_OIDC_CLI_PATH,
	    GW_OIDC_CLI_PATH "challenge=" C43, GW_OIDC_CLI_PATH "state=" S22,
	    GW_OIDC_CLI_PATH "challenge=" C43 "&state=short",
	    GW_OIDC_CLI_PATH "challenge=" C43 "c&state=" S22,
	    GW_OIDC_CLI_PATH "challenge=" C43 "&state=" S22 "%20",
	    GW_OIDC_CLI_PATH "challenge=" C43 "&state=" S22 "&port=80",
	    GW_OIDC_CLI_PATH "challenge=" C43 "&state=" S22 "&port=65536",
	    GW_OIDC_CLI_PATH "challenge=" C43 "&state=" S22 "&port=8080@evil"};
	gw_oidc_cli cli;
	(void)state;
	assert_int_equal(
	    gw_oidc_cli_read(
	        SOT_STR(GW_OIDC_CLI_PATH "challenge=" C43 "&state=" S22 "&port=40000"), &cli, NULL),
	    SOT_OK);
	assert_int_equal(cli.port, 40000);
	assert_string_equal(cli.challenge, C43);
	assert_string_equal(cli.state, S22);
	assert_int_equal(
	    gw_oidc_cli_read(SOT_STR(GW_OIDC_CLI_PATH "challenge=" C43 "&state=" S22), &cli, NULL),
	    SOT_OK);
	assert_int_equal(cli.port, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(gw_oidc_cli_read(sot_str_c(wrong[i]), &cli, NULL), SOT_INVALID);
}

static void only_pages_of_this_site_are_gone_back_to(void **state)
{
	static const char *const others[] = {"", "//evil.example", "/\\evil.example", "https://evil",
	    "apps", "/a b", "/a\nLocation: x", "/\xc3\xad"};
	char cookie[GW_OIDC_COOKIE_MAX], back[GW_OIDC_BACK_MAX + 1];
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(gw_oidc_is_own_path(sot_str_c(others[i])));
		gw_oidc_cookie(
		    SOT_STR("0123456789abcdef0123456789abcdef"), 1000, sot_str_c(others[i]), cookie);
		assert_int_equal(gw_oidc_cookie_read(sot_str_c(cookie), 1000, back, NULL), SOT_OK);
		assert_string_equal(back, "/");
	}
	/* One that was changed in the browser. */
	assert_int_equal(gw_oidc_cookie_read(SOT_STR("0123456789abcdef0123456789abcdef.1000.Ly9ldmls"),
	                     1000, back, NULL),
	    SOT_OK);
	assert_string_equal(back, "/");
}

/* ---- groups to roles ---- */
static void groups_give_roles(void **state)
{
	gw_oidc_rules rules;
	sot_err err = {0};
	json_t *grants, *groups = json_pack("[s,s,s]", "ops", "cn=pay dev,ou=x", "viewers");
	(void)state;
	assert_int_equal(
	    gw_oidc_rules_parse(
	        SOT_STR("# comment\n\nviewer * viewers\n  operator\t* ops  \r\n"
	                "developer payments cn=pay dev,ou=x\nadmin * root\nadmin core *\n"),
	        &rules, &err),
	    SOT_OK);
	assert_int_equal(rules.count, 5);
	assert_int_equal(gw_oidc_roles(&rules, groups, &grants), GW_ROLE_OPERATOR);
	assert_int_equal(json_array_size(grants), 2);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(grants, 0), "team")), "payments");
	json_decref(grants);
	assert_int_equal(gw_oidc_roles(&rules, NULL, &grants), GW_ROLE_PUBLIC);
	assert_int_equal(json_array_size(grants), 1); /* "*": everybody */
	json_decref(grants);
	json_decref(groups);
	groups = json_string("root"); /* a text alone */
	assert_int_equal(gw_oidc_roles(&rules, groups, &grants), GW_ROLE_ADMIN);
	json_decref(grants);
	json_decref(groups);
	gw_oidc_rules_clear(&rules);
}

static void wrong_rules_are_named_by_their_line(void **state)
{
	static const char *const texts[] = {"\nroot * x", "\nadmin", "\nadmin *", "\nadmin a/b x",
	    "\nnone * x", "\nadmin a2345678901234567890123456789012 x"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		gw_oidc_rules rules;
		sot_err err = {0};
		assert_int_equal(gw_oidc_rules_parse(sot_str_c(texts[i]), &rules, &err), SOT_INVALID);
		assert_non_null(strstr(err.text, "line 2"));
	}
}

static void claims_are_found_by_path(void **state)
{
	json_t *claims = json_loads("{\"a.b\":1,\"a\":{\"b\":2,\"c\":{\"d\":3}}}", 0, NULL);
	(void)state;
	assert_int_equal(json_integer_value(gw_oidc_claim(claims, "a.b")), 1);
	assert_int_equal(json_integer_value(gw_oidc_claim(claims, "a.c.d")), 3);
	assert_null(gw_oidc_claim(claims, "a.x.d"));
	assert_null(gw_oidc_claim(claims, "z"));
	json_decref(claims);
}

static int make_keys(void **state)
{
	(void)state;
	assert_int_equal(gnutls_privkey_init(&rsa), 0);
	assert_int_equal(gnutls_privkey_init(&small_rsa), 0);
	assert_int_equal(gnutls_privkey_init(&ec), 0);
	assert_int_equal(gnutls_privkey_generate(rsa, GNUTLS_PK_RSA, 2048, 0), 0);
	assert_int_equal(gnutls_privkey_generate(small_rsa, GNUTLS_PK_RSA, 1024, 0), 0);
	assert_int_equal(gnutls_privkey_generate(
	                     ec, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
	    0);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	gnutls_privkey_deinit(rsa);
	gnutls_privkey_deinit(small_rsa);
	gnutls_privkey_deinit(ec);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tokens_of_the_providers_keys_are_read),
	    cmocka_unit_test(a_token_with_one_other_byte_is_refused),
	    cmocka_unit_test(other_algorithms_and_other_keys_are_refused),
	    cmocka_unit_test(what_is_no_token_is_refused),
	    cmocka_unit_test(a_token_counts_for_this_client_this_log_in_and_now),
	    cmocka_unit_test(names_are_those_of_accounts),
	    cmocka_unit_test(what_a_browser_holds_gives_the_secrets_for_ten_minutes),
	    cmocka_unit_test(a_code_is_for_who_has_the_verifier_for_two_minutes),
	    cmocka_unit_test(a_log_in_of_the_command_line_names_its_port_or_none),
	    cmocka_unit_test(only_pages_of_this_site_are_gone_back_to),
	    cmocka_unit_test(groups_give_roles),
	    cmocka_unit_test(wrong_rules_are_named_by_their_line),
	    cmocka_unit_test(claims_are_found_by_path),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
