#include "gw_oidc.h"

#include "gw_seal.h"
#include "gw_text.h"
#include "sot_mem.h"
#include "sot_parse.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define LIFE_S 600
#define SKEW_S 60
#define CODE_LIFE_S 120
#define RULES_MAX 1000
#define GROUPS_MAX 2000

_Static_assert(sodium_base64_ENCODED_LEN(32, VARIANT) <= GW_OIDC_SECRET_MAX, "a secret's text");

/* ---- one log-in ---- */
static void derive(const uint8_t key[32], const char *purpose, sot_str cookie, char ret[44])
{
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	(void)crypto_auth_hmacsha256_init(&state, key, 32);
	(void)crypto_auth_hmacsha256_update(
	    &state, (const unsigned char *)purpose, strlen(purpose) + 1);
	(void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)cookie.p, cookie.n);
	(void)crypto_auth_hmacsha256_final(&state, mac);
	(void)sodium_bin2base64(ret, GW_OIDC_SECRET_MAX, mac, sizeof(mac), VARIANT);
	sodium_memzero(mac, sizeof(mac));
}

void gw_oidc_secrets_of(const uint8_t key[32], sot_str cookie, gw_oidc_secrets *ret)
{
	derive(key, "oidc state", cookie, ret->state);
	derive(key, "oidc nonce", cookie, ret->nonce);
	derive(key, "oidc verifier", cookie, ret->verifier);
	gw_oidc_challenge(sot_str_c(ret->verifier), ret->challenge);
}

void gw_oidc_challenge(sot_str verifier, char ret[GW_OIDC_SECRET_MAX])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	(void)crypto_hash_sha256(digest, (const unsigned char *)verifier.p, verifier.n);
	(void)sodium_bin2base64(ret, GW_OIDC_SECRET_MAX, digest, sizeof(digest), VARIANT);
}

void gw_oidc_cookie(
    sot_str random_hex, int64_t now_unix_s, sot_str back, char ret[GW_OIDC_COOKIE_MAX])
{
	char text[sodium_base64_ENCODED_LEN(GW_OIDC_BACK_MAX, VARIANT)] = "";
	if (!gw_oidc_is_own_path(back))
		back = SOT_STR("/");
	(void)sodium_bin2base64(text, sizeof(text), (const unsigned char *)back.p, back.n, VARIANT);
	(void)snprintf(ret, GW_OIDC_COOKIE_MAX, "%.*s.%lld.%s", (int)random_hex.n, random_hex.p,
	    (long long)now_unix_s, text);
}

sot_code gw_oidc_cookie_read(
    sot_str cookie, int64_t now_unix_s, char ret_back[GW_OIDC_BACK_MAX + 1], sot_err *err)
{
	sot_str rest, back, random_hex = sot_str_cut(cookie, '.', &rest);
	sot_str made = sot_str_cut(rest, '.', &back);
	uint64_t made_unix_s = 0;
	size_t n = 0;
	if (random_hex.n < 32 || sot_parse_u64(made, 1, INT64_MAX, &made_unix_s, NULL) != SOT_OK ||
	    (int64_t)made_unix_s > now_unix_s + SKEW_S || now_unix_s - (int64_t)made_unix_s > LIFE_S)
		return sot_fail(err, SOT_INVALID,
		    "this log-in was not begun in this browser, or more than ten minutes ago");
	if (sodium_base642bin((unsigned char *)ret_back, GW_OIDC_BACK_MAX, back.p, back.n, NULL, &n,
	        NULL, VARIANT) != 0 ||
	    !gw_oidc_is_own_path((sot_str){ret_back, n})) {
		ret_back[0] = '/';
		n = 1;
	}
	ret_back[n] = '\0';
	return SOT_OK;
}

bool gw_oidc_is_own_path(sot_str back)
{
	if (back.n == 0 || back.n > GW_OIDC_BACK_MAX || back.p[0] != '/' ||
	    (back.n > 1 && (back.p[1] == '/' || back.p[1] == '\\')))
		return false;
	for (size_t i = 0; i < back.n; i++)
		if (back.p[i] <= ' ' || back.p[i] >= 0x7f || back.p[i] == '\\' || back.p[i] == '"')
			return false;
	return true;
}

