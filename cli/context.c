/* Contexts: gateways with the token of a log-in, kept in one file that only its owner reads.
 *
 * {"current":"prod","contexts":{"prod":{"url":...,"ca":...,"token":...,"tokenId":...,"user":...}}}
 */
#include "cli.h"
#include "log_in.h"

#include "sot_file.h"
#include "sot_parse.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)
#define TOKEN_DAYS 30

/* ---- the file ---- */
static bool folder_path(char *dst, size_t size)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = base != NULL && base[0] == '/'   ? snprintf(dst, size, "%s/sotalia", base)
	        : home != NULL && home[0] == '/' ? snprintf(dst, size, "%s/.config/sotalia", home)
	                                         : 0;
	return n > 0 && (size_t)n < size;
}

static bool file_path(char *dst, size_t size)
{
	char folder[PATH_MAX - 32];
	if (!folder_path(folder, sizeof(folder)))
		return false;
	(void)snprintf(dst, size, "%s/contexts.json", folder);
	return true;
}

/* {} when there is none; NULL: what is wrong with it was said. */
static json_t *load(void)
{
	char path[PATH_MAX];
	SOT_AUTO_BUF text;
	sot_err err = {0};
	json_t *all;
	json_error_t wrong;
	sot_buf_init(&text, FILE_BYTES_MAX);
	if (!file_path(path, sizeof(path)) || sot_file_read(path, &text, &err) != SOT_OK)
		return json_object();
	all = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &wrong);
	if (json_is_object(all))
		return all;
	json_decref(all);
	cli_say("error: %s, line %d: %s; mend or remove it", path, wrong.line, wrong.text);
	return NULL;
}

static bool save(const json_t *all)
{
	char folder[PATH_MAX - 32], path[PATH_MAX];
	char *text = json_dumps(all, JSON_INDENT(2) | JSON_SORT_KEYS);
	sot_err err = {0};
	bool is_saved = folder_path(folder, sizeof(folder)) && file_path(path, sizeof(path));
	if (!is_saved) {
		cli_say("error: neither XDG_CONFIG_HOME nor HOME says where contexts are kept");
	} else {
		char *last = strrchr(folder, '/');
		*last = '\0';
		(void)mkdir(folder, 0700);
		*last = '/';
		(void)mkdir(folder, 0700);
		is_saved = sot_file_write(path, sot_str_c(text), 0600, &err) == SOT_OK;
		if (!is_saved)
			cli_say("error: %s", err.text);
	}
	free(text);
	return is_saved;
}

static json_t *context_of(const json_t *all, const char *name)
{
	return json_object_get(json_object_get(all, "contexts"), name);
}

/* ---- who one is ---- */
static const char *option_or_environment(
    const cli_call *call, const char *option, const char *variable)
{
	const char *value = cli_option_of(call, option, 0);
	if (value == NULL)
		value = getenv(variable);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *text_or_null(const json_t *object, const char *field)
{
	const char *text = cli_text_at(object, field);
	return text[0] != '\0' ? text : NULL;
}

static cli_exit say_no_context(const char *name)
{
	cli_say("error: there is no context '%s'; sotalia context list shows those there are", name);
	return CLI_NOT_FOUND;
}

/* A gateway that was named otherwise never gets the token of another one. */
static void take_context(cli_call *call, const json_t *context)
{
	const char *url = text_or_null(context, "url");
	if (call->url != NULL && (url == NULL || strcmp(call->url, url) != 0))
		return;
	call->url = url;
	call->token = call->token != NULL ? call->token : text_or_null(context, "token");
	call->ca_file = call->ca_file != NULL ? call->ca_file : text_or_null(context, "ca");
}

bool cli_call_identity(cli_call *call)
{
	const char *name = option_or_environment(call, "context", "SOTALIA_CONTEXT");
	const json_t *context;
	call->url = option_or_environment(call, "url", "SOTALIA_URL");
	call->token = option_or_environment(call, "token", "SOTALIA_TOKEN");
	call->ca_file = option_or_environment(call, "ca", "SOTALIA_CA");
	if (name != NULL || call->url == NULL) {
		static json_t *all; /* for as long as the program: `call` points into it */
		if (all == NULL)
			all = load();
		if (all == NULL)
			return false;
		context = context_of(all, name != NULL ? name : cli_text_at(all, "current"));
		if (name != NULL && context == NULL)
			return say_no_context(name) == CLI_OK;
		take_context(call, context);
	}
	if (call->url == NULL)
		call->url = "https://127.0.0.1:7443";
	return true;
}

/* ---- log in ---- */
static void ask(const char *what, bool is_secret, char *dst, size_t size)
{
	struct termios shown, hidden;
	bool hides = is_secret && tcgetattr(STDIN_FILENO, &shown) == 0;
	if (isatty(STDIN_FILENO) == 1)
		(void)fprintf(stderr, "%s: ", what);
	if (hides) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	if (fgets(dst, (int)size, stdin) == NULL)
		dst[0] = '\0';
	dst[strcspn(dst, "\r\n")] = '\0';
	if (hides) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		(void)fputc('\n', stderr);
	}
}

