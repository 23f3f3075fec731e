/* The audit: all of it as lines, its chain. Webhooks. */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Pages go out as they come: an audit may be larger than memory. */
cli_exit run_audit_export(const cli_call *call)
{
	char *path = cli_query_path(call);
	char *after = sot_strdup("");
	cli_exit result = CLI_OK;
	while (result == CLI_OK && after != NULL) {
		SOT_AUTO_BUF full;
		cli_reply reply;
		sot_buf_init(&full, 65536);
		sot_buf_printf(&full, "%s%climit=500%s%s", path, strchr(path, '?') != NULL ? '&' : '?',
		    after[0] != '\0' ? "&after=" : "", after);
		result = cli_send(call, &(cli_request){.method = "GET", .path = full.p}, &reply);
		free(after);
		after = NULL;
		if (result == CLI_OK) {
			size_t i;
			json_t *row;
			const json_t *next = cli_at(reply.json, "next");
			json_array_foreach(json_object_get(reply.json, "items"), i, row)
			{
				(void)json_dumpf(row, stdout, JSON_COMPACT);
				(void)putchar('\n');
			}
			after = json_is_string(next) ? sot_strdup(json_string_value(next)) : NULL;
		}
		cli_reply_clear(&reply);
	}
	free(after);
	free(path);
	return result;
}

cli_exit run_audit_check(const cli_call *call)
{
	json_int_t after = 0, head = 0;
	cli_exit result = CLI_OK;
	do {
		char path[64];
		cli_reply reply;
		(void)snprintf(path, sizeof(path), "/v1/audit/check?after=%" JSON_INTEGER_FORMAT, after);
		result = cli_send(call, &(cli_request){.method = "GET", .path = path}, &reply);
		if (result == CLI_OK && cli_text_at(reply.json, "fault")[0] != '\0') {
			cli_say(
			    "error: the audit is not as it was written: %s", cli_text_at(reply.json, "fault"));
			result = CLI_FAILED;
		}
		json_int_t next = json_integer_value(cli_at(reply.json, "next"));
		head = json_integer_value(cli_at(reply.json, "head"));
		if (result == CLI_OK && next <= after && after < head)
			result = CLI_FAILED; /* cannot be: no fault, and no step */
		after = next;
		cli_reply_clear(&reply);
	} while (result == CLI_OK && after < head);
	if (result == CLI_OK)
		printf("%" JSON_INTEGER_FORMAT " rows, each as it was written\n", after);
	return result;
}

cli_exit run_webhook_create(const cli_call *call)
{
	json_t *body = json_pack("{s:s, s:s}", "name", call->args[0], "url", call->args[1]);
	bool right = cli_set_texts(body, call, "kind", "kinds") &&
	             cli_set_text(body, call, "app", "app", NULL) &&
	             cli_set_text(body, call, "host", "host", NULL) &&
	             cli_set_text(body, call, "changed", "changed", NULL);
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_webhook_update(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_set_flag(body, call, "paused", "paused") &&
	             cli_set_option_number(body, call, "after", "after");
	return cli_send_if(call, right, "PUT", body);
}