/* ---- the command line ---- */
bool gw_oidc_is_cli(sot_str back)
{
	return sot_str_starts(back, GW_OIDC_CLI_PATH);
}

/* Base64url of `min` characters at least. */
static bool take_text(sot_str value, size_t min, char ret[GW_OIDC_SECRET_MAX])
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (value.n < min || sot_str_copy(value, ret, GW_OIDC_SECRET_MAX, NULL) != SOT_OK)
		return false;
	return strspn(ret, plain) == value.n;
}

sot_code gw_oidc_cli_read(sot_str back, gw_oidc_cli *ret, sot_err *err)
{
	sot_str rest = {back.p + sizeof(GW_OIDC_CLI_PATH) - 1, back.n - sizeof(GW_OIDC_CLI_PATH) + 1};
	uint64_t port = 0;
	bool is_right = gw_oidc_is_cli(back);
	*ret = (gw_oidc_cli){.port = 0};
	while (is_right && rest.n > 0) {
		sot_str value, name = sot_str_cut(sot_str_cut(rest, '&', &rest), '=', &value);
		if (sot_str_eq_c(name, "challenge"))
			is_right = take_text(value, GW_OIDC_SECRET_MAX - 1, ret->challenge);
		else if (sot_str_eq_c(name, "state"))
			is_right = take_text(value, 22, ret->state);
		else if (sot_str_eq_c(name, "port"))
			is_right = sot_parse_u64(value, 1024, 65535, &port, NULL) == SOT_OK;
	}
	ret->port = (unsigned)port;
	if (!is_right || ret->challenge[0] == '\0' || ret->state[0] == '\0')
		return sot_fail(err, SOT_INVALID,
		    "a log-in of the command line needs challenge and state, and a port above 1023");
	return SOT_OK;
}

void gw_oidc_code(const uint8_t key[32], const uint8_t nonce[24], const char *challenge,
    const char *session, int64_t now_unix_s, char ret[GW_OIDC_CODE_MAX])
{
	char owner[80], secret[GW_SEAL_SECRET_MAX];
	_Static_assert(GW_OIDC_CODE_MAX >= GW_SEAL_TEXT_MAX, "a code is a sealed text");
	(void)snprintf(owner, sizeof(owner), "log-in code %s", challenge);
	(void)snprintf(secret, sizeof(secret), "%.64s %lld", session, (long long)now_unix_s);
	gw_seal(key, nonce, sot_str_c(owner), sot_str_c(secret), ret);
	sodium_memzero(secret, sizeof(secret));
}

sot_code gw_oidc_code_read(const uint8_t key[32], sot_str code, sot_str verifier,
    int64_t now_unix_s, char ret_session[GW_OIDC_SESSION_N + 1], sot_err *err)
{
	char owner[80], challenge[GW_OIDC_SECRET_MAX], secret[GW_SEAL_SECRET_MAX + 1] = "";
	uint64_t made_unix_s = 0;
	sot_str made, session;
	gw_oidc_challenge(verifier, challenge);
	(void)snprintf(owner, sizeof(owner), "log-in code %s", challenge);
	/* What is not sealed would be taken as it is. */
	if (!sot_str_starts(code, "x1:") ||
	    gw_unseal(key, sot_str_c(owner), code, secret, NULL) != SOT_OK)
		return sot_fail(err, SOT_INVALID, "this code is of another log-in, or was changed");
	session = sot_str_cut(sot_str_c(secret), ' ', &made);
	if (session.n != GW_OIDC_SESSION_N ||
	    sot_parse_u64(made, 1, INT64_MAX, &made_unix_s, NULL) != SOT_OK ||
	    (int64_t)made_unix_s > now_unix_s + SKEW_S ||
	    now_unix_s - (int64_t)made_unix_s > CODE_LIFE_S)
		return sot_fail(err, SOT_INVALID, "this code is older than two minutes; begin again");
	gw_copy_cut(session, ret_session, GW_OIDC_SESSION_N + 1);
	sodium_memzero(secret, sizeof(secret));
	return SOT_OK;
}