typedef struct login {
	char cookie[300], csrf[120]; /* header lines */
	const char *headers[3];
} login;

/* Takes the body. `ret_user` is who was let in. */
static cli_exit open_session(const cli_call *call, json_t *body, login *l, char ret_user[80])
{
	cli_request q = {.method = "POST", .path = "/v1/sessions", .json = body};
	cli_reply reply;
	cli_exit result = body != NULL ? cli_send(call, &q, &reply) : CLI_USAGE;
	if (body == NULL) {
		cli_say("error: the name or the password is no UTF-8");
		return result;
	}
	(void)snprintf(l->cookie, sizeof(l->cookie), "Cookie: %s", reply.cookie);
	(void)snprintf(
	    l->csrf, sizeof(l->csrf), "X-CSRF-Token: %s", cli_text_at(reply.json, "csrfToken"));
	if (result == CLI_OK)
		(void)snprintf(ret_user, 80, "%s", cli_text_at(reply.json, "name"));
	l->headers[0] = l->cookie;
	l->headers[1] = l->csrf;
	cli_reply_clear(&reply);
	json_decref(body);
	return result;
}

/* A token of its own, so that the log-in can be ended by itself and is seen in the list of tokens.
 */
static cli_exit make_token(
    const cli_call *call, const login *l, int64_t days, char *dst, size_t size)
{
	char host[65] = "", description[100];
	json_t *body;
	cli_request q = {.method = "POST", .path = "/v1/tokens", .headers = l->headers};
	cli_reply reply;
	cli_exit result;
	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(description, sizeof(description), "sotalia on %s", host);
	body = json_pack("{s:s, s:I}", "description", description, "days", (json_int_t)days);
	q.json = body;
	result = cli_send(call, &q, &reply);
	(void)snprintf(dst, size, "%s", cli_text_at(reply.json, "token"));
	cli_reply_clear(&reply);
	json_decref(body);
	return result;
}

static void close_session(const cli_call *call, const login *l)
{
	cli_request q = {
	    .method = "DELETE", .path = "/v1/sessions", .headers = l->headers, .quiet = true};
	cli_reply reply;
	(void)cli_send(call, &q, &reply);
	cli_reply_clear(&reply);
}

/* "sot_ID_SECRET": the id is what the list of tokens shows. */
static void set_token(json_t *context, const char *token)
{
	sot_str rest, id;
	(void)sot_str_cut(sot_str_c(token), '_', &rest);
	id = sot_str_cut(rest, '_', &rest);
	(void)json_object_set_new(context, "token", json_string(token));
	(void)json_object_set_new(context, "tokenId", json_stringn(id.p, id.n));
}

static cli_exit keep(const cli_call *call, const char *user, const char *token)
{
	char full[PATH_MAX];
	json_t *all = load(), *context = json_object();
	bool is_kept;
	if (all == NULL) {
		json_decref(context);
		return CLI_FAILED;
	}
	(void)json_object_set_new(context, "url", json_string(call->url));
	(void)json_object_set_new(context, "user", json_string(user));
	if (call->ca_file != NULL && realpath(call->ca_file, full) != NULL)
		(void)json_object_set_new(context, "ca", json_string(full));
	set_token(context, token);
	if (!json_is_object(json_object_get(all, "contexts")))
		(void)json_object_set_new(all, "contexts", json_object());
	(void)json_object_set_new(json_object_get(all, "contexts"), call->args[0], context);
	(void)json_object_set_new(all, "current", json_string(call->args[0]));
	is_kept = save(all);
	json_decref(all);
	return is_kept ? CLI_OK : CLI_FAILED;
}

static cli_exit open_by_password(const cli_call *call, login *l, char ret_user[80])
{
	char password[300] = "";
	const char *named = cli_option_of(call, "user", 0);
	(void)snprintf(ret_user, 80, "%s", named != NULL ? named : "");
	if (named == NULL)
		ask("user", false, ret_user, 80);
	ask("password", true, password, sizeof(password));
	json_t *body = json_pack("{s:s, s:s}", "name", ret_user, "password", password);
	explicit_bzero(password, sizeof(password));
	return open_session(call, body, l, ret_user);
}

static cli_exit open_by_browser(const cli_call *call, login *l, char ret_user[80])
{
	log_in_code found;
	cli_exit result = log_in_by_browser(call, cli_option_of(call, "paste", 0) != NULL, &found);
	if (result == CLI_OK)
		result = open_session(call,
		    json_pack("{s:s, s:s}", "code", found.code, "verifier", found.verifier), l, ret_user);
	explicit_bzero(&found, sizeof(found));
	return result;
}

