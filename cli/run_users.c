/* Users, grants, tokens, permissions. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One line of stdin, so that no password stands in a list of processes. */
static bool set_password(json_t *body, const cli_call *call)
{
	char line[300] = "";
	bool right = true;
	if (cli_option_of(call, "password", 0) == NULL)
		return true;
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (strlen(line) < 12 || strlen(line) > 256) {
		cli_say("error: --password reads one line of 12 to 256 characters from stdin");
		right = false;
	}
	(void)json_object_set_new(body, "password", json_string(line));
	explicit_bzero(line, sizeof(line));
	return right;
}

cli_exit run_user_create(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "name", call->args[0]);
	bool right = cli_set_text(body, call, "role", "role", "viewer") && set_password(body, call);
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_user_update(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_set_text(body, call, "role", "role", NULL) &&
	             cli_set_flag(body, call, "disabled", "disabled") && set_password(body, call);
	return cli_send_if(call, right, "PUT", body);
}

static bool set_reach(json_t *body, const cli_call *call)
{
	return cli_set_text(body, call, "team", "team", NULL) &&
	       cli_set_text(body, call, "app", "app", NULL) &&
	       cli_set_text(body, call, "environment", "environment", NULL);
}

cli_exit run_grant_add(const cli_call *call)
{
	json_t *body = json_pack("{s:s, s:s}", "user", call->args[0], "role", call->args[1]);
	return cli_send_if(call, set_reach(body, call), "POST", body);
}

cli_exit run_token_create(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "description", call->args[0]);
	bool right = cli_set_option_number(body, call, "days", "days") &&
	             cli_set_text(body, call, "role", "role", NULL) &&
	             cli_set_text(body, call, "user", "user", NULL) && set_reach(body, call);
	return cli_send_if(call, right, "POST", body);
}

static const cli_column permission_columns[] = {
    {.title = "OPERATION", .path = "operation"},
    {.title = "METHOD", .path = "method"},
    {.title = "PATH", .path = "path"},
    {.title = "PERMITTED", .path = "permitted"},
    {.title = "EVERYWHERE", .path = "everywhere"},
    {.title = "ROLE", .path = "role", .wide = true},
    {.title = "NEEDED ON", .path = "scope", .wide = true},
    {.title = NULL},
};

cli_exit run_permission_list(const cli_call *call)
{
	char *path = cli_query_path(call);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK)
		cli_print_items(
		    call, permission_columns, "operation", cli_at(reply.json, "routes"), reply.json);
	cli_reply_clear(&reply);
	free(path);
	return result;
}
