#include "gw_package.h"

#include "gw_sql.h"
#include "gw_text.h"
#include "sot_parse.h"

#include <string.h>

static void on_known(void *self, const store_result *res)
{
	gw_package *p = self;
	sot_str rest, line;
	if (store_rows(res) != 1)
		return;
	p->app_is_known = true;
	gw_copy_cut(store_text(res, 0, 0), p->known_sha256, sizeof(p->known_sha256));
	p->must_be_signed = sot_str_eq_c(store_text(res, 0, 1), "required");
	for (rest = store_text(res, 0, 2); rest.n > 0 && p->key_count < GW_PACKAGE_KEYS_MAX;) {
		line = sot_str_cut(rest, '\n', &rest);
		if (gw_minisign_key_parse(line, &p->keys[p->key_count], NULL) == SOT_OK)
			p->key_count++;
	}
}

void gw_package_ask(
    store_tx *tx, gw_package *p, bool is_middleware, const char *name, sot_str version)
{
	*p = (gw_package){0};
	gw_copy_cut(sot_str_c(name), p->app, sizeof(p->app));
	gw_copy_cut(version, p->version, sizeof(p->version));
	store_query(tx, is_middleware ? GW_SQL_MIDDLEWARE_CHECK : GW_SQL_PACKAGE_CHECK, on_known, p);
	store_arg_c(tx, name);
	store_arg_str(tx, version);
}

bool gw_package_may(
    gw_call *c, const gw_package *p, const uint8_t sha256[GW_SHA256_N], bool is_signed)
{
	char digest[65];
	sot_hex_encode(sha256, GW_SHA256_N, digest);
	if (!p->app_is_known)
		call_problem(c, 404, "not_found", "no app is called '%s'", p->app);
	else if (p->known_sha256[0] != '\0' && strcmp(p->known_sha256, digest) != 0)
		call_problem(c, 409, "conflict",
		    "version '%s' of '%s' exists with other content (sha256 %s); versions never change, "
		    "take a new one",
		    p->version, p->app, p->known_sha256);
	else if (p->must_be_signed && !is_signed)
		call_problem(c, 403, "bad_signature",
		    "packages of '%s' must be signed: sotalia package upload ... --signature=FILE.minisig",
		    p->app);
	else
		return true;
	return false;
}

void serve_middleware_rollout(gw_call *c)
{
	command_run(c, NULL);
}

void serve_app_retention_set(gw_call *c)
{
	command_run(c, NULL);
}

void serve_middleware_retention_set(gw_call *c)
{
	command_run(c, NULL);
}