/* The token is of no gateway but the one that is logged in to. */
cli_exit run_context_login(const cli_call *given)
{
	cli_call call = *given;
	login l = {.headers = {NULL}};
	char user[80] = "", token[160] = "";
	const char *days_text = cli_option_of(given, "days", 0);
	bool by_browser = cli_option_of(given, "oidc", 0) != NULL;
	uint64_t days = TOKEN_DAYS;
	cli_exit result;
	if (days_text != NULL && sot_parse_u64(sot_str_c(days_text), 1, 90, &days, NULL) != SOT_OK) {
		cli_say("error: --days=%s is not a number from 1 to 90", days_text);
		return CLI_USAGE;
	}
	call.token = NULL;
	if (call.arg_count == 0)
		call.args[0] = "default";
	result = by_browser ? open_by_browser(&call, &l, user) : open_by_password(&call, &l, user);
	if (result != CLI_OK)
		return result;
	result = make_token(&call, &l, (int64_t)days, token, sizeof(token));
	close_session(&call, &l);
	if (result == CLI_OK)
		result = keep(&call, user, token);
	if (result == CLI_OK)
		cli_say("logged in to %s as %s for %d days; this is the context '%s' from now on", call.url,
		    user, (int)days, call.args[0]);
	explicit_bzero(token, sizeof(token));
	return result;
}

/* ---- the others ---- */
/* Without the tokens: what is listed may be shown to somebody. */
static json_t *listed(const json_t *all)
{
	json_t *items = json_array(), *context;
	const char *name;
	json_object_foreach(json_object_get(all, "contexts"), name, context)
	{
		bool is_current = strcmp(cli_text_at(all, "current"), name) == 0;
		json_t *item =
		    json_pack("{s:s, s:b, s:s, s:s, s:s, s:s}", "name", name, "current", (int)is_current,
		        "url", cli_text_at(context, "url"), "user", cli_text_at(context, "user"), "ca",
		        cli_text_at(context, "ca"), "tokenId", cli_text_at(context, "tokenId"));
		(void)json_array_append_new(items, item);
	}
	return items;
}

cli_exit run_context_list(const cli_call *call)
{
	json_t *all = load(), *items, *whole;
	if (all == NULL)
		return CLI_FAILED;
	items = listed(all);
	whole = json_pack("{s:O}", "items", items);
	cli_print_items(call, call->command->columns, call->command->name_field, items, whole);
	json_decref(whole);
	json_decref(items);
	json_decref(all);
	return CLI_OK;
}

cli_exit run_context_use(const cli_call *call)
{
	json_t *all = load();
	cli_exit result = CLI_FAILED;
	if (all != NULL && context_of(all, call->args[0]) == NULL) {
		result = say_no_context(call->args[0]);
	} else if (all != NULL) {
		(void)json_object_set_new(all, "current", json_string(call->args[0]));
		result = save(all) ? CLI_OK : CLI_FAILED;
	}
	json_decref(all);
	return result;
}

/* Its token is revoked too; when that cannot be, the context stays, so that nothing valid is
 * forgotten. --keep-token forgets it all the same. */
static cli_exit revoke_token(const cli_call *call, const json_t *context)
{
	const char *id = cli_text_at(context, "tokenId");
	cli_call own = *call;
	char *path;
	cli_request q = {.method = "DELETE"};
	cli_reply reply;
	cli_exit result;
	own.url = cli_text_at(context, "url");
	own.token = cli_text_at(context, "token");
	own.ca_file = text_or_null(context, "ca");
	path = cli_path("/v1/tokens/%s", &id, 1);
	q.path = path;
	q.quiet = true;
	result = cli_send(&own, &q, &reply);
	/* It has ended by itself. */
	if (result == CLI_NOT_FOUND || reply.status == 401)
		result = CLI_OK;
	if (result != CLI_OK)
		cli_say("error: its token could not be revoked at %s; --keep-token forgets it all the same",
		    own.url);
	cli_reply_clear(&reply);
	free(path);
	return result;
}

cli_exit run_context_delete(const cli_call *call)
{
	const char *name = call->args[0];
	json_t *all = load(), *context = context_of(all, name);
	cli_exit result = all == NULL ? CLI_FAILED : context == NULL ? say_no_context(name) : CLI_OK;
	if (result == CLI_OK && cli_option_of(call, "keep-token", 0) == NULL)
		result = revoke_token(call, context);
	if (result == CLI_OK) {
		(void)json_object_del(json_object_get(all, "contexts"), name);
		if (strcmp(cli_text_at(all, "current"), name) == 0)
			(void)json_object_del(all, "current");
		result = save(all) ? CLI_OK : CLI_FAILED;
	}
	json_decref(all);
	return result;
}