/* ---- claims ---- */
static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* The client is the audience, or one of several and then also the party it was issued to. */
static bool is_for(const json_t *claims, const char *client)
{
	const json_t *audience = json_object_get(claims, "aud");
	const json_t *party = json_object_get(claims, "azp");
	bool named = is_text(audience, client);
	size_t i;
	json_t *one;
	json_array_foreach((json_t *)(uintptr_t)audience, i, one) named = named || is_text(one, client);
	if (party == NULL)
		return named && json_array_size(audience) <= 1;
	return named && is_text(party, client);
}

sot_code gw_oidc_check_claims(const json_t *claims, const gw_oidc_expected *expected, sot_err *err)
{
	const json_t *expires = json_object_get(claims, "exp");
	const json_t *issued = json_object_get(claims, "iat");
	const json_t *subject = json_object_get(claims, "sub");
	if (!is_text(json_object_get(claims, "iss"), expected->issuer))
		return sot_fail(err, SOT_INVALID,
		    "the token was issued by another one than oidc_issuer; both must be the same text");
	if (!is_for(claims, expected->client))
		return sot_fail(err, SOT_INVALID, "the token is for another client than oidc_client_id");
	if (!json_is_integer(expires) || !json_is_integer(issued))
		return sot_fail(err, SOT_INVALID, "the token does not say from when until when it holds");
	if (json_integer_value(expires) <= expected->now_unix_s - SKEW_S ||
	    json_integer_value(issued) > expected->now_unix_s + SKEW_S)
		return sot_fail(err, SOT_INVALID,
		    "the token does not hold now; compare the clocks of this machine and the provider");
	if (!is_text(json_object_get(claims, "nonce"), expected->nonce))
		return sot_fail(err, SOT_INVALID, "the token belongs to another log-in");
	if (!json_is_string(subject) || json_string_length(subject) < 1 ||
	    json_string_length(subject) > 255)
		return sot_fail(err, SOT_INVALID, "the token does not say who has logged in (sub)");
	return SOT_OK;
}

const json_t *gw_oidc_claim(const json_t *claims, const char *name)
{
	const json_t *value = json_object_get(claims, name);
	sot_str rest = sot_str_c(name), segment;
	char part[128];
	if (value != NULL || strchr(name, '.') == NULL)
		return value;
	value = claims;
	do {
		segment = sot_str_cut(rest, '.', &rest);
		gw_copy_cut(segment, part, sizeof(part));
		value = json_object_get(value, part);
	} while (rest.n > 0 && value != NULL);
	return value;
}

