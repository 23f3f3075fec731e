#include "gateway_call.h"

#include <stdio.h>
#include <stdlib.h>

#include "sot_file.h"

enum { TOKEN_MAX = 512 };

static sot_code read_token(const agent *a, char dst[static TOKEN_MAX + 32], sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_AUTO_BUF text;
	sot_str rest;
	sot_buf_init(&text, TOKEN_MAX);
	(void)snprintf(path, sizeof(path), "%s/fetch.token", a->config->state_dir);
	sot_code code = sot_file_read(path, &text, err);
	if (code != SOT_OK)
		return code;
	sot_str token = sot_str_cut(sot_buf_str(&text), '\n', &rest);
	(void)snprintf(dst, TOKEN_MAX + 32, "Authorization: Bearer %.*s", SOT_ARG(token));
	return SOT_OK;
}

/* A call under way. */
typedef struct call {
	gateways *gateways;
	const char *gateway; /* that was asked */
	http_done_fn done;
	void *self;
} call;

static void on_answer(void *self, const http_reply *reply)
{
	call c = *(call *)self;
	free(self);
	if (reply->code != SOT_OK || reply->status >= 500)
		gateways_failed(c.gateways, c.gateway);
	c.done(c.self, reply);
}

sot_code gateway_call(agent *a, const char *method, const char *path, sot_str body,
    size_t answer_max, http_done_fn done, void *self, sot_err *err)
{
	char url[1024], token[TOKEN_MAX + 32];
	const char *headers[] = {token, "Content-Type: application/json", NULL};
	sot_code code = read_token(a, token, err);
	if (code != SOT_OK)
		return code;
	const char *gateway = gateways_url(a->gateways);
	(void)snprintf(url, sizeof(url), "%s%s", gateway, path);
	http_request q = {.method = method,
	    .url = url,
	    .ca_file = *a->config->gateway_ca ? a->config->gateway_ca : NULL,
	    .headers = headers,
	    .body = body,
	    .deadline_ms = GATEWAY_CALL_MS,
	    .body_max = answer_max,
	    .output_fd = -1,
	    .netns_fd = -1};
	call *c = sot_alloc(sizeof(*c));
	*c = (call){a->gateways, gateway, done, self};
	code = http_client_send(a->http, &q, on_answer, c, NULL, err);
	if (code != SOT_OK)
		free(c);
	return code;
}

const char *gateway_call_fault(const http_reply *reply, int status, int other_status, sot_err *err)
{
	if (reply->code != SOT_OK)
		(void)sot_fail(
		    err, reply->code, "gateway: %s", reply->why ? reply->why->text : "no answer");
	else if (reply->status != status && reply->status != other_status)
		(void)sot_fail(err, SOT_UNAVAILABLE, "gateway: status %d: %.*s", reply->status,
		    (int)(reply->body.n < 120 ? reply->body.n : 120), reply->body.p ? reply->body.p : "");
	else
		return NULL;
	return err->text;
}
