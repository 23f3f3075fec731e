#include "gw_admin.h"

#include "gw_password.h"
#include "gw_sql.h"
#include "gw_ssh_ca.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_DAYS 90
#define TIMEOUT_MS 10000

bool gw_admin_take(int *argc, char **argv, gw_admin *ret)
{
	int kept = 1, n = *argc;
	*ret = (gw_admin){0};
	for (int i = 1; i < n; i++) {
		if (strcmp(argv[i], "--add-account") == 0 && i + 2 < n) {
			ret->account = argv[i + 1];
			ret->role = argv[i + 2];
			i += 2;
		} else if (strcmp(argv[i], "--add-token") == 0 && i + 1 < n) {
			ret->token_of = argv[i + 1];
			i++;
		} else if (strcmp(argv[i], "--remove-account") == 0 && i + 1 < n) {
			ret->removed = argv[i + 1];
			i++;
		} else if (strcmp(argv[i], "--break-glass") == 0 && i + 1 < n) {
			ret->break_glass = argv[i + 1];
			i++;
		} else if (strcmp(argv[i], "--make-ssh-ca") == 0) {
			ret->make_ssh_ca = true;
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	argv[kept] = NULL;
	return ret->account != NULL || ret->token_of != NULL || ret->removed != NULL ||
	       ret->make_ssh_ca || ret->break_glass != NULL;
}

static sot_code read_password(char ret[257], sot_err *err)
{
	size_t n = fread(ret, 1, 256, stdin);
	ret[n] = '\0';
	n = strcspn(ret, "\r\n");
	ret[n] = '\0';
	if (n < 12)
		return sot_fail(err, SOT_INVALID,
		    "the password on stdin has %zu characters; 12 to 256 on one line are needed", n);
	return SOT_OK;
}

typedef struct outcome {
	reactor *loop;
	bool done;
	sot_code code;
	sot_err err;
} outcome;

static void on_done(void *self, const store_outcome *o)
{
	outcome *out = self;
	out->done = true;
	out->code = o->code;
	if (o->code != SOT_OK)
		(void)sot_fail(&out->err, o->code, "%s", o->why != NULL ? o->why->text : o->sqlstate);
}

static void on_up(void *self, bool up, const sot_err *why)
{
	(void)self;
	(void)up;
	(void)why;
}

/* Runs the loop until the one transaction is over; its own deadline ends it. */
static sot_code commit(
    const gateway_config *config, void (*fill)(store_tx *tx, void *arg), void *arg, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	SOT_AUTO(store) db = NULL;
	outcome out = {0};
	store_options options = {.conninfo = config->database,
	    .service = "api-gateway-admin",
	    .statements = gw_statements,
	    .statement_count = GW_STATEMENT_COUNT,
	    .connections = 1,
	    .deadline_ms = TIMEOUT_MS};
	store_tx *tx;
	if (reactor_new(&loop, err) != SOT_OK || store_check(&options, err) != SOT_OK ||
	    store_new(loop, &options, on_up, NULL, &db, err) != SOT_OK)
		return err->code;
	tx = store_begin(db);
	fill(tx, arg);
	if (store_commit(&tx, on_done, &out, err) != SOT_OK)
		return err->code;
	while (!out.done)
		reactor_turn(loop, 100);
	if (out.code != SOT_OK)
		return sot_fail(err, out.code, "%s", out.err.text);
	return SOT_OK;
}

typedef struct account {
	const gw_admin *admin;
	char hash[GW_PASSWORD_HASH_MAX];
} account;

static void fill_account(store_tx *tx, void *arg)
{
	const account *a = arg;
	store_query(tx, GW_SQL_ACCOUNT_PUT, NULL, NULL);
	store_arg_c(tx, a->admin->account);
	store_arg_c(tx, a->admin->role);
	store_arg_c(tx, a->hash);
}

static sot_code add_account(const gateway_config *config, const gw_admin *admin, sot_err *err)
{
	account a = {.admin = admin};
	char password[257];
	sot_code code;
	if (gw_role_parse(sot_str_c(admin->role)) == GW_ROLE_PUBLIC)
		return sot_fail(err, SOT_INVALID,
		    "'%s' is no role; use viewer, developer, middleware, operator or admin", admin->role);
	if (read_password(password, err) != SOT_OK)
		return err->code;
	code = gw_password_hash(password, a.hash, err);
	explicit_bzero(password, sizeof(password));
	return code == SOT_OK ? commit(config, fill_account, &a, err) : code;
}

typedef struct token {
	const char *account;
	char id[17], secret[65];
	uint8_t digest[GW_SHA256_N];
} token;

static void fill_token(store_tx *tx, void *arg)
{
	const token *t = arg;
	store_query(tx, GW_SQL_TOKEN_ADD, NULL, NULL);
	store_arg_c(tx, t->id);
	store_arg_bytes(tx, (sot_str){(const char *)t->digest, sizeof(t->digest)});
	store_arg_c(tx, t->account);
	store_arg_i64(tx, TOKEN_DAYS);
}

static void make_secret(token *t)
{
	call_random_hex(t->id, 8);
	call_random_hex(t->secret, 32);
	call_sha256(sot_str_c(t->secret), t->digest);
}

static sot_code add_token(const gateway_config *config, const gw_admin *admin, sot_err *err)
{
	token t = {.account = admin->token_of};
	make_secret(&t);
	if (commit(config, fill_token, &t, err) != SOT_OK)
		return sot_wrap(err, "token for account '%s'", admin->token_of);
	printf("sot_%s_%s\n", t.id, t.secret);
	return SOT_OK;
}

static void fill_break_glass(store_tx *tx, void *arg)
{
	const token *t = arg;
	store_query(tx, GW_SQL_BREAK_GLASS, NULL, NULL);
	store_arg_c(tx, t->id);
	store_arg_bytes(tx, (sot_str){(const char *)t->digest, sizeof(t->digest)});
	store_arg_c(tx, t->account); /* the reason */
}

static sot_code break_glass(const gateway_config *config, const char *reason, sot_err *err)
{
	token t = {.account = reason};
	if (strlen(reason) < 4 || strlen(reason) > 200)
		return sot_fail(err, SOT_INVALID, "--break-glass needs a reason of 4 to 200 characters");
	make_secret(&t);
	if (commit(config, fill_break_glass, &t, err) != SOT_OK)
		return sot_wrap(err, "break-glass");
	printf("sot_%s_%s\n", t.id, t.secret);
	(void)fprintf(stderr, "admin for one hour; it is in the audit and in the events\n");
	return SOT_OK;
}

/* ---- an account's end ---- */

typedef struct removal {
	const char *account;
	bool found;
} removal;

static void on_removed(void *self, const store_result *res)
{
	removal *r = self;
	r->found = store_rows(res) == 1;
}

static void fill_removal(store_tx *tx, void *arg)
{
	removal *r = arg;
	store_query(tx, GW_SQL_ACCOUNT_DROP, on_removed, r);
	store_arg_c(tx, r->account);
	store_query(tx, GW_SQL_SSH_REVOKE_CERTIFICATES, NULL, NULL);
	store_arg_c(tx, r->account);
	store_arg_i64(tx, 0);
	store_arg_c(tx, "operator of the gateway's machine");
	store_arg_c(tx, "");
	store_query(tx, GW_SQL_SSH_REVOKE_KEYS, NULL, NULL);
	store_arg_c(tx, r->account);
	store_arg_c(tx, "operator of the gateway's machine");
	store_query(tx, GW_SQL_AUDIT_ADD, NULL, NULL);
	store_arg_c(tx, "local:gateway");
	store_arg_c(tx, "");
	store_arg_c(tx, "");
	store_arg_c(tx, "account.remove");
	store_arg_c(tx, r->account);
	store_arg_c(tx, "done");
	store_arg_c(tx, "{}");
}

static sot_code remove_account(const gateway_config *config, const char *name, sot_err *err)
{
	removal r = {.account = name};
	if (commit(config, fill_removal, &r, err) != SOT_OK)
		return sot_wrap(err, "account '%s'", name);
	return r.found ? SOT_OK : sot_fail(err, SOT_NOT_FOUND, "there is no account '%s'", name);
}

sot_code gw_admin_run(const gateway_config *config, const gw_admin *admin, sot_err *err)
{
	if (admin->make_ssh_ca && gw_ssh_ca_make(config->ssh_dir, err) != SOT_OK)
		return sot_wrap(err, "ssh_dir");
	if (admin->break_glass != NULL && break_glass(config, admin->break_glass, err) != SOT_OK)
		return err->code;
	if (admin->removed != NULL && remove_account(config, admin->removed, err) != SOT_OK)
		return err->code;
	if (admin->account != NULL && add_account(config, admin, err) != SOT_OK)
		return err->code;
	return admin->token_of != NULL ? add_token(config, admin, err) : SOT_OK;
}