static bool is_account_name(const char *name)
{
	size_t n = strlen(name);
	if (n < 1 || n > 63 || name[0] < 'a' || name[0] > 'z')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

sot_code gw_oidc_name(const json_t *claims, const char *claim, char ret[64], sot_err *err)
{
	const json_t *value = gw_oidc_claim(claims, claim);
	const char *text = json_string_value(value);
	char name[64] = "";
	if (text == NULL)
		return sot_fail(err, SOT_NOT_FOUND,
		    "the provider does not say '%s' of who has logged in; let it, or set oidc_name_claim "
		    "and oidc_scopes",
		    claim);
	for (size_t i = 0; text[i] != '\0' && text[i] != '@'; i++) {
		if (i + 1 >= sizeof(name)) {
			name[0] = '\0';
			break;
		}
		name[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
		name[i + 1] = '\0';
	}
	if (!is_account_name(name))
		return sot_fail(err, SOT_INVALID,
		    "'%.80s' cannot be the name of an account: a letter, then letters, digits, '.', '_' "
		    "and '-', at most 63; another claim may do (oidc_name_claim)",
		    text);
	memcpy(ret, name, sizeof(name));
	return SOT_OK;
}

/* ---- groups to roles ---- */
static sot_str next_word(sot_str line, sot_str *rest)
{
	sot_str word;
	while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
		line = (sot_str){line.p + 1, line.n - 1};
	word = (sot_str){line.p, 0};
	while (word.n < line.n && line.p[word.n] != ' ' && line.p[word.n] != '\t')
		word.n++;
	*rest = (sot_str){line.p + word.n, line.n - word.n};
	return word;
}

static sot_str trimmed(sot_str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (sot_str){s.p + 1, s.n - 1};
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static bool is_team(sot_str team)
{
	if (sot_str_eq_c(team, "*"))
		return true;
	for (size_t i = 0; i < team.n; i++) {
		char c = team.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        c == '.' || c == '_' || c == '-'))
			return false;
	}
	return team.n > 0 && team.n <= 30;
}

static sot_code read_rule(sot_str line, gw_oidc_rule *ret, sot_err *err)
{
	sot_str rest, word = next_word(line, &rest), team = next_word(rest, &rest);
	sot_str group = trimmed(rest);
	ret->role = gw_role_parse(word);
	if (ret->role == GW_ROLE_PUBLIC)
		return sot_fail(err, SOT_INVALID,
		    "'%.*s' is no role: viewer, developer, middleware, operator or admin", SOT_ARG(word));
	if (!is_team(team))
		return sot_fail(err, SOT_INVALID, "'%.*s' is no team; '*' stands for the whole platform",
		    SOT_ARG(team));
	if (group.n == 0 || group.n > 500)
		return sot_fail(
		    err, SOT_INVALID, "a line is: ROLE TEAM GROUP, as 'developer payments payments-dev'");
	gw_copy_cut(team, ret->team, sizeof(ret->team));
	ret->group = sot_alloc(group.n + 1);
	memcpy(ret->group, group.p, group.n);
	return SOT_OK;
}

sot_code gw_oidc_rules_parse(sot_str text, gw_oidc_rules *ret, sot_err *err)
{
	gw_oidc_rules rules = {.items = sot_alloc(RULES_MAX * sizeof(gw_oidc_rule))};
	sot_code code = SOT_OK;
	size_t number = 0;
	while (text.n > 0 && code == SOT_OK) {
		sot_str line = trimmed(sot_str_cut(text, '\n', &text));
		number++;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (rules.count == RULES_MAX)
			code = sot_fail(err, SOT_LIMIT, "more than %d rules", RULES_MAX);
		else
			code = read_rule(line, &rules.items[rules.count], err);
		if (code != SOT_OK)
			(void)sot_wrap(err, "line %zu", number);
		else
			rules.count++;
	}
	if (code != SOT_OK)
		gw_oidc_rules_clear(&rules);
	else
		*ret = rules;
	return code;
}

void gw_oidc_rules_clear(gw_oidc_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free(rules->items[i].group);
	free(rules->items);
	*rules = (gw_oidc_rules){0};
}

static bool is_in(const json_t *groups, const char *group)
{
	if (strcmp(group, "*") == 0 || is_text(groups, group))
		return true;
	for (size_t i = 0; i < json_array_size(groups) && i < GROUPS_MAX; i++)
		if (is_text(json_array_get(groups, i), group))
			return true;
	return false;
}

gw_role gw_oidc_roles(const gw_oidc_rules *rules, const json_t *groups, json_t **ret_grants)
{
	gw_role role = GW_ROLE_PUBLIC;
	json_t *grants = json_array();
	for (size_t i = 0; i < rules->count; i++) {
		const gw_oidc_rule *rule = &rules->items[i];
		if (!is_in(groups, rule->group))
			continue;
		if (strcmp(rule->team, "*") != 0)
			(void)json_array_append_new(grants,
			    json_pack("{s:s,s:s}", "role", gw_role_name(rule->role), "team", rule->team));
		else if (rule->role > role)
			role = rule->role;
	}
	*ret_grants = grants;
	return role;
}
